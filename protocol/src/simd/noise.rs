//! Bounds on the noise of replies, that always hold: every error at its largest.
//!
//! A product with a full-size plaintext multiplies noise by N·p/2, and nothing that follows does more than add or double, so
//! one bound serves for what decrypts and for what flooding must hide. As in `noise.rs`, only arithmetic that IEEE rounds in
//! one way is used.

use super::{SimdParams, SimdPlan};
use crate::he::ERROR_ETA;
use crate::noise::{NoiseMargin, ceil_log2, power_of_two, product};

/// Flooding noise is sampled in two words, and its residues are computed of integers below 2^126 in size.
const MOST_FLOODING_BITS: u32 = 125;

impl SimdParams {
    /// A bound on the noise of a reply without flooding, all of which may depend on the weights.
    pub fn hidden_noise(&self, plan: &SimdPlan) -> f64 {
        let (degree, eta) = (self.degree as f64, f64::from(ERROR_ETA));
        // A fresh error, and the rounding of ⌊q·m/p⌉; times a plaintext whose N coefficients are at most (p − 1)/2 in size.
        let product = (eta + 0.5) * degree * (self.plain_modulus - 1) as f64 / 2.0;
        let products = (plan.sums_per_reply() * plan.taps as u64) as f64 * product;
        let sums = products + plan.inward_key_switches() as f64 * self.key_switch_noise();
        let folds = plan.folds.len() + usize::from(plan.fold_rows);
        let folded = (0..folds).fold(sums, |noise, _| 2.0 * noise + self.key_switch_noise());
        folded + self.rerandomisation()
    }

    /// Every digit, below its limb, meets an error of the key in each of N coefficients; the special prime divides that.
    fn key_switch_noise(&self) -> f64 {
        let digits: f64 = self.moduli.iter().map(|modulus| *modulus as f64).sum();
        digits * self.degree as f64 * f64::from(ERROR_ETA) / self.special as f64 + self.rounding()
    }

    /// The fresh encryption of zero, e·u + e₀ + e₁·s at most, divided by the special prime.
    fn rerandomisation(&self) -> f64 {
        (2.0 * self.degree as f64 + 1.0) * f64::from(ERROR_ETA) / self.special as f64 + self.rounding()
    }

    /// Dividing both polynomials rounds them: by ½ each, the second for every coefficient of a ternary secret.
    fn rounding(&self) -> f64 {
        (self.degree + 1) as f64 / 2.0
    }

    /// Bits of the flooding noise: at least σ more than what it hides, so that each coefficient of a reply is within
    /// 2^−(σ + 1) of one that does not depend on the weights. The client sees all coefficients of all replies: as far as
    /// sampling and decryption leave room, the noise is wider by their number, and σ then holds for the whole layer.
    pub fn flooding_bits(&self, plan: &SimdPlan) -> u32 {
        let least = ceil_log2(self.hidden_noise(plan)) + self.statistical_bits;
        let coefficients = plan.output_ciphertexts() as f64 * self.degree as f64;
        // Half of what decrypts is left to the other noise.
        let room = MOST_FLOODING_BITS.min(ceil_log2(self.capacity()).saturating_sub(2));
        (least + ceil_log2(coefficients)).min(room).max(least)
    }

    /// The noise below which a reply decrypts, q/2p.
    fn capacity(&self) -> f64 {
        product(&self.moduli) / (2.0 * self.plain_modulus as f64)
    }

    /// What must hold for a plan: that its flooding noise can be made, and that a reply, of noise below q/2p, decrypts.
    pub fn noise_margins(&self, plan: &SimdPlan) -> [NoiseMargin; 2] {
        let flooding = power_of_two(plan.flooding_bits);
        // The mask's scaling rounds, too.
        let noise = flooding + self.hidden_noise(plan) + 1.0;
        let capacity = self.capacity();
        [
            NoiseMargin { stage: "of flooding", noise: flooding, capacity: power_of_two(MOST_FLOODING_BITS + 1) },
            NoiseMargin { stage: "of a reply", noise, capacity },
        ]
    }
}
