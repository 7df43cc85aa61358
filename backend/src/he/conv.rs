//! One linear layer under encryption: packing, multiplication by the weights, masking, and unpacking.

use super::cipher::{Ciphertext, PublicKey, Reply, SecretKey};
use super::context::HeContext;
use super::sample;
use crate::random::{Seed, ring_mask};
use pisim_protocol::{ConvPlan, Work};
use rayon::prelude::*;
use zeroize::Zeroizing;

/// The plaintexts of a layer's input, `[tile][group]`, from values `[channel][y][x]`.
pub fn pack_inputs(plan: &ConvPlan, values: &[u64]) -> Vec<Vec<u64>> {
    let shape = &plan.shape;
    let mut plaintexts = Vec::with_capacity(plan.input_ciphertexts() as usize);
    for tile in 0..plan.tiles() {
        for group in 0..plan.input_groups() {
            let mut coefficients = vec![0; plan.degree];
            for (local, channel) in plan.input_channels(group).enumerate() {
                for y in 0..plan.tile_height() {
                    for x in 0..plan.tile_width() {
                        if let Some((row, column)) = plan.input_pixel(tile, y, x) {
                            coefficients[plan.input_position(local, y, x)] =
                                values[(channel * shape.in_height + row) * shape.in_width + column];
                        }
                    }
                }
            }
            plaintexts.push(coefficients);
        }
    }
    plaintexts
}

/// The outputs of one reply: coefficient and place in the layer's output `[channel][y][x]`.
fn reply_positions(plan: &ConvPlan, tile: usize, group: usize) -> Vec<(usize, usize)> {
    let (rows, columns) = plan.tile_outputs(tile);
    let (height, width) = (plan.shape.out_height(), plan.shape.out_width());
    let mut positions = Vec::with_capacity(plan.reply_values(tile, group));
    for (local, channel) in plan.output_channels(group).enumerate() {
        for y in rows.clone() {
            for x in columns.clone() {
                let coefficient = plan.output_position(local, y - rows.start, x - columns.start);
                positions.push((coefficient, (channel * height + y) * width + x));
            }
        }
    }
    positions
}

/// Decrypts all replies, `[tile][group]`, into the layer's output `[channel][y][x]`.
pub fn unpack_outputs(context: &HeContext, plan: &ConvPlan, key: &SecretKey, replies: &[Reply]) -> Vec<u64> {
    let decrypted: Vec<Vec<(usize, u64)>> = replies
        .par_iter()
        .enumerate()
        .map(|(index, reply)| {
            let (coefficients, places): (Vec<usize>, Vec<usize>) =
                reply_positions(plan, index / plan.output_groups(), index % plan.output_groups()).into_iter().unzip();
            places.into_iter().zip(key.decrypt(context, reply, &coefficients)).collect()
        })
        .collect();
    let mut outputs = vec![0; plan.shape.outputs()];
    for (place, value) in decrypted.into_iter().flatten() {
        outputs[place] = value;
    }
    outputs
}

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
    /// Bits of the noise that hides the weights in the result's noise.
    pub flooding_bits: u32,
}

