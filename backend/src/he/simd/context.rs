//! The ring in residues, plaintexts in slots, and scaling between both.

use super::order::Order;
use crate::counter::Counter;
use crate::error::{BackendError, Result};
use crate::he::limb::{Factor, Limb, invert, mul_mod, negative};
use crate::he::products::Sums;
use pisim_protocol::{SimdParams, Work};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Parameters with everything that is computed from them once.
pub struct SimdContext {
    pub(super) params: SimdParams,
    /// The limbs of q, and at last the special prime.
    pub(super) limbs: Vec<Limb>,
    /// The plaintext modulus, with the transform between slots and coefficients.
    pub(super) plain: Limb,
    /// The order of all transforms' values.
    pub(super) order: Order,
    /// q modulo p.
    modulus: Factor,
    /// For every limb of q: the inverse of the special prime, and the special prime.
    pub(super) special: Vec<[Factor; 2]>,
    /// For every limb of q: (q/pᵢ)^−1 modulo it.
    inverses: Vec<Factor>,
    /// For every limb of q: quotients of multiples of the plaintext modulus by it.
    quotients: Vec<PlainQuotient>,
    pub(super) counter: Arc<Counter>,
}

/// ⌊y·p/pᵢ⌋ and its fraction in 64 bits, for residues y, without a division.
struct PlainQuotient {
    plain: Factor,
    /// ⌊2^64/pᵢ⌋, and 2^64.
    fraction: u64,
    word: Factor,
}

impl PlainQuotient {
    fn of(&self, y: u64) -> (u64, u64) {
        let (whole, rest) = self.plain.divide(y);
        let (fraction, _) = self.word.divide(rest);
        (whole, self.fraction.wrapping_mul(rest).wrapping_add(fraction))
    }
}

impl SimdContext {
    /// Prepares parameters.
    ///
    /// # Errors
    /// A prime without a transform of this degree, or transforms that do not agree on an order of their values.
    pub fn new(params: &SimdParams, counter: Arc<Counter>) -> Result<Self> {
        let plain = params.plain_modulus;
        let primes = params.moduli.iter().chain([&params.special]);
        let bits = params.limb_bits.iter().chain([&params.special_bits]);
        let limbs: Vec<Limb> = primes
            .zip(bits)
            .map(|(prime, bits)| Limb::new(*prime, *bits, params.degree, plain % prime))
            .collect::<Result<_>>()?;
        let plain_limb = Limb::new(plain, 64 - plain.leading_zeros(), params.degree, 1)?;
        let order = order_of(&plain_limb, params.degree)?;
        for limb in &limbs {
            if order_of(limb, params.degree)? != order {
                return Err(BackendError::program("the transforms of two primes differ in the order of their values"));
            }
        }
        let product = |modulus: u64| {
            params
                .moduli
                .iter()
                .filter(|prime| **prime != modulus)
                .fold(1, |all, prime| mul_mod(all, prime % modulus, modulus))
        };
        let of_limbs = |make: &dyn Fn(u64) -> u64| -> Vec<Factor> {
            params.moduli.iter().map(|prime| Factor::new(make(*prime), *prime)).collect()
        };
        let quotient = |prime: &u64| PlainQuotient {
            plain: Factor::new(plain, *prime),
            fraction: ((1u128 << 64) / u128::from(*prime)) as u64,
            word: Factor::new(((1u128 << 64) % u128::from(*prime)) as u64, *prime),
        };
        let special_inverses = of_limbs(&|prime| invert(params.special % prime, prime));
        let special = of_limbs(&|prime| params.special % prime);
        Ok(Self {
            params: params.clone(),
            limbs,
            plain: plain_limb,
            order,
            modulus: Factor::new(product(plain), plain),
            special: special_inverses.into_iter().zip(special).map(|(inverse, special)| [inverse, special]).collect(),
            inverses: of_limbs(&|prime| invert(product(prime), prime)),
            quotients: params.moduli.iter().map(quotient).collect(),
            counter,
        })
    }

    /// Ring degree N.
    pub(super) fn degree(&self) -> usize {
        self.params.degree
    }

    /// The limbs of q.
    pub(super) fn q(&self) -> &[Limb] {
        &self.limbs[..self.params.moduli.len()]
    }

    /// Counts work.
    pub(super) fn count(&self, work: Work) {
        self.counter.add(work);
    }

    /// Counts coefficients that were sampled.
    pub(super) fn count_samples(&self, count: usize) {
        self.count(Work { sampled_coefficients: count as u64, ..Work::default() });
    }

    /// Counts products of residues.
    pub(super) fn count_products(&self, count: usize) {
        self.count(Work { mod_muls: count as u64, ..Work::default() });
    }

    /// Transforms the residues of one limb.
    pub(super) fn forward(&self, limb: &Limb, residues: &mut [u64]) {
        limb.plan.fwd(residues);
        self.count(Work { ntts: 1, ..Work::default() });
    }

    /// Transforms the residues of one limb back.
    pub(super) fn inverse(&self, limb: &Limb, residues: &mut [u64]) {
        limb.plan.inv(residues);
        limb.plan.normalize(residues);
        self.count(Work { ntts: 1, ..Work::default() });
    }

