//! One linear layer under encryption, at the server: multiplication by the weights, masking, and replies.

use super::cipher::{Ciphertext, PublicKey, expand};
use super::context::HeContext;
use super::layout::reply_positions;
use super::ordered::in_order;
use super::pack::BitWriter;
use super::products::{Sums, interleave};
use super::reply::Reply;
use super::sample::Sampler;
use super::weights::{PreparedLayer, weight_polynomial};
use crate::error::{BackendError, Result};
use crate::random::{Seed, ring_mask};
use pisim_protocol::{ConvPlan, Work};
use rayon::prelude::*;
use std::ops::Range;
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
    /// The weights transformed before, if the plan says so.
    pub prepared: Option<&'a PreparedLayer>,
    /// The client's public key.
    pub public_key: &'a PublicKey,
}

/// Input groups of one pass over the sums, and output groups that a pass reads each input for: their weights and sums of one
/// limb stay in the second-level cache.
const INPUTS_PER_PASS: usize = 4;
const OUTPUTS_PER_PASS: usize = 2;

/// What one evaluation needs of inputs and key, transformed.
struct Operands<'a> {
    /// Both halves of every input, limb by limb.
    inputs: Vec<Vec<Vec<u64>>>,
    key_uniform: Vec<u64>,
    mask: &'a [u64],
    seed: &'a Seed,
}

