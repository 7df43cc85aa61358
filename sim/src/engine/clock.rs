//! One phase in progress: events, and the rates between them.

use super::{Graph, Limit, Load, Machine, Stretch, Timing};
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
    /// What it does now.
    stretch: Stretch,
}

/// A job's state while its phase runs.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    waiting_for: usize,
    version: u32,
    /// Its first stretch is done, if it has two.
    turned: bool,
    /// When its stretch began.
    since: f64,
    /// A memory has given it less than it could use, at some time in this stretch.
    held_back: bool,
    /// Seconds of the stretches in which a memory did.
    held_s: f64,
    /// Its pool has given it fewer cores than it could use, at some time.
    crowded: bool,
}

/// Space for a phase in progress, kept between phases and runs.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    states: Vec<State>,
    /// Of each unit's jobs in the phase, how many have started.
    started: Vec<usize>,
    /// Lanes of each unit that no job occupies.
    free: Vec<usize>,
    events: BinaryHeap<Reverse<Event>>,
    /// The jobs that share something now, and the flow of each; sorted by the flows' caps when they are shared.
    movers: Vec<Mover>,
    flows: Vec<Flow>,
    movers_changed: bool,
    /// The cores that the jobs of one pool want.
    wanted: Vec<f64>,
    rates: Vec<f64>,
    filling: Filling,
}

impl Scratch {
    /// Makes room for the jobs of a run: every state is new, and lasts for the only phase that has the job.
    pub(super) fn start(&mut self, graph: &Graph) {
        let new = |&waiting_for: &usize| State { waiting_for, ..State::default() };
        self.states.clear();
        self.states.extend(graph.waiting_for.iter().map(new));
    }
}

/// One phase in progress.
pub(super) struct Clock<'a> {
    pub graph: &'a Graph,
    pub machine: &'a Machine,
    pub loads: &'a [Load],
    pub phase: usize,
    pub timings: &'a mut [Timing],
    pub scratch: &'a mut Scratch,
}

