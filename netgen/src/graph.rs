//! The network graph: layers in execution order, each with its operation, its inputs and its output shape.

use serde::{Deserialize, Serialize};

use crate::nonlinear::{MaxWindow, Pointwise, Slope};
use crate::{Cell, LayerMask, NetworkBuilder, NetworkError};

/// A layer's position in [`Network::layers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LayerId(pub usize);

/// Shape of one activation tensor; values are stored channel-major (`[channel][row][column]`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "[usize; 3]", into = "[usize; 3]")]
pub struct Shape {
    /// Number of feature maps.
    pub channels: usize,
    /// Rows of one feature map.
    pub height: usize,
    /// Columns of one feature map.
    pub width: usize,
}

impl Shape {
    /// A shape from channels, height and width.
    pub const fn new(channels: usize, height: usize, width: usize) -> Self {
        Self { channels, height, width }
    }

    /// Number of values.
    pub const fn len(&self) -> usize {
        self.channels * self.pixels()
    }

    /// Whether there is no value at all; a checked network has no such shape.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of values of one feature map.
    pub const fn pixels(&self) -> usize {
        self.height * self.width
    }
}

impl From<[usize; 3]> for Shape {
    fn from([channels, height, width]: [usize; 3]) -> Self {
        Self { channels, height, width }
    }
}

impl From<Shape> for [usize; 3] {
    fn from(shape: Shape) -> Self {
        [shape.channels, shape.height, shape.width]
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.height, self.width)
    }
}

/// A square convolution with zero padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv {
    /// Output channels.
    pub out_channels: usize,
    /// Rows and columns of the kernel.
    pub kernel: usize,
    /// Step between two outputs, in both directions.
    pub stride: usize,
    /// Zeros added on each side.
    pub padding: usize,
    /// A batch norm follows and is folded in; it counts two parameters per output channel.
    pub norm: bool,
    /// The convolution has its own bias; it counts one parameter per output channel.
    pub bias: bool,
}

/// What a layer computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Op {
    /// The client's input; always layer 0 and nowhere else.
    Input,
    /// A convolution with its folded batch norm.
    Conv(Conv),
    /// A fully connected layer with a bias; it flattens its input channel-major.
    Linear {
        /// Output features.
        out_features: usize,
    },
    /// max(x, 0); in fixed point it also rescales, as every non-linear operation does.
    Relu,
    /// min(max(x, 0), max): a ReLU6 for 6. Where the format has a `relu_max` too, the smaller of both holds.
    ClampedRelu {
        /// The largest result, in whole units.
        max: u32,
    },
    /// x where it is not negative, slope · x elsewhere. The slope is public, a part of the architecture.
    LeakyRelu {
        /// The slope below zero.
        slope: Slope,
    },
    /// x where it is not negative, elsewhere x times its channel's slope, which is a weight of the server's and secret.
    PRelu,
    /// Largest value of each square window. Padding is minus infinity: it never wins.
    MaxPool {
        /// Rows and columns of the window.
        kernel: usize,
        /// Step between two windows.
        stride: usize,
        /// Rows and columns of minus infinity on each side.
        padding: usize,
    },
    /// A max pool joined with the activation before it or after it; only [`crate::FixedNetwork::new`] makes it.
    MaxPoolThen {
        /// Rows and columns of the window.
        kernel: usize,
        /// Step between two windows.
        stride: usize,
        /// Rows and columns of minus infinity on each side.
        padding: usize,
        /// What becomes of the maximum.
        then: Pointwise,
    },
    /// An exact arithmetic shift with no ReLU; only [`crate::FixedNetwork::new`] inserts it.
    Rescale,
    /// The elements of its mask that are `cell`, one behind the other; only [`crate::FixedNetwork::new`] inserts it. Channels
    /// stay where every one has as many kept elements.
    Select {
        /// Which elements.
        cell: Cell,
    },
    /// The inverse of one or two selections: fills its mask's kept elements from the first input, the linear ones from the
    /// next, and leaves zeros; only [`crate::FixedNetwork::new`] inserts it.
    Merge {
        /// Number of inputs, 1 or 2: one without kept or without linear elements.
        sources: usize,
    },
    /// Average over square windows, without padding.
    AvgPool {
        /// Rows and columns of the window.
        kernel: usize,
        /// Step between two windows.
        stride: usize,
    },
    /// Average over each whole feature map.
    GlobalAvgPool,
    /// Sum of two tensors of the same shape.
    Add,
    /// Some channels of a tensor: of each of `groups` equal groups of its channels, `channels` from `start` on.
    Slice {
        /// Number of equal groups that the input's channels are in; 1 for a plain slice.
        groups: usize,
        /// First channel in each group, counted from 0.
        start: usize,
        /// Channels taken of each group.
        channels: usize,
    },
    /// The channels of several tensors, group by group: the first group of each input, then the second of each, …
    Concat {
        /// Number of equal groups that each input's channels are in; 1 for a plain concatenation.
        groups: usize,
        /// Number of inputs.
        inputs: usize,
    },
    /// Addition of one constant per channel: a batch norm that no convolution before it can absorb (pre-activation
    /// networks); its scale is folded into the convolution after it.
    ChannelBias {
        /// Stands for a batch norm and counts two parameters per channel.
        norm: bool,
    },
}

