//! Sweeps: many points of networks × protocols × platforms.
//!
//! A sweep is a TOML file. Any key of any network, protocol or platform file can be an axis of it ([`Sweep::from_source`]);
//! points are a grid, a sample or a search; [`Sweep::run`] evaluates them in parallel and gives their rows in order, chunk by
//! chunk, so that memory does not grow with the number of points. Programs are lowered once for all points that differ only
//! in their hardware.
//!
//! ```
//! use pisim_settings::Source;
//! use pisim_sim::sweep::Sweep;
//! let text = r#"
//!     networks = ["minionn"]
//!     hardware = ["haac-hbm2"]
//!     [[axis]]
//!     key = "hardware.server.gc_engine.engines"
//!     values = [1, 4, 16]
//! "#;
//! let sweep = Sweep::from_source(&Source::new("s.toml", text))?;
//! let mut rows = Vec::new();
//! sweep.run(&sweep.parts(), &mut |chunk| Ok(rows.extend(chunk.rows)))?;
//! let seconds: Vec<f64> = rows.iter().map(|row| row.outcome.as_ref().unwrap().latency_s.total).collect();
//! assert!(seconds[0] > seconds[1] && seconds[1] > seconds[2]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod axis;
mod constraint;
mod documents;
mod evaluate;
mod expression;
mod file;
mod load;
mod nsga2;
mod plan;
mod programs;
mod range;
mod reproduce;
mod row;
mod run;
mod sampling;
mod search;

pub use documents::{
    NetworkDocument, ProtocolDocument, TextDocument, changed_network, changed_platform, changed_protocol,
};
pub use evaluate::metrics_of;
pub use plan::{AxisColumn, AxisKind, CHUNK_POINTS, Input, Sweep};
pub use row::{
    AxisValue, COLUMNS, Cell, CellKind, Column, FIRST_COLUMNS, NAME_COLUMNS, PointBinding, PointBottlenecks,
    PointMetrics, PointRow,
};
pub use run::{Chunk, Part, RunError, RunSummary, Sink};
