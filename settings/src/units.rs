//! The quantities: numbers that carry their unit in the file and in the type.

use crate::quantity::Scale::{Ten, Times};
use crate::quantity::{Kind, QuantityError};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// Declares one quantity over `f64` base units: its type, constructor, getter, units, text form and schema.
macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $getter:ident, $kind:literal, $example:literal, [$(($unit:literal, $scale:expr)),* $(,)?]) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
        pub struct $name(f64);

        impl $name {
            const KIND: Kind = Kind { name: $kind, example: $example, units: &[$(($unit, $scale)),*] };

            /// From the number of base units (the unit that the getter's name gives).
            ///
            /// # Errors
            /// The number is negative, infinite or not a number.
            pub fn new(value: f64) -> Result<Self, QuantityError> {
                Self::KIND.check(value).map(Self)
            }

            /// The value in the unit that the name gives.
            pub const fn $getter(self) -> f64 {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = QuantityError;
            fn from_str(text: &str) -> Result<Self, QuantityError> {
                Self::KIND.parse(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&Self::KIND.print(self.0))
            }
        }

        text_form!($name);
    };
}

/// Serde and schema through the text form.
macro_rules! text_form {
    ($name:ident) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl Visitor<'_> for Text {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(&$name::KIND.expectation())
                    }
                    fn visit_str<E: Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string",
                    "description": format!("A {} with its unit.", Self::KIND.name),
                    "pattern": Self::KIND.pattern(),
                    "examples": [Self::KIND.example],
                })
            }
        }
    };
}

quantity!(
    /// A clock frequency: `"1 GHz"`.
    Frequency, hz, "frequency", "1 GHz",
    [("Hz", Ten(0)), ("kHz", Ten(3)), ("MHz", Ten(6)), ("GHz", Ten(9)), ("THz", Ten(12))]
);
quantity!(
    /// A memory's or disk's bandwidth in bytes per second: `"35.2 GB/s"`.
    Bandwidth, bytes_per_s, "bandwidth in bytes per second", "35.2 GB/s",
    [
        ("B/s", Ten(0)), ("kB/s", Ten(3)), ("KB/s", Ten(3)), ("KiB/s", Times(1024.0)), ("MB/s", Ten(6)), ("MiB/s", Times(1_048_576.0)),
        ("GB/s", Ten(9)), ("GiB/s", Times(1_073_741_824.0)), ("TB/s", Ten(12)), ("TiB/s", Times(1_099_511_627_776.0)),
    ]
);
quantity!(
    /// A link's rate in bits per second: `"100 Mbps"`.
    BitRate, bits_per_s, "bit rate", "100 Mbps",
    [
        ("bit/s", Ten(0)), ("bps", Ten(0)), ("kbit/s", Ten(3)), ("kbps", Ten(3)), ("Mbit/s", Ten(6)), ("Mbps", Ten(6)),
        ("Gbit/s", Ten(9)), ("Gbps", Ten(9)), ("Tbit/s", Ten(12)), ("Tbps", Ten(12)),
    ]
);
quantity!(
    /// An energy: `"12 pJ"`.
    Energy, joules, "energy", "12 pJ",
    [
        ("fJ", Ten(-15)), ("pJ", Ten(-12)), ("nJ", Ten(-9)), ("uJ", Ten(-6)), ("µJ", Ten(-6)), ("mJ", Ten(-3)), ("J", Ten(0)), ("kJ", Ten(3)),
    ]
);
quantity!(
    /// A power: `"1.5 W"`.
    Power, watts, "power", "1.5 W",
    [("nW", Ten(-9)), ("uW", Ten(-6)), ("µW", Ten(-6)), ("mW", Ten(-3)), ("W", Ten(0)), ("kW", Ten(3))]
);
quantity!(
    /// A silicon area: `"4.3 mm2"`.
    Area, mm2, "silicon area", "4.3 mm2",
    [("um2", Ten(-6)), ("µm2", Ten(-6)), ("um²", Ten(-6)), ("µm²", Ten(-6)), ("mm2", Ten(0)), ("mm²", Ten(0)), ("cm2", Ten(2))]
);
quantity!(
    /// A span of time: `"20 ms"`.
    Duration, seconds, "span of time", "20 ms",
    [
        ("ps", Ten(-12)), ("ns", Ten(-9)), ("us", Ten(-6)), ("µs", Ten(-6)), ("ms", Ten(-3)), ("s", Ten(0)), ("min", Times(60.0)), ("h", Times(3600.0)),
    ]
);
quantity!(
    /// The energy of moving one bit: `"3.9 pJ/bit"`.
    EnergyPerBit, joules_per_bit, "energy per bit", "3.9 pJ/bit",
    [("fJ/bit", Ten(-15)), ("pJ/bit", Ten(-12)), ("nJ/bit", Ten(-9)), ("uJ/bit", Ten(-6)), ("µJ/bit", Ten(-6)), ("mJ/bit", Ten(-3)), ("J/bit", Ten(0))]
);

/// An amount of storage, a whole number of bytes: `"2 MiB"` (binary) or `"64 KB"` (decimal).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bytes(u64);

/// Above this a double no longer holds every whole number.
const EXACT_LIMIT: f64 = 9_007_199_254_740_992.0;

impl Bytes {
    const KIND: Kind = Kind {
        name: "whole number of bytes",
        example: "2 MiB",
        units: &[
            ("B", Ten(0)),
            ("kB", Ten(3)),
            ("KB", Ten(3)),
            ("KiB", Times(1024.0)),
            ("MB", Ten(6)),
            ("MiB", Times(1_048_576.0)),
            ("GB", Ten(9)),
            ("GiB", Times(1_073_741_824.0)),
            ("TB", Ten(12)),
            ("TiB", Times(1_099_511_627_776.0)),
        ],
    };

    /// From a number of bytes.
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// The number of bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for Bytes {
    type Err = QuantityError;
    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let value = Self::KIND.parse(text)?;
        if value.fract() != 0.0 {
            return Err(Self::KIND.error(format!("`{text}` is a fraction of a byte")));
        }
        if value > EXACT_LIMIT {
            return Err(Self::KIND.error(format!("`{text}` is more than 8192 TiB")));
        }
        Ok(Self(value as u64))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |&&(_, factor): &&(&str, u64)| self.0 >= factor && self.0.is_multiple_of(factor);
        let units = Self::KIND.units.iter().rev().map(|(symbol, scale)| (*symbol, scale.factor() as u64));
        let units: Vec<(&str, u64)> = units.collect();
        let (symbol, factor) = units.iter().find(whole).copied().unwrap_or(("B", 1));
        f.pad(&format!("{} {symbol}", self.0 / factor))
    }
}

text_form!(Bytes);
