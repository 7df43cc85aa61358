//! A count that may be written with a decimal prefix.

use crate::QuantityError;
use crate::quantity::{Kind, Scale::Ten};
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A whole number of things, plain or with a decimal prefix: `100000`, `100k`, `1.5M`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Count(u64);

/// Above this a double no longer holds every whole number.
const EXACT_LIMIT: f64 = 9_007_199_254_740_992.0;

impl Count {
    const KIND: Kind = Kind {
        name: "count",
        example: "100k",
        units: &[("", Ten(0)), ("k", Ten(3)), ("K", Ten(3)), ("M", Ten(6)), ("G", Ten(9)), ("T", Ten(12))],
    };

    /// From the number.
    pub const fn new(count: u64) -> Self {
        Self(count)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl FromStr for Count {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let value = Self::KIND.parse(text)?;
        if value.fract() != 0.0 || value > EXACT_LIMIT {
            return Err(Self::KIND.error(format!("`{}` is no whole number up to 2^53", text.trim())));
        }
        Ok(Self(value as u64))
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_plain_or_have_a_prefix_and_are_whole() {
        for (text, count) in [
            ("100000", 100_000),
            ("100k", 100_000),
            ("1.5M", 1_500_000),
            ("500 M", 500_000_000),
            ("1e3", 1000),
            ("0", 0),
        ] {
            assert_eq!(text.parse::<Count>().unwrap().get(), count, "{text}");
        }
        for (text, says) in [
            ("1.5", "no whole number"),
            ("0.0001k", "no whole number"),
            ("many", "does not start with a number"),
            ("-3", "negative"),
            ("1e99", "no whole number up to 2^53"),
            ("5s", "wrong unit `s`"),
            ("5m", "wrong unit `m`"),
            ("", "does not start"),
        ] {
            let error = text.parse::<Count>().unwrap_err().to_string();
            assert!(error.contains(says) && error.contains("such as \"100k\""), "{text}: {error}");
        }
    }
}
