//! A network in training: its weights as variables, its batch norms with the moments of each batch.

use crate::TrainError;
use crate::gate::Gate;
use crate::graph::{self, Weighted};
use crate::norm::{EPSILON, Moments, batch_norm};
use candle_core::{Device, Tensor, Var};
use pisim_netgen::{FloatLayer, FloatWeights, LayerId, Model, Network, Op};
use std::collections::HashMap;

/// Variables of one layer.
#[derive(Clone, Debug)]
struct Parameters {
    /// `[out, in · kernel²]`.
    weights: Var,
    /// The scales of a batch norm, `[out, 1]`; none without one.
    scale: Option<Var>,
    /// Biases or the shifts of a batch norm, `[out, 1]`; none for a convolution that has neither.
    shift: Option<Var>,
}

/// A network whose weights can be trained.
#[derive(Debug)]
pub struct Trainable {
    /// The network.
    pub network: Network,
    parameters: Vec<Option<Parameters>>,
    gates: Vec<Gate>,
}

impl Trainable {
    /// A network with netgen's seeded random weights. A layer gets the same weights in every network of a family that
    /// does not change its shape. Scales start at 1, shifts and biases at 0.
    ///
    /// # Errors
    /// A network with an operation that cannot be trained.
    pub fn random(network: Network, seed: u64) -> Result<Self, TrainError> {
        graph::check(&network)?;
        let model = Model::random(network, seed);
        let mut parameters = Vec::with_capacity(model.network.layers.len());
        for (id, layer) in model.network.iter() {
            let own = model.weights.0.get(id.0).and_then(Option::as_ref);
            parameters.push(own.map(|own| fresh(layer.op, own, layer.output.channels)).transpose()?);
        }
        Self::with(model.network, parameters)
    }

    /// A network made of this one by dropping or masking ReLUs, with a copy of this one's present weights; layers are
    /// matched by name.
    ///
    /// # Errors
    /// As [`Trainable::random`], and a layer that this network does not have or has in another shape.
    pub fn onto(&self, network: Network) -> Result<Self, TrainError> {
        graph::check(&network)?;
        let names: HashMap<&str, LayerId> = self.network.iter().map(|(id, layer)| (layer.name.as_str(), id)).collect();
        let mut parameters = Vec::with_capacity(network.layers.len());
        for (id, layer) in network.iter() {
            let own = names.get(layer.name.as_str()).and_then(|id| self.parameters.get(id.0)?.as_ref());
            let (expected, found) = (network.weight_count(id), own.map_or(0, |own| own.weights.elem_count() as u64));
            if expected != found {
                return Err(pisim_netgen::NetworkError::Weights { layer: layer.name.clone(), expected, found }.into());
            }
            parameters.push(own.map(Parameters::copy).transpose()?);
        }
        Self::with(network, parameters)
    }

    fn with(network: Network, parameters: Vec<Option<Parameters>>) -> Result<Self, TrainError> {
        let gates = network.layers.iter().map(|layer| Gate::of(layer.mask.as_ref()));
        let gates = gates.collect::<candle_core::Result<_>>()?;
        Ok(Self { network, parameters, gates })
    }

    /// Gives every activation a soft mask of ones and returns the masks, in execution order.
    ///
    /// # Errors
    /// None for a checked network.
    pub fn soften(&mut self) -> Result<Vec<Var>, TrainError> {
        let mut masks = Vec::new();
        for (gate, layer) in self.gates.iter_mut().zip(&self.network.layers) {
            if layer.op.is_activation() {
                let shape = (layer.output.channels, 1, layer.output.height, layer.output.width);
                let mask = Var::ones(shape, candle_core::DType::F32, &Device::Cpu)?;
                *gate = Gate::Soft(mask.clone());
                masks.push(mask);
            }
        }
        Ok(masks)
    }

    /// The variables that decay, which are the weights, and those that do not.
    pub fn variables(&self) -> (Vec<Var>, Vec<Var>) {
        let all = || self.parameters.iter().flatten();
        let others = all().flat_map(|own| [&own.scale, &own.shift]).flatten().cloned();
        (all().map(|own| own.weights.clone()).collect(), others.collect())
    }

    /// The logits `[batch, classes]` of inputs `[channels, batch, rows, columns]`, with the batch's own moments in
    /// every batch norm.
    ///
    /// # Errors
    /// Inputs of another shape.
    pub fn forward(&self, inputs: &Tensor) -> Result<Tensor, TrainError> {
        graph::run(&self.network, inputs, &mut Pass { of: self, moments: None })
    }

