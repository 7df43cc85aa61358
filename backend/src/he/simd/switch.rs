//! Key switching, and the rotations made of it.

use super::context::SimdContext;
use super::keys::{EvaluationKeys, GaloisKey, SwitchKey};
use crate::error::{BackendError, Result};
use crate::he::limb::negative;
use pisim_protocol::Work;
use pisim_protocol::simd::rotation_digits;

/// A ciphertext modulo q, transformed.
pub(super) type Pair = [Vec<u64>; 2];

impl SimdContext {
    /// A zero ciphertext.
    pub(super) fn zero(&self) -> Pair {
        let poly = vec![0; self.q().len() * self.degree()];
        [poly.clone(), poly]
    }

    /// `sum += other`, both ciphertexts.
    pub(super) fn add_pair(&self, sum: &mut Pair, other: &Pair) {
        sum.iter_mut().zip(other).for_each(|(sum, other)| self.add(sum, other));
    }

    /// Rotates both rows to the left, by powers of two.
    ///
    /// # Errors
    /// Steps beyond a row.
    pub(super) fn rotate(&self, keys: &EvaluationKeys, pair: Pair, steps: usize) -> Result<Pair> {
        if steps == 0 {
            return Ok(pair);
        }
        self.count(Work { he_rotations: 1, ..Work::default() });
        rotation_digits(steps, self.params.row()).into_iter().try_fold(pair, |pair, digit| {
            let key = keys.rotation(digit).ok_or_else(|| BackendError::program("a rotation goes beyond a row"))?;
            Ok(self.turn(key, &pair))
        })
    }

    /// Swaps the rows.
    pub(super) fn swap_rows(&self, keys: &EvaluationKeys, pair: &Pair) -> Pair {
        self.count(Work { he_rotations: 1, ..Work::default() });
        self.turn(&keys.swap, pair)
    }

    /// Applies an automorphism, and switches back to the secret.
    fn turn(&self, key: &GaloisKey, pair: &Pair) -> Pair {
        let permute = |poly: &Vec<u64>| -> Vec<u64> {
            let limbs = poly.chunks(self.degree());
            limbs.flat_map(|residues| key.permutation.iter().map(|place| residues[*place as usize])).collect()
        };
        let [first, second] = pair;
        let mut switched = self.switch_key(&key.key, permute(second));
        self.add(&mut switched[0], &permute(first));
        switched
    }

    /// An encryption under s of a polynomial times s′, for a key from s′ to s.
    pub(super) fn switch_key(&self, key: &SwitchKey, poly: Vec<u64>) -> Pair {
        let degree = self.degree();
        self.count(Work { key_switches: 1, ..Work::default() });
        let mut digits = poly.clone();
        for (limb, residues) in self.q().iter().zip(digits.chunks_mut(degree)) {
            self.inverse(limb, residues);
        }
        let mut sums = [Vec::with_capacity(poly.len() + degree), Vec::with_capacity(poly.len() + degree)];
        let mut factors = vec![Vec::new(); self.q().len()];
        for (index, limb) in self.limbs.iter().enumerate() {
            let sources = self.q().iter().zip(digits.chunks(degree)).zip(poly.chunks(degree));
            for ((number, ((source, digit), transformed)), factor) in sources.enumerate().zip(&mut factors) {
                factor.clear();
                if number == index {
                    factor.extend_from_slice(transformed);
                    continue;
                }
                // A digit that is below the modulus is a residue; moduli are public.
                if source.modulus <= limb.modulus {
                    factor.extend_from_slice(digit);
                } else {
                    factor.extend(digit.iter().map(|residue| limb.one.times(*residue)));
                }
                self.forward(limb, factor);
            }
            let factors: Vec<&[u64]> = factors.iter().map(Vec::as_slice).collect();
            let pairs: Vec<&[u64]> = key.0.iter().filter_map(|row| row.get(index)).map(Vec::as_slice).collect();
            let mut products = self.sums();
            limb.add_products(&mut [&mut products], &factors, &pairs);
            self.count_products(2 * pairs.len() * degree);
            let [first, second] = &mut sums;
            limb.reduce(&products, first, second);
        }
        sums.map(|poly| self.divide_by_special(poly))
    }

    /// Divides a polynomial modulo q and the special prime by the latter, rounding; returns it modulo q.
    pub(super) fn divide_by_special(&self, mut poly: Vec<u64>) -> Vec<u64> {
        let degree = self.degree();
        let mut last = poly.split_off(self.q().len() * degree);
        let Some(special) = self.limbs.last() else { return poly };
        self.inverse(special, &mut last);
        let half = special.modulus / 2;
        // What is above a half stands for a negative number.
        let centred =
            |residue: &u64| residue.wrapping_sub(special.modulus & negative(half.wrapping_sub(*residue))) as i64;
        let mut rest = vec![0; degree];
        for ((limb, residues), [inverse, _]) in self.q().iter().zip(poly.chunks_mut(degree)).zip(&self.special) {
            limb.with_residues(half, last.iter().map(centred), &mut rest, |_, residue| residue);
            self.forward(limb, &mut rest);
            for (residue, rest) in residues.iter_mut().zip(&rest) {
                *residue = inverse.times(limb.sub(*residue, *rest));
            }
            self.count_products(degree);
        }
        poly
    }
}
