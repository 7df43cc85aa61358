//! Why a circuit cannot run on a garbled-circuit engine.

use thiserror::Error;

/// Why a circuit cannot run on a garbled-circuit engine.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum GcError {
    /// A gate reads a wire that nothing before it drives.
    #[error(
        "gate {gate} reads wire {wire}, which no input and no earlier gate drives; expected a wire below {limit} (gates in the order in which they can be computed)"
    )]
    Undriven {
        /// The gate's position.
        gate: usize,
        /// The wire.
        wire: u32,
        /// The first wire that is not there yet.
        limit: u64,
    },
    /// An output is no wire of the circuit.
    #[error("output {output} is wire {wire}, and the circuit has {wires} wires")]
    NoSuchOutput {
        /// The output's position.
        output: usize,
        /// The wire.
        wire: u32,
        /// Wires of the circuit.
        wires: u64,
    },
    /// More wires than an instruction can name.
    #[error("the program has {wires} wires; the detailed model takes at most {limit}")]
    TooLarge {
        /// Wires of the program.
        wires: u64,
        /// The most.
        limit: u64,
    },
    /// A quantity of the engine that no hardware has.
    #[error("{what} is {value}; expected {expected}")]
    Impossible {
        /// Which quantity.
        what: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
    /// A wire is needed after it has left the window, and the engine cannot fetch it again.
    #[error(
        "gate {gate} reads a wire that {distance} others followed; the window holds {window} labels and the wire queue none, so that it cannot come back from memory; expected a larger wire memory or a wire queue"
    )]
    OutOfWindow {
        /// The gate's position in the program.
        gate: usize,
        /// Wires between the operand and the gate's output.
        distance: u64,
        /// Labels that the window holds.
        window: u64,
    },
}
