//! From two shares modulo p to the signed number that they stand for, as a protocol needs it that goes on with garbled
//! circuits after one with shares.
//!
//! All counts and depths are those of the newer Bristol Fashion file LSSS_to_GC, for a p of 512 bits and a result of 64.

use super::shared::{below, difference, either, inverted, sum};
use crate::circuit::{Bit, Builder};

/// `x + y` modulo `modulus`, or minus the rest to the modulus unless the sum is below the modulus's half; of that the
/// lowest `bits` bits. Both shares are below the modulus.
pub(super) fn from_shares(builder: &mut Builder, [x, y]: [&[Bit]; 2], modulus: &[Bit], bits: usize) -> Vec<Bit> {
    let [x, y, modulus] = [x, y, modulus].map(|word| [word, &[Bit::Const(false)]].concat());
    let shared = sum(builder, &x, &y);
    let reduced = difference(builder, &shared, &modulus);
    let is_reduced = below(builder, &shared, &modulus);
    let value = either(builder, is_reduced, &shared, &reduced);

    let half: Vec<Bit> = modulus.iter().skip(1).copied().chain([Bit::Const(false)]).collect();
    let is_positive = below(builder, &value, &half);
    let rest = difference(builder, &modulus, &value);
    let not_rest = inverted(builder, &low(&rest, bits));
    let one: Vec<Bit> = (0..bits).map(|position| Bit::Const(position == 0)).collect();
    let negated = sum(builder, &not_rest, &one);
    either(builder, is_positive, &low(&value, bits), &negated)
}

/// The lowest `bits` bits of a number, with zeros above it.
fn low(word: &[Bit], bits: usize) -> Vec<Bit> {
    word.iter().copied().chain(std::iter::repeat(Bit::Const(false))).take(bits).collect()
}
