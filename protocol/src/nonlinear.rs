//! The circuits of all non-linear layers: one for each output value, from both parties' shares of the values that it reads.
//!
//! Every circuit has the same three parts: it adds the shares of each value that it reads and drops the fraction bits that are
//! too many; it takes the largest (max pool) and activates it; it adds the next mask. With k bits of a ring, a shift of s,
//! L = k − s and t values read, the AND gates are
//!
//! | part | AND gates |
//! | --- | --- |
//! | add the shares of t values | t (k − 1) |
//! | the largest of them: t − 1 comparisons and selections | (t − 1) · 2L |
//! | ReLU | L − 1 |
//! | ReLU that is clamped to `most` | as [`Builder::relu`] |
//! | leaky ReLU, slope 2^−b | L − 1, as a ReLU |
//! | … slope (2^h + 2^l) / 2^b, h < b | 2 (L − 1): one adder more |
//! | … d non-zero signed digits | at most (d − 1)(L + b) + L − 1 |
//! | parametric ReLU, slope of w bits with f fraction bits, M = max(L, L + w − f) ≤ k | w (L − 1) + (w − 1) L − 1 + M |
//! | … M > k: the result is cut to k bits | fewer |
//! | add the mask | k − 1 |
//!
//! Modulo a prime on n wires that holds values of w bits, the shares of a value cost 2 (n − 1) + w − s and the mask 3n − 2: sums
//! are reduced ([`prime`](crate::prime)). A value enters as v + 2^(w − 1) ≥ 0 ([`Offsets`](crate::prime::Offsets)), whose highest
//! bit says whether v is negative, and everything between is the same with w for k.
//!
//! Windows that overlap read a value more than once: each of their circuits adds its shares again and has labels of its own, so
//! that the transfers of a layer are t times its output values times the wires of a share.
//!
//! *Security.* A max pool's window and a leaky ReLU's slope are architecture, which both parties know. The slopes of a
//! parametric ReLU are weights of the server's. They are inputs of the circuit like the shares and never a part of its gates:
//! offline inputs of a server that garbles, whose labels say nothing of their bits (see the backend's `gc/labels.rs`), or
//! obliviously transferred bits of a server that evaluates, of which the client sees at most an exclusive or with random
//! bits that are used once. The circuit is the same for all slopes.

use crate::circuit::{Bit, Builder, Circuit, Inputs};
use crate::gadgets::Activation;
use crate::prime::field_nonlinear;
use crate::program::Party;
use crate::shares::Shares;
use pisim_netgen::Slope;

/// What the circuit of one output value of a non-linear layer computes: the activation of the largest of `taps` values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NonLinear {
    /// What becomes of the value.
    pub activation: Activation,
    /// Values that it reads: those of a max pool's window, otherwise one.
    pub taps: usize,
}

impl From<Activation> for NonLinear {
    fn from(activation: Activation) -> Self {
        Self { activation, taps: 1 }
    }
}

impl NonLinear {
    /// Bits of a secret slope, which the server feeds in.
    pub fn slope_bits(self) -> usize {
        match self.activation {
            Activation::PRelu { slope_bits, .. } => slope_bits as usize,
            _ => 0,
        }
    }

    /// Inputs of its circuit when a share has `wires`. The server's shares are known online only, the client's offline, the slope
    /// always, and the garbler's mask offline; the evaluator's inputs are transferred obliviously.
    pub fn inputs(self, garbler: Party, wires: u32) -> Inputs {
        let (mask, shares) = (wires as usize, self.taps * wires as usize);
        match garbler {
            Party::Server => {
                Inputs { garbler_online: shares, evaluator: shares, garbler_offline: self.slope_bits() + mask }
            }
            Party::Client => {
                Inputs { garbler_online: 0, evaluator: shares + self.slope_bits(), garbler_offline: shares + mask }
            }
        }
    }

    /// Bits of one of the server's inputs that it feeds in as a number: a share, and with it the slope when the server evaluates.
    pub fn server_bits(self, garbler: Party, wires: u32) -> u32 {
        match garbler {
            Party::Server => wires,
            Party::Client => wires + self.slope_bits() as u32,
        }
    }

    /// The circuit on these shares.
    pub fn circuit(self, garbler: Party, shares: Shares, shift: u32) -> Circuit {
        match shares {
            Shares::Ring { bits } => ring_nonlinear(self, garbler, bits, shift),
            Shares::Prime { modulus } => field_nonlinear(self, garbler, modulus, shift),
        }
    }

