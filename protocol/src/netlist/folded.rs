//! Arithmetic without constant wires, in the shape of the public Bristol Fashion circuits: an adder's first bit is a
//! half adder, and `a ⊕ b` of a bit does not wait for the carry. One AND gate per bit, none in the last.
//!
//! Gates, depths and levels are those of the Bristol Fashion files adder64, sub64, mult64, mult2_64 and zero_equal, and
//! of neg64 but for its one copy.

use super::raw::RawBuilder;
use crate::circuit::Wire;

impl RawBuilder {
    /// The sum of up to three bits.
    fn parity(&mut self, bits: &[Wire]) -> Option<Wire> {
        bits.iter().copied().reduce(|a, b| self.xor(a, b))
    }

    /// The carry of up to three bits. Of three: `c ⊕ ((a ⊕ c) ∧ (b ⊕ c))`.
    fn carry(&mut self, bits: &[Wire]) -> Option<Wire> {
        match *bits {
            [a, b] => Some(self.and(a, b)),
            [a, b, c] => {
                let (a_c, b_c) = (self.xor(a, c), self.xor(b, c));
                let changes = self.and(a_c, b_c);
                Some(self.xor(c, changes))
            }
            _ => None,
        }
    }

    /// `a + b` with the bits of `b`, and the carry as one bit more if `longer`. `a` may be shorter than `b`.
    pub fn add_folded(&mut self, a: &[Wire], b: &[Wire], longer: bool) -> Vec<Wire> {
        let mut sum = Vec::with_capacity(b.len() + 1);
        let mut carry = None;
        for (position, b_bit) in b.iter().enumerate() {
            let bits: Vec<Wire> = [a.get(position).copied(), Some(*b_bit), carry].into_iter().flatten().collect();
            sum.extend(self.parity(&bits));
            if longer || position + 1 < b.len() {
                carry = self.carry(&bits);
            }
        }
        sum.extend(carry.filter(|_| longer));
        sum
    }

    /// `a − b` modulo 2^width. The borrow is the carry of `¬a`, `b` and the last borrow.
    pub fn sub_folded(&mut self, a: &[Wire], b: &[Wire]) -> Vec<Wire> {
        let mut borrow = None;
        let bits = a.iter().zip(b).enumerate();
        bits.filter_map(|(position, (a_bit, b_bit))| {
            let of = |a: Wire| [Some(a), Some(*b_bit), borrow].into_iter().flatten().collect::<Vec<_>>();
            let difference = self.parity(&of(*a_bit));
            if position + 1 < a.len() {
                let borrowing = of(self.not(*a_bit));
                borrow = self.carry(&borrowing);
            }
            difference
        })
        .collect()
    }

    /// `−a` modulo 2^width, as `¬a + 1`. The first bit is that of `a`.
    pub fn negate(&mut self, a: &[Wire]) -> Vec<Wire> {
        let [first, rest @ ..] = a else { return Vec::new() };
        if rest.is_empty() {
            return vec![*first];
        }
        let mut carry = self.not(*first);
        let mut negated = vec![*first];
        for (position, bit) in rest.iter().enumerate() {
            let inverted = self.not(*bit);
            negated.push(self.xor(inverted, carry));
            if position + 1 < rest.len() {
                carry = self.and(carry, inverted);
            }
        }
        negated
    }

    /// `a · b`, modulo 2^width or, if `wide`, with all 2·width bits (one bit for a width of one).
    pub fn multiply_folded(&mut self, a: &[Wire], b: &[Wire], wide: bool) -> Vec<Wire> {
        let mut product: Vec<Wire> = Vec::new();
        for (row, multiplier) in b.iter().enumerate() {
            let kept = if wide { a.len() } else { a.len().saturating_sub(row) };
            let partial: Vec<Wire> = a.iter().take(kept).map(|bit| self.and(*bit, *multiplier)).collect();
            if row == 0 {
                product = partial;
            } else {
                let upper = product.split_off(row);
                product.extend(self.add_folded(&upper, &partial, wide));
            }
        }
        product
    }

    /// Whether no bit is set: a tree of AND gates over the inverted bits.
    pub fn is_zero(&mut self, bits: &[Wire]) -> Option<Wire> {
        let inverted = bits.iter().map(|bit| self.not(*bit)).collect();
        self.all(inverted)
    }

    /// Whether all bits are set: a tree of AND gates over neighbours.
    pub fn all(&mut self, mut layer: Vec<Wire>) -> Option<Wire> {
        while layer.len() > 1 {
            let pairs = layer.chunks(2);
            layer = pairs
                .filter_map(|pair| match *pair {
                    [a, b] => Some(self.and(a, b)),
                    _ => pair.first().copied(),
                })
                .collect();
        }
        layer.pop()
    }
}
