//! Convolutions and fully connected layers as exact integer matrix products (im2col).

use std::num::Wrapping;

use nalgebra::{ClosedAddAssign, ClosedMulAssign, DMatrix, Scalar};
use num_traits::{One, Zero};
use rayon::prelude::*;

use crate::{Conv, LayerWeights, Shape};

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
        Some(product(&patches::<Wrapping<i64>>(input, from, to, conv), weights))
    } else if bound <= i128::MAX as u128 {
        Some(product(&patches::<i128>(input, from, to, conv), weights))
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

/// The input values under each kernel tap: one row per output pixel, one column per tap `[channel][row][column]`.
/// Taps in the padding read zero.
fn patches<T: Integer>(input: &[i64], from: Shape, to: Shape, conv: Conv) -> DMatrix<T> {
    let Conv { kernel, stride, padding, .. } = conv;
    DMatrix::from_fn(to.pixels(), from.channels * kernel * kernel, |pixel, tap| {
        let (channel, ky, kx) = (tap / (kernel * kernel), tap / kernel % kernel, tap % kernel);
        let y = (pixel / to.width * stride + ky).checked_sub(padding).filter(|&y| y < from.height);
        let x = (pixel % to.width * stride + kx).checked_sub(padding).filter(|&x| x < from.width);
        let index = y.zip(x).map(|(y, x)| (channel * from.height + y) * from.width + x);
        index.and_then(|index| input.get(index)).map_or(T::zero(), |&value| T::new(value))
    })
}

/// Patches (pixels × taps) times weights (taps × channels), plus biases. Row-major weights `[channel][tap]` are the
/// column-major second matrix, and the column-major result is `[channel][pixel]`: nothing is transposed.
fn product<T: Integer>(patches: &DMatrix<T>, weights: &LayerWeights) -> Vec<i128> {
    let taps = patches.ncols();
    let task = |(weights, biases): (&[i32], &[i64])| {
        let values = weights.iter().map(|&weight| T::new(weight.into()));
        let weights = DMatrix::from_iterator(taps, biases.len(), values);
        let mut sums = DMatrix::from_fn(patches.nrows(), biases.len(), |_, channel| {
            biases.get(channel).map_or(T::zero(), |&bias| T::new(bias))
        });
        sums.gemm(T::one(), patches, &weights, T::one());
        sums.iter().map(|sum| sum.value()).collect::<Vec<_>>()
    };
    let weights_by_task = weights.weights.par_chunks(CHANNELS_PER_TASK * taps.max(1));
    let parts: Vec<Vec<i128>> = weights_by_task.zip(weights.bias.par_chunks(CHANNELS_PER_TASK)).map(task).collect();
    parts.concat()
}
