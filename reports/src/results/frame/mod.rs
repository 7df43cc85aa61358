//! A table in memory: named columns of equal length, read from Parquet or CSV.
//!
//! ```
//! use pisim_reports::results::{Cell, Column, Frame};
//! let frame = Frame::new(vec![
//!     ("engines".to_owned(), Column::Integer(vec![Some(4), Some(8), Some(16)])),
//!     ("latency_total_s".to_owned(), Column::Number(vec![2.0, 1.0, f64::NAN])),
//! ])?;
//! let fast = frame.filter(|row| matches!(frame.cell(row, "latency_total_s"), Cell::Number(s) if s < 1.5));
//! assert_eq!(fast.numbers("engines")?.as_ref(), [8.0]);
//! let error = frame.numbers("latency_totl_s").unwrap_err();
//! assert_eq!(error.to_string(), "no column `latency_totl_s`; did you mean `latency_total_s`?");
//! # Ok::<(), pisim_reports::results::FrameError>(())
//! ```

mod column;
mod contained;
mod csv_file;
mod error;
mod parquet_read;
mod parquet_write;
#[cfg(test)]
mod tests;

pub use column::{Cell, Column, Kind, Texts};
pub use error::FrameError;

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

pub(crate) use parquet_read::Groups;
pub(crate) use parquet_write::ParquetWriter;

/// The most cells of a table in memory: 50 columns of a million points, five times.
pub const MOST_CELLS: u64 = 250_000_000;

/// The first bytes of a Parquet file.
const PARQUET_MAGIC: &[u8; 4] = b"PAR1";

/// A table: named columns of equal length.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    rows: usize,
    columns: Vec<(String, Column)>,
}

impl Frame {
    /// A table of these columns.
    ///
    /// # Errors
    /// Columns of different lengths, or two of one name.
    pub fn new(columns: Vec<(String, Column)>) -> Result<Self, FrameError> {
        let rows = columns.first().map_or(0, |(_, column)| column.len());
        for (number, (name, column)) in columns.iter().enumerate() {
            let shape = |message| FrameError::Shape { name: name.clone(), message };
            if column.len() != rows {
                return Err(shape(format!("has {} rows; expected {rows} as in the first one", column.len())));
            }
            if columns.iter().take(number).any(|(other, _)| other == name) {
                return Err(shape("is there twice; expected names that differ".to_owned()));
            }
        }
        Ok(Self { rows, columns })
    }

