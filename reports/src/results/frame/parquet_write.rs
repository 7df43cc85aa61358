//! Tables as Parquet: one row group for every table that is written, snappy.

use super::{Column, Frame, FrameError, Kind};
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{ColumnPath, Type, TypePtr};
use std::io::Write;
use std::sync::Arc;

/// What made the file, as its footer says; the same for every version, for equal results are equal bytes.
const CREATED_BY: &str = "pisim";

/// Writes tables of equal columns one after another into one file.
pub(crate) struct ParquetWriter<W: Write + Send> {
    file: SerializedFileWriter<W>,
}

impl<W: Write + Send> ParquetWriter<W> {
    /// A file with the columns of `like`.
    pub(crate) fn new(out: W, like: &Frame) -> Result<Self, FrameError> {
        let file = SerializedFileWriter::new(out, schema(like)?, Arc::new(properties(like)))?;
        Ok(Self { file })
    }

    /// Writes a row group. The table must have the columns that the file was started with.
    pub(crate) fn write(&mut self, frame: &Frame) -> Result<(), FrameError> {
        let mut group = self.file.next_row_group()?;
        for (name, column) in frame.columns() {
            let Some(mut out) = group.next_column()? else { return Err(more_columns(name)) };
            write_column(&mut out, column)?;
            out.close()?;
        }
        group.close()?;
        Ok(())
    }

    /// Writes the footer and returns what the file was written to.
    pub(crate) fn finish(self) -> Result<W, FrameError> {
        Ok(self.file.into_inner()?)
    }
}

fn more_columns(name: &str) -> FrameError {
    FrameError::Shape { name: name.to_owned(), message: "is not one of the file".to_owned() }
}

fn properties(like: &Frame) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true);
    for (name, column) in like.columns() {
        // Latencies and energies hardly repeat: a dictionary of them is work for nothing. Words and small numbers do.
        if column.kind() == Kind::Number {
            properties = properties.set_column_dictionary_enabled(ColumnPath::from(name), false);
        }
    }
    properties.build()
}

fn schema(like: &Frame) -> Result<TypePtr, ParquetError> {
    let column = |(name, column): (&str, &Column)| {
        let (physical, logical) = match column.kind() {
            Kind::Integer => (Physical::INT64, None),
            Kind::Number => (Physical::DOUBLE, None),
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Flag => (Physical::BOOLEAN, None),
        };
        let field = Type::primitive_type_builder(name, physical);
        Ok(Arc::new(field.with_repetition(Repetition::OPTIONAL).with_logical_type(logical).build()?))
    };
    let fields = like.columns().map(column).collect::<Result<Vec<_>, ParquetError>>()?;
    Ok(Arc::new(Type::group_type_builder("points").with_fields(fields).build()?))
}

fn write_column(out: &mut SerializedColumnWriter<'_>, column: &Column) -> Result<(), ParquetError> {
    match column {
        Column::Integer(rows) => write_present::<Int64Type>(out, rows.iter().copied()),
        Column::Flag(rows) => write_present::<BoolType>(out, rows.iter().copied()),
        Column::Number(rows) => {
            write_present::<DoubleType>(out, rows.iter().map(|value| (!value.is_nan()).then_some(*value)))
        }
        Column::Text(texts) => {
            // The bytes of a word are shared by all rows that hold it.
            let words: Vec<ByteArray> = texts.words().map(|word| word.as_bytes().to_vec().into()).collect();
            let word = |number: Option<usize>| number.and_then(|number| words.get(number).cloned());
            write_present::<ByteArrayType>(out, texts.numbers().map(word))
        }
    }
}

/// Writes the values that are there, and for every row whether it is.
fn write_present<T: DataType>(
    out: &mut SerializedColumnWriter<'_>,
    rows: impl Iterator<Item = Option<T::T>>,
) -> Result<(), ParquetError> {
    let (mut values, mut levels) = (Vec::with_capacity(rows.size_hint().0), Vec::with_capacity(rows.size_hint().0));
    for row in rows {
        levels.push(i16::from(row.is_some()));
        values.extend(row);
    }
    out.typed::<T>().write_batch(&values, Some(&levels), None)?;
    Ok(())
}
