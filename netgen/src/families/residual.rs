//! ResNets and HybReNets: a stem, stages of basic blocks (3x3, ReLU, 3x3, add, ReLU), global pooling, one classifier.
//!
//! Shortcuts are identities, or 1x1 convolutions with a batch norm where a block changes channels or resolution
//! (option B of the ResNet paper), without a ReLU of their own.

use crate::spec::check_range;
use crate::{Conv, LayerId, Network, NetworkBuilder, NetworkError, NetworkSpec, Op, Pool, StageSpec, Stem};

/// A residual family with its defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Residual {
    /// Blocks per stage (the paper's stage compute ratios φ).
    pub depths: Vec<usize>,
    /// Channel multiplication factors into stage 2, 3, … (α, β, γ).
    pub multipliers: Vec<usize>,
    /// Channels of the stem and of stage 1 (the paper's m).
    pub base_channels: usize,
    /// Classes at 32x32.
    pub classes: usize,
}

impl Residual {
    /// Builds the family's network; every stage after the first halves the resolution.
    pub(crate) fn build(&self, spec: &NetworkSpec) -> Result<Network, NetworkError> {
        let depths = spec.depths.as_ref().unwrap_or(&self.depths);
        let count = self.multipliers.len() + 1;
        if depths.len() != count {
            return Err(NetworkError::Option {
                key: "depths",
                value: format!("{depths:?}"),
                expected: format!("{count} whole numbers, one for each stage of {}", spec.family),
            });
        }
        let base = spec.base_channels.unwrap_or(self.base_channels);
        let mut channels = base;
        let mut stages = Vec::with_capacity(count);
        for (index, &blocks) in depths.iter().enumerate() {
            check_range("depths", blocks, 1000)?;
            if let Some(multiplier) = index.checked_sub(1).and_then(|index| self.multipliers.get(index)) {
                // Absurd products are refused by the builder's limits, with the layer's name.
                channels = channels.saturating_mul(*multiplier);
            }
            stages.push(StageSpec { blocks, channels, stride: if index == 0 { 1 } else { 2 } });
        }
        residual(spec, base, &stages, self.classes)
    }
}

/// The network of an explicit stage list. The stem has `base_channels`, by default the first stage's channels.
pub(crate) fn explicit(spec: &NetworkSpec) -> Result<Network, NetworkError> {
    if spec.depths.is_some() {
        return Err(super::not_for("depths", "a list", spec, "the blocks of each stage in `stages`"));
    }
    let first = spec.stages.first().ok_or_else(|| NetworkError::Option {
        key: "stages",
        value: "[]".into(),
        expected: "at least one stage with blocks and channels".into(),
    })?;
    for stage in &spec.stages {
        check_range("stages.blocks", stage.blocks, 1000)?;
        check_range("stages.channels", stage.channels, 1 << 20)?;
        check_range("stages.stride", stage.stride, 8)?;
    }
    residual(spec, spec.base_channels.unwrap_or(first.channels), &spec.stages, 100)
}

fn residual(
    spec: &NetworkSpec,
    stem_channels: usize,
    stages: &[StageSpec],
    classes: usize,
) -> Result<Network, NetworkError> {
    let mut net = NetworkBuilder::new(spec.name.clone(), super::image(spec))?;
    net.stage("stem");
    let mut x = stem(&mut net, spec, stem_channels)?;
    for (index, stage) in stages.iter().enumerate() {
        let name = format!("s{}", index + 1);
        net.stage(&name);
        for block in 0..stage.blocks {
            let stride = if block == 0 { stage.stride } else { 1 };
            let name = format!("{name}.b{}", block + 1);
            x = basic_block(&mut net, &name, x, &StageSpec { stride, ..*stage }, spec.shortcuts)?;
        }
    }
    net.stage("head");
    let pool = match spec.head_pool {
        None => Op::GlobalAvgPool,
        Some(window) => {
            check_range("head_pool", window, 4096)?;
            Op::AvgPool { kernel: window, stride: window }
        }
    };
    let pooled = net.add("head.pool", pool, &[x])?;
    net.add("head.fc", Op::Linear { out_features: spec.classes_or(classes) }, &[pooled])?;
    net.note(
        "The stem's ReLU is counted, as in DELPHI, DeepReDuce and DeepReShape; SNL and AutoReP have none (cull stem).",
    );
    net.finish()
}

fn stem(net: &mut NetworkBuilder, spec: &NetworkSpec, channels: usize) -> Result<LayerId, NetworkError> {
    let input = net.input();
    match spec.stem {
        Stem::Cifar => {
            if net.shape(input).height >= 128 {
                net.note(
                    "The stem keeps stride 1 at this input size too, as the published private-inference counts do \
                     (ResNet-18 at 224x224: 27,295,744 ReLUs); stem = \"imagenet\" gives the ImageNet network.",
                );
            }
            let conv = net.conv_norm("stem.conv", input, channels, 3, 1)?;
            net.add("stem.relu", Op::Relu, &[conv])
        }
        Stem::Imagenet => {
            let conv = Conv { out_channels: channels, kernel: 7, stride: 2, padding: 3, norm: true, bias: false };
            let conv = net.add("stem.conv", Op::Conv(conv), &[input])?;
            let relu = net.add("stem.relu", Op::Relu, &[conv])?;
            let pool = match spec.pool.unwrap_or(Pool::Max) {
                Pool::Max => Op::MaxPool { kernel: 3, stride: 2, padding: 1 },
                Pool::Average => {
                    net.note("The stem's 3x3 max pool of stride 2 is replaced by a 2x2 average pool.");
                    super::halving_pool(Pool::Average)
                }
            };
            net.add("stem.pool", pool, &[relu])
        }
    }
}

fn basic_block(
    net: &mut NetworkBuilder,
    name: &str,
    x: LayerId,
    stage: &StageSpec,
    shortcuts: bool,
) -> Result<LayerId, NetworkError> {
    let StageSpec { channels, stride, .. } = *stage;
    let conv1 = net.conv_norm(format!("{name}.conv1"), x, channels, 3, stride)?;
    let relu1 = net.add(format!("{name}.relu1"), Op::Relu, &[conv1])?;
    let conv2 = net.conv_norm(format!("{name}.conv2"), relu1, channels, 3, 1)?;
    if !shortcuts {
        return net.add(format!("{name}.relu2"), Op::Relu, &[conv2]);
    }
    let shortcut = if stride != 1 || net.shape(x).channels != channels {
        net.conv_norm(format!("{name}.shortcut"), x, channels, 1, stride)?
    } else {
        x
    };
    let add = net.add(format!("{name}.add"), Op::Add, &[conv2, shortcut])?;
    net.add(format!("{name}.relu2"), Op::Relu, &[add])
}