impl HomomorphicLayer<'_> {
    /// The replies `[tile][group]`: encryptions of W·r − mask, for the inputs' encryption of r.
    ///
    /// Each reply is made independent of the weights: a fresh encryption of zero hides them in c₁, flooding noise in c₀.
    pub fn evaluate(&self, inputs: &[Ciphertext], mask: &[u64], seed: &Seed) -> Vec<Reply> {
        let uniforms: Vec<Vec<u64>> = inputs.par_iter().map(|input| input.uniform(self.context)).collect();
        let groups: Vec<Vec<Reply>> = (0..self.plan.output_groups())
            .into_par_iter()
            .map(|group| {
                let sums = self.multiply(group, inputs, &uniforms);
                let finish = |(tile, sum)| self.finish(tile, group, sum, mask, seed);
                sums.into_iter().enumerate().map(finish).collect()
            })
            .collect();
        // From [group][tile] to [tile][group].
        let mut groups: Vec<_> = groups.into_iter().map(Vec::into_iter).collect();
        (0..self.plan.tiles()).flat_map(|_| groups.iter_mut().filter_map(Iterator::next).collect::<Vec<_>>()).collect()
    }

    /// Σ input × weights for one output group: both transformed polynomials, for every tile.
    fn multiply(&self, group: usize, inputs: &[Ciphertext], uniforms: &[Vec<u64>]) -> Vec<[Vec<u64>; 2]> {
        let (context, input_groups) = (self.context, self.plan.input_groups());
        let mut sums: Vec<[Vec<u64>; 2]> = (0..self.plan.tiles()).map(|_| [context.zero(), context.zero()]).collect();
        for input_group in 0..input_groups {
            let mut weights = context.lift(&self.weight_polynomial(input_group, group));
            context.forward(&mut weights);
            for (tile, [masked, uniform]) in sums.iter_mut().enumerate() {
                let index = tile * input_groups + input_group;
                context.mul_add(masked, &inputs[index].masked, &weights);
                context.mul_add(uniform, &uniforms[index], &weights);
                context.counter.add(Work { he_plain_muls: 1, ..Work::default() });
            }
        }
        sums
    }

    fn weight_polynomial(&self, input_group: usize, output_group: usize) -> Vec<i64> {
        let (plan, kernel) = (self.plan, self.plan.shape.kernel);
        let mut coefficients = vec![0; plan.degree];
        for (local_out, out) in plan.output_channels(output_group).enumerate() {
            for (local_in, channel) in plan.input_channels(input_group).enumerate() {
                let first = (out * plan.shape.in_channels + channel) * kernel * kernel;
                for ky in 0..kernel {
                    for kx in 0..kernel {
                        coefficients[plan.weight_position(local_out, local_in, ky, kx)] =
                            i64::from(self.weights[first + ky * kernel + kx]);
                    }
                }
            }
        }
        coefficients
    }

    /// Hides the weights, subtracts the mask and drops what a reply does not need.
    fn finish(&self, tile: usize, group: usize, sum: [Vec<u64>; 2], mask: &[u64], seed: &Seed) -> Reply {
        let context = self.context;
        let mut rng = seed.derive("reply", (tile * self.plan.output_groups() + group) as u64).rng();
        let ternary = Zeroizing::new(sample::ternary(&mut rng, context.degree()));
        let mut factor = context.lift(&ternary);
        context.forward(&mut factor);
        let [mut masked, mut uniform] = sum;
        context.mul_add(&mut masked, &self.public_key.masked, &factor);
        context.mul_add(&mut uniform, &self.public_key.uniform, &factor);
        context.inverse(&mut masked);
        context.inverse(&mut uniform);

        let errors: Vec<i64> = (0..context.degree()).map(|_| sample::error(&mut rng)).collect();
        for (limb, residues) in context.split_mut(&mut uniform) {
            for (residue, error) in residues.iter_mut().zip(&errors) {
                *residue = limb.add(*residue, limb.residue(*error));
            }
        }
        let ring = ring_mask(context.params.plain_bits);
        let positions = reply_positions(self.plan, tile, group);
        let minus_mask: Vec<u64> = positions.iter().map(|(_, place)| mask[*place].wrapping_neg() & ring).collect();
        let noise: Vec<i128> = positions
            .iter()
            .map(|_| sample::flooding(&mut rng, self.flooding_bits) + i128::from(sample::error(&mut rng)))
            .collect();
        let values = context
            .split(&masked)
            .map(|(limb, residues)| {
                let hide = |((coefficient, _), noise): (&(usize, usize), &i128)| {
                    limb.add(residues[*coefficient], limb.wide_residue(*noise))
                };
                let mut values: Vec<u64> = positions.iter().zip(&noise).map(hide).collect();
                context.add_scaled(limb, &mut values, &minus_mask);
                values
            })
            .collect();
        let uniform = context.split(&uniform).map(|(_, residues)| residues.to_vec()).collect();
        Reply { values: context.switch(values), uniform: context.switch(uniform) }
    }
}