impl Clock<'_> {
    /// Runs the phase to its end; the timings hold when each of its jobs ran, on the phase's own clock.
    pub(super) fn run(&mut self) {
        let units = self.graph.units;
        self.scratch.started.clear();
        self.scratch.started.resize(units, 0);
        self.scratch.free.clear();
        self.scratch.free.extend((0..units).map(|unit| self.machine.lanes_of(unit)));
        self.scratch.events.clear();
        self.scratch.movers.clear();
        self.scratch.movers_changed = false;
        for unit in 0..units {
            self.advance(unit, 0.0);
        }
        self.reshare(0.0);
        while let Some(Reverse(event)) = self.scratch.events.pop() {
            self.handle(event);
            // All that happens at one moment happens before rates are shared again.
            while let Some(&Reverse(next)) = self.scratch.events.peek() {
                if next.time > event.time {
                    break;
                }
                self.scratch.events.pop();
                self.handle(next);
            }
            self.reshare(event.time);
        }
    }

    /// The unit and load of a job.
    #[inline]
    fn job(&self, position: usize) -> Option<(usize, &Load)> {
        let node = self.graph.nodes.get(position)?;
        Some((node.unit, self.loads.get(node.load)?))
    }

    /// Starts the unit's next jobs while it has a free lane and the first of them is ready.
    fn advance(&mut self, unit: usize, now: f64) {
        while self.start_next(unit, now) {}
    }

    fn start_next(&mut self, unit: usize, now: f64) -> bool {
        let scratch = &mut *self.scratch;
        let Some(free) = scratch.free.get_mut(unit).filter(|free| **free > 0) else { return false };
        let Some(started) = scratch.started.get_mut(unit) else { return false };
        let queue = self.graph.queues.of(self.phase * self.graph.units + unit);
        let Some(&position) = queue.get(*started) else { return false };
        if scratch.states.get(position).is_none_or(|state| state.waiting_for > 0) {
            return false;
        }
        *started += 1;
        *free -= 1;
        if let Some(timing) = self.timings.get_mut(position) {
            timing.start_s = now;
        }
        let load = self.graph.nodes.get(position).and_then(|node| self.loads.get(node.load));
        let Some(load) = load else { return false };
        let stretch = if load.first.is_empty() { load.rest() } else { load.first };
        self.begin(position, stretch, load.cores.is_some(), now);
        true
    }

    /// Begins a stretch of a job.
    fn begin(&mut self, position: usize, stretch: Stretch, on_cores: bool, now: f64) {
        let scratch = &mut *self.scratch;
        let Some(state) = scratch.states.get_mut(position) else { return };
        state.since = now;
        let Stretch { work_s, bytes } = stretch;
        // What it must get shares of: bytes, or the seconds of its work on a pool.
        let shared = if bytes > 0.0 { Some(bytes) } else { (on_cores && work_s > 0.0).then_some(work_s) };
        match shared {
            Some(amount) => {
                let full = amount / work_s;
                let mover = Mover { job: position, left: amount, rate: None, since: now, full, share: 1.0, stretch };
                // Sorted by speed, as sharing wants it; equal speeds in order of arrival.
                let place = scratch.movers.partition_point(|other| other.full <= full);
                scratch.movers.insert(place, mover);
                scratch.movers_changed = true;
            }
            None => {
                let event = Event { time: now + work_s, job: position, version: state.version, release: true };
                scratch.events.push(Reverse(event));
            }
        }
    }

    /// A stretch of a job has ended: it takes its next one, if there is.
    fn turn(&mut self, position: usize, now: f64) -> bool {
        let Some((_, load)) = self.job(position) else { return false };
        let (two, rest, on_cores) = (!load.first.is_empty(), load.rest(), load.cores.is_some());
        if let Some(place) = self.scratch.movers.iter().position(|mover| mover.job == position) {
            self.scratch.movers.remove(place);
            self.scratch.movers_changed = true;
        }
        let Some(state) = self.scratch.states.get_mut(position) else { return false };
        if std::mem::take(&mut state.held_back) {
            state.held_s += now - state.since;
        }
        if state.turned || !two || rest.is_empty() {
            return false;
        }
        state.turned = true;
        state.version += 1;
        self.begin(position, rest, on_cores, now);
        true
    }

    fn handle(&mut self, event: Event) {
        let Some((unit, load)) = self.job(event.job) else { return };
        let (work_s, latency_s) = (load.work_s, load.latency_s);
        if !event.release {
            return self.complete(event.job, event.time);
        }
        if self.scratch.states.get(event.job).is_none_or(|state| state.version != event.version) {
            return;
        }
        if self.turn(event.job, event.time) {
            return;
        }
        let Some(state) = self.scratch.states.get(event.job).copied() else { return };
        let Some(timing) = self.timings.get_mut(event.job) else { return };
        timing.released_s = event.time;
        timing.end_s = event.time + latency_s;
        // A job that nothing held back took its work; the clock's difference would only add its rounding.
        let slowed = state.held_s > 0.0 || state.crowded;
        timing.busy_s = if slowed { (event.time - timing.start_s).max(work_s) } else { work_s };
        timing.limit = if latency_s > timing.busy_s {
            Limit::Latency
        } else if 2.0 * state.held_s > timing.busy_s {
            Limit::Memory
        } else if state.crowded {
            Limit::Cores
        } else {
            Limit::Work
        };
        let end = timing.end_s;
        if let Some(free) = self.scratch.free.get_mut(unit) {
            *free += 1;
        }
        if latency_s > 0.0 {
            self.scratch.events.push(Reverse(Event { time: end, job: event.job, version: 0, release: false }));
        } else {
            self.complete(event.job, end);
        }
        self.advance(unit, event.time);
    }

    /// The job has ended: those that waited for it may start.
    fn complete(&mut self, position: usize, now: f64) {
        let graph = self.graph;
        for &dependent in graph.dependents.of(position) {
            let Some(state) = self.scratch.states.get_mut(dependent) else { continue };
            state.waiting_for -= 1;
            if state.waiting_for == 0
                && let Some(node) = graph.nodes.get(dependent)
            {
                self.advance(node.unit, now);
            }
        }
    }

    /// Shares cores and memories among the jobs that now run, and predicts anew when those end whose rate has changed.
    fn reshare(&mut self, now: f64) {
        if !self.scratch.movers_changed {
            return;
        }
        self.scratch.movers_changed = false;
        self.share_cores();
        let (graph, loads) = (self.graph, self.loads);
        let load_of = |mover: &Mover| graph.nodes.get(mover.job).and_then(|node| loads.get(node.load));
        let Scratch { movers, flows, filling, rates, states, events, .. } = &mut *self.scratch;
        movers.sort_by(|a, b| (a.full * a.share).total_cmp(&(b.full * b.share)));
        let flow = |mover: &Mover| {
            let traffic = load_of(mover).and_then(|load| load.traffic).filter(|_| mover.stretch.bytes > 0.0);
            let (memory, copy_to) = traffic.map_or((NO_MEMORY, None), |moved| (moved.memory, moved.other_memory()));
            Flow { cap: mover.full * mover.share, memory, copy_to }
        };
        flows.clear();
        flows.extend(movers.iter().map(flow));
        fill(flows, &self.machine.memories, filling, rates);
        for ((mover, flow), &rate) in movers.iter_mut().zip(flows.iter()).zip(rates.iter()) {
            if mover.rate == Some(rate) {
                continue;
            }
            // A job that starts at full speed ends after exactly its work: no rounding may creep into what is undisturbed.
            let undisturbed = mover.rate.is_none() && rate == mover.full;
            mover.left = (mover.left - mover.rate.unwrap_or(0.0) * (now - mover.since)).max(0.0);
            mover.since = now;
            mover.rate = Some(rate);
            let time = if undisturbed { now + mover.stretch.work_s } else { now + mover.left / rate };
            if let Some(state) = states.get_mut(mover.job) {
                state.version += 1;
                state.held_back |= rate < flow.cap;
                state.crowded |= mover.share < 1.0;
                let event = Event { time, job: mover.job, version: state.version, release: true };
                events.push(Reverse(event));
            }
        }
    }

    /// Gives every running job of every pool its share of the cores that it wants.
    fn share_cores(&mut self) {
        let (graph, loads) = (self.graph, self.loads);
        let Scratch { movers, wanted, .. } = &mut *self.scratch;
        for (pool, &cores) in self.machine.pools.iter().enumerate() {
            let wants = |mover: &Mover| {
                // What does no work but moves bytes holds no core.
                let load = graph.nodes.get(mover.job).and_then(|node| loads.get(node.load));
                let cores = load.filter(|_| mover.stretch.work_s > 0.0)?.cores;
                cores.filter(|wanted| wanted.pool == pool).map(|wanted| wanted.count)
            };
            wanted.clear();
            wanted.extend(movers.iter().filter_map(wants));
            let level = even_level(wanted, cores);
            for mover in movers.iter_mut() {
                if let Some(count) = wants(mover) {
                    mover.share = if count > level { level / count } else { 1.0 };
                }
            }
        }
    }
}
