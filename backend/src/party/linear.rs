//! The homomorphic linear layers of either packing, message by message.

use crate::buffer::Buffer;
use crate::counter::Counter;
use crate::error::{BackendError, Result};
use crate::he::simd::{self, EvaluationKeys, SimdContext, SimdSecretKey};
use crate::he::{
    BitReader, BitWriter, Ciphertext, HeContext, HomomorphicLayer, PreparedLayer, PublicKey, SecretKey, decrypt_all,
    encrypt_each,
};
use crate::random::Seed;
use crate::shares::Arithmetic;
use pisim_protocol::{Linear, LinearPlan};
use rayon::prelude::*;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What both parties compute with.
pub(super) enum LinearEngine {
    Coefficient(HeContext),
    Simd(Box<SimdContext>),
}

/// The client's secret key.
pub(super) enum ClientKey {
    Coefficient(SecretKey),
    Simd(SimdSecretKey),
}

/// What the server has of the client's keys.
pub(super) enum ServerKeys {
    Coefficient(PublicKey),
    Simd(EvaluationKeys),
}

/// One layer as the server evaluates it: its input's ciphertexts times the weights, less the mask.
pub(super) struct ServerLayer<'a> {
    pub(super) plan: &'a LinearPlan,
    pub(super) keys: &'a ServerKeys,
    pub(super) weights: &'a [i32],
    /// Weights that were transformed before, for coefficients.
    pub(super) prepared: Option<&'a PreparedLayer>,
    pub(super) arithmetic: Arithmetic,
    /// What is subtracted from the result.
    pub(super) mask: &'a [u64],
    pub(super) seed: Seed,
}

impl LinearEngine {
    pub(super) fn new(linear: &Linear, counter: Arc<Counter>) -> Result<Self> {
        Ok(match linear {
            Linear::Coefficient(he) => Self::Coefficient(HeContext::new(he, counter)?),
            Linear::Simd(he) => Self::Simd(Box::new(SimdContext::new(he, counter)?)),
        })
    }

    /// The client's key, and the message with which the server evaluates.
    pub(super) fn generate(&self, seed: &Seed) -> (ClientKey, Buffer) {
        match self {
            Self::Coefficient(he) => {
                let (secret, public) = SecretKey::generate(he, seed);
                let mut writer = BitWriter::default();
                public.write(he, &mut writer);
                (ClientKey::Coefficient(secret), writer.finish().into())
            }
            Self::Simd(he) => {
                let secret = SimdSecretKey::generate(he, seed);
                let message = secret.keys(he, &seed.derive("evaluation keys", 0));
                (ClientKey::Simd(secret), message)
            }
        }
    }

    pub(super) fn read_keys(&self, bytes: &[u8], step: usize) -> Result<ServerKeys> {
        Ok(match self {
            Self::Coefficient(he) => ServerKeys::Coefficient(PublicKey::read(he, &mut BitReader::new(bytes), step)?),
            Self::Simd(he) => ServerKeys::Simd(EvaluationKeys::read(he, bytes, step)?),
        })
    }

    pub(super) fn encrypt(&self, plan: &LinearPlan, key: &ClientKey, share: &[u64], seed: &Seed) -> Result<Buffer> {
        match (self, plan, key) {
            (Self::Coefficient(he), LinearPlan::Coefficient(conv), ClientKey::Coefficient(key)) => {
                let mut payload = Buffer::new(plan.ciphertexts_bytes() as usize);
                let each = conv.fresh_ciphertext_bytes() as usize;
                encrypt_each(he, conv, key, share, seed, |index, bytes| {
                    payload.bytes_mut()[index * each..][..each].copy_from_slice(&bytes);
                    Ok(())
                })?;
                Ok(payload)
            }
            (Self::Simd(he), LinearPlan::Simd(plan), ClientKey::Simd(key)) => simd::encrypt(he, key, plan, share, seed),
            _ => Err(mixed()),
        }
    }

    pub(super) fn decrypt(&self, plan: &LinearPlan, key: &ClientKey, replies: &[u8], step: usize) -> Result<Vec<u64>> {
        match (self, plan, key) {
            (Self::Coefficient(he), LinearPlan::Coefficient(plan), ClientKey::Coefficient(key)) => {
                decrypt_all(he, plan, key, replies, step)
            }
            (Self::Simd(he), LinearPlan::Simd(plan), ClientKey::Simd(key)) => {
                simd::decrypt(he, key, plan, replies, step)
            }
            _ => Err(mixed()),
        }
    }

    /// The replies to a layer's input ciphertexts.
    pub(super) fn evaluate(&self, layer: &ServerLayer<'_>, inputs: &[u8], step: usize) -> Result<Buffer> {
        match (self, layer.plan, layer.keys) {
            (Self::Coefficient(he), LinearPlan::Coefficient(plan), ServerKeys::Coefficient(public_key)) => {
                let each = (plan.fresh_ciphertext_bytes() as usize).max(1);
                let read = |bytes: &[u8]| Ciphertext::read(he, &mut BitReader::new(bytes), step);
                let inputs: Vec<Ciphertext> = inputs.par_chunks(each).map(read).collect::<Result<_>>()?;
                let (weights, prepared) = (layer.weights, layer.prepared);
                let homomorphic = HomomorphicLayer { context: he, plan, weights, prepared, public_key };
                let mut replies = Buffer::new(plan.reply_bytes() as usize);
                let mut end = 0;
                homomorphic.evaluate_each(&inputs, layer.mask, &layer.seed, |_, reply| {
                    replies.bytes_mut()[end..end + reply.len()].copy_from_slice(&reply);
                    end += reply.len();
                    Ok(())
                })?;
                Ok(replies)
            }
            (Self::Simd(he), LinearPlan::Simd(plan), ServerKeys::Simd(keys)) => {
                let minus_mask = Zeroizing::new(layer.arithmetic.negated(layer.mask));
                simd::evaluate(he, keys, plan, layer.weights, &minus_mask, &layer.seed, inputs, step)
            }
            _ => Err(mixed()),
        }
    }
}

fn mixed() -> BackendError {
    BackendError::program("keys or plans of another encryption scheme than the protocol's")
}
