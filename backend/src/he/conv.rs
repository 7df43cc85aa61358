//! One linear layer under encryption, at the server: multiplication by the weights, masking, and replies.

use super::cipher::{Ciphertext, PublicKey, expand};
use super::context::HeContext;
use super::layout::reply_positions;
use super::ordered::in_order;
use super::pack::BitWriter;
use super::products::{Sums, TERMS_PER_PASS, Term};
use super::reply::Reply;
use super::sample::Sampler;
use crate::error::{BackendError, Result};
use crate::random::{Seed, ring_mask};
use pisim_protocol::{ConvPlan, Work};
use rayon::prelude::*;
use std::sync::{Mutex, PoisonError};
use zeroize::Zeroizing;

/// A linear layer at the server.
pub struct HomomorphicLayer<'a> {
    /// Parameters.
    pub context: &'a HeContext,
    /// Packing.
    pub plan: &'a ConvPlan,
    /// Weights `[out][in][ky][kx]`.
    pub weights: &'a [i32],
    /// The client's public key.
    pub public_key: &'a PublicKey,
}

/// What one evaluation needs of inputs and key: both halves of each, transformed.
struct Operands<'a> {
    inputs: &'a [Ciphertext],
    uniforms: Vec<Vec<u64>>,
    key_uniform: Vec<u64>,
    mask: &'a [u64],
    seed: &'a Seed,
}

/// Memory that every output group needs and that none gets from the operating system again.
#[derive(Default)]
struct Scratch {
    weights: [Vec<u64>; TERMS_PER_PASS],
    sums: Vec<Sums>,
}

