//! The integer reference: the answer that every protocol must give bit for bit.
//!
//! Each layer is computed exactly, checked against the ring, and wrapped to k bits. It is written to be obviously
//! right; convolutions run as parallel matrix products so that full-size networks take seconds.

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};

use crate::gemm::convolve;
use crate::nonlinear::{Pointwise, prelu};
use crate::{Cell, Conv, FixedNetwork, FixedPoint, LayerId, LayerMask, NetworkError, Op, Shape, Weights};

/// A tensor of signed ring values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Its shape.
    pub shape: Shape,
    /// Its values, `[channel][row][column]`.
    pub data: Vec<i64>,
}

/// What an inference computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inference {
    /// The logits, signed k-bit integers.
    pub outputs: Vec<i64>,
    /// Every layer's output, by layer id.
    pub layers: Vec<Tensor>,
    /// By layer id: the signed bits that a layer's exact values needed, where they left the ring and were wrapped.
    pub overflow: Vec<Option<u32>>,
}

impl Inference {
    /// The first layer whose values left the ring, with the bits that it needed.
    pub fn first_overflow(&self) -> Option<(LayerId, u32)> {
        self.overflow.iter().enumerate().find_map(|(id, bits)| bits.map(|bits| (LayerId(id), bits)))
    }
}

/// Runs a network on one input, `[channel][row][column]` with f fraction bits.
///
/// # Errors
/// Weights or an input that do not belong to the network, or (with extreme weights in a 64-bit ring) sums beyond 128
/// bits. Values that leave the ring are no error: they wrap, and [`Inference::overflow`] says where.
pub fn infer(net: &FixedNetwork, weights: &Weights, input: &[i64]) -> Result<Inference, NetworkError> {
    weights.check(net)?;
    check_input(net, input)?;
    let mut layers: Vec<Tensor> = Vec::with_capacity(net.network.layers.len());
    let mut overflow = Vec::with_capacity(net.network.layers.len());
    for (id, layer) in net.network.iter() {
        let exact = exact_outputs(net, weights, id, &layers, input)?;
        let bits = exact.iter().map(|&value| signed_bits(value)).max().unwrap_or(1);
        overflow.push((bits > net.format.ring_bits).then_some(bits));
        let data = exact.into_iter().map(|value| net.format.wrap(value)).collect();
        layers.push(Tensor { shape: layer.output, data });
    }
    let outputs = layers.last().map(|last| last.data.clone()).unwrap_or_default();
    Ok(Inference { outputs, layers, overflow })
}

fn check_input(net: &FixedNetwork, input: &[i64]) -> Result<(), NetworkError> {
    let expected = net.network.input.len();
    if input.len() != expected {
        return Err(NetworkError::InputLength { expected, found: input.len() });
    }
    match input.iter().enumerate().find(|&(_, &value)| !net.format.holds(value.into())) {
        Some((index, &value)) => Err(NetworkError::InputValue { index, value, ring_bits: net.format.ring_bits }),
        None => Ok(()),
    }
}

/// Smallest number of bits that hold a value in two's complement.
fn signed_bits(value: i128) -> u32 {
    129 - (value ^ (value >> 127)).leading_zeros()
}

