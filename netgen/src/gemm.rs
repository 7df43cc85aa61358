//! Convolutions and fully connected layers as matrix products (im2col): exact in integers, or in floating point.

use std::num::Wrapping;

use nalgebra::{ClosedAddAssign, ClosedMulAssign, DMatrix, Scalar};
use num_traits::{One, Zero};
use rayon::prelude::*;

use crate::{Conv, FloatLayer, LayerWeights, Shape};

/// Output channels per parallel task: enough work for a task, enough tasks for a few cores.
const CHANNELS_PER_TASK: usize = 8;

/// The integers that a product is computed in: `Wrapping<i64>`, fast and exact when a bound says so, or `i128`.
trait Integer: Scalar + Copy + Send + Sync + Zero + One + ClosedAddAssign + ClosedMulAssign {
    fn new(value: i64) -> Self;
    fn value(self) -> i128;
}

impl Integer for Wrapping<i64> {
    fn new(value: i64) -> Self {
        Self(value)
    }

    fn value(self) -> i128 {
        i128::from(self.0)
    }
}

impl Integer for i128 {
    fn new(value: i64) -> Self {
        Self::from(value)
    }

    fn value(self) -> i128 {
        self
    }
}

/// The exact outputs `[channel][row][column]` of a convolution whose weights have the right number, biases included.
/// None if they might not fit 128 bits.
pub(crate) fn convolve(input: &[i64], from: Shape, to: Shape, conv: Conv, weights: &LayerWeights) -> Option<Vec<i128>> {
    let taps = from.channels * conv.kernel * conv.kernel;
    let bound = largest_output(input, weights, taps)?;
    if bound <= i64::MAX as u128 {
        Some(integer_product::<Wrapping<i64>>(input, from, to, conv, weights))
    } else if bound <= i128::MAX as u128 {
        Some(integer_product::<i128>(input, from, to, conv, weights))
    } else {
        None
    }
}

/// An upper bound of every partial sum's magnitude: max |x| · Σ|w| + |b| of the worst output channel.
fn largest_output(input: &[i64], weights: &LayerWeights, taps: usize) -> Option<u128> {
    let largest = u128::from(input.iter().map(|value| value.unsigned_abs()).max().unwrap_or(0));
    let mut bound = 0u128;
    for (row, bias) in weights.weights.chunks(taps.max(1)).zip(&weights.bias) {
        let sum: u128 = row.iter().map(|weight| u128::from(weight.unsigned_abs())).sum();
        bound = bound.max(sum.checked_mul(largest)?.checked_add(bias.unsigned_abs().into())?);
    }
    Some(bound)
}

fn integer_product<T: Integer>(input: &[i64], from: Shape, to: Shape, conv: Conv, own: &LayerWeights) -> Vec<i128> {
    let patches = patches(input, from, to, conv, T::new);
    let sums = product(&patches, &own.weights, &own.bias, |weight| T::new(weight.into()), T::new);
    sums.into_iter().map(T::value).collect()
}

/// The outputs of a convolution in floating point, computed in double precision and rounded once.
pub(crate) fn convolve_float(input: &[f32], from: Shape, to: Shape, conv: Conv, own: &FloatLayer) -> Vec<f32> {
    let patches = patches(input, from, to, conv, f64::from);
    let sums = product(&patches, &own.weights, &own.bias, f64::from, f64::from);
    sums.into_iter().map(|sum| sum as f32).collect()
}

/// The input values under each kernel tap: one row per output pixel, one column per tap `[channel][row][column]`.
/// Taps in the padding read zero.
fn patches<V: Copy, T: Scalar + Zero>(
    input: &[V],
    from: Shape,
    to: Shape,
    conv: Conv,
    number: impl Fn(V) -> T,
) -> DMatrix<T> {
    let Conv { kernel, stride, padding, .. } = conv;
    DMatrix::from_fn(to.pixels(), from.channels * kernel * kernel, |pixel, tap| {
        let (channel, ky, kx) = (tap / (kernel * kernel), tap / kernel % kernel, tap % kernel);
        let y = (pixel / to.width * stride + ky).checked_sub(padding).filter(|&y| y < from.height);
        let x = (pixel % to.width * stride + kx).checked_sub(padding).filter(|&x| x < from.width);
        let index = y.zip(x).map(|(y, x)| (channel * from.height + y) * from.width + x);
        index.and_then(|index| input.get(index)).map_or_else(T::zero, |&value| number(value))
    })
}

/// Patches (pixels × taps) times weights (taps × channels), plus biases. Row-major weights `[channel][tap]` are the
/// column-major second matrix, and the column-major result is `[channel][pixel]`: nothing is transposed.
fn product<T, W, B>(
    patches: &DMatrix<T>,
    weights: &[W],
    biases: &[B],
    weight: impl Fn(W) -> T + Sync,
    bias: impl Fn(B) -> T + Sync,
) -> Vec<T>
where
    T: Scalar + Copy + Send + Sync + Zero + One + ClosedAddAssign + ClosedMulAssign,
    W: Copy + Sync,
    B: Copy + Sync,
{
    let taps = patches.ncols();
    let task = |(weights, biases): (&[W], &[B])| {
        let values = weights.iter().map(|&value| weight(value));
        let weights = DMatrix::from_iterator(taps, biases.len(), values);
        let mut sums = DMatrix::from_fn(patches.nrows(), biases.len(), |_, channel| {
            biases.get(channel).map_or(T::zero(), |&value| bias(value))
        });
        sums.gemm(T::one(), patches, &weights, T::one());
        sums.as_slice().to_vec()
    };
    let weights_by_task = weights.par_chunks(CHANNELS_PER_TASK * taps.max(1));
    let parts: Vec<Vec<T>> = weights_by_task.zip(biases.par_chunks(CHANNELS_PER_TASK)).map(task).collect();
    parts.concat()
}
