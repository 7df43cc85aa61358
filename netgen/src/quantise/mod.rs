//! From a trained network to a fixed-point plan: fraction bits of every layer from sample inputs, and the proof that no value
//! can leave the ring.
//!
//! [`quantise`] chooses powers of two per tensor, rounds the weights, proves bounds ([`bounds`]), and lowers fraction bits where
//! the ring would be too small, layer by layer. What it returns runs under every protocol of the same format as any other
//! [`FixedNetwork`]: only shifts differ. [`Calibrated::report`] holds it against the float reference.
//!
//! ```
//! use pisim_netgen::quantise::{Headroom, quantise, random_samples};
//! use pisim_netgen::{FixedPoint, Model, NetworkSpec};
//! let mut spec = NetworkSpec::named("resnet20")?;
//! (spec.input_size, spec.base_channels) = (8, Some(2));
//! let model = Model::random(spec.build()?, 1);
//! let format = FixedPoint { ring_bits: 48, fraction_bits: 8, weight_bits: 11, relu_max: None };
//! let samples = random_samples(model.network.input, 4, 1);
//! let calibrated = quantise(&model, format, &samples, Headroom::Proven)?;
//! assert!(calibrated.spare_bits() < 48);
//! # Ok::<(), pisim_netgen::NetworkError>(())
//! ```

mod bounds;
mod knobs;
mod plan;
mod report;
mod samples;

pub use bounds::{Interval, bounds, hull};
pub use report::{LayerReport, QuantisationReport, top1};
pub use samples::{Range, Samples, random_samples};

use crate::{FixedNetwork, FixedPoint, Model, NetworkError, Weights};

/// What keeps values within the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Headroom {
    /// Interval bounds for all inputs from the least to the largest sample value: nothing can overflow.
    Proven,
    /// The samples' largest magnitude in each layer, times 2^`margin_bits`. Not proven: an input unlike the samples may
    /// overflow, and then the answer is wrong.
    Sampled {
        /// Bits that every layer's samples leave free.
        margin_bits: u32,
    },
}

/// A network in fixed point with its weights, calibrated on samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibrated {
    /// The plan.
    pub net: FixedNetwork,
    /// The rounded weights.
    pub weights: Weights,
    /// Values that the input may have, in whole units.
    pub input: Range,
    /// What each channel's values can be, by layer id, for all those inputs; in units of the layer's fraction bits.
    pub bounds: Vec<Vec<Interval>>,
    /// The ring in which every layer would keep all the fraction bits that the samples ask for, bits. It may be beyond 64.
    pub full_precision_bits: u32,
    /// Fraction bits that each layer gave up for the ring, by layer id: of its weights, or of its activations.
    pub given_up: Vec<u32>,
}

impl Calibrated {
    /// Signed bits that the proven bounds of all layers need.
    pub fn needed_bits(&self) -> u32 {
        self.bounds.iter().flatten().map(|interval| interval.signed_bits()).max().unwrap_or(1)
    }

    /// Whether no input within [`Calibrated::input`] can make a value leave the ring.
    pub fn is_proven(&self) -> bool {
        self.needed_bits() <= self.net.format.ring_bits
    }

    /// Bits of the ring that no value can reach; 0 if the bounds do not fit.
    pub fn spare_bits(&self) -> u32 {
        self.net.format.ring_bits.saturating_sub(self.needed_bits())
    }

    /// An input in fixed point, rounded to the nearest, ties away from zero.
    pub fn input(&self, values: &[f32]) -> Vec<i64> {
        let one = 2f64.powi(self.net.format.fraction_bits as i32);
        values.iter().map(|value| (f64::from(*value) * one).round() as i64).collect()
    }
}

/// Plans a model in a format, calibrated on `samples`.
///
/// The input keeps the format's f fraction bits, so that clients need to know nothing of the network. Behind each ReLU or
/// rescale the largest sample gets f + 4 bits (a tensor of values from 8 to 16 keeps f fraction bits, as without calibration); weights
/// get all bits of the format. Where a layer's bound leaves the ring, the more precise of its weights and its input gives up
/// a bit, until it fits; what later layers leave free again is given back.
///
/// # Errors
/// An impossible format, a model or samples that are wrong, or a ring that cannot hold the network at any useful precision; the error
/// says how many bits would do.
pub fn quantise(
    model: &Model,
    format: FixedPoint,
    samples: &Samples,
    headroom: Headroom,
) -> Result<Calibrated, NetworkError> {
    plan::plan(model, format, samples, headroom)
}