impl Op {
    /// The operation's name in reports and JSON.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Conv(_) => "conv",
            Self::Linear { .. } => "linear",
            Self::Relu => "relu",
            Self::ClampedRelu { .. } => "clamped-relu",
            Self::LeakyRelu { .. } => "leaky-relu",
            Self::PRelu => "prelu",
            Self::MaxPool { .. } => "max-pool",
            Self::MaxPoolThen { then: Pointwise::Relu, .. } => "max-pool-relu",
            Self::MaxPoolThen { then: Pointwise::ClampedRelu { .. }, .. } => "max-pool-clamped-relu",
            Self::MaxPoolThen { then: Pointwise::LeakyRelu { .. }, .. } => "max-pool-leaky-relu",
            Self::Rescale => "rescale",
            Self::Select { .. } => "select",
            Self::Merge { .. } => "merge",
            Self::AvgPool { .. } => "avg-pool",
            Self::GlobalAvgPool => "global-avg-pool",
            Self::Add => "add",
            Self::Slice { .. } => "slice",
            Self::Concat { .. } => "concat",
            Self::ChannelBias { .. } => "channel-bias",
        }
    }

    /// Whether the operation has weights, biases or slopes of its own.
    pub const fn has_weights(&self) -> bool {
        matches!(self, Self::Conv(_) | Self::Linear { .. } | Self::ChannelBias { .. } | Self::PRelu)
    }

    /// Whether it is an activation of single values: what the papers count as ReLUs, and what transforms drop.
    pub const fn is_activation(&self) -> bool {
        matches!(self, Self::Relu | Self::ClampedRelu { .. } | Self::LeakyRelu { .. } | Self::PRelu)
    }

    /// Whether it is not linear in its input, or shifts it: in fixed point these operations bring their input to f fraction
    /// bits, and a protocol spends a garbled circuit or the like on each of their output values.
    pub const fn rescales(&self) -> bool {
        let pools = matches!(self, Self::MaxPool { .. } | Self::MaxPoolThen { .. });
        pools || self.is_activation() || matches!(self, Self::Rescale)
    }

    /// The activation that may change places with a maximum, if it is one.
    pub const fn pointwise(&self) -> Option<Pointwise> {
        match *self {
            Self::Relu => Some(Pointwise::Relu),
            Self::ClampedRelu { max } => Some(Pointwise::ClampedRelu { max }),
            Self::LeakyRelu { slope } => Some(Pointwise::LeakyRelu { slope }),
            _ => None,
        }
    }

    /// The window of a max pool.
    pub const fn max_window(&self) -> Option<MaxWindow> {
        match *self {
            Self::MaxPool { kernel, stride, padding } | Self::MaxPoolThen { kernel, stride, padding, .. } => {
                Some(MaxWindow { kernel, stride, padding })
            }
            _ => None,
        }
    }

    /// Number of tensors that the operation reads.
    pub const fn arity(&self) -> usize {
        match self {
            Self::Input => 0,
            Self::Add => 2,
            Self::Merge { sources } => *sources,
            Self::Concat { inputs, .. } => *inputs,
            _ => 1,
        }
    }
}

/// One node of the graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// Unique and readable, `s1.b1.conv1`.
    pub name: String,
    /// What it computes.
    pub op: Op,
    /// The layers that it reads, all with smaller ids.
    pub inputs: Vec<LayerId>,
    /// Index into [`Network::stages`].
    pub stage: usize,
    /// Shape of its output.
    pub output: Shape,
    /// Which elements an activation keeps, or which pixels a convolution computes; none keeps all. Of a selection or merge: what it
    /// selects or merges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<LayerMask>,
}

