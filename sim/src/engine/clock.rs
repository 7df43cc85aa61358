//! One phase in progress: events, and the rates between them.

use super::{Job, Limit, Machine, Timing};
use crate::share::{Filling, Flow, NO_MEMORY, even_level, fill};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

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

/// A running job that shares something: its amount is the bytes that it moves, or the seconds of its work if it moves none.
#[derive(Debug, Clone, Copy)]
struct Mover {
    job: usize,
    /// What is left of the amount.
    left: f64,
    /// Amount per second; `None` until it has been given a share.
    rate: Option<f64>,
    since: f64,
    /// Amount per second at full speed.
    full: f64,
    /// The share of the cores that it wants, above 0 and up to 1.
    share: f64,
}

/// A job's state while its phase runs.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    waiting_for: usize,
    version: u32,
    /// A memory has given it less than it could use, at some time.
    held_back: bool,
    /// Its pool has given it fewer cores than it could use, at some time.
    crowded: bool,
}

/// One phase in progress.
pub(super) struct Clock<'a> {
    machine: &'a Machine,
    jobs: &'a [Job],
    timings: &'a mut [Timing],
    states: Vec<State>,
    /// Jobs that wait for each job: `dependents[first[j]..first[j + 1]]`.
    first: Vec<usize>,
    dependents: Vec<usize>,
    /// Each unit's jobs in order, and how many of them have started.
    queues: Vec<(Vec<usize>, usize)>,
    /// Lanes of each unit that no job occupies.
    free: Vec<usize>,
    events: BinaryHeap<Reverse<Event>>,
    /// The jobs that share something now, and the flow of each; sorted by the flows' caps when they are shared.
    movers: Vec<Mover>,
    flows: Vec<Flow>,
    movers_changed: bool,
    /// Scratch: the cores that the jobs of one pool want.
    wanted: Vec<f64>,
    rates: Vec<f64>,
    filling: Filling,
}

