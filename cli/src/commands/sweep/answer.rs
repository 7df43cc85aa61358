//! What a sweep answers: how much was evaluated, and the points that no other one beats.

use super::show::{json_row, text_of};
use crate::Outcome;
use crate::output::{Output, table};
use anyhow::Result;
use pisim_reports::results::{Cell, Frame, Manifest, command_of_row, rows_of};
use pisim_sim::analysis::pareto_front;
use pisim_sim::sweep::Sweep;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

/// Points of the front that a terminal shows; the files have all.
const SHOWN: usize = 12;

/// The answer. Its names are public: added to, never renamed.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// The sweep's title.
    title: String,
    /// What it asks.
    description: String,
    /// Rows of the results.
    points: u64,
    /// Those of them that could not be evaluated.
    failed: u64,
    /// Why the first of those could not be.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_error: Option<String>,
    /// Those that do not fit their FPGA boards: they are on no front.
    unfit: u64,
    /// Points that constraints left out, or that a search did not need.
    excluded: u64,
    /// Points that this run evaluated; the others were there already.
    evaluated: u64,
    /// Seconds of this run, files included (measured).
    seconds: f64,
    /// Evaluated points over seconds (measured).
    points_per_s: f64,
    /// The columns that are to be small.
    objectives: Vec<String>,
    /// The points that no other one of the same network and protocol beats in all objectives, each with its command.
    pareto: Vec<Map<String, Value>>,
    /// The folder of the results.
    output: String,
    #[serde(skip)]
    axes: Vec<String>,
}

impl Answer {
    pub fn new(out: &Path, sweep: &Sweep, manifest: &Manifest, evaluated: u64, spent: Duration) -> Result<Self> {
        let objectives = sweep.objectives();
        // Few columns of all rows, and all columns of few rows: memory does not hold a sweep of millions.
        let mut names = vec!["point", "network", "protocol", "fits", "error"];
        names.extend(objectives.iter().map(String::as_str));
        let all = Frame::read_columns(out, &names)?;
        let is_unfit = |row: usize| matches!(all.cell(row, "fits"), Cell::Flag(false));
        let unfit = (0..all.rows()).filter(|row| is_unfit(*row)).count() as u64;
        let first_error = all.texts("error")?.iter().flatten().find(|error| !error.is_empty()).map(str::to_owned);
        let points = front(&all.filter(|row| !is_unfit(row)), &objectives)?;
        let frame = rows_of(out, &points)?;
        let place: HashMap<u64, usize> = (0..frame.rows()).filter_map(|row| Some((point(&frame, row)?, row))).collect();
        let entry = |point: u64| {
            let row = place.get(&point).copied().unwrap_or_default();
            let mut entry = json_row(&frame, row);
            entry.insert("command".to_owned(), Value::String(command_of_row(sweep, &frame, row)?));
            Ok(entry)
        };
        let range = manifest.range();
        let rows = manifest.rows.unwrap_or(0);
        let seconds = spent.as_secs_f64();
        Ok(Self {
            title: sweep.title().to_owned(),
            description: sweep.description().to_owned(),
            points: rows,
            failed: manifest.failed.unwrap_or(0),
            first_error,
            unfit,
            excluded: (range.end - range.start).saturating_sub(rows),
            evaluated,
            seconds,
            points_per_s: if seconds > 0.0 { evaluated as f64 / seconds } else { 0.0 },
            objectives,
            pareto: points.into_iter().map(entry).collect::<Result<_>>()?,
            output: out.display().to_string(),
            axes: sweep.columns().into_iter().map(|column| column.name).collect(),
        })
    }

    pub fn print(&self, output: Output) -> Result<Outcome> {
        output.print(self, || self.text())?;
        // A sweep of which nothing is left has answered nothing.
        Ok(if self.points > 0 && self.failed == self.points { Outcome::CheckFailed } else { Outcome::Done })
    }

    fn text(&self) -> String {
        let description = if self.description.is_empty() { String::new() } else { format!("{}\n", self.description) };
        let mut text = format!(
            "{}\n{description}{} points, {} failed, {} left out; {} evaluated in {:.2} s (measured), {:.0} points/s\n",
            self.title, self.points, self.failed, self.excluded, self.evaluated, self.seconds, self.points_per_s
        );
        if let Some(error) = &self.first_error {
            text += &format!("the first that failed: {error}\n");
        }
        if self.unfit > 0 {
            text += &format!("{} do not fit their boards and are on no front\n", self.unfit);
        }
        let value = |entry: &Map<String, Value>, name: &str| entry.get(name).map(text_of).unwrap_or_default();
        let row = |entry: &Map<String, Value>| {
            let axes: Vec<String> = self.axes.iter().map(|axis| format!("{axis} {}", value(entry, axis))).collect();
            let objectives: Vec<String> = self.objectives.iter().map(|name| value(entry, name)).collect();
            [value(entry, "point"), value(entry, "network"), axes.join(", "), objectives.join("  ")]
        };
        let objectives = self.objectives.join("  ");
        text += &format!("The front of {} (modelled), {} points:\n", self.objectives.join(" and "), self.pareto.len());
        text += &table(&["point", "network", "axes", &objectives], &[0, 3], self.pareto.iter().take(SHOWN).map(row));
        if self.pareto.len() > SHOWN {
            text += &format!("\n… and {} more, with --json", self.pareto.len() - SHOWN);
        }
        text + &format!(
            "\nResults: {0}\nFigures: pisim report {0}\nOne row: pisim sweep show {0} --point N",
            self.output
        )
    }
}

fn point(frame: &Frame, row: usize) -> Option<u64> {
    match frame.cell(row, "point") {
        Cell::Integer(point) => u64::try_from(point).ok(),
        _ => None,
    }
}

/// The points on the fronts of every network and protocol.
fn front(frame: &Frame, objectives: &[String]) -> Result<Vec<u64>> {
    let (networks, protocols) = (frame.texts("network")?, frame.texts("protocol")?);
    let columns: Vec<_> = objectives.iter().map(|name| frame.numbers(name)).collect::<Result<_, _>>()?;
    // Network and protocol, and the rows of both.
    let mut groups: Vec<([Option<&str>; 2], Vec<usize>)> = Vec::new();
    for row in 0..frame.rows() {
        let name = [networks.get(row), protocols.get(row)];
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((name, vec![row])),
        }
    }
    let mut all = Vec::new();
    for (_, rows) in groups {
        let of_rows =
            |column: &[f64]| -> Vec<f64> { rows.iter().filter_map(|row| column.get(*row).copied()).collect() };
        let own: Vec<Vec<f64>> = columns.iter().map(|column| of_rows(column)).collect();
        let own: Vec<&[f64]> = own.iter().map(Vec::as_slice).collect();
        let mut front = pareto_front(&own);
        let first = |at: &usize| own.first().and_then(|first| first.get(*at)).copied().unwrap_or(0.0);
        front.sort_by(|a, b| first(a).total_cmp(&first(b)));
        all.extend(front.iter().filter_map(|at| point(frame, *rows.get(*at)?)));
    }
    Ok(all)
}
