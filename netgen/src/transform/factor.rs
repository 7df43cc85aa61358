//! A factor by which something shrinks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A number above 0 and at most 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "f64", into = "f64")]
#[schemars(with = "f64", extend("exclusiveMinimum" = 0, "maximum" = 1))]
pub struct Factor(f64);

// No factor is NaN.
impl Eq for Factor {}

impl Factor {
    /// The factor that changes nothing.
    pub const ONE: Self = Self(1.0);

    /// A factor; none outside the range.
    pub fn new(value: f64) -> Option<Self> {
        (value > 0.0 && value <= 1.0).then_some(Self(value))
    }

    /// The number.
    pub const fn value(self) -> f64 {
        self.0
    }

    pub(super) fn is_one(&self) -> bool {
        *self == Self::ONE
    }

    /// So many times a whole number, rounded to the nearest (halves up), at least 1.
    pub fn of(self, count: usize) -> usize {
        // Counts of channels and pixels are far below 2^53; the product is not above the count.
        ((count as f64 * self.0).round() as usize).clamp(1, count.max(1))
    }
}

impl Default for Factor {
    fn default() -> Self {
        Self::ONE
    }
}

impl TryFrom<f64> for Factor {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, String> {
        Self::new(value).ok_or_else(|| format!("{value} is not possible, expected a number above 0 and at most 1"))
    }
}

impl From<Factor> for f64 {
    fn from(factor: Factor) -> Self {
        factor.0
    }
}

impl std::fmt::Display for Factor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_rounds_and_never_gives_nothing_or_more() {
        let half = Factor::new(0.5).unwrap();
        assert_eq!([half.of(64), half.of(5), half.of(1)], [32, 3, 1]);
        assert_eq!(Factor::new(1e-300).unwrap().of(1000), 1);
        assert_eq!(Factor::ONE.of(12_345), 12_345);
        assert!([0.0, -0.5, 1.000_001, f64::NAN, f64::INFINITY].iter().all(|&value| Factor::new(value).is_none()));
    }
}
