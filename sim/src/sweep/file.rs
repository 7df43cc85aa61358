//! Sweep files as they are written: every key and its meaning. Checked and converted once, in `load`.

use super::range::Scale;
use crate::result::Level;
use pisim_settings::{Area, Bandwidth, BitRate, Power, Spanned, Value};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use std::borrow::Cow;

/// A sweep: networks × protocols × platforms, and keys of their files that vary.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "pisim sweep")]
pub(super) struct SweepFile {
    /// The title of its report.
    pub title: Option<String>,
    /// What it asks, in a sentence or two.
    pub description: Option<String>,
    /// Built-in networks or files.
    #[schemars(with = "Vec<String>")]
    pub networks: Spanned<Vec<Spanned<String>>>,
    /// Built-in protocols or .toml files; `ring-gc` without this key.
    #[schemars(with = "Option<Vec<String>>")]
    pub protocols: Option<Spanned<Vec<Spanned<String>>>>,
    /// Built-in platforms or .toml files.
    #[schemars(with = "Vec<String>")]
    pub hardware: Spanned<Vec<Spanned<String>>>,
    /// How latencies are found: `closed-form`, as without this key, or `event`.
    pub level: Option<LevelName>,
    /// Whether results have every layer of every point; false without this key.
    #[serde(default)]
    pub layers: bool,
    /// What varies. Axes are independent of each other.
    #[serde(default, rename = "axis")]
    pub axes: Vec<AxisFile>,
    /// Keys whose values follow from the axes.
    #[serde(default)]
    pub derived: Vec<DerivedFile>,
    /// What points have to meet. Others are left out of the results.
    #[serde(default)]
    pub constraints: ConstraintsFile,
    /// Which points of the axes are evaluated; all of their combinations without this table.
    pub sampling: Option<SamplingFile>,
    /// Look for the best points instead of sampling.
    pub search: Option<SearchFile>,
}

/// How latencies are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum LevelName {
    /// Without events: never above the event engine's latency.
    ClosedForm,
    /// By events.
    Event,
}

impl From<LevelName> for Level {
    fn from(name: LevelName) -> Self {
        match name {
            LevelName::ClosedForm => Self::ClosedForm,
            LevelName::Event => Self::Event,
        }
    }
}

/// One axis: a key, or several, and its values.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AxisFile {
    /// The name of its column in the results and in expressions; the key's last part without this key.
    #[schemars(with = "Option<String>")]
    pub name: Option<Spanned<String>>,
    /// The key that it sets: `network.…`, `protocol.…`, `hardware.…` or `mapping.…`.
    #[schemars(with = "Option<String>")]
    pub key: Option<Spanned<String>>,
    /// Several keys that all get the same value.
    #[schemars(with = "Option<Vec<String>>")]
    pub keys: Option<Spanned<Vec<Spanned<String>>>>,
    /// Its values, as they would stand in the file: numbers, text, quantities, lists or whole tables.
    #[schemars(with = "Option<Vec<AnyValue>>")]
    pub values: Option<Spanned<Vec<Spanned<Value>>>>,
    /// A name for each of the values, for tables and plots.
    #[schemars(with = "Option<Vec<String>>")]
    pub labels: Option<Spanned<Vec<String>>>,
    /// An evenly spaced range instead of values.
    #[schemars(with = "Option<RangeFile>")]
    pub range: Option<Spanned<RangeFile>>,
    /// Several axes with equally many values that go together, the first with the first and so on; instead of a key.
    #[schemars(with = "Option<Vec<AxisFile>>")]
    pub zip: Option<Spanned<Vec<AxisFile>>>,
}

/// A range. Without `steps` and `step` it is continuous, which a grid cannot have.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RangeFile {
    /// The first value: a number or a quantity.
    #[schemars(with = "AnyValue")]
    pub from: Value,
    /// The last one.
    #[schemars(with = "AnyValue")]
    pub to: Value,
    /// How many values, both ends among them.
    pub steps: Option<u64>,
    /// From one value to the next: what is added or, on a logarithmic scale, multiplied by.
    #[schemars(with = "Option<AnyValue>")]
    pub step: Option<Value>,
    /// `linear`, as without this key, or `log`.
    #[serde(default)]
    pub scale: Scale,
}

