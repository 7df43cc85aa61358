//! ReLU-reuse (DeepReShape; Jha and Reagen, TMLR 2024): only a part of a layer's feature maps passes the ReLU.
//!
//! The paper's exact construction is not public in code; these parameters cover its readings. A layer of C maps is divided into
//! G equal groups, and the first 1/N of each group's maps pass the ReLU, so that the layer has C·H·W/N ReLUs. The number of
//! divisions is independent of the factor: with one group the first C/N maps are activated, with more they are spread.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::spec::check_range;
use crate::{Conv, LayerId, Network, NetworkBuilder, NetworkError, Op};

/// Parameters of ReLU-reuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReluReuse {
    /// N: every ReLU layer keeps one ReLU in so many.
    pub factor: usize,
    /// G: number of equal groups that each layer's feature maps are divided into.
    #[serde(default = "one")]
    pub groups: usize,
    /// What stands for the maps without a ReLU: with true they pass as they are, concatenated with the activated ones; with
    /// false the activated maps of their group are used again in their place.
    #[serde(default = "yes")]
    pub concat: bool,
    /// Whether convolutions stay dense, or read and write each group by itself, with 1/G of the MACs.
    #[serde(default)]
    pub conv: ReuseConv,
}

/// What becomes of the convolutions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReuseConv {
    /// Every output channel reads every input channel: MACs stay.
    #[default]
    Dense,
    /// Every group of output channels reads its own group of input channels: MACs are divided by G. Only convolutions of the
    /// network's input (its colours) stay dense.
    Grouped,
}

fn one() -> usize {
    1
}

fn yes() -> bool {
    true
}

/// ReLU-reuse on every ReLU layer. A grouped convolution becomes one convolution for each group, between slices and a
/// concatenation. The network's name grows by `+reuse-4`.
///
/// # Errors
/// A factor or groups of 0 or beyond 1024, grouped convolutions with a single group, or a layer whose channels G·N (or, for a
/// grouped convolution, G) does not divide.
pub fn relu_reuse(network: &Network, reuse: &ReluReuse) -> Result<Network, NetworkError> {
    check_range("factor", reuse.factor, 1024)?;
    check_range("groups", reuse.groups, 1024)?;
    if reuse.conv == ReuseConv::Grouped && reuse.groups == 1 {
        let expected = "at least 2 groups where conv is grouped".into();
        return Err(NetworkError::Option { key: "groups", value: "1".into(), expected });
    }
    let classes = network.channel_classes();
    // The input's channels are colours, which are no groups.
    let reads_colours = |id: LayerId| {
        let mut inputs = network.layer(id).inputs.iter();
        inputs.any(|input| classes.get(input.0) == Some(&LayerId(0)))
    };
    let mut groups = Groups::default();
    let mut result = NetworkBuilder::rebuild_with(network, network.input, |net, id, inputs| {
        let layer = network.layer(id);
        match (layer.op, inputs) {
            (op, &[input]) if op.is_activation() => activate(net, &layer.name, op, input, reuse),
            (Op::Conv(conv), &[input]) if reuse.conv == ReuseConv::Grouped && !reads_colours(id) => {
                groups.convolve(net, &layer.name, conv, input, reuse.groups)
            }
            (op, _) => net.add_like(layer, op, inputs),
        }
    })?;
    result.name = format!("{}+reuse-{}", network.name, reuse.factor);
    Ok(result)
}

/// The activation of a part of the channels, and the whole that its readers read.
fn activate(
    net: &mut NetworkBuilder,
    name: &str,
    op: Op,
    input: LayerId,
    reuse: &ReluReuse,
) -> Result<LayerId, NetworkError> {
    let ReluReuse { factor, groups, .. } = *reuse;
    if factor == 1 {
        return net.add(name, op, &[input]);
    }
    let all = net.shape(input).channels;
    let group = divided(name, all, groups * factor)? * factor;
    let active = group / factor;
    let slice = |net: &mut NetworkBuilder, part: &str, start, channels| {
        let name = net.unused_name(format!("{name}.{part}"));
        net.add(name, Op::Slice { groups, start, channels }, &[input])
    };
    let chosen = slice(net, "active", 0, active)?;
    let activated = net.add(name, op, &[chosen])?;
    let parts = if reuse.concat {
        vec![activated, slice(net, "passing", active, group - active)?]
    } else {
        vec![activated; factor]
    };
    let name = net.unused_name(format!("{name}.whole"));
    net.add(name, Op::Concat { groups, inputs: parts.len() }, &parts)
}

/// The groups of tensors that were sliced for grouped convolutions: several read the same ones.
#[derive(Default)]
struct Groups(HashMap<(LayerId, usize), LayerId>);

impl Groups {
    fn convolve(
        &mut self,
        net: &mut NetworkBuilder,
        name: &str,
        conv: Conv,
        input: LayerId,
        groups: usize,
    ) -> Result<LayerId, NetworkError> {
        let channels = divided(name, net.shape(input).channels, groups)?;
        let conv = Op::Conv(Conv { out_channels: divided(name, conv.out_channels, groups)?, ..conv });
        let mut parts = Vec::with_capacity(groups);
        for group in 0..groups {
            let slice = match self.0.get(&(input, group)) {
                Some(&slice) => slice,
                None => {
                    let part = net.unused_name(format!("{name}.in{}", group + 1));
                    net.add(part, Op::Slice { groups: 1, start: group * channels, channels }, &[input])?
                }
            };
            self.0.insert((input, group), slice);
            let part = net.unused_name(format!("{name}.g{}", group + 1));
            parts.push(net.add(part, conv, &[slice])?);
        }
        let name = net.unused_name(format!("{name}.whole"));
        net.add(name, Op::Concat { groups: 1, inputs: groups }, &parts)
    }
}

/// Channels over a number that has to divide them.
fn divided(layer: &str, channels: usize, by: usize) -> Result<usize, NetworkError> {
    if channels.is_multiple_of(by) {
        return Ok(channels / by);
    }
    let problem = format!("its {channels} channels cannot be divided by {by} (groups, times factor for a ReLU)");
    Err(NetworkError::Layer { layer: layer.into(), problem })
}
