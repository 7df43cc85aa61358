//! Bounds on the noise of a linear layer's replies: that decryption is exact, what flooding hides, and which low bits of a
//! reply nobody needs.
//!
//! All bounds are computed with additions, products and square roots alone, which IEEE arithmetic rounds in one way only,
//! so both parties find the same reply format on any machine.

use crate::he::{ERROR_ETA, HeParams};
use crate::packing::{ConvPlan, packed};
use serde::Serialize;

/// How the replies of a layer are made and sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ReplyFormat {
    /// Flooding noise is uniform in [−2^bits, 2^bits).
    pub flooding_bits: u32,
    /// Low bits that are left out of every output's coefficient.
    pub dropped_value_bits: u32,
    /// Low bits that are left out of every coefficient of the second polynomial.
    pub dropped_uniform_bits: u32,
}

/// A noise bound next to what decrypts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoiseMargin {
    /// Where.
    pub stage: &'static str,
    /// Bound on the noise.
    pub noise: f64,
    /// Noise at which decryption fails.
    pub capacity: f64,
}

impl NoiseMargin {
    /// Whether decryption is exact. A hundredth is kept back for the rounding of these numbers.
    pub fn holds(&self) -> bool {
        self.noise * 1.01 < self.capacity
    }
}

/// The part of a noise bound that is not the low bits of a reply, after switching the modulus.
struct Switched {
    noise: f64,
    capacity: f64,
}

impl HeParams {
    /// A bound, up to the statistical security, on what a reply's noise would show of the weights without flooding.
    ///
    /// Every coefficient of the product collects, over all non-zero weights of the weight polynomials, below
    /// w = 2^(weight_bits − 1) each: the plaintexts' roundings, at most ½ each and taken at their worst; and the client's n
    /// independent errors. A centred binomial error is sub-Gaussian with variance η/2, so the sum exceeds
    /// w·√(n·η/2 · 2·ln 2·(σ + 2)) with probability below 2^−(σ + 1). The fresh encryption of zero that hides the weights in
    /// the other polynomial adds e·u + e₂·s, at most 2·N·η, which must stay hidden itself.
    pub fn hidden_noise(&self, plan: &ConvPlan, weight_bits: u32) -> f64 {
        let (count, weight) = (weights(plan), largest_weight(weight_bits));
        let variance = f64::from(ERROR_ETA) / 2.0 * count;
        let tail = 2.0 * std::f64::consts::LN_2 * f64::from(self.statistical_bits + 2);
        let errors = (variance * tail).sqrt().min(f64::from(ERROR_ETA) * count);
        weight * (errors + count / 2.0) + self.rerandomisation()
    }

    /// A bound on the same noise that always holds: every error at its largest.
    fn largest_noise(&self, plan: &ConvPlan, weight_bits: u32) -> f64 {
        largest_weight(weight_bits) * weights(plan) * (f64::from(ERROR_ETA) + 0.5) + self.rerandomisation()
    }

    fn rerandomisation(&self) -> f64 {
        2.0 * self.degree as f64 * f64::from(ERROR_ETA)
    }

    /// Bits of the flooding noise: σ more than what it hides. A reply's coefficient is then within 2^−(σ + 1) of one that
    /// does not depend on what is hidden, and the bound on that fails with less than another 2^−(σ + 1).
    pub fn flooding_bits(&self, plan: &ConvPlan, weight_bits: u32) -> u32 {
        ceil_log2(self.hidden_noise(plan, weight_bits)) + self.statistical_bits
    }

