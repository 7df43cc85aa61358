//! How many garbled circuits a private inference runs, by what they are for.

use crate::program::Program;
use pisim_netgen::{LayerId, Op};
use serde::Serialize;

/// Garbled circuits by what they are for: what the papers count as ReLUs, and apart from it what only fixed point asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CircuitCounts {
    /// Activations: a mask's budget of ReLUs.
    pub activations: u64,
    /// Windows of max pools, with the activation that some of them take in.
    pub max_pools: u64,
    /// Values that are rescaled without an activation: of culled layers, and what a mask linearises where the ring has no room
    /// to postpone it.
    pub rescales: u64,
}

impl CircuitCounts {
    /// The counts when each layer runs `instances` circuits.
    pub fn of(program: &Program, instances: impl Fn(LayerId) -> u64) -> Self {
        let mut counts = Self::default();
        for (id, layer) in program.network.network.iter() {
            match layer.op {
                Op::Rescale => counts.rescales += instances(id),
                op if op.is_activation() => counts.activations += instances(id),
                op if op.max_window().is_some() => counts.max_pools += instances(id),
                _ => {}
            }
        }
        counts
    }
}

impl Program {
    /// The circuits that the program garbles and evaluates once.
    pub fn circuit_counts(&self) -> CircuitCounts {
        CircuitCounts::of(self, |id| self.network.network.layer(id).output.len() as u64)
    }
}
