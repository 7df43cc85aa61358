//! Homomorphic encryption: parameters, the proof that they are secure and do not overflow, and the work of a linear layer.
//!
//! The scheme is BFV (Fan and Vercauteren, 2012) with plaintext modulus t = 2^k and scale-and-round encoding
//! ⌊q·m/t⌉, so that a product with an integer polynomial w is exactly q·(m·w)/t plus an error of at most ‖w‖₁/2.

use crate::packing::ConvPlan;
use crate::work::Work;
use serde::Serialize;

/// The error distribution is centred binomial with this parameter: standard deviation √(21/2) = 3.24, and never above 21.
pub const ERROR_ETA: u32 = 21;

/// Largest log₂ q with 128-bit classical security for a ternary secret, by ring degree.
/// Source: Homomorphic Encryption Standard (Albrecht et al., 2018), Table 1.
pub const STANDARD_128: [(usize, u32); 6] =
    [(1024, 27), (2048, 54), (4096, 109), (8192, 218), (16384, 438), (32768, 881)];

/// Validated encryption parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeParams {
    /// Ring degree N, a power of two.
    pub degree: usize,
    /// Bits of each prime limb of q.
    pub limb_bits: Vec<u32>,
    /// Limbs that are left of q in a reply.
    pub response_limbs: usize,
    /// k: the plaintext modulus is 2^k.
    pub plain_bits: u32,
    /// Statistical security of noise flooding, in bits.
    pub statistical_bits: u32,
}

/// The largest limb that the transforms take.
pub const MAX_LIMB_BITS: u32 = 60;

impl HeParams {
    /// log₂ q, rounded up.
    pub fn modulus_bits(&self) -> u32 {
        self.limb_bits.iter().sum()
    }

    /// The largest log₂ q that the standard allows for this degree, or `None` for a degree that it does not list.
    pub fn secure_modulus_bits(degree: usize) -> Option<u32> {
        STANDARD_128.iter().find(|(listed, _)| *listed == degree).map(|(_, bits)| *bits)
    }

    /// Bits of a bound on the noise of a linear layer's result before flooding:
    /// each of `taps` weights below 2^(weight_bits − 1) multiplies an error below 21 + ½.
    pub fn linear_noise_bits(&self, taps: usize, weight_bits: u32) -> u32 {
        ceil_log2(taps as u128 * u128::from(ERROR_ETA + 1)) + weight_bits - 1
    }

    /// Bits of the flooding noise: statistical security above the noise that it hides.
    pub fn flooding_bits(&self, taps: usize, weight_bits: u32) -> u32 {
        self.linear_noise_bits(taps, weight_bits) + self.statistical_bits
    }

    /// Bits of a bound on all noise in a reply, before modulus switching: the linear layer's, the flooding's, and the
    /// fresh encryption of zero's, N·21·2 + 21.
    pub fn reply_noise_bits(&self, taps: usize, weight_bits: u32) -> u32 {
        let fresh = ceil_log2(2 * self.degree as u128 * u128::from(ERROR_ETA) + u128::from(ERROR_ETA));
        self.flooding_bits(taps, weight_bits).max(fresh).max(self.linear_noise_bits(taps, weight_bits)) + 2
    }

    /// Bits of noise that a reply may have before decryption fails: q/(2t), one bit kept back because limbs are only
    /// just below a power of two.
    pub fn noise_capacity_bits(&self) -> u32 {
        self.modulus_bits().saturating_sub(self.plain_bits + 2)
    }

    /// Bits of a bound on the noise after switching to the reply's limbs: the scaled noise, plus (N + 1)/2 of rounding.
    pub fn switched_noise_bits(&self, taps: usize, weight_bits: u32) -> u32 {
        let dropped: u32 = self.limb_bits.iter().skip(self.response_limbs).sum();
        let scaled = (self.reply_noise_bits(taps, weight_bits) + 1).saturating_sub(dropped);
        let rounding = ceil_log2(self.degree as u128 / 2 + 1);
        if self.response_limbs == self.limb_bits.len() { scaled } else { scaled.max(rounding) + 1 }
    }

    /// Bits of noise that a switched reply may have.
    pub fn response_capacity_bits(&self) -> u32 {
        let bits: u32 = self.limb_bits.iter().take(self.response_limbs).sum();
        bits.saturating_sub(self.plain_bits + 2)
    }
}

/// ⌈log₂ value⌉.
fn ceil_log2(value: u128) -> u32 {
    value.next_power_of_two().trailing_zeros()
}

/// The work of key generation: the secret's and the error's transforms and one product, in every limb.
pub fn keygen_work(he: &HeParams) -> Work {
    let limbs = he.limb_bits.len() as u64;
    Work { ntts: 2 * limbs, mod_muls: limbs * he.degree as u64, ..Work::default() }
}

/// The work of encrypting one layer's input: one transform and one product in every limb of every ciphertext.
pub fn encrypt_work(plan: &ConvPlan) -> Work {
    let (ciphertexts, limbs) = (plan.input_ciphertexts(), plan.limbs as u64);
    Work {
        encryptions: ciphertexts,
        ntts: ciphertexts * limbs,
        mod_muls: ciphertexts * limbs * plan.degree as u64,
        ..Work::default()
    }
}

/// The work of one homomorphic linear layer: weights are transformed once and multiply both halves of every ciphertext;
/// every reply is made independent of the weights by a fresh encryption of zero (one transform and two products in every
/// limb) and both its halves are transformed back.
pub fn linear_work(plan: &ConvPlan) -> Work {
    let (limbs, degree) = (plan.limbs as u64, plan.degree as u64);
    let replies = plan.output_ciphertexts();
    Work {
        he_plain_muls: plan.plain_muls(),
        ntts: limbs * (plan.weight_polys() + 3 * replies),
        mod_muls: 2 * limbs * degree * (plan.plain_muls() + replies),
        ..Work::default()
    }
}

/// The work of decrypting one layer's replies: there and back in every limb that is left.
pub fn decrypt_work(plan: &ConvPlan) -> Work {
    let (replies, limbs) = (plan.output_ciphertexts(), plan.response_limbs as u64);
    Work {
        decryptions: replies,
        ntts: 2 * replies * limbs,
        mod_muls: replies * limbs * plan.degree as u64,
        ..Work::default()
    }
}
