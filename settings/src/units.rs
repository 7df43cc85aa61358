//! The quantities: numbers that carry their unit in the file and in the type.

use crate::quantity::{Kind, QuantityError};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// Declares one quantity over `f64` base units: its type, constructor, getter, units, text form and schema.
macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $getter:ident, $kind:literal, $example:literal, [$(($unit:literal, $factor:expr)),* $(,)?]) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
        pub struct $name(f64);

        impl $name {
            const KIND: Kind = Kind { name: $kind, example: $example, units: &[$(($unit, $factor)),*] };

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
    [("Hz", 1.0), ("kHz", 1e3), ("MHz", 1e6), ("GHz", 1e9), ("THz", 1e12)]
);
quantity!(
    /// A memory's or disk's bandwidth in bytes per second: `"35.2 GB/s"`.
    Bandwidth, bytes_per_s, "bandwidth in bytes per second", "35.2 GB/s",
    [
        ("B/s", 1.0), ("kB/s", 1e3), ("KB/s", 1e3), ("KiB/s", 1024.0), ("MB/s", 1e6), ("MiB/s", 1_048_576.0),
        ("GB/s", 1e9), ("GiB/s", 1_073_741_824.0), ("TB/s", 1e12), ("TiB/s", 1_099_511_627_776.0),
    ]
);
quantity!(
    /// A link's rate in bits per second: `"100 Mbps"`.
    BitRate, bits_per_s, "bit rate", "100 Mbps",
    [
        ("bit/s", 1.0), ("bps", 1.0), ("kbit/s", 1e3), ("kbps", 1e3), ("Mbit/s", 1e6), ("Mbps", 1e6),
        ("Gbit/s", 1e9), ("Gbps", 1e9), ("Tbit/s", 1e12), ("Tbps", 1e12),
    ]
);
quantity!(
    /// An energy: `"12 pJ"`.
    Energy, joules, "energy", "12 pJ",
    [
        ("fJ", 1e-15), ("pJ", 1e-12), ("nJ", 1e-9), ("uJ", 1e-6), ("µJ", 1e-6), ("mJ", 1e-3), ("J", 1.0), ("kJ", 1e3),
    ]
);
quantity!(
    /// A power: `"1.5 W"`.
    Power, watts, "power", "1.5 W",
    [("nW", 1e-9), ("uW", 1e-6), ("µW", 1e-6), ("mW", 1e-3), ("W", 1.0), ("kW", 1e3)]
);
quantity!(
    /// A silicon area: `"4.3 mm2"`.
    Area, mm2, "silicon area", "4.3 mm2",
    [("um2", 1e-6), ("µm2", 1e-6), ("um²", 1e-6), ("µm²", 1e-6), ("mm2", 1.0), ("mm²", 1.0), ("cm2", 100.0)]
);
quantity!(
    /// A span of time: `"20 ms"`.
    Duration, seconds, "span of time", "20 ms",
    [
        ("ps", 1e-12), ("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("min", 60.0), ("h", 3600.0),
    ]
);
quantity!(
    /// The energy of moving one bit: `"3.9 pJ/bit"`.
    EnergyPerBit, joules_per_bit, "energy per bit", "3.9 pJ/bit",
    [("fJ/bit", 1e-15), ("pJ/bit", 1e-12), ("nJ/bit", 1e-9), ("uJ/bit", 1e-6), ("µJ/bit", 1e-6), ("J/bit", 1.0)]
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
            ("B", 1.0),
            ("kB", 1e3),
            ("KB", 1e3),
            ("KiB", 1024.0),
            ("MB", 1e6),
            ("MiB", 1_048_576.0),
            ("GB", 1e9),
            ("GiB", 1_073_741_824.0),
            ("TB", 1e12),
            ("TiB", 1_099_511_627_776.0),
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
        let unit = Self::KIND
            .units
            .iter()
            .rev()
            .find(|(_, factor)| self.0 >= *factor as u64 && self.0.is_multiple_of(*factor as u64));
        let (symbol, factor) = unit.copied().unwrap_or(("B", 1.0));
        f.pad(&format!("{} {symbol}", self.0 / factor as u64))
    }
}

text_form!(Bytes);