/// A key, or several, whose value follows from the axes.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DerivedFile {
    /// The name of its column; the key's last part without this key.
    #[schemars(with = "Option<String>")]
    pub name: Option<Spanned<String>>,
    /// The key that it sets.
    #[schemars(with = "Option<String>")]
    pub key: Option<Spanned<String>>,
    /// Several keys that all get the same value.
    #[schemars(with = "Option<Vec<String>>")]
    pub keys: Option<Spanned<Vec<Spanned<String>>>>,
    /// Its value: an expression over names of axes and of derived values before it. Quantities count in their base unit (Hz, B/s,
    /// bit/s, J, W, mm², s, J/bit, B).
    #[schemars(with = "String")]
    pub value: Spanned<String>,
    /// The unit of the value, such as "GB/s", where the key expects a quantity.
    #[schemars(with = "Option<String>")]
    pub unit: Option<Spanned<String>>,
}

/// What points have to meet.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ConstraintsFile {
    /// Area of the client's ASIC, at most.
    pub client_area: Option<Area>,
    /// Area of the server's ASIC, at most.
    pub server_area: Option<Area>,
    /// Area of both, at most.
    pub area: Option<Area>,
    /// Average power of an inference, both parties, at most.
    pub power: Option<Power>,
    /// With true, designs that do not fit their FPGA board are left out.
    pub fits: Option<bool>,
    /// Peak bandwidth of the server's memory, at most.
    pub memory_bandwidth: Option<Bandwidth>,
    /// Rate of both directions of the link together, at most.
    pub link_rate: Option<BitRate>,
    /// Expressions over axes and columns of the results that must be true, such as `latency_online_s < 1`.
    #[serde(rename = "where")]
    #[schemars(with = "Vec<String>")]
    pub expressions: Vec<Spanned<String>>,
}

/// Which points are evaluated.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SamplingFile {
    /// `grid`, `random`, `latin-hypercube` or `sobol`.
    pub method: Method,
    /// How many points for each network, protocol and platform; not of a grid.
    #[schemars(with = "Option<u64>")]
    pub points: Option<Spanned<u64>>,
    /// The seed; 0 without this key.
    #[schemars(with = "Option<u64>")]
    pub seed: Option<Spanned<u64>>,
}

/// The ways to sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Method {
    /// All combinations.
    Grid,
    /// Independent and uniform.
    Random,
    /// One point in each stratum of each axis.
    LatinHypercube,
    /// A low-discrepancy sequence.
    Sobol,
}

/// A search for the points that no other one beats in all objectives.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchFile {
    /// The algorithm: `nsga2`.
    #[allow(dead_code, reason = "a single choice so far; parsing checks it")]
    pub method: SearchMethod,
    /// What is to be small: `latency`, `energy`, `area`, `bytes`, `storage`, or a column of the results that holds numbers.
    #[schemars(with = "Vec<String>")]
    pub objectives: Spanned<Vec<Spanned<String>>>,
    /// Points of a generation.
    #[schemars(with = "u64")]
    pub population: Spanned<u64>,
    /// Generations, the first, random one among them.
    #[schemars(with = "u64")]
    pub generations: Spanned<u64>,
    /// The seed; 0 without this key.
    #[serde(default)]
    pub seed: u64,
}

/// The algorithms of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SearchMethod {
    /// NSGA-II (Deb et al. 2002).
    Nsga2,
}

/// Whatever TOML can hold.
pub(super) struct AnyValue;

impl JsonSchema for AnyValue {
    fn schema_name() -> Cow<'static, str> {
        "AnyValue".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "A value as it would stand in the file whose key it is." })
    }
}
