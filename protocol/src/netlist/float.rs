//! Comparisons of doubles (IEEE 754 binary64): bits 0 to 51 are the fraction, 52 to 62 the exponent, 63 the sign.
//!
//! All counts and depths are those of the Bristol Fashion files FP-eq and FP-lt. In these an OR is an AND of inverted
//! bits, inverted; what it feeds inverts again. A result is 64 bits, all zero but the lowest.

use super::raw::RawBuilder;
use crate::circuit::Wire;

/// Bits of the fraction, and where the exponent starts.
const FRACTION: usize = 52;
/// The bit of the sign.
const SIGN: usize = 63;

/// What both comparisons need of two doubles.
struct Compared {
    /// The lowest bit of the first, inverted.
    not_lowest: Wire,
    /// Whether the signs differ.
    signs_differ: Wire,
    /// Whether any bit differs.
    differ: Wire,
    /// Whether one of them is not zero.
    nonzero: Wire,
    /// Whether none of them is NaN.
    ordered: Wire,
}

impl RawBuilder {
    /// Whether `a = b`: no NaN is equal to anything, and the two zeros are equal.
    pub fn float_equal(&mut self, a: &[Wire], b: &[Wire]) -> Vec<Wire> {
        let Some(Compared { differ, nonzero, ordered, .. }) = self.compare(a, b) else { return Vec::new() };
        let unequal = self.and(nonzero, differ);
        let equal = self.not(unequal);
        let equal = self.and(ordered, equal);
        let unequal = self.not(equal);
        let equal = self.not(unequal);
        self.flag(equal, a)
    }

    /// Whether `a < b`; false of a NaN. As whole numbers if no sign is set, the other way round if both are, and if only
    /// that of `a` is, unless both are zero.
    pub fn float_less(&mut self, a: &[Wire], b: &[Wire]) -> Vec<Wire> {
        let (Some(compared), Some(sign)) = (self.compare(a, b), a.get(SIGN).copied()) else { return Vec::new() };
        let at_least = self.at_least(compared.not_lowest, a, b);
        let other_way = self.xor(at_least, sign);
        let lower = self.not(other_way);
        let same_signs = self.and(compared.differ, lower);
        let other_signs = self.and(compared.nonzero, sign);
        let change = self.xor(same_signs, other_signs);
        let change = self.and(compared.signs_differ, change);
        let less = self.xor(same_signs, change);
        let less = self.and(less, compared.ordered);
        self.flag(less, a)
    }

    fn compare(&mut self, a: &[Wire], b: &[Wire]) -> Option<Compared> {
        let differences = self.xor_all(a, b);
        let signs_differ = *differences.get(SIGN)?;
        let same: Vec<Wire> = differences.iter().rev().map(|bit| self.not(*bit)).collect();
        let differ = self.any_of_inverted(same)?;
        let [not_a, not_b] = [a, b].map(|word| word.iter().take(SIGN).map(|bit| self.not(*bit)).collect::<Vec<_>>());
        let magnitudes = not_a.iter().zip(&not_b).rev().flat_map(|(a, b)| [*a, *b]).collect();
        let nonzero = self.any_of_inverted(magnitudes)?;
        let (a_number, b_number) = (self.is_number(a, &not_a)?, self.is_number(b, &not_b)?);
        let both = self.and(a_number, b_number);
        let unordered = self.not(both);
        let ordered = self.not(unordered);
        Some(Compared { not_lowest: *not_a.first()?, signs_differ, differ, nonzero, ordered })
    }

    /// Whether a double is no NaN: all of a NaN's exponent is set, and some of its fraction.
    fn is_number(&mut self, bits: &[Wire], inverted: &[Wire]) -> Option<Wire> {
        let fraction = self.any_of_inverted(inverted.get(..FRACTION)?.to_vec())?;
        let exponent = self.all(bits.get(FRACTION..SIGN)?.to_vec())?;
        let nan = self.and(fraction, exponent);
        Some(self.not(nan))
    }

    /// Whether any bit is set, of their inverses: a tree of ORs of neighbours.
    fn any_of_inverted(&mut self, mut layer: Vec<Wire>) -> Option<Wire> {
        while layer.len() > 2 {
            let pairs = layer.chunks(2);
            layer = pairs
                .filter_map(|pair| match *pair {
                    [a, b] => {
                        let none = self.and(a, b);
                        let any = self.not(none);
                        Some(self.not(any))
                    }
                    _ => pair.first().copied(),
                })
                .collect();
        }
        let none = self.all(layer)?;
        Some(self.not(none))
    }

    /// Whether `a ≥ b`, as whole numbers: the carry of `a + ¬b + 1`.
    fn at_least(&mut self, not_lowest: Wire, a: &[Wire], b: &[Wire]) -> Wire {
        let below = self.and(not_lowest, b.first().copied().unwrap_or_default());
        let mut carry = self.not(below);
        for (position, (a, b)) in a.iter().zip(b).enumerate().skip(1) {
            let a = self.xor(carry, *a);
            // `¬b ⊕ carry`; in the second bit the inverted carry is there.
            let b = match position {
                1 => self.xor(below, *b),
                _ => {
                    let b = self.xor(carry, *b);
                    self.not(b)
                }
            };
            let changes = self.and(a, b);
            carry = self.xor(changes, carry);
        }
        carry
    }

    /// A word of one bit and 63 zeros, which are an inverter each.
    fn flag(&mut self, bit: Wire, a: &[Wire]) -> Vec<Wire> {
        let any = a.first().copied().unwrap_or_default();
        let zero = self.xor(any, any);
        let one = self.not(zero);
        std::iter::once(bit).chain((1..=SIGN).map(|_| self.not(one))).collect()
    }
}
