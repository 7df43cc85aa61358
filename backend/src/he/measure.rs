//! The inner loops of homomorphic layers, one at a time, so that their rates can be measured.

use super::cipher::expand;
use super::context::HeContext;
use super::pack::{BitReader, BitWriter};
use super::products::{Sums, interleave};
use super::sample::Sampler;
use super::weights::weight_polynomial;
use crate::counter::Counter;
use crate::error::Result;
use crate::random::Seed;
use pisim_protocol::ConvPlan;
use pisim_protocol::he::HeParams;
use std::hint::black_box;
use std::sync::Arc;

/// Ciphertexts that one pass multiplies, and sums that it adds each to: as in a linear layer.
const PASS: (usize, usize) = (4, 2);

/// Operands of the inner loops.
pub struct Kernels {
    context: HeContext,
    poly: Vec<u64>,
    pairs: Vec<Vec<u64>>,
    factors: Vec<Vec<u64>>,
    sums: Vec<Sums>,
    seed: Seed,
}

impl Kernels {
    /// Operands for these parameters.
    ///
    /// # Errors
    /// As [`HeContext::new`].
    pub fn new(params: &HeParams) -> Result<Self> {
        let context = HeContext::new(params, Arc::new(Counter::default()))?;
        let seed = Seed::reproducible(1);
        let poly: Vec<u64> = expand(&context, &seed).into_iter().take(params.degree).collect();
        let mut sums = vec![Sums::default(); PASS.1];
        sums.iter_mut().for_each(|sums| sums.clear(params.degree));
        let pairs = vec![interleave(&poly, &poly); PASS.0];
        Ok(Self { factors: vec![poly.clone(); PASS.0 * PASS.1], context, poly, pairs, sums, seed })
    }

    /// One forward transform of the first limb.
    pub fn transform(&mut self) {
        if let Some(limb) = self.context.limbs.first() {
            self.context.forward_limb(limb, &mut self.poly);
        }
    }

    /// One pass of products in the first limb; returns how many ciphertext × plaintext products of one limb it makes (each
    /// of two polynomials).
    pub fn products(&mut self) -> usize {
        if let Some(limb) = self.context.limbs.first() {
            let factors: Vec<&[u64]> = self.factors.iter().map(Vec::as_slice).collect();
            let pairs: Vec<&[u64]> = self.pairs.iter().map(Vec::as_slice).collect();
            limb.add_products(&mut self.sums.iter_mut().collect::<Vec<_>>(), &factors, &pairs);
        }
        PASS.0 * PASS.1
    }

    /// One product of polynomials that is reduced at once; returns how many coefficients it multiplies.
    pub fn reduced_products(&mut self) -> usize {
        let degree = self.context.degree();
        let factors = self.factors.first().into_iter().zip(self.factors.get(1));
        for (limb, (a, b)) in self.context.limbs.iter().take(1).zip(factors) {
            limb.plan.mul_accumulate(&mut self.poly, a, b);
        }
        degree
    }

    /// Places the weights from one input group to one output group, in every limb; returns how many.
    pub fn placement(&mut self, plan: &ConvPlan, weights: &[i32]) -> usize {
        for limb in &self.context.limbs {
            weight_polynomial(plan, weights, limb, 0, 0, &mut self.poly);
        }
        plan.input_channels(0).len() * plan.output_channels(0).len() * plan.shape.kernel.pow(2)
    }

    /// Packs a polynomial of the first limb as it is sent, and unpacks it; returns the bytes packed and unpacked.
    pub fn packing(&mut self) -> usize {
        let bits = self.context.limbs.first().map_or(1, |limb| limb.bits);
        let mut writer = BitWriter::default();
        writer.write(self.poly.iter().copied(), bits);
        let bytes = writer.finish();
        let mut values = Vec::new();
        BitReader::new(&bytes).read_into(&mut values, self.poly.len(), bits);
        black_box(&values);
        2 * bytes.len()
    }

    /// Samples one polynomial of each kind that a reply needs, and one uniform one; returns how many coefficients.
    pub fn samples(&mut self) -> usize {
        let degree = self.context.degree();
        let mut sampler = Sampler::new(&self.seed);
        let mut uniform = Vec::with_capacity(degree);
        if let Some(limb) = self.context.limbs.first() {
            sampler.uniform(limb.modulus, degree, &mut uniform);
        }
        let signed = sampler.ternary(degree).len() + sampler.errors(degree).len();
        let flooding = sampler.flooding(66, degree);
        black_box(&flooding);
        uniform.len() + signed + flooding.len()
    }
}
