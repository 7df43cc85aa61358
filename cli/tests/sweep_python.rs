//! Results of `pisim sweep` as pandas and DuckDB read them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod common;

use common::python;
use common::sweeping::folder;
use pisim_reports::results::{Cell, Frame};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Whether a value that Python read is that of a cell; numbers bit for bit.
fn same(cell: Cell<'_>, value: &Value) -> bool {
    let number = || value.as_str().and_then(|text| text.parse::<f64>().ok());
    match cell {
        Cell::Missing => value.is_null(),
        // A reader of CSV takes a column of whole numbers with missing ones for one of floating point.
        Cell::Integer(whole) => number().is_some_and(|number| number == whole as f64),
        Cell::Number(own) => number().is_some_and(|number| number.to_bits() == own.to_bits()),
        Cell::Text(text) => value.as_str() == Some(text),
        Cell::Flag(flag) => value.as_bool() == Some(flag),
    }
}

#[test]
fn pandas_and_duckdb_read_every_value_of_both_formats_as_pisim_does() {
    let Some(python) = python::found("PISIM_PYTHON", &["pandas", "pyarrow", "duckdb"]) else { return };
    let folder = folder();
    folder.json(&["sweep", "s.toml", "--out", "r"]);
    let results = folder.path().join("r");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/read_results.py");
    let answer = python::output(Command::new(python).arg(script).arg(&results)).unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let frame = Frame::read(&results).unwrap();
    let names: Vec<&str> = frame.names().collect();
    assert!(frame.rows() > 3000 && names.len() > 35, "{} rows, {} columns", frame.rows(), names.len());
    for (reader, table) in answer.as_object().unwrap() {
        assert_eq!(table["names"], serde_json::json!(names), "{reader}");
        let rows = table["rows"].as_array().unwrap();
        assert_eq!(rows.len(), frame.rows(), "{reader}");
        for (row, values) in rows.iter().enumerate() {
            for (name, value) in names.iter().zip(values.as_array().unwrap()) {
                let cell = frame.cell(row, name);
                assert!(same(cell, value), "{reader}, row {row}, {name}: {value} for {cell:?}");
            }
        }
    }
    assert_eq!(answer.as_object().unwrap().len(), 4);
}
