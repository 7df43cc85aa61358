//! Delphi's own layout of messages and of what it stores: what its published sizes are made of.
//!
//! The published implementation (mc2-project/delphi, 2022) writes vectors with an 8-byte length, so that a block of 16 bytes is
//! 24; a garbled circuit is its blocks, two per AND gate, the labels of its two constants, and the hashes of both labels of
//! every output; a wire label has a 4-byte tag before its block.

use crate::circuit::Circuit;

/// The length before a vector.
pub const LENGTH_BYTES: u64 = 8;

/// One block of a garbled circuit: its length and its 16 bytes.
pub const BLOCK_BYTES: u64 = LENGTH_BYTES + super::LABEL_BYTES;

/// One wire label: a tag of 4 bytes and a block.
pub const LABEL_BYTES: u64 = 4 + BLOCK_BYTES;

/// One element of the field: a tag of one byte and 8 bytes.
pub const ELEMENT_BYTES: u64 = 9;

/// Labels of the constants zero and one in every garbled circuit.
pub const CONSTANTS: u64 = 2;

/// Of each output wire, the hashes of its two labels.
pub const BLOCKS_PER_OUTPUT: u64 = 2;

/// The mask that the garbler keeps for each garbled circuit: one element without a tag.
pub const MASK_BYTES: u64 = 8;

/// Lengths in an encoder, of its garbler's zero labels, of its evaluator's and of its table of offsets, and the 2-byte key of
/// the one offset there.
const ENCODER_OVERHEAD_BYTES: u64 = 3 * LENGTH_BYTES + 2;

/// One garbled circuit: 15,896 bytes for 288 AND gates and 42 outputs.
pub fn circuit_bytes(circuit: &Circuit) -> u64 {
    LENGTH_BYTES + BLOCK_BYTES * circuit_blocks(circuit)
}

/// Blocks of one garbled circuit, in their order: the constants, two per AND gate, the outputs'.
pub fn circuit_blocks(circuit: &Circuit) -> u64 {
    CONSTANTS + 2 * circuit.and_gates() + BLOCKS_PER_OUTPUT * circuit.outputs.len() as u64
}

/// The tables message of one instance: the garbled circuit, then the active labels of the garbler's offline inputs; 17,072
/// bytes for the server's ReLU.
pub fn tables_bytes(circuit: &Circuit) -> u64 {
    circuit_bytes(circuit) + LABEL_BYTES * circuit.inputs.garbler_offline as u64
}

/// What the garbler keeps of one instance: the zero labels of all inputs and Δ, and its mask; 3,590 bytes for a ReLU.
pub fn encoder_bytes(circuit: &Circuit) -> u64 {
    LABEL_BYTES * (circuit.inputs.total() as u64 + 1) + ENCODER_OVERHEAD_BYTES + MASK_BYTES
}

/// The labels of one instance's online share: 1,184 bytes for 42 wires.
pub fn online_labels_bytes(wires: u64) -> u64 {
    LENGTH_BYTES + LABEL_BYTES * wires
}
