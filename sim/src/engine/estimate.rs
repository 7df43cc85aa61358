//! Phases without events: when jobs would run if sharing cost them nothing, and what sharing can cost at least and at most.

use super::phase::{Lanes, longest};
use super::{EngineError, Graph, Limit, Load, Machine, PhaseTiming, Timing, Workspace};

/// Space of an estimate.
#[derive(Debug, Default)]
pub(super) struct Alone {
    /// Of each load: seconds on its unit with memories and cores for itself, and the latency after them.
    spans_s: Vec<(f64, f64)>,
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
        alone.spans_s.clear();
        alone.spans_s.extend(loads.iter().map(|load| (load.alone_s(machine), load.latency_s)));
        paths.resize(self.nodes.len(), 0.0);
        let mut sum_s = 0.0;
        for (number, phase) in phases.iter_mut().enumerate() {
            phase.reset(machine);
            phase.path_s = self.path_s(machine, number, &alone.spans_s, lanes, paths);
        }
        self.tally(machine, loads, &alone.spans_s, phases);
        for phase in phases {
            phase.latency_s = phase.least_s(machine);
            sum_s += phase.latency_s;
        }
        if sum_s.is_finite() { Ok(()) } else { Err(EngineError::Endless) }
    }

    /// The longest chain of jobs through a phase.
    fn path_s(
        &self,
        machine: &Machine,
        phase: usize,
        spans_s: &[(f64, f64)],
        lanes: &mut Lanes,
        paths: &mut [f64],
    ) -> f64 {
        lanes.clear(machine);
        let mut last = 0.0_f64;
        for &position in self.of_phase.of(phase) {
            let Some(node) = self.nodes.get(position) else { continue };
            let Some(&(span_s, latency_s)) = spans_s.get(node.load) else { continue };
            let path = longest(self, lanes, paths, position, span_s) + latency_s;
            last = last.max(path);
            if let Some(slot) = paths.get_mut(position) {
                *slot = path;
            }
        }
        last
    }

    /// Sums of every phase: equal jobs at once.
    fn tally(&self, machine: &Machine, loads: &[Load], spans_s: &[(f64, f64)], phases: &mut [PhaseTiming]) {
        let add = |sums: &mut [f64], position: usize, amount: f64| {
            if let Some(sum) = sums.get_mut(position) {
                *sum += amount;
            }
        };
        for tally in &self.tallies {
            let (Some(load), Some(span)) = (loads.get(tally.load), spans_s.get(tally.load)) else { continue };
            let Some(phase) = phases.get_mut(tally.phase) else { continue };
            let jobs = tally.jobs as f64;
            let on_lanes = jobs / machine.lanes_of(tally.unit) as f64;
            add(&mut phase.unit_busy_s, tally.unit, on_lanes * span.0);
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
    /// Seconds on its unit with all memories and cores for itself.
    fn alone_s(&self, machine: &Machine) -> f64 {
        let mut seconds = self.work_s;
        if let Some(traffic) = &self.traffic {
            for memory in [Some(traffic.memory), traffic.other_memory()].into_iter().flatten() {
                let bandwidth = machine.memories.get(memory).copied().unwrap_or(f64::INFINITY);
                seconds = seconds.max(traffic.bytes / bandwidth);
            }
        }
        if let Some(cores) = &self.cores {
            let there = machine.pools.get(cores.pool).copied().unwrap_or(f64::INFINITY);
            seconds = seconds.max(self.work_s * cores.count / there);
        }
        seconds
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
            let work_s = loads.get(node.load).map_or(0.0, |load| load.work_s);
            let busy_s = self.alone.spans_s.get(node.load).map_or(0.0, |span| span.0);
            let start_s = starts_s.get(node.phase).copied().unwrap_or(0.0);
            let released_s = start_s + (path - latency_s).max(0.0);
            let limit = if latency_s > busy_s {
                Limit::Latency
            } else if busy_s > work_s {
                Limit::Memory
            } else {
                Limit::Work
            };
            let start_s = (released_s - busy_s).max(start_s);
            self.timings.push(Timing { start_s, released_s, end_s: released_s + latency_s, busy_s, limit });
        }
    }
}