    /// The flooding of this packing, and the most low bits that its replies can leave out, so that they are shortest.
    /// Replies of several limbs are sent whole: the low bits of their coefficients are not those of the residues.
    pub fn reply_format(&self, plan: &ConvPlan, weight_bits: u32) -> ReplyFormat {
        let whole = ReplyFormat { flooding_bits: self.flooding_bits(plan, weight_bits), ..ReplyFormat::default() };
        let (Some(bits), 1) = (self.limb_bits.first().copied(), self.response_limbs) else { return whole };
        let switched = self.switched(plan, weight_bits, whole.flooding_bits);
        let fits = |format: &ReplyFormat| self.margin_of(&switched, format).holds();
        let bytes = |format: &ReplyFormat| {
            let uniform = packed(self.degree, bits - format.dropped_uniform_bits) * plan.output_ciphertexts();
            uniform + packed(plan.shape.outputs(), bits - format.dropped_value_bits)
        };
        let mut best = whole;
        let mut dropped_value_bits = bits - 1;
        // The more is dropped of one polynomial, the less of the other.
        for dropped_uniform_bits in 0..bits {
            let format = |dropped_value_bits| ReplyFormat { dropped_value_bits, dropped_uniform_bits, ..whole };
            while dropped_value_bits > 0 && !fits(&format(dropped_value_bits)) {
                dropped_value_bits -= 1;
            }
            let format = format(dropped_value_bits);
            if !fits(&format) {
                break;
            }
            if bytes(&format) < bytes(&best) {
                best = format;
            }
        }
        best
    }

    /// Bounds on a reply's noise, whatever the errors, and the noise at which decryption fails (q/2t): before switching the
    /// modulus, and after it, where every dropped limb divides the noise and rounds, and low bits are left out.
    pub fn noise_margins(&self, plan: &ConvPlan, weight_bits: u32) -> [NoiseMargin; 2] {
        let noise = self.flooded_noise(plan, weight_bits, plan.reply.flooding_bits);
        let switched = self.switched(plan, weight_bits, plan.reply.flooding_bits);
        [
            NoiseMargin { stage: "before switching the modulus", noise, capacity: self.capacity(&self.moduli) },
            self.margin_of(&switched, &plan.reply),
        ]
    }

    /// Flooding, what it hides, and the rounding of the mask that the server subtracts.
    fn flooded_noise(&self, plan: &ConvPlan, weight_bits: u32, flooding_bits: u32) -> f64 {
        power_of_two(flooding_bits) + self.largest_noise(plan, weight_bits) + 1.0
    }

    /// Switching rounds both polynomials: at most (N + 1)/2 for a ternary secret, and next to nothing for further limbs.
    fn switched(&self, plan: &ConvPlan, weight_bits: u32, flooding_bits: u32) -> Switched {
        let (kept, dropped) = self.moduli.split_at(self.response_limbs.min(self.moduli.len()));
        let rounding = if dropped.is_empty() { 0.0 } else { (self.degree + 2) as f64 / 2.0 };
        let noise = self.flooded_noise(plan, weight_bits, flooding_bits) / product(dropped) + rounding;
        Switched { noise, capacity: self.capacity(kept) }
    }

    /// The receiver takes the middle of what the missing d bits may have been, at most 2^(d − 1) away; every coefficient of
    /// the second polynomial multiplies one of the secret's.
    fn margin_of(&self, switched: &Switched, format: &ReplyFormat) -> NoiseMargin {
        let missing = |bits: u32| if bits == 0 { 0.0 } else { power_of_two(bits - 1) };
        let uniform = self.degree as f64 * missing(format.dropped_uniform_bits);
        let noise = switched.noise + missing(format.dropped_value_bits) + uniform;
        NoiseMargin { stage: "after switching the modulus", noise, capacity: switched.capacity }
    }

    fn capacity(&self, moduli: &[u64]) -> f64 {
        product(moduli) / power_of_two(self.plain_bits + 1)
    }
}

/// Weights that one coefficient of a reply may meet.
fn weights(plan: &ConvPlan) -> f64 {
    (plan.shape.taps() * plan.channels_out) as f64
}

fn largest_weight(weight_bits: u32) -> f64 {
    power_of_two(weight_bits.saturating_sub(1))
}

pub(crate) fn product(moduli: &[u64]) -> f64 {
    moduli.iter().map(|modulus| *modulus as f64).product()
}

pub(crate) fn power_of_two(bits: u32) -> f64 {
    (0..bits).fold(1.0, |power, _| power * 2.0)
}

