//! Culling: whole stages lose their ReLUs (DeepReDuce; Jha et al., ICML 2021).

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Network, NetworkBuilder, NetworkError};

/// Parameters of culling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cull {
    /// The stages: `stem`, `s1`, ….
    #[serde(deserialize_with = "super::table::one_or_many")]
    pub stages: Vec<String>,
}

/// Culling: drops all ReLUs of the named stages. The network's name grows by `+cull-stem-s1`.
///
/// # Errors
/// A stage that the network does not have.
pub fn cull(network: &Network, stages: &[&str]) -> Result<Network, NetworkError> {
    let mut culled = HashSet::new();
    for &stage in stages {
        culled.insert(network.stage_index(stage)?);
    }
    let is_culled = |id| network.layer(id).op.is_activation() && culled.contains(&network.layer(id).stage);
    let mut result = NetworkBuilder::rebuild(network, |id| !is_culled(id))?;
    result.name = format!("{}+cull-{}", network.name, stages.join("-"));
    Ok(result)
}
