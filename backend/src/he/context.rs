//! The ring Z_q[X]/(X^N + 1) in residues: limbs, transforms and exact scaling between plaintexts and ciphertexts.

use crate::counter::Counter;
use crate::error::{BackendError, Result};
use crate::random::ring_mask;
use pisim_protocol::Work;
use pisim_protocol::he::HeParams;
use std::sync::Arc;
use tfhe_ntt::prime::is_prime64;
use tfhe_ntt::prime64::Plan;

/// One prime limb.
pub(super) struct Limb {
    pub(super) modulus: u64,
    pub(super) bits: u32,
    plan: Plan,
    /// 2^−k modulo this limb, for scaling plaintexts up.
    inverse_plain: u64,
    /// 2^63 modulo this limb, for wide integers.
    wide: u64,
}

/// Encryption parameters with everything that is computed from them once.
pub struct HeContext {
    pub(super) params: HeParams,
    pub(super) limbs: Vec<Limb>,
    /// q modulo 2^64.
    modulus_low: u64,
    /// For every limb of the reply: (q'/p)^−1 modulo p.
    reply_inverses: Vec<u64>,
    pub(super) counter: Arc<Counter>,
}

/// a·b mod p.
pub(super) fn mul_mod(a: u64, b: u64, modulus: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(modulus)) as u64
}

/// a^e mod p.
fn pow_mod(mut base: u64, mut exponent: u64, modulus: u64) -> u64 {
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
    fn new(modulus: u64, bits: u32, params: &HeParams) -> Result<Self> {
        let plan = Plan::try_new(params.degree, modulus).ok_or_else(|| {
            BackendError::program(format!("no transform of degree {} modulo {modulus}", params.degree))
        })?;
        let inverse_plain = invert(pow_mod(2, u64::from(params.plain_bits), modulus), modulus);
        Ok(Self { modulus, bits, plan, inverse_plain, wide: pow_mod(2, 63, modulus) })
    }

    /// The residue of a small signed number.
    pub(super) fn residue(&self, value: i64) -> u64 {
        let size = value.unsigned_abs() % self.modulus;
        if value < 0 && size != 0 { self.modulus - size } else { size }
    }

    /// The residue of a wide signed number below 2^126 in size.
    pub(super) fn wide_residue(&self, value: i128) -> u64 {
        let size = value.unsigned_abs();
        let high = mul_mod((size >> 63) as u64 % self.modulus, self.wide, self.modulus);
        let low = (size as u64 & (u64::MAX >> 1)) % self.modulus;
        let sum = self.add(high, low);
        if value < 0 { self.sub(0, sum) } else { sum }
    }

    /// a + b modulo the limb.
    pub(super) fn add(&self, a: u64, b: u64) -> u64 {
        let sum = a + b;
        if sum >= self.modulus { sum - self.modulus } else { sum }
    }

    /// a − b modulo the limb.
    pub(super) fn sub(&self, a: u64, b: u64) -> u64 {
        if a >= b { a - b } else { a + self.modulus - b }
    }
}

impl HeContext {
    /// Prepares parameters: each limb is the next largest prime ≡ 1 (mod 2N) of its width.
    pub fn new(params: &HeParams, counter: Arc<Counter>) -> Result<Self> {
        let mut limbs: Vec<Limb> = Vec::new();
        for bits in &params.limb_bits {
            let below = limbs.iter().filter(|limb| limb.bits == *bits).map(|limb| limb.modulus).min();
            let modulus = ntt_prime(*bits, params.degree, below)
                .ok_or_else(|| BackendError::program(format!("too few primes of {bits} bits")))?;
            limbs.push(Limb::new(modulus, *bits, params)?);
        }
        let modulus_low = limbs.iter().fold(1u64, |product, limb| product.wrapping_mul(limb.modulus));
        let reply = limbs.get(..params.response_limbs).unwrap_or_default();
        let others = |own: u64| reply.iter().map(|limb| limb.modulus).filter(move |modulus| *modulus != own);
        let reply_inverses = reply
            .iter()
            .map(|limb| {
                invert(others(limb.modulus).fold(1, |product, p| mul_mod(product, p, limb.modulus)), limb.modulus)
            })
            .collect();
        Ok(Self { params: params.clone(), limbs, modulus_low, reply_inverses, counter })
    }

    /// Ring degree N.
    pub fn degree(&self) -> usize {
        self.params.degree
    }

    /// The primes of q.
    pub fn moduli(&self) -> Vec<u64> {
        self.limbs.iter().map(|limb| limb.modulus).collect()
    }

