//! Sweeps: many points of networks × protocols × platforms.

mod row;

pub use row::{
    AxisValue, COLUMNS, Cell, CellKind, Column, FIRST_COLUMNS, NAME_COLUMNS, PointBinding, PointBottlenecks,
    PointMetrics, PointRow,
};
