//! Tables as CSV: a header line, plain numbers, nothing for a missing value.

use super::{Cell, Column, Frame, FrameError, Kind, MOST_CELLS};
use csv::{Reader, ReaderBuilder, StringRecord, WriterBuilder};
use std::fmt::Write;
use std::fs::File;
use std::io::BufReader;
use std::ops::Range;
use std::path::Path;

/// The header line.
pub(super) fn header(frame: &Frame) -> Result<Vec<u8>, FrameError> {
    let mut writer = WriterBuilder::new().from_writer(Vec::new());
    writer.write_record(frame.names()).map_err(refused)?;
    writer.into_inner().map_err(|error| refused(error.into_error().into()))
}

/// Some of the rows.
pub(super) fn rows(frame: &Frame, rows: Range<usize>) -> Result<Vec<u8>, FrameError> {
    let mut writer = WriterBuilder::new().from_writer(Vec::new());
    let (mut whole, mut number) = (String::new(), zmij::Buffer::new());
    for row in rows {
        for (_, column) in frame.columns() {
            let field = match column.cell(row) {
                Cell::Missing => "",
                Cell::Text(text) => text,
                Cell::Number(value) => number.format(value),
                Cell::Flag(value) => {
                    if value {
                        "true"
                    } else {
                        "false"
                    }
                }
                Cell::Integer(value) => {
                    whole.clear();
                    // Writing into a string does not fail.
                    let _ = write!(whole, "{value}");
                    &whole
                }
            };
            writer.write_field(field).map_err(refused)?;
        }
        writer.write_record(None::<&[u8]>).map_err(refused)?;
    }
    writer.into_inner().map_err(|error| refused(error.into_error().into()))
}

fn refused(error: csv::Error) -> FrameError {
    FrameError::csv(Path::new("points.csv"), error)
}

/// Reads a file twice: to find out what its columns hold, and then their values.
pub(super) fn read(path: &Path, names: Option<&[&str]>) -> Result<Frame, FrameError> {
    let wanted = wanted(open(path)?.headers().map_err(|error| FrameError::csv(path, error))?, path, names)?;
    let mut seen = vec![Seen::default(); wanted.len()];
    each_cell(path, &wanted, |number, text| {
        if let Some(seen) = seen.get_mut(number) {
            seen.look(text);
        }
        Ok(())
    })?;
    let empty = wanted.iter().zip(&seen).map(|((name, _), seen)| (name.clone(), Column::empty(seen.kind())));
    let mut columns: Vec<(String, Column)> = empty.collect();
    each_cell(path, &wanted, |number, text| {
        let Some((_, column)) = columns.get_mut(number) else { return Ok(()) };
        // The first pass saw that the column can hold it.
        column.push(parse(text, column.kind())).map_err(|_| FrameError::csv(path, "it changes while it is read"))
    })?;
    Frame::new(columns)
}

type Input = Reader<BufReader<File>>;

fn open(path: &Path) -> Result<Input, FrameError> {
    let file = File::open(path).map_err(|error| FrameError::read(path, error))?;
    Ok(ReaderBuilder::new().from_reader(BufReader::new(file)))
}

/// Names and places of the columns to read.
fn wanted(header: &StringRecord, path: &Path, names: Option<&[&str]>) -> Result<Vec<(String, usize)>, FrameError> {
    if header.is_empty() {
        return Err(FrameError::csv(path, "it is empty; expected a header line"));
    }
    let Some(names) = names else {
        return Ok(header.iter().enumerate().map(|(place, name)| (name.to_owned(), place)).collect());
    };
    let there = || header.iter().map(str::to_owned).collect();
    let place = |name: &&str| {
        let place = header.iter().position(|other| other == *name);
        let place = place.ok_or_else(|| FrameError::NoColumn { name: (*name).to_owned(), there: there() })?;
        Ok(((*name).to_owned(), place))
    };
    names.iter().map(place).collect()
}

/// Calls `take` with every wanted cell and the number of its column, row by row.
fn each_cell(
    path: &Path,
    wanted: &[(String, usize)],
    mut take: impl FnMut(usize, &str) -> Result<(), FrameError>,
) -> Result<(), FrameError> {
    let mut reader = open(path)?;
    let mut record = StringRecord::new();
    let mut rows = 0_u64;
    while reader.read_record(&mut record).map_err(|error| FrameError::csv(path, error))? {
        rows += 1;
        if rows.saturating_mul(wanted.len() as u64) > MOST_CELLS {
            return Err(FrameError::TooLarge { path: path.to_owned(), rows, columns: wanted.len() });
        }
        for (number, (_, place)) in wanted.iter().enumerate() {
            take(number, record.get(*place).unwrap_or_default())?;
        }
    }
    Ok(())
}

/// What all cells of a column can be read as.
#[derive(Debug, Clone, Copy)]
struct Seen {
    /// Nothing but missing values so far.
    nothing: bool,
    integer: bool,
    number: bool,
    flag: bool,
}

impl Default for Seen {
    fn default() -> Self {
        Self { nothing: true, integer: true, number: true, flag: true }
    }
}

impl Seen {
    fn look(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.nothing = false;
        self.integer = self.integer && text.parse::<i64>().is_ok();
        self.number = self.number && text.parse::<f64>().is_ok();
        self.flag = self.flag && text.parse::<bool>().is_ok();
    }

    fn kind(self) -> Kind {
        match self {
            Self { nothing: true, .. } => Kind::Text,
            Self { integer: true, .. } => Kind::Integer,
            Self { number: true, .. } => Kind::Number,
            Self { flag: true, .. } => Kind::Flag,
            _ => Kind::Text,
        }
    }
}

/// A cell of a column of this kind.
fn parse(text: &str, kind: Kind) -> Cell<'_> {
    let read = match kind {
        _ if text.is_empty() => None,
        Kind::Integer => text.parse().ok().map(Cell::Integer),
        Kind::Number => text.parse().ok().map(Cell::Number),
        Kind::Flag => text.parse().ok().map(Cell::Flag),
        Kind::Text => Some(Cell::Text(text)),
    };
    read.unwrap_or(Cell::Missing)
}
