//! Garbled circuits: half-gates with FreeXOR and point-and-permute, many instances of one circuit side by side.
//!
//! Zahur, Rosulek, Evans, "Two Halves Make a Whole", EUROCRYPT 2015. Instances go through the circuit in batches of
//! [`LANES`], gate by gate, so that AES runs on wide batches while the batch's labels stay in the second-level cache.

mod evaluate;
mod garble;
mod garbled;
mod hash;
mod labels;
mod lanes;
mod plan;
#[cfg(test)]
mod tests;
mod walk;

pub use evaluate::{EvaluatorLabels, evaluate};
pub use garble::{GarblerInputs, garble};
pub use garbled::Garbled;
pub use hash::{Block, Hasher, encrypt_blocks};
pub use labels::LabelSource;
pub use plan::GatePlan;

/// Instances in one batch.
pub const LANES: usize = 32;

/// The point-and-permute bit of a label.
pub(crate) fn colour(label: Block) -> bool {
    label & 1 == 1
}

/// The tweaks of a batch's first AND gate, one per lane; each next gate's are two larger. Gates of one instance and then
/// instances follow each other, two tweaks per gate, so that no tweak is ever used twice under one Δ.
pub(crate) fn first_tweaks(first_gate: u64, first_instance: usize, lanes: usize, and_gates: usize) -> Vec<Block> {
    let tweak = |instance: usize| 2 * (Block::from(first_gate) + instance as Block * and_gates as Block);
    (first_instance..first_instance + lanes).map(tweak).collect()
}
