//! One prime limb of the ciphertext modulus: its arithmetic and its transform.

use super::products::Kernel;
use crate::error::{BackendError, Result};
use pisim_protocol::he::HeParams;
use tfhe_ntt::prime64::Plan;

/// One prime limb.
pub(super) struct Limb {
    pub(super) modulus: u64,
    pub(super) bits: u32,
    pub(super) plan: Plan,
    pub(super) kernel: Kernel,
    /// 1: reduces any word.
    pub(super) one: Factor,
    /// 2^−k modulo this limb, for scaling plaintexts up.
    pub(super) inverse_plain: Factor,
    /// 2^63 modulo this limb, for wide integers.
    wide: Factor,
}

/// a·b mod p.
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
        if rest >= self.modulus { rest - self.modulus } else { rest }
    }
}

/// a^e mod p.
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
    pub(super) fn new(modulus: u64, bits: u32, params: &HeParams) -> Result<Self> {
        let plan = Plan::try_new(params.degree, modulus).ok_or_else(|| {
            BackendError::program(format!("no transform of degree {} modulo {modulus}", params.degree))
        })?;
        let inverse_plain = invert(pow_mod(2, u64::from(params.plain_bits), modulus), modulus);
        Ok(Self {
            modulus,
            bits,
            plan,
            kernel: Kernel::fastest(modulus),
            one: Factor::new(1, modulus),
            inverse_plain: Factor::new(inverse_plain, modulus),
            wide: Factor::new(pow_mod(2, 63, modulus), modulus),
        })
    }

    /// The residue of a signed number.
    #[inline(always)]
    pub(super) fn residue(&self, value: i64) -> u64 {
        let mut size = value.unsigned_abs();
        if size >= self.modulus {
            size = self.one.times(size);
        }
        if value < 0 && size != 0 { self.modulus - size } else { size }
    }

    /// The residue of a weight.
    #[inline(always)]
    pub(super) fn small_residue(&self, value: i32) -> u64 {
        if self.modulus >> 31 == 0 {
            return self.residue(i64::from(value));
        }
        // All ones if it is negative.
        let sign = i64::from(value >> 31) as u64;
        (i64::from(value) as u64).wrapping_add(self.modulus & sign)
    }

    /// The residue of a wide signed number below 2^126 in size.
    pub(super) fn wide_residue(&self, value: i128) -> u64 {
        let size = value.unsigned_abs();
        let high = self.wide.times((size >> 63) as u64);
        let low = self.one.times(size as u64 & (u64::MAX >> 1));
        let sum = self.add(high, low);
        if value < 0 { self.sub(0, sum) } else { sum }
    }

    /// a + b modulo the limb.
    #[inline(always)]
    pub(super) fn add(&self, a: u64, b: u64) -> u64 {
        let sum = a + b;
        if sum >= self.modulus { sum - self.modulus } else { sum }
    }

    /// a − b modulo the limb.
    #[inline(always)]
    pub(super) fn sub(&self, a: u64, b: u64) -> u64 {
        if a >= b { a - b } else { a + self.modulus - b }
    }
}
