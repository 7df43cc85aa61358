//! The columns of a sweep's results: what they are called, hold and mean, and how rows become a table.

use super::{Cell, Column, Frame, Kind, ResultsError};
use pisim_sim::sweep::{self, AxisValue, CellKind, PointMetrics, PointRow};
use serde::{Deserialize, Serialize};

/// What one column says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnInfo {
    /// Its name; public: names are added to and never changed.
    pub name: String,
    /// Its unit; none for names, flags and ratios.
    pub unit: Option<String>,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// What it means.
    pub description: String,
}

impl ColumnInfo {
    /// A column whose unit stands at the end of its name.
    pub(super) fn new(name: &str, kind: Kind, description: &str) -> Self {
        let unit = unit(name, kind).map(str::to_owned);
        Self { name: name.to_owned(), unit, kind, description: description.to_owned() }
    }
}

/// The ends of names and the units that they stand for.
const UNITS: [(&str, &str); 5] = [("_s", "s"), ("_j", "J"), ("_bytes", "B"), ("_mm2", "mm²"), ("_w", "W")];

fn unit(name: &str, kind: Kind) -> Option<&'static str> {
    let of_name = UNITS.iter().find(|(end, _)| name.ends_with(end)).map(|(_, unit)| *unit);
    of_name.filter(|_| matches!(kind, Kind::Number | Kind::Integer))
}

/// An axis of a sweep as a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AxisColumn {
    /// Its name.
    pub name: String,
    /// What its values are.
    pub kind: Kind,
    /// What it varies.
    pub description: String,
}

impl AxisColumn {
    /// The kind that holds all of an axis's values: whole numbers among others are numbers, and other mixtures are text.
    pub fn kind_of<'a>(values: impl IntoIterator<Item = &'a AxisValue>) -> Kind {
        let kinds = values.into_iter().map(|value| match value {
            AxisValue::Integer(_) => Kind::Integer,
            AxisValue::Number(_) => Kind::Number,
            AxisValue::Text(_) => Kind::Text,
            AxisValue::Flag(_) => Kind::Flag,
        });
        let join = |one, other| match (one, other) {
            _ if one == other => one,
            (Kind::Integer, Kind::Number) | (Kind::Number, Kind::Integer) => Kind::Number,
            _ => Kind::Text,
        };
        kinds.reduce(join).unwrap_or(Kind::Text)
    }
}

/// The columns of one sweep.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    axes: Vec<AxisColumn>,
}

/// The columns with a name of the point's network, protocol or platform. An axis that varies one of them may be called so: its
/// values are those of the column, which then stands once.
const NAMES: [&str; 3] = ["network", "protocol", "hardware"];

impl Schema {
    /// The columns of a sweep over these axes.
    ///
    /// # Errors
    /// An axis is called like another column.
    pub fn new(axes: Vec<AxisColumn>) -> Result<Self, ResultsError> {
        let schema = Self { axes };
        let columns = schema.columns();
        for (number, column) in columns.iter().enumerate() {
            if columns.iter().take(number).any(|other| other.name == column.name) {
                let message = format!("cannot be the name of an axis: the results have a column `{}`", column.name);
                return Err(super::FrameError::Shape { name: column.name.clone(), message }.into());
            }
        }
        Ok(schema)
    }

    /// The axes that have a column of their own, with their positions in a row.
    fn own_axes(&self) -> impl Iterator<Item = (usize, &AxisColumn)> {
        self.axes.iter().enumerate().filter(|(_, axis)| !NAMES.contains(&axis.name.as_str()))
    }

    /// All columns, in order.
    pub fn columns(&self) -> Vec<ColumnInfo> {
        let mut columns = vec![ColumnInfo::new("point", Kind::Integer, "The point's number in the sweep, from 0.")];
        columns.extend(self.own_axes().map(|(_, axis)| ColumnInfo::new(&axis.name, axis.kind, &axis.description)));
        let text = |name, description| ColumnInfo::new(name, Kind::Text, description);
        columns.push(text("network", "The network's name."));
        columns.push(text("protocol", "The protocol's name."));
        columns.push(text("hardware", "The name of the platform that was varied."));
        columns.push(text("error", "Why the point could not be evaluated; missing where it was."));
        columns.extend(
            sweep::COLUMNS.iter().map(|column| ColumnInfo::new(column.name, kind(column.kind), column.meaning)),
        );
        columns
    }