    /// The limbs of a flat polynomial with their residues.
    pub(super) fn split<'a>(&'a self, poly: &'a [u64]) -> impl Iterator<Item = (&'a Limb, &'a [u64])> {
        self.limbs.iter().zip(poly.chunks(self.params.degree))
    }

    /// The limbs of a flat polynomial with their residues, to change.
    pub(super) fn split_mut<'a>(&'a self, poly: &'a mut [u64]) -> impl Iterator<Item = (&'a Limb, &'a mut [u64])> {
        self.limbs.iter().zip(poly.chunks_mut(self.params.degree))
    }

    /// A zero polynomial.
    pub(crate) fn zero(&self) -> Vec<u64> {
        vec![0; self.limbs.len() * self.params.degree]
    }

    /// Transforms every limb of a polynomial forward. Polynomials may have the first limbs only.
    pub(crate) fn forward(&self, poly: &mut [u64]) {
        for (limb, residues) in self.split_mut(poly) {
            limb.plan.fwd(residues);
            self.counter.add(Work { ntts: 1, ..Work::default() });
        }
    }

    /// Transforms every limb of a polynomial back.
    pub(super) fn inverse(&self, poly: &mut [u64]) {
        for (limb, residues) in self.split_mut(poly) {
            limb.plan.inv(residues);
            limb.plan.normalize(residues);
            self.counter.add(Work { ntts: 1, ..Work::default() });
        }
    }

    /// `sum += a ∘ b`, limb by limb.
    pub(crate) fn mul_add(&self, sum: &mut [u64], a: &[u64], b: &[u64]) {
        let degree = self.params.degree;
        let mut products = 0;
        for ((limb, sum), (a, b)) in self.split_mut(sum).zip(a.chunks(degree).zip(b.chunks(degree))) {
            limb.plan.mul_accumulate(sum, a, b);
            products += degree as u64;
        }
        self.counter.add(Work { mod_muls: products, ..Work::default() });
    }

    /// The residues of signed coefficients, in every limb.
    pub(crate) fn lift(&self, coefficients: &[i64]) -> Vec<u64> {
        let lift = |limb: &Limb| coefficients.iter().map(|value| limb.residue(*value)).collect::<Vec<_>>();
        self.limbs.iter().flat_map(lift).collect()
    }

    /// ⌊q·m/2^k⌉ modulo one limb, for a plaintext m below 2^k.
    ///
    /// With v = q·m modulo 2^k, centred, the quotient (q·m − v)/2^k is exact, and q vanishes modulo the limb.
    pub(super) fn scale_up(&self, limb: &Limb, message: u64) -> u64 {
        let bits = self.params.plain_bits;
        let remainder = self.modulus_low.wrapping_mul(message) & ring_mask(bits);
        let centred = ((remainder << (64 - bits)) as i64) >> (64 - bits);
        mul_mod(limb.sub(0, limb.residue(centred)), limb.inverse_plain, limb.modulus)
    }

    /// ⌊2^k·x/q'⌉ modulo 2^k, for one coefficient x of a reply given by its residues.
    ///
    /// x·2^k/q' = Σ y·2^k/p modulo 2^k with y = x·(q'/p)^−1 modulo p; fractions are summed with 64 bits each.
    pub(super) fn scale_down(&self, residues: impl Iterator<Item = u64>) -> u64 {
        let (mut whole, mut fraction) = (0u64, 1u128 << 63);
        for ((residue, limb), inverse) in residues.zip(&self.limbs).zip(&self.reply_inverses) {
            let modulus = u128::from(limb.modulus);
            let scaled = u128::from(mul_mod(residue, *inverse, limb.modulus)) << self.params.plain_bits;
            whole = whole.wrapping_add((scaled / modulus) as u64);
            fraction += ((scaled % modulus) << 64) / modulus;
        }
        whole.wrapping_add((fraction >> 64) as u64) & ring_mask(self.params.plain_bits)
    }

    /// Divides coefficients by the limbs that a reply drops, rounding; returns the residues in the reply's limbs.
    pub(super) fn switch(&self, mut poly: Vec<Vec<u64>>) -> Vec<Vec<u64>> {
        while poly.len() > self.params.response_limbs {
            let Some(dropped) = poly.pop() else { return poly };
            let Some(last) = self.limbs.get(poly.len()) else { return poly };
            for (residues, limb) in poly.iter_mut().zip(&self.limbs) {
                let inverse = invert(last.modulus, limb.modulus);
                for (residue, dropped) in residues.iter_mut().zip(&dropped) {
                    let centred = if *dropped > last.modulus / 2 {
                        *dropped as i64 - last.modulus as i64
                    } else {
                        *dropped as i64
                    };
                    *residue = mul_mod(limb.sub(*residue, limb.residue(centred)), inverse, limb.modulus);
                }
            }
        }
        poly
    }
}

/// The largest prime ≡ 1 (mod 2N) below 2^bits, or below another prime.
fn ntt_prime(bits: u32, degree: usize, below: Option<u64>) -> Option<u64> {
    let step = 2 * degree as u64;
    let least = 1u64 << (bits - 1);
    let first = below.map_or(((1u64 << bits) / step) * step + 1, |prime| prime);
    let mut candidate = first.checked_sub(step)?;
    while candidate > least {
        if is_prime64(candidate) {
            return Some(candidate);
        }
        candidate -= step;
    }
    None
}
