//! BFV with SIMD slots: the server's linear layers as Gazelle and Delphi evaluate them, with rotations.
//!
//! The client makes keys ([`SimdSecretKey::keys`]) and encrypts ([`encrypt`]), the server reads the keys
//! ([`EvaluationKeys::read`]) and evaluates ([`evaluate`]), the client decrypts ([`decrypt`]). Where values sit in slots, and
//! what is rotated, is the plan's ([`pisim_protocol::SimdPlan`]).
//!
//! Polynomials are flat: the residues of one limb after those of the other. They are kept and sent transformed, so both
//! parties must run the same version of the transforms.
//!
//! What a reply shows beyond its values is as for coefficients (the parent module): flooding hides its noise, a fresh
//! encryption of zero its second polynomial, and a uniform mask every slot that is no output.

mod cipher;
mod context;
mod evaluate;
mod keys;
mod order;
mod switch;
#[cfg(test)]
mod tests;
mod wire;

pub use cipher::{decrypt, encrypt};
pub use context::SimdContext;
pub use evaluate::evaluate;
pub use keys::{EvaluationKeys, SimdSecretKey};
