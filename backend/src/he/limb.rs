//! One prime limb of the ciphertext modulus: its arithmetic and its transform.
//!
//! Secrets go through this arithmetic (keys, errors, flooding, shares), so it takes the same time for all values: signs and
//! borrows are masks or minima, and nothing is divided. Only `*_mod` and [`Factor::new`] divide; they see constants.

use super::products::Kernel;
use crate::error::{BackendError, Result};
use tfhe_ntt::prime64::Plan;

/// One prime limb.
pub(super) struct Limb {
    pub(super) modulus: u64,
    pub(super) bits: u32,
    pub(super) plan: Plan,
    pub(super) kernel: Kernel,
    /// 1: reduces any word.
    pub(super) one: Factor,
    /// The inverse of the plaintext modulus, for scaling plaintexts up.
    pub(super) inverse_plain: Factor,
    /// 2^63 modulo this limb, for wide integers.
    wide: Factor,
    /// 2^126 modulo this limb, which makes wide integers positive.
    wide_offset: u64,
}

/// a·b mod p, for public constants: it divides.
pub(super) fn mul_mod(a: u64, b: u64, modulus: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(modulus)) as u64
}

/// A constant factor with its precomputed quotient, for products without division (Shoup's method, as in NTL).
#[derive(Debug, Clone, Copy)]
pub(super) struct Factor {
    value: u64,
    /// ⌊value·2^64/p⌋.
    quotient: u64,
    pub(super) modulus: u64,
}

impl Factor {
    pub(super) fn new(value: u64, modulus: u64) -> Self {
        let value = value % modulus;
        let quotient = ((u128::from(value) << 64) / u128::from(modulus)) as u64;
        Self { value, quotient, modulus }
    }

    /// value·x mod p, for any x.
    #[inline(always)]
    pub(super) fn times(self, x: u64) -> u64 {
        let estimate = ((u128::from(self.quotient) * u128::from(x)) >> 64) as u64;
        let rest = self.value.wrapping_mul(x).wrapping_sub(estimate.wrapping_mul(self.modulus));
        below(rest, self.modulus)
    }

    /// ⌊value·x/p⌋ and value·x mod p, for any x.
    #[inline(always)]
    pub(super) fn divide(self, x: u64) -> (u64, u64) {
        let estimate = ((u128::from(self.quotient) * u128::from(x)) >> 64) as u64;
        let rest = self.value.wrapping_mul(x).wrapping_sub(estimate.wrapping_mul(self.modulus));
        // The estimate is the quotient, or one less: rest is below 2p.
        let less = negative(rest.wrapping_sub(self.modulus));
        (estimate.wrapping_add(1).wrapping_add(less), rest.wrapping_sub(self.modulus & !less))
    }
}

/// All ones if the highest bit is set: if a difference of numbers below 2^63 is negative.
#[inline(always)]
pub(super) fn negative(difference: u64) -> u64 {
    (difference as i64 >> 63) as u64
}

/// x mod p for x below 2p, p below 2^63: what is below p wraps to something large.
#[inline(always)]
fn below(x: u64, modulus: u64) -> u64 {
    x.min(x.wrapping_sub(modulus))
}

/// ⌊y·2^k/p⌋ modulo 2^64 and its fraction in 64 bits, for residues y, without a division.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quotient {
    /// ⌊2^k/p⌋ and 2^k mod p.
    whole: u64,
    scale: Factor,
    /// ⌊2^64/p⌋ and 2^64 mod p.
    fraction: u64,
    word: Factor,
}

impl Quotient {
    /// For k up to 64.
    pub(super) fn new(bits: u32, modulus: u64) -> Self {
        let split = |power: u128| {
            let (quotient, rest) = (power / u128::from(modulus), power % u128::from(modulus));
            (quotient as u64, Factor::new(rest as u64, modulus))
        };
        let ((whole, scale), (fraction, word)) = (split(1 << bits), split(1 << 64));
        Self { whole, scale, fraction, word }
    }

