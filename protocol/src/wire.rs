//! Sizes on the wire: what every message occupies, headers included.

pub mod delphi;

use crate::he::HeParams;
use crate::packing::{ConvPlan, packed};

/// Header of every message: the step's number (4 bytes) and the payload's length (8 bytes).
pub const HEADER_BYTES: u64 = 12;

/// A seed from which uniform polynomials, labels or masks are expanded.
pub const SEED_BYTES: u64 = 32;

/// A wire label or one half of a garbled gate (λ = 128).
pub const LABEL_BYTES: u64 = 16;

/// Garbled instances of one circuit: the seed from which the labels of the garbler's offline inputs are expanded, two blocks
/// per AND gate and one decoding bit per output.
pub fn garbled_tables_bytes(instances: u64, and_gates: u64, outputs: u64) -> u64 {
    SEED_BYTES + instances * and_gates * 2 * LABEL_BYTES + (instances * outputs).div_ceil(8)
}

/// A compressed group element of the base oblivious transfers (ristretto255).
pub const GROUP_ELEMENT_BYTES: u64 = 32;

/// Base oblivious transfers of one extension: the security parameter λ.
pub const BASE_OTS: u64 = 128;

/// Bits k of the extension's subfield GF(2^k): each vector OLE takes k base transfers, and costs each party 2^k streams.
pub const SUBFIELD_BITS: u64 = 4;

/// Vector OLEs of one extension: λ / k.
pub const OT_VOLES: u64 = BASE_OTS / SUBFIELD_BITS;

/// Bytes of one ring element: whole bytes.
pub fn ring_bytes(ring_bits: u32) -> u64 {
    u64::from(ring_bits.div_ceil(8))
}

/// The public key: one polynomial, and the other's seed.
pub fn public_key_bytes(he: &HeParams) -> u64 {
    SEED_BYTES + he.limb_bits.iter().map(|bits| packed(he.degree, *bits)).sum::<u64>()
}

/// The fresh ciphertexts of one linear layer.
pub fn ciphertexts_bytes(plan: &ConvPlan) -> u64 {
    plan.fresh_ciphertext_bytes() * plan.input_ciphertexts()
}

/// Rows of the extension's bit matrix: the number of transfers, rounded up to whole blocks of 128.
pub fn ot_rows(transfers: u64) -> u64 {
    transfers.next_multiple_of(128)
}

/// The punctured trees of the extension, once per inference ([`Phase::Setup`](crate::Phase::Setup)): two sums of seeds for each level below the first
/// (Roy, CRYPTO 2022; the first level's seeds are the base transfers' keys).
pub const fn ot_trees_bytes() -> u64 {
    OT_VOLES * (SUBFIELD_BITS - 1) * 2 * SEED_BYTES
}

/// The columns that the receiver of chosen transfers sends (ALSZ): λ bits for each row, 16 bytes per transfer.
pub fn alsz_columns_bytes(transfers: u64) -> u64 {
    ot_rows(transfers) * BASE_OTS / 8
}

/// What the sender of chosen transfers answers: both labels of each, masked.
pub fn alsz_payload_bytes(transfers: u64) -> u64 {
    transfers * 2 * LABEL_BYTES
}

/// What the sender of chosen transfers keeps to make them later: one key of every base transfer, which ones, and the public
/// seed of the session.
pub const fn alsz_sender_state_bytes() -> u64 {
    BASE_OTS * SEED_BYTES + BASE_OTS / 8 + SEED_BYTES
}

/// What the receiver of chosen transfers keeps to make them later: both keys of every base transfer, and the public seed of the
/// session.
pub const fn alsz_receiver_state_bytes() -> u64 {
    2 * BASE_OTS * SEED_BYTES + SEED_BYTES
}

/// The corrections that the extension's receiver sends: one bit of every vector OLE for each row (SoftSpoken OT; Roy,
/// CRYPTO 2022), 4 bytes per transfer. They follow each other in blocks of 128 rows, however the rows are chunked.
pub fn ot_columns_bytes(transfers: u64) -> u64 {
    ot_rows(transfers) / 8 * OT_VOLES
}
