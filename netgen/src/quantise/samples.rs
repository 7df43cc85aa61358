//! Sample inputs, and what they make of every layer in floating point.

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use rayon::prelude::*;
use serde::Serialize;

use crate::{FloatWeights, Model, Network, NetworkError, Shape, float};

/// Numbers from `low` to `high`, both included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Range {
    /// The least one.
    pub low: f64,
    /// The largest one.
    pub high: f64,
}

impl Range {
    /// The range of some numbers; zero alone if there are none.
    pub fn of<'a>(values: impl IntoIterator<Item = &'a f32>) -> Self {
        let mut values = values.into_iter().map(|value| f64::from(*value));
        let Some(first) = values.next() else { return Self::default() };
        values.fold(Self { low: first, high: first }, |range, value| Self {
            low: range.low.min(value),
            high: range.high.max(value),
        })
    }

    /// The smallest range that holds both.
    pub fn hull(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// The largest magnitude.
    pub fn magnitude(self) -> f64 {
        self.low.abs().max(self.high.abs())
    }
}

/// Inputs that a network is calibrated on, and the range that inputs may have.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    /// The inputs, `[channel][row][column]` each.
    pub inputs: Vec<Vec<f32>>,
    /// Values that any input may have; the proof holds for these.
    pub range: Range,
}

impl Samples {
    /// Samples whose range, widened to whole numbers, is what any input may have: 0 to 1 for pictures.
    pub fn new(inputs: Vec<Vec<f32>>) -> Self {
        let range = Range::of(inputs.iter().flatten());
        Self { inputs, range: Range { low: range.low.floor(), high: range.high.ceil() } }
    }

    /// Checks that there is a sample, and that all are finite inputs of a network.
    pub(super) fn check(&self, network: &Network) -> Result<(), NetworkError> {
        let expected = network.input.len();
        let wrong = self.inputs.iter().map(Vec::len).find(|found| *found != expected);
        if let Some(found) = wrong.or(if self.inputs.is_empty() { Some(0) } else { None }) {
            return Err(NetworkError::InputLength { expected, found });
        }
        let values = self.inputs.iter().flatten().copied().map(f64::from);
        match values.chain([self.range.low, self.range.high]).find(|value| !value.is_finite()) {
            None => Ok(()),
            Some(value) => Err(NetworkError::FloatValue {
                layer: "input".into(),
                kind: "sample",
                value: value.to_string(),
                expected: "a finite number".into(),
            }),
        }
    }
}

/// Seeded inputs of uniform values from 0 to 1: for a network that comes without samples.
pub fn random_samples(shape: Shape, count: usize, seed: u64) -> Samples {
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    // Weights and inputs of the same seed use other streams.
    rng.set_stream(u64::MAX - 1);
    let mut value = || (rng.next_u64() >> 40) as f32 / (1u32 << 24) as f32;
    let inputs = (0..count).map(|_| (0..shape.len()).map(|_| value()).collect()).collect();
    Samples { inputs, range: Range { low: 0.0, high: 1.0 } }
}

/// A model's weights on a network with the same layers and more: rescales, which compute nothing in floating point.
pub(super) fn on_plan(model: &Model, network: &Network) -> Result<Model, NetworkError> {
    model.check()?;
    let layers = network.layers.iter().map(|layer| {
        let id = model.network.find(&layer.name)?;
        model.weights.0.get(id.0).cloned().flatten()
    });
    let planned = Model { network: network.clone(), weights: FloatWeights(layers.collect()) };
    planned.check()?;
    Ok(planned)
}

/// The range of every layer's values over all samples, by layer id.
pub(super) fn ranges(model: &Model, samples: &Samples) -> Result<Vec<Range>, NetworkError> {
    let of_sample = |input: &Vec<f32>| -> Result<Vec<Range>, NetworkError> {
        Ok(float::infer(model, input)?.iter().map(|tensor| Range::of(&tensor.data)).collect())
    };
    let joined = |a: Vec<Range>, b: Vec<Range>| a.into_iter().zip(b).map(|(a, b)| a.hull(b)).collect();
    let ranges = samples.inputs.par_iter().map(of_sample).try_reduce_with(|a, b| Ok(joined(a, b)));
    ranges.unwrap_or_else(|| Ok(vec![Range::default(); model.network.layers.len()]))
}