/// Memory that is used for one block of output groups after the other.
#[derive(Default)]
struct Scratch {
    weights: Vec<Vec<u64>>,
    /// For every tile, one sum for every output group.
    sums: Vec<Vec<Sums>>,
    /// Both halves of every reply, in the order of the replies.
    totals: Vec<[Vec<u64>; 2]>,
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
        if plan.prepared && self.prepared.is_none_or(|layer| !layer.belongs_to(plan)) {
            return Err(BackendError::program("the layer's weights are not prepared"));
        }
        let both = |input: &Ciphertext| {
            let uniform = expand(context, &input.seed);
            let limbs = input.masked.chunks(plan.degree).zip(uniform.chunks(plan.degree));
            limbs.map(|(masked, uniform)| interleave(masked, uniform)).collect()
        };
        let inputs = inputs.par_iter().map(both).collect();
        let operands = Operands { inputs, key_uniform: expand(context, &self.public_key.seed), mask, seed };
        let spare: Mutex<Vec<Scratch>> = Mutex::default();
        let spare = || spare.lock().unwrap_or_else(PoisonError::into_inner);
        // All threads get several blocks, or one group at a time.
        let busy = plan.output_groups() >= 4 * OUTPUTS_PER_PASS * rayon::current_num_threads();
        let size = if busy { OUTPUTS_PER_PASS } else { 1 };
        let make = |block: usize| {
            let mut scratch = spare().pop().unwrap_or_default();
            let groups = block * size..((block + 1) * size).min(plan.output_groups());
            let replies = self.block(groups, &operands, &mut scratch);
            spare().push(scratch);
            replies
        };
        in_order(plan.output_groups().div_ceil(size), make, |block, replies: Vec<Vec<u8>>| {
            let first = block * size * plan.tiles();
            replies.into_iter().enumerate().try_for_each(|(offset, reply)| emit(first + offset, reply))
        })
    }

    /// The serialised replies of some output groups: for every group those of all tiles.
    fn block(&self, groups: Range<usize>, operands: &Operands<'_>, scratch: &mut Scratch) -> Vec<Vec<u8>> {
        let (context, plan) = (self.context, self.plan);
        scratch.totals.resize_with(groups.len() * plan.tiles(), Default::default);
        scratch.totals.iter_mut().flatten().for_each(Vec::clear);
        for index in 0..context.limbs.len() {
            self.multiply(index, groups.clone(), operands, scratch);
        }
        let places = groups.flat_map(|group| (0..plan.tiles()).map(move |tile| (tile, group)));
        let replies = places.zip(&mut scratch.totals);
        let serialised = replies.map(|((tile, group), sum)| {
            let mut writer = BitWriter::default();
            self.finish(tile, group, sum, operands).write(context, plan, &mut writer);
            writer.finish()
        });
        serialised.collect()
    }

    /// Appends one limb of Σ input × weights, for some output groups and all tiles.
    fn multiply(&self, index: usize, groups: Range<usize>, operands: &Operands<'_>, scratch: &mut Scratch) {
        let (context, plan) = (self.context, self.plan);
        let Some(limb) = context.limbs.get(index) else { return };
        let Scratch { weights, sums, totals } = scratch;
        weights.resize(INPUTS_PER_PASS * OUTPUTS_PER_PASS, Vec::new());
        sums.resize(plan.tiles(), Vec::new());
        for sums in sums.iter_mut() {
            sums.resize(groups.len(), Sums::default());
            sums.iter_mut().for_each(|sums| sums.clear(plan.degree));
        }
        let input_groups = plan.input_groups();
        for first in (0..input_groups).step_by(INPUTS_PER_PASS) {
            let pass = first..(first + INPUTS_PER_PASS).min(input_groups);
            let pairs = groups.clone().flat_map(|group| pass.clone().map(move |input_group| (input_group, group)));
            let prepared = self.prepared.filter(|_| plan.prepared);
            let factors: Vec<&[u64]> = match prepared {
                Some(layer) => pairs.map(|(input, output)| layer.polynomial(plan, input, output, index)).collect(),
                None => {
                    for ((input, output), poly) in pairs.zip(weights.iter_mut()) {
                        weight_polynomial(plan, self.weights, limb, input, output, poly);
                        context.forward_limb(limb, poly);
                    }
                    weights.iter().take(pass.len() * groups.len()).map(Vec::as_slice).collect()
                }
            };
            for (tile, sums) in sums.iter_mut().enumerate() {
                let inputs = operands.inputs.iter().skip(tile * input_groups + pass.start).take(pass.len());
                let inputs: Vec<&[u64]> = inputs.filter_map(|limbs| limbs.get(index)).map(Vec::as_slice).collect();
                limb.add_products(&mut sums.iter_mut().collect::<Vec<_>>(), &factors, &inputs);
                // A product is one of all limbs.
                let muls = if index == 0 { factors.len() as u64 } else { 0 };
                let products = 2 * (factors.len() * plan.degree) as u64;
                context.counter.add(Work { he_plain_muls: muls, mod_muls: products, ..Work::default() });
            }
        }
        // Totals are in the order of the replies: `[group][tile]`.
        for (tile, sums) in sums.iter().enumerate() {
            for (sums, [masked, uniform]) in sums.iter().zip(totals.iter_mut().skip(tile).step_by(plan.tiles())) {
                limb.reduce(sums, masked, uniform);
            }
        }
    }

    /// Hides the weights, subtracts the mask and drops what a reply does not need.
    fn finish(&self, tile: usize, group: usize, sum: &mut [Vec<u64>; 2], operands: &Operands<'_>) -> Reply {
        let (context, plan) = (self.context, self.plan);
        let place = tile * plan.output_groups() + group;
        let mut sampler = Sampler::new(&operands.seed.derive("reply", place as u64));
        let ternary = Zeroizing::new(sampler.ternary(context.degree()));
        let mut factor = Zeroizing::new(context.lift(&ternary));
        context.forward(&mut factor);
        let [masked, uniform] = sum;
        context.mul_add(masked, &self.public_key.masked, &factor);
        context.mul_add(uniform, &operands.key_uniform, &factor);
        context.inverse(masked);
        context.inverse(uniform);

        let errors = Zeroizing::new(sampler.errors(context.degree()));
        for (limb, residues) in context.split_mut(uniform) {
            for (residue, error) in residues.iter_mut().zip(errors.iter()) {
                *residue = limb.add(*residue, limb.small_residue(*error));
            }
        }
        let positions = reply_positions(plan, tile, group);
        let noise = Zeroizing::new(sampler.flooding(plan.reply.flooding_bits, positions.len()));
        context.count_samples(ternary.len() + errors.len() + noise.len());
        let ring = ring_mask(context.params.plain_bits);
        let minus_mask: Zeroizing<Vec<u64>> =
            Zeroizing::new(positions.iter().map(|(_, place)| operands.mask[*place].wrapping_neg() & ring).collect());
        let values = context.split(masked).map(|(limb, residues)| {
            let hide = |((coefficient, _), noise): (&(usize, usize), &i128)| {
                limb.add(residues[*coefficient], limb.wide_residue(*noise))
            };
            let mut values: Vec<u64> = positions.iter().zip(noise.iter()).map(hide).collect();
            context.add_scaled(limb, &mut values, &minus_mask);
            values
        });
        let uniform = context.split(uniform).map(|(_, residues)| residues.to_vec()).collect();
        Reply { values: context.switch(values.collect()), uniform: context.switch(uniform) }
    }
}
