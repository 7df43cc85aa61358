//! Results of sweeps: columns, Parquet and CSV files, and the folder that a run can be resumed in.
//!
//! [`Frame`] is a table in memory, for everybody who reads results. [`ResultsFolder`] keeps those of a run, chunk by chunk, and puts
//! its files together; [`merge()`] makes one folder from those of many machines.

mod assemble;
mod error;
mod files;
mod folder;
mod frame;
mod layers;
mod manifest;
mod merge;
mod of_sweep;
mod schema;
mod show;

pub use error::ResultsError;
pub use folder::{Chunk, Existing, ResultsFolder, RunNote};
pub use frame::{Cell, Column, Frame, FrameError, Kind, Texts};
pub use manifest::{FileInfo, Input, Manifest, Shard};
pub use merge::merge;
pub use of_sweep::{POINTS_OPTION, command_of_row, sweep_of};
pub use schema::{AxisColumn, ColumnInfo, Schema};
pub use show::{manifest_of, row_of, rows_of};

/// The columns of the table of layers, in order.
pub fn layer_columns() -> Vec<ColumnInfo> {
    layers::columns()
}

/// A table with these columns and no rows.
fn empty_frame(columns: &[ColumnInfo]) -> Result<Frame, FrameError> {
    Frame::new(columns.iter().map(|column| (column.name.clone(), Column::empty(column.kind))).collect())
}
