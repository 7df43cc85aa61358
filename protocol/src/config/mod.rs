//! Protocol files: the raw TOML, and the validated [`Protocol`] that everything else sees.

mod check;
mod file;

use crate::linear::Linear;
use crate::program::Party;
use crate::shares::{Shares, Transfer, WireFormat};
use check::Checker;
pub use file::ProtocolFile;
use file::ReluFile;
use include_dir::{Dir, include_dir};
use pisim_netgen::FixedPoint;
use pisim_settings::{ConfigError, Source, did_you_mean, parse};
use serde::Serialize;
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
    /// How values are shared.
    pub shares: Shares,
    /// The fixed-point format: the signed bits that values must fit ([`Shares::value_bits`]), fractions, weights, ReLU6.
    pub format: FixedPoint,
    /// Homomorphic encryption of the linear layers.
    pub linear: Linear,
    /// Who garbles.
    pub garbler: Party,
    /// How the labels of the evaluator's share are transferred.
    pub transfer: Transfer,
    /// How messages are laid out in bytes.
    pub wire: WireFormat,
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
        Self::parse(&Self::source(name)?)
    }

    /// The TOML text of a built-in protocol by name, or of the file at that path if the name ends in `.toml`.
    ///
    /// # Errors
    /// An unknown name (with the near miss) or an unreadable file.
    pub fn source(name: &str) -> Result<Source, ConfigError> {
        if name.ends_with(".toml") {
            return Source::read(Path::new(name));
        }
        let file = BUILTIN.get_file(format!("{name}.toml"));
        let Some(text) = file.and_then(|file| file.contents_utf8()) else {
            let names = Self::builtin_names();
            let hint = did_you_mean(name, names.iter().map(String::as_str));
            let message = format!("unknown protocol; expected one of {} or a .toml file{hint}", names.join(", "));
            return Err(ConfigError::new(name, message));
        };
        Ok(Source::new(format!("configs/protocols/{name}.toml"), text))
    }

    /// Parses and validates a protocol file.
    ///
    /// # Errors
    /// Unknown or missing keys, impossible values, or parameters without 128-bit security; each names its line and key.
    pub fn parse(source: &Source) -> Result<Self, ConfigError> {
        let file: ProtocolFile = parse(source)?;
        let checker = Checker { source };
        checker.combination(&file)?;
        let shares = checker.shares(&file)?;
        let ring_bits = shares.value_bits();
        let fixed = &file.fixed_point;
        let fraction = checker.range(&fixed.fraction_bits, "fixed_point.fraction_bits", 1, (ring_bits - 5).min(24))?;
        let weight_bits = checker.range(&fixed.weight_bits, "fixed_point.weight_bits", 2, ring_bits.min(24))?;
        checker.range(&file.security.computational_bits, "security.computational_bits", 128, 128)?;
        let statistical_bits = checker.range(&file.security.statistical_bits, "security.statistical_bits", 40, 64)?;
        let linear = checker.linear(&file.linear, shares, statistical_bits)?;
        let relu_max = match file.nonlinear.relu {
            ReluFile::Gc => None,
            ReluFile::Relu6 => Some(6),
        };
        Ok(Self {
            name: file.name,
            description: file.description,
            shares,
            format: FixedPoint { ring_bits, fraction_bits: fraction, weight_bits, relu_max },
            linear,
            garbler: file.nonlinear.garbler.into(),
            transfer: file.nonlinear.transfer,
            wire: file.wire.format,
        })
    }
}

/// The JSON Schema of protocol files, for editors.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(ProtocolFile)
}
