//! One linear layer under encryption, at the server.

use super::cipher::check_plan;
use super::context::SimdContext;
use super::keys::EvaluationKeys;
use super::switch::Pair;
use crate::buffer::Buffer;
use crate::error::{BackendError, Result};
use crate::he::products::interleave;
use crate::he::sample::Sampler;
use crate::random::Seed;
use pisim_protocol::simd::SimdSum;
use pisim_protocol::{SimdPlan, Work};
use rayon::prelude::*;
use zeroize::Zeroizing;

/// A linear layer at the server.
struct Layer<'a> {
    context: &'a SimdContext,
    keys: &'a EvaluationKeys,
    plan: &'a SimdPlan,
    weights: &'a [i32],
    /// For every ciphertext, for every limb: both polynomials' residues, interleaved.
    inputs: Vec<Vec<Vec<u64>>>,
}

/// The replies of a layer, one after the other: encryptions of W·input + mask modulo p, for the inputs' ciphertexts, and of
/// uniform values in every slot that is no output.
///
/// # Errors
/// A mask or weights of another number than the plan's, or a mask not below p; inputs of a wrong length or header, or with
/// residues above their modulus.
#[expect(clippy::too_many_arguments, reason = "both parties' parts of one layer, each once")]
pub fn evaluate(
    context: &SimdContext,
    keys: &EvaluationKeys,
    plan: &SimdPlan,
    weights: &[i32],
    mask: &[u64],
    seed: &Seed,
    inputs: &[u8],
    step: usize,
) -> Result<Buffer> {
    check_plan(context, plan)?;
    let shape = &plan.shape;
    if [mask.len(), weights.len()] != [shape.outputs(), shape.out_channels * shape.taps()]
        || mask.iter().any(|value| *value >= context.params.plain_modulus)
    {
        return Err(BackendError::program("the mask or weights do not belong to the layer"));
    }
    if inputs.len() as u64 != plan.input_bytes() {
        return Err(BackendError::protocol(step, "received ciphertexts of a wrong length"));
    }
    let one = plan.fresh_ciphertext_bytes() as usize;
    let inputs = inputs.par_chunks(one).map(|mut bytes| {
        let [first, second] = context.take_ciphertext(&mut bytes, step)?;
        let limbs = first.chunks(plan.degree).zip(second.chunks(plan.degree));
        Ok(limbs.map(|(first, second)| interleave(first, second)).collect())
    });
    let layer = Layer { context, keys, plan, weights, inputs: inputs.collect::<Result<_>>()? };
    let mut message = Buffer::new(plan.reply_bytes() as usize);
    message.bytes_mut().par_chunks_mut(one).enumerate().try_for_each(|(reply, bytes)| {
        let sum = layer.reply(reply)?;
        let reply = layer.hide(reply, sum, mask, &seed.derive("reply", reply as u64));
        context.put_ciphertext(&reply, bytes);
        Ok::<(), BackendError>(())
    })?;
    Ok(message)
}

