//! From names and paths on the command line to networks, protocols and platforms.

use crate::args::NetworkOptions;
use anyhow::Result;
use pisim_netgen::{Network, NetworkSpec, load_network};
use pisim_settings::Source;

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
