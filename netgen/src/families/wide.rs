//! WRN-22-8, the pre-activation wide ResNet of the SNL and SENet comparisons.

use crate::{Conv, LayerId, Network, NetworkBuilder, NetworkError, NetworkSpec, Op};

const BLOCKS_PER_STAGE: usize = 3;
const WIDENING: usize = 8;

/// A stem without ReLU, three stages of three pre-activation blocks, a final batch norm without ReLU (SNL's code).
pub(super) fn wrn_22_8(spec: &NetworkSpec) -> Result<Network, NetworkError> {
    let base = spec.base_channels.unwrap_or(16);
    let mut net = NetworkBuilder::new(spec.name.clone(), super::image(spec))?;
    net.stage("stem");
    let mut x = net.input();
    x = plain_conv(&mut net, "stem.conv", x, base, 3, 1)?;
    for stage in 0..3 {
        let name = format!("s{}", stage + 1);
        net.stage(&name);
        let channels = (base * WIDENING) << stage;
        for block in 0..BLOCKS_PER_STAGE {
            let stride = if block == 0 && stage > 0 { 2 } else { 1 };
            x = preactivation_block(&mut net, &format!("{name}.b{}", block + 1), x, channels, stride)?;
        }
    }
    net.stage("head");
    let norm = net.add("head.norm", Op::ChannelBias { norm: true }, &[x])?;
    let pooled = net.add("head.pool", Op::GlobalAvgPool, &[norm])?;
    net.add("head.fc", Op::Linear { out_features: spec.classes_or(100) }, &[pooled])?;
    net.note("Pre-activation blocks: no ReLU in the stem, none after the final batch norm (as in SNL's code).");
    net.finish()
}

/// Norm, ReLU, 3x3, norm, ReLU, 3x3, add. Where channels or resolution change, the shortcut is a 1x1 convolution of
/// the activated input; otherwise it is the block's raw input.
fn preactivation_block(
    net: &mut NetworkBuilder,
    name: &str,
    x: LayerId,
    channels: usize,
    stride: usize,
) -> Result<LayerId, NetworkError> {
    let norm = net.add(format!("{name}.norm1"), Op::ChannelBias { norm: true }, &[x])?;
    let active = net.add(format!("{name}.relu1"), Op::Relu, &[norm])?;
    let conv1 = net.conv_norm(format!("{name}.conv1"), active, channels, 3, stride)?;
    let relu2 = net.add(format!("{name}.relu2"), Op::Relu, &[conv1])?;
    let conv2 = plain_conv(net, &format!("{name}.conv2"), relu2, channels, 3, 1)?;
    let shortcut = if stride != 1 || net.shape(x).channels != channels {
        plain_conv(net, &format!("{name}.shortcut"), active, channels, 1, stride)?
    } else {
        x
    };
    net.add(format!("{name}.add"), Op::Add, &[conv2, shortcut])
}

/// A convolution without norm and bias: the next block's norm follows the addition, not the convolution.
fn plain_conv(
    net: &mut NetworkBuilder,
    name: &str,
    input: LayerId,
    out_channels: usize,
    kernel: usize,
    stride: usize,
) -> Result<LayerId, NetworkError> {
    let conv = Conv { out_channels, kernel, stride, padding: kernel / 2, norm: false, bias: false };
    net.add(name, Op::Conv(conv), &[input])
}
