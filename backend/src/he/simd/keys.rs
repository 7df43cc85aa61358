//! The client's secret, and the keys with which the server encrypts and switches.
//!
//! A key that switches from s′ to s has one row for every limb i of q: (−(a·s + e) + P·s′, a), where P·s′ is added in limb i
//! alone. Digit i of a polynomial, its residues modulo limb i, times row i, summed over i, is then P times the polynomial
//! times s′, under s (the gadget of residues; Bajard et al., SAC 2016, with a special prime as in Gentry et al., CRYPTO 2012).

use super::context::SimdContext;
use super::wire::{header, put_poly, take, take_header, take_poly};
use crate::buffer::Buffer;
use crate::error::{BackendError, Result};
use crate::he::products::interleave;
use crate::he::sample::Sampler;
use crate::random::Seed;
use pisim_protocol::SimdParams;
use rayon::prelude::*;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The client's ternary secret, transformed, modulo q and the special prime.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SimdSecretKey {
    pub(super) secret: Vec<u64>,
}

/// One automorphism with its key.
pub(super) struct GaloisKey {
    /// Where each value of a transform comes from.
    pub(super) permutation: Vec<u32>,
    pub(super) key: SwitchKey,
}

/// For every digit, for every limb: both polynomials' residues, interleaved.
pub(super) struct SwitchKey(pub(super) Vec<Vec<Vec<u64>>>);

/// What the server keeps of the client's message of keys.
pub struct EvaluationKeys {
    /// The public key: an encryption of zero modulo q and the special prime.
    pub(super) public: [Vec<u64>; 2],
    /// Rotations to the left by 2^i.
    pub(super) left: Vec<GaloisKey>,
    /// Rotations to the right by 2^i, without the largest, which is one to the left, too.
    pub(super) right: Vec<GaloisKey>,
    /// The column swap.
    pub(super) swap: GaloisKey,
}

/// The automorphisms of the Galois keys, in the order of the message.
fn automorphisms(context: &SimdContext) -> Vec<u64> {
    let sizes = context.params.row().ilog2();
    let left = (0..sizes).map(|size| context.order.rotation(1 << size));
    let right = (0..sizes.saturating_sub(1)).map(|size| context.order.rotation(-(1 << size)));
    left.chain(right).chain([context.order.swap()]).collect()
}

/// The header of a seeded polynomial modulo q and the special prime.
fn key_header(params: &SimdParams) -> [u8; pisim_protocol::simd::CIPHERTEXT_HEADER_BYTES as usize] {
    let bytes = params.key_polynomial_bytes() - pisim_protocol::simd::CIPHERTEXT_HEADER_BYTES;
    header(params, 2, params.moduli.len() as u64 + 1, bytes)
}

impl SimdSecretKey {
    /// A ternary secret from `seed`.
    pub fn generate(context: &SimdContext, seed: &Seed) -> Self {
        let mut sampler = Sampler::new(&seed.derive("secret", 0));
        let ternary = Zeroizing::new(sampler.ternary(context.degree()));
        context.count_samples(ternary.len());
        Self { secret: context.lift(&context.limbs, &ternary) }
    }

    /// The whole message of keys: the public key, the relinearisation key and the Galois keys, each polynomial with the seed
    /// of its uniform half. No layer multiplies ciphertexts; the relinearisation key is made and sent because Delphi does.
    pub fn keys(&self, context: &SimdContext, seed: &Seed) -> Buffer {
        let (degree, limbs) = (context.degree(), context.params.moduli.len());
        let mut square = Zeroizing::new(vec![0; limbs * degree]);
        context.mul_add(context.q(), &mut square, &self.secret, &self.secret);
        let powers = automorphisms(context);
        let permutations: Vec<Vec<u32>> = powers.iter().map(|power| context.order.permutation(*power)).collect();
        let mut message = Buffer::new(context.params.keys_bytes() as usize);
        let one = context.params.key_polynomial_bytes() as usize;
        message.bytes_mut().par_chunks_mut(one).enumerate().for_each(|(index, bytes)| {
            let seed = seed.derive("key", index as u64);
            let Some(place) = index.checked_sub(1) else { return self.write_row(context, &seed, None, bytes) };
            let (key, digit) = (place / limbs, place % limbs);
            let residues = digit * degree..(digit + 1) * degree;
            let from: Zeroizing<Vec<u64>> = Zeroizing::new(match key.checked_sub(1) {
                None => square[residues].to_vec(),
                Some(key) => {
                    let secret = &self.secret[residues];
                    permutations[key].iter().map(|place| secret[*place as usize]).collect()
                }
            });
            self.write_row(context, &seed, Some((digit, &from)), bytes);
        });
        message
    }

