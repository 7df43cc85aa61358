//! Protocol files: the raw TOML, and the validated [`Protocol`] that everything else sees.

use crate::he::{HeParams, MAX_LIMB_BITS};
use crate::program::Party;
use include_dir::{Dir, include_dir};
use pisim_netgen::FixedPoint;
use pisim_settings::{Bytes, ConfigError, Source, Spanned, did_you_mean, parse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

static BUILTIN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../configs/protocols");

/// The protocol that runs when none is named.
pub const DEFAULT_PROTOCOL: &str = "ring-gc";

/// A validated protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Protocol {
    /// Its name.
    pub name: String,
    /// One line about it.
    pub description: String,
    /// Ring and fixed-point format.
    pub format: FixedPoint,
    /// Homomorphic encryption of the linear layers.
    pub he: HeParams,
    /// Who garbles.
    pub garbler: Party,
}

/// A protocol file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProtocolFile {
    /// The protocol's name in reports.
    name: String,
    /// One line about it.
    #[serde(default)]
    description: String,
    /// How values are shared.
    shares: SharesFile,
    /// How numbers are represented.
    fixed_point: FixedPointFile,
    /// How linear layers are prepared offline.
    linear: LinearFile,
    /// How non-linear layers are evaluated.
    nonlinear: NonlinearFile,
    /// The security that every choice must reach.
    #[serde(default)]
    security: SecurityFile,
}

/// Additive secret shares.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SharesFile {
    /// The algebraic structure of shares.
    #[allow(dead_code, reason = "a single choice so far; parsing checks it")]
    kind: SharesKind,
    /// k of the ring Z_2^k, 8 to 64.
    #[schemars(with = "u32")]
    bits: Spanned<u32>,
}

/// The algebraic structures of shares.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum SharesKind {
    /// Integers modulo 2^k.
    Ring,
}

/// The fixed-point format of activations and weights.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FixedPointFile {
    /// Fraction bits of activations and weights.
    #[schemars(with = "u32")]
    fraction_bits: Spanned<u32>,
    /// Signed width of quantised weights.
    #[schemars(with = "u32")]
    weight_bits: Spanned<u32>,
}

/// Homomorphic linear layers.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LinearFile {
    /// How values are packed into ciphertexts.
    #[allow(dead_code, reason = "a single choice so far; parsing checks it")]
    method: LinearMethod,
    /// Ring degree N, a power of two.
    #[schemars(with = "usize")]
    degree: Spanned<usize>,
    /// Bits of each prime limb of the ciphertext modulus.
    #[schemars(with = "Vec<u32>")]
    limb_bits: Spanned<Vec<u32>>,
    /// Limbs that a reply keeps.
    #[schemars(with = "usize")]
    response_limbs: Spanned<usize>,
    /// Memory in which the server keeps transformed weights for all inferences of a model: those of the first layers that fit.
    /// The others are transformed in every inference.
    #[serde(default)]
    prepared_weights: Bytes,
}

/// The packings of linear layers.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum LinearMethod {
    /// Coefficient packing without rotations (Cheetah).
    HeCoefficient,
}

/// Non-linear layers.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "single choices so far; parsing checks them")]
struct NonlinearFile {
    /// How a ReLU is evaluated.
    relu: ByCircuit,
    /// How values without a ReLU are rescaled.
    rescale: ByCircuit,
    /// Who garbles.
    garbler: GarblerFile,
    /// The garbling scheme.
    garbling: GarblingFile,
}

/// The ways to evaluate a non-linear layer.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum ByCircuit {
    /// A garbled circuit; exact.
    Gc,
}

/// The parties that may garble.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum GarblerFile {
    /// The server garbles, the client stores the tables and evaluates (Delphi).
    Server,
    /// The client garbles, the server stores the tables and evaluates (Client-Garbler; Garimella et al., ASPLOS 2023).
    Client,
}

/// The garbling schemes.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum GarblingFile {
    /// Two ciphertexts per AND gate (Zahur, Rosulek, Evans, EUROCRYPT 2015).
    HalfGates,
}

/// Security levels.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct SecurityFile {
    /// Computational security λ; only 128 is offered.
    #[schemars(with = "u32")]
    computational_bits: Spanned<u32>,
    /// Statistical security of each masked coefficient of a reply, 40 to 64; of a whole inference it is less by
    /// log₂ of the number of such coefficients.
    #[schemars(with = "u32")]
    statistical_bits: Spanned<u32>,
}

impl Default for SecurityFile {
    fn default() -> Self {
        Self { computational_bits: Spanned::new(0..0, 128), statistical_bits: Spanned::new(0..0, 40) }
    }
}

impl Protocol {
    /// The names of the built-in protocols.
    pub fn builtin_names() -> Vec<String> {
        let mut names: Vec<String> =
            BUILTIN.files().filter_map(|file| Some(file.path().file_stem()?.to_str()?.to_owned())).collect();
        names.sort();
        names
    }

