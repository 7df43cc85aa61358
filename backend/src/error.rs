//! Why a run between two parties can fail.

use thiserror::Error;

/// A failed run. After any of these the connection is closed and nothing of the run is used.
#[derive(Debug, Error)]
pub enum BackendError {
    /// The connection failed or ended early.
    #[error("the connection to the peer failed: {0}")]
    Connection(#[from] std::io::Error),
    /// The peer sent something that the protocol does not allow here.
    #[error("protocol error at step {step}: {reason}")]
    Protocol {
        /// The step's number.
        step: usize,
        /// What was wrong.
        reason: String,
    },
    /// Program, weights or input do not belong together, or a step came before what it needs.
    #[error("cannot run this program: {0}")]
    Program(String),
    /// A value of the network needs more bits than the ring has.
    #[error(
        "the network does not fit the ring: layer `{layer}` reaches values of {bits} bits, shares have {ring_bits}; use \
         fewer fraction bits or a larger ring in the protocol"
    )]
    Overflow {
        /// The first such layer.
        layer: String,
        /// Bits that it needs, sign included.
        bits: u32,
        /// Bits of the ring.
        ring_bits: u32,
    },
    /// What is kept for the online phase could not be written or read.
    #[error("the storage of prepared inferences failed: {0}")]
    Storage(#[source] std::io::Error),
    /// The operating system gave no randomness.
    #[error("no randomness from the operating system: {0}")]
    Randomness(String),
}

impl BackendError {
    pub(crate) fn protocol(step: usize, reason: impl Into<String>) -> Self {
        Self::Protocol { step, reason: reason.into() }
    }

    pub(crate) fn program(reason: impl Into<String>) -> Self {
        Self::Program(reason.into())
    }
}

/// The result of anything in this crate.
pub type Result<T> = std::result::Result<T, BackendError>;
