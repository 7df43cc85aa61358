//! The report of a sweep's results.

use super::Gallery;
use crate::args::ReportArgs;
use anyhow::{Context, Result};
use pisim_reports::analysis::{Limits, Study, table};
use pisim_reports::figures::Columns;
use pisim_reports::results::Frame;
use serde_json::{Map, Value};
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
    Ok(Gallery { figures, found: report, text, others: Vec::new() })
}
