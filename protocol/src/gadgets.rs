//! Arithmetic on bit vectors (least significant bit first), and what the circuits of the non-linear layers compute.
//!
//! Adders, subtractors and comparisons spend one AND gate per bit (Kolesnikov, Sadeghi, Schneider, CANS 2009):
//! `carry' = carry ⊕ ((a ⊕ carry) ∧ (b ⊕ carry))`.

use crate::circuit::{Bit, Builder, Circuit};
use crate::nonlinear::NonLinear;
use crate::program::Party;
use crate::shares::Shares;
use pisim_netgen::Slope;

impl Builder {
    /// `a + b` modulo 2^width, for operands of equal width: width − 1 AND gates.
    pub fn add(&mut self, a: &[Bit], b: &[Bit]) -> Vec<Bit> {
        self.add_with(a, b, Bit::Const(false))
    }

    /// `a − b` modulo 2^width: `a + ¬b + 1`.
    pub fn sub(&mut self, a: &[Bit], b: &[Bit]) -> Vec<Bit> {
        let inverted: Vec<Bit> = b.iter().map(|bit| self.not(*bit)).collect();
        self.add_with(a, &inverted, Bit::Const(true))
    }

    /// Whether `a < b`, as unsigned numbers of equal width: the borrow of `a − b`.
    pub fn less(&mut self, a: &[Bit], b: &[Bit]) -> Bit {
        let mut carry = Bit::Const(true);
        for (x, y) in a.iter().zip(b) {
            let inverted = self.not(*y);
            carry = self.carry(*x, inverted, carry);
        }
        self.not(carry)
    }

    /// `choice ? a : b`, bit by bit: one AND gate per bit.
    pub fn mux(&mut self, choice: Bit, a: &[Bit], b: &[Bit]) -> Vec<Bit> {
        a.iter()
            .zip(b)
            .map(|(x, y)| {
                let difference = self.xor(*x, *y);
                let chosen = self.and(choice, difference);
                self.xor(chosen, *y)
            })
            .collect()
    }

    /// `bits ∧ mask`, bit by bit.
    pub fn mask(&mut self, bits: &[Bit], mask: Bit) -> Vec<Bit> {
        bits.iter().map(|bit| self.and(*bit, mask)).collect()
    }

    /// Whether `a < constant`, for an unsigned number that may be narrower than the constant.
    pub fn below(&mut self, a: &[Bit], constant: u64) -> Bit {
        if a.len() < 64 && constant >> a.len() != 0 {
            return Bit::Const(true);
        }
        let bits: Vec<Bit> = (0..a.len()).map(|bit| Bit::Const(bit < 64 && constant >> bit & 1 == 1)).collect();
        self.less(a, &bits)
    }

    /// min(value, most) if `positive`, otherwise zero; just as long as it must be. Without `most` one AND gate per bit; with it
    /// one for each of its bits, one more, and the comparison.
    pub fn relu(&mut self, value: &[Bit], positive: Bit, most: Option<u64>) -> Vec<Bit> {
        let (Some(most), len) = (most, value.len()) else { return self.mask(value, positive) };
        let zeros = (most.trailing_zeros() as usize).min(len);
        let below = self.below(value.get(zeros..).unwrap_or_default(), most.checked_shr(zeros as u32).unwrap_or(0));
        let keep = self.and(positive, below);
        // Positive numbers that are not kept saturate.
        let saturate = self.xor(positive, keep);
        let width = ((u64::BITS - most.leading_zeros()) as usize).min(len);
        let bits = value.iter().take(width).enumerate();
        let mut chosen = Vec::with_capacity(width);
        for (position, bit) in bits {
            let kept = self.and(*bit, keep);
            chosen.push(if most >> position & 1 == 1 { self.xor(kept, saturate) } else { kept });
        }
        chosen
    }

    /// `a + b + carry` modulo 2^width, and the carry out of it: one AND gate per bit.
    pub fn add_carry(&mut self, a: &[Bit], b: &[Bit], mut carry: Bit) -> (Vec<Bit>, Bit) {
        let mut sum = Vec::with_capacity(a.len());
        for (x, y) in a.iter().zip(b) {
            let rest = self.xor(*y, carry);
            sum.push(self.xor(*x, rest));
            carry = self.carry(*x, *y, carry);
        }
        (sum, carry)
    }

