//! Looking at results: what a folder holds, and one row of it.

use super::folder::{POINTS, read_manifest};
use super::frame::Groups;
use super::manifest::Manifest;
use super::{Cell, Frame, ResultsError};
use std::path::Path;

/// The manifest of a folder.
///
/// # Errors
/// There is none, or it cannot be read.
pub fn manifest_of(folder: &Path) -> Result<Manifest, ResultsError> {
    let none = || ResultsError::folder(folder, "no manifest.json; expected a folder that `pisim sweep` wrote");
    read_manifest(folder)?.ok_or_else(none)
}

/// The row of a point in a finished folder, as a table of one row.
///
/// # Errors
/// The folder is not finished, or has no such point.
pub fn row_of(folder: &Path, point: u64) -> Result<Frame, ResultsError> {
    let manifest = manifest_of(folder)?;
    if !manifest.finished {
        return Err(ResultsError::folder(
            folder,
            "the sweep is not finished; expected its run to be repeated, which resumes it",
        ));
    }
    let range = manifest.range();
    if !range.contains(&point) {
        let last = range.end.saturating_sub(1);
        let message = format!("no point {point}; expected one from {} to {last}", range.start);
        return Err(ResultsError::folder(folder, message));
    }
    let wanted = i64::try_from(point).map_or(Cell::Missing, Cell::Integer);
    let path = folder.join(POINTS);
    let (numbers, all) = (Groups::open(&path, Some(&["point"]))?, Groups::open(&path, None)?);
    for group in 0..numbers.len() {
        let points = numbers.read(group)?;
        if let Some(row) = (0..points.rows()).find(|row| points.cell(*row, "point") == wanted) {
            return Ok(all.read(group)?.gather(&[row]));
        }
    }
    let message = format!("no row of point {point}: the constraints of the sweep exclude it");
    Err(ResultsError::folder(folder, message))
}
