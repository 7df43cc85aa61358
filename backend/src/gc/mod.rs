//! Garbled circuits: half-gates with FreeXOR and point-and-permute, many instances of one circuit side by side.
//!
//! Zahur, Rosulek, Evans, "Two Halves Make a Whole", EUROCRYPT 2015. Instances go through the circuit in batches of
//! [`LANES`], gate by gate, so that AES runs on wide batches while the batch's labels stay in the second-level cache.

mod evaluate;
mod garble;
mod hash;
mod labels;
mod plan;
#[cfg(test)]
mod tests;

pub use evaluate::{EvaluatorLabels, evaluate};
pub use garble::{Garbled, GarblerInputs, garble};
pub use hash::{Block, Hasher, encrypt_blocks};
pub use labels::LabelSource;
pub use plan::GatePlan;

/// Instances in one batch.
pub const LANES: usize = 64;

/// The point-and-permute bit of a label.
pub(crate) fn colour(label: Block) -> bool {
    label & 1 == 1
}

/// All ones if the label's colour bit is set, otherwise zero.
pub(crate) fn colour_mask(label: Block) -> Block {
    (label & 1).wrapping_neg()
}

/// The tweak of the first AND gate of a batch's instance; gates of one instance and then instances follow each other, two
/// tweaks per gate, so that no tweak is ever used twice under one Δ.
pub(crate) fn tweak(first_gate: u64, instance: usize, and_gates: usize, gate: usize) -> Block {
    2 * (Block::from(first_gate) + (instance * and_gates + gate) as Block)
}
