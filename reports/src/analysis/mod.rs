//! What the results of a sweep say: fronts and knees, which axis matters, what binds the points, networks at one limit, and the
//! figures of all that.

mod axes;
mod drawn;
mod found;
mod study;
mod table;

pub use axes::StudyAxis;
pub use found::{AxisEffect, Bound, Findings, Group, Iso, IsoRow, Limits, ParetoPoint, Varied};
pub use study::{Study, StudyError, axis_names};
pub use table::table;
