//! `pisim sweep columns`: what results hold.

use crate::Outcome;
use crate::args::ColumnsArgs;
use crate::output::{Output, table};
use anyhow::Result;
use pisim_reports::results::{ColumnInfo, Schema, layer_columns, manifest_of};
use pisim_sim::sweep::Sweep;
use serde::Serialize;
use std::path::Path;

/// The columns of every table. Its names are public.
#[derive(Debug, Serialize)]
struct Tables {
    points: Vec<ColumnInfo>,
    layers: Vec<ColumnInfo>,
}

pub fn run(args: &ColumnsArgs, output: Output) -> Result<Outcome> {
    let points = match args.sweep.as_deref() {
        None => Schema::default().columns(),
        Some(folder) if Path::new(folder).is_dir() => manifest_of(Path::new(folder))?.columns,
        Some(name) => Schema::of(&Sweep::load(name)?)?.columns(),
    };
    let tables = Tables { points, layers: layer_columns() };
    output.print(&tables, || {
        let points = listed(&tables.points);
        let layers = listed(&tables.layers);
        format!(
            "points.parquet, points.csv: one row for each point\n{points}\n\n\
            layers.parquet, with `layers = true`: one row for each point and layer\n{layers}"
        )
    })?;
    Ok(Outcome::Done)
}

fn listed(columns: &[ColumnInfo]) -> String {
    let row = |column: &ColumnInfo| {
        let unit = column.unit.clone().unwrap_or_default();
        [column.name.clone(), column.kind.name().to_owned(), unit, column.description.clone()]
    };
    table(&["column", "type", "unit", "meaning"], &[], columns.iter().map(row))
}
