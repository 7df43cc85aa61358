//! Homomorphic encryption: parameters, the proof that they are secure and do not overflow, and the work of a linear layer.
//!
//! The scheme is BFV (Fan and Vercauteren, 2012) with plaintext modulus t = 2^k and scale-and-round encoding
//! ⌊q·m/t⌉, so that a product with an integer polynomial w is exactly q·(m·w)/t plus an error of at most ‖w‖₁/2.

pub use crate::noise::{NoiseMargin, ReplyFormat};
use crate::packing::ConvPlan;
use crate::work::Work;
use serde::Serialize;

/// The error distribution is centred binomial with this parameter: standard deviation √(21/2) = 3.24, and never above 21.
pub const ERROR_ETA: u32 = 21;

/// Largest log₂ q with 128-bit classical security for a ternary secret, by ring degree.
/// Source: Homomorphic Encryption Standard (Albrecht et al., 2018), Table 1.
pub const STANDARD_128: [(usize, u32); 6] =
    [(1024, 27), (2048, 54), (4096, 109), (8192, 218), (16384, 438), (32768, 881)];

/// The largest limb that the transforms take.
pub const MAX_LIMB_BITS: u32 = 60;

/// Validated encryption parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeParams {
    /// Ring degree N, a power of two.
    pub degree: usize,
    /// Bits of each prime limb of q.
    pub limb_bits: Vec<u32>,
    /// The limbs: for each, the largest prime ≡ 1 (mod 2N) of its width that is not yet used.
    pub moduli: Vec<u64>,
    /// Limbs that are left of q in a reply.
    pub response_limbs: usize,
    /// k: the plaintext modulus is 2^k.
    pub plain_bits: u32,
    /// σ, the statistical security of noise flooding, in bits, for each coefficient of a reply. Of a whole inference it is
    /// σ − log₂(coefficients of all replies).
    pub statistical_bits: u32,
    /// Memory in which the server keeps transformed weights for all inferences.
    pub prepared_bytes: u64,
}

impl HeParams {
    /// Parameters with their primes, or `None` if there are too few primes of a width.
    pub fn new(
        degree: usize,
        limb_bits: Vec<u32>,
        response_limbs: usize,
        plain_bits: u32,
        statistical_bits: u32,
    ) -> Option<Self> {
        let mut moduli = Vec::new();
        for bits in &limb_bits {
            moduli.push(limb_prime(*bits, degree, &moduli)?);
        }
        Some(Self { degree, limb_bits, moduli, response_limbs, plain_bits, statistical_bits, prepared_bytes: 0 })
    }

    /// The largest log₂ q that the standard allows for this degree, or `None` for a degree that it does not list.
    pub fn secure_modulus_bits(degree: usize) -> Option<u32> {
        STANDARD_128.iter().find(|(listed, _)| *listed == degree).map(|(_, bits)| *bits)
    }
}

/// The largest prime ≡ 1 (mod 2N) of exactly `bits` bits that is not in `used`.
pub(crate) fn limb_prime(bits: u32, degree: usize, used: &[u64]) -> Option<u64> {
    let step = 2 * degree as u64;
    let (least, most) = (1u64 << (bits - 1), (1u64 << bits) - 1);
    let mut candidate = (most / step) * step + 1;
    while candidate > least {
        if candidate <= most && !used.contains(&candidate) && primal_check::miller_rabin(candidate) {
            return Some(candidate);
        }
        candidate = candidate.checked_sub(step)?;
    }
    None
}

/// The work of key generation: the secret's and the error's transforms and one product, in every limb; the secret, the
/// error and the uniform half are sampled.
pub fn keygen_work(he: &HeParams) -> Work {
    let (limbs, degree) = (he.limb_bits.len() as u64, he.degree as u64);
    Work { ntts: 2 * limbs, mod_muls: limbs * degree, sampled_coefficients: (2 + limbs) * degree, ..Work::default() }
}

/// The work of encrypting one layer's input: in every limb of every ciphertext one transform, the scaling of every
/// plaintext coefficient, and one product with the secret; the error and every limb of the uniform half are sampled.
pub fn encrypt_work(plan: &ConvPlan) -> Work {
    let (ciphertexts, limbs) = (plan.input_ciphertexts(), plan.limbs as u64);
    let coefficients = ciphertexts * plan.degree as u64;
    Work {
        encryptions: ciphertexts,
        ntts: ciphertexts * limbs,
        mod_muls: 2 * limbs * coefficients,
        sampled_coefficients: (1 + limbs) * coefficients,
        ..Work::default()
    }
}

/// The work of one homomorphic linear layer: weights are transformed once, if not before all inferences, and multiply both halves of every ciphertext;
/// every reply is made independent of the weights by a fresh encryption of zero (one transform and two products in every
/// limb), both its halves are transformed back, the mask of every output is scaled up, and the modulus is switched.
///
/// Sampled are the uniform halves of the inputs and of the public key from their seeds, for every reply a ternary and an
/// error polynomial, and for every output its flooding noise.
pub fn linear_work(plan: &ConvPlan) -> Work {
    let (limbs, degree) = (plan.limbs as u64, plan.degree as u64);
    let (replies, outputs) = (plan.output_ciphertexts(), plan.outputs() as u64);
    // Dropping a limb multiplies the outputs of one half and all of the other in every limb that is left.
    let switched: u64 = (plan.response_limbs as u64..limbs).sum();
    Work {
        he_plain_muls: plan.plain_muls(),
        ntts: limbs * (if plan.prepared { 0 } else { plan.weight_polys() } + 3 * replies),
        mod_muls: 2 * limbs * degree * (plan.plain_muls() + replies)
            + limbs * outputs
            + switched * (replies * degree + outputs),
        sampled_coefficients: degree * (limbs * (plan.input_ciphertexts() + 1) + 2 * replies) + outputs,
        ..Work::default()
    }
}

/// The work of decrypting one layer's replies: there and back in every limb that is left, one product with the secret, and
/// the scaling of every output.
pub fn decrypt_work(plan: &ConvPlan) -> Work {
    let (replies, limbs) = (plan.output_ciphertexts(), plan.response_limbs as u64);
    Work {
        decryptions: replies,
        ntts: 2 * replies * limbs,
        mod_muls: limbs * (replies * plan.degree as u64 + plan.outputs() as u64),
        ..Work::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limbs_are_distinct_primes_of_their_width_that_the_transforms_can_use() {
        for (degree, bits) in [
            (1024, vec![27]),
            (4096, vec![36, 36, 37]),
            (4096, vec![50, 50]),
            (8192, vec![20, 20, 55, 60]),
            (32768, vec![50; 12]),
        ] {
            let he = HeParams::new(degree, bits.clone(), 1, 20, 40).unwrap();
            for (index, (modulus, bits)) in he.moduli.iter().zip(&bits).enumerate() {
                assert_eq!(64 - modulus.leading_zeros(), *bits);
                assert_eq!(modulus % (2 * degree as u64), 1);
                assert!(!he.moduli[..index].contains(modulus));
            }
        }
        assert_eq!(HeParams::new(8192, vec![19, 60], 1, 20, 40), None, "no 19-bit prime is 1 modulo 16384");
    }
}
