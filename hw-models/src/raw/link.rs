//! `[link]`: rates of both directions, or a total that they share.

use crate::link::{MIN_SHARE, UpShare};
use pisim_settings::{BitRate, Bytes, Duration, EnergyPerBit};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// The link between the parties.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLink {
    /// Rate from client to server that an application gets; with `down`, instead of `total` and `up_share`.
    pub up: Option<BitRate>,
    /// Rate from server to client that an application gets.
    pub down: Option<BitRate>,
    /// Rate of both directions together, split by `up_share`; instead of `up` and `down`.
    pub total: Option<BitRate>,
    /// The part of `total` that goes up, 0.001 to 0.999, or "optimal": the split with the least latency of the program at hand.
    pub up_share: Option<UpShare>,
    /// Time for an empty message to the other party and back.
    pub round_trip: Duration,
    /// Energy per bit sent, both ends and what lies between.
    pub energy: EnergyPerBit,
    /// Bytes on the wire per message beyond its own.
    pub message_overhead: Bytes,
}

/// The words that stand for a number.
const OPTIMAL: &str = "optimal";

impl<'de> Deserialize<'de> for UpShare {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Share;
        impl Visitor<'_> for Share {
            type Value = UpShare;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a part such as 0.1, or \"{OPTIMAL}\"")
            }
            fn visit_f64<E: Error>(self, part: f64) -> Result<UpShare, E> {
                Ok(UpShare::Fixed(part))
            }
            fn visit_i64<E: Error>(self, part: i64) -> Result<UpShare, E> {
                Ok(UpShare::Fixed(part as f64))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<UpShare, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Share)
    }
}

impl FromStr for UpShare {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no part; expected a number such as 0.1, or \"{OPTIMAL}\"");
        if text == OPTIMAL { Ok(Self::Optimal) } else { text.parse().map(Self::Fixed).map_err(|_| wrong()) }
    }
}

impl JsonSchema for UpShare {
    fn schema_name() -> Cow<'static, str> {
        "UpShare".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A part of the total, or the word for the best one.",
            "oneOf": [
                { "type": "number", "minimum": MIN_SHARE, "maximum": 1.0 - MIN_SHARE },
                { "type": "string", "enum": [OPTIMAL] },
            ],
        })
    }
}
