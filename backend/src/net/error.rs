//! Why two processes cannot work together.

use crate::error::BackendError;
use crate::store::StoreError;
use std::io;
use thiserror::Error;

/// A failed connection, handshake or run. The connection is closed; nothing else is affected.
#[derive(Debug, Error)]
pub enum NetError {
    /// There is no connection to that address.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// The address as it was given.
        address: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// The connection broke or stalled while the parties agreed on what to run.
    #[error("the connection to the peer failed in the handshake: {0}")]
    Handshake(io::Error),
    /// The peer speaks something else.
    #[error("the peer is not a pisim {expected}: {reason}")]
    Foreign {
        /// What it should be.
        expected: &'static str,
        /// What it sent instead.
        reason: String,
    },
    /// The peer does not want this.
    #[error("the server refused: {0}")]
    Refused(String),
    /// The server has lost its half of a precompute, or has used it.
    #[error("{0}; this half is of no use any more and was removed")]
    Gone(String),
    /// What this side does not want; the peer is told.
    #[error("refused a client: {0}")]
    Refusing(String),
    /// Certificates, keys or TLS itself.
    #[error("TLS: {0}")]
    Tls(String),
    /// The user has had enough.
    #[error("interrupted")]
    Interrupted,
    /// A precompute cannot be kept or used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The run itself failed.
    #[error(transparent)]
    Run(#[from] BackendError),
}
