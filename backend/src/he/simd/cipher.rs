//! The client's side of a layer: encryption of its input, decryption of the replies.

use super::context::SimdContext;
use super::keys::SimdSecretKey;
use super::switch::Pair;
use crate::buffer::Buffer;
use crate::error::{BackendError, Result};
use crate::he::sample::Sampler;
use crate::random::Seed;
use pisim_protocol::{SimdPlan, Work};
use rayon::prelude::*;
use zeroize::Zeroizing;

/// Encrypts a layer's input `[channel][y][x]`, values below p: all ciphertexts, one after the other.
///
/// # Errors
/// Values of another number than the plan's, or not below p.
pub fn encrypt(
    context: &SimdContext,
    key: &SimdSecretKey,
    plan: &SimdPlan,
    input: &[u64],
    seed: &Seed,
) -> Result<Buffer> {
    check_plan(context, plan)?;
    if input.len() != plan.shape.inputs() || input.iter().any(|value| *value >= context.params.plain_modulus) {
        return Err(BackendError::program("the values do not belong to the layer"));
    }
    let mut message = Buffer::new(plan.input_bytes() as usize);
    let one = plan.fresh_ciphertext_bytes() as usize;
    message.bytes_mut().par_chunks_mut(one).enumerate().for_each(|(index, bytes)| {
        let value = |slot| plan.input_place(index, slot).and_then(|place| input.get(place).copied()).unwrap_or(0);
        let slots: Zeroizing<Vec<u64>> = Zeroizing::new((0..plan.degree).map(value).collect());
        let pair = key.encrypt(context, &slots, &seed.derive("ciphertext", index as u64));
        context.put_ciphertext(&pair, bytes);
    });
    Ok(message)
}

/// Decrypts a layer's replies into its output `[channel][y][x]`.
///
/// # Errors
/// Replies of a wrong length or header, or with residues above their modulus.
pub fn decrypt(
    context: &SimdContext,
    key: &SimdSecretKey,
    plan: &SimdPlan,
    replies: &[u8],
    step: usize,
) -> Result<Vec<u64>> {
    check_plan(context, plan)?;
    if replies.len() as u64 != plan.reply_bytes() {
        return Err(BackendError::protocol(step, "received replies of a wrong length"));
    }
    let slots: Vec<Zeroizing<Vec<u64>>> = replies
        .par_chunks(plan.fresh_ciphertext_bytes() as usize)
        .map(|mut bytes| Ok(Zeroizing::new(key.decrypt(context, context.take_ciphertext(&mut bytes, step)?))))
        .collect::<Result<_>>()?;
    let mut outputs = vec![0; plan.shape.outputs()];
    for (reply, slots) in slots.iter().enumerate() {
        for (slot, value) in slots.iter().enumerate() {
            if let Some(output) = plan.output_place(reply, slot).and_then(|place| outputs.get_mut(place)) {
                *output = *value;
            }
        }
    }
    Ok(outputs)
}

/// Refuses plans of other parameters.
pub(super) fn check_plan(context: &SimdContext, plan: &SimdPlan) -> Result<()> {
    if (plan.degree, plan.limbs) != (context.params.degree, context.params.moduli.len()) {
        return Err(BackendError::program("the plan has other encryption parameters"));
    }
    Ok(())
}

impl SimdSecretKey {
    /// Encrypts slots: c₀ = −a·s + e + ⌊q·m/p⌉ and a.
    pub(super) fn encrypt(&self, context: &SimdContext, slots: &[u64], seed: &Seed) -> Pair {
        let degree = context.degree();
        let coefficients = Zeroizing::new(context.encode(slots));
        let remainders = Zeroizing::new(context.scaling_remainders(&coefficients));
        let errors = Zeroizing::new(Sampler::new(&seed.derive("error", 0)).errors(degree));
        let mut sampler = Sampler::new(&seed.derive("uniform", 0));
        let mut negative = Vec::with_capacity(context.q().len() * degree);
        let mut masked = Vec::with_capacity(context.q().len() * degree);
        for limb in context.q() {
            sampler.uniform(limb.modulus, degree, &mut negative);
            let first = masked.len();
            masked.extend(errors.iter().map(|error| limb.small_residue(*error)));
            context.add_scaled(limb, &mut masked[first..], &remainders);
            context.forward(limb, &mut masked[first..]);
        }
        context.count_samples(errors.len() + negative.len());
        // −a is as uniform as a.
        context.mul_add(context.q(), &mut masked, &negative, &self.secret);
        for (limb, residues) in context.q().iter().zip(negative.chunks_mut(degree)) {
            residues.iter_mut().for_each(|residue| *residue = limb.sub(0, *residue));
        }
        context.count(Work { encryptions: 1, ..Work::default() });
        [masked, negative]
    }

    /// The phase c₀ + c₁·s of a ciphertext, as coefficients.
    pub(super) fn phase(&self, context: &SimdContext, pair: Pair) -> Vec<u64> {
        let [mut phase, uniform] = pair;
        context.mul_add(context.q(), &mut phase, &uniform, &self.secret);
        for (limb, residues) in context.q().iter().zip(phase.chunks_mut(context.degree())) {
            context.inverse(limb, residues);
        }
        phase
    }

    /// Decrypts slots.
    pub(super) fn decrypt(&self, context: &SimdContext, pair: Pair) -> Vec<u64> {
        let phase = Zeroizing::new(self.phase(context, pair));
        context.count(Work { decryptions: 1, ..Work::default() });
        context.decode(&phase)
    }
}
