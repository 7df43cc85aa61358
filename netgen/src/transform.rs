//! Coarse-grained ReLU optimisations (DeepReDuce), each a pure function from network to network.

use std::collections::HashSet;

use crate::{LayerId, Network, NetworkBuilder, NetworkError, Op};

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

/// Thinning: drops alternate ReLUs. The network's name grows by `+thin`.
///
/// In a stage with residual additions, a ReLU between two convolutions of a block goes and the one after (or, in
/// pre-activation blocks, at the block's input) stays. In any other stage every second ReLU goes, counted back from
/// the last one, which stays; so a stem keeps its single ReLU.
///
/// # Errors
/// None for a network that was checked.
pub fn thin(network: &Network) -> Result<Network, NetworkError> {
    let mut dropped = HashSet::new();
    for stage in 0..network.stages.len() {
        let members = || network.iter().filter(move |(_, layer)| layer.stage == stage);
        let relus = members().filter(|(_, layer)| layer.op.is_activation()).map(|(id, _)| id);
        if members().any(|(_, layer)| layer.op == Op::Add) {
            dropped.extend(relus.filter(|&relu| follows_convolution(network, relu, stage)));
        } else {
            let relus: Vec<LayerId> = relus.collect();
            dropped.extend(relus.iter().rev().skip(1).step_by(2));
        }
    }
    let mut result = NetworkBuilder::rebuild(network, |id| !dropped.contains(&id))?;
    result.name = format!("{}+thin", network.name);
    Ok(result)
}

/// Whether a ReLU's input is a convolution of the same stage, through at most a norm.
fn follows_convolution(network: &Network, relu: LayerId, stage: usize) -> bool {
    let mut id = relu;
    while let Some(&input) = network.layer(id).inputs.first() {
        let layer = network.layer(input);
        match layer.op {
            Op::ChannelBias { .. } => id = input,
            op => return matches!(op, Op::Conv(_)) && layer.stage == stage,
        }
    }
    false
}
