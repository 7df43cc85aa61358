//! The row of a sweep, for one simulation.

use crate::commands::sweep::text_of;
use crate::output::{Output, table};
use anyhow::Result;
use pisim_protocol::Program;
use pisim_sim::sweep::{COLUMNS, Cell, PointMetrics};
use serde_json::{Map, Value};

/// Prints the columns of a sweep's results, computed or not.
pub fn print(metrics: &PointMetrics, program: &Program, hardware: &str, output: Output) -> Result<()> {
    let mut row = Map::new();
    let names = [
        ("network", program.network.network.name.as_str()),
        ("protocol", program.protocol.name.as_str()),
        ("hardware", hardware),
    ];
    row.extend(names.map(|(name, value)| (name.to_owned(), Value::from(value))));
    for column in &COLUMNS {
        let value = match (column.of)(metrics) {
            Cell::Number(value) => value.into(),
            Cell::Count(value) => value.into(),
            Cell::Text(value) => value.into(),
            Cell::Flag(value) => value.into(),
            Cell::Missing => Value::Null,
        };
        row.insert(column.name.to_owned(), value);
    }
    output.print(&row, || {
        table(&["column", "value"], &[1], row.iter().map(|(name, value)| [name.clone(), text_of(value)]))
    })
}
