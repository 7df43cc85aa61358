//! Arithmetic on words (least significant bit first), gate for gate as EMP-toolkit builds it: one AND gate per bit of
//! an adder (Kolesnikov, Sadeghi, Schneider, CANS 2009), none in the last bit, the first carry a constant zero wire.
//!
//! Source of the structure: github:emp-toolkit/emp-tool, `emp-tool/circuits/integer.hpp` before November 2022.

use super::raw::RawBuilder;
use crate::circuit::Wire;

impl RawBuilder {
    /// `a + b` modulo 2^width. Every bit but the last: `carry' = carry ⊕ ((a ⊕ carry) ∧ (b ⊕ carry))`, 4 XOR and 1 AND.
    pub fn add(&mut self, a: &[Wire], b: &[Wire], zero: Wire) -> Vec<Wire> {
        let mut carry = zero;
        self.ripple(a, b, |builder, a, b, last| {
            if last {
                let sum = builder.xor(carry, b);
                return builder.xor(sum, a);
            }
            let a_carry = builder.xor(a, carry);
            let b_carry = builder.xor(b, carry);
            let sum = builder.xor(a, b_carry);
            let changes = builder.and(a_carry, b_carry);
            carry = builder.xor(carry, changes);
            sum
        })
    }

    /// `a − b` modulo 2^width. Every bit but the last: `borrow' = borrow ⊕ ((a ⊕ b) ∧ (b ⊕ borrow))`, 4 XOR and 1 AND.
    pub fn sub(&mut self, a: &[Wire], b: &[Wire], zero: Wire) -> Vec<Wire> {
        let mut borrow = zero;
        self.ripple(a, b, |builder, a, b, last| {
            let a_b = builder.xor(a, b);
            if last {
                return builder.xor(a_b, borrow);
            }
            let b_borrow = builder.xor(borrow, b);
            let difference = builder.xor(a_b, borrow);
            let changes = builder.and(a_b, b_borrow);
            borrow = builder.xor(borrow, changes);
            difference
        })
    }

    fn ripple(
        &mut self,
        a: &[Wire],
        b: &[Wire],
        mut bit: impl FnMut(&mut Self, Wire, Wire, bool) -> Wire,
    ) -> Vec<Wire> {
        let width = a.len().min(b.len());
        a.iter().zip(b).enumerate().map(|(position, (a, b))| bit(self, *a, *b, position + 1 == width)).collect()
    }

    /// Whether `a > b`, as numbers in two's complement: the sign of `b − a` with the signs of both repeated as one bit
    /// more, negated twice (EMP's `>` is the negation of its `≥`, which is the negation of a sign).
    pub fn greater(&mut self, a: &[Wire], b: &[Wire], zero: Wire) -> Wire {
        let longer = |word: &[Wire]| [word, &[word.last().copied().unwrap_or(zero)]].concat();
        let difference = self.sub(&longer(b), &longer(a), zero);
        let at_least = self.not(difference.last().copied().unwrap_or(zero));
        self.not(at_least)
    }

    /// `choice ? a : b`, 2 XOR and 1 AND per bit.
    pub fn select(&mut self, choice: Wire, a: &[Wire], b: &[Wire]) -> Vec<Wire> {
        a.iter()
            .zip(b)
            .map(|(a, b)| {
                let difference = self.xor(*a, *b);
                let chosen = self.and(choice, difference);
                self.xor(chosen, *b)
            })
            .collect()
    }

    /// `a · b` modulo 2^width: rows of partial products, each added to the upper bits of an accumulator that starts at
    /// zero.
    pub fn multiply(&mut self, a: &[Wire], b: &[Wire], zero: Wire) -> Vec<Wire> {
        let mut product = vec![zero; a.len()];
        for (row, multiplier) in b.iter().enumerate().take(a.len()) {
            let partial: Vec<Wire> = a.iter().take(a.len() - row).map(|bit| self.and(*bit, *multiplier)).collect();
            let upper = product.split_off(row);
            product.extend(self.add(&upper, &partial, zero));
        }
        product
    }

    /// The number of ones among `bits`: pairs are added in a tree whose words grow by one bit per level, from two bits.
    pub fn hamming_weight(&mut self, bits: &[Wire], zero: Wire) -> Vec<Wire> {
        let mut words: Vec<Vec<Wire>> = bits.iter().map(|bit| vec![*bit, zero]).collect();
        while words.len() > 1 {
            let pairs = words.chunks(2);
            words = pairs
                .map(|pair| match pair {
                    [a, b] => self.add(a, b, zero),
                    alone => alone.concat(),
                })
                .collect();
            if words.len() > 1 {
                words.iter_mut().for_each(|word| word.push(zero));
            }
        }
        words.pop().unwrap_or_default()
    }

    /// `max(a, 0)` of a number in two's complement: every bit, also the sign, masked with the negated sign.
    pub fn relu(&mut self, a: &[Wire]) -> Vec<Wire> {
        let Some(sign) = a.last() else { return Vec::new() };
        let positive = self.not(*sign);
        a.iter().map(|bit| self.and(*bit, positive)).collect()
    }
}