    /// The rows as a table.
    ///
    /// # Errors
    /// A row with another number of axes, or a value that its column cannot hold.
    pub fn frame(&self, rows: &[PointRow]) -> Result<Frame, ResultsError> {
        if let Some(row) = rows.iter().find(|row| row.axes.len() != self.axes.len()) {
            let message = format!("has {} values; expected {}, one for each axis", row.axes.len(), self.axes.len());
            return Err(ResultsError::Row { point: row.point, message });
        }
        let mut columns = vec![filled("point", Kind::Integer, rows, |row| count(row.point))?];
        for (number, axis) in self.own_axes() {
            columns.push(filled(&axis.name, axis.kind, rows, |row| {
                row.axes.get(number).map_or(Cell::Missing, axis_cell)
            })?);
        }
        columns.push(filled("network", Kind::Text, rows, |row| word(&row.network))?);
        columns.push(filled("protocol", Kind::Text, rows, |row| word(&row.protocol))?);
        columns.push(filled("hardware", Kind::Text, rows, |row| word(&row.hardware))?);
        columns.push(filled("error", Kind::Text, rows, |row| word(error(row)))?);
        for column in &sweep::COLUMNS {
            let of = |row| point(row).map_or(Cell::Missing, |point| cell((column.of)(point)));
            columns.push(filled(column.name, kind(column.kind), rows, of)?);
        }
        Ok(Frame::new(columns)?)
    }
}

fn error(row: &PointRow) -> &str {
    row.outcome.as_ref().err().map(String::as_str).unwrap_or_default()
}

fn point(row: &PointRow) -> Option<&PointMetrics> {
    row.outcome.as_ref().ok()
}

/// A column with a value of every row.
fn filled<'a>(
    name: &str,
    kind: Kind,
    rows: &'a [PointRow],
    of: impl Fn(&'a PointRow) -> Cell<'a>,
) -> Result<(String, Column), ResultsError> {
    let mut column = Column::empty(kind);
    for row in rows {
        column.push(of(row)).map_err(|found| ResultsError::Row {
            point: row.point,
            message: format!("column `{name}` is of {kind} and cannot hold {found}"),
        })?;
    }
    Ok((name.to_owned(), column))
}

fn kind(kind: CellKind) -> Kind {
    match kind {
        CellKind::Number => Kind::Number,
        CellKind::Count => Kind::Integer,
        CellKind::Text => Kind::Text,
        CellKind::Flag => Kind::Flag,
    }
}

/// A word; CSV does not tell an empty one from none, so neither does Parquet.
pub(super) fn word(text: &str) -> Cell<'_> {
    if text.is_empty() { Cell::Missing } else { Cell::Text(text) }
}

fn axis_cell(value: &AxisValue) -> Cell<'_> {
    match value {
        AxisValue::Integer(value) => Cell::Integer(*value),
        // A derived value that could not be computed; the row's error says why.
        AxisValue::Number(value) if value.is_nan() => Cell::Missing,
        AxisValue::Number(value) => Cell::Number(*value),
        AxisValue::Text(value) => word(value),
        AxisValue::Flag(value) => Cell::Flag(*value),
    }
}

fn cell(cell: sweep::Cell<'_>) -> Cell<'_> {
    match cell {
        sweep::Cell::Number(value) => Cell::Number(value),
        sweep::Cell::Count(value) => count(value),
        sweep::Cell::Text(value) => word(value),
        sweep::Cell::Flag(value) => Cell::Flag(value),
        sweep::Cell::Missing => Cell::Missing,
    }
}

/// An exact count. One of 2^63 or more is no whole number of a column, and refused there.
pub(super) fn count(value: u64) -> Cell<'static> {
    i64::try_from(value).map_or(Cell::Number(value as f64), Cell::Integer)
}
