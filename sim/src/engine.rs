//! The event engine: when each job runs, on units that work in order and memories that are shared fairly.
//!
//! It knows nothing of cryptography. A job occupies one unit from its start until its work is done, moves bytes through a
//! memory while it works (double buffering: whichever takes longer decides), and ends after a fixed latency that does not
//! occupy the unit. Every unit takes its jobs strictly in the order given, phases are barriers. Between two events all
//! rates are constant, so the engine jumps from one completion to the next and the result is exact for this model.
//!
//! # What more hardware does
//!
//! Without memory traffic, a job's end is a composition of `max` and `+` over the jobs before it, because order on the
//! units is fixed: faster units, faster links, shorter latencies or less work never lengthen any phase, exactly.
//!
//! With memory traffic that need not hold: a unit that gets faster may start its next job early enough to take bandwidth
//! from a job that matters more. (A fixed priority would have the same anomaly; only a memory divided statically has
//! not.) The damage is bounded. While no memory is full, all jobs run at full speed and the longest path of what remains
//! shrinks as fast as the clock runs; a memory `m` can be full for no longer than `bytes_m / bandwidth_m`. Hence for
//! every phase `max(path, bytes_m / bandwidth_m) ≤ latency ≤ path + Σ_m bytes_m / bandwidth_m`, so that no improvement
//! ever makes a phase longer than `1 + memories` times what it was. The property tests check both bounds and measure
//! the anomaly itself.

use crate::share::{Filling, Flow, fill};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use thiserror::Error;

/// Bytes that a job moves while it works.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Traffic {
    /// How many; zero means none.
    pub bytes: f64,
    /// The memory that they pass, an index into [`Machine::memories`].
    pub memory: usize,
    /// For a copy between two memories, the other one. The same memory again has no effect: count its bytes twice instead.
    pub copy_to: Option<usize>,
}

impl Traffic {
    /// The memory that a copy writes, if it is another one.
    fn other_memory(&self) -> Option<usize> {
        self.copy_to.filter(|other| *other != self.memory)
    }
}

/// One piece of work.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// The unit that does it, below [`Machine::units`].
    pub unit: usize,
    /// The phase it belongs to.
    pub phase: usize,
    /// Seconds on its unit when no memory holds it back.
    pub work_s: f64,
    /// What it moves meanwhile.
    pub traffic: Option<Traffic>,
    /// Seconds between the unit's end of work and the job's end (propagation on a link).
    pub latency_s: f64,
    /// The jobs that must have ended before it starts: positions smaller than its own, in the same or an earlier phase.
    pub deps: Vec<usize>,
}

/// What jobs run on.
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    /// Number of units; each runs one job at a time.
    pub units: usize,
    /// Bandwidth of every shared memory, bytes per second.
    pub memories: Vec<f64>,
    /// Number of phases.
    pub phases: usize,
}

/// What decided a job's duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Its unit's speed.
    Work,
    /// A memory's bandwidth.
    Memory,
    /// The fixed latency at its end.
    Latency,
}

/// When one job ran, in seconds from the start of the first phase.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timing {
    /// Its unit took it.
    pub start_s: f64,
    /// Its unit was free again.
    pub released_s: f64,
    /// Its result was there: `released_s` plus the latency.
    pub end_s: f64,
    /// Seconds that it occupied its unit.
    pub busy_s: f64,
    /// What decided its duration.
    pub limit: Limit,
}

/// What happened in one phase.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PhaseTiming {
    /// From the phase's start to its last job's end.
    pub latency_s: f64,
    /// Seconds that each unit was occupied.
    pub unit_busy_s: Vec<f64>,
    /// Bytes that passed each memory.
    pub memory_bytes: Vec<f64>,
    /// Longest chain of jobs, by dependencies and by order on units, at full speed: a lower bound of the latency.
    pub path_s: f64,
    /// Work of each unit's jobs at full speed: a lower bound of the latency.
    pub unit_work_s: Vec<f64>,
}

/// The result of [`run`].
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Every job, in the order given.
    pub jobs: Vec<Timing>,
    /// Every phase.
    pub phases: Vec<PhaseTiming>,
}

