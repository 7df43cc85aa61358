//! The parameters of non-linear operations, and what each makes of a value that is rescaled already.
//!
//! Every non-linear operation first shifts its input right to f fraction bits (floor), then acts. A shift keeps the order and the
//! sign of values, so the maximum of a window may be taken before it or after it, and an activation that never falls may
//! come before the maximum or after it: the answer is the same, bit for bit.

use serde::{Deserialize, Serialize};

use crate::{FixedPoint, Network, NetworkError, Op, Shape};

/// Most fraction bits of a public slope.
const MAX_SLOPE_BITS: u32 = 16;

/// The public slope of a leaky ReLU below zero: `numerator / 2^bits`, from 0 to 1, in lowest terms.
///
/// A slope is a part of the architecture, which both parties know; few non-zero binary digits make its circuit small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawSlope", into = "RawSlope")]
pub struct Slope {
    numerator: u32,
    bits: u32,
}

/// A slope as written in a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSlope {
    numerator: u32,
    bits: u32,
}

impl TryFrom<RawSlope> for Slope {
    type Error = NetworkError;

    fn try_from(raw: RawSlope) -> Result<Self, NetworkError> {
        Self::new(raw.numerator, raw.bits)
    }
}

impl From<Slope> for RawSlope {
    fn from(slope: Slope) -> Self {
        Self { numerator: slope.numerator, bits: slope.bits }
    }
}

impl Slope {
    /// The slope `numerator / 2^bits`.
    ///
    /// # Errors
    /// A slope above 1, or one that needs more than 16 fraction bits.
    pub fn new(numerator: u32, bits: u32) -> Result<Self, NetworkError> {
        let twos = if numerator == 0 { bits } else { numerator.trailing_zeros().min(bits) };
        let slope = Self { numerator: numerator.checked_shr(twos).unwrap_or(0), bits: bits - twos };
        if slope.bits > MAX_SLOPE_BITS || slope.numerator > 1 << slope.bits {
            return Err(NetworkError::Option {
                key: "slope",
                value: format!("{numerator}/2^{bits}"),
                expected: format!("a number from 0 to 1 with at most {MAX_SLOPE_BITS} binary fraction digits"),
            });
        }
        Ok(slope)
    }

    /// The slope that is nearest to a number, with at most `bits` fraction bits.
    ///
    /// # Errors
    /// A number that is not from 0 to 1, or more than 16 bits.
    pub fn nearest(value: f64, bits: u32) -> Result<Self, NetworkError> {
        if !(0.0..=1.0).contains(&value) {
            return Err(NetworkError::Option {
                key: "slope",
                value: value.to_string(),
                expected: "a number from 0 to 1".into(),
            });
        }
        // At most 2^16 once `new` has checked the bits.
        Self::new((value * f64::from(1u32 << bits.min(MAX_SLOPE_BITS))).round() as u32, bits)
    }

    /// The slope's numerator n: the slope is n / 2^bits.
    pub const fn numerator(&self) -> u32 {
        self.numerator
    }

    /// The slope's fraction bits, 0 to 16.
    pub const fn bits(&self) -> u32 {
        self.bits
    }

    /// The slope as a number, exact.
    pub fn value(&self) -> f64 {
        f64::from(self.numerator) / f64::from(1u32 << self.bits.min(MAX_SLOPE_BITS))
    }
}

impl std::fmt::Display for Slope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.numerator, 1u64 << self.bits)
    }
}

/// An activation of single values that never falls: it may change places with a maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pointwise {
    /// As [`Op::Relu`].
    Relu,
    /// As [`Op::ClampedRelu`].
    ClampedRelu {
        /// The largest result, in whole units.
        max: u32,
    },
    /// As [`Op::LeakyRelu`].
    LeakyRelu {
        /// The slope below zero.
        slope: Slope,
    },
}

impl Pointwise {
    /// The operation that does only this.
    pub const fn op(self) -> Op {
        match self {
            Self::Relu => Op::Relu,
            Self::ClampedRelu { max } => Op::ClampedRelu { max },
            Self::LeakyRelu { slope } => Op::LeakyRelu { slope },
        }
    }

    /// What the activation makes of a value with f fraction bits. Below zero a leaky ReLU gives floor(n · t / 2^bits).
    pub fn apply(self, format: &FixedPoint, value: i128) -> i128 {
        match self {
            Self::Relu => format.relu(value),
            Self::ClampedRelu { max } => format.relu(value).min(i128::from(max) << format.fraction_bits),
            Self::LeakyRelu { slope } if value < 0 => (value * i128::from(slope.numerator)) >> slope.bits,
            Self::LeakyRelu { .. } => value,
        }
    }
}

/// What a parametric ReLU makes of a value with f fraction bits: below zero floor(w · t / 2^f), for a weight w with f
/// fraction bits. A steep slope may leave the ring and wrap, as a convolution may.
pub fn prelu(format: &FixedPoint, slope: i32, value: i128) -> i128 {
    if value < 0 { (value * i128::from(slope)) >> format.fraction_bits } else { value }
}