impl HomomorphicLayer<'_> {
    /// Hands the serialised replies to `emit` one after the other ([`ConvPlan::reply_place`]) while later ones are made:
    /// encryptions of W·r − mask, for the inputs' encryption of r.
    ///
    /// Each reply is made independent of the weights: a fresh encryption of zero hides them in c₁, flooding noise in c₀.
    ///
    /// # Errors
    /// Inputs, mask or weights of another number than the plan's; the first error of `emit`.
    pub fn evaluate_each(
        &self,
        inputs: &[Ciphertext],
        mask: &[u64],
        seed: &Seed,
        mut emit: impl FnMut(usize, Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        let (context, plan) = (self.context, self.plan);
        let shape = &plan.shape;
        let sizes = [inputs.len() as u64, mask.len() as u64, self.weights.len() as u64];
        if sizes != [plan.input_ciphertexts(), shape.outputs() as u64, (shape.out_channels * shape.taps()) as u64] {
            return Err(BackendError::program("ciphertexts, mask or weights do not belong to the layer"));
        }
        let uniforms = inputs.par_iter().map(|input| expand(context, &input.seed)).collect();
        let key_uniform = expand(context, &self.public_key.seed);
        let operands = Operands { inputs, uniforms, key_uniform, mask, seed };
        let spare: Mutex<Vec<Scratch>> = Mutex::default();
        let spare = || spare.lock().unwrap_or_else(PoisonError::into_inner);
        let make = |group| {
            let mut scratch = spare().pop().unwrap_or_default();
            let replies = self.group(group, &operands, &mut scratch);
            spare().push(scratch);
            replies
        };
        in_order(plan.output_groups(), make, |group, replies: Vec<Vec<u8>>| {
            let first = group * plan.tiles();
            replies.into_iter().enumerate().try_for_each(|(tile, reply)| emit(first + tile, reply))
        })
    }

    /// The serialised replies of one output group, for every tile.
    fn group(&self, group: usize, operands: &Operands<'_>, scratch: &mut Scratch) -> Vec<Vec<u8>> {
        let (context, plan) = (self.context, self.plan);
        scratch.sums.resize_with(plan.tiles(), Sums::default);
        scratch.sums.iter_mut().for_each(|sums| sums.clear(context));
        let input_groups = plan.input_groups();
        for first in (0..input_groups).step_by(TERMS_PER_PASS) {
            let pass = first..(first + TERMS_PER_PASS).min(input_groups);
            for (input_group, factor) in pass.clone().zip(&mut scratch.weights) {
                self.weight_polynomial(input_group, group, factor);
                context.forward(factor);
            }
            for (tile, sums) in scratch.sums.iter_mut().enumerate() {
                let terms = pass.clone().zip(&scratch.weights).filter_map(|(input_group, factor)| {
                    let index = tile * input_groups + input_group;
                    let (input, uniform) = (operands.inputs.get(index)?, operands.uniforms.get(index)?);
                    Some(Term { factor, masked: &input.masked, uniform })
                });
                let terms: Vec<Term<'_>> = terms.collect();
                sums.add(context, &terms);
                context.counter.add(Work { he_plain_muls: terms.len() as u64, ..Work::default() });
            }
        }
        let finish = |(tile, sums)| {
            let mut writer = BitWriter::default();
            self.finish(tile, group, sums, operands).write(context, plan, &mut writer);
            writer.finish()
        };
        scratch.sums.iter_mut().enumerate().map(finish).collect()
    }

    /// The residues of the weights that lead from one input group to one output group.
    fn weight_polynomial(&self, input_group: usize, output_group: usize, poly: &mut Vec<u64>) {
        let (plan, kernel) = (self.plan, self.plan.shape.kernel);
        let (taps, width) = (kernel * kernel, plan.tile_width());
        poly.clear();
        poly.resize(self.context.limbs.len() * plan.degree, 0);
        for (limb, residues) in self.context.split_mut(poly) {
            for (local_out, out) in plan.output_channels(output_group).enumerate() {
                for (local_in, channel) in plan.input_channels(input_group).enumerate() {
                    let first = (out * plan.shape.in_channels + channel) * taps;
                    let weights = &self.weights[first..first + taps];
                    let position = plan.weight_position(local_out, local_in, 0, 0);
                    for (ky, row) in weights.chunks_exact(kernel).enumerate() {
                        for (kx, weight) in row.iter().enumerate() {
                            residues[position - ky * width - kx] = limb.residue(i64::from(*weight));
                        }
                    }
                }
            }
        }
    }

    /// Hides the weights, subtracts the mask and drops what a reply does not need.
    fn finish(&self, tile: usize, group: usize, sums: &mut Sums, operands: &Operands<'_>) -> Reply {
        let (context, plan) = (self.context, self.plan);
        let place = tile * plan.output_groups() + group;
        let mut sampler = Sampler::new(&operands.seed.derive("reply", place as u64));
        let ternary = Zeroizing::new(sampler.ternary(context.degree()));
        let mut factor = Zeroizing::new(context.lift(&ternary));
        context.forward(&mut factor);
        let key = Term { factor: &factor, masked: &self.public_key.masked, uniform: &operands.key_uniform };
        sums.add(context, &[key]);
        let [mut masked, mut uniform] = sums.reduced(context);
        context.inverse(&mut masked);
        context.inverse(&mut uniform);

        let errors = Zeroizing::new(sampler.errors(context.degree()));
        for (limb, residues) in context.split_mut(&mut uniform) {
            for (residue, error) in residues.iter_mut().zip(errors.iter()) {
                *residue = limb.add(*residue, limb.residue(*error));
            }
        }
        let positions = reply_positions(plan, tile, group);
        let noise = Zeroizing::new(sampler.flooding(plan.reply.flooding_bits, positions.len()));
        context.count_samples(ternary.len() + errors.len() + noise.len());
        let ring = ring_mask(context.params.plain_bits);
        let minus_mask: Zeroizing<Vec<u64>> =
            Zeroizing::new(positions.iter().map(|(_, place)| operands.mask[*place].wrapping_neg() & ring).collect());
        let values = context.split(&masked).map(|(limb, residues)| {
            let hide = |((coefficient, _), noise): (&(usize, usize), &i128)| {
                limb.add(residues[*coefficient], limb.wide_residue(*noise))
            };
            let mut values: Vec<u64> = positions.iter().zip(noise.iter()).map(hide).collect();
            context.add_scaled(limb, &mut values, &minus_mask);
            values
        });
        let uniform = context.split(&uniform).map(|(_, residues)| residues.to_vec()).collect();
        Reply { values: context.switch(values.collect()), uniform: context.switch(uniform) }
    }
}
