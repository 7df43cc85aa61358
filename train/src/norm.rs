//! Batch norm in training: every channel to mean 0 and variance 1 over the batch, then a scale and a shift of its own.

use crate::patches::slice;
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};

/// Added to variances before the root, as PyTorch and `tests/python/train_digits.py` do.
pub const EPSILON: f64 = 1e-5;

/// Mean and variance of every channel over a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moments {
    /// Means.
    pub mean: Vec<f64>,
    /// Variances, of the batch and not of the population that it stands for.
    pub variance: Vec<f64>,
}

impl Moments {
    /// Those of values `[channels, n]`.
    ///
    /// # Errors
    /// A tensor of another rank or type.
    pub fn of(values: &Tensor) -> Result<Self> {
        let (_, columns) = values.dims2()?;
        let values = values.flatten_all()?.to_vec1::<f32>()?;
        let channels = values.chunks(columns.max(1)).map(moments);
        let (mean, variance) = channels.unzip();
        Ok(Self { mean, variance })
    }
}

/// Sums run in double precision, in the order of the values: the same on every machine.
fn moments(channel: &[f32]) -> (f64, f64) {
    let count = channel.len().max(1) as f64;
    let mean = channel.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
    let variance = channel.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>() / count;
    (mean, variance)
}

/// Normalises values `[channels, n]` by the batch's own moments, then scales by `[channels, 1]` and shifts by
/// `[channels, 1]`.
///
/// # Errors
/// Shapes that do not fit.
pub fn batch_norm(values: &Tensor, scale: &Tensor, shift: &Tensor) -> Result<Tensor> {
    values.contiguous()?.apply_op3(scale, shift, BatchNorm)
}

struct BatchNorm;

/// 1 / √(variance + ε).
fn inverse(variance: f64) -> f64 {
    1.0 / (variance + EPSILON).sqrt()
}

impl CustomOp3 for BatchNorm {
    fn name(&self) -> &'static str {
        "batch-norm"
    }

    fn cpu_fwd(
        &self,
        values: &CpuStorage,
        layout: &Layout,
        scale: &CpuStorage,
        scale_layout: &Layout,
        shift: &CpuStorage,
        shift_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (_, columns) = layout.shape().dims2()?;
        let channels = slice(values, layout)?.chunks(columns.max(1));
        let affine = slice(scale, scale_layout)?.iter().zip(slice(shift, shift_layout)?);
        let mut out = Vec::with_capacity(layout.shape().elem_count());
        for (channel, (scale, shift)) in channels.zip(affine) {
            let (mean, variance) = moments(channel);
            let factor = (f64::from(*scale) * inverse(variance)) as f32;
            let mean = mean as f32;
            out.extend(channel.iter().map(|value| (value - mean) * factor + shift));
        }
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    /// With x̂ the normalised values, g the gradient and n columns: the shift's gradient is Σg, the scale's Σg·x̂, and
    /// that of the values is scale/σ · (g − Σg/n − x̂·Σ(g·x̂)/n) (Ioffe and Szegedy, ICML 2015).
    fn bwd(
        &self,
        values: &Tensor,
        scale: &Tensor,
        _: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (channels, columns) = values.dims2()?;
        let [x, g, scales] = [values, gradient, scale].map(|tensor| tensor.flatten_all()?.to_vec1::<f32>());
        let (x, g, scales) = (x?, g?, scales?);
        let mut of_values = Vec::with_capacity(x.len());
        let (mut of_scale, mut of_shift) = (Vec::with_capacity(channels), Vec::with_capacity(channels));
        for ((x, g), scale) in x.chunks(columns.max(1)).zip(g.chunks(columns.max(1))).zip(scales) {
            let (mean, variance) = moments(x);
            let (mean, inverse) = (mean as f32, inverse(variance) as f32);
            let pairs = || x.iter().map(|value| (value - mean) * inverse).zip(g.iter().copied());
            let sum = g.iter().map(|g| f64::from(*g)).sum::<f64>();
            let along = pairs().map(|(x, g)| f64::from(x) * f64::from(g)).sum::<f64>();
            let share = [sum, along].map(|sum| (sum / columns.max(1) as f64) as f32);
            of_values.extend(pairs().map(|(x, g)| scale * inverse * (g - share[0] - x * share[1])));
            of_scale.push(along as f32);
            of_shift.push(sum as f32);
        }
        let device = values.device();
        let column = |numbers| Tensor::from_vec(numbers, (channels, 1), device).map(Some);
        let of_values = Tensor::from_vec(of_values, (channels, columns), device)?;
        Ok((Some(of_values), column(of_scale)?, column(of_shift)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    /// The same by candle's own operations, one by one.
    fn plain(values: &Tensor, scale: &Tensor, shift: &Tensor) -> Tensor {
        let centred = values.broadcast_sub(&values.mean_keepdim(1).unwrap()).unwrap();
        let variance = centred.sqr().unwrap().mean_keepdim(1).unwrap();
        let deviation = (variance + EPSILON).unwrap().sqrt().unwrap();
        let normal = centred.broadcast_div(&deviation).unwrap();
        normal.broadcast_mul(scale).unwrap().broadcast_add(shift).unwrap()
    }

    #[test]
    fn values_and_all_gradients_are_those_of_the_definition() {
        let device = Device::Cpu;
        let numbers: Vec<f32> = (0..24).map(|i| ((i * 7) % 11) as f32 / 3.0 - 1.0).collect();
        let values = Var::from_vec(numbers, (3, 8), &device).unwrap();
        let scale = Var::from_vec(vec![1.0f32, -0.5, 2.0], (3, 1), &device).unwrap();
        let shift = Var::from_vec(vec![0.0f32, 0.25, -1.0], (3, 1), &device).unwrap();
        let (ours, theirs) = (batch_norm(&values, &scale, &shift).unwrap(), plain(&values, &scale, &shift));
        let weights = Tensor::arange(0f32, 24.0, &device).unwrap().reshape((3, 8)).unwrap();
        let gradients =
            |answer: &Tensor| (answer.sqr().unwrap() * &weights).unwrap().sum_all().unwrap().backward().unwrap();
        let (a, b) = (gradients(&ours), gradients(&theirs));
        let mut pairs = vec![(ours.clone(), theirs.clone())];
        pairs.extend([&values, &scale, &shift].map(|var| (a.get(var).unwrap().clone(), b.get(var).unwrap().clone())));
        for (a, b) in pairs {
            let (a, b) = (
                a.flatten_all().unwrap().to_vec1::<f32>().unwrap(),
                b.flatten_all().unwrap().to_vec1::<f32>().unwrap(),
            );
            for (a, b) in a.iter().zip(&b) {
                assert!((a - b).abs() < 2e-3 * (1.0 + b.abs()), "{a} {b}");
            }
        }
    }

    #[test]
    fn moments_are_those_of_each_channel() {
        let values = Tensor::new(&[[1f32, 3.0], [5.0, 5.0]], &Device::Cpu).unwrap();
        let moments = Moments::of(&values).unwrap();
        assert_eq!((moments.mean, moments.variance), (vec![2.0, 5.0], vec![1.0, 0.0]));
    }
}