/// Why a set of jobs cannot run.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum EngineError {
    /// A job names a unit, memory or phase that does not exist.
    #[error("job {job} uses {what} {index}, but there are only {count}")]
    OutOfRange {
        /// The job's position.
        job: usize,
        /// `unit`, `memory` or `phase`.
        what: &'static str,
        /// What it named.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// A dependency points forward, or to a later phase.
    #[error("job {job} waits for job {dep}, which does not run before it")]
    Dependency {
        /// The job's position.
        job: usize,
        /// The position that it waits for.
        dep: usize,
    },
    /// A quantity is negative or not finite.
    #[error("job {job}: {what} is {value}, which is not a finite number of at least zero")]
    Quantity {
        /// The job's position.
        job: usize,
        /// `work`, `latency` or `bytes`.
        what: &'static str,
        /// Its value.
        value: f64,
    },
    /// A memory's bandwidth is not positive and finite.
    #[error("memory {memory} has a bandwidth of {bandwidth} bytes per second; it must be positive and finite")]
    Bandwidth {
        /// Its index.
        memory: usize,
        /// Its bandwidth.
        bandwidth: f64,
    },
    /// The sum of all durations exceeds the largest number.
    #[error("the jobs take longer than can be represented")]
    Endless,
}

/// Runs `jobs` on `machine`. Phase by phase, each on its own clock, so that a phase's latency does not depend on the
/// phases before it.
pub fn run(machine: &Machine, jobs: &[Job]) -> Result<Schedule, EngineError> {
    check(machine, jobs)?;
    let idle = Timing { start_s: 0.0, released_s: 0.0, end_s: 0.0, busy_s: 0.0, limit: Limit::Work };
    let mut timings = vec![idle; jobs.len()];
    let mut phases = Vec::with_capacity(machine.phases);
    let mut offset = 0.0;
    for phase in 0..machine.phases {
        let mut clock = Clock::new(machine, jobs, phase, &mut timings);
        clock.run();
        let timing = summarize(machine, jobs, phase, &mut timings, offset)?;
        offset += timing.latency_s;
        phases.push(timing);
    }
    if offset.is_finite() { Ok(Schedule { jobs: timings, phases }) } else { Err(EngineError::Endless) }
}

fn check(machine: &Machine, jobs: &[Job]) -> Result<(), EngineError> {
    for (memory, &bandwidth) in machine.memories.iter().enumerate() {
        if !(bandwidth.is_finite() && bandwidth > 0.0) {
            return Err(EngineError::Bandwidth { memory, bandwidth });
        }
    }
    for (position, job) in jobs.iter().enumerate() {
        let in_range = |what, index, count| {
            if index < count { Ok(()) } else { Err(EngineError::OutOfRange { job: position, what, index, count }) }
        };
        let quantity = |what, value: f64| {
            if value.is_finite() && value >= 0.0 {
                Ok(())
            } else {
                Err(EngineError::Quantity { job: position, what, value })
            }
        };
        in_range("unit", job.unit, machine.units)?;
        in_range("phase", job.phase, machine.phases)?;
        quantity("work", job.work_s)?;
        quantity("latency", job.latency_s)?;
        if let Some(traffic) = &job.traffic {
            quantity("bytes", traffic.bytes)?;
            in_range("memory", traffic.memory, machine.memories.len())?;
            if let Some(other) = traffic.copy_to {
                in_range("memory", other, machine.memories.len())?;
            }
        }
        for &dep in &job.deps {
            let earlier = jobs.get(dep).is_some_and(|other| dep < position && other.phase <= job.phase);
            if !earlier {
                return Err(EngineError::Dependency { job: position, dep });
            }
        }
    }
    Ok(())
}

/// Moves a phase's jobs from its own clock to the common one, and adds them up.
fn summarize(
    machine: &Machine,
    jobs: &[Job],
    phase: usize,
    timings: &mut [Timing],
    offset: f64,
) -> Result<PhaseTiming, EngineError> {
    let mut total = PhaseTiming {
        unit_busy_s: vec![0.0; machine.units],
        unit_work_s: vec![0.0; machine.units],
        memory_bytes: vec![0.0; machine.memories.len()],
        ..PhaseTiming::default()
    };
    let mut unit_path = vec![0.0_f64; machine.units];
    let mut paths = vec![0.0_f64; jobs.len()];
    for (position, job) in jobs.iter().enumerate().filter(|(_, job)| job.phase == phase) {
        let Some(timing) = timings.get_mut(position) else { continue };
        if !timing.end_s.is_finite() {
            return Err(EngineError::Endless);
        }
        total.latency_s = total.latency_s.max(timing.end_s);
        timing.start_s += offset;
        timing.released_s += offset;
        timing.end_s += offset;
        let ready = job.deps.iter().filter_map(|dep| paths.get(*dep)).fold(0.0_f64, |a, b| a.max(*b));
        if let Some(unit) = unit_path.get_mut(job.unit) {
            *unit = unit.max(ready) + job.work_s;
            if let Some(path) = paths.get_mut(position) {
                *path = *unit + job.latency_s;
                total.path_s = total.path_s.max(*path);
            }
        }
        if let Some(busy) = total.unit_busy_s.get_mut(job.unit) {
            *busy += timing.busy_s;
        }
        if let Some(work) = total.unit_work_s.get_mut(job.unit) {
            *work += job.work_s;
        }
        if let Some(traffic) = &job.traffic {
            for memory in [Some(traffic.memory), traffic.other_memory()].into_iter().flatten() {
                if let Some(bytes) = total.memory_bytes.get_mut(memory) {
                    *bytes += traffic.bytes;
                }
            }
        }
    }
    Ok(total)
}

