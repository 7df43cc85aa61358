//! Two processes: a server that offers one network under one protocol over TCP, and a client that asks it.
//!
//! A connection begins with TLS if both want it ([`tls`]), then a handshake ([`handshake`](Agreement)) in which the parties find
//! out that they would run the same program, then a request: a whole inference, a precompute, or an answer from a precompute.
//! Then both walk the program over a [`Channel`](crate::Channel).
//!
//! Trust: semi-honest as everywhere in this crate. TLS with a pinned certificate tells the client which server it speaks to
//! and hides the traffic from others; without it, whoever controls the network is the peer. Each inference is a session of
//! its own with fresh seeds on both sides, so nothing is shared between inferences or between clients but the weights.

mod agreement;
mod connection;
mod error;
mod handshake;
mod host;
mod remote;
mod shelf;
mod socket;
#[cfg(test)]
mod tests;
pub mod tls;
mod visit;

pub use agreement::{Agreement, ModelId};
pub use connection::{Cancel, Connection};
pub use error::NetError;
pub use host::{Event, Host, Offer, Stop, serve};
pub use remote::{Inference, Remote};
pub use visit::Served;

/// The result of anything on the network.
pub type Result<T> = std::result::Result<T, NetError>;
