//! Phases without events: when jobs would run if sharing cost them nothing, and what sharing can cost at least and at most.

use super::phase::{Lanes, longest};
use super::{EngineError, Graph, Limit, Load, Machine, PhaseTiming, Timing, Traffic, Workspace};

/// Space of an estimate.
#[derive(Debug, Default)]
pub(super) struct Alone {
    /// Of each load.
    spans: Vec<Span>,
}

/// What a load takes with memories and cores for itself.
#[derive(Debug, Clone, Copy)]
struct Span {
    /// Seconds on its unit.
    busy_s: f64,
    /// The latency after them.
    latency_s: f64,
    /// Whether a memory decides most of it.
    held: bool,
}

impl Graph {
    /// Estimates every phase. Afterwards the workspace holds every phase's sums, with jobs that take as long as they would
    /// alone, and the end of every job's longest chain.
    ///
    /// # Errors
    /// As [`Graph::run`].
    pub fn estimate(&self, machine: &Machine, loads: &[Load], workspace: &mut Workspace) -> Result<(), EngineError> {
        self.check(machine, loads)?;
        let Workspace { phases, alone, lanes, paths, .. } = workspace;
        phases.resize_with(self.phases, PhaseTiming::default);
        alone.spans.clear();
        alone.spans.extend(loads.iter().map(|load| load.alone(machine)));
        paths.resize(self.nodes.len(), 0.0);
        let mut sum_s = 0.0;
        for (number, phase) in phases.iter_mut().enumerate() {
            phase.reset(machine);
            phase.path_s = self.path_s(machine, number, &alone.spans, lanes, paths);
        }
        self.tally(machine, loads, &alone.spans, phases);
        for phase in phases {
            phase.latency_s = phase.least_s(machine);
            sum_s += phase.latency_s;
        }
        if sum_s.is_finite() { Ok(()) } else { Err(EngineError::Endless) }
    }

    /// The longest chain of jobs through a phase.
    fn path_s(&self, machine: &Machine, phase: usize, spans: &[Span], lanes: &mut Lanes, paths: &mut [f64]) -> f64 {
        lanes.clear(machine);
        let mut last = 0.0_f64;
        for &position in self.of_phase.of(phase) {
            let Some(node) = self.nodes.get(position) else { continue };
            let Some(span) = spans.get(node.load) else { continue };
            let path = longest(self, lanes, paths, position, span.busy_s) + span.latency_s;
            last = last.max(path);
            if let Some(slot) = paths.get_mut(position) {
                *slot = path;
            }
        }
        last
    }

    /// Sums of every phase: equal jobs at once.
    fn tally(&self, machine: &Machine, loads: &[Load], spans: &[Span], phases: &mut [PhaseTiming]) {
        let add = |sums: &mut [f64], position: usize, amount: f64| {
            if let Some(sum) = sums.get_mut(position) {
                *sum += amount;
            }
        };
        for tally in &self.tallies {
            let (Some(load), Some(span)) = (loads.get(tally.load), spans.get(tally.load)) else { continue };
            let Some(phase) = phases.get_mut(tally.phase) else { continue };
            let jobs = tally.jobs as f64;
            let on_lanes = jobs / machine.lanes_of(tally.unit) as f64;
            add(&mut phase.unit_busy_s, tally.unit, on_lanes * span.busy_s);
            add(&mut phase.unit_work_s, tally.unit, on_lanes * load.work_s);
            if let Some(cores) = &load.cores {
                add(&mut phase.pool_core_s, cores.pool, jobs * cores.count * load.work_s);
            }
            if let Some(traffic) = &load.traffic {
                add(&mut phase.memory_bytes, traffic.memory, jobs * traffic.bytes);
                if let Some(other) = traffic.other_memory() {
                    add(&mut phase.memory_bytes, other, jobs * traffic.bytes);
                }
            }
        }
    }
}

impl Load {
    /// With all memories and cores for itself: each stretch takes what takes longest.
    fn alone(&self, machine: &Machine) -> Span {
        let mut span = Span { busy_s: 0.0, latency_s: self.latency_s, held: false };
        let (mut held_s, bytes_per_s) = (0.0, self.bandwidth(machine));
        for stretch in self.stretches() {
            let moving_s = stretch.bytes / bytes_per_s;
            let mut seconds = stretch.work_s.max(moving_s);
            if let Some(cores) = &self.cores {
                let there = machine.pools.get(cores.pool).copied().unwrap_or(f64::INFINITY);
                seconds = seconds.max(stretch.work_s * cores.count / there);
            }
            span.busy_s += seconds;
            held_s += if moving_s > stretch.work_s { seconds } else { 0.0 };
        }
        span.held = 2.0 * held_s > span.busy_s;
        span
    }

    /// Bytes per second of the slowest memory that it uses.
    fn bandwidth(&self, machine: &Machine) -> f64 {
        let of = |memory: usize| machine.memories.get(memory).copied().unwrap_or(f64::INFINITY);
        let both = |traffic: Traffic| of(traffic.memory).min(traffic.copy_to.map_or(f64::INFINITY, of));
        self.traffic.map_or(f64::INFINITY, both)
    }
}

impl PhaseTiming {
    /// What the phase takes at least: its longest chain, and all that each memory and pool has to do.
    pub(crate) fn least_s(&self, machine: &Machine) -> f64 {
        self.shared_s(machine).fold(self.path_s, f64::max)
    }

    /// What the phase takes at most: its longest chain, and after it all that each memory and pool has to do.
    pub(crate) fn most_s(&self, machine: &Machine) -> f64 {
        self.path_s + self.shared_s(machine).sum::<f64>()
    }

    /// Seconds that each memory and each pool needs at its full rate.
    fn shared_s(&self, machine: &Machine) -> impl Iterator<Item = f64> {
        let memories = self.memory_bytes.iter().zip(&machine.memories);
        memories.chain(self.pool_core_s.iter().zip(&machine.pools)).map(|(amount, rate)| amount / rate)
    }
}

impl Workspace {
    /// After an estimate: when every job would have run with memories and cores for itself, as if an engine had run them.
    pub fn time_estimate(&mut self, graph: &Graph, loads: &[Load]) {
        let mut starts_s = Vec::with_capacity(self.phases.len());
        let mut sum_s = 0.0;
        for phase in &self.phases {
            starts_s.push(sum_s);
            sum_s += phase.latency_s;
        }
        self.timings.clear();
        for (node, path) in graph.nodes.iter().zip(&self.paths) {
            let latency_s = loads.get(node.load).map_or(0.0, |load| load.latency_s);
            let span = self.alone.spans.get(node.load);
            let busy_s = span.map_or(0.0, |span| span.busy_s);
            let start_s = starts_s.get(node.phase).copied().unwrap_or(0.0);
            let released_s = start_s + (path - latency_s).max(0.0);
            let limit = if latency_s > busy_s {
                Limit::Latency
            } else if span.is_some_and(|span| span.held) {
                Limit::Memory
            } else {
                Limit::Work
            };
            let start_s = (released_s - busy_s).max(start_s);
            self.timings.push(Timing { start_s, released_s, end_s: released_s + latency_s, busy_s, limit });
        }
    }
}
