//! The network families by name. Conventions reproduce the published ReLU counts of each (DELPHI, DeepReDuce,
//! DeepReShape, SNL, cryptonite); every count is a golden test.

mod plain;
mod residual;
mod wide;

use crate::{Network, NetworkError, NetworkSpec, Op, Pool, Shape};
use residual::Residual;

/// A built-in family name and what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FamilyInfo {
    /// The name as given on the command line.
    pub name: &'static str,
    /// One line for lists.
    pub description: &'static str,
}

/// All built-in family names, for lists and near misses. Any other `hrn-AxBxCx` or `hrn34-AxBxCx` works too.
pub const FAMILIES: &[FamilyInfo] = &[
    info("resnet18", "ResNet-18, basic blocks 2,2,2,2, 64 to 512 channels, 3x3 stem"),
    info("resnet34", "ResNet-34, basic blocks 3,4,6,3, 64 to 512 channels, 3x3 stem"),
    info("resnet20", "ResNet-20 for CIFAR-10, basic blocks 3,3,3, 16 to 64 channels"),
    info("resnet32", "ResNet-32 for CIFAR-10, basic blocks 5,5,5, 16 to 64 channels"),
    info("wrn-22-8", "Wide ResNet 22-8, pre-activation blocks 3,3,3, 128 to 512 channels"),
    info("vgg16", "VGG-16, 13 convolutions and 3 fully connected layers, 2x2 average pools"),
    info("minionn", "MiniONN's CIFAR-10 network, 7 convolutions, 173,056 ReLUs"),
    info("hrn-5x5x3x", "HybReNet 5,5,3 (ReLU-equalized, minimal), 16 to 1200 channels"),
    info("hrn-5x7x2x", "HybReNet 5,7,2 (ReLU-equalized, minimal), 16 to 1120 channels"),
    info("hrn-6x6x2x", "HybReNet 6,6,2 (ReLU-equalized, minimal), 16 to 1152 channels"),
    info("hrn-7x5x2x", "HybReNet 7,5,2 (ReLU-equalized, minimal), 16 to 1120 channels"),
    info("hrn-2x5x2x", "HybReNet 2,5,2 for low ReLU counts, 32 to 640 channels"),
    info("hrn-2x5x3x", "HybReNet 2,5,3 for low ReLU counts, 32 to 960 channels"),
    info("hrn-2x6x2x", "HybReNet 2,6,2 for low ReLU counts, 32 to 768 channels"),
    info("hrn-2x7x2x", "HybReNet 2,7,2 for low ReLU counts, 32 to 896 channels"),
    info("hrn34-4x6x3x", "HybReNet 4,6,3 on the ResNet-34 body, 16 to 1152 channels"),
];

const fn info(name: &'static str, description: &'static str) -> FamilyInfo {
    FamilyInfo { name, description }
}

/// A parsed family name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// ResNets and HybReNets: a stem, stages of basic blocks, a pooled classifier.
    Residual(Residual),
    /// A residual network whose stages are listed one by one.
    ExplicitResidual,
    Wrn22x8,
    Vgg16,
    MiniOnn,
}

impl Family {
    /// Reads a lower-case family name.
    pub(crate) fn parse(name: &str) -> Result<Self, NetworkError> {
        let residual = |depths: &[usize], multipliers: &[usize], base_channels, classes| {
            let (depths, multipliers) = (depths.to_vec(), multipliers.to_vec());
            Self::Residual(Residual { depths, multipliers, base_channels, classes })
        };
        Ok(match name {
            "resnet18" => residual(&[2, 2, 2, 2], &[2, 2, 2], 64, 100),
            "resnet34" => residual(&[3, 4, 6, 3], &[2, 2, 2], 64, 100),
            "resnet20" => residual(&[3, 3, 3], &[2, 2], 16, 10),
            "resnet32" => residual(&[5, 5, 5], &[2, 2], 16, 10),
            "residual" => Self::ExplicitResidual,
            "wrn-22-8" => Self::Wrn22x8,
            "vgg16" => Self::Vgg16,
            "minionn" => Self::MiniOnn,
            _ => {
                let (multipliers, resnet34) = hybrenet(name).ok_or_else(|| unknown(name))?;
                // The published α = 2 networks have 32 base channels, all others 16.
                let base = if multipliers.first() == Some(&2) { 32 } else { 16 };
                let depths = if resnet34 { vec![3, 4, 6, 3] } else { vec![2; multipliers.len() + 1] };
                residual(&depths, &multipliers, base, 100)
            }
        })
    }