/// Something that happens at a time. Ordered by time, then by job, so that ties are settled by the program's order.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Event {
    time: f64,
    job: usize,
    /// The job's version when the event was made; a job whose rate has changed since ignores it.
    version: u32,
    /// The unit is done with the job (otherwise: the job's latency has passed).
    release: bool,
}

impl Eq for Event {}

impl Ord for Event {
    fn cmp(&self, other: &Self) -> Ordering {
        self.time
            .total_cmp(&other.time)
            .then(self.job.cmp(&other.job))
            .then(self.release.cmp(&other.release))
            .then(self.version.cmp(&other.version))
    }
}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A job that moves bytes, while it runs.
#[derive(Debug, Clone, Copy)]
struct Mover {
    job: usize,
    left: f64,
    /// Bytes per second; `None` until it has been given a share.
    rate: Option<f64>,
    since: f64,
}

/// A job's state while its phase runs.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    waiting_for: usize,
    version: u32,
    /// A memory has given it less than it could use, at some time.
    held_back: bool,
}

/// One phase in progress.
struct Clock<'a> {
    machine: &'a Machine,
    jobs: &'a [Job],
    timings: &'a mut [Timing],
    states: Vec<State>,
    /// Jobs that wait for each job: `dependents[first[j]..first[j + 1]]`.
    first: Vec<usize>,
    dependents: Vec<usize>,
    /// Each unit's jobs in order, and how many of them have started.
    queues: Vec<(Vec<usize>, usize)>,
    occupied: Vec<bool>,
    events: BinaryHeap<Reverse<Event>>,
    /// The jobs that move bytes now, and the flow of each, sorted by the flows' caps.
    movers: Vec<Mover>,
    flows: Vec<Flow>,
    movers_changed: bool,
    rates: Vec<f64>,
    filling: Filling,
}

impl<'a> Clock<'a> {
    fn new(machine: &'a Machine, jobs: &'a [Job], phase: usize, timings: &'a mut [Timing]) -> Self {
        let same_phase = |dep: &&usize| jobs.get(**dep).is_some_and(|other| other.phase == phase);
        let mut states = vec![State::default(); jobs.len()];
        let mut queues = vec![(Vec::new(), 0); machine.units];
        let mut first = vec![0_usize; jobs.len() + 1];
        let of_phase = || jobs.iter().enumerate().filter(move |(_, job)| job.phase == phase);
        for (position, job) in of_phase() {
            if let Some((queue, _)) = queues.get_mut(job.unit) {
                queue.push(position);
            }
            for dep in job.deps.iter().filter(same_phase) {
                if let (Some(state), Some(count)) = (states.get_mut(position), first.get_mut(dep + 1)) {
                    state.waiting_for += 1;
                    *count += 1;
                }
            }
        }
        let mut sum = 0;
        for count in &mut first {
            sum += *count;
            *count = sum;
        }
        let mut dependents = vec![0; sum];
        let mut next = first.clone();
        for (position, job) in of_phase() {
            for dep in job.deps.iter().filter(same_phase) {
                if let Some(slot) = next.get_mut(*dep) {
                    if let Some(entry) = dependents.get_mut(*slot) {
                        *entry = position;
                    }
                    *slot += 1;
                }
            }
        }
        Self {
            machine,
            jobs,
            timings,
            states,
            first,
            dependents,
            queues,
            occupied: vec![false; machine.units],
            events: BinaryHeap::new(),
            movers: Vec::new(),
            flows: Vec::new(),
            movers_changed: false,
            rates: Vec::new(),
            filling: Filling::default(),
        }
    }

    fn run(&mut self) {
        for unit in 0..self.machine.units {
            self.advance(unit, 0.0);
        }
        self.reshare(0.0);
        while let Some(Reverse(event)) = self.events.pop() {
            self.handle(event);
            // All that happens at one moment happens before rates are shared again.
            while let Some(&Reverse(next)) = self.events.peek() {
                if next.time > event.time {
                    break;
                }
                self.events.pop();
                self.handle(next);
            }
            self.reshare(event.time);
        }
    }

