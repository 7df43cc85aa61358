//! The raw TOML of a protocol file.

use crate::program::Party;
use crate::shares::{Transfer, WireFormat};
use pisim_settings::{Bytes, Spanned};
use schemars::JsonSchema;
use serde::Deserialize;

/// A protocol file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProtocolFile {
    /// The protocol's name in reports.
    pub(super) name: String,
    /// One line about it.
    #[serde(default)]
    pub(super) description: String,
    /// How values are shared.
    pub(super) shares: SharesFile,
    /// How numbers are represented.
    pub(super) fixed_point: FixedPointFile,
    /// How linear layers are prepared offline.
    pub(super) linear: LinearFile,
    /// How non-linear layers are evaluated.
    pub(super) nonlinear: NonlinearFile,
    /// How messages are laid out in bytes.
    #[serde(default)]
    pub(super) wire: WireFile,
    /// The security that every choice must reach.
    #[serde(default)]
    pub(super) security: SecurityFile,
}

/// Additive secret shares.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SharesFile {
    /// The algebraic structure of shares.
    pub kind: SharesKind,
    /// k of the ring Z_2^k, 8 to 64; a prime field has none.
    #[schemars(with = "Option<u32>")]
    pub bits: Option<Spanned<u32>>,
}

/// The algebraic structures of shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SharesKind {
    /// Integers modulo 2^k.
    Ring,
    /// Integers modulo Delphi's prime 15·2^37 + 1 = 2061584302081.
    Prime,
}

/// The fixed-point format of activations and weights.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FixedPointFile {
    /// Fraction bits of activations and weights.
    #[schemars(with = "u32")]
    pub fraction_bits: Spanned<u32>,
    /// Signed width of quantised weights.
    #[schemars(with = "u32")]
    pub weight_bits: Spanned<u32>,
}

/// Homomorphic linear layers.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LinearFile {
    /// How values are packed into ciphertexts.
    pub method: LinearMethod,
    /// Ring degree N, a power of two.
    #[schemars(with = "usize")]
    pub degree: Spanned<usize>,
    /// Bits of each prime limb of the ciphertext modulus.
    #[schemars(with = "Vec<u32>")]
    pub limb_bits: Spanned<Vec<u32>>,
    /// Bits of the special prime of key switches; `he-simd` only.
    #[schemars(with = "Option<u32>")]
    pub special_bits: Option<Spanned<u32>>,
    /// Limbs that a reply keeps; `he-coefficient` only.
    #[schemars(with = "Option<usize>")]
    pub response_limbs: Option<Spanned<usize>>,
    /// Memory in which the server keeps transformed weights for all inferences of a model: those of the first layers that fit.
    /// The others are transformed in every inference. `he-coefficient` only.
    pub prepared_weights: Option<Bytes>,
}

/// The packings of linear layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum LinearMethod {
    /// Coefficient packing without rotations (Cheetah); for shares in a ring.
    HeCoefficient,
    /// Slot packing with rotations (Gazelle, Delphi); for shares in a prime field.
    HeSimd,
}

/// Non-linear layers.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NonlinearFile {
    /// How a ReLU is evaluated.
    pub relu: ReluFile,
    /// How values without a ReLU are rescaled.
    #[allow(dead_code, reason = "a single choice so far; parsing checks it")]
    pub rescale: RescaleFile,
    /// Who garbles.
    pub garbler: GarblerFile,
    /// The garbling scheme.
    #[allow(dead_code, reason = "a single choice so far; parsing checks it")]
    pub garbling: GarblingFile,
    /// How the labels of the evaluator's share are transferred.
    #[serde(default)]
    pub transfer: Transfer,
}

/// The ways to evaluate a ReLU.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ReluFile {
    /// max(x, 0) in a garbled circuit; exact.
    Gc,
    /// min(max(x, 0), 6) in a garbled circuit, for every ReLU of the network; exact.
    Relu6,
}

/// The ways to rescale.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RescaleFile {
    /// A garbled circuit; exact.
    Gc,
}

/// The parties that may garble.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum GarblerFile {
    /// The server garbles, the client stores the tables and evaluates (Delphi).
    Server,
    /// The client garbles, the server stores the tables and evaluates (Client-Garbler; Garimella et al., ASPLOS 2023).
    Client,
}

impl From<GarblerFile> for Party {
    fn from(garbler: GarblerFile) -> Self {
        match garbler {
            GarblerFile::Server => Self::Server,
            GarblerFile::Client => Self::Client,
        }
    }
}

/// The garbling schemes.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum GarblingFile {
    /// Two ciphertexts per AND gate (Zahur, Rosulek, Evans, EUROCRYPT 2015).
    HalfGates,
}

/// The layout of messages.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WireFile {
    /// The layout of all messages.
    pub format: WireFormat,
}

/// Security levels.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SecurityFile {
    /// Computational security λ; only 128 is offered.
    #[schemars(with = "u32")]
    pub computational_bits: Spanned<u32>,
    /// Statistical security of each masked coefficient of a reply, 40 to 64; of a whole inference it is less by
    /// log₂ of the number of such coefficients.
    #[schemars(with = "u32")]
    pub statistical_bits: Spanned<u32>,
}

impl Default for SecurityFile {
    fn default() -> Self {
        Self { computational_bits: Spanned::new(0..0, 128), statistical_bits: Spanned::new(0..0, 40) }
    }
}
