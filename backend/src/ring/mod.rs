//! Linear work on shares in Z_2^k: convolutions, pooling and additions, all modulo 2^64 (of which 2^k is a divisor).

mod convolve;

pub(crate) use convolve::GROUP;
pub use convolve::convolve;

use crate::counter::Counter;
use pisim_netgen::{FixedNetwork, LayerId, Op};
use pisim_protocol::Work;

/// A local linear layer on one share: pooling, residual addition, or (with `bias`) a channel bias.
pub fn local_linear(
    network: &FixedNetwork,
    layer: LayerId,
    inputs: &[&[u64]],
    bias: Option<&[i64]>,
    counter: &Counter,
) -> Vec<u64> {
    let graph = &network.network;
    let output = graph.layer(layer).output;
    match graph.layer(layer).op {
        Op::AvgPool { .. } | Op::GlobalAvgPool => {
            pool(network, layer, inputs, (u64::wrapping_add, u64::wrapping_mul), counter)
        }
        Op::Add => {
            let shifts = network.alignment(layer);
            let mut sum = vec![0u64; output.len()];
            for (index, (input, shift)) in inputs.iter().zip(shifts).enumerate() {
                for (sum, value) in sum.iter_mut().zip(*input) {
                    *sum = sum.wrapping_add(value << shift);
                }
                let adds = if index == 0 { 0 } else { sum.len() as u64 };
                counter.add(Work { ring_adds: adds, ..Work::default() });
            }
            sum
        }
        _ => {
            let mut sum = inputs.first().map(|input| input.to_vec()).unwrap_or_default();
            if let Some(bias) = bias {
                add_bias(&mut sum, bias, output.pixels(), counter);
            }
            sum
        }
    }
}

/// Adds one constant per channel.
pub fn add_bias(values: &mut [u64], bias: &[i64], pixels: usize, counter: &Counter) {
    for (channel, bias) in values.chunks_mut(pixels.max(1)).zip(bias) {
        for value in channel.iter_mut() {
            *value = value.wrapping_add(*bias as u64);
        }
        counter.add(Work { ring_adds: channel.len() as u64, ..Work::default() });
    }
}

/// `a + b`, element by element.
pub fn add(a: &[u64], b: &[u64], counter: &Counter) -> Vec<u64> {
    counter.add(Work { ring_adds: a.len() as u64, ..Work::default() });
    a.iter().zip(b).map(|(a, b)| a.wrapping_add(*b)).collect()
}

/// `a − b`, element by element.
pub fn sub(a: &[u64], b: &[u64], counter: &Counter) -> Vec<u64> {
    counter.add(Work { ring_adds: a.len() as u64, ..Work::default() });
    a.iter().zip(b).map(|(a, b)| a.wrapping_sub(*b)).collect()
}

/// `a ⊕ b`, element by element; counted as additions.
pub fn xor(a: &[u64], b: &[u64], counter: &Counter) -> Vec<u64> {
    counter.add(Work { ring_adds: a.len() as u64, ..Work::default() });
    a.iter().zip(b).map(|(a, b)| a ^ b).collect()
}

/// Sums over windows, times the layer's public factor, with the addition and multiplication of the shares.
pub(crate) fn pool(
    network: &FixedNetwork,
    layer: LayerId,
    inputs: &[&[u64]],
    (add, mul): (impl Fn(u64, u64) -> u64, impl Fn(u64, u64) -> u64),
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
                        sum = add(sum, channel[row * from.width + column]);
                    }
                }
                adds += (rows * columns - 1) as u64;
                output.push(if factor == 1 { sum } else { mul(sum, factor) });
            }
        }
    }
    let scaled = if factor == 1 { 0 } else { output.len() as u64 };
    counter.add(Work { ring_adds: adds, ring_macs: scaled, ..Work::default() });
    output
}