    /// Reads a Parquet or CSV file (told apart by their first bytes), or the points of a finished sweep's folder.
    ///
    /// # Errors
    /// A file that cannot be read, is neither, or has more than [`MOST_CELLS`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, FrameError> {
        Self::load(path.as_ref(), None)
    }

    /// Reads only the columns with these names, in this order.
    ///
    /// # Errors
    /// As [`Frame::read`], and a name that is not there.
    pub fn read_columns(path: impl AsRef<Path>, names: &[&str]) -> Result<Self, FrameError> {
        Self::load(path.as_ref(), Some(names))
    }

    fn load(path: &Path, names: Option<&[&str]>) -> Result<Self, FrameError> {
        let path = points_of(path)?;
        let mut start = [0; 4];
        let file = File::open(&path).map_err(|error| FrameError::read(&path, error))?;
        let read = file.take(4).read(&mut start).map_err(|error| FrameError::read(&path, error))?;
        if start.get(..read) == Some(PARQUET_MAGIC) {
            return parquet_read::read(&path, names);
        }
        csv_file::read(&path, names)
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The names of the columns, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }

    /// The columns with their names, in order.
    pub fn columns(&self) -> impl Iterator<Item = (&str, &Column)> {
        self.columns.iter().map(|(name, column)| (name.as_str(), column))
    }

    /// Whether there is a column of this name.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    fn find(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|(other, _)| other == name).map(|(_, column)| column)
    }

    /// The column of this name.
    ///
    /// # Errors
    /// There is none; the error names the nearest one.
    pub fn column(&self, name: &str) -> Result<&Column, FrameError> {
        let none = || FrameError::NoColumn { name: name.to_owned(), there: self.names().map(str::to_owned).collect() };
        self.find(name).ok_or_else(none)
    }

    /// A column as numbers, NaN where a value is missing; whole numbers and flags are converted.
    ///
    /// # Errors
    /// There is no such column, or it holds text.
    pub fn numbers(&self, name: &str) -> Result<Cow<'_, [f64]>, FrameError> {
        let column = self.column(name)?;
        column.numbers().ok_or_else(|| wrong_kind(name, column, Kind::Number))
    }

    /// A column of text.
    ///
    /// # Errors
    /// There is no such column, or it holds something else.
    pub fn texts(&self, name: &str) -> Result<&Texts, FrameError> {
        match self.column(name)? {
            Column::Text(texts) => Ok(texts),
            other => Err(wrong_kind(name, other, Kind::Text)),
        }
    }

    /// A column of flags.
    ///
    /// # Errors
    /// There is no such column, or it holds something else.
    pub fn flags(&self, name: &str) -> Result<&[Option<bool>], FrameError> {
        match self.column(name)? {
            Column::Flag(flags) => Ok(flags),
            other => Err(wrong_kind(name, other, Kind::Flag)),
        }
    }

    /// A column of whole numbers.
    ///
    /// # Errors
    /// There is no such column, or it holds something else.
    pub fn integers(&self, name: &str) -> Result<&[Option<i64>], FrameError> {
        match self.column(name)? {
            Column::Integer(integers) => Ok(integers),
            other => Err(wrong_kind(name, other, Kind::Integer)),
        }
    }

    /// One value; missing where there is no such row or column.
    pub fn cell(&self, row: usize, name: &str) -> Cell<'_> {
        self.find(name).map_or(Cell::Missing, |column| column.cell(row))
    }

    /// The columns with these names, in this order.
    ///
    /// # Errors
    /// There is no such column, or it is named twice.
    pub fn select(&self, names: &[&str]) -> Result<Self, FrameError> {
        let columns = names.iter().map(|name| Ok(((*name).to_owned(), self.column(name)?.clone())));
        let columns = columns.collect::<Result<Vec<_>, FrameError>>()?;
        Ok(Self { rows: self.rows, ..Self::new(columns)? })
    }

    /// The rows whose number passes `keep`, in order.
    pub fn filter(&self, keep: impl Fn(usize) -> bool) -> Self {
        let rows: Vec<usize> = (0..self.rows).filter(|row| keep(*row)).collect();
        self.gather(&rows)
    }

    /// The rows with these numbers, in this order.
    pub fn gather(&self, rows: &[usize]) -> Self {
        let columns = self.columns.iter().map(|(name, column)| (name.clone(), column.gather(rows)));
        Self { rows: rows.len(), columns: columns.collect() }
    }

    /// The table as CSV with a header line.
    ///
    /// # Errors
    /// If the writer refuses, which for rows of equal length it does not.
    pub fn to_csv(&self) -> Result<Vec<u8>, FrameError> {
        let mut content = self.csv_header()?;
        content.extend(self.csv_rows(0..self.rows)?);
        Ok(content)
    }

    /// The header line of CSV.
    pub(crate) fn csv_header(&self) -> Result<Vec<u8>, FrameError> {
        csv_file::header(self)
    }

    /// Some of the rows as CSV, without the header line.
    pub(crate) fn csv_rows(&self, rows: Range<usize>) -> Result<Vec<u8>, FrameError> {
        csv_file::rows(self, rows)
    }

    /// Adds the rows of a table with the same columns.
    pub(crate) fn append(&mut self, other: Self) -> Result<(), FrameError> {
        if !self.names().eq(other.names()) {
            let name = other.names().find(|name| !self.has(name)).unwrap_or_default().to_owned();
            return Err(FrameError::Shape { name, message: "is not one of the table that is added to".to_owned() });
        }
        self.rows += other.rows;
        for ((name, column), (_, more)) in self.columns.iter_mut().zip(other.columns) {
            let expected = column.kind();
            column.append(more).map_err(|found| FrameError::Kind { name: name.clone(), found, expected })?;
        }
        Ok(())
    }

    /// Cuts off the rows from `at` on and returns them.
    pub(crate) fn split_off(&mut self, at: usize) -> Self {
        let at = at.min(self.rows);
        let columns = self.columns.iter_mut().map(|(name, column)| (name.clone(), column.split_off(at))).collect();
        let rest = Self { rows: self.rows - at, columns };
        self.rows = at;
        rest
    }

    /// The table as a Parquet file of one row group.
    ///
    /// # Errors
    /// If the encoder refuses.
    pub fn to_parquet(&self) -> Result<Vec<u8>, FrameError> {
        let mut writer = ParquetWriter::new(Vec::new(), self)?;
        writer.write(self)?;
        writer.finish()
    }
}

fn wrong_kind(name: &str, column: &Column, expected: Kind) -> FrameError {
    FrameError::Kind { name: name.to_owned(), found: column.kind(), expected }
}

/// The file to read: the path itself, or the points in a folder.
fn points_of(path: &Path) -> Result<PathBuf, FrameError> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let candidates = ["points.parquet", "points.csv"].map(|name| path.join(name));
    candidates.into_iter().find(|file| file.is_file()).ok_or_else(|| FrameError::NoPoints { path: path.to_owned() })
}
