//! Linear work on shares in Z_2^k: convolutions, pooling and additions, all modulo 2^64 (of which 2^k is a divisor).

use crate::counter::Counter;
use pisim_netgen::{FixedNetwork, LayerId, Op};
use pisim_protocol::{ConvShape, Work};
use rayon::prelude::*;
use std::num::Wrapping;
use std::ops::{AddAssign, Mul};

/// Output pixels whose inputs are gathered at a time: a block of patches stays in cache.
const PIXEL_BLOCK: usize = 512;

/// Applies weights `[out][in][ky][kx]` to a share `[channel][y][x]`; correct modulo 2^bits.
pub fn convolve(shape: &ConvShape, weights: &[i32], input: &[u64], bits: u32, counter: &Counter) -> Vec<u64> {
    if bits <= 32 {
        // Half the width is twice the lanes.
        let narrow: Vec<Wrapping<u32>> = input.iter().map(|value| Wrapping(*value as u32)).collect();
        let weights: Vec<Wrapping<u32>> = weights.iter().map(|weight| Wrapping(*weight as u32)).collect();
        let output = convolve_words(shape, &weights, &narrow, counter);
        return output.into_iter().map(|value| u64::from(value.0)).collect();
    }
    let wide: Vec<Wrapping<u64>> = input.iter().map(|value| Wrapping(*value)).collect();
    let weights: Vec<Wrapping<u64>> = weights.iter().map(|weight| Wrapping(i64::from(*weight) as u64)).collect();
    convolve_words(shape, &weights, &wide, counter).into_iter().map(|value| value.0).collect()
}

fn convolve_words<T>(shape: &ConvShape, weights: &[T], input: &[T], counter: &Counter) -> Vec<T>
where
    T: Copy + Default + Send + Sync + AddAssign + Mul<Output = T>,
{
    let (taps, pixels) = (shape.taps(), shape.out_height() * shape.out_width());
    let blocks: Vec<(usize, Vec<T>)> = (0..pixels)
        .step_by(PIXEL_BLOCK)
        .map(|first| (first, gather_patches(shape, input, first, (first + PIXEL_BLOCK).min(pixels))))
        .collect();
    let mut output = vec![T::default(); shape.outputs()];
    let kernel = pulp::Arch::new();
    output.par_chunks_mut(pixels.max(1)).zip(weights.par_chunks(taps.max(1))).for_each(|(output, weights)| {
        for (first, patches) in &blocks {
            let columns = patches.len() / taps.max(1);
            let row = &mut output[*first..first + columns];
            kernel.dispatch(
                #[inline(always)]
                || accumulate(row, weights, patches),
            );
            counter.add(Work { ring_macs: (weights.len() * columns) as u64, ..Work::default() });
        }
    });
    output
}

/// `row += Σ weights[tap] · patches[tap]`.
#[inline(always)]
fn accumulate<T: Copy + AddAssign + Mul<Output = T>>(row: &mut [T], weights: &[T], patches: &[T]) {
    for (weight, patch) in weights.iter().zip(patches.chunks_exact(row.len().max(1))) {
        for (sum, value) in row.iter_mut().zip(patch) {
            *sum += *weight * *value;
        }
    }
}

/// The inputs of output pixels `first..last`, `[tap][pixel]`, zero in the padding.
fn gather_patches<T: Copy + Default>(shape: &ConvShape, input: &[T], first: usize, last: usize) -> Vec<T> {
    let (kernel, width) = (shape.kernel, shape.out_width());
    let mut patches = Vec::with_capacity(shape.taps() * (last - first));
    for channel in input.chunks(shape.in_height * shape.in_width) {
        for tap in 0..kernel * kernel {
            patches.extend((first..last).map(|pixel| {
                let row = (pixel / width * shape.stride + tap / kernel).wrapping_sub(shape.padding);
                let column = (pixel % width * shape.stride + tap % kernel).wrapping_sub(shape.padding);
                let inside = row < shape.in_height && column < shape.in_width;
                if inside { channel[row * shape.in_width + column] } else { T::default() }
            }));
        }
    }
    patches
}

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
        Op::AvgPool { kernel, stride } => pool(network, layer, inputs, (kernel, kernel), stride, counter),
        Op::GlobalAvgPool => {
            let map = graph.input_shape(layer);
            pool(network, layer, inputs, (map.height, map.width), 1, counter)
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

/// Sums over windows of `(rows, columns)`, times the layer's public factor.
fn pool(
    network: &FixedNetwork,
    layer: LayerId,
    inputs: &[&[u64]],
    (rows, columns): (usize, usize),
    stride: usize,
    counter: &Counter,
) -> Vec<u64> {
    let (from, to) = (network.network.input_shape(layer), network.network.layer(layer).output);
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
                        sum = sum.wrapping_add(channel[row * from.width + column]);
                    }
                }
                adds += (rows * columns - 1) as u64;
                output.push(sum.wrapping_mul(factor));
            }
        }
    }
    let scaled = if factor == 1 { 0 } else { output.len() as u64 };
    counter.add(Work { ring_adds: adds, ring_macs: scaled, ..Work::default() });
    output
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use proptest::prelude::*;
    use rand_core::Rng;

    /// The definition, one product at a time.
    fn direct(shape: &ConvShape, weights: &[i32], input: &[u64]) -> Vec<u64> {
        let mut output = Vec::new();
        for out in 0..shape.out_channels {
            for y in 0..shape.out_height() {
                for x in 0..shape.out_width() {
                    let mut sum = 0u64;
                    for channel in 0..shape.in_channels {
                        for tap in 0..shape.kernel * shape.kernel {
                            let (ky, kx) = (tap / shape.kernel, tap % shape.kernel);
                            let row = (y * shape.stride + ky) as isize - shape.padding as isize;
                            let column = (x * shape.stride + kx) as isize - shape.padding as isize;
                            let inside = (0..shape.in_height as isize).contains(&row)
                                && (0..shape.in_width as isize).contains(&column);
                            if inside {
                                let at = (channel * shape.in_height + row as usize) * shape.in_width + column as usize;
                                let weight = weights[(out * shape.in_channels + channel) * shape.kernel.pow(2) + tap];
                                sum = sum.wrapping_add((weight as i64 as u64).wrapping_mul(input[at]));
                            }
                        }
                    }
                    output.push(sum);
                }
            }
        }
        output
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn ring_convolution_equals_its_definition_and_counts_every_product(
            (in_channels, out_channels) in (1usize..5, 1usize..5), (in_height, in_width) in (1usize..28, 1usize..28),
            kernel in prop::sample::select(vec![1usize, 3]), stride in 1usize..3, wide: bool, seed: u64,
        ) {
            let padding = kernel / 2;
            let shape = ConvShape { in_channels, in_height, in_width, out_channels, kernel, stride, padding };
            let mut rng = Seed::reproducible(seed).rng();
            let weights: Vec<i32> = (0..out_channels * shape.taps()).map(|_| rng.next_u32() as i32 >> 20).collect();
            let input: Vec<u64> = (0..shape.inputs()).map(|_| rng.next_u64()).collect();
            let (bits, mask) = if wide { (64, u64::MAX) } else { (32, u64::from(u32::MAX)) };
            let counter = Counter::default();
            let output = convolve(&shape, &weights, &input, bits, &counter);
            prop_assert_eq!(counter.take().ring_macs, shape.macs());
            for (value, expected) in output.iter().zip(direct(&shape, &weights, &input)) {
                prop_assert_eq!(value & mask, expected & mask);
            }
        }
    }
}
