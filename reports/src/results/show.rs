//! Looking at results: what a folder holds, and one row of it.

use super::folder::{POINTS, read_manifest};
use super::frame::Groups;
use super::manifest::Manifest;
use super::{Cell, Frame, ResultsError};
use std::collections::HashSet;
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
    let found = rows_of(folder, &[point])?;
    if found.rows() == 0 {
        let message = format!("no row of point {point}: the constraints of the sweep exclude it");
        return Err(ResultsError::folder(folder, message));
    }
    Ok(found)
}

/// The rows of some points in a finished folder, in the order of the file, without reading the others. Points without a row have
/// none.
///
/// # Errors
/// The file cannot be read.
pub fn rows_of(folder: &Path, points: &[u64]) -> Result<Frame, ResultsError> {
    let wanted: HashSet<i64> = points.iter().filter_map(|point| i64::try_from(*point).ok()).collect();
    let path = folder.join(POINTS);
    let (numbers, all) = (Groups::open(&path, Some(&["point"]))?, Groups::open(&path, None)?);
    let mut found: Option<Frame> = None;
    for group in 0..numbers.len() {
        let points = numbers.read(group)?;
        let is_wanted =
            |row: &usize| matches!(points.cell(*row, "point"), Cell::Integer(point) if wanted.contains(&point));
        let rows: Vec<usize> = (0..points.rows()).filter(is_wanted).collect();
        if rows.is_empty() {
            continue;
        }
        let rows = all.read(group)?.gather(&rows);
        match &mut found {
            Some(found) => found.append(rows)?,
            None => found = Some(rows),
        }
    }
    Ok(found.unwrap_or_default())
}
