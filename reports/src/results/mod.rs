//! Results of sweeps: columns, Parquet and CSV files, and the folder that a run can be resumed in.

mod frame;

pub use frame::{Cell, Column, Frame, FrameError, Kind, Texts};
