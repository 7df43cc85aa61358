//! What one party counted and measured.

use pisim_protocol::{Phase, Program, StepId, Work};
use std::time::Duration;

/// What one party counted and measured, by step.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// Work counted at the primitives, for every step of the program.
    pub work: Vec<Work>,
    /// Wall time, for every step of the program; waiting for the peer included.
    pub wall: Vec<Duration>,
}

impl Trace {
    /// An empty trace of a program.
    pub(crate) fn of(program: &Program) -> Self {
        let steps = program.steps.len();
        Self { work: vec![Work::default(); steps], wall: vec![Duration::ZERO; steps] }
    }

    /// Adds to a step.
    pub(crate) fn credit(&mut self, step: StepId, work: Work, wall: Duration) {
        if let Some((of_step, time)) = self.work.get_mut(step.0).zip(self.wall.get_mut(step.0)) {
            *of_step += work;
            *time += wall;
        }
    }

    /// This trace and another one of the same program: that of a later phase.
    pub fn and(mut self, later: &Self) -> Self {
        for (step, (work, wall)) in later.work.iter().zip(&later.wall).enumerate() {
            self.credit(StepId(step), *work, *wall);
        }
        self
    }

    /// Wall time of one phase.
    pub fn phase(&self, program: &Program, phase: Phase) -> Duration {
        program.steps.iter().zip(&self.wall).filter(|(step, _)| step.phase == phase).map(|(_, wall)| *wall).sum()
    }
}
