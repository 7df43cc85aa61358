//! Experiment files: which networks on which platforms, and which private run verifies them.

mod accuracy;

use crate::args::{NetworkChanges, NetworkOptions};
use crate::image::Picture;
use crate::select::{self, Chosen};
use accuracy::AccuracyEntry;
use anyhow::{Context, Result};
use include_dir::{Dir, include_dir};
use pisim_hw_models::Platform;
use pisim_netgen::{Transform, TransformTextError};
use pisim_protocol::Protocol;
use pisim_settings::{ConfigError, Source, Spanned, did_you_mean, parse};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::Path;

pub use accuracy::Questions;

static BUILTIN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../configs/experiments");

/// The experiment that runs when none is named.
pub const DEFAULT_EXPERIMENT: &str = "hybrenet";

/// An experiment file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ExperimentFile {
    /// The report's title.
    title: String,
    /// A built-in protocol or a .toml file (relative to the working directory).
    #[schemars(with = "String")]
    protocol: Spanned<String>,
    /// Built-in platforms or .toml files to simulate on.
    #[schemars(with = "Vec<String>")]
    hardware: Vec<Spanned<String>>,
    /// Networks to simulate.
    #[serde(default)]
    network: Vec<NetworkEntry>,
    /// The private run, if there is one.
    verify: Option<VerifyEntry>,
    /// Labelled pictures that all networks answer privately; they must be trained (.onnx).
    accuracy: Option<AccuracyEntry>,
}

/// A network of an experiment.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkEntry {
    /// A built-in name, a .toml file or an .onnx file, which comes with its weights.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// Rows and columns of the input.
    input: Option<usize>,
    /// Number of classes.
    classes: Option<usize>,
    /// Channels of the first stage.
    base_channels: Option<usize>,
    /// Stages whose ReLUs are dropped.
    #[serde(default)]
    cull: Vec<String>,
    /// Drop the ReLU between the convolutions of every block.
    #[serde(default)]
    thin: bool,
    /// What else is done to the network, in this order, each as on the command line: `"reshape:a=0.5"`.
    #[serde(default)]
    transforms: Vec<TransformText>,
}

/// A transform as one word.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
struct TransformText(Transform);

impl TryFrom<String> for TransformText {
    type Error = TransformTextError;

    fn try_from(text: String) -> Result<Self, TransformTextError> {
        text.parse().map(Self)
    }
}

/// The private run of an experiment.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct VerifyEntry {
    /// The network that is really run.
    network: NetworkEntry,
    /// The client's input: a PNG or JPEG, or a picture that pisim ships (`cat.png`); random values if left out.
    #[schemars(with = "Option<String>")]
    image: Option<Spanned<String>>,
    /// The seed of weights and masks.
    #[serde(default)]
    seed: u64,
}

/// A validated experiment.
pub struct Experiment {
    /// The report's title.
    pub title: String,
    /// The protocol of all runs.
    pub protocol: Protocol,
    /// The name or path that it was loaded from.
    pub protocol_name: String,
    /// Networks to simulate.
    pub networks: Vec<Chosen>,
    /// Platforms to simulate on.
    pub platforms: Vec<Platform>,
    /// The private run.
    pub verify: Option<PrivateRun>,
    /// What the networks are asked privately.
    pub accuracy: Option<Questions>,
}

/// A validated private run.
pub struct PrivateRun {
    /// What is run.
    pub chosen: Chosen,
    /// The client's input; random without one.
    pub image: Option<Picture>,
    /// The seed of weights and masks.
    pub seed: u64,
}

impl Experiment {
    /// Loads an experiment by path, or a built-in one by name.
    pub fn load(name: &str) -> Result<Self> {
        let source =
            if name.ends_with(".toml") || Path::new(name).exists() { Source::read(name)? } else { builtin(name)? };
        Self::parse(&source)
    }

