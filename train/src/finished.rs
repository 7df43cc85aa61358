//! A finished network on candle: netgen's model with its folded weights, for teaching others and for checking that what
//! was trained is what is simulated.

use crate::TrainError;
use crate::data::Pictures;
use crate::gate::Gate;
use crate::graph::{self, Weighted};
use candle_core::{Device, Tensor};
use pisim_netgen::{LayerId, Model, Network, float};

/// The largest difference between two ways to add up the same logits in single precision, relative to logits above 1.
pub const ROUNDING: f32 = 1e-4;

/// A model whose weights are constants.
#[derive(Debug)]
pub struct Finished {
    network: Network,
    /// Weights `[out, in · kernel²]` and biases `[out, 1]`, by layer id.
    weights: Vec<Option<(Tensor, Tensor)>>,
    gates: Vec<Gate>,
}

impl Finished {
    /// A model on candle.
    ///
    /// # Errors
    /// A model with an operation that cannot be trained, or with the wrong weights.
    pub fn new(model: &Model) -> Result<Self, TrainError> {
        graph::check(&model.network)?;
        model.check()?;
        let mut weights = Vec::with_capacity(model.weights.0.len());
        for own in &model.weights.0 {
            let Some(own) = own.as_ref() else {
                weights.push(None);
                continue;
            };
            let (channels, device) = (own.bias.len(), Device::Cpu);
            let shape = (channels, own.weights.len() / channels.max(1));
            let matrix = Tensor::from_vec(own.weights.clone(), shape, &device)?;
            weights.push(Some((matrix, Tensor::from_vec(own.bias.clone(), (channels, 1), &device)?)));
        }
        let gates = model.network.layers.iter().map(|layer| Gate::of(layer.mask.as_ref()));
        Ok(Self { network: model.network.clone(), weights, gates: gates.collect::<candle_core::Result<_>>()? })
    }

    /// The logits `[batch, classes]` of inputs `[channels, batch, rows, columns]`.
    ///
    /// # Errors
    /// Inputs of another shape.
    pub fn forward(&self, inputs: &Tensor) -> Result<Tensor, TrainError> {
        graph::run(&self.network, inputs, &mut Fixed(self))
    }
}

struct Fixed<'a>(&'a Finished);

impl Weighted for Fixed<'_> {
    fn product(&mut self, id: LayerId, patches: &Tensor) -> Result<Tensor, TrainError> {
        let layer = self.0.network.layer(id);
        let own = self.0.weights.get(id.0).and_then(Option::as_ref);
        let (weights, bias) =
            own.ok_or_else(|| TrainError::Unsupported { layer: layer.name.clone(), kind: layer.op.kind() })?;
        Ok(weights.matmul(patches)?.broadcast_add(bias)?)
    }

    fn gate(&self, id: LayerId) -> &Gate {
        self.0.gates.get(id.0).unwrap_or(&Gate::All)
    }
}

/// The logits of the first `count` pictures by netgen's float reference.
///
/// # Errors
/// Pictures of another shape than the model's input.
pub fn reference(model: &Model, pictures: &Pictures, count: usize) -> Result<Vec<Vec<f32>>, TrainError> {
    let logits = |picture: &[f32]| {
        let layers = float::infer(model, picture)?;
        Ok(layers.into_iter().last().map(|last| last.data).unwrap_or_default())
    };
    pictures.each().take(count).map(logits).collect()
}

/// The largest difference between candle's logits and netgen's on the first `count` pictures, relative to logits above
/// 1.
///
/// # Errors
/// As [`Finished::new`] and [`reference`].
pub fn difference(model: &Model, pictures: &Pictures, count: usize) -> Result<f32, TrainError> {
    let expected = reference(model, pictures, count)?;
    let indices: Vec<usize> = (0..expected.len()).collect();
    let found = Finished::new(model)?.forward(&pictures.batch(&indices, None)?.inputs)?.to_vec2::<f32>()?;
    let pairs = found.iter().flatten().zip(expected.iter().flatten());
    Ok(pairs.map(|(a, b)| (a - b).abs() / b.abs().max(1.0)).fold(0.0, f32::max))
}

/// Checks that candle and netgen compute the same function.
///
/// # Errors
/// They do not: by more than [`ROUNDING`], or with a value that is no number.
pub fn agrees(model: &Model, pictures: &Pictures, count: usize) -> Result<(), TrainError> {
    let difference = difference(model, pictures, count)?;
    if difference.is_finite() && difference <= ROUNDING {
        return Ok(());
    }
    Err(TrainError::Disagrees { network: model.network.name.clone(), difference, limit: ROUNDING })
}