    /// A built-in protocol by name, or the file at that path if the name ends in `.toml`.
    ///
    /// # Errors
    /// An unknown name (with the near miss), an unreadable file, or any fault of [`Protocol::parse`].
    pub fn load(name: &str) -> Result<Self, ConfigError> {
        if name.ends_with(".toml") {
            return Self::parse(&Source::read(Path::new(name))?);
        }
        let file = BUILTIN.get_file(format!("{name}.toml"));
        let Some(text) = file.and_then(|file| file.contents_utf8()) else {
            let names = Self::builtin_names();
            let hint = did_you_mean(name, names.iter().map(String::as_str));
            let message = format!("unknown protocol; expected one of {} or a .toml file{hint}", names.join(", "));
            return Err(ConfigError::new(name, message));
        };
        Self::parse(&Source::new(format!("configs/protocols/{name}.toml"), text))
    }

    /// Parses and validates a protocol file.
    ///
    /// # Errors
    /// Unknown or missing keys, impossible values, or parameters without 128-bit security; each names its line and key.
    pub fn parse(source: &Source) -> Result<Self, ConfigError> {
        let file: ProtocolFile = parse(source)?;
        let checker = Checker { source };
        let ring_bits = checker.range(&file.shares.bits, "shares.bits", 8, 64)?;
        let fixed = &file.fixed_point;
        let fraction = checker.range(&fixed.fraction_bits, "fixed_point.fraction_bits", 1, (ring_bits - 5).min(24))?;
        let weight_bits = checker.range(&fixed.weight_bits, "fixed_point.weight_bits", 2, ring_bits.min(24))?;
        checker.range(&file.security.computational_bits, "security.computational_bits", 128, 128)?;
        let statistical_bits = checker.range(&file.security.statistical_bits, "security.statistical_bits", 40, 64)?;
        let he = checker.he(&file.linear, ring_bits, statistical_bits)?;
        let garbler = match file.nonlinear.garbler {
            GarblerFile::Server => Party::Server,
            GarblerFile::Client => Party::Client,
        };
        Ok(Self {
            name: file.name,
            description: file.description,
            format: FixedPoint { ring_bits, fraction_bits: fraction, weight_bits },
            he,
            garbler,
        })
    }
}

/// Checks values after parsing and points at the key that fails.
struct Checker<'a> {
    source: &'a Source,
}

impl Checker<'_> {
    fn range(&self, value: &Spanned<u32>, key: &str, least: u32, most: u32) -> Result<u32, ConfigError> {
        let number = *value.get_ref();
        if (least..=most).contains(&number) {
            return Ok(number);
        }
        let expected = if least == most { format!("{least}") } else { format!("a number from {least} to {most}") };
        Err(self.fault(value, key, format!("{number} is not possible; expected {expected}")))
    }

    fn fault<T>(&self, value: &Spanned<T>, key: &str, message: String) -> ConfigError {
        ConfigError::at(self.source, value.span(), key, message)
    }

    fn he(&self, file: &LinearFile, plain_bits: u32, statistical_bits: u32) -> Result<HeParams, ConfigError> {
        let degree = *file.degree.get_ref();
        let Some(most) = HeParams::secure_modulus_bits(degree) else {
            let message = format!("{degree} is not possible; expected a power of two from 1024 to 32768");
            return Err(self.fault(&file.degree, "linear.degree", message));
        };
        let limbs = file.limb_bits.get_ref();
        let smallest = (2 * degree).ilog2() + 4;
        if limbs.is_empty() || limbs.len() > 16 || limbs.iter().any(|bits| !(smallest..=MAX_LIMB_BITS).contains(bits)) {
            let message =
                format!("{limbs:?} is not possible; expected 1 to 16 limbs of {smallest} to {MAX_LIMB_BITS} bits each");
            return Err(self.fault(&file.limb_bits, "linear.limb_bits", message));
        }
        let total: u32 = limbs.iter().sum();
        if total > most {
            let message = format!(
                "a modulus of {total} bits has less than 128-bit security at degree {degree}; expected at most {most} \
                 bits (Homomorphic Encryption Standard, Table 1)"
            );
            return Err(self.fault(&file.limb_bits, "linear.limb_bits", message));
        }
        let response_limbs = *file.response_limbs.get_ref();
        if !(1..=limbs.len()).contains(&response_limbs) {
            let message = format!("{response_limbs} is not possible; expected 1 to {} limbs", limbs.len());
            return Err(self.fault(&file.response_limbs, "linear.response_limbs", message));
        }
        let params = HeParams::new(degree, limbs.clone(), response_limbs, plain_bits, statistical_bits);
        let params = params.ok_or_else(|| {
            let message =
                format!("there are too few primes of {limbs:?} bits at degree {degree}; expected wider limbs");
            self.fault(&file.limb_bits, "linear.limb_bits", message)
        })?;
        Ok(HeParams { prepared_bytes: file.prepared_weights.bytes(), ..params })
    }
}

/// The JSON Schema of protocol files, for editors.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(ProtocolFile)
}