    /// Starts the unit's next job if the unit is free and the job is ready.
    fn advance(&mut self, unit: usize, now: f64) {
        if self.occupied.get(unit).copied().unwrap_or(true) {
            return;
        }
        let Some((queue, started)) = self.queues.get_mut(unit) else { return };
        let Some(&position) = queue.get(*started) else { return };
        if self.states.get(position).is_none_or(|state| state.waiting_for > 0) {
            return;
        }
        *started += 1;
        if let Some(occupied) = self.occupied.get_mut(unit) {
            *occupied = true;
        }
        if let Some(timing) = self.timings.get_mut(position) {
            timing.start_s = now;
        }
        let Some(job) = self.jobs.get(position) else { return };
        match &job.traffic {
            Some(traffic) if traffic.bytes > 0.0 => {
                let cap = traffic.bytes / job.work_s;
                let flow = Flow { cap, memory: traffic.memory, copy_to: traffic.other_memory() };
                // Sorted by cap, as sharing wants it; equal caps in order of arrival.
                let place = self.flows.partition_point(|other| other.cap <= cap);
                self.flows.insert(place, flow);
                self.movers.insert(place, Mover { job: position, left: traffic.bytes, rate: None, since: now });
                self.movers_changed = true;
            }
            _ => self.events.push(Reverse(Event { time: now + job.work_s, job: position, version: 0, release: true })),
        }
    }

    fn handle(&mut self, event: Event) {
        let Some(job) = self.jobs.get(event.job) else { return };
        if !event.release {
            return self.complete(event.job, event.time);
        }
        if self.states.get(event.job).is_none_or(|state| state.version != event.version) {
            return;
        }
        let Some(timing) = self.timings.get_mut(event.job) else { return };
        timing.released_s = event.time;
        timing.end_s = event.time + job.latency_s;
        // A job that no memory held back took its work; the clock's difference would only add its rounding.
        let held_back = self.states.get(event.job).is_some_and(|state| state.held_back);
        timing.busy_s = if held_back { (event.time - timing.start_s).max(job.work_s) } else { job.work_s };
        timing.limit = if job.latency_s > timing.busy_s {
            Limit::Latency
        } else if held_back {
            Limit::Memory
        } else {
            Limit::Work
        };
        let end = timing.end_s;
        if job.traffic.is_some_and(|traffic| traffic.bytes > 0.0) {
            if let Some(place) = self.movers.iter().position(|mover| mover.job == event.job) {
                self.movers.remove(place);
                self.flows.remove(place);
            }
            self.movers_changed = true;
        }
        if let Some(occupied) = self.occupied.get_mut(job.unit) {
            *occupied = false;
        }
        if job.latency_s > 0.0 {
            self.events.push(Reverse(Event { time: end, job: event.job, version: 0, release: false }));
        } else {
            self.complete(event.job, end);
        }
        self.advance(job.unit, event.time);
    }

    /// The job has ended: those that waited for it may start.
    fn complete(&mut self, position: usize, now: f64) {
        let (Some(&from), Some(&to)) = (self.first.get(position), self.first.get(position + 1)) else { return };
        for slot in from..to {
            let Some(&dependent) = self.dependents.get(slot) else { continue };
            let Some(state) = self.states.get_mut(dependent) else { continue };
            state.waiting_for -= 1;
            if state.waiting_for == 0 {
                if let Some(unit) = self.jobs.get(dependent).map(|job| job.unit) {
                    self.advance(unit, now);
                }
            }
        }
    }

    /// Shares the memories among the jobs that now move bytes, and predicts anew when those end whose rate has changed.
    fn reshare(&mut self, now: f64) {
        if !self.movers_changed {
            return;
        }
        self.movers_changed = false;
        fill(&self.flows, &self.machine.memories, &mut self.filling, &mut self.rates);
        for ((mover, flow), &rate) in self.movers.iter_mut().zip(&self.flows).zip(&self.rates) {
            if mover.rate == Some(rate) {
                continue;
            }
            let Some(job) = self.jobs.get(mover.job) else { continue };
            // A job that starts at full speed ends after exactly its work: no rounding may creep into what is undisturbed.
            let undisturbed = mover.rate.is_none() && rate == flow.cap;
            mover.left = (mover.left - mover.rate.unwrap_or(0.0) * (now - mover.since)).max(0.0);
            mover.since = now;
            mover.rate = Some(rate);
            let time = if undisturbed { now + job.work_s } else { now + mover.left / rate };
            if let Some(state) = self.states.get_mut(mover.job) {
                state.version += 1;
                state.held_back |= rate < flow.cap;
                let event = Event { time, job: mover.job, version: state.version, release: true };
                self.events.push(Reverse(event));
            }
        }
    }
}
