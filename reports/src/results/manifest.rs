//! The manifest of a folder of results: exactly what was computed, so that every row can be computed again.

use super::layers;
use super::schema::{ColumnInfo, Schema};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The version of the folder's layout.
const FORMAT: u32 = 1;

/// The largest chunk: less than a second of work at the closed-form level.
const MOST_POINTS_IN_CHUNK: u64 = 4096;
/// The smallest chunk, for a file costs as much as some points.
const LEAST_POINTS_IN_CHUNK: u64 = 64;
/// A sweep is cut into at least so many chunks, if they do not become too small.
const CHUNKS: u64 = 64;

/// A file that the results depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// `sweep`, `network`, `protocol`, `hardware`, …
    pub kind: String,
    /// Its name, without the folders that differ between machines.
    pub name: String,
    /// The BLAKE3 hash of its content.
    pub blake3: String,
    /// Its text; none for a binary file.
    pub text: Option<String>,
}

impl Input {
    /// A file with its content.
    pub fn new(kind: &str, name: &str, content: &[u8]) -> Self {
        let text = std::str::from_utf8(content).ok().map(str::to_owned);
        Self { kind: kind.to_owned(), name: name.to_owned(), blake3: blake3::hash(content).to_hex().to_string(), text }
    }
}

/// One of equal parts of a sweep: shard `index` of `count`, written `index/count` and counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Which one, below `count`.
    pub index: u64,
    /// How many there are.
    pub count: u64,
}

impl Shard {
    /// Its points of `points` in all: consecutive ones, so that few shards need the same network.
    pub fn range(self, points: u64) -> std::ops::Range<u64> {
        let cut = |index: u64| {
            let cut = u128::from(points) * u128::from(index) / u128::from(self.count.max(1));
            u64::try_from(cut).unwrap_or(points)
        };
        cut(self.index)..cut(self.index.saturating_add(1).min(self.count))
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
        match parts {
            Some((index, count)) if index < count => Ok(Self { index, count }),
            _ => Err(format!("`{text}` is no shard; expected INDEX/COUNT with INDEX from 0 to COUNT - 1, such as 0/4")),
        }
    }
}

/// A file of results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileInfo {
    /// Its name in the folder.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// The BLAKE3 hash of its content.
    pub blake3: String,
}

/// What a folder of results was computed from. Nothing in it depends on time, machine or folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the folder's layout.
    pub format: u32,
    /// The version of pisim.
    pub pisim: String,
    /// The sweep's file.
    pub sweep: Input,
    /// Every other file that the results depend on.
    pub inputs: Vec<Input>,
    /// The seed of what is sampled.
    pub seed: Option<u64>,
    /// How latencies are found: `event` or `closed-form`.
    pub level: String,
    /// How points are chosen: `grid`, `random`, `latin-hypercube`, `sobol`, …
    pub sampling: String,
    /// Options of the command line that change results, as given.
    pub options: Vec<String>,
    /// Points of the whole sweep.
    pub points: u64,
    /// Points that are evaluated and kept together.
    pub chunk_points: u64,
    /// Which part of the sweep is here; none for all of it.
    pub shard: Option<Shard>,
    /// The command that computes one row again, with `{point}` for the point's number and `{dir}` for this folder.
    pub command: String,
    /// The columns of `points.parquet` and `points.csv`.
    pub columns: Vec<ColumnInfo>,
    /// The columns of `layers.parquet`; empty if the sweep does not ask for layers.
    pub layer_columns: Vec<ColumnInfo>,
    /// Whether all points are there.
    pub finished: bool,
    /// Rows, once finished. A sweep whose constraints exclude points has fewer rows than points.
    pub rows: Option<u64>,
    /// Rows with an error, once finished.
    pub failed: Option<u64>,
    /// The files, once finished.
    pub files: Vec<FileInfo>,
}

impl Manifest {
    /// Of a whole sweep of `points` points on a grid, at the event level; the public fields say what differs.
    pub fn new(pisim: &str, sweep: Input, points: u64, schema: &Schema) -> Self {
        Self {
            format: FORMAT,
            pisim: pisim.to_owned(),
            sweep,
            inputs: Vec::new(),
            seed: None,
            level: "event".to_owned(),
            sampling: "grid".to_owned(),
            options: Vec::new(),
            points,
            chunk_points: chunk_points(points),
            shard: None,
            command: String::new(),
            columns: schema.columns(),
            layer_columns: Vec::new(),
            finished: false,
            rows: None,
            failed: None,
            files: Vec::new(),
        }
    }