    /// `a + b + carry` modulo 2^width.
    fn add_with(&mut self, a: &[Bit], b: &[Bit], mut carry: Bit) -> Vec<Bit> {
        let width = a.len().min(b.len());
        let mut sum = Vec::with_capacity(width);
        for (position, (x, y)) in a.iter().zip(b).enumerate() {
            let rest = self.xor(*y, carry);
            sum.push(self.xor(*x, rest));
            if position + 1 < width {
                carry = self.carry(*x, *y, carry);
            }
        }
        sum
    }

    fn carry(&mut self, a: Bit, b: Bit, carry: Bit) -> Bit {
        // The majority of three of which two are the same.
        if a == b {
            return a;
        }
        // With a constant operand the majority is a plain AND or OR; the general form would keep useless XORs.
        if a == Bit::Const(false) {
            return self.and(b, carry);
        }
        if b == Bit::Const(false) {
            return self.and(a, carry);
        }
        let left = self.xor(a, carry);
        let right = self.xor(b, carry);
        let both = self.and(left, right);
        self.xor(carry, both)
    }
}

/// What a garbled non-linear layer computes on each element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Activation {
    /// Zero for negative values, otherwise the value, shifted right.
    Relu,
    /// The same, but at most this public number: a ReLU6 for 6·2^f.
    ClampedRelu {
        /// The largest result, at least 1.
        most: u64,
    },
    /// The value, shifted right arithmetically.
    Rescale,
    /// The value, shifted right, or below zero its product with a public slope, floored.
    LeakyRelu {
        /// The slope below zero.
        slope: Slope,
    },
    /// The value, shifted right, or below zero its product with a slope that the server feeds in, floored.
    PRelu {
        /// Bits of the slope with its sign, at least 1.
        slope_bits: u32,
        /// Fraction bits of the slope.
        fraction_bits: u32,
    },
}

impl Activation {
    /// Whether no result is below zero.
    pub fn is_never_negative(self) -> bool {
        match self {
            Self::Relu | Self::ClampedRelu { .. } => true,
            Self::LeakyRelu { slope } => slope.numerator() == 0,
            Self::Rescale | Self::PRelu { .. } => false,
        }
    }

    /// The largest result, where there is one.
    pub fn most(self) -> Option<u64> {
        match self {
            Self::ClampedRelu { most } => Some(most),
            Self::Relu | Self::Rescale | Self::LeakyRelu { .. } | Self::PRelu { .. } => None,
        }
    }
}

