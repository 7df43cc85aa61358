//! Reshaping: fewer channels and smaller feature maps (DeepReDuce; Jha et al., ICML 2021).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::channels::MapChannel;
use crate::transform::Factor;
use crate::{Conv, LayerId, Network, NetworkBuilder, NetworkError, Op, Shape};

/// Parameters of reshaping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reshape {
    /// Factor of the channels, above 0 and at most 1.
    #[serde(default, skip_serializing_if = "Factor::is_one")]
    pub a: Factor,
    /// Factor ρ of rows and columns, above 0 and at most 1.
    #[serde(default, skip_serializing_if = "Factor::is_one")]
    pub rho: Factor,
}

/// Reshaping: channels times `channels` (the papers' a), rows and columns times `resolution` (ρ), each rounded to the nearest
/// whole number and at least 1. ReLUs fall as a·ρ², the MACs of a convolution between scaled layers as a²·ρ².
///
/// The input's colours and the logits stay as many, and so does every layer whose channels are added to theirs. The smaller
/// resolution is the input's, from which all others follow. The network's name grows by `+reshape-a0.5-rho0.5`.
///
/// # Errors
/// Feature maps that become too small for a window, an answer that is feature maps at another resolution, or widths that the channel groups of a concatenation do not divide.
pub fn reshape(network: &Network, channels: Factor, resolution: Factor) -> Result<Network, NetworkError> {
    let classes = network.channel_classes();
    let class = |id: LayerId| classes.get(id.0).copied();
    let fixed = [class(LayerId(0)), class(network.output_id())];
    let input = Shape {
        height: resolution.of(network.input.height),
        width: resolution.of(network.input.width),
        ..network.input
    };
    let mut result =
        resized(network, input, |id, count| Ok(if fixed.contains(&class(id)) { count } else { channels.of(count) }))?;
    if result.classes != network.classes {
        let (before, after) = (network.classes, result.classes);
        let expected = format!("1 for a network whose answer is feature maps: {before} values would become {after}");
        return Err(NetworkError::Option { key: "rho", value: resolution.to_string(), expected });
    }
    for (letter, factor) in [("a", channels), ("rho", resolution)] {
        if factor != Factor::ONE {
            let verb = if result.name.len() == network.name.len() { "+reshape" } else { "" };
            result.name = format!("{}{verb}-{letter}{factor}", result.name);
        }
    }
    Ok(result)
}

/// The network on another input, with another number of output channels for each convolution and fully connected layer.
/// Slices take the same part of their groups as before.
pub(super) fn resized(
    network: &Network,
    input: Shape,
    width: impl Fn(LayerId, usize) -> Result<usize, NetworkError>,
) -> Result<Network, NetworkError> {
    NetworkBuilder::rebuild_with(network, input, |net, id, inputs| {
        let layer = network.layer(id);
        let op = match layer.op {
            Op::Conv(conv) => Op::Conv(Conv { out_channels: width(id, conv.out_channels)?, ..conv }),
            Op::Linear { out_features } => Op::Linear { out_features: width(id, out_features)? },
            Op::Slice { groups, start, channels } => {
                let now = inputs.first().map_or(0, |&input| net.shape(input).channels);
                let moved =
                    MapChannel { from: network.input_shape(id).channels / groups.max(1), to: now / groups.max(1) };
                let (first, end) = (moved.of(start), moved.of(start + channels));
                Op::Slice { groups, start: first, channels: end - first }
            }
            op => op,
        };
        net.add_like(layer, op, inputs)
    })
}