/// The least b with 2^b ≥ `number`.
pub(crate) fn ceil_log2(number: f64) -> u32 {
    let (mut bits, mut power) = (0, 1.0);
    while power < number && power.is_finite() {
        (bits, power) = (bits + 1, power * 2.0);
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packing::ConvShape;
    use proptest::prelude::*;

    fn params(plain_bits: u32) -> HeParams {
        HeParams::new(4096, vec![50, 50], 1, plain_bits, 40).unwrap()
    }

    fn shape(in_channels: usize, out_channels: usize, size: usize, kernel: usize) -> ConvShape {
        let (in_height, in_width) = (size, size);
        ConvShape { in_channels, in_height, in_width, out_channels, kernel, stride: 1, padding: kernel / 2 }
    }

    proptest! {
        #[test]
        fn no_more_bits_can_be_left_out_and_those_that_are_leave_decryption_exact(
            in_channels in 1usize..3000, out_channels in 1usize..300, size in 1usize..20,
            kernel in prop::sample::select(vec![1usize, 3]), plain_bits in 8u32..=32,
        ) {
            let he = params(plain_bits);
            let Ok(plan) = ConvPlan::choose(shape(in_channels, out_channels, size, kernel), &he, 11) else {
                prop_assert!(plain_bits == 32);
                return Ok(());
            };
            let holds = |dropped_value_bits, dropped_uniform_bits| {
                let reply = ReplyFormat { dropped_value_bits, dropped_uniform_bits, ..plan.reply };
                he.noise_margins(&ConvPlan { reply, ..plan.clone() }, 11).iter().all(NoiseMargin::holds)
            };
            let ReplyFormat { dropped_value_bits: value, dropped_uniform_bits: uniform, .. } = plan.reply;
            prop_assert!(holds(value, uniform));
            prop_assert!(!holds(value + 1, uniform));
            prop_assert!(!holds(value, uniform + 1));
            prop_assert!(value < 50 && uniform < 50);
        }

        #[test]
        fn flooding_is_as_many_bits_above_what_it_hides_as_asked(
            in_channels in 1usize..3000, statistical_bits in 40u32..=64, weight_bits in 2u32..=24,
        ) {
            let he = HeParams::new(8192, vec![50, 50, 50], 1, 32, statistical_bits).unwrap();
            let plan = ConvPlan::choose(shape(in_channels, 4, 4, 3), &he, weight_bits).unwrap();
            let hidden = he.hidden_noise(&plan, weight_bits);
            let flooding = f64::from(plan.reply.flooding_bits).exp2();
            let security = f64::from(statistical_bits).exp2();
            prop_assert!(flooding >= hidden * security && flooding < 2.0 * hidden * security);
            prop_assert!(hidden <= he.largest_noise(&plan, weight_bits));
        }
    }

    #[test]
    fn hidden_noise_of_many_errors_is_far_below_their_sum_and_that_of_one_is_its_largest() {
        let he = params(32);
        let mut plan = ConvPlan::choose(shape(1200, 1200, 4, 3), &he, 11).unwrap();
        // √(10.5 · 10800 · M · 2 ln 2 · 42) + 10800 · M/2, times 1024, plus 2 · 4096 · 21.
        plan.channels_out = 1;
        let expected = 1024.0 * ((10.5f64 * 10800.0 * 58.224_363).sqrt() + 5400.0) + 172_032.0;
        assert!((he.hidden_noise(&plan, 11) / expected - 1.0).abs() < 1e-6);
        plan.shape = shape(1, 1, 1, 1);
        assert_eq!(he.hidden_noise(&plan, 11), 1024.0 * 21.5 + 172_032.0);
    }

    #[test]
    fn replies_of_several_limbs_are_sent_whole() {
        let he = HeParams::new(4096, vec![36, 36, 37], 2, 32, 40).unwrap();
        let plan = ConvPlan::choose(shape(64, 64, 8, 3), &he, 11).unwrap();
        assert_eq!((plan.reply.dropped_value_bits, plan.reply.dropped_uniform_bits), (0, 0));
    }
}
