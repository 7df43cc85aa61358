//! A network as a user names it: a family and its options. The command line and network files both become this.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::families::Family;
use crate::{ActivationSpec, Network, NetworkError, Transform, cull, shipped_networks, thin, with_activations};

/// How a residual network begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stem {
    /// A 3x3 convolution of stride 1, at every input size: the convention of the private-inference literature.
    #[default]
    Cifar,
    /// A 7x7 convolution of stride 2 and a 3x3 max pool of stride 2, or with [`Pool::Average`] a 2x2 average pool, behind
    /// which the shapes are the same.
    Imagenet,
}

/// The kind of a network's pools before its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Pool {
    /// The largest value of each window; costs a garbled comparison tree.
    Max,
    /// The average of each window; costs nothing but additions of shares.
    Average,
}

/// One stage of a residual network with an explicit stage list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StageSpec {
    /// Number of basic blocks (two 3x3 convolutions each).
    pub blocks: usize,
    /// Output channels of every block.
    pub channels: usize,
    /// Stride of the first block; 1 keeps the resolution, 2 halves it.
    #[serde(default = "one")]
    pub stride: usize,
}

fn one() -> usize {
    1
}

/// A family and its options; [`NetworkSpec::build`] turns it into a [`Network`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkSpec {
    /// The network's name in reports.
    pub name: String,
    /// One line for lists.
    pub description: String,
    /// The family: a name of [`crate::FAMILIES`], `hrn-AxBxCx`, `hrn34-AxBxCx`, or `residual` with explicit stages.
    pub family: String,
    /// Rows and columns of the input.
    pub input_size: usize,
    /// Channels of the input: 3 for colour, 1 for grey.
    pub input_channels: usize,
    /// Logits. By default 200 at 64x64 (TinyImageNet), 1000 at 224x224 (ImageNet), otherwise the family's number:
    /// 10 for `minionn`, `resnet20` and `resnet32` (CIFAR-10), 100 for all others (CIFAR-100).
    pub classes: Option<usize>,
    /// Channels of the stem, or of the first stage where there is no stem. By default the family's number.
    pub base_channels: Option<usize>,
    /// Blocks per stage of a residual family. By default the family's numbers.
    pub depths: Option<Vec<usize>>,
    /// The stages of the family `residual`; empty for all others.
    pub stages: Vec<StageSpec>,
    /// How a residual network begins.
    pub stem: Stem,
    /// Whether the blocks of a residual network have shortcuts and additions; without them it is a chain of convolutions, as
    /// the networks that Delphi's published code times.
    pub shortcuts: bool,
    /// Rows and columns of the window of the average pool before a residual network's classifier; `None` pools each channel to
    /// one value.
    pub head_pool: Option<usize>,
    /// The pools of an ImageNet stem (`None`: max), of VGG-16 or of MiniONN's network (`None`: average, as their published
    /// private-inference counts have it).
    pub pool: Option<Pool>,
    /// Activations of stages that have others than ReLUs ([`crate::with_activations`]); stages are culled after that.
    pub activations: BTreeMap<String, ActivationSpec>,
    /// Stages whose ReLUs are dropped ([`crate::cull`]).
    pub cull: Vec<String>,
    /// Whether alternate ReLUs are dropped ([`crate::thin`]).
    pub thin: bool,
    /// What else is done to it, in this order.
    pub transforms: Vec<Transform>,
}

/// Largest accepted input size, base channels and classes: far beyond use, and small enough to compute with.
const MAX_OPTION: usize = 1 << 16;

impl NetworkSpec {
    /// A family with its defaults, or a shipped network file, by name. Upper and lower case do not matter.
    ///
    /// # Errors
    /// An unknown name, with the near miss.
    pub fn named(name: &str) -> Result<Self, NetworkError> {
        let lower = name.to_lowercase();
        if let Some(shipped) = shipped_networks().into_iter().find(|shipped| shipped.name == lower) {
            // A shipped file always loads (tested); should it not, its name is as good as unknown.
            return shipped
                .load()
                .map_err(|error| NetworkError::UnknownNetwork { name: lower, hint: format!(" ({error})") });
        }
        let family = Family::parse(&lower)?;
        Ok(Self { description: family.description(&lower), ..Self::of_family(&lower, &lower) })
    }

    /// A family's defaults. Whether there is such a family is only found out when it is built.
    pub fn of_family(name: &str, family: &str) -> Self {
        Self {
            name: name.into(),
            description: String::new(),
            family: family.into(),
            input_size: 32,
            input_channels: 3,
            classes: None,
            base_channels: None,
            depths: None,
            stages: Vec::new(),
            stem: Stem::Cifar,
            shortcuts: true,
            head_pool: None,
            pool: None,
            activations: BTreeMap::new(),
            cull: Vec::new(),
            thin: false,
            transforms: Vec::new(),
        }
    }

    /// Builds the network and applies the transforms. The name grows by the transforms: `resnet18+cull-stem-s1+thin`.
    ///
    /// # Errors
    /// An unknown family or stage, an option that the family does not have or that gives an impossible network.
    pub fn build(&self) -> Result<Network, NetworkError> {
        let family = Family::parse(&self.family.to_lowercase())?;
        check_range("input", self.input_size, 4096)?;
        check_range("input_channels", self.input_channels, 1024)?;
        for (key, value) in [("classes", self.classes), ("base_channels", self.base_channels)] {
            check_range(key, value.unwrap_or(1), MAX_OPTION)?;
        }
        let mut network = family.build(self)?;
        if !self.activations.is_empty() {
            network = with_activations(&network, &self.activations)?;
        }
        self.transform(network)
    }

    /// Applies the transforms to a network that was built by something else, a file for instance. Its name grows by them.
    ///
    /// # Errors
    /// A transform that the network does not allow.
    pub fn transform(&self, mut network: Network) -> Result<Network, NetworkError> {
        if !self.cull.is_empty() {
            let stages: Vec<&str> = self.cull.iter().map(String::as_str).collect();
            network = cull(&network, &stages)?;
        }
        if self.thin {
            network = thin(&network)?;
        }
        for (index, transform) in self.transforms.iter().enumerate() {
            network = transform.apply(&network).map_err(|error| NetworkError::Transform {
                index,
                kind: transform.kind(),
                problem: Box::new(error),
            })?;
        }
        Ok(network)
    }

    /// Number of logits, given the family's own at 32x32.
    pub(crate) fn classes_or(&self, family_default: usize) -> usize {
        self.classes.unwrap_or(match self.input_size {
            64 => 200,
            224 => 1000,
            _ => family_default,
        })
    }
}

/// Refuses zero and absurd values of an option.
pub(crate) fn check_range(key: &'static str, value: usize, max: usize) -> Result<(), NetworkError> {
    if (1..=max).contains(&value) {
        return Ok(());
    }
    Err(NetworkError::Option { key, value: value.to_string(), expected: format!("a whole number from 1 to {max}") })
}