    /// Asks for `layers.parquet` besides the points.
    #[must_use]
    pub fn with_layers(self) -> Self {
        Self { layer_columns: layers::columns(), ..self }
    }

    /// The points that are evaluated here.
    pub fn range(&self) -> std::ops::Range<u64> {
        self.shard.map_or(0..self.points, |shard| shard.range(self.points))
    }

    /// The command that computes the row of `point` in the folder `dir` again.
    pub fn command_of(&self, dir: &str, point: u64) -> String {
        self.command.replace("{dir}", dir).replace("{point}", &point.to_string())
    }

    /// What makes results of `other` (what is asked for now) differ from those here; nothing if they are the same bits.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let versions = (self.pisim != other.pisim || self.format != other.format)
            .then(|| format!("made by pisim {}, and this is {}", self.pisim, other.pisim));
        let sweep = (self.sweep.blake3 != other.sweep.blake3).then(|| {
            format!(
                "of `{}` ({}), and now it is `{}` ({})",
                self.sweep.name,
                short(&self.sweep),
                other.sweep.name,
                short(&other.sweep)
            )
        });
        let settings = [
            ("seed", shown(&self.seed), shown(&other.seed)),
            ("level", self.level.clone(), other.level.clone()),
            ("sampling", self.sampling.clone(), other.sampling.clone()),
            ("options", self.options.join(" "), other.options.join(" ")),
            ("points", self.points.to_string(), other.points.to_string()),
            ("points of a chunk", self.chunk_points.to_string(), other.chunk_points.to_string()),
        ];
        let settings = settings.into_iter().find(|(_, here, now)| here != now);
        versions
            .or(sweep)
            .or_else(|| self.input_difference(other))
            .or_else(|| settings.map(|(name, here, now)| format!("{name}: `{here}` there, `{now}` now")))
            .or_else(|| self.column_difference(other))
    }

    fn input_difference(&self, other: &Self) -> Option<String> {
        let find = |inputs: &[Input], wanted: &Input| {
            inputs.iter().find(|input| input.kind == wanted.kind && input.name == wanted.name).cloned()
        };
        for here in &self.inputs {
            match find(&other.inputs, here) {
                None => return Some(format!("with the {} `{}`, which is not used now", here.kind, here.name)),
                Some(now) if now.blake3 != here.blake3 => {
                    return Some(format!(
                        "the {} `{}` has changed ({} there, {} now)",
                        here.kind,
                        here.name,
                        short(here),
                        short(&now)
                    ));
                }
                Some(_) => {}
            }
        }
        let added = other.inputs.iter().find(|now| find(&self.inputs, now).is_none());
        added.map(|now| format!("without the {} `{}`", now.kind, now.name))
    }

    fn column_difference(&self, other: &Self) -> Option<String> {
        if self.layer_columns.is_empty() != other.layer_columns.is_empty() {
            return Some("one with layers, the other without".to_owned());
        }
        let names = |columns: &[ColumnInfo]| columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
        let same = self.columns == other.columns && self.layer_columns == other.layer_columns;
        let (here, now) = (names(&self.columns), names(&other.columns));
        let first =
            now.iter().find(|name| !here.contains(name)).or_else(|| here.iter().find(|name| !now.contains(name)));
        (!same).then(|| first.map_or("other columns".to_owned(), |name| format!("other columns: `{name}`")))
    }
}

/// Chunks of the whole sweep; the same for all its shards.
fn chunk_points(points: u64) -> u64 {
    points.div_ceil(CHUNKS).next_power_of_two().clamp(LEAST_POINTS_IN_CHUNK, MOST_POINTS_IN_CHUNK)
}

fn short(input: &Input) -> &str {
    input.blake3.get(..12).unwrap_or(&input.blake3)
}

fn shown(seed: &Option<u64>) -> String {
    seed.map_or_else(|| "none".to_owned(), |seed| seed.to_string())
}
