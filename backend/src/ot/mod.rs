//! Oblivious transfer: base transfers on ristretto255, extended to correlated transfers with garbling's Δ as correlation.
//!
//! The extension is SoftSpoken OT with k = 4, semi-honest (Roy, "SoftSpokenOT: Quieter OT Extension from Small-Field
//! Silent VOLE in the Minicrypt Model", CRYPTO 2022, §3). Δ is cut into 32 nibbles Δ_j. For each, the receiver knows 16
//! pseudorandom streams r_0 … r_15 and the sender all of them but r_{Δ_j} (`tree`: a punctured pseudorandom function from
//! four base transfers). With u = ⊕ r_x and v = ⊕ x·r_x at the receiver, the sender computes
//! w = ⊕ (x ⊕ Δ_j)·r_x = v ⊕ Δ_j·u without the stream that it lacks, since its factor is zero. The receiver sends u ⊕ c for its
//! choices c, and q = w ⊕ Δ_j·(u ⊕ c) = v ⊕ Δ_j·c: four of the 128 columns of both parties' matrices. Per transfer, 32 bits
//! cross the wire and each party computes about 512 bits of streams.
//!
//! Security against semi-honest parties, for λ = 128:
//! - *Choices.* The sender sees u ⊕ c, and lacks one stream of every u. Each is AES-128 in counter mode, under a key that the
//!   sender lacks; n blocks of it differ from random bits with advantage at most n²/2^129 beside that of AES. The trees'
//!   sums are each encrypted under a base key of their own; what a sender can open follows from the leaves that it knows.
//! - *Δ.* The receiver sees only the base transfers' group elements, whose distribution is the same for every Δ. The lowest
//!   bit of Δ is 1 (the colour of labels), so that 127 bits are unknown. Rows are hashed by garbling alone, whose hash
//!   states what many rows under one Δ cost.
//! - *Sessions.* All keys derive from a fresh pair of group elements, from the transfer's number and from the node's place. A stream's
//!   block is used for one choice only: positions come from `reserve`, which never gives one twice.
//!   Of S sessions an adversary attacks 32·S keys at once, which costs it 2^128 / (32·S) AES keys to try.
//! - A *malicious* receiver could send corrections that disagree between nibbles; the paper's consistency check against it
//!   is not part of a semi-honest protocol and is not done.
//!
//! [`ChosenSender`] and [`ChosenReceiver`] transfer chosen messages instead, as Delphi does (`alsz`).

mod alsz;
mod base;
mod choices;
mod extension;
mod transpose;
#[cfg(target_arch = "x86_64")]
mod transpose_gfni;
mod tree;
mod vole;

pub use alsz::{ChosenReceiver, ChosenSender, columns_bytes, payload_bytes};
pub use base::{BaseReceiver, BaseSender, KeyPair, session_seed};
pub use choices::pack_choices;
pub use extension::{ExtensionReceiver, ExtensionSender};

#[cfg(test)]
mod alsz_tests;
#[cfg(test)]
mod tests;
