//! The circuits of non-linear layers on shares modulo a prime.
//!
//! Delphi's garbled ReLU (Mishra et al., USENIX Security 2020): add both shares, reduce, compare with p/2, clamp, add the next
//! mask, reduce. For p = 15·2^37 + 1 on n = 42 wires and a ReLU6 that also drops 8 of 16 fraction bits it costs
//!
//! | step | AND gates |
//! | --- | --- |
//! | add the shares; no carry out | n − 1 = 41 |
//! | subtract p if it fits: compare (the lowest bit of p is free), select | (n − 1) + n = 83 |
//! | compare with (p − 1)/2, whose 36 low zeros are skipped | 5 |
//! | compare all 33 bits that are left with 6·2^8, whose 9 low zeros are skipped | 23 |
//! | keep, saturate or clear the 11 bits of 6·2^8 | 1 + 11 |
//! | add the mask; no carry out | n − 1 = 41 |
//! | subtract p if it fits | 83 |
//! | **total** | **288** |
//!
//! which is the published number. Delphi's own circuit drops all bits above e + 8 = 16 before it compares, so that it is
//! wrong for values of 256 and more; this one spends the same gates differently (one gate for both keeping and clearing) and is
//! right for every value. Delphi drops fraction bits outside of the circuit, by a truncation that may be off by one, and
//! needs all of the first reduction; here the lowest bits of its result are not read, but they are garbled all the same, so
//! that the circuit costs what was published.

use crate::circuit::{Bit, Builder, Circuit};
use crate::gadgets::Activation;
use crate::nonlinear::{NonLinear, Operands};
use crate::program::Party;
use crate::shares::Shares;

/// What the garbler adds to its inputs, both modulo p, so that no sign needs a comparison: the value becomes v + `share` ≥ 0, and
/// its result `mask` too large. Delphi's own ReLUs do without.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Offsets {
    /// Added to the garbler's share of each value.
    pub share: u64,
    /// Subtracted from the result: the garbler's other input is −r − `mask`.
    pub mask: u64,
}

impl Offsets {
    /// The offsets of a layer: zero for Delphi's ReLUs, and in a ring.
    pub fn of(nonlinear: impl Into<NonLinear>, shares: Shares, shift: u32) -> Self {
        let nonlinear = nonlinear.into();
        if matches!(shares, Shares::Ring { .. }) || is_delphis_relu(nonlinear) {
            return Self::default();
        }
        let bits = shares.value_bits();
        // Half of the result's range; results that are never negative stay as they are.
        let mask = match nonlinear.activation.is_never_negative() {
            true => 0,
            false => 1 << (nonlinear.result_bits(bits as usize, shift as usize) - 1),
        };
        Self { share: 1 << (bits - 1), mask }
    }
}

/// Whether a layer is garbled as Delphi published it.
fn is_delphis_relu(nonlinear: NonLinear) -> bool {
    nonlinear.taps == 1 && matches!(nonlinear.activation, Activation::Relu | Activation::ClampedRelu { .. })
}

/// The circuit of one output value on additive shares modulo p, each of them as for [`field_circuit`], with inputs in the order of
/// [`NonLinear::inputs`].
pub(crate) fn field_nonlinear(nonlinear: NonLinear, garbler: Party, modulus: u64, shift: u32) -> Circuit {
    if is_delphis_relu(nonlinear) || nonlinear == Activation::Rescale.into() {
        return field_circuit(nonlinear.activation, garbler, modulus, shift);
    }
    let shares = Shares::Prime { modulus };
    let (wires, bits) = (shares.wires() as usize, shares.value_bits() as usize);
    let shift = (shift as usize).min(bits - 1);
    let mut builder = Builder::new(nonlinear.inputs(garbler, shares.wires()));
    let operands = Operands::of(nonlinear, garbler, wires, &builder);
    let mut values = Vec::with_capacity(nonlinear.taps);
    for (a, b) in &operands.shares {
        let sum = builder.add(a, b);
        let residue = builder.reduce(&sum, modulus);
        // v + 2^(bits − 1): with its highest bit inverted it is v in two's complement.
        let mut value = residue.get(shift..bits).unwrap_or_default().to_vec();
        invert_highest(&mut builder, &mut value);
        values.push(value);
    }
    let largest = builder.largest(values);
    let mut result = builder.activate(nonlinear.activation, &largest, &operands.slope, bits);
    if !nonlinear.activation.is_never_negative() {
        invert_highest(&mut builder, &mut result);
    }
    result.resize(wires, Bit::Const(false));
    let masked = builder.add(&result, &operands.minus_r);
    let outputs = builder.reduce(&masked, modulus);
    builder.finish(outputs)
}

