//! From names and paths on the command line to networks, protocols and platforms.

use crate::args::NetworkOptions;
use crate::output::remark;
use crate::trained::{self, Trained};
use anyhow::{Context, Result, bail};
use pisim_netgen::onnx::ReadOptions;
use pisim_netgen::{Model, Network, NetworkError, NetworkSpec, Weights, load_network};
use pisim_protocol::{LowerError, Program, Protocol, lower};
use pisim_settings::{ConfigError, Source};
use std::path::Path;
use std::sync::Arc;

/// A network, with the weights of its file if that has any.
pub struct Chosen {
    /// The network, transformed as asked for.
    pub network: Network,
    /// Its family and options; none for an ONNX file.
    pub spec: Option<NetworkSpec>,
    /// What an ONNX file holds, before any transform.
    pub model: Option<Model>,
}

/// A network that is ready for a real run.
pub struct Ready {
    /// Its private inference.
    pub program: Arc<Program>,
    weights: Option<Arc<Weights>>,
}

impl From<Trained> for Ready {
    fn from(trained: Trained) -> Self {
        Self { program: trained.program, weights: Some(Arc::new(trained.calibrated.weights)) }
    }
}

impl Ready {
    /// Whether the weights come from a file.
    pub fn has_weights(&self) -> bool {
        self.weights.is_some()
    }

    /// The weights of the network's file, or random ones.
    pub fn weights(&self, seed: u64) -> Arc<Weights> {
        self.weights.clone().unwrap_or_else(|| Arc::new(Weights::random(&self.program.network, seed)))
    }
}

/// A network by its built-in name, from a .toml file or from a .onnx file, changed by options.
pub fn choose(name: &str, options: &NetworkOptions) -> Result<Chosen> {
    if !trained::has_weights(name) {
        let spec = network_spec(name, options)?;
        return Ok(Chosen { network: spec.build()?, spec: Some(spec), model: None });
    }
    let model = trained::load(name, ReadOptions { input_size: options.input })?;
    let given = [("--classes", options.other.classes), ("--base-channels", options.other.base_channels)];
    if let Some((option, _)) = given.iter().find(|(_, value)| value.is_some()) {
        bail!("{option} cannot change {name}: an ONNX file has its own");
    }
    let input = model.network.input;
    if options.input.is_some_and(|size| [input.height, input.width] != [size; 2]) {
        bail!("--input cannot change {name}: its input is {input}");
    }
    let mut spec = NetworkSpec::of_family(&model.network.name, "onnx");
    options.apply(&mut spec);
    Ok(Chosen { network: spec.transform(model.network.clone())?, spec: None, model: Some(model) })
}

impl Chosen {
    /// The file's weights for the transformed network.
    ///
    /// # Errors
    /// A transform that changes the weights of layers.
    pub fn own_model(&self) -> Result<Option<Model>> {
        let Some(model) = &self.model else { return Ok(None) };
        let moved = model.onto(self.network.clone());
        moved.map(Some).with_context(|| format!("the file's weights do not fit {}: train it again", self.network.name))
    }

    /// The program under the protocol that `name` was loaded from, and the file's weights in its format. Weights that the
    /// protocol's fraction bits cannot hold get fraction bits of their own in each layer.
    ///
    /// # Errors
    /// A network or weights that do not fit the protocol.
    pub fn prepare(&self, protocol: &Protocol, name: &str) -> Result<Ready> {
        let Some(model) = self.own_model()? else {
            let program = Arc::new(program(&self.network, protocol, name)?);
            return Ok(Ready { program, weights: None });
        };
        let reason = match lower(&self.network, protocol) {
            Ok(program) => match Weights::from_float(&program.network, &model) {
                Ok(weights) => return Ok(Ready { program: Arc::new(program), weights: Some(Arc::new(weights)) }),
                Err(error @ NetworkError::FloatValue { .. }) => error,
                Err(error) => return Err(error.into()),
            },
            Err(LowerError::Network(error @ NetworkError::DoesNotFitRing { .. })) => error,
            Err(error) => return Err(refusal(error, &self.network, name)),
        };
        remark(&format!("{}: {reason}; fraction bits are chosen layer by layer instead", self.network.name));
        Ok(Trained::new(model, protocol, name, None)?.into())
    }

    /// As [`Chosen::prepare`], with fraction bits of each layer's own that are calibrated on a file's sample inputs if there is
    /// one.
    ///
    /// # Errors
    /// As [`Chosen::prepare`]; samples for a network without weights, or that are none of its inputs.
    pub fn prepare_on(&self, samples: Option<&Path>, protocol: &Protocol, name: &str) -> Result<Ready> {
        let Some(file) = samples else { return self.prepare(protocol, name) };
        let Some(model) = self.own_model()? else {
            bail!("--samples calibrates trained weights, but {} has none; expected an .onnx file", self.network.name)
        };
        let samples = trained::samples(&file.display().to_string(), &model)?;
        Ok(Trained::new(model, protocol, name, Some(&samples))?.into())
    }
}

/// The description of a network: a built-in name or a .toml file, changed by options.
pub fn network_spec(name: &str, options: &NetworkOptions) -> Result<NetworkSpec> {
    let mut spec =
        if name.ends_with(".toml") { load_network(&Source::read(name)?)? } else { NetworkSpec::named(name)? };
    options.apply(&mut spec);
    Ok(spec)
}

/// The network itself.
pub fn network(name: &str, options: &NetworkOptions) -> Result<Network> {
    Ok(choose(name, options)?.network)
}

/// The program of `network` under the protocol that `name` was loaded from. A network that does not fit the protocol is
/// an error at the protocol's key that it does not fit.
pub fn program(network: &Network, protocol: &Protocol, name: &str) -> Result<Program> {
    let lowered = lower(network, protocol).inspect(|program| {
        tracing::info!(network = network.name, protocol = protocol.name, steps = program.steps.len(), "lowered");
    });
    lowered.map_err(|error| refusal(error, network, name))
}

/// Why `network` cannot run under the protocol that `name` was loaded from: an error at the key that it does not fit.
pub fn refusal(error: LowerError, network: &Network, name: &str) -> anyhow::Error {
    let key = match &error {
        LowerError::Network(NetworkError::DoesNotFitRing { .. } | NetworkError::RingTooSmall { .. }) => "shares.bits",
        LowerError::Network(NetworkError::Format { key: "weight_bits", .. }) => "fixed_point.weight_bits",
        LowerError::Network(NetworkError::Format { .. }) => "fixed_point.fraction_bits",
        LowerError::Noise { .. } => "linear.limb_bits",
        LowerError::Packing { .. } => "linear.degree",
        _ => return error.into(),
    };
    let message = format!("network {}: {error}", network.name);
    match Source::read(name) {
        Ok(source) => ConfigError::at_key(&source, key, message).into(),
        Err(_) => ConfigError::new(name, format!("key `{key}`: {message}")).into(),
    }
}
