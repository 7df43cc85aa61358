//! Why a simulation is refused.

use crate::engine::EngineError;
use pisim_hw_models::gc::GcError;
use thiserror::Error;

/// Why a program cannot be simulated on a platform.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum SimError {
    /// A step needs a packing plan or a circuit that the program does not have for its layer.
    #[error("step {step} of the program needs a {what} for layer {layer}, and the program has none")]
    Incomplete {
        /// The step's position.
        step: usize,
        /// The layer's position.
        layer: usize,
        /// `packing plan`, `circuit` or `layer`.
        what: &'static str,
    },
    /// A garbled-circuit engine cannot run a layer's circuit.
    #[error("{hardware}: {party}.gc_engine cannot run the circuit of layer `{layer}`: {why}")]
    Circuit {
        /// The platform's name.
        hardware: String,
        /// `client` or `server`.
        party: &'static str,
        /// The layer's name.
        layer: String,
        /// Why not.
        why: GcError,
    },
    /// The jobs are impossible: a dependency that points forward, or a platform with impossible quantities.
    #[error(transparent)]
    Engine(#[from] EngineError),
}
