//! `pisim sweep show`: one row and its command.

use crate::Outcome;
use crate::args::ShowArgs;
use crate::output::{Output, table};
use anyhow::Result;
use pisim_reports::results::{Cell, Frame, command_of_row, manifest_of, row_of, sweep_of};
use serde_json::{Map, Value};

pub fn run(args: &ShowArgs, output: Output) -> Result<Outcome> {
    let row = row_of(&args.results, args.point)?;
    let sweep = sweep_of(&args.results, &manifest_of(&args.results)?)?;
    let mut shown = json_row(&row, 0);
    let command = command_of_row(&sweep, &row, 0)?;
    shown.insert("command".to_owned(), Value::String(command.clone()));
    output.print(&shown, || {
        let names: Vec<&str> = row.names().collect();
        let line = |name: &&str| [(*name).to_owned(), shown.get(*name).map(text_of).unwrap_or_default()];
        format!("{}\n{command}", table(&["column", "value"], &[1], names.iter().map(line)))
    })?;
    Ok(Outcome::Done)
}

/// A row as JSON: every column, null where it has no value.
pub fn json_row(frame: &Frame, row: usize) -> Map<String, Value> {
    let value = |name: &str| match frame.cell(row, name) {
        Cell::Missing => Value::Null,
        Cell::Integer(value) => value.into(),
        Cell::Number(value) => value.into(),
        Cell::Text(value) => value.into(),
        Cell::Flag(value) => value.into(),
    };
    frame.names().map(|name| (name.to_owned(), value(name))).collect()
}

/// A value for a terminal: numbers with six digits.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => {
            let number = number.as_f64().unwrap_or(f64::NAN);
            if number.fract() == 0.0 && number.abs() < 1e7 {
                return format!("{number:.0}");
            }
            let digits = (5 - number.abs().max(1e-300).log10().floor() as i32).clamp(0, 12) as usize;
            if (1e-4..1e7).contains(&number.abs()) { format!("{number:.digits$}") } else { format!("{number:.5e}") }
        }
        other => other.to_string(),
    }
}
