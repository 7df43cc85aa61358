//! From names and paths on the command line to networks, protocols and platforms.

use crate::args::NetworkOptions;
use anyhow::Result;
use pisim_netgen::{Network, NetworkError, NetworkSpec, load_network};
use pisim_protocol::{LowerError, Program, Protocol, lower};
use pisim_settings::{ConfigError, Source};

/// The description of a network: a built-in name or a .toml file, changed by options.
pub fn network_spec(name: &str, options: &NetworkOptions) -> Result<NetworkSpec> {
    let mut spec =
        if name.ends_with(".toml") { load_network(&Source::read(name)?)? } else { NetworkSpec::named(name)? };
    options.apply(&mut spec);
    Ok(spec)
}

/// The network itself.
pub fn network(name: &str, options: &NetworkOptions) -> Result<Network> {
    Ok(network_spec(name, options)?.build()?)
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