/// The circuit of one element of an element-wise layer on additive shares in Z_2^k: a of the server, b of the client.
///
/// Garbler offline input: b if the client garbles, then −r for a mask r of the garbler's choice.
/// Output: activation(a + b) >> shift, minus r, modulo 2^k. A ReLU costs 3k − 3 − shift AND gates, a rescale 2k − 2; all others
/// are in the table of [`nonlinear`](crate::nonlinear).
pub fn activation_circuit(activation: Activation, garbler: Party, ring_bits: u32, shift: u32) -> Circuit {
    NonLinear::from(activation).circuit(garbler, Shares::Ring { bits: ring_bits }, shift)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::Inputs;
    use proptest::prelude::*;

    fn bits(value: u64, width: usize) -> impl Iterator<Item = bool> {
        (0..width).map(move |bit| value >> bit & 1 == 1)
    }

    fn number(bits: &[bool]) -> u64 {
        bits.iter().enumerate().map(|(position, bit)| u64::from(*bit) << position).sum()
    }

    fn reference(activation: Activation, k: u32, shift: u32, value: u64) -> u64 {
        let signed = ((value << (64 - k)) as i64) >> (64 - k);
        let result = match activation {
            Activation::Relu => signed.max(0) >> shift,
            Activation::ClampedRelu { most } => (signed >> shift).clamp(0, i64::try_from(most).unwrap()),
            Activation::Rescale => signed >> shift,
            Activation::LeakyRelu { .. } | Activation::PRelu { .. } => unreachable!("tested with their own reference"),
        };
        result as u64 & (u64::MAX >> (64 - k))
    }

    #[test]
    fn ring_relu_with_exact_rescale_costs_3k_minus_3_minus_f_and_gates() {
        for (k, f) in [(32, 8), (32, 0), (20, 8), (64, 8), (41, 12), (8, 3)] {
            for garbler in [Party::Server, Party::Client] {
                let circuit = activation_circuit(Activation::Relu, garbler, k, f);
                assert_eq!(circuit.and_gates(), u64::from(3 * k - 3 - f), "k = {k}, f = {f}");
                let rescale = activation_circuit(Activation::Rescale, garbler, k, f);
                assert_eq!(rescale.and_gates(), u64::from(2 * k - 2));
            }
        }
    }

    #[test]
    fn activation_circuits_are_right_on_every_8_bit_value() {
        for activation in [Activation::Relu, Activation::ClampedRelu { most: 6 }, Activation::Rescale] {
            for shift in 0..8 {
                let circuit = activation_circuit(activation, Party::Server, 8, shift);
                for value in 0..256u64 {
                    let (share, mask) = (value.wrapping_mul(37) & 255, value.wrapping_mul(91) & 255);
                    let inputs: Vec<bool> = bits(value.wrapping_sub(share) & 255, 8)
                        .chain(bits(share, 8))
                        .chain(bits(mask.wrapping_neg() & 255, 8))
                        .collect();
                    let expected = reference(activation, 8, shift, value).wrapping_sub(mask) & 255;
                    assert_eq!(number(&circuit.evaluate(&inputs)), expected, "{activation:?} {value} >> {shift}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn arithmetic_gadgets_equal_integer_arithmetic(a: u64, b: u64, choice: bool, width in 1usize..=64) {
            let modulus = u64::MAX >> (64 - width);
            let (a, b) = (a & modulus, b & modulus);
            let mut builder = Builder::new(Inputs { garbler_online: width, evaluator: width, garbler_offline: 1 });
            let (x, y, c) = (builder.garbler_online(), builder.evaluator(), builder.garbler_offline());
            let mut outputs = builder.add(&x, &y);
            outputs.extend(builder.sub(&x, &y));
            outputs.extend(builder.mux(c[0], &x, &y));
            outputs.push(builder.less(&x, &y));
            let circuit = builder.finish(outputs);
            let inputs: Vec<bool> = bits(a, width).chain(bits(b, width)).chain([choice]).collect();
            let out = circuit.evaluate(&inputs);
            prop_assert_eq!(number(&out[..width]), a.wrapping_add(b) & modulus);
            prop_assert_eq!(number(&out[width..2 * width]), a.wrapping_sub(b) & modulus);
            prop_assert_eq!(number(&out[2 * width..3 * width]), if choice { a } else { b });
            prop_assert_eq!(out[3 * width], a < b);
        }

        #[test]
        fn activation_circuits_equal_the_fixed_point_rule(value: u64, share: u64, mask: u64, k in 8u32..=64, shift in 0u32..16) {
            let shift = shift.min(k - 1);
            let ring = u64::MAX >> (64 - k);
            for activation in [Activation::Relu, Activation::ClampedRelu { most: 6 << 8 }, Activation::Rescale] {
                // Both garblers' inputs come in the same order: the server's share, the client's, the mask.
                for garbler in [Party::Server, Party::Client] {
                    let circuit = activation_circuit(activation, garbler, k, shift);
                    let width = k as usize;
                    let inputs: Vec<bool> = bits(value.wrapping_sub(share), width)
                        .chain(bits(share, width))
                        .chain(bits(mask.wrapping_neg(), width))
                        .collect();
                    let expected = reference(activation, k, shift, value & ring).wrapping_sub(mask) & ring;
                    prop_assert_eq!(number(&circuit.evaluate(&inputs)), expected);
                }
            }
        }
    }
}
