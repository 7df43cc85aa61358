//! Parameters, MACs and ReLUs by layer and stage: the network's ReLU/FLOP schedule.

use serde::Serialize;

use crate::{Cell, Layer, LayerId, Network, Op, Shape};

/// What the papers count of a layer, a stage or a network. The papers' "FLOPs" for private inference are these MACs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Trainable parameters: weights, biases, and two per channel of each batch norm.
    pub params: u64,
    /// Multiply-accumulates of convolutions and fully connected layers.
    pub macs: u64,
    /// Values that pass a ReLU, or a ReLU6, leaky or parametric ReLU: each tests one sign.
    pub relus: u64,
    /// Comparisons of two values in max pools: `kernel² − 1` for each output value, wherever its window lies. They are counted
    /// apart so that ReLU counts stay those of the papers.
    pub comparisons: u64,
}

impl std::iter::Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::default(), |a, b| Self {
            params: a.params + b.params,
            macs: a.macs + b.macs,
            relus: a.relus + b.relus,
            comparisons: a.comparisons + b.comparisons,
        })
    }
}

/// One layer of the schedule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerCounts {
    /// The layer's id; the input layer (id 0) is not listed.
    pub id: LayerId,
    /// The layer's name.
    pub name: String,
    /// The operation, [`Op::kind`].
    pub kind: &'static str,
    /// Name of its stage.
    pub stage: String,
    /// Shape of its (first) input.
    pub input: Shape,
    /// Shape of its output.
    pub output: Shape,
    /// Its counts.
    #[serde(flatten)]
    pub counts: Counts,
}

/// One stage of the schedule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageCounts {
    /// Name of the stage.
    pub name: String,
    /// Channels of the stage's output.
    pub channels: usize,
    /// Its counts.
    #[serde(flatten)]
    pub counts: Counts,
    /// Its share of the network's MACs, 0 to 1.
    pub mac_share: f64,
    /// Its share of the network's ReLUs, 0 to 1.
    pub relu_share: f64,
}

/// The ReLU/FLOP schedule: counts in execution order. Its JSON is the public contract of `pisim net show --json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Schedule {
    /// The network's name.
    pub name: String,
    /// Shape of the input.
    pub input: Shape,
    /// Number of logits.
    pub classes: usize,
    /// Totals.
    #[serde(flatten)]
    pub counts: Counts,
    /// MACs per ReLU; none without ReLUs.
    pub macs_per_relu: Option<f64>,
    /// Totals by stage, in order.
    pub stages: Vec<StageCounts>,
    /// All layers but the input, in order.
    pub layers: Vec<LayerCounts>,
    /// Conventions behind the counts.
    pub notes: Vec<String>,
}

impl Network {
    /// Counts of one layer.
    ///
    /// # Panics
    /// If the id belongs to another, longer network.
    pub fn layer_counts(&self, id: LayerId) -> Counts {
        let layer = self.layer(id);
        let out = layer.output;
        let channels = out.channels as u64;
        match layer.op {
            Op::Conv(conv) => {
                let weights = self.weight_count(id);
                let params = weights + channels * (2 * u64::from(conv.norm) + u64::from(conv.bias));
                Counts { params, macs: weights * computed_pixels(layer), ..Counts::default() }
            }
            Op::Linear { .. } => {
                let weights = self.weight_count(id);
                Counts { params: weights + channels, macs: weights, ..Counts::default() }
            }
            Op::Relu | Op::ClampedRelu { .. } | Op::LeakyRelu { .. } => {
                Counts { relus: kept_elements(layer), ..Counts::default() }
            }
            Op::PRelu => Counts { params: channels, relus: kept_elements(layer), ..Counts::default() },
            Op::MaxPool { kernel, .. } | Op::MaxPoolThen { kernel, .. } => {
                let comparisons = out.len() as u64 * (kernel * kernel - 1) as u64;
                let relus = if matches!(layer.op, Op::MaxPoolThen { .. }) { out.len() as u64 } else { 0 };
                Counts { relus, comparisons, ..Counts::default() }
            }
            Op::ChannelBias { norm } => {
                let params = if norm { 2 * channels } else { channels };
                Counts { params, ..Counts::default() }
            }
            Op::Input
            | Op::Rescale
            | Op::Select { .. }
            | Op::Merge { .. }
            | Op::AvgPool { .. }
            | Op::GlobalAvgPool
            | Op::Slice { .. }
            | Op::Concat { .. }
            | Op::Add => Counts::default(),
        }
    }

