//! BFV with coefficient packing: the client's shares go through the server's linear layers under encryption.
//!
//! The client encrypts ([`encrypt_each`]), the server evaluates ([`HomomorphicLayer`]), the client decrypts
//! ([`decrypt_replies`]). Ciphertexts and replies are made and taken one by one, so that no more than a few need exist.

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
