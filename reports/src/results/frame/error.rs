//! What can be wrong with a table or its file.

use super::Kind;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a table cannot be read, written or asked.
#[derive(Debug, Error)]
pub enum FrameError {
    /// The file cannot be opened, read or written.
    #[error("cannot {action} {}: {cause}", path.display())]
    Io {
        /// `read` or `write`.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why. It stands in the message and is therefore no `source`, whose text would follow again.
        cause: std::io::Error,
    },
    /// The file is no Parquet file, a damaged one, or one that uses what is not supported.
    #[error("{}: not a Parquet file that can be read: {message}", path.display())]
    Parquet {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The Parquet file cannot be written.
    #[error("cannot write Parquet: {0}")]
    Encode(parquet::errors::ParquetError),
    /// A line of a CSV file is not one of a table.
    #[error("{}: not a CSV table: {message}", path.display())]
    Csv {
        /// Which file.
        path: PathBuf,
        /// What is wrong and where.
        message: String,
    },
    /// The table has more cells than are kept in memory.
    #[error("{}: {rows} rows of {columns} columns are too many to be kept in memory (at most {} cells); expected \
        fewer columns, or a sample of the rows", path.display(), super::MOST_CELLS)]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// Its rows, as far as they were counted.
        rows: u64,
        /// The columns that were asked for.
        columns: usize,
    },
    /// There is no such column.
    #[error("no column `{name}`{}", pisim_settings::did_you_mean(name, there.iter().map(String::as_str)))]
    NoColumn {
        /// What was asked for.
        name: String,
        /// The names that there are.
        there: Vec<String>,
    },
    /// The column holds something else.
    #[error("column `{name}` holds {found}; expected {expected}")]
    Kind {
        /// Which column.
        name: String,
        /// What it holds.
        found: Kind,
        /// What was asked for.
        expected: Kind,
    },
    /// The columns do not make a table.
    #[error("column `{name}` {message}")]
    Shape {
        /// Which column.
        name: String,
        /// Its fault.
        message: String,
    },
    /// A folder without the points of a sweep.
    #[error("{}: no points.parquet and no points.csv in this folder; expected the folder of a finished sweep, or a file", path.display())]
    NoPoints {
        /// The folder.
        path: PathBuf,
    },
}

impl FrameError {
    pub(crate) fn read(path: &Path, cause: std::io::Error) -> Self {
        Self::Io { action: "read", path: path.to_owned(), cause }
    }

    pub(crate) fn parquet(path: &Path, message: impl ToString) -> Self {
        Self::Parquet { path: path.to_owned(), message: message.to_string() }
    }

    pub(crate) fn csv(path: &Path, message: impl ToString) -> Self {
        Self::Csv { path: path.to_owned(), message: message.to_string() }
    }
}

impl From<parquet::errors::ParquetError> for FrameError {
    fn from(error: parquet::errors::ParquetError) -> Self {
        Self::Encode(error)
    }
}
