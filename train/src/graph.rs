//! Runs netgen's graph on candle's tensors: one interpreter for networks in training and for finished ones.

use crate::TrainError;
use crate::gate::Gate;
use crate::patches::Patches;
use candle_core::{D, Device, Tensor};
use pisim_netgen::{Conv, LayerId, Network, Op, Shape};

/// What the layers with weights do.
pub trait Weighted {
    /// The product of a layer's weights `[out, in · kernel²]` with patches `[in · kernel², n]`, and whatever follows
    /// it: a bias or a batch norm.
    ///
    /// # Errors
    /// A layer without weights, or patches that do not fit them.
    fn product(&mut self, id: LayerId, patches: &Tensor) -> Result<Tensor, TrainError>;

    /// How the layer is masked.
    fn gate(&self, id: LayerId) -> &Gate;
}

/// Checks that every operation of a network can be trained.
///
/// # Errors
/// The first layer that cannot.
pub fn check(network: &Network) -> Result<(), TrainError> {
    let trained = |op: &Op| match op {
        Op::Input | Op::Conv(_) | Op::Linear { .. } | Op::Relu | Op::ClampedRelu { .. } | Op::LeakyRelu { .. } => true,
        Op::GlobalAvgPool | Op::Add | Op::Slice { .. } | Op::Concat { .. } => true,
        // candle has no gradient of windows that overlap.
        Op::AvgPool { kernel, stride } => kernel == stride,
        _ => false,
    };
    match network.iter().find(|(_, layer)| !trained(&layer.op)) {
        None => Ok(()),
        Some((_, layer)) => Err(TrainError::Unsupported { layer: layer.name.clone(), kind: layer.op.kind() }),
    }
}

/// The logits `[batch, classes]` of inputs `[channels, batch, rows, columns]`.
///
/// # Errors
/// As [`check`] and [`Weighted::product`].
pub fn run(network: &Network, inputs: &Tensor, weights: &mut impl Weighted) -> Result<Tensor, TrainError> {
    let mut done: Vec<Tensor> = Vec::with_capacity(network.layers.len());
    for (id, layer) in network.iter() {
        let read: Vec<&Tensor> = layer.inputs.iter().filter_map(|input| done.get(input.0)).collect();
        let value = match read.as_slice() {
            [] => inputs.clone(),
            [first, rest @ ..] => apply(network, id, (first, rest), weights)?,
        };
        done.push(value);
    }
    let Some(last) = done.pop() else { return Ok(inputs.clone()) };
    // [c, n, h, w] to [n, c · h · w].
    let batch = last.dim(1)?;
    Ok(last.transpose(0, 1)?.reshape((batch, ()))?)
}

fn apply(
    network: &Network,
    id: LayerId,
    (value, others): (&Tensor, &[&Tensor]),
    weights: &mut impl Weighted,
) -> Result<Tensor, TrainError> {
    let layer = network.layer(id);
    Ok(match layer.op {
        Op::Conv(conv) => {
            let batch = value.dim(1)?;
            let window = window(network.input_shape(id), batch, conv);
            let product = weights.product(id, &window.gather(value)?)?;
            let maps = product.reshape((layer.output.channels, batch, layer.output.height, layer.output.width))?;
            weights.gate(id).silence(maps)?
        }
        Op::Linear { out_features } => {
            let batch = value.dim(1)?;
            // Channel-major, as netgen flattens.
            let flat = value.permute((0, 2, 3, 1))?.reshape(((), batch))?;
            weights.product(id, &flat)?.reshape((out_features, batch, 1, 1))?
        }
        Op::Relu => weights.gate(id).activate(value, Tensor::relu)?,
        Op::ClampedRelu { max } => weights.gate(id).activate(value, |value| value.clamp(0f32, max as f32))?,
        Op::LeakyRelu { slope } => {
            let slope = slope.value();
            weights.gate(id).activate(value, |value| value.relu()? - (value.neg()?.relu()? * slope)?)?
        }
        Op::AvgPool { kernel, .. } => {
            let (rows, columns) = (layer.output.height * kernel, layer.output.width * kernel);
            value.narrow(2, 0, rows)?.narrow(3, 0, columns)?.contiguous()?.avg_pool2d(kernel)?
        }
        Op::GlobalAvgPool => value.mean_keepdim((D::Minus2, D::Minus1))?,
        Op::Add => others.iter().try_fold(value.clone(), |sum, other| sum + *other)?,
        Op::Slice { .. } | Op::Concat { .. } => {
            let all: Vec<&Tensor> = std::iter::once(value).chain(others.iter().copied()).collect();
            picked(network, id, &all)?
        }
        _ => return Err(TrainError::Unsupported { layer: layer.name.clone(), kind: layer.op.kind() }),
    })
}

fn window(input: Shape, batch: usize, conv: Conv) -> Patches {
    let Shape { channels, height, width } = input;
    Patches { channels, batch, height, width, kernel: conv.kernel, stride: conv.stride, padding: conv.padding }
}

/// The channels that a slice or concatenation takes of its inputs.
fn picked(network: &Network, id: LayerId, inputs: &[&Tensor]) -> candle_core::Result<Tensor> {
    let mut starts = vec![0usize];
    for input in inputs {
        starts.push(starts.last().copied().unwrap_or(0) + input.dim(0)?);
    }
    let place = |(input, channel): (usize, usize)| (starts.get(input).copied().unwrap_or(0) + channel) as u32;
    let places: Vec<u32> = network.channel_sources(id).into_iter().map(place).collect();
    let count = places.len();
    Tensor::cat(inputs, 0)?.index_select(&Tensor::from_vec(places, count, &Device::Cpu)?, 0)
}
