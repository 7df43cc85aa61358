//! The ring Z_q[X]/(X^N + 1) in residues: limbs, transforms and exact scaling between plaintexts and ciphertexts.

use super::limb::{Factor, Limb, Quotient, invert, mul_mod, negative, pow_mod};
use crate::counter::Counter;
use crate::error::Result;
use crate::random::ring_mask;
use pisim_protocol::Work;
use pisim_protocol::he::HeParams;
use std::sync::Arc;

/// Encryption parameters with everything that is computed from them once.
pub struct HeContext {
    pub(super) params: HeParams,
    pub(super) limbs: Vec<Limb>,
    /// q modulo 2^64.
    modulus_low: u64,
    /// For every limb of the reply: (q'/p)^−1 modulo p.
    reply_inverses: Vec<Factor>,
    /// For every limb of the reply: quotients of multiples of 2^k by it.
    reply_quotients: Vec<Quotient>,
    /// For every limb: its inverse modulo each limb before it.
    drop_inverses: Vec<Vec<Factor>>,
    pub(super) counter: Arc<Counter>,
}

impl HeContext {
    /// Prepares parameters.
    ///
    /// # Errors
    /// A limb without a transform of this degree.
    pub fn new(params: &HeParams, counter: Arc<Counter>) -> Result<Self> {
        let limbs = params.moduli.iter().zip(&params.limb_bits);
        let plain = |modulus| pow_mod(2, u64::from(params.plain_bits), modulus);
        let limbs: Vec<Limb> = limbs
            .map(|(modulus, bits)| Limb::new(*modulus, *bits, params.degree, plain(*modulus)))
            .collect::<Result<_>>()?;
        let modulus_low = params.moduli.iter().fold(1u64, |product, modulus| product.wrapping_mul(*modulus));
        let reply = params.moduli.get(..params.response_limbs).unwrap_or_default();
        let reply_inverse = |modulus: &u64| {
            let others = reply.iter().filter(|other| *other != modulus);
            let product = others.fold(1, |product, other| mul_mod(product, *other, *modulus));
            Factor::new(invert(product, *modulus), *modulus)
        };
        let inverses_of = |(index, dropped): (usize, &u64)| {
            let before = params.moduli.iter().take(index);
            before.map(|modulus| Factor::new(invert(*dropped, *modulus), *modulus)).collect()
        };
        Ok(Self {
            params: params.clone(),
            limbs,
            modulus_low,
            reply_inverses: reply.iter().map(reply_inverse).collect(),
            reply_quotients: reply.iter().map(|modulus| Quotient::new(params.plain_bits, *modulus)).collect(),
            drop_inverses: params.moduli.iter().enumerate().map(inverses_of).collect(),
            counter,
        })
    }

    /// Ring degree N.
    pub fn degree(&self) -> usize {
        self.params.degree
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
            self.forward_limb(limb, residues);
        }
    }

    /// Transforms one limb of a polynomial forward.
    pub(super) fn forward_limb(&self, limb: &Limb, residues: &mut [u64]) {
        limb.plan.fwd(residues);
        self.counter.add(Work { ntts: 1, ..Work::default() });
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
        for ((limb, sum), (a, b)) in self.split_mut(sum).zip(a.chunks(degree).zip(b.chunks(degree))) {
            limb.plan.mul_accumulate(sum, a, b);
            self.count_products(degree);
        }
    }

    /// The residues of signed coefficients, which are smaller in size than every modulus (keys and errors), in every limb.
    pub(crate) fn lift(&self, coefficients: &[i64]) -> Vec<u64> {
        let mut residues = Vec::with_capacity(self.limbs.len() * coefficients.len());
        for limb in &self.limbs {
            residues.extend(coefficients.iter().map(|value| limb.small_residue(*value)));
        }
        residues
    }

    /// Adds ⌊q·m/2^k⌉ to every residue of one limb, for plaintexts m below 2^k.
    ///
    /// With v = q·m modulo 2^k, centred, the quotient (q·m − v)/2^k is exact, and q vanishes modulo the limb.
    pub(super) fn add_scaled(&self, limb: &Limb, residues: &mut [u64], messages: &[u64]) {
        let bits = self.params.plain_bits;
        let centred = messages.iter().map(|message| {
            let remainder = self.modulus_low.wrapping_mul(*message);
            ((remainder << (64 - bits)) as i64) >> (64 - bits)
        });
        limb.with_residues(1 << (bits - 1), centred, residues, |residue, centred| {
            limb.sub(residue, limb.inverse_plain.times(centred))
        });
        self.count_products(residues.len().min(messages.len()));
    }

    /// ⌊2^k·x/q'⌉ modulo 2^k, for every coefficient x of a reply given by its residues, limb by limb.
    ///
    /// x·2^k/q' = Σ y·2^k/p modulo 2^k with y = x·(q'/p)^−1 modulo p; fractions are summed with 64 bits each.
    pub(super) fn scale_down(&self, residues: &[Vec<u64>]) -> Vec<u64> {
        let count = residues.first().map_or(0, Vec::len);
        let mut sums = vec![(0u64, 1u128 << 63); count];
        let factors = self.reply_inverses.iter().zip(&self.reply_quotients);
        for (residues, (inverse, quotient)) in residues.iter().zip(factors) {
            for ((whole, fraction), residue) in sums.iter_mut().zip(residues) {
                let (integer, rest) = quotient.of(inverse.times(*residue));
                *whole = whole.wrapping_add(integer);
                *fraction += u128::from(rest);
            }
            self.count_products(residues.len());
        }
        let ring = ring_mask(self.params.plain_bits);
        sums.into_iter().map(|(whole, fraction)| whole.wrapping_add((fraction >> 64) as u64) & ring).collect()
    }

    /// Divides coefficients by the limbs that a reply drops, rounding; returns the residues in the reply's limbs.
    pub(super) fn switch(&self, mut poly: Vec<Vec<u64>>) -> Vec<Vec<u64>> {
        while poly.len() > self.params.response_limbs {
            let Some(dropped) = poly.pop() else { return poly };
            let Some((last, inverses)) = self.limbs.get(poly.len()).zip(self.drop_inverses.get(poly.len())) else {
                return poly;
            };
            for ((residues, limb), inverse) in poly.iter_mut().zip(&self.limbs).zip(inverses) {
                let half = last.modulus / 2;
                // What is above a half stands for a negative number.
                let centred = dropped
                    .iter()
                    .map(|dropped| dropped.wrapping_sub(last.modulus & negative(half.wrapping_sub(*dropped))) as i64);
                limb.with_residues(half, centred, residues, |residue, centred| {
                    inverse.times(limb.sub(residue, centred))
                });
                self.count_products(residues.len());
            }
        }
        poly
    }

    /// Counts coefficients that were sampled.
    pub(super) fn count_samples(&self, count: usize) {
        self.counter.add(Work { sampled_coefficients: count as u64, ..Work::default() });
    }

    fn count_products(&self, count: usize) {
        self.counter.add(Work { mod_muls: count as u64, ..Work::default() });
    }
}
