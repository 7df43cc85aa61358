//! BFV with coefficient packing: the client's shares go through the server's linear layers under encryption.
//!
//! The client encrypts ([`encrypt_each`]), the server evaluates ([`HomomorphicLayer`]), the client decrypts
//! ([`decrypt_replies`]). Ciphertexts and replies are made and handed over one by one, so these functions hold few of them.
//! The server needs all inputs of a layer for each of its replies, and the parties collect a layer's ciphertexts, and then
//! its replies, into one message: one layer's are in memory at a time, and those of no two layers.
//!
//! Flooding hides what a reply's noise would show of the weights, within a statistical distance of 2^−σ for *each coefficient*
//! of a reply (σ = `HeParams::statistical_bits`, 40 by default). Distances add up: over a whole inference the bound is
//! σ − log₂(coefficients of all replies) bits.

mod cipher;
mod context;
mod conv;
mod layout;
mod limb;
mod measure;
mod ordered;
mod pack;
mod products;
mod reply;
mod sample;
pub mod simd;
#[cfg(test)]
mod tests;
mod weights;

pub use cipher::{Ciphertext, PublicKey, SecretKey};
pub use context::HeContext;
pub use conv::HomomorphicLayer;
pub use layout::{decrypt_all, decrypt_replies, encrypt_each, pack_input, reply_len};
pub use measure::Kernels;
pub use pack::{BitReader, BitWriter};
pub use reply::Reply;
pub use weights::{PreparedLayer, PreparedWeights};
