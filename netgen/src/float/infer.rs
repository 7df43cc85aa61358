//! The float reference: the function that a trained network computes, against which fixed point is judged.

use crate::gemm::convolve_float;
use crate::nonlinear::{MaxWindow, Pointwise};
use crate::{Cell, Conv, LayerId, LayerMask, Model, NetworkError, Op, Shape};

/// A tensor of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatTensor {
    /// Its shape.
    pub shape: Shape,
    /// Its values, `[channel][row][column]`.
    pub data: Vec<f32>,
}

/// Runs a network on one input, `[channel][row][column]`, and returns every layer's output by layer id; the last one
/// holds the logits. Each value is computed in double precision and rounded to single once.
///
/// # Errors
/// Weights or an input that do not belong to the network.
pub fn infer(model: &Model, input: &[f32]) -> Result<Vec<FloatTensor>, NetworkError> {
    model.check()?;
    let expected = model.network.input.len();
    if input.len() != expected {
        return Err(NetworkError::InputLength { expected, found: input.len() });
    }
    let mut done: Vec<FloatTensor> = Vec::with_capacity(model.network.layers.len());
    for (id, layer) in model.network.iter() {
        let data = outputs(model, id, &done, input)?;
        done.push(FloatTensor { shape: layer.output, data });
    }
    Ok(done)
}

/// One layer's outputs.
fn outputs(model: &Model, id: LayerId, done: &[FloatTensor], image: &[f32]) -> Result<Vec<f32>, NetworkError> {
    let layer = model.network.layer(id);
    let values = |index: usize| {
        let tensor = layer.inputs.get(index).and_then(|input| done.get(input.0));
        tensor.map_or(&[][..], |tensor| &tensor.data)
    };
    let input = values(0);
    let from = model.network.input_shape(id);
    let dense = match layer.op {
        Op::Input => image.to_vec(),
        Op::Conv(conv) => convolve_float(input, from, layer.output, conv, model.of(id)?),
        Op::Linear { out_features } => {
            // As in the integer reference: a 1x1 convolution of one pixel whose channels are all input values.
            let conv = Conv { out_channels: out_features, kernel: 1, stride: 1, padding: 0, norm: false, bias: true };
            convolve_float(input, Shape::new(from.len(), 1, 1), layer.output, conv, model.of(id)?)
        }
        Op::Relu => input.iter().map(|value| value.max(0.0)).collect(),
        Op::ClampedRelu { max } => input.iter().map(|value| value.clamp(0.0, max as f32)).collect(),
        Op::LeakyRelu { slope } => input.iter().map(|&value| leaky(value, slope.value())).collect(),
        Op::PRelu => {
            let maps = input.chunks(from.pixels().max(1)).zip(&model.of(id)?.weights);
            maps.flat_map(|(map, &slope)| map.iter().map(move |&value| leaky(value, slope.into()))).collect()
        }
        Op::MaxPool { .. } => maxima(layer.op.max_window(), input, from, layer.output),
        Op::MaxPoolThen { then, .. } => {
            let largest = maxima(layer.op.max_window(), input, from, layer.output);
            largest.into_iter().map(|value| pointwise(value, then)).collect()
        }
        Op::Rescale => input.to_vec(),
        Op::Select { cell } => {
            let elements = layer.mask.iter().flat_map(|mask| mask.elements(cell));
            return Ok(elements.filter_map(|index| input.get(index)).copied().collect());
        }
        Op::Merge { .. } => {
            let value = |(index, place): (usize, usize)| values(index).get(place).copied();
            let sources = layer.mask.iter().flat_map(LayerMask::merge_sources);
            return Ok(sources.map(|source| source.and_then(value).unwrap_or_default()).collect());
        }
        Op::Add => input.iter().zip(values(1)).map(|(a, b)| a + b).collect(),
        Op::Slice { .. } | Op::Concat { .. } => {
            let map = |(index, channel): (usize, usize)| {
                values(index).chunks(layer.output.pixels().max(1)).nth(channel).unwrap_or_default()
            };
            model.network.channel_sources(id).into_iter().flat_map(map).copied().collect()
        }
        Op::ChannelBias { .. } => {
            let maps = input.chunks(from.pixels().max(1)).zip(&model.of(id)?.bias);
            maps.flat_map(|(map, bias)| map.iter().map(move |value| value + bias)).collect()
        }
        Op::AvgPool { kernel, stride } => averages(input, from, layer.output, (kernel, kernel), stride),
        Op::GlobalAvgPool => averages(input, from, layer.output, (from.height, from.width), 1),
    };
    Ok(match &layer.mask {
        Some(mask) => masked(mask, dense, input),
        None => dense,
    })
}

/// A layer's outputs under its mask; linear elements are the layer's `input`.
fn masked(mask: &LayerMask, dense: Vec<f32>, input: &[f32]) -> Vec<f32> {
    let value = |(index, (cell, value)): (usize, (&Cell, f32))| match cell {
        Cell::Kept => value,
        Cell::Linear => input.get(index).copied().unwrap_or_default(),
        Cell::Zero => 0.0,
    };
    mask.cells().iter().zip(dense).enumerate().map(value).collect()
}

/// x where it is not negative, elsewhere x times a slope.
fn leaky(value: f32, slope: f64) -> f32 {
    if value < 0.0 { (f64::from(value) * slope) as f32 } else { value }
}

/// What an activation makes of a value.
fn pointwise(value: f32, activation: Pointwise) -> f32 {
    match activation {
        Pointwise::Relu => value.max(0.0),
        Pointwise::ClampedRelu { max } => value.clamp(0.0, max as f32),
        Pointwise::LeakyRelu { slope } => leaky(value, slope.value()),
    }
}

/// Largest value of each window.
fn maxima(window: Option<MaxWindow>, input: &[f32], from: Shape, to: Shape) -> Vec<f32> {
    let Some(window) = window else { return Vec::new() };
    let at = |&position: &u32| input.get(position as usize).copied().unwrap_or(f32::NEG_INFINITY);
    let positions = window.positions(from, to);
    positions.chunks(window.taps().max(1)).map(|taps| taps.iter().map(at).fold(f32::NEG_INFINITY, f32::max)).collect()
}

/// Average of each window of `rows` × `columns` values.
fn averages(input: &[f32], from: Shape, to: Shape, (rows, columns): (usize, usize), stride: usize) -> Vec<f32> {
    let row = |channel: usize, y: usize, x: usize| {
        let start = (channel * from.height + y) * from.width + x;
        input.get(start..start + columns).unwrap_or_default()
    };
    let average = |channel: usize, y: usize, x: usize| {
        let rows_of_window = (0..rows).flat_map(|dy| row(channel, y + dy, x));
        let sum: f64 = rows_of_window.map(|&value| f64::from(value)).sum();
        (sum / (rows * columns) as f64) as f32
    };
    let positions = (0..to.channels).flat_map(|c| (0..to.height).map(move |y| (c, y)));
    positions.flat_map(|(c, y)| (0..to.width).map(move |x| average(c, y * stride, x * stride))).collect()
}