    /// Signed bits of the result for values of `bits` bits after a shift: no result needs more.
    pub(crate) fn result_bits(self, bits: usize, shift: usize) -> usize {
        let left = bits - shift.min(bits - 1);
        match self.activation {
            Activation::PRelu { slope_bits, fraction_bits } => {
                bits.min(left.max((left + slope_bits as usize).saturating_sub(fraction_bits as usize)))
            }
            _ => left,
        }
    }
}

/// Input wires of a circuit by what they carry.
pub(crate) struct Operands {
    /// Of every value both shares, the server's first.
    pub shares: Vec<(Vec<Bit>, Vec<Bit>)>,
    /// The server's slope.
    pub slope: Vec<Bit>,
    /// −r for the garbler's mask r.
    pub minus_r: Vec<Bit>,
}

impl Operands {
    /// Takes a builder's inputs apart.
    pub fn of(nonlinear: NonLinear, garbler: Party, wires: usize, builder: &Builder) -> Self {
        let (mut evaluator, mut offline) = (builder.evaluator(), builder.garbler_offline());
        let minus_r = offline.split_off(offline.len() - wires);
        let (server, client, slope) = match garbler {
            Party::Server => (builder.garbler_online(), evaluator, offline),
            Party::Client => {
                let slope = evaluator.split_off(evaluator.len() - nonlinear.slope_bits());
                (evaluator, offline, slope)
            }
        };
        let pairs = server.chunks(wires).zip(client.chunks(wires));
        Self { shares: pairs.map(|(a, b)| (a.to_vec(), b.to_vec())).collect(), slope, minus_r }
    }
}

/// The circuit on additive shares in Z_2^k.
///
/// Inputs: the server's shares of all values, the client's (both in the order that [`NonLinear::inputs`] says), the slope, and −r
/// for a mask r of the garbler's choice. Output: the result minus r, modulo 2^k.
fn ring_nonlinear(nonlinear: NonLinear, garbler: Party, ring_bits: u32, shift: u32) -> Circuit {
    let k = ring_bits as usize;
    let shift = (shift as usize).min(k - 1);
    let mut builder = Builder::new(nonlinear.inputs(garbler, ring_bits));
    let operands = Operands::of(nonlinear, garbler, k, &builder);
    let add = |(a, b): &(Vec<Bit>, Vec<Bit>)| builder.add(a, b).split_off(shift);
    let values: Vec<Vec<Bit>> = operands.shares.iter().map(add).collect();
    let largest = builder.largest(values);
    let mut result = builder.activate(nonlinear.activation, &largest, &operands.slope, k);
    let sign = result.last().copied().unwrap_or(Bit::Const(false));
    result.resize(k, sign);
    let masked = builder.add(&result, &operands.minus_r);
    builder.finish(masked)
}

/// The non-zero digits of a number in non-adjacent form, as (position, whether negative), highest first: no number has fewer
/// signed digits.
fn signed_digits(number: u32) -> Vec<(usize, bool)> {
    let (mut rest, mut digits, mut position) = (u64::from(number), Vec::new(), 0);
    while rest > 0 {
        if rest & 1 == 1 {
            let negative = rest & 3 == 3;
            digits.push((position, negative));
            rest = if negative { rest + 1 } else { rest - 1 };
        }
        rest >>= 1;
        position += 1;
    }
    digits.reverse();
    digits
}

impl Builder {
    /// The larger of two signed numbers of equal width: two AND gates per bit.
    fn larger(&mut self, a: &[Bit], b: &[Bit]) -> Vec<Bit> {
        let unsigned = |builder: &mut Self, value: &[Bit]| {
            let mut value = value.to_vec();
            if let Some(sign) = value.last_mut() {
                *sign = builder.not(*sign);
            }
            value
        };
        let (x, y) = (unsigned(self, a), unsigned(self, b));
        let smaller = self.less(&x, &y);
        self.mux(smaller, b, a)
    }

    /// The largest of signed numbers of equal width, by a tournament.
    pub(crate) fn largest(&mut self, mut values: Vec<Vec<Bit>>) -> Vec<Bit> {
        while values.len() > 1 {
            values = values
                .chunks(2)
                .map(|pair| match pair {
                    [a, b] => self.larger(a, b),
                    rest => rest.concat(),
                })
                .collect();
        }
        values.pop().unwrap_or_default()
    }

