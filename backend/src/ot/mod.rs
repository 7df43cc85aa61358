//! Oblivious transfer: base transfers on ristretto255, extended to correlated transfers with garbling's Δ as correlation.

mod base;
mod extension;
mod transpose;

pub use base::{BaseReceiver, BaseSender, KeyPair};
pub use extension::{ExtensionReceiver, ExtensionSender};
