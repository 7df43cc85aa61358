//! Tables from Parquet files: flat columns of numbers, text and flags, whoever wrote them.

use super::contained::contained;
use super::{Column, Frame, FrameError, Kind, MOST_CELLS, Texts};
use parquet::basic::{ConvertedType, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Values that are decoded at a time.
const BATCH: usize = 8192;

/// Reads the columns with these names, or all.
pub(super) fn read(path: &Path, names: Option<&[&str]>) -> Result<Frame, FrameError> {
    let groups = Groups::open(path, names)?;
    let rows = groups.rows();
    if rows.saturating_mul(groups.wanted.len() as u64) > MOST_CELLS {
        return Err(FrameError::TooLarge { path: path.to_owned(), rows, columns: groups.wanted.len() });
    }
    let mut columns = groups.empty();
    for group in 0..groups.len() {
        groups.append(group, &mut columns)?;
    }
    Frame::new(columns)
}

/// The row groups of a file, which can be read one by one.
pub(crate) struct Groups {
    path: PathBuf,
    reader: SerializedFileReader<File>,
    wanted: Vec<(String, usize, Kind)>,
}

impl Groups {
    /// Opens a file to read the columns with these names, or all.
    pub(crate) fn open(path: &Path, names: Option<&[&str]>) -> Result<Self, FrameError> {
        let file = File::open(path).map_err(|error| FrameError::read(path, error))?;
        let reader = contained(|| SerializedFileReader::new(file)).map_err(|panic| FrameError::parquet(path, panic))?;
        let reader = reader.map_err(|error| FrameError::parquet(path, error))?;
        let wanted = wanted(reader.metadata().file_metadata().schema_descr(), path, names)?;
        Ok(Self { path: path.to_owned(), reader, wanted })
    }

    /// Their number.
    pub(crate) fn len(&self) -> usize {
        self.reader.num_row_groups()
    }

    /// The rows of all groups, as the file says.
    pub(crate) fn rows(&self) -> u64 {
        let groups = self.reader.metadata().row_groups();
        groups.iter().fold(0, |rows, group| rows.saturating_add(u64::try_from(group.num_rows()).unwrap_or(0)))
    }

    /// One group.
    pub(crate) fn read(&self, group: usize) -> Result<Frame, FrameError> {
        let mut columns = self.empty();
        self.append(group, &mut columns)?;
        Frame::new(columns)
    }

    fn empty(&self) -> Vec<(String, Column)> {
        self.wanted.iter().map(|(name, _, kind)| (name.clone(), Column::empty(*kind))).collect()
    }

    fn append(&self, group: usize, columns: &mut [(String, Column)]) -> Result<(), FrameError> {
        let fault = |error: ParquetError| FrameError::parquet(&self.path, error);
        let reader = contained(|| self.reader.get_row_group(group));
        let reader = reader.map_err(|panic| FrameError::parquet(&self.path, panic))?.map_err(fault)?;
        let rows = usize::try_from(reader.metadata().num_rows()).unwrap_or(0);
        for ((name, place, _), (_, column)) in self.wanted.iter().zip(columns) {
            let before = column.len();
            contained(|| append_column(reader.get_column_reader(*place)?, rows, column))
                .map_err(|panic| FrameError::parquet(&self.path, format!("column `{name}`: {panic}")))?
                .map_err(|error| FrameError::parquet(&self.path, format!("column `{name}`: {error}")))?;
            if column.len() - before != rows {
                let there = column.len() - before;
                let message = format!("column `{name}` has {there} values in a group of {rows} rows");
                return Err(FrameError::parquet(&self.path, message));
            }
        }
        Ok(())
    }
}

/// Names, places and kinds of the columns to read.
fn wanted(
    schema: &SchemaDescriptor,
    path: &Path,
    names: Option<&[&str]>,
) -> Result<Vec<(String, usize, Kind)>, FrameError> {
    let all: Vec<String> = schema.columns().iter().map(|column| column.path().string()).collect();
    let names: Vec<&str> = names.map_or_else(|| all.iter().map(String::as_str).collect(), <[&str]>::to_vec);
    let find = |name: &str| {
        let found = schema.columns().iter().enumerate().find(|(_, column)| column.path().string() == name);
        let (place, column) =
            found.ok_or_else(|| FrameError::NoColumn { name: name.to_owned(), there: all.clone() })?;
        let kind = kind(column).map_err(|message| FrameError::parquet(path, format!("column `{name}` {message}")))?;
        Ok((name.to_owned(), place, kind))
    };
    names.into_iter().map(find).collect()
}

/// What a column holds here.
fn kind(column: &ColumnDescriptor) -> Result<Kind, String> {
    if column.max_rep_level() > 0 || column.max_def_level() > 1 {
        return Err("is nested; expected plain values".to_owned());
    }
    match (column.physical_type(), column.converted_type()) {
        (Physical::BOOLEAN, _) => Ok(Kind::Flag),
        (Physical::INT32 | Physical::INT64, ConvertedType::DECIMAL) => {
            Err("holds decimals; expected doubles".to_owned())
        }
        (Physical::INT32 | Physical::INT64, _) => Ok(Kind::Integer),
        (Physical::FLOAT | Physical::DOUBLE, _) => Ok(Kind::Number),
        (Physical::BYTE_ARRAY, ConvertedType::DECIMAL) => Err("holds decimals; expected doubles".to_owned()),
        (Physical::BYTE_ARRAY, _) => Ok(Kind::Text),
        (physical, _) => Err(format!("holds {physical}; expected numbers, text or flags")),
    }
}

/// Appends the values of one group to a column.
fn append_column(reader: ColumnReader, rows: usize, column: &mut Column) -> Result<(), ParquetError> {
    match (reader, column) {
        (ColumnReader::BoolColumnReader(reader), Column::Flag(out)) => {
            each(reader, rows, |value| out.push(value.copied()))
        }
        (ColumnReader::Int32ColumnReader(reader), Column::Integer(out)) => {
            each(reader, rows, |value| out.push(value.map(|value| i64::from(*value))))
        }
        (ColumnReader::Int64ColumnReader(reader), Column::Integer(out)) => {
            each(reader, rows, |value| out.push(value.copied()))
        }
        (ColumnReader::FloatColumnReader(reader), Column::Number(out)) => {
            each(reader, rows, |value| out.push(value.map_or(f64::NAN, |value| f64::from(*value))))
        }
        (ColumnReader::DoubleColumnReader(reader), Column::Number(out)) => {
            each(reader, rows, |value| out.push(value.copied().unwrap_or(f64::NAN)))
        }
        (ColumnReader::ByteArrayColumnReader(reader), Column::Text(out)) => texts(reader, rows, out),
        _ => Err(ParquetError::General("the groups hold different types".to_owned())),
    }
}

fn texts(
    reader: ColumnReaderImpl<parquet::data_type::ByteArrayType>,
    rows: usize,
    out: &mut Texts,
) -> Result<(), ParquetError> {
    let mut broken = None;
    let take = |value: Option<&ByteArray>| match value.map(ByteArray::as_utf8).transpose() {
        Ok(text) => out.push(text),
        Err(error) => broken = Some(error),
    };
    each(reader, rows, take)?;
    broken.map_or(Ok(()), Err)
}

/// Calls `take` with the value of every row, batch by batch: what a damaged file announces is never allocated at once.
fn each<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    rows: usize,
    mut take: impl FnMut(Option<&T::T>),
) -> Result<(), ParquetError> {
    let (mut values, mut levels) = (Vec::with_capacity(BATCH), Vec::with_capacity(BATCH));
    let mut left = rows;
    while left > 0 {
        values.clear();
        levels.clear();
        let (records, _, _) = reader.read_records(left.min(BATCH), Some(&mut levels), None, &mut values)?;
        if records == 0 {
            break;
        }
        left -= records.min(left);
        let mut present = values.iter();
        if levels.is_empty() {
            present.for_each(|value| take(Some(value)));
        } else {
            levels.iter().for_each(|level| take(if *level > 0 { present.next() } else { None }));
        }
    }
    Ok(())
}
