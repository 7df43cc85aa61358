//! Exact numbers of gates of the generated circuits, without building them.

/// Gates of AES-128: 200 S-boxes of 132 gates, 36 columns mixed with 97 XOR gates each, 11 round keys added, 10 made,
/// and the 16 ones of the round constants.
pub(super) const AES: u128 = 200 * 132 + 36 * 97 + 11 * 128 + 10 * 128 + 16;

/// Gates of SHA-256's compression, which depend on the ones of the 64 constants: as many as the public sha256 has.
pub(super) const SHA_256: u128 = 135_073;

/// Gates of a comparison of doubles for equality.
pub(super) const FLOAT_EQUAL: u128 = 1217;

/// Gates of a comparison of doubles by size.
pub(super) const FLOAT_LESS: u128 = 1536;

/// A bit of an adder is 5 gates, its last one 2.
pub(super) fn add(bits: u128) -> u128 {
    5 * (bits - 1) + 2
}

/// A subtraction of one bit more, and two inverters.
pub(super) fn greater(bits: u128) -> u128 {
    add(bits + 1) + 2
}

/// Partial products of 1 to `bits` bits, each added by an adder as wide.
pub(super) fn mult(bits: u128) -> u128 {
    bits * (bits + 1) / 2 + 5 * bits * (bits - 1) / 2 + 2 * bits
}

/// Products, and adders for all but the first.
pub(super) fn dot(pairs: u128, bits: u128) -> u128 {
    pairs * mult(bits) + (pairs - 1) * add(bits)
}

/// A tree of adders whose words grow by one bit per level.
pub(super) fn hamming(bits: u128) -> u128 {
    let (mut words, mut width, mut gates) = (bits, 2, 0);
    while words > 1 {
        gates += words / 2 * add(width);
        (words, width) = (words.div_ceil(2), width + 1);
    }
    gates
}

/// A half adder of 2 gates, full adders of 6, and a last bit of 2; only a XOR for one bit.
pub(super) fn add_folded(bits: u128) -> u128 {
    if bits == 1 { 1 } else { 6 * bits - 8 }
}

/// Partial products of 1 to `bits` bits, and an adder as wide for all but the widest.
pub(super) fn mult_folded(bits: u128) -> u128 {
    let adders = if bits == 1 { 0 } else { 1 + 3 * (bits * (bits - 1) - 2) - 8 * (bits - 2) };
    bits * (bits + 1) / 2 + adders
}

/// All partial products; a first adder whose last bit has no third operand, and further ones with a carry.
pub(super) fn mult_wide(bits: u128) -> u128 {
    let adders = if bits == 1 { 0 } else { 6 * bits - 8 + (bits - 2) * (6 * bits - 4) };
    bits * bits + adders
}

/// A half adder, then 10 gates per bit for the carry and 2 for the sum, 3 in the last bit.
pub(super) fn add_nand(bits: u128) -> u128 {
    2 + 12 * (bits - 1) + u128::from(bits > 2)
}

/// As many rows as bits and one row more of 7 gates per bit, three negations and selections; what constants fold away
/// is the same for every width but one.
pub(super) fn divide(bits: u128) -> u128 {
    if bits == 1 { 13 } else { 7 * bits * bits + 20 * bits - 26 }
}

/// The sum modulo p and the comparison with its half are 21 gates per bit of the modulus; every bit of the result is 14
/// more, but for the constants that fold away in the first two bits, in the carry of the sum and above it.
pub(super) fn from_shares(modulus_bits: u128, bits: u128) -> u128 {
    let second = u128::from(bits > 1);
    if modulus_bits == 1 {
        return 16 + 9 * second + 3 * bits.saturating_sub(2);
    }
    let within = bits.min(modulus_bits).saturating_sub(2);
    let carry = u128::from(bits > modulus_bits);
    let above = bits.saturating_sub(modulus_bits + 1);
    21 * modulus_bits + 8 + 9 * second + 14 * within + 13 * carry + 4 * above
}
