//! Thinning: alternate ReLUs go (DeepReDuce; Jha et al., ICML 2021).

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{LayerId, Network, NetworkBuilder, NetworkError, Op};

/// Parameters of thinning: none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Thin {}

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

/// Whether a ReLU's input is a convolution of the same stage, through at most a norm and some channels of it.
fn follows_convolution(network: &Network, relu: LayerId, stage: usize) -> bool {
    let mut id = relu;
    while let Some(&input) = network.layer(id).inputs.first() {
        let layer = network.layer(input);
        match layer.op {
            Op::ChannelBias { .. } | Op::Slice { .. } | Op::Concat { .. } => id = input,
            op => return matches!(op, Op::Conv(_)) && layer.stage == stage,
        }
    }
    false
}
