//! The order in which a platform's mapping runs a program's steps.

use crate::shape::Shape;
use pisim_protocol::{Program, StepKind};

/// Orders steps, and chains them where they run strictly one after the other.
pub(crate) struct Order {
    /// Steps run one after the other.
    sequential: bool,
    /// Layers are evaluated under encryption side by side.
    layered: bool,
    /// What the next job waits for, when steps run one after the other.
    last: Vec<usize>,
    /// The layers under evaluation side by side, all after `last`.
    beside: Vec<usize>,
}

impl Order {
    pub fn new(shape: &Shape) -> Self {
        Self { sequential: !shape.overlap, layered: shape.layered, last: Vec::new(), beside: Vec::new() }
    }

    /// The positions of the steps in the order in which units take them: the program's, or with layers side by side first
    /// everything that their evaluation waits for, then the layers, then the rest, so that no layer waits for another's
    /// reply. A program whose layers do depend on each other keeps its order.
    pub fn of(&self, program: &Program) -> Vec<usize> {
        let own = (0..program.steps.len()).collect();
        if !self.layered {
            return own;
        }
        let evaluates =
            |position: usize| program.steps.get(position).is_some_and(|step| matches!(step.kind, StepKind::HeLinear));
        let mut needed: Vec<bool> = (0..program.steps.len()).map(evaluates).collect();
        for position in (0..program.steps.len()).rev() {
            let Some(step) = program.steps.get(position).filter(|_| needed.get(position) == Some(&true)) else {
                continue;
            };
            for dep in &step.deps {
                if evaluates(dep.0) {
                    return own;
                }
                if let Some(needed) = needed.get_mut(dep.0) {
                    *needed = true;
                }
            }
        }
        let rank = |position: &usize| match (needed.get(*position), evaluates(*position)) {
            (Some(true), false) => 0,
            (_, true) => 1,
            _ => 2,
        };
        let phase = |position: &usize| program.steps.get(*position).map(|step| step.phase);
        let mut order: Vec<usize> = own;
        order.sort_by_key(|position| (phase(position), rank(position)));
        order
    }

    /// Adds to a job's dependencies those that keep steps one after the other. `evaluates`: it evaluates a layer under
    /// encryption, or stores what that leaves.
    pub fn chain(&mut self, job: usize, evaluates: bool, deps: &mut Vec<usize>) {
        if !self.sequential {
            return;
        }
        if self.layered && evaluates {
            deps.extend_from_slice(&self.last);
            self.beside.push(job);
            return;
        }
        if !self.beside.is_empty() {
            self.last = std::mem::take(&mut self.beside);
        }
        deps.extend_from_slice(&self.last);
        self.last = vec![job];
    }
}
