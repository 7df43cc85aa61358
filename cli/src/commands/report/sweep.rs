//! The report of a sweep's results.

use super::Gallery;
use crate::args::ReportArgs;
use anyhow::{Context, Result};
use pisim_reports::analysis::{Limits, Study, axis_names, table};
use pisim_reports::explorer::Explorer;
use pisim_reports::figures::Columns;
use pisim_reports::results::{Cell, Frame, command_of_row, manifest_of, sweep_of};
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::path::Path;

pub fn gallery(results: &Path, args: &ReportArgs, columns: Columns) -> Result<Gallery> {
    let frame = Frame::read(results)?;
    let study = Study::new(&frame).with_context(|| results.display().to_string())?;
    let limits = Limits {
        latency_s: args.latency_limit.iter().map(|limit| limit.seconds()).collect(),
        energy_j: args.energy_limit.iter().map(|limit| limit.joules()).collect(),
    };
    let found = study.findings(&limits);
    let figures = study.figures(&found, columns);
    let text = table(&found);
    let mut report = Map::new();
    report.insert("results".to_owned(), results.display().to_string().into());
    if let Value::Object(found) = serde_json::to_value(&found)? {
        report.extend(found);
    }
    let page = Some(explorer_page(results, &frame, &study));
    Ok(Gallery { figures, found: report, text, others: Vec::new(), page })
}

/// The page to explore the points with. Their commands are known where the results are a folder that this version wrote.
fn explorer_page(results: &Path, frame: &Frame, study: &Study) -> String {
    let manifest = manifest_of(results).ok();
    let sweep = manifest.as_ref().and_then(|manifest| sweep_of(results, manifest).ok());
    let name = manifest.as_ref().map_or(results, |manifest| Path::new(&manifest.sweep.name)).file_stem();
    let front: HashSet<i64> = study.fronts.iter().flatten().map(|point| study.number(*point)).collect();
    let is_front = |row: &usize| matches!(frame.cell(*row, "point"), Cell::Integer(number) if front.contains(&number));
    let kept: Vec<usize> = (0..frame.rows()).filter(is_front).collect();
    let axes = axis_names(frame);
    let explorer = Explorer {
        title: &name.unwrap_or_default().to_string_lossy(),
        version: manifest.as_ref().map_or(env!("CARGO_PKG_VERSION"), |manifest| &manifest.pisim),
        frame,
        columns: manifest.as_ref().map_or(&[], |manifest| &manifest.columns),
        axes: &axes,
        kept: &kept,
    };
    explorer.page(|row| command_of_row(sweep.as_ref()?, frame, row).ok())
}
