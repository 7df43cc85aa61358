//! BFV with SIMD slots: parameters, key material and its work.
//!
//! A plaintext is a vector of N slots modulo a prime p ≡ 1 (mod 2N), in two rows of N/2. The automorphism X → X^(3^s)
//! rotates both rows to the left by s, X → X^−1 swaps them; each needs a key switch. The encoding is scale-and-round,
//! ⌊q·m/p⌉, so that a product with a plaintext w is exactly q·(m·w)/p plus an error of at most ‖w‖₁/2.
//!
//! Every ciphertext, key and reply is kept and sent transformed.

mod noise;
mod plan;
mod work;

pub use plan::{SimdPacking, SimdPlan, SimdSum};

use crate::he::{HeParams, MAX_LIMB_BITS, limb_prime};
use serde::Serialize;

/// Bytes before the residues of a ciphertext in Delphi's serialisation, which is that of SEAL 3.6: a 16 B header, 32 B that
/// name the parameters, 1 B for the form, five words for shape and scale, and the inner array's header and length, 16 + 8 B.
pub const CIPHERTEXT_HEADER_BYTES: u64 = 105;

/// Validated parameters of encryption with slots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SimdParams {
    /// Ring degree N, a power of two; also the number of slots.
    pub degree: usize,
    /// Bits of each prime limb of q.
    pub limb_bits: Vec<u32>,
    /// Bits of the special prime, which only keys have.
    pub special_bits: u32,
    /// The limbs: for each, the largest prime ≡ 1 (mod 2N) of its width that is not yet used.
    pub moduli: Vec<u64>,
    /// The special prime, chosen after the limbs.
    pub special: u64,
    /// p, the plaintext modulus.
    pub plain_modulus: u64,
    /// σ, the statistical security of noise flooding in bits, for each coefficient of a reply, and for all of a layer as far
    /// as its noise leaves room; over an inference it is less by log₂ of what is left of their number.
    pub statistical_bits: u32,
}

impl SimdParams {
    /// Parameters with their primes, or `None` if the plaintext modulus is no prime ≡ 1 (mod 2N) below every limb, if the
    /// limbs with the special prime exceed what the standard allows for this degree, or if there are too few primes.
    pub fn new(
        degree: usize,
        limb_bits: Vec<u32>,
        special_bits: u32,
        plain_modulus: u64,
        statistical_bits: u32,
    ) -> Option<Self> {
        let most = HeParams::secure_modulus_bits(degree)?;
        let all = || limb_bits.iter().copied().chain([special_bits]);
        let least = (2 * degree).ilog2() + 4;
        if limb_bits.is_empty() || limb_bits.len() > 16 || all().any(|bits| !(least..=MAX_LIMB_BITS).contains(&bits)) {
            return None;
        }
        let has_slots = plain_modulus % (2 * degree as u64) == 1 && primal_check::miller_rabin(plain_modulus);
        if all().sum::<u32>() > most || !has_slots {
            return None;
        }
        let mut primes: Vec<u64> = Vec::new();
        for bits in all() {
            primes.push(limb_prime(bits, degree, &primes)?);
        }
        let special = primes.pop()?;
        // A centred plaintext is then a small residue in every limb.
        if primes.iter().chain([&special]).any(|prime| *prime <= plain_modulus) {
            return None;
        }
        Some(Self { degree, limb_bits, special_bits, moduli: primes, special, plain_modulus, statistical_bits })
    }

    /// Slots of one row.
    pub fn row(&self) -> usize {
        self.degree / 2
    }

    /// Keys that rotate: by every power of two in both directions, of which the largest is the same both ways, and the
    /// column swap.
    pub fn galois_keys(&self) -> u64 {
        2 * u64::from(self.row().ilog2())
    }

    /// Seeded polynomials in the message of keys: the public key, and one for every limb of the relinearisation key and of
    /// every Galois key.
    pub fn key_polynomials(&self) -> u64 {
        1 + self.limb_bits.len() as u64 * (1 + self.galois_keys())
    }

    /// Bytes of one seeded polynomial modulo q·P: a header, the seed, and a word for every residue.
    pub fn key_polynomial_bytes(&self) -> u64 {
        CIPHERTEXT_HEADER_BYTES + crate::wire::SEED_BYTES + 8 * (self.limb_bits.len() as u64 + 1) * self.degree as u64
    }

    /// Bytes of the whole message of keys.
    pub fn keys_bytes(&self) -> u64 {
        self.key_polynomials() * self.key_polynomial_bytes()
    }

    /// Bytes of a ciphertext: a header, and a word for every residue of both polynomials.
    pub fn ciphertext_bytes(&self) -> u64 {
        CIPHERTEXT_HEADER_BYTES + 16 * self.limb_bits.len() as u64 * self.degree as u64
    }
}

/// The rotations by powers of two (positive ones to the left) that make up a rotation to the left by `steps` in rows of
/// `row` slots: the digits of its non-adjacent form, as SEAL rotates. A digit of a whole row turns nothing and is left out,
/// as SEAL leaves it out.
pub fn rotation_digits(steps: usize, row: usize) -> Vec<i64> {
    non_adjacent_form(steps).into_iter().filter(|digit| digit.unsigned_abs() != row as u64).collect()
}

/// The non-zero signed digits of the non-adjacent form, the least first.
fn non_adjacent_form(number: usize) -> Vec<i64> {
    let (mut rest, mut place, mut digits) = (number as i64, 1, Vec::new());
    while rest != 0 {
        let digit = if rest & 1 == 0 { 0 } else { 2 - (rest & 3) };
        if digit != 0 {
            digits.push(digit * place);
        }
        (rest, place) = ((rest - digit) / 2, place * 2);
    }
    digits
}

#[cfg(test)]
mod tests;