    /// Writes −(a·s + e), and P·s′ more in one limb, with the seed of a.
    fn write_row(&self, context: &SimdContext, seed: &Seed, from: Option<(usize, &[u64])>, bytes: &mut [u8]) {
        let uniform_seed = seed.derive("uniform", 0);
        let errors = Zeroizing::new(Sampler::new(&seed.derive("error", 0)).errors(context.degree()));
        context.count_samples(errors.len());
        let mut masked = context.lift(&context.limbs, &errors);
        context.mul_add(&context.limbs, &mut masked, &expand(context, &uniform_seed), &self.secret);
        for (limb, residues) in context.limbs.iter().zip(masked.chunks_mut(context.degree())) {
            residues.iter_mut().for_each(|residue| *residue = limb.sub(0, *residue));
        }
        if let Some((digit, from)) = from {
            let residues = masked.chunks_mut(context.degree()).nth(digit).unwrap_or_default();
            if let (Some(limb), Some([_, special])) = (context.limbs.get(digit), context.special.get(digit)) {
                residues.iter_mut().zip(from).for_each(|(sum, from)| *sum = limb.add(*sum, special.times(*from)));
                context.count_products(from.len());
            }
        }
        let header = key_header(&context.params);
        let (front, rest) = bytes.split_at_mut(header.len());
        front.copy_from_slice(&header);
        let (front, rest) = rest.split_at_mut(uniform_seed.0.len());
        front.copy_from_slice(&uniform_seed.0);
        put_poly(&masked, rest);
    }
}

/// The uniform polynomial of a public seed modulo q and the special prime, taken as transformed.
fn expand(context: &SimdContext, seed: &Seed) -> Vec<u64> {
    let (mut sampler, degree) = (Sampler::new(seed), context.degree());
    let mut uniform = Vec::with_capacity(context.limbs.len() * degree);
    for limb in &context.limbs {
        sampler.uniform(limb.modulus, degree, &mut uniform);
    }
    context.count_samples(uniform.len());
    uniform
}

impl EvaluationKeys {
    /// Reads the message of keys.
    ///
    /// # Errors
    /// Another length or header, or residues above their modulus.
    pub fn read(context: &SimdContext, bytes: &[u8], step: usize) -> Result<Self> {
        let (params, degree) = (&context.params, context.degree());
        if bytes.len() as u64 != params.keys_bytes() {
            return Err(BackendError::protocol(step, "received keys of a wrong length"));
        }
        let expected = key_header(params);
        let rows = bytes.par_chunks(params.key_polynomial_bytes() as usize).map(|mut row| {
            take_header(&mut row, &expected, step)?;
            let seed = Seed(take(&mut row, 32, step)?.try_into().unwrap_or_default());
            Ok([take_poly(&context.limbs, degree, &mut row, step)?, expand(context, &seed)])
        });
        let mut rows = rows.collect::<Result<Vec<_>>>()?.into_iter();
        let missing = || BackendError::protocol(step, "received too few keys");
        let public = rows.next().ok_or_else(missing)?;
        let limbs = params.moduli.len();
        let mut keys = Vec::new();
        for _ in 0..=params.galois_keys() {
            let digits = rows.by_ref().take(limbs).map(|[masked, uniform]| {
                let residues = masked.chunks(degree).zip(uniform.chunks(degree));
                residues.map(|(masked, uniform)| interleave(masked, uniform)).collect()
            });
            keys.push(SwitchKey(digits.collect()));
        }
        // The first is the relinearisation key, which no layer uses.
        let mut keys = keys
            .into_iter()
            .skip(1)
            .zip(automorphisms(context))
            .map(|(key, power)| GaloisKey { permutation: context.order.permutation(power), key });
        let sizes = params.row().ilog2() as usize;
        let left = keys.by_ref().take(sizes).collect();
        let right = keys.by_ref().take(sizes.saturating_sub(1)).collect();
        Ok(Self { public, left, right, swap: keys.next().ok_or_else(missing)? })
    }

    /// The key that rotates to the left by a power of two, to the right if it is negative.
    pub(super) fn rotation(&self, steps: i64) -> Option<&GaloisKey> {
        let size = steps.unsigned_abs().checked_ilog2()? as usize;
        let rights = if steps < 0 { self.right.get(size) } else { None };
        rights.or_else(|| self.left.get(size))
    }
}