/// One layer's outputs before they wrap.
fn exact_outputs(
    net: &FixedNetwork,
    weights: &Weights,
    id: LayerId,
    done: &[Tensor],
    network_input: &[i64],
) -> Result<Vec<i128>, NetworkError> {
    let network = &net.network;
    let layer = network.layer(id);
    let values = |index: usize| {
        let tensor = layer.inputs.get(index).and_then(|input| done.get(input.0));
        tensor.map_or(&[][..], |tensor| &tensor.data)
    };
    let input = values(0);
    let from = network.input_shape(id);
    let wide = |value: &i64| i128::from(*value);
    let too_wide = || NetworkError::TooLarge { layer: layer.name.clone(), quantity: "sums", limit_log2: 127 };
    Ok(match layer.op {
        Op::Input => network_input.iter().map(wide).collect(),
        Op::Conv(conv) => {
            let mut outputs = convolve(input, from, layer.output, conv, weights.of(net, id)?).ok_or_else(too_wide)?;
            if let Some(mask) = &layer.mask {
                let cells = outputs.iter_mut().zip(mask.cells());
                cells.filter(|(_, cell)| **cell == Cell::Zero).for_each(|(output, _)| *output = 0);
            }
            outputs
        }
        Op::Linear { out_features } => {
            // A fully connected layer is a 1x1 convolution of one pixel whose channels are all input values.
            let conv = Conv { out_channels: out_features, kernel: 1, stride: 1, padding: 0, norm: false, bias: true };
            let flat = Shape::new(from.len(), 1, 1);
            convolve(input, flat, layer.output, conv, weights.of(net, id)?).ok_or_else(too_wide)?
        }
        Op::Relu | Op::ClampedRelu { .. } | Op::LeakyRelu { .. } => {
            let act = |value: &i64| activated(net, id, layer.op.pointwise(), wide(value));
            input.iter().map(act).collect()
        }
        Op::PRelu => {
            let maps = input.chunks(from.pixels().max(1)).zip(&weights.of(net, id)?.weights);
            let act = |(value, slope): (&i64, i32)| prelu(&net.format, slope, wide(value) >> net.shift(id));
            maps.flat_map(|(map, slope)| map.iter().zip(std::iter::repeat(*slope))).map(act).collect()
        }
        Op::MaxPool { .. } => maxima(net, id, input, None),
        Op::MaxPoolThen { then, .. } => maxima(net, id, input, Some(then)),
        Op::Rescale => input.iter().map(|value| wide(value) >> net.shift(id)).collect(),
        Op::Select { cell } => {
            let cells = layer.mask.iter().flat_map(|mask| mask.cells());
            input.iter().zip(cells).filter(|&(_, &other)| other == cell).map(|(value, _)| wide(value)).collect()
        }
        Op::Merge { .. } => {
            let shifts = net.alignment(id);
            let value = |(index, place): (usize, usize)| {
                let shift = shifts.get(index).copied().unwrap_or_default();
                values(index).get(place).map(|value| wide(value) << shift)
            };
            let sources = layer.mask.iter().flat_map(LayerMask::merge_sources);
            sources.map(|source| source.and_then(value).unwrap_or_default()).collect()
        }
        Op::Add => {
            let shifts = net.alignment(id);
            let shift = |index: usize| shifts.get(index).copied().unwrap_or_default();
            let (left, right) = (shift(0), shift(1));
            let pairs = input.iter().zip(values(1));
            pairs.map(|(a, b)| (wide(a) << left) + (wide(b) << right)).collect()
        }
        Op::Slice { .. } | Op::Concat { .. } => {
            let shifts = net.alignment(id);
            let sources = network.channel_sources(id);
            let map = |&(index, channel): &(usize, usize)| {
                let shift = shifts.get(index).copied().unwrap_or_default();
                let map = values(index).chunks(layer.output.pixels().max(1)).nth(channel).unwrap_or_default();
                map.iter().map(move |value| wide(value) << shift)
            };
            sources.iter().flat_map(map).collect()
        }
        Op::ChannelBias { .. } => {
            let bias = &weights.of(net, id)?.bias;
            let maps = input.chunks(from.pixels().max(1)).zip(bias);
            maps.flat_map(|(map, bias)| map.iter().map(move |value| wide(value) + wide(bias))).collect()
        }
        Op::AvgPool { .. } | Op::GlobalAvgPool => pool(net, id, input, from, layer.output),
    })
}

/// A value that is rescaled and then activated.
pub(crate) fn activated(net: &FixedNetwork, id: LayerId, activation: Option<Pointwise>, value: i128) -> i128 {
    let rescaled = value >> net.shift(id);
    activation.map_or(rescaled, |activation| activation.apply(&net.format_at(id), rescaled))
}

/// The largest value of each window, rescaled and activated.
fn maxima(net: &FixedNetwork, id: LayerId, input: &[i64], then: Option<Pointwise>) -> Vec<i128> {
    let layer = net.network.layer(id);
    let Some(window) = layer.op.max_window() else { return Vec::new() };
    let positions = window.positions(net.network.input_shape(id), layer.output);
    let value = |position: &u32| input.get(*position as usize).copied();
    let largest = |window: &[u32]| window.iter().filter_map(value).max().unwrap_or_default();
    let windows = positions.chunks(window.taps().max(1));
    windows.map(|window| activated(net, id, then, largest(window).into())).collect()
}

/// Window sums times the public pool factor.
fn pool(net: &FixedNetwork, id: LayerId, input: &[i64], from: Shape, to: Shape) -> Vec<i128> {
    let factor = i128::from(net.pool_factor(id));
    if net.network.layer(id).op == Op::GlobalAvgPool {
        let maps = input.chunks(from.pixels().max(1));
        return maps.map(|map| map.iter().map(|&value| i128::from(value)).sum::<i128>() * factor).collect();
    }
    let Op::AvgPool { kernel, stride } = net.network.layer(id).op else {
        return Vec::new();
    };
    let at = |channel: usize, y: usize, x: usize| {
        input.get((channel * from.height + y) * from.width + x).map_or(0, |&value| i128::from(value))
    };
    let mut sums = Vec::with_capacity(to.len());
    for channel in 0..to.channels {
        for (y, x) in (0..to.height).flat_map(|y| (0..to.width).map(move |x| (y * stride, x * stride))) {
            let window = (0..kernel).flat_map(|dy| (0..kernel).map(move |dx| (dy, dx)));
            sums.push(window.map(|(dy, dx)| at(channel, y + dy, x + dx)).sum::<i128>() * factor);
        }
    }
    sums
}

/// Seeded input values in [0, 1), with f fraction bits.
pub fn random_input(shape: Shape, format: FixedPoint, seed: u64) -> Vec<i64> {
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    // The weights of the same seed use the streams from 0 up.
    rng.set_stream(u64::MAX);
    let unused_bits = 64 - format.fraction_bits.clamp(1, 63);
    (0..shape.len()).map(|_| (rng.next_u64() >> unused_bits) as i64).collect()
}
