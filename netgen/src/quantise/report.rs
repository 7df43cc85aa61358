//! Fixed point held against the float reference, layer by layer.

use rayon::prelude::*;
use serde::Serialize;

use super::samples::{Range, on_plan, ranges};
use super::{Calibrated, Samples, hull};
use crate::{FixedNetwork, LayerId, Model, NetworkError, Op, float, infer};

/// One layer in a plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerReport {
    /// The layer's name.
    pub name: String,
    /// What it computes.
    pub kind: &'static str,
    /// Fraction bits of its weights, if it has any.
    pub weight_fraction_bits: Option<u32>,
    /// Fraction bits of its output.
    pub fraction_bits: u32,
    /// Right shift of a ReLU or rescale.
    pub shift: u32,
    /// Fraction bits that it gave up for the ring: of its weights, or of its output.
    pub given_up_bits: u32,
    /// Output values of the samples, in floating point.
    pub sampled: Range,
    /// Values that the output cannot leave, whatever the input is.
    pub proven: Range,
    /// Signed bits that the proven values need.
    pub needed_bits: u32,
    /// Bits of the ring that no value reaches; negative if values might leave it.
    pub spare_bits: i64,
    /// Mean magnitude of fixed point less floating point, over all output values of all samples.
    pub mean_error: f64,
    /// The largest magnitude of it.
    pub max_error: f64,
}

/// A plan held against the float reference.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QuantisationReport {
    /// The network's name.
    pub network: String,
    /// Bits of the ring.
    pub ring_bits: u32,
    /// Bits of a weight.
    pub weight_bits: u32,
    /// Fraction bits of the input.
    pub input_fraction_bits: u32,
    /// Values of the input for which the bounds are proven.
    pub input: Range,
    /// Whether no value can leave the ring.
    pub proven: bool,
    /// Signed bits that the proven bounds of all layers need.
    pub needed_bits: u32,
    /// The ring in which every layer would keep all the fraction bits that the samples ask for, bits.
    pub full_precision_bits: u32,
    /// Sample inputs.
    pub samples: u64,
    /// Samples of which fixed point finds the same most likely class as floating point.
    pub top1_agreement: u64,
    /// Samples of which a value did leave the ring.
    pub overflowing_samples: u64,
    /// All layers in order.
    pub layers: Vec<LayerReport>,
}

/// Errors of one layer over some samples.
#[derive(Clone, Copy, Default)]
struct Errors {
    sum: f64,
    count: u64,
    most: f64,
}

impl Errors {
    fn plus(self, other: Self) -> Self {
        Self { sum: self.sum + other.sum, count: self.count + other.count, most: self.most.max(other.most) }
    }
}

/// What some samples showed.
struct Seen {
    errors: Vec<Errors>,
    agreeing: u64,
    overflowing: u64,
}

impl Calibrated {
    /// Runs samples in fixed and in floating point, and compares every layer.
    ///
    /// # Errors
    /// A model or samples that do not belong to the plan.
    pub fn report(&self, model: &Model, samples: &Samples) -> Result<QuantisationReport, NetworkError> {
        samples.check(&self.net.network)?;
        let model = on_plan(model, &self.net.network)?;
        let seen = samples.inputs.par_iter().map(|input| self.compare(&model, input)).try_reduce_with(|a, b| {
            let errors = a.errors.iter().zip(&b.errors).map(|(a, b)| a.plus(*b)).collect();
            Ok(Seen { errors, agreeing: a.agreeing + b.agreeing, overflowing: a.overflowing + b.overflowing })
        });
        let none = || Ok(Seen { errors: Vec::new(), agreeing: 0, overflowing: 0 });
        let seen = seen.unwrap_or_else(none)?;
        let ranges = ranges(&model, samples)?;
        let layer = |id: LayerId| {
            let sampled = ranges.get(id.0).copied().unwrap_or_default();
            self.layer_report(id, sampled, seen.errors.get(id.0).copied().unwrap_or_default())
        };
        let format = self.net.format;
        Ok(QuantisationReport {
            network: self.net.network.name.clone(),
            ring_bits: format.ring_bits,
            weight_bits: format.weight_bits,
            input_fraction_bits: format.fraction_bits,
            input: self.input,
            proven: self.is_proven(),
            needed_bits: self.needed_bits(),
            full_precision_bits: self.full_precision_bits,
            samples: samples.inputs.len() as u64,
            top1_agreement: seen.agreeing,
            overflowing_samples: seen.overflowing,
            layers: self.net.network.iter().map(|(id, _)| layer(id)).collect(),
        })
    }

    /// One sample in fixed and in floating point.
    fn compare(&self, model: &Model, input: &[f32]) -> Result<Seen, NetworkError> {
        let fixed = infer(&self.net, &self.weights, &self.input(input))?;
        let exact = float::infer(model, input)?;
        let errors = self.net.network.iter().zip(&exact).map(|((id, _), exact)| {
            let one = unit(&self.net, id);
            let values = fixed.layers.get(id.0).map_or(&[][..], |layer| &layer.data);
            let error = |(a, b): (&i64, &f32)| (*a as f64 * one - f64::from(*b)).abs();
            values
                .iter()
                .zip(&exact.data)
                .map(error)
                .fold(Errors::default(), |errors, error| errors.plus(Errors { sum: error, count: 1, most: error }))
        });
        let answer = exact.last().map(|last| top1(&last.data)).unwrap_or_default();
        Ok(Seen {
            errors: errors.collect(),
            agreeing: u64::from(top1(&fixed.outputs) == answer),
            overflowing: u64::from(fixed.first_overflow().is_some()),
        })
    }

    fn layer_report(&self, id: LayerId, sampled: Range, errors: Errors) -> LayerReport {
        let layer = self.net.network.layer(id);
        let bounds = hull(self.bounds.get(id.0).map_or(&[][..], Vec::as_slice));
        let one = unit(&self.net, id);
        let needed_bits = bounds.signed_bits();
        let linear = matches!(layer.op, Op::Conv(_) | Op::Linear { .. });
        LayerReport {
            name: layer.name.clone(),
            kind: layer.op.kind(),
            weight_fraction_bits: linear.then(|| self.net.weight_fraction(id)),
            fraction_bits: self.net.fraction(id),
            shift: self.net.shift(id),
            given_up_bits: self.given_up.get(id.0).copied().unwrap_or_default(),
            sampled,
            proven: Range { low: bounds.low as f64 * one, high: bounds.high as f64 * one },
            needed_bits,
            spare_bits: i64::from(self.net.format.ring_bits) - i64::from(needed_bits),
            mean_error: errors.sum / errors.count.max(1) as f64,
            max_error: errors.most,
        }
    }
}

/// The value of a layer's last fraction bit.
fn unit(net: &FixedNetwork, id: LayerId) -> f64 {
    2f64.powi(-(net.fraction(id) as i32))
}

/// The index of the largest value, the first of equal ones.
pub fn top1<T: PartialOrd>(values: &[T]) -> Option<usize> {
    let mut best: Option<(usize, &T)> = None;
    for (index, value) in values.iter().enumerate() {
        if best.is_none_or(|(_, most)| value > most) {
            best = Some((index, value));
        }
    }
    best.map(|(index, _)| index)
}
