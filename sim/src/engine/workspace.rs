//! What a run needs besides its inputs, kept between runs so that they do not allocate.

use super::clock::{Clock, Scratch};
use super::estimate::Alone;
use super::phase::{Lanes, Sums};
use super::{EngineError, Graph, Limit, Load, Machine, PhaseTiming, Timing};

/// The results of the last run, and space for the next.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    /// Every job.
    pub timings: Vec<Timing>,
    /// Every phase.
    pub phases: Vec<PhaseTiming>,
    scratch: Scratch,
    pub(super) lanes: Lanes,
    /// The end of every job's longest chain.
    pub(super) paths: Vec<f64>,
    pub(super) alone: Alone,
}

const IDLE: Timing = Timing { start_s: 0.0, released_s: 0.0, end_s: 0.0, busy_s: 0.0, limit: Limit::Work };

impl Workspace {
    /// Makes room for a run.
    pub(super) fn start(&mut self, graph: &Graph, machine: &Machine) {
        self.timings.clear();
        self.timings.resize(graph.nodes.len(), IDLE);
        self.phases.resize_with(graph.phases, PhaseTiming::default);
        for phase in &mut self.phases {
            phase.reset(machine);
        }
        self.scratch.start(graph);
    }

    /// Finds out when the jobs of a phase run, on its own clock.
    pub(super) fn run_phase(&mut self, graph: &Graph, machine: &Machine, loads: &[Load], phase: usize) {
        Clock { graph, machine, loads, phase, timings: &mut self.timings, scratch: &mut self.scratch }.run();
    }

    /// Moves a phase's jobs to the common clock, where it starts at `offset`, and adds them up. Returns its latency.
    pub(super) fn sum_up(
        &mut self,
        graph: &Graph,
        machine: &Machine,
        loads: &[Load],
        phase: usize,
        offset: f64,
    ) -> Result<f64, EngineError> {
        let Some(total) = self.phases.get_mut(phase) else { return Ok(0.0) };
        let mut sums = Sums { graph, machine, loads, lanes: &mut self.lanes, paths: &mut self.paths };
        sums.add_up(phase, offset, &mut self.timings, total)?;
        Ok(total.latency_s)
    }
}