    /// Small signed coefficients (keys and errors) in these limbs, transformed.
    pub(super) fn lift(&self, limbs: &[Limb], coefficients: &[i64]) -> Vec<u64> {
        let mut poly = Vec::with_capacity(limbs.len() * coefficients.len());
        for limb in limbs {
            poly.extend(coefficients.iter().map(|value| limb.small_residue(*value)));
        }
        for (limb, residues) in limbs.iter().zip(poly.chunks_mut(self.degree())) {
            self.forward(limb, residues);
        }
        poly
    }

    /// `sum += a ∘ b` in these limbs.
    pub(super) fn mul_add(&self, limbs: &[Limb], sum: &mut [u64], a: &[u64], b: &[u64]) {
        let degree = self.degree();
        let operands = a.chunks(degree).zip(b.chunks(degree));
        for ((limb, sum), (a, b)) in limbs.iter().zip(sum.chunks_mut(degree)).zip(operands) {
            limb.plan.mul_accumulate(sum, a, b);
            self.count_products(sum.len());
        }
    }

    /// `sum += other` in the limbs of q.
    pub(super) fn add(&self, sum: &mut [u64], other: &[u64]) {
        let degree = self.degree();
        for ((limb, sum), other) in self.q().iter().zip(sum.chunks_mut(degree)).zip(other.chunks(degree)) {
            sum.iter_mut().zip(other).for_each(|(sum, other)| *sum = limb.add(*sum, *other));
        }
    }

    /// An empty sum of products.
    pub(super) fn sums(&self) -> Sums {
        let mut sums = Sums::default();
        sums.clear(self.degree());
        sums
    }

    /// The coefficients modulo p of a plaintext with these slots.
    pub(super) fn encode(&self, slots: &[u64]) -> Vec<u64> {
        let mut coefficients = self.order.scatter(slots);
        self.inverse(&self.plain, &mut coefficients);
        coefficients
    }

    /// Coefficients modulo p, centred, as residues of one limb of q, transformed: a factor.
    pub(super) fn factor(&self, limb: &Limb, coefficients: &[u64], residues: &mut Vec<u64>) {
        residues.clear();
        residues.extend(coefficients.iter().map(|value| limb.small_residue(self.centred(*value))));
        self.forward(limb, residues);
    }

    fn centred(&self, value: u64) -> i64 {
        let half = self.plain.modulus / 2;
        // What is above a half stands for a negative number.
        value.wrapping_sub(self.plain.modulus & negative(half.wrapping_sub(value))) as i64
    }

    /// q·m modulo p, of every coefficient m of a plaintext: what scaling up rounds away.
    pub(super) fn scaling_remainders(&self, coefficients: &[u64]) -> Vec<u64> {
        self.count_products(coefficients.len());
        coefficients.iter().map(|value| self.modulus.times(*value)).collect()
    }

    /// Adds ⌊q·m/p⌉ to coefficients of one limb, given the remainders v = q·m modulo p: with v centred, (q·m − v)/p is exact,
    /// and q vanishes.
    pub(super) fn add_scaled(&self, limb: &Limb, residues: &mut [u64], remainders: &[u64]) {
        for (residue, remainder) in residues.iter_mut().zip(remainders) {
            let centred = limb.small_residue(self.centred(*remainder));
            *residue = limb.sub(*residue, limb.inverse_plain.times(centred));
        }
        self.count_products(residues.len());
    }

    /// The slots of ⌊p·x/q⌉, for the coefficients x of a polynomial modulo q.
    ///
    /// p·x/q = Σ y·p/pᵢ modulo p with y = x·(q/pᵢ)^−1 modulo pᵢ; fractions are summed with 64 bits each.
    pub(super) fn decode(&self, poly: &[u64]) -> Vec<u64> {
        let degree = self.degree();
        let mut sums = Zeroizing::new(vec![(0u64, 1u128 << 63); degree]);
        for ((residues, inverse), quotient) in poly.chunks(degree).zip(&self.inverses).zip(&self.quotients) {
            for ((whole, fraction), residue) in sums.iter_mut().zip(residues) {
                let (integer, rest) = quotient.of(inverse.times(*residue));
                *whole = whole.wrapping_add(integer);
                *fraction += u128::from(rest);
            }
            self.count_products(residues.len());
        }
        let message =
            |(whole, fraction): (u64, u128)| self.plain.one.times(whole.wrapping_add((fraction >> 64) as u64));
        let mut coefficients = Zeroizing::new(sums.iter().copied().map(message).collect::<Vec<u64>>());
        self.forward(&self.plain, &mut coefficients);
        self.order.gather(&coefficients)
    }
}

fn order_of(limb: &Limb, degree: usize) -> Result<Order> {
    let mut roots = vec![0; degree];
    if let Some(x) = roots.get_mut(1) {
        *x = 1;
    }
    limb.plan.fwd(&mut roots);
    Order::of_roots(&roots, limb.modulus)
}
