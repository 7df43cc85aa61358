//! A count that may be written with a decimal prefix.

use crate::QuantityError;
use crate::quantity::{Kind, Scale::Ten};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// A whole number of things, plain or with a decimal prefix: `100000`, `100k`, `1.5M`. In files a number, or a text.
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

    fn whole(value: f64, text: &str) -> Result<Self, QuantityError> {
        if value.fract() != 0.0 || value > EXACT_LIMIT {
            return Err(Self::KIND.error(format!("`{text}` is no whole number up to 2^53")));
        }
        Ok(Self(value as u64))
    }
}

impl FromStr for Count {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        Self::whole(Self::KIND.parse(text)?, text.trim())
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

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberOrText;
        impl Visitor<'_> for NumberOrText {
            type Value = Count;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&Count::KIND.expectation())
            }
            fn visit_u64<E: Error>(self, count: u64) -> Result<Count, E> {
                Ok(Count(count))
            }
            fn visit_i64<E: Error>(self, count: i64) -> Result<Count, E> {
                let negative = |_| E::custom(Count::KIND.error(format!("`{count}` is negative")));
                u64::try_from(count).map(Count).map_err(negative)
            }
            fn visit_f64<E: Error>(self, count: f64) -> Result<Count, E> {
                let value = Count::KIND.check(count).map_err(E::custom)?;
                Count::whole(value, &count.to_string()).map_err(E::custom)
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Count, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(NumberOrText)
    }
}

impl JsonSchema for Count {
    fn schema_name() -> Cow<'static, str> {
        "Count".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A whole number, plain or with a decimal prefix.",
            "anyOf": [
                { "type": "integer", "minimum": 0 },
                { "type": "string", "pattern": Self::KIND.pattern(), "examples": [Self::KIND.example] },
            ],
        })
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
    #[test]
    fn files_have_counts_as_numbers_or_with_a_prefix() {
        let read = |value: serde_json::Value| serde_json::from_value::<Count>(value).map_err(|error| error.to_string());
        for value in [serde_json::json!(2000), "2000".into(), "2k".into(), 2e3.into(), "2 k".into()] {
            assert_eq!(read(value.clone()), Ok(Count::new(2000)), "{value}");
        }
        for (value, says) in [
            (serde_json::json!(-1), "`-1` is negative"),
            (1.5.into(), "`1.5` is no whole number"),
            ((-2.0).into(), "negative"),
            ("2 kB".into(), "wrong unit `kB`"),
            (true.into(), "a count such as \"100k\""),
        ] {
            let error = read(value).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