    /// The whole part and the fraction for y below p.
    #[inline(always)]
    pub(super) fn of(self, y: u64) -> (u64, u64) {
        let (quotient, rest) = self.scale.divide(y);
        let (fraction, _) = self.word.divide(rest);
        // The fraction is below 2^64, and no sum of its parts wraps.
        (self.whole.wrapping_mul(y).wrapping_add(quotient), self.fraction.wrapping_mul(rest).wrapping_add(fraction))
    }
}

/// a^e mod p, for public constants: it branches and divides.
pub(super) fn pow_mod(mut base: u64, mut exponent: u64, modulus: u64) -> u64 {
    let mut result = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = mul_mod(result, base, modulus);
        }
        base = mul_mod(base, base, modulus);
        exponent >>= 1;
    }
    result
}

/// The inverse modulo a prime.
pub(super) fn invert(value: u64, modulus: u64) -> u64 {
    pow_mod(value % modulus, modulus - 2, modulus)
}

impl Limb {
    /// A limb of a ring of degree `degree`, for plaintexts modulo a number that is `plain` modulo the limb, and not zero.
    pub(super) fn new(modulus: u64, bits: u32, degree: usize, plain: u64) -> Result<Self> {
        let plan = Plan::try_new(degree, modulus)
            .ok_or_else(|| BackendError::program(format!("no transform of degree {degree} modulo {modulus}")))?;
        let kernel = Kernel::fastest(modulus);
        // Of moduli this small, the transform is checked with the instructions that the products use.
        if modulus < 1 << 51 && Kernel::has_ifma() && !plan.use_ifma() {
            let reason = format!("the transform modulo {modulus} does not use this processor's 52-bit products");
            return Err(BackendError::program(reason));
        }
        Ok(Self {
            modulus,
            bits,
            plan,
            kernel,
            one: Factor::new(1, modulus),
            inverse_plain: Factor::new(invert(plain, modulus), modulus),
            wide: Factor::new(pow_mod(2, 63, modulus), modulus),
            wide_offset: pow_mod(2, 126, modulus),
        })
    }

    /// The residue of any signed number.
    #[inline(always)]
    pub(super) fn residue(&self, value: i64) -> u64 {
        // From value + 2^63, which is not negative.
        self.sub(self.one.times(value as u64 ^ 1 << 63), self.wide.value)
    }

    /// The residue of a signed number that is smaller in size than the modulus.
    #[inline(always)]
    pub(super) fn small_residue(&self, value: i64) -> u64 {
        (value as u64).wrapping_add(self.modulus & negative(value as u64))
    }

    /// The residue of a weight.
    #[inline(always)]
    pub(super) fn weight_residue(&self, value: i32) -> u64 {
        if self.modulus >> 31 == 0 { self.residue(value.into()) } else { self.small_residue(value.into()) }
    }

    /// The residues of signed numbers of at most `size`, which is public, combined with what is there by `combine`.
    #[inline(always)]
    pub(super) fn with_residues(
        &self,
        size: u64,
        numbers: impl Iterator<Item = i64>,
        there: &mut [u64],
        combine: impl Fn(u64, u64) -> u64,
    ) {
        if size < self.modulus {
            there
                .iter_mut()
                .zip(numbers)
                .for_each(|(there, number)| *there = combine(*there, self.small_residue(number)));
        } else {
            there.iter_mut().zip(numbers).for_each(|(there, number)| *there = combine(*there, self.residue(number)));
        }
    }

    /// The residue of a wide signed number from −2^126 to below 2^126.
    #[inline(always)]
    pub(super) fn wide_residue(&self, value: i128) -> u64 {
        let positive = value.wrapping_add(1 << 126) as u128;
        let high = self.wide.times((positive >> 63) as u64);
        let low = self.one.times(positive as u64 & (u64::MAX >> 1));
        self.sub(self.add(high, low), self.wide_offset)
    }

    /// a + b modulo the limb.
    #[inline(always)]
    pub(super) fn add(&self, a: u64, b: u64) -> u64 {
        below(a + b, self.modulus)
    }

