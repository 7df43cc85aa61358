//! Linear layers that each party applies to its own share alone: pooling, residual additions, channels that move, biases, and
//! what masks move.

use crate::counter::Counter;
use crate::masked;
use crate::shares::Arithmetic;
use pisim_netgen::{FixedNetwork, LayerId, Op};
use pisim_protocol::Work;

/// A local linear layer on one share: pooling, residual addition, slice, concatenation, or (with `bias`) a channel bias.
pub fn local_linear(
    arithmetic: &Arithmetic,
    network: &FixedNetwork,
    layer: LayerId,
    inputs: &[&[u64]],
    bias: Option<&[i64]>,
    counter: &Counter,
) -> Vec<u64> {
    let graph = &network.network;
    let output = graph.layer(layer).output;
    match graph.layer(layer).op {
        Op::AvgPool { .. } | Op::GlobalAvgPool => pool(arithmetic, network, layer, inputs, counter),
        Op::Select { cell } => {
            masked::select(graph.layer(layer), cell, inputs.first().copied().unwrap_or_default(), counter)
        }
        Op::Merge { .. } => masked::merge(arithmetic, network, layer, inputs, counter),
        Op::Add => {
            let mut sum = vec![0u64; output.len()];
            for (index, (input, shift)) in inputs.iter().zip(network.alignment(layer)).enumerate() {
                // No value has as many fraction bits as a word.
                let factor = 1u64 << shift;
                for (sum, value) in sum.iter_mut().zip(*input) {
                    *sum = arithmetic.plus(*sum, if shift == 0 { *value } else { arithmetic.times(*value, factor) });
                }
                let adds = if index == 0 { 0 } else { sum.len() as u64 };
                counter.add(Work { ring_adds: adds, ..Work::default() });
            }
            sum
        }
        Op::Slice { .. } | Op::Concat { .. } => {
            let shifts = network.alignment(layer);
            let map = |(index, channel): (usize, usize)| {
                let factor = 1u64 << shifts.get(index).copied().unwrap_or_default();
                let input = inputs.get(index).copied().unwrap_or_default();
                let map = input.chunks(output.pixels().max(1)).nth(channel).unwrap_or_default();
                map.iter().map(move |&value| if factor == 1 { value } else { arithmetic.times(value, factor) })
            };
            graph.channel_sources(layer).into_iter().flat_map(map).collect()
        }
        _ => {
            let mut sum = inputs.first().map(|input| input.to_vec()).unwrap_or_default();
            if let Some(bias) = bias {
                add_bias(arithmetic, &mut sum, bias, output.pixels(), counter);
            }
            sum
        }
    }
}

/// Adds one constant per channel.
pub fn add_bias(arithmetic: &Arithmetic, values: &mut [u64], bias: &[i64], pixels: usize, counter: &Counter) {
    for (channel, bias) in values.chunks_mut(pixels.max(1)).zip(bias) {
        let bias = arithmetic.of_signed(*bias);
        channel.iter_mut().for_each(|value| *value = arithmetic.plus(*value, bias));
        counter.add(Work { ring_adds: channel.len() as u64, ..Work::default() });
    }
}

/// Sums over windows, times the layer's public factor.
fn pool(
    arithmetic: &Arithmetic,
    network: &FixedNetwork,
    layer: LayerId,
    inputs: &[&[u64]],
    counter: &Counter,
) -> Vec<u64> {
    let (from, to) = (network.network.input_shape(layer), network.network.layer(layer).output);
    let (rows, columns, stride) = match network.network.layer(layer).op {
        Op::AvgPool { kernel, stride } => (kernel, kernel, stride),
        _ => (from.height, from.width, 1),
    };
    let input = inputs.first().copied().unwrap_or_default();
    let factor = network.pool_factor(layer);
    let mut output = Vec::with_capacity(to.len());
    let mut adds = 0;
    for channel in input.chunks(from.pixels().max(1)) {
        for y in 0..to.height {
            for x in 0..to.width {
                let mut sum = 0u64;
                for row in y * stride..y * stride + rows {
                    for column in x * stride..x * stride + columns {
                        sum = arithmetic.plus(sum, channel[row * from.width + column]);
                    }
                }
                adds += (rows * columns - 1) as u64;
                output.push(if factor == 1 { sum } else { arithmetic.times(sum, factor) });
            }
        }
    }
    let scaled = if factor == 1 { 0 } else { output.len() as u64 };
    counter.add(Work { ring_adds: adds, ring_macs: scaled, ..Work::default() });
    output
}