fn invert_highest(builder: &mut Builder, number: &mut [Bit]) {
    if let Some(highest) = number.last_mut() {
        *highest = builder.not(*highest);
    }
}

/// The circuit of one element of a ReLU or rescale on additive shares modulo p: a of the server, b of the client.
///
/// Inputs are as for a ring: both shares (the garbler's with [`Offsets::share`] added), and −r of the garbler's mask r (with
/// [`Offsets::mask`] subtracted), all below p. Output: activation(a + b) >> shift, minus r, modulo p. Values must fit
/// [`Shares::value_bits`], and the shift must leave a bit of them.
pub(crate) fn field_circuit(activation: Activation, garbler: Party, modulus: u64, shift: u32) -> Circuit {
    let shares = Shares::Prime { modulus };
    let (wires, bits) = (shares.wires() as usize, shares.bits() as usize);
    let shift = (shift as usize).min(bits - 1);
    let mut builder = Builder::new(NonLinear::from(activation).inputs(garbler, shares.wires()));
    let (online, evaluator, mut offline) = (builder.garbler_online(), builder.evaluator(), builder.garbler_offline());
    let minus_r = offline.split_off(offline.len() - wires);
    let (a, b) = match garbler {
        Party::Server => (online, evaluator),
        Party::Client => (evaluator, offline),
    };
    let sum = builder.add(&a, &b);
    let residue = builder.reduce(&sum, modulus);
    let window = residue.get(shift..bits).unwrap_or_default();
    let mut value = match activation {
        // Others are built from a value in two's complement.
        Activation::Rescale | Activation::LeakyRelu { .. } | Activation::PRelu { .. } => window.to_vec(),
        Activation::Relu | Activation::ClampedRelu { .. } => {
            // Negative numbers are the upper half of the field; (p − 1)/2 itself, which is no value, counts as one of them.
            let half = (modulus - 1) / 2;
            let zeros = half.trailing_zeros() as usize;
            let positive = builder.below(residue.get(zeros..).unwrap_or_default(), half >> zeros);
            builder.relu(window, positive, activation.most())
        }
    };
    value.resize(wires, Bit::Const(false));
    let masked = builder.add(&value, &minus_r);
    let outputs = builder.reduce(&masked, modulus);
    builder.finish_whole(outputs)
}

