//! Garbled circuits: half-gates with FreeXOR and point-and-permute, many instances of one circuit side by side.
//!
//! Zahur, Rosulek, Evans, "Two Halves Make a Whole", EUROCRYPT 2015. Instances go through the circuit in batches of
//! [`LANES`], gate by gate, so that AES runs on wide batches while the batch's labels stay in the second-level cache. A layer
//! crosses the wire as the seed of its offline labels and then chunks of [`CHUNK`] instances, each its tables and its packed
//! decoding bits; [`garble_chunk`] and [`evaluate_chunk`] work on one chunk in the caller's memory.

use crate::error::{BackendError, Result};
use std::ops::Range;

pub(crate) mod delphi;
mod encode;
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

pub use encode::encode_labels;
pub use evaluate::{EvaluatorLabels, evaluate, evaluate_chunk, evaluate_labels, evaluate_part};
pub use garble::{GarblerInputs, garble, garble_chunk, garble_labels};
pub use garbled::{Garbled, chunk_bytes, chunk_sizes, pack_decoding, split_chunk, split_chunk_mut, unpack_decoding};
pub(crate) use hash::LayerHash;
pub use hash::{Block, encrypt_blocks};
pub use labels::{LabelSource, OfflineLabels};
pub use plan::GatePlan;

/// Instances in one batch.
pub const LANES: usize = 32;

/// Instances in one chunk: the unit in which tables are garbled, sent and evaluated. A multiple of [`LANES`] and of 8, so that
/// batches and bytes of decoding bits do not straddle chunks.
pub const CHUNK: usize = 2048;

/// Instances of a chunk that one thread evaluates at a time. Divides [`CHUNK`], and is a multiple of [`LANES`] and of 8 itself.
pub const PART: usize = 256;

/// The part of `[instance][input]` labels that belongs to some instances.
fn per_instance(labels: &[Block], inputs: usize, instances: Range<usize>) -> Result<&[Block]> {
    labels.get(instances.start * inputs..instances.end * inputs).ok_or_else(unfit)
}

fn unfit() -> BackendError {
    BackendError::program("labels or tables do not fit the circuit")
}
