//! A transform from its TOML table: the `kind` says which parameters the other keys are.
//!
//! The parameters are read by themselves, not through the enum, whose buffering would lose the key that an error is about.

use std::fmt;

use pisim_settings::{Count, Source, did_you_mean, parse};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, IntoDeserializer, SeqAccess, Visitor};
use toml::{Table, Value};

use super::Transform;

/// All kinds, as files spell them.
const KINDS: [&str; 7] = ["equalize", "cull", "thin", "reshape", "relu-reuse", "mask", "spatial-mask"];

/// Why a table is no transform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableFault {
    /// The key that is wrong, in the table; empty for the table.
    pub key: String,
    /// What is wrong with it, and what was expected.
    pub problem: String,
}

/// Reads a transform.
pub(crate) fn from_table(mut table: Table) -> Result<Transform, TableFault> {
    let fault = |key: &str, problem: String| TableFault { key: key.into(), problem };
    let kinds = || KINDS.map(|kind| format!("`{kind}`")).join(", ");
    let kind = match table.remove("kind") {
        Some(Value::String(kind)) => kind,
        Some(other) => {
            return Err(fault("kind", format!("wrong type: {}; expected one of {}", other.type_str(), kinds())));
        }
        None => return Err(fault("", format!("missing key `kind`; expected one of {}", kinds()))),
    };
    match kind.as_str() {
        "equalize" => parameters(&table).map(Transform::Equalize),
        "cull" => parameters(&table).map(Transform::Cull),
        "thin" => parameters(&table).map(Transform::Thin),
        "reshape" => parameters(&table).map(Transform::Reshape),
        "relu-reuse" => parameters(&table).map(Transform::ReluReuse),
        "mask" => parameters(&table).map(Transform::Mask),
        "spatial-mask" => parameters(&table).map(Transform::SpatialMask),
        _ => Err(fault(
            "kind",
            format!("unknown value `{kind}`; expected one of {}{}", kinds(), did_you_mean(&kind, KINDS)),
        )),
    }
}

fn parameters<T: DeserializeOwned>(table: &Table) -> Result<T, TableFault> {
    // A table that was read can be written.
    let text = toml::to_string(table).map_err(|error| TableFault { key: String::new(), problem: error.to_string() })?;
    parse(&Source::new("", text)).map_err(|error| TableFault {
        key: error.key().to_owned(),
        problem: error.message().replace("missing key; expected it at the top of the file", "missing key"),
    })
}

/// Reads a list, or one value as the list of it alone.
pub(crate) fn one_or_many<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    struct OneOrMany<T>(std::marker::PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrMany<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Vec<T>, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(list))
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Vec<T>, E> {
            Ok(vec![T::deserialize(text.into_deserializer())?])
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<Vec<T>, E> {
            Ok(vec![T::deserialize(number.into_deserializer())?])
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<Vec<T>, E> {
            Ok(vec![T::deserialize(number.into_deserializer())?])
        }

        fn visit_f64<E: Error>(self, number: f64) -> Result<Vec<T>, E> {
            Ok(vec![T::deserialize(number.into_deserializer())?])
        }
    }
    deserializer.deserialize_any(OneOrMany(std::marker::PhantomData))
}

/// Reads a count, with or without a decimal prefix.
pub(crate) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(Option::<Count>::deserialize(deserializer)?.map(Count::get))
}

/// Reads a list of counts, or one as the list of it alone.
pub(crate) fn counts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
    Ok(one_or_many::<D, Count>(deserializer)?.into_iter().map(Count::get).collect())
}