    /// a − b modulo the limb.
    #[inline(always)]
    pub(super) fn sub(&self, a: u64, b: u64) -> u64 {
        // A difference below zero has wrapped to something large, and comes back by one modulus.
        let difference = a.wrapping_sub(b);
        difference.min(difference.wrapping_add(self.modulus))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pisim_protocol::he::HeParams;
    use proptest::prelude::*;
    use std::sync::Arc;

    /// Limbs of all sizes that parameters may have.
    fn limbs() -> Vec<Limb> {
        let limb = |bits| {
            let params = HeParams::new(1024, vec![bits], 1, 16, 40).unwrap();
            let mut context = crate::he::HeContext::new(&params, Arc::default()).unwrap();
            context.limbs.pop().unwrap()
        };
        [16, 20, 30, 31, 32, 33, 50, 51, 52, 59, 60].map(limb).into()
    }

    fn check_pair(limb: &Limb, a: u64, b: u64) {
        let (p, wide) = (limb.modulus, u128::from(limb.modulus));
        let (x, y) = (a % p, b % p);
        assert_eq!(u128::from(limb.add(x, y)), (u128::from(x) + u128::from(y)) % wide);
        assert_eq!(u128::from(limb.sub(x, y)), (u128::from(x) + wide - u128::from(y)) % wide);
        let (quotient, rest) = Factor::new(a, p).divide(b);
        let product = u128::from(x) * u128::from(b);
        assert_eq!((u128::from(quotient), u128::from(rest)), (product / wide, product % wide), "{x}·{b}/{p}");
        assert_eq!(Factor::new(a, p).times(b), rest);
    }

    fn check_signed(limb: &Limb, value: i64) {
        let expected = i128::from(value).rem_euclid(limb.modulus.into()) as u64;
        assert_eq!(limb.residue(value), expected, "{value} mod {}", limb.modulus);
        if value.unsigned_abs() < limb.modulus {
            assert_eq!(limb.small_residue(value), expected, "{value} mod {}", limb.modulus);
        }
    }

    fn check_wide(limb: &Limb, value: i128) {
        let expected = value.rem_euclid(limb.modulus.into()) as u64;
        assert_eq!(limb.wide_residue(value), expected, "{value} mod {}", limb.modulus);
    }

    fn check_quotient(limb: &Limb, bits: u32, y: u64) {
        let (p, y) = (u128::from(limb.modulus), y % limb.modulus);
        let scaled = u128::from(y) << bits;
        let expected = ((scaled / p) as u64, (((scaled % p) << 64) / p) as u64);
        assert_eq!(Quotient::new(bits, limb.modulus).of(y), expected, "{y}·2^{bits}/{p}");
    }

    #[test]
    fn arithmetic_is_exact_at_the_extremes() {
        for limb in limbs() {
            let p = limb.modulus;
            let words = [0, 1, 2, p / 2, p / 2 + 1, p - 1, p, p + 1, 2 * p - 1, 1 << 63, u64::MAX - 1, u64::MAX];
            for a in words {
                words.into_iter().for_each(|b| check_pair(&limb, a, b));
                for value in [a as i64, (a as i64).wrapping_neg(), i64::MIN, i64::MAX] {
                    check_signed(&limb, value);
                    for shift in [0, 1, 31, 62] {
                        check_wide(&limb, i128::from(value) << shift);
                    }
                }
                for bits in [1, 8, 16, 31, 32, 41, 63, 64] {
                    check_quotient(&limb, bits, a);
                }
            }
            let most = 1i128 << 126;
            for value in [-most, 1 - most, -1, 0, 1, most - 1] {
                check_wide(&limb, value);
            }
        }
    }

    proptest! {
        #[test]
        fn arithmetic_equals_its_definition(
            a: u64, b: u64, value: i64, wide in -(1i128 << 126)..1 << 126, bits in 1u32..=64, narrow in 0u32..64,
        ) {
            for limb in limbs() {
                check_pair(&limb, a, b >> narrow);
                check_signed(&limb, value >> narrow);
                check_wide(&limb, wide >> narrow);
                check_quotient(&limb, bits, a);
            }
        }
    }
}