    /// An activation of a signed number that is rescaled already; the result is signed, with at most `most_bits` bits.
    pub(crate) fn activate(
        &mut self,
        activation: Activation,
        value: &[Bit],
        slope: &[Bit],
        most_bits: usize,
    ) -> Vec<Bit> {
        let Some((sign, low)) = value.split_last() else { return Vec::new() };
        match activation {
            Activation::Rescale => value.to_vec(),
            Activation::Relu | Activation::ClampedRelu { .. } => {
                let positive = self.not(*sign);
                let mut result = self.relu(low, positive, activation.most());
                result.push(Bit::Const(false));
                result
            }
            Activation::LeakyRelu { slope } => self.leaky(low, *sign, slope),
            Activation::PRelu { fraction_bits, .. } => {
                self.prelu(low, *sign, slope, (fraction_bits as usize, most_bits))
            }
        }
    }

    /// A signed number, or below zero its product with a public slope from 0 to 1, floored.
    fn leaky(&mut self, low: &[Bit], sign: Bit, slope: Slope) -> Vec<Bit> {
        if slope.numerator() == 0 {
            let positive = self.not(sign);
            let mut result = self.mask(low, positive);
            result.push(Bit::Const(false));
            return result;
        }
        let bits = slope.bits() as usize;
        let product = self.times_negative(low, slope.numerator(), bits + low.len());
        let mut result = self.mux(sign, product.get(bits..).unwrap_or_default(), low);
        // The product of a negative number and a positive slope, floored, is negative.
        result.push(sign);
        result
    }

    /// The lowest `width` bits of a constant times the negative number whose bits below its sign are `low`.
    fn times_negative(&mut self, low: &[Bit], constant: u32, width: usize) -> Vec<Bit> {
        let shifted = |by: usize| -> Vec<Bit> {
            let bits = std::iter::repeat_n(Bit::Const(false), by).chain(low.iter().copied());
            bits.chain(std::iter::repeat(Bit::Const(true))).take(width).collect()
        };
        let mut digits = signed_digits(constant).into_iter();
        let mut sum = digits.next().map_or_else(Vec::new, |(position, _)| shifted(position));
        for (position, negative) in digits {
            let term = shifted(position);
            // Below the digit the term has no bits: nothing carries or borrows there.
            let (done, open) = sum.split_at(position.min(sum.len()));
            let term = term.get(position..).unwrap_or_default();
            let upper = if negative { self.sub(open, term) } else { self.add(open, term) };
            sum = [done, &upper].concat();
        }
        sum
    }

    /// A signed number, or below zero its product with a secret slope, floored to its own fraction bits and cut to at most
    /// `most_bits`.
    fn prelu(&mut self, low: &[Bit], sign: Bit, slope: &[Bit], (fraction_bits, most_bits): (usize, usize)) -> Vec<Bit> {
        let product = self.secret_times_negative(low, slope);
        let last = product.len().saturating_sub(1);
        let mut floored = product.get(fraction_bits.min(last)..).unwrap_or_default().to_vec();
        let width = most_bits.min(floored.len().max(low.len() + 1));
        let negative = floored.last().copied().unwrap_or(Bit::Const(false));
        floored.resize(width, negative);
        // Above its lowest bits a number that is not negative has zeros only.
        let (lower, upper) = floored.split_at(low.len().min(width));
        let mut result = self.mux(sign, lower, low);
        result.extend(self.mask(upper, sign));
        result
    }

    /// The product of a signed secret number and the negative number whose bits below its sign are `low`.
    fn secret_times_negative(&mut self, low: &[Bit], secret: &[Bit]) -> Vec<Bit> {
        let width = low.len() + 2;
        let extend = |bits: &mut Vec<Bit>, width: usize| {
            bits.resize(width, bits.last().copied().unwrap_or(Bit::Const(false)));
        };
        let mut product: Vec<Bit> = Vec::new();
        for (position, digit) in secret.iter().enumerate() {
            // The sign of the number is set, so the sign of its product with a bit is that bit.
            let mut term = self.mask(low, *digit);
            term.push(*digit);
            if position == 0 {
                product = term;
                continue;
            }
            extend(&mut product, position + width);
            extend(&mut term, width);
            let (done, open) = product.split_at(position);
            // The highest bit of a signed number counts negatively.
            let upper = if position + 1 == secret.len() { self.sub(open, &term) } else { self.add(open, &term) };
            product = [done, &upper].concat();
        }
        product
    }
}
