//! The sums of a phase that has run, and the longest chain through it.

use super::{EngineError, Graph, Load, Machine, PhaseTiming, Timing};

/// What a phase is summed up from.
pub(super) struct Sums<'a> {
    pub graph: &'a Graph,
    pub machine: &'a Machine,
    pub loads: &'a [Load],
    pub lanes: &'a mut Lanes,
    pub paths: &'a mut Vec<f64>,
}

impl PhaseTiming {
    /// All zero, with room for every unit, memory and pool.
    pub(super) fn reset(&mut self, machine: &Machine) {
        let zero = |sums: &mut Vec<f64>, count: usize| {
            sums.clear();
            sums.resize(count, 0.0);
        };
        (self.latency_s, self.path_s) = (0.0, 0.0);
        zero(&mut self.unit_busy_s, machine.units);
        zero(&mut self.unit_work_s, machine.units);
        zero(&mut self.memory_bytes, machine.memories.len());
        zero(&mut self.pool_core_s, machine.pools.len());
    }
}

impl Sums<'_> {
    /// Moves the phase's jobs from its own clock to the common one, and adds them up.
    pub fn add_up(
        &mut self,
        phase: usize,
        offset: f64,
        timings: &mut [Timing],
        total: &mut PhaseTiming,
    ) -> Result<(), EngineError> {
        self.lanes.clear(self.machine);
        self.paths.resize(self.graph.nodes.len(), 0.0);
        for &position in self.graph.of_phase.of(phase) {
            let Some(node) = self.graph.nodes.get(position) else { continue };
            let (Some(load), Some(timing)) = (self.loads.get(node.load), timings.get_mut(position)) else { continue };
            if !timing.end_s.is_finite() {
                return Err(EngineError::Endless);
            }
            total.latency_s = total.latency_s.max(timing.end_s);
            timing.start_s += offset;
            timing.released_s += offset;
            timing.end_s += offset;
            let path = longest(self.graph, self.lanes, self.paths, position, load.work_s) + load.latency_s;
            total.path_s = total.path_s.max(path);
            if let Some(slot) = self.paths.get_mut(position) {
                *slot = path;
            }
            let lanes = self.machine.lanes_of(node.unit) as f64;
            add(&mut total.unit_busy_s, node.unit, timing.busy_s / lanes);
            add(&mut total.unit_work_s, node.unit, load.work_s / lanes);
            if let Some(cores) = &load.cores {
                add(&mut total.pool_core_s, cores.pool, cores.count * load.work_s);
            }
            if let Some(traffic) = &load.traffic {
                add(&mut total.memory_bytes, traffic.memory, traffic.bytes);
                if let Some(other) = traffic.other_memory() {
                    add(&mut total.memory_bytes, other, traffic.bytes);
                }
            }
        }
        Ok(())
    }
}

fn add(sums: &mut [f64], position: usize, amount: f64) {
    if let Some(sum) = sums.get_mut(position) {
        *sum += amount;
    }
}

/// When a job would be done with its unit if every job took the time that is given for it: after the jobs that it waits
/// for, whose ends are in `paths`, and on the unit's lane that is free first.
#[inline]
pub(super) fn longest(graph: &Graph, lanes: &mut Lanes, paths: &[f64], position: usize, work_s: f64) -> f64 {
    let deps = graph.deps.of(position).iter();
    let ready_s = deps.filter_map(|dep| paths.get(*dep)).fold(0.0_f64, |latest, end| latest.max(*end));
    match graph.nodes.get(position) {
        Some(node) => lanes.take(node.unit, ready_s, work_s),
        None => ready_s + work_s,
    }
}

/// Units at full speed: when each of their lanes is free, and when their last job started. Every time in it only grows with
/// the jobs' readiness and work, because jobs start in order.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    units: Vec<Queue>,
    /// The lanes' times, unit by unit.
    free_s: Vec<f64>,
}

#[derive(Debug, Clone, Copy)]
struct Queue {
    first: usize,
    lanes: usize,
    started_s: f64,
}

impl Lanes {
    /// All lanes of the machine's units, free from the start.
    pub fn clear(&mut self, machine: &Machine) {
        self.units.clear();
        let mut first = 0;
        for unit in 0..machine.units {
            let lanes = machine.lanes_of(unit);
            self.units.push(Queue { first, lanes, started_s: 0.0 });
            first += lanes;
        }
        self.free_s.clear();
        self.free_s.resize(first, 0.0);
    }

    /// When a job that is ready at `ready_s` has done its work on the unit's lane that is free first.
    #[inline]
    fn take(&mut self, unit: usize, ready_s: f64, work_s: f64) -> f64 {
        let Some(queue) = self.units.get_mut(unit) else { return ready_s + work_s };
        let lanes = self.free_s.get_mut(queue.first..queue.first + queue.lanes).unwrap_or_default();
        let lane = match lanes {
            [only] => only,
            several => match several.iter_mut().min_by(|a, b| a.total_cmp(b)) {
                Some(lane) => lane,
                None => return ready_s + work_s,
            },
        };
        queue.started_s = lane.max(ready_s).max(queue.started_s);
        *lane = queue.started_s + work_s;
        *lane
    }
}