impl Layer<'_> {
    /// The encrypted products of one reply, in their slots.
    fn reply(&self, reply: usize) -> Result<Pair> {
        let (context, plan) = (self.context, self.plan);
        let groups = (0..plan.input_groups).into_par_iter();
        let mut total = groups.map(|group| self.group(reply, group)).try_reduce(
            || context.zero(),
            |mut sum, part| {
                context.add_pair(&mut sum, &part);
                Ok(sum)
            },
        )?;
        for fold in &plan.folds {
            let rotated = context.rotate(self.keys, total.clone(), *fold)?;
            context.add_pair(&mut total, &rotated);
        }
        if plan.fold_rows {
            let swapped = context.swap_rows(self.keys, &total);
            context.add_pair(&mut total, &swapped);
        }
        Ok(total)
    }

    /// What one input group adds to a reply: the rotated sums of both permutations, of which the second is swapped.
    fn group(&self, reply: usize, group: usize) -> Result<Pair> {
        let (context, plan) = (self.context, self.plan);
        let permutation = |permutation: usize| {
            let sum = |diagonal: usize| {
                let products = self.products(reply, SimdSum { group, permutation, diagonal });
                context.rotate(self.keys, products, plan.rotation(diagonal))
            };
            (0..plan.diagonals).into_par_iter().map(sum).try_reduce(
                || context.zero(),
                |mut sum, part| {
                    context.add_pair(&mut sum, &part);
                    Ok(sum)
                },
            )
        };
        let mut total = permutation(0)?;
        if plan.permutations == 2 {
            let swapped = context.swap_rows(self.keys, &permutation(1)?);
            context.add_pair(&mut total, &swapped);
        }
        Ok(total)
    }

    /// The sum over taps of inputs times weights, before its rotation.
    fn products(&self, reply: usize, sum: SimdSum) -> Pair {
        let (context, plan) = (self.context, self.plan);
        let plaintexts: Vec<Zeroizing<Vec<u64>>> =
            (0..plan.taps).map(|tap| Zeroizing::new(context.encode(&self.slots(reply, sum, tap)))).collect();
        let inputs = self.inputs.iter().skip(sum.group * plan.taps).take(plan.taps);
        let mut factors = Zeroizing::new(vec![Vec::new(); plan.taps]);
        let mut pair = [(); 2].map(|()| Vec::with_capacity(plan.limbs * plan.degree));
        for (index, limb) in context.q().iter().enumerate() {
            for (plaintext, factor) in plaintexts.iter().zip(factors.iter_mut()) {
                context.factor(limb, plaintext, factor);
            }
            let factors: Vec<&[u64]> = factors.iter().map(Vec::as_slice).collect();
            let inputs: Vec<&[u64]> = inputs.clone().filter_map(|limbs| limbs.get(index)).map(Vec::as_slice).collect();
            let mut sums = context.sums();
            limb.add_products(&mut [&mut sums], &factors, &inputs);
            context.count_products(2 * inputs.len() * plan.degree);
            let [first, second] = &mut pair;
            limb.reduce(&sums, first, second);
        }
        context.count(Work { he_plain_muls: plan.taps as u64, ..Work::default() });
        pair
    }

    /// The slots of the plaintext that multiplies one tap's ciphertext.
    fn slots(&self, reply: usize, sum: SimdSum, tap: usize) -> Zeroizing<Vec<u64>> {
        let plan = self.plan;
        let mut slots = Zeroizing::new(vec![0; plan.degree]);
        for (index, slots) in slots.chunks_mut(plan.block).enumerate() {
            let (row, block) = (index / plan.row_blocks(), index % plan.row_blocks());
            let place = plan.weight_place(reply, sum, tap, row, block);
            if let Some(weight) = place.and_then(|place| self.weights.get(place)) {
                slots.fill(self.context.plain.residue(i64::from(*weight)));
            }
        }
        slots
    }

    /// Adds the mask, and hides everything but the slots' values: a fresh encryption of zero, and flooding noise.
    fn hide(&self, reply: usize, sum: Pair, mask: &[u64], seed: &Seed) -> Pair {
        let (context, plan) = (self.context, self.plan);
        let mut sampler = Sampler::new(seed);
        let mut pair = fresh_zero(context, &self.keys.public, &mut sampler);
        context.add_pair(&mut pair, &sum);
        let mut slots = Zeroizing::new(Vec::with_capacity(plan.degree));
        sampler.uniform(context.params.plain_modulus, plan.degree, &mut slots);
        for (slot, value) in slots.iter_mut().enumerate() {
            if let Some(mask) = plan.output_place(reply, slot).and_then(|place| mask.get(place)) {
                *value = *mask;
            }
        }
        let coefficients = Zeroizing::new(context.encode(&slots));
        let remainders = Zeroizing::new(context.scaling_remainders(&coefficients));
        let noise = Zeroizing::new(sampler.flooding(plan.flooding_bits, plan.degree));
        context.count_samples(slots.len() + noise.len());
        let mut hidden = Zeroizing::new(Vec::with_capacity(context.q().len() * plan.degree));
        for limb in context.q() {
            let first = hidden.len();
            hidden.extend(noise.iter().map(|noise| limb.wide_residue(*noise)));
            context.add_scaled(limb, &mut hidden[first..], &remainders);
            context.forward(limb, &mut hidden[first..]);
        }
        context.add(&mut pair[0], &hidden);
        pair
    }
}

/// An encryption of zero under the public key, made modulo q and the special prime and divided by the latter, which leaves
/// little of its noise.
fn fresh_zero(context: &SimdContext, public: &Pair, sampler: &mut Sampler) -> Pair {
    let ternary = Zeroizing::new(sampler.ternary(context.degree()));
    let factor = Zeroizing::new(context.lift(&context.limbs, &ternary));
    context.count_samples(ternary.len());
    public.each_ref().map(|key| {
        let errors = Zeroizing::new(sampler.errors(context.degree()));
        context.count_samples(errors.len());
        let mut poly = context.lift(&context.limbs, &errors);
        context.mul_add(&context.limbs, &mut poly, key, &factor);
        context.divide_by_special(poly)
    })
}