impl<'a> Clock<'a> {
    pub(super) fn new(machine: &'a Machine, jobs: &'a [Job], phase: usize, timings: &'a mut [Timing]) -> Self {
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
            free: (0..machine.units).map(|unit| machine.lanes_of(unit)).collect(),
            events: BinaryHeap::new(),
            movers: Vec::new(),
            flows: Vec::new(),
            movers_changed: false,
            wanted: Vec::new(),
            rates: Vec::new(),
            filling: Filling::default(),
        }
    }

    /// Runs the phase to its end; the timings hold when each of its jobs ran, on the phase's own clock.
    pub(super) fn run(&mut self) {
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

    /// Starts the unit's next jobs while it has a free lane and the first of them is ready.
    fn advance(&mut self, unit: usize, now: f64) {
        while self.start_next(unit, now) {}
    }

    fn start_next(&mut self, unit: usize, now: f64) -> bool {
        let Some(free) = self.free.get_mut(unit).filter(|free| **free > 0) else { return false };
        let Some((queue, started)) = self.queues.get_mut(unit) else { return false };
        let Some(&position) = queue.get(*started) else { return false };
        if self.states.get(position).is_none_or(|state| state.waiting_for > 0) {
            return false;
        }
        *started += 1;
        *free -= 1;
        if let Some(timing) = self.timings.get_mut(position) {
            timing.start_s = now;
        }
        let Some(job) = self.jobs.get(position) else { return false };
        match shared_amount(job) {
            Some(amount) => {
                let full = amount / job.work_s;
                let mover = Mover { job: position, left: amount, rate: None, since: now, full, share: 1.0 };
                // Sorted by speed, as sharing wants it; equal speeds in order of arrival.
                let place = self.movers.partition_point(|other| other.full <= full);
                self.movers.insert(place, mover);
                self.movers_changed = true;
            }
            None => {
                self.events.push(Reverse(Event { time: now + job.work_s, job: position, version: 0, release: true }))
            }
        }
        true
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
        // A job that nothing held back took its work; the clock's difference would only add its rounding.
        let state = self.states.get(event.job).copied().unwrap_or_default();
        let slowed = state.held_back || state.crowded;
        timing.busy_s = if slowed { (event.time - timing.start_s).max(job.work_s) } else { job.work_s };
        timing.limit = if job.latency_s > timing.busy_s {
            Limit::Latency
        } else if state.held_back {
            Limit::Memory
        } else if state.crowded {
            Limit::Cores
        } else {
            Limit::Work
        };
        let end = timing.end_s;
        if let Some(place) = self.movers.iter().position(|mover| mover.job == event.job) {
            self.movers.remove(place);
            self.movers_changed = true;
        }
        if let Some(free) = self.free.get_mut(job.unit) {
            *free += 1;
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
            if state.waiting_for == 0
                && let Some(unit) = self.jobs.get(dependent).map(|job| job.unit)
            {
                self.advance(unit, now);
            }
        }
    }

    /// Shares cores and memories among the jobs that now run, and predicts anew when those end whose rate has changed.
    fn reshare(&mut self, now: f64) {
        if !self.movers_changed {
            return;
        }
        self.movers_changed = false;
        self.share_cores();
        self.movers.sort_by(|a, b| (a.full * a.share).total_cmp(&(b.full * b.share)));
        let flow = |mover: &Mover| {
            let traffic = self.jobs.get(mover.job).and_then(|job| job.traffic).filter(|traffic| traffic.bytes > 0.0);
            let (memory, copy_to) = traffic.map_or((NO_MEMORY, None), |moved| (moved.memory, moved.other_memory()));
            Flow { cap: mover.full * mover.share, memory, copy_to }
        };
        self.flows.clear();
        self.flows.extend(self.movers.iter().map(flow));
        fill(&self.flows, &self.machine.memories, &mut self.filling, &mut self.rates);
        for ((mover, flow), &rate) in self.movers.iter_mut().zip(&self.flows).zip(&self.rates) {
            if mover.rate == Some(rate) {
                continue;
            }
            let Some(job) = self.jobs.get(mover.job) else { continue };
            // A job that starts at full speed ends after exactly its work: no rounding may creep into what is undisturbed.
            let undisturbed = mover.rate.is_none() && rate == mover.full;
            mover.left = (mover.left - mover.rate.unwrap_or(0.0) * (now - mover.since)).max(0.0);
            mover.since = now;
            mover.rate = Some(rate);
            let time = if undisturbed { now + job.work_s } else { now + mover.left / rate };
            if let Some(state) = self.states.get_mut(mover.job) {
                state.version += 1;
                state.held_back |= rate < flow.cap;
                state.crowded |= mover.share < 1.0;
                let event = Event { time, job: mover.job, version: state.version, release: true };
                self.events.push(Reverse(event));
            }
        }
    }

    /// Gives every running job of every pool its share of the cores that it wants.
    fn share_cores(&mut self) {
        for (pool, &cores) in self.machine.pools.iter().enumerate() {
            let wants = |mover: &Mover| {
                // What does no work but moves bytes holds no core.
                let job = self.jobs.get(mover.job).filter(|job| job.work_s > 0.0)?;
                job.cores.filter(|wanted| wanted.pool == pool).map(|wanted| wanted.count)
            };
            self.wanted.clear();
            self.wanted.extend(self.movers.iter().filter_map(wants));
            let level = even_level(&mut self.wanted, cores);
            for mover in &mut self.movers {
                if let Some(count) = wants(mover) {
                    mover.share = if count > level { level / count } else { 1.0 };
                }
            }
        }
    }
}

/// What a job must get shares of while it runs: bytes, or the seconds of its work on a pool; `None` if nothing is shared.
fn shared_amount(job: &Job) -> Option<f64> {
    let bytes = job.traffic.map(|traffic| traffic.bytes).filter(|bytes| *bytes > 0.0);
    bytes.or_else(|| job.cores.map(|_| job.work_s).filter(|work_s| *work_s > 0.0))
}