    /// Number of weights of a convolution or fully connected layer, without biases and norms, or of slopes of a parametric ReLU;
    /// zero for others.
    ///
    /// # Panics
    /// If the id belongs to another, longer network.
    pub fn weight_count(&self, id: LayerId) -> u64 {
        let input = self.input_shape(id);
        match self.layer(id).op {
            Op::Conv(conv) => (conv.out_channels * input.channels * conv.kernel * conv.kernel) as u64,
            Op::Linear { out_features } => (out_features * input.len()) as u64,
            Op::PRelu => input.channels as u64,
            _ => 0,
        }
    }

    /// Totals of the network.
    pub fn counts(&self) -> Counts {
        self.iter().map(|(id, _)| self.layer_counts(id)).sum()
    }

    /// Trainable parameters, batch norms included.
    pub fn params(&self) -> u64 {
        self.counts().params
    }

    /// Multiply-accumulates of one inference.
    pub fn macs(&self) -> u64 {
        self.counts().macs
    }

    /// Values that pass a ReLU in one inference.
    pub fn relus(&self) -> u64 {
        self.counts().relus
    }

    /// Comparisons of max pools in one inference.
    pub fn comparisons(&self) -> u64 {
        self.counts().comparisons
    }

    /// Totals of one stage by name; none if there is no such stage.
    pub fn stage_counts(&self, stage: &str) -> Option<Counts> {
        let stage = self.stages.iter().position(|name| name == stage)?;
        Some(self.iter().filter(|(_, layer)| layer.stage == stage).map(|(id, _)| self.layer_counts(id)).sum())
    }

    /// The ReLU/FLOP schedule.
    pub fn schedule(&self) -> Schedule {
        let counts = self.counts();
        let stages = self.stages.iter().enumerate().map(|(index, name)| {
            let members = || self.iter().filter(move |(_, layer)| layer.stage == index);
            let stage: Counts = members().map(|(id, _)| self.layer_counts(id)).sum();
            StageCounts {
                name: name.clone(),
                channels: members().last().map_or(0, |(_, layer)| layer.output.channels),
                counts: stage,
                mac_share: share(stage.macs, counts.macs),
                relu_share: share(stage.relus, counts.relus),
            }
        });
        let layers = self.iter().skip(1).map(|(id, layer)| LayerCounts {
            id,
            name: layer.name.clone(),
            kind: layer.op.kind(),
            stage: self.stages.get(layer.stage).cloned().unwrap_or_default(),
            input: self.input_shape(id),
            output: layer.output,
            counts: self.layer_counts(id),
        });
        Schedule {
            name: self.name.clone(),
            input: self.input,
            classes: self.classes,
            counts,
            macs_per_relu: (counts.relus > 0).then(|| counts.macs as f64 / counts.relus as f64),
            stages: stages.collect(),
            layers: layers.collect(),
            notes: self.notes.clone(),
        }
    }
}

/// Elements of a layer's output that its mask keeps; all without one.
fn kept_elements(layer: &Layer) -> u64 {
    layer.mask.as_ref().map_or(layer.output.len(), |mask| mask.count(Cell::Kept)) as u64
}

/// Pixels that a convolution computes. Its mask is the same in all channels.
fn computed_pixels(layer: &Layer) -> u64 {
    kept_elements(layer) / layer.output.channels.max(1) as u64
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
