//! The homomorphic schemes of linear layers behind one face: their parameters, the plan of one layer, and both works.

use crate::he::{self, HeParams};
use crate::packing::{ConvPlan, ConvShape, PackingFault};
use crate::pixels::KeptPixels;
use crate::simd::{SimdParams, SimdPlan};
use crate::work::Work;
use serde::Serialize;

/// How linear layers are prepared offline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Linear {
    /// Values in coefficients, plaintexts modulo 2^k, no rotations (Cheetah).
    Coefficient(HeParams),
    /// Values in slots, plaintexts modulo a prime, rotations (Gazelle, Delphi).
    Simd(SimdParams),
}

impl Linear {
    /// Degree N of the ciphertexts' ring.
    pub fn degree(&self) -> usize {
        match self {
            Self::Coefficient(he) => he.degree,
            Self::Simd(he) => he.degree,
        }
    }

    /// Bits of each limb of a fresh ciphertext.
    pub fn limb_bits(&self) -> &[u32] {
        match self {
            Self::Coefficient(he) => &he.limb_bits,
            Self::Simd(he) => &he.limb_bits,
        }
    }

    /// The parameters of coefficient packing, if it is that.
    pub fn coefficient(&self) -> Option<&HeParams> {
        match self {
            Self::Coefficient(he) => Some(he),
            Self::Simd(_) => None,
        }
    }

    /// The same, to be changed.
    pub fn coefficient_mut(&mut self) -> Option<&mut HeParams> {
        match self {
            Self::Coefficient(he) => Some(he),
            Self::Simd(_) => None,
        }
    }

    /// The parameters of slot packing, if it is that.
    pub fn simd(&self) -> Option<&SimdParams> {
        match self {
            Self::Coefficient(_) => None,
            Self::Simd(he) => Some(he),
        }
    }

    /// Bytes of all public keys, as one message.
    pub fn keys_bytes(&self) -> u64 {
        match self {
            Self::Coefficient(he) => crate::wire::public_key_bytes(he),
            Self::Simd(he) => he.keys_bytes(),
        }
    }

    /// The work of generating all keys.
    pub fn keygen_work(&self) -> Work {
        match self {
            Self::Coefficient(he) => he::keygen_work(he),
            Self::Simd(he) => he.keygen_work(),
        }
    }

    /// The server's work of receiving the keys; in coefficient packing it expands them in every layer instead.
    pub fn read_keys_work(&self) -> Work {
        match self {
            Self::Coefficient(_) => Work::default(),
            Self::Simd(he) => he.read_keys_work(),
        }
    }

    /// The plan of a layer with weights of `weight_bits` bits.
    ///
    /// # Errors
    /// The layer does not fit the parameters.
    pub fn plan(&self, shape: ConvShape, weight_bits: u32) -> Result<LinearPlan, PackingFault> {
        match self {
            Self::Coefficient(he) => ConvPlan::choose(shape, he, weight_bits).map(LinearPlan::Coefficient),
            Self::Simd(he) => SimdPlan::choose(shape, he).map(LinearPlan::Simd),
        }
    }
}

/// Where one linear layer's values go in its ciphertexts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinearPlan {
    /// In coefficients.
    Coefficient(ConvPlan),
    /// In slots.
    Simd(SimdPlan),
}

impl LinearPlan {
    /// The layer as a convolution.
    pub fn shape(&self) -> &ConvShape {
        match self {
            Self::Coefficient(plan) => &plan.shape,
            Self::Simd(plan) => &plan.shape,
        }
    }

    /// The plan of a layer that computes only these pixels of its output. Packing and ciphertexts stay; replies in coefficients
    /// hold only the computed outputs, those in slots all.
    #[must_use]
    pub fn keeping(self, kept: Option<KeptPixels>) -> Self {
        match self {
            Self::Coefficient(plan) => Self::Coefficient(ConvPlan { kept, ..plan }),
            Self::Simd(plan) => Self::Simd(plan),
        }
    }

    /// The plan in coefficients, if it is one.
    pub fn coefficient(&self) -> Option<&ConvPlan> {
        match self {
            Self::Coefficient(plan) => Some(plan),
            Self::Simd(_) => None,
        }
    }

    /// The plan in slots, if it is one.
    pub fn simd(&self) -> Option<&SimdPlan> {
        match self {
            Self::Coefficient(_) => None,
            Self::Simd(plan) => Some(plan),
        }
    }

    /// Ciphertexts that the client sends.
    pub fn input_ciphertexts(&self) -> u64 {
        match self {
            Self::Coefficient(plan) => plan.input_ciphertexts(),
            Self::Simd(plan) => plan.input_ciphertexts(),
        }
    }

    /// Ciphertexts that the server returns.
    pub fn output_ciphertexts(&self) -> u64 {
        match self {
            Self::Coefficient(plan) => plan.output_ciphertexts(),
            Self::Simd(plan) => plan.output_ciphertexts(),
        }
    }

    /// Bytes of all fresh ciphertexts, as one message.
    pub fn ciphertexts_bytes(&self) -> u64 {
        match self {
            Self::Coefficient(plan) => crate::wire::ciphertexts_bytes(plan),
            Self::Simd(plan) => plan.input_bytes(),
        }
    }

    /// Bytes of all replies, as one message.
    pub fn reply_bytes(&self) -> u64 {
        match self {
            Self::Coefficient(plan) => plan.reply_bytes(),
            Self::Simd(plan) => plan.reply_bytes(),
        }
    }

    /// The client's work of encrypting the input.
    pub fn encrypt_work(&self) -> Work {
        match self {
            Self::Coefficient(plan) => he::encrypt_work(plan),
            Self::Simd(plan) => plan.encrypt_work(),
        }
    }

    /// The server's work of evaluating the layer.
    pub fn linear_work(&self) -> Work {
        match self {
            Self::Coefficient(plan) => he::linear_work(plan),
            Self::Simd(plan) => plan.linear_work(),
        }
    }

    /// The client's work of decrypting the replies.
    pub fn decrypt_work(&self) -> Work {
        match self {
            Self::Coefficient(plan) => he::decrypt_work(plan),
            Self::Simd(plan) => plan.decrypt_work(),
        }
    }
}