    fn parse(source: &Source) -> Result<Self> {
        let file: ExperimentFile = parse(source)?;
        let at = |value: &Spanned<String>, key: &str, error: &dyn std::fmt::Display| {
            ConfigError::at(source, value.span(), key, error.to_string())
        };
        let protocol =
            Protocol::load(file.protocol.get_ref()).map_err(|error| at(&file.protocol, "protocol", &error))?;
        let platform = |name: &Spanned<String>| {
            Platform::named_or_file(name.get_ref()).map_err(|error| at(name, "hardware", &error))
        };
        let platforms = file.hardware.iter().map(platform).collect::<Result<_, _>>()?;
        let network = |entry: &NetworkEntry, key: &str| {
            entry.choose().map_err(|error| at(&entry.name, key, &format!("{error:#}")))
        };
        let networks = file.network.iter().map(|entry| network(entry, "network.name"));
        let networks: Vec<Chosen> = networks.collect::<Result<_, ConfigError>>()?;
        let image = |name: &Spanned<String>| {
            picture(name.get_ref()).map_err(|error| at(name, "verify.image", &format!("{error:#}")))
        };
        let verify = match &file.verify {
            None => None,
            Some(entry) => Some(PrivateRun {
                chosen: network(&entry.network, "verify.network.name")?,
                image: entry.image.as_ref().map(image).transpose()?,
                seed: entry.seed,
            }),
        };
        let names: Vec<&Spanned<String>> = file.network.iter().map(|entry| &entry.name).collect();
        let accuracy = file.accuracy.as_ref().map(|entry| entry.check(source, &names, &networks)).transpose()?;
        let protocol_name = file.protocol.into_inner();
        Ok(Self { title: file.title, protocol, protocol_name, networks, platforms, verify, accuracy })
    }
}

impl NetworkEntry {
    /// The network with its changes.
    pub fn choose(&self) -> Result<Chosen> {
        let options = NetworkOptions {
            input: self.input,
            other: NetworkChanges {
                classes: self.classes,
                base_channels: self.base_channels,
                cull: self.cull.clone(),
                thin: self.thin,
                transform: self.transforms.iter().map(|text| text.0.clone()).collect(),
            },
        };
        select::choose(self.name.get_ref(), &options)
    }
}

/// A file of the user's if there is one of that name, otherwise a shipped picture.
fn picture(name: &str) -> Result<Picture> {
    if Path::new(name).exists() { Ok(Picture::File(name.into())) } else { Picture::shipped(name) }
}

fn builtin(name: &str) -> Result<Source> {
    let names: Vec<&str> = BUILTIN.files().filter_map(|file| file.path().file_stem()?.to_str()).collect();
    let file = BUILTIN.get_file(format!("{name}.toml")).and_then(|file| file.contents_utf8());
    let text = file.with_context(|| {
        let hint = did_you_mean(name, names.iter().copied());
        format!("unknown experiment `{name}`; expected a .toml file or one of {}{hint}", names.join(", "))
    })?;
    Ok(Source::new(format!("configs/experiments/{name}.toml"), text))
}

/// The JSON Schema of experiment files.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(ExperimentFile)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_experiment_loads() {
        for file in BUILTIN.files() {
            let name = file.path().file_stem().unwrap().to_str().unwrap();
            let experiment = Experiment::load(name).unwrap_or_else(|error| panic!("{name}: {error:#}"));
            assert!(!experiment.networks.is_empty() && !experiment.platforms.is_empty());
        }
    }

    #[test]
    fn an_unknown_network_or_platform_points_at_its_line() {
        let text =
            "title = \"t\"\nprotocol = \"ring-gc\"\nhardware = [\"cpu-lan\"]\n[[network]]\nname = \"resnet81\"\n";
        let error = Experiment::parse(&Source::new("e.toml", text)).err().unwrap().to_string();
        assert!(error.starts_with("e.toml:5:8: key `network.name`: unknown network `resnet81`"), "{error}");
        let text = text.replace("cpu-lan", "cpu-lam").replace("81", "18");
        let error = Experiment::parse(&Source::new("e.toml", text)).err().unwrap().to_string();
        assert!(error.starts_with("e.toml:3:13: key `hardware`") && error.contains("cpu-lan"), "{error}");
    }
}
