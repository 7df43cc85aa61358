//! Sweeps and their folders: the columns and the manifest of a sweep, and its run into a folder.

use super::folder::ResultsFolder;
use super::frame::Kind;
use super::manifest::{Input, Manifest, Shard};
use super::schema::{AxisColumn, Schema};
use super::{Cell, Chunk, Frame, ResultsError};
use pisim_sim::Level;
use pisim_sim::sweep::{self, AxisKind, AxisValue, Part, RunError, RunSummary, Sweep};
use std::path::Path;

/// The command of a row, in terms of its folder.
const COMMAND: &str = "pisim sweep show {dir} --point {point}";

impl Schema {
    /// The columns of a sweep's results.
    ///
    /// # Errors
    /// An axis is called like another column.
    pub fn of(sweep: &Sweep) -> Result<Self, ResultsError> {
        let column = |column: sweep::AxisColumn| {
            let keys = column.keys.join("`, `");
            let description = match &column.derived {
                Some(expression) => format!("`{keys}`: {expression}."),
                None => format!("`{keys}`."),
            };
            let kind = match column.kind {
                AxisKind::Integer => Kind::Integer,
                AxisKind::Number => Kind::Number,
                AxisKind::Text => Kind::Text,
                AxisKind::Flag => Kind::Flag,
            };
            AxisColumn { name: column.name, kind, description }
        };
        Self::new(sweep.columns().into_iter().map(column).collect())
    }
}

impl Manifest {
    /// The manifest of a sweep, or of a shard of it. `options` are those of the command line that change its results.
    pub fn of(sweep: &Sweep, schema: &Schema, pisim: &str, options: Vec<String>, shard: Option<Shard>) -> Self {
        let file = |name: &str| Path::new(name).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let input =
            |kind: &str, source: &pisim_settings::Source| Input::new(kind, &file(&source.name), source.text.as_bytes());
        let manifest = Self {
            inputs: sweep.inputs().iter().map(|used| input(used.kind, &used.source)).collect(),
            seed: sweep.seed(),
            level: match sweep.level() {
                Level::Event => "event",
                Level::ClosedForm => "closed-form",
            }
            .to_owned(),
            sampling: sweep.method_name().to_owned(),
            options,
            shard,
            command: COMMAND.to_owned(),
            ..Self::new(pisim, input("sweep", sweep.source()), sweep.points(), schema)
        };
        if sweep.layers() { manifest.with_layers() } else { manifest }
    }
}

/// The sweep that results were computed from, with the files that it names as they are now.
///
/// # Errors
/// The sweep cannot be read any more, or something that its results depend on has changed.
pub fn sweep_of(folder: &Path, manifest: &Manifest) -> Result<Sweep, ResultsError> {
    let wrong = |message: String| ResultsError::folder(folder, message);
    let text = manifest.sweep.text.as_deref().unwrap_or_default();
    let source = pisim_settings::Source::new(&manifest.sweep.name, text);
    let mut sweep = Sweep::from_source(&source).map_err(|error| wrong(error.to_string()))?;
    sweep.set_level(if manifest.level == "event" { Level::Event } else { Level::ClosedForm });
    let points = manifest.options.iter().find_map(|option| option.strip_prefix(POINTS_OPTION)?.parse().ok());
    if let Some(points) = points {
        sweep.set_points(points).map_err(wrong)?;
    }
    let now = Manifest::of(&sweep, &Schema::of(&sweep)?, &manifest.pisim, manifest.options.clone(), manifest.shard);
    match manifest.difference(&now) {
        None => Ok(sweep),
        Some(difference) => Err(wrong(format!("its rows cannot be computed again here: {difference}"))),
    }
}

/// How [`Manifest::options`] says that a sweep took another number of samples than its file says.
pub const POINTS_OPTION: &str = "--points ";

/// The `pisim simulate` command that computes a row of a sweep's results again.
///
/// # Errors
/// The row is not one of the sweep.
pub fn command_of_row(sweep: &Sweep, frame: &Frame, row: usize) -> Result<String, ResultsError> {
    let point = match frame.cell(row, "point") {
        Cell::Integer(point) => u64::try_from(point).unwrap_or(u64::MAX),
        _ => u64::MAX,
    };
    let value = |column: sweep::AxisColumn| match frame.cell(row, &column.name) {
        Cell::Integer(value) => AxisValue::Integer(value),
        Cell::Number(value) => AxisValue::Number(value),
        Cell::Text(value) => AxisValue::Text(value.to_owned()),
        Cell::Flag(value) => AxisValue::Flag(value),
        Cell::Missing => AxisValue::Text(String::new()),
    };
    let axes: Vec<AxisValue> = sweep.columns().into_iter().map(value).collect();
    sweep.command(point, &axes).ok_or_else(|| ResultsError::Row { point, message: "is not of this sweep".to_owned() })
}

impl ResultsFolder {
    /// Evaluates the points of `sweep` that are not there yet. `progress` hears of the points of every finished chunk.
    ///
    /// # Errors
    /// Constraints leave out everything, or the disk does not take the results: chunks that were finished stay.
    pub fn run(&self, sweep: &Sweep, progress: &(dyn Fn(u64) + Sync)) -> Result<RunSummary, RunError> {
        let part = |chunk: Chunk| Part { number: chunk.number, points: chunk.points };
        let parts: Vec<Part> = self.missing().into_iter().map(part).collect();
        sweep.run(&parts, &mut |done| {
            let points = done.part.points.end - done.part.points.start;
            self.write(&Chunk { number: done.part.number, points: done.part.points }, &done.rows)?;
            progress(points);
            Ok(())
        })
    }
}