    /// The network as netgen has it, its batch norms folded in with the moments of these inputs: all the training
    /// images at once.
    ///
    /// # Errors
    /// As [`Trainable::forward`].
    pub fn fold(&self, inputs: &Tensor) -> Result<Model, TrainError> {
        let mut pass = Pass { of: self, moments: Some(vec![None; self.parameters.len()]) };
        graph::run(&self.network, inputs, &mut pass)?;
        let moments = pass.moments.unwrap_or_default();
        let layers = self.parameters.iter().zip(moments);
        let layers =
            layers.map(|(own, moments)| own.as_ref().map(|own| own.fold(moments.unwrap_or_default())).transpose());
        let weights = FloatWeights(layers.collect::<candle_core::Result<_>>()?);
        let model = Model { network: self.network.clone(), weights };
        model.check()?;
        Ok(model)
    }
}

/// The variables of a layer that begins with netgen's random weights.
fn fresh(op: Op, own: &FloatLayer, channels: usize) -> candle_core::Result<Parameters> {
    let device = Device::Cpu;
    let shape = (channels, own.weights.len() / channels.max(1));
    let filled = |value: f32| Var::from_vec(vec![value; channels], (channels, 1), &device);
    let (norm, bias) = match op {
        Op::Conv(conv) => (conv.norm, conv.bias || conv.norm),
        _ => (false, true),
    };
    Ok(Parameters {
        weights: Var::from_vec(own.weights.clone(), shape, &device)?,
        scale: norm.then(|| filled(1.0)).transpose()?,
        shift: bias.then(|| filled(0.0)).transpose()?,
    })
}

impl Parameters {
    fn copy(&self) -> candle_core::Result<Self> {
        let copy = |var: &Var| Var::from_tensor(&var.as_tensor().copy()?.detach());
        Ok(Self {
            weights: copy(&self.weights)?,
            scale: self.scale.as_ref().map(copy).transpose()?,
            shift: self.shift.as_ref().map(copy).transpose()?,
        })
    }

    /// Weights and biases of a convolution with the same results as the one with its batch norm.
    fn fold(&self, moments: Moments) -> candle_core::Result<FloatLayer> {
        let numbers = |var: &Var| var.as_tensor().flatten_all()?.to_vec1::<f32>();
        let channels = self.weights.dim(0)?;
        let (mut weights, shift) = (numbers(&self.weights)?, self.shift.as_ref().map(numbers).transpose()?);
        let mut bias = shift.unwrap_or_else(|| vec![0.0; channels]);
        if let Some(scale) = &self.scale {
            let rows = weights.chunks_mut(self.weights.dim(1)?.max(1)).zip(&mut bias);
            let moments = moments.mean.iter().zip(&moments.variance);
            for (((row, bias), scale), (mean, variance)) in rows.zip(numbers(scale)?).zip(moments) {
                let factor = f64::from(scale) / (variance + EPSILON).sqrt();
                *bias = (f64::from(*bias) - factor * mean) as f32;
                row.iter_mut().for_each(|weight| *weight = (f64::from(*weight) * factor) as f32);
            }
        }
        Ok(FloatLayer { weights, bias })
    }
}

/// One run of a network in training.
struct Pass<'a> {
    of: &'a Trainable,
    /// Where the moments before every batch norm go, if they are wanted.
    moments: Option<Vec<Option<Moments>>>,
}

impl Weighted for Pass<'_> {
    fn product(&mut self, id: LayerId, patches: &Tensor) -> Result<Tensor, TrainError> {
        let own = self.of.parameters.get(id.0).and_then(Option::as_ref);
        let layer = self.of.network.layer(id);
        let own = own.ok_or_else(|| TrainError::Unsupported { layer: layer.name.clone(), kind: layer.op.kind() })?;
        let product = own.weights.matmul(patches)?;
        if let (Some(scale), Some(shift)) = (&own.scale, &own.shift) {
            if let Some(slot) = self.moments.as_mut().and_then(|moments| moments.get_mut(id.0)) {
                *slot = Some(Moments::of(&product)?);
            }
            return Ok(batch_norm(&product, scale, shift)?);
        }
        match &own.shift {
            Some(shift) => Ok(product.broadcast_add(shift)?),
            None => Ok(product),
        }
    }

    fn gate(&self, id: LayerId) -> &Gate {
        self.of.gates.get(id.0).unwrap_or(&Gate::All)
    }
}