impl Builder {
    /// `value` less `modulus` if that is not negative, for a value below twice the modulus: two AND gates per bit, and one less
    /// for an odd modulus.
    pub fn reduce(&mut self, value: &[Bit], modulus: u64) -> Vec<Bit> {
        let inverted: Vec<Bit> = (0..value.len()).map(|bit| Bit::Const(modulus >> bit & 1 == 0)).collect();
        let (difference, fits) = self.add_carry(value, &inverted, Bit::Const(true));
        self.mux(fits, &difference, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shares::DELPHI_PRIME;
    use proptest::prelude::*;

    const RELU6: Activation = Activation::ClampedRelu { most: 6 << 8 };

    fn bits(value: u64, width: usize) -> impl Iterator<Item = bool> {
        (0..width).map(move |bit| value >> bit & 1 == 1)
    }

    fn number(bits: &[bool]) -> u64 {
        bits.iter().enumerate().map(|(position, bit)| u64::from(*bit) << position).sum()
    }

    fn expected(activation: Activation, value: i64, shift: u32) -> i64 {
        match activation {
            Activation::Relu => value.max(0) >> shift,
            Activation::ClampedRelu { most } => (value >> shift).clamp(0, most as i64),
            Activation::Rescale => value >> shift,
            Activation::LeakyRelu { .. } | Activation::PRelu { .. } => unreachable!("tested with their own reference"),
        }
    }

    /// The circuit's answer for a value, the client's share of it and the garbler's mask, as a signed number.
    fn run(circuit: &Circuit, garbler: Party, modulus: u64, offsets: Offsets, (value, b, r): (i64, u64, u64)) -> i64 {
        let of = |number: i128| number.rem_euclid(i128::from(modulus)) as u64;
        let width = Shares::Prime { modulus }.wires() as usize;
        let (mut a, mut b) = (of(i128::from(value) - i128::from(b)), b);
        let own = if garbler == Party::Server { &mut a } else { &mut b };
        *own = of(i128::from(*own) + i128::from(offsets.share));
        let minus_r = of(-i128::from(r) - i128::from(offsets.mask));
        // The same order for both garblers: the server's share, the client's, the mask.
        let inputs: Vec<bool> = bits(a, width).chain(bits(b, width)).chain(bits(minus_r, width)).collect();
        let output = number(&circuit.evaluate(&inputs));
        assert!(output < modulus);
        let sum = of(i128::from(output) + i128::from(r));
        if sum > (modulus - 1) / 2 { sum as i64 - modulus as i64 } else { sum as i64 }
    }

    #[test]
    fn delphis_relu6_has_exactly_288_and_gates_on_42_wires_for_both_garblers() {
        for garbler in [Party::Server, Party::Client] {
            let circuit = field_circuit(RELU6, garbler, DELPHI_PRIME, 8);
            assert_eq!((circuit.and_gates(), circuit.outputs.len(), circuit.inputs.total()), (288, 42, 126));
            assert!(circuit.outputs.iter().all(|output| matches!(output, Bit::Wire(_))));
            assert_eq!(crate::wire::delphi::circuit_bytes(&circuit), 15_896);
            assert_eq!(crate::wire::delphi::encoder_bytes(&circuit), 3_590);
            // 41 + 83 + 5 + 33 + 41 + 83: every bit of a plain ReLU is cleared by itself.
            assert_eq!(field_circuit(Activation::Relu, garbler, DELPHI_PRIME, 8).and_gates(), 286);
            assert_eq!(field_circuit(Activation::Rescale, garbler, DELPHI_PRIME, 8).and_gates(), 2 * (41 + 83));
        }
        assert_eq!(crate::wire::delphi::tables_bytes(&field_circuit(RELU6, Party::Server, DELPHI_PRIME, 8)), 17_072);
    }

    #[test]
    fn field_circuits_are_right_for_every_value_share_and_mask_of_small_primes() {
        for modulus in [13u64, 29] {
            let largest = 1i64 << (Shares::Prime { modulus }.value_bits() - 1);
            for (most, shift) in [(1, 0), (2, 0), (3, 0), (6, 0), (1, 1), (3, 1), (1, 2), (100, 0)] {
                for activation in [Activation::Relu, Activation::ClampedRelu { most }, Activation::Rescale] {
                    for garbler in [Party::Server, Party::Client] {
                        let circuit = field_circuit(activation, garbler, modulus, shift);
                        let offsets = Offsets::of(activation, Shares::Prime { modulus }, shift);
                        for value in -largest..largest {
                            for (b, r) in (0..modulus).flat_map(|b| (0..modulus).map(move |r| (b, r))) {
                                let found = run(&circuit, garbler, modulus, offsets, (value, b, r));
                                assert_eq!(found, expected(activation, value, shift), "{activation:?} of {value}");
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn relu6_saturates_at_every_power_of_two_up_to_the_largest_value() {
        let circuit = field_circuit(RELU6, Party::Server, DELPHI_PRIME, 8);
        let powers = (0..39).flat_map(|bit| [(1i64 << bit) - 1, 1 << bit, (1 << bit) + 1]);
        for value in powers.chain([(1 << 39) - 1, (6 << 16) - 1, 6 << 16, (6 << 16) + 1]) {
            for value in [value, -value, -(1 << 39)] {
                for (b, r) in [(0, 0), (DELPHI_PRIME - 1, DELPHI_PRIME - 1), (1, DELPHI_PRIME / 2)] {
                    let found = run(&circuit, Party::Server, DELPHI_PRIME, Offsets::default(), (value, b, r));
                    assert_eq!(found, expected(RELU6, value, 8), "{value}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn field_circuits_equal_the_fixed_point_rule_for_every_value_below_2_to_the_39(
            value in -(1i64 << 39)..1 << 39, b in 0..DELPHI_PRIME, r in 0..DELPHI_PRIME, shift in 0u32..20,
            most in 1u64..1 << 20,
        ) {
            for activation in [Activation::Relu, RELU6, Activation::ClampedRelu { most }, Activation::Rescale] {
                for garbler in [Party::Server, Party::Client] {
                    let circuit = field_circuit(activation, garbler, DELPHI_PRIME, shift);
                    let offsets = Offsets::of(activation, Shares::Prime { modulus: DELPHI_PRIME }, shift);
                    let found = run(&circuit, garbler, DELPHI_PRIME, offsets, (value, b, r));
                    prop_assert_eq!(found, expected(activation, value, shift));
                }
            }
        }
    }
}
