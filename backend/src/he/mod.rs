//! BFV with coefficient packing: the client's shares go through the server's linear layers under encryption.

mod cipher;
mod context;
mod conv;
mod pack;
mod sample;
#[cfg(test)]
mod tests;

pub use cipher::{Ciphertext, PublicKey, Reply, SecretKey};
pub use context::HeContext;
pub use conv::{HomomorphicLayer, pack_inputs, unpack_outputs};
pub use pack::{BitReader, BitWriter};