/// A square window that slides over every feature map, with padding of minus infinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MaxWindow {
    /// Rows and columns.
    pub kernel: usize,
    /// Step between two windows.
    pub stride: usize,
    /// Rows and columns of minus infinity on each side.
    pub padding: usize,
}

impl MaxWindow {
    /// Values of one window, padding included.
    pub const fn taps(&self) -> usize {
        self.kernel * self.kernel
    }

    /// For each output value the positions of its window's values in the input: `kernel²` for each, row by row.
    ///
    /// A position in the padding repeats the nearest value of the image. That value lies in the same window, so the maximum
    /// is the one with minus infinity, and every window has the same number of values.
    pub fn positions(&self, from: Shape, to: Shape) -> Vec<u32> {
        let inside = |at: usize, offset: usize, size: usize| {
            (at * self.stride + offset).saturating_sub(self.padding).min(size.saturating_sub(1))
        };
        let mut positions = Vec::with_capacity(to.len() * self.taps());
        for channel in 0..to.channels {
            for (y, x) in (0..to.height).flat_map(|y| (0..to.width).map(move |x| (y, x))) {
                for (ky, kx) in (0..self.kernel).flat_map(|ky| (0..self.kernel).map(move |kx| (ky, kx))) {
                    let (row, column) = (inside(y, ky, from.height), inside(x, kx, from.width));
                    positions.push(((channel * from.height + row) * from.width + column) as u32);
                }
            }
        }
        positions
    }
}

/// Joins every max pool with the activation before it or after it that nobody else reads: one comparison tree and one activation
/// for each output value instead of an activation for each input value. The layer gets the name and the stage of the later of the
/// two, whose output it has.
///
/// max(relu(x)) = relu(max(x)), and the same for every [`Pointwise`] activation, because none of them falls.
pub(crate) fn fuse(network: &Network) -> Result<Option<Network>, NetworkError> {
    let consumers = network.consumers();
    let only_reader = |id: crate::LayerId| match consumers.get(id.0).map(Vec::as_slice) {
        Some([reader]) => Some(*reader),
        _ => None,
    };
    let mut dropped = std::collections::HashSet::new();
    let mut fused = network.clone();
    for (id, layer) in network.iter() {
        let Op::MaxPool { kernel, stride, padding } = layer.op else { continue };
        let before = layer.inputs.first().copied().filter(|&input| only_reader(input) == Some(id));
        let candidates = [before, only_reader(id)].into_iter().flatten();
        let found = candidates.filter(|other| !dropped.contains(other));
        // What a mask leaves of an activation does not change places with a maximum.
        let pointwise = |id| Some(network.layer(id)).filter(|layer| layer.mask.is_none())?.op.pointwise();
        let activation = found.filter_map(|other| Some((other, pointwise(other)?))).next();
        if let Some((other, then)) = activation {
            dropped.insert(other);
            let last = network.layer(id.max(other));
            if let Some(pool) = fused.layers.get_mut(id.0) {
                pool.op = Op::MaxPoolThen { kernel, stride, padding, then };
                (pool.name, pool.stage) = (last.name.clone(), last.stage);
            }
        }
    }
    if dropped.is_empty() {
        return Ok(None);
    }
    crate::NetworkBuilder::rebuild(&fused, |id| !dropped.contains(&id)).map(Some)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn slopes_are_kept_in_lowest_terms_and_refused_outside_0_to_1() {
        let eighth = Slope::new(2, 4).unwrap();
        assert_eq!((eighth.numerator(), eighth.bits(), eighth.value()), (1, 3, 0.125));
        assert_eq!(eighth.to_string(), "1/8");
        assert_eq!(Slope::nearest(0.01, 12).unwrap(), Slope::new(41, 12).unwrap());
        assert_eq!(Slope::nearest(1.0, 16).unwrap(), Slope::new(1, 0).unwrap());
        assert_eq!(Slope::new(0, 40).unwrap().bits(), 0);
        for (numerator, bits) in [(2, 0), (257, 8), (1, 17), (3, u32::MAX)] {
            assert!(Slope::new(numerator, bits).unwrap_err().to_string().contains("from 0 to 1"), "{numerator} {bits}");
        }
        for value in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(Slope::nearest(value, 8).is_err(), "{value}");
        }
        assert!(Slope::nearest(0.3, 17).is_err());
        assert_eq!(serde_json::to_string(&eighth).unwrap(), r#"{"numerator":1,"bits":3}"#);
        assert!(serde_json::from_str::<Slope>(r#"{"numerator":3,"bits":1}"#).is_err());
    }

    #[test]
    fn positions_in_the_padding_repeat_a_value_of_the_same_window() {
        let window = MaxWindow { kernel: 3, stride: 2, padding: 1 };
        let positions = window.positions(Shape::new(1, 3, 3), Shape::new(1, 2, 2));
        assert_eq!(positions[..9], [0, 0, 1, 0, 0, 1, 3, 3, 4]);
        assert_eq!(positions[27..], [4, 5, 5, 7, 8, 8, 7, 8, 8]);
    }
}