/// A network: layer 0 is the input, the last layer gives the logits, and every other layer is read by a later one.
///
/// Made by [`NetworkBuilder`], a family or a file; reading one with serde checks it as if it had been built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawNetwork")]
pub struct Network {
    /// The name in reports.
    pub name: String,
    /// Shape of the client's input.
    pub input: Shape,
    /// Number of logits.
    pub classes: usize,
    /// Names of the stages in order: `stem`, `s1`, …, `head`.
    pub stages: Vec<String>,
    /// All layers in execution order.
    pub layers: Vec<Layer>,
    /// Conventions that a reader of the counts should know, one sentence each.
    pub notes: Vec<String>,
}

impl Network {
    /// The layer with this id.
    ///
    /// # Panics
    /// If the id belongs to another, longer network.
    pub fn layer(&self, id: LayerId) -> &Layer {
        &self.layers[id.0]
    }

    /// The position of a stage in [`Network::stages`].
    ///
    /// # Errors
    /// A stage that the network does not have, with the near miss.
    pub(crate) fn stage_index(&self, stage: &str) -> Result<usize, NetworkError> {
        self.stages.iter().position(|name| name == stage).ok_or_else(|| NetworkError::UnknownStage {
            network: self.name.clone(),
            stage: stage.into(),
            stages: self.stages.join(", "),
            hint: pisim_settings::did_you_mean(stage, self.stages.iter().map(String::as_str)),
        })
    }

    /// The layer with this name.
    pub fn find(&self, name: &str) -> Option<LayerId> {
        self.layers.iter().position(|layer| layer.name == name).map(LayerId)
    }

    /// All ids with their layers, in execution order.
    pub fn iter(&self) -> impl Iterator<Item = (LayerId, &Layer)> {
        self.layers.iter().enumerate().map(|(index, layer)| (LayerId(index), layer))
    }

    /// Id of the layer that gives the logits.
    pub fn output_id(&self) -> LayerId {
        LayerId(self.layers.len().saturating_sub(1))
    }

    /// Shape of the layer's first input; the layer's own shape for the network's input.
    pub fn input_shape(&self, id: LayerId) -> Shape {
        let layer = self.layer(id);
        layer.inputs.first().map_or(layer.output, |&input| self.layer(input).output)
    }

    /// The layers that read each layer's output, by id.
    pub fn consumers(&self) -> Vec<Vec<LayerId>> {
        let mut consumers = vec![Vec::new(); self.layers.len()];
        for (id, layer) in self.iter() {
            for input in &layer.inputs {
                if let Some(list) = consumers.get_mut(input.0) {
                    list.push(id);
                }
            }
        }
        consumers
    }

    /// Builds the network again from its operations and compares: for one that was read or changed by hand.
    ///
    /// # Errors
    /// The first layer that is wrong.
    pub fn check(&self) -> Result<(), NetworkError> {
        let rebuilt = NetworkBuilder::rebuild(self, |_| true)?;
        let wrong = |layer: &str, problem: String| NetworkError::Layer { layer: layer.into(), problem };
        if self.layers.is_empty() {
            return Err(wrong("input", "a network begins with its input layer".into()));
        }
        for (mine, built) in self.layers.iter().zip(&rebuilt.layers) {
            if mine.output != built.output {
                let problem = format!("its output shape is {}, but {} is stated", built.output, mine.output);
                return Err(wrong(&mine.name, problem));
            }
            if mine != built {
                return Err(wrong(&mine.name, format!("expected {built:?}, found {mine:?}")));
            }
        }
        if self.classes != rebuilt.classes {
            let problem = format!("there are {} logits, but {} are stated", rebuilt.classes, self.classes);
            return Err(wrong(&self.name, problem));
        }
        Ok(())
    }
}

/// A network as written in a file, not yet checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawNetwork {
    name: String,
    input: Shape,
    classes: usize,
    stages: Vec<String>,
    layers: Vec<Layer>,
    #[serde(default)]
    notes: Vec<String>,
}

impl TryFrom<RawNetwork> for Network {
    type Error = NetworkError;

    fn try_from(raw: RawNetwork) -> Result<Self, NetworkError> {
        let RawNetwork { name, input, classes, stages, layers, notes } = raw;
        let network = Self { name, input, classes, stages, layers, notes };
        network.check()?;
        Ok(network)
    }
}
