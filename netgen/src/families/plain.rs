//! Networks without residual connections: VGG-16 and MiniONN's CIFAR-10 network. Convolutions have biases and no
//! batch norm; pools are averages, as private inference wants them, or with `pool = "max"` as the networks were published.

use crate::{Conv, LayerId, Network, NetworkBuilder, NetworkError, NetworkSpec, Op, Pool};

/// VGG-16: 64,64,P,128,128,P,256x3,P,512x3,P,512x3,P, then 4096, 4096 and the classes. `base_channels` scales all
/// widths, the hidden fully connected layers included (64 base channels: 4096).
pub(super) fn vgg16(spec: &NetworkSpec) -> Result<Network, NetworkError> {
    let base = spec.base_channels.unwrap_or(64);
    let pool = super::halving_pool(spec.pool.unwrap_or(Pool::Average));
    let mut net = NetworkBuilder::new(spec.name.clone(), super::image(spec))?;
    let mut x = net.input();
    for (stage, (count, factor)) in [(2, 1), (2, 2), (3, 4), (3, 8), (3, 8)].into_iter().enumerate() {
        let name = format!("s{}", stage + 1);
        net.stage(&name);
        for index in 1..=count {
            x = conv_relu(&mut net, &name, index, x, base * factor, 3)?;
        }
        x = net.add(format!("{name}.pool"), pool, &[x])?;
    }
    net.stage("head");
    for index in 1..=2 {
        x = net.add(format!("head.fc{index}"), Op::Linear { out_features: 64 * base }, &[x])?;
        x = net.add(format!("head.relu{index}"), Op::Relu, &[x])?;
    }
    net.add("head.fc3", Op::Linear { out_features: spec.classes_or(100) }, &[x])?;
    net.note(
        "The ReLUs of the two hidden fully connected layers are counted (284,672 at 32x32; 276,480 without them).",
    );
    net.finish()
}

/// MiniONN's CIFAR-10 network: 3x3 convolutions of 64, 64, P, 64, 64, P, 64, then 1x1 of 64 and 16, then the classes.
/// `base_channels` scales all widths; the last convolution has a quarter of them.
pub(super) fn minionn(spec: &NetworkSpec) -> Result<Network, NetworkError> {
    let base = spec.base_channels.unwrap_or(64);
    let pool = super::halving_pool(spec.pool.unwrap_or(Pool::Average));
    let mut net = NetworkBuilder::new(spec.name.clone(), super::image(spec))?;
    let mut x = net.input();
    for name in ["s1", "s2"] {
        net.stage(name);
        for index in 1..=2 {
            x = conv_relu(&mut net, name, index, x, base, 3)?;
        }
        x = net.add(format!("{name}.pool"), pool, &[x])?;
    }
    net.stage("s3");
    for (index, (channels, kernel)) in [(base, 3), (base, 1), (base.div_ceil(4), 1)].into_iter().enumerate() {
        x = conv_relu(&mut net, "s3", index + 1, x, channels, kernel)?;
    }
    net.stage("head");
    net.add("head.fc", Op::Linear { out_features: spec.classes_or(10) }, &[x])?;
    net.finish()
}

/// A convolution of stride 1 that keeps the resolution, with a bias, and its ReLU.
fn conv_relu(
    net: &mut NetworkBuilder,
    stage: &str,
    index: usize,
    x: LayerId,
    out_channels: usize,
    kernel: usize,
) -> Result<LayerId, NetworkError> {
    let conv = Conv { out_channels, kernel, stride: 1, padding: kernel / 2, norm: false, bias: true };
    let conv = net.add(format!("{stage}.conv{index}"), Op::Conv(conv), &[x])?;
    net.add(format!("{stage}.relu{index}"), Op::Relu, &[conv])
}