    /// One line on the family with this (parsed) name.
    pub(crate) fn description(&self, name: &str) -> String {
        let known = FAMILIES.iter().find(|family| family.name == name);
        known.map_or_else(|| format!("the network family {name}"), |family| family.description.into())
    }

    pub(crate) fn build(&self, spec: &NetworkSpec) -> Result<Network, NetworkError> {
        if !matches!(self, Self::ExplicitResidual) && !spec.stages.is_empty() {
            return Err(not_for("stages", "a list", spec, "only with family = \"residual\""));
        }
        let has_pools = match self {
            Self::Residual(_) | Self::ExplicitResidual => spec.stem == crate::Stem::Imagenet,
            Self::Vgg16 | Self::MiniOnn => true,
            Self::Wrn22x8 => false,
        };
        if let (Some(pool), false) = (spec.pool, has_pools) {
            let value = if pool == Pool::Max { "max" } else { "average" };
            return Err(not_for("pool", value, spec, "only with stem = \"imagenet\", vgg16 or minionn"));
        }
        match self {
            Self::Residual(plan) => plan.build(spec),
            Self::ExplicitResidual => residual::explicit(spec),
            Self::Wrn22x8 => without_residual_options(spec).and_then(|()| wide::wrn_22_8(spec)),
            Self::Vgg16 => without_residual_options(spec).and_then(|()| plain::vgg16(spec)),
            Self::MiniOnn => without_residual_options(spec).and_then(|()| plain::minionn(spec)),
        }
    }
}

/// A 2x2 pool of stride 2.
fn halving_pool(pool: Pool) -> Op {
    match pool {
        Pool::Max => Op::MaxPool { kernel: 2, stride: 2, padding: 0 },
        Pool::Average => Op::AvgPool { kernel: 2, stride: 2 },
    }
}

/// Shape of a square image.
fn image(spec: &NetworkSpec) -> Shape {
    Shape::new(spec.input_channels, spec.input_size, spec.input_size)
}

/// The multipliers in `hrn-AxBx…` and whether it names the ResNet-34 body (`hrn34-AxBxCx`).
fn hybrenet(name: &str) -> Option<(Vec<usize>, bool)> {
    let (rest, resnet34) = match name.strip_prefix("hrn-") {
        Some(rest) => (rest, false),
        None => (name.strip_prefix("hrn34-")?, true),
    };
    let multiplier = |text: &str| {
        // `parse` alone would accept "+5".
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|&value| digits && value > 0)
    };
    let multipliers = rest.strip_suffix('x')?.split('x').map(multiplier).collect::<Option<Vec<usize>>>()?;
    let fits = if resnet34 { multipliers.len() == 3 } else { multipliers.len() <= 7 };
    fits.then_some((multipliers, resnet34))
}

fn unknown(name: &str) -> NetworkError {
    let shipped = crate::shipped_networks();
    let names = FAMILIES.iter().map(|family| family.name).chain(shipped.iter().map(|s| s.name.as_str()));
    NetworkError::UnknownNetwork { name: name.into(), hint: pisim_settings::did_you_mean(name, names) }
}

/// Refuses options that only residual families have, so that no option is silently without effect.
fn without_residual_options(spec: &NetworkSpec) -> Result<(), NetworkError> {
    if spec.depths.is_some() {
        return Err(not_for("depths", "a list", spec, "only with a ResNet or HybReNet"));
    }
    if spec.stem != crate::Stem::Cifar {
        return Err(not_for("stem", "imagenet", spec, "only with a ResNet or HybReNet"));
    }
    if !spec.shortcuts {
        return Err(not_for("shortcuts", "false", spec, "only with a ResNet or HybReNet"));
    }
    if let Some(window) = spec.head_pool {
        return Err(not_for("head_pool", &window.to_string(), spec, "only with a ResNet or HybReNet"));
    }
    Ok(())
}

fn not_for(key: &'static str, value: &str, spec: &NetworkSpec, expected: &str) -> NetworkError {
    NetworkError::Option { key, value: value.into(), expected: format!("{expected}, not {}", spec.family) }
}
