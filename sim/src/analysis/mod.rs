//! What results mean: which points are worth having, what binds them, and which quantity matters.
//!
//! [`pareto_front`] and [`knee`] choose points, [`SobolPlan`], [`one_at_a_time`] and [`main_effect`] tell how much each axis
//! matters, [`cheapest`] compares groups at one limit. They know nothing of simulations. [`without_each`] evaluates an
//! inference again with each unit made infinitely fast, [`rooflines`] holds every accelerator's steps against its peak and
//! its memory, and [`sensitivities`] varies the speed of every part of a platform.

mod choose;
mod effects;
mod pareto;
mod parts;
mod roofline;
mod sensitivity;
mod sobol;
mod without;

pub use choose::{cheapest, knee};
pub use effects::{Response, main_effect, one_at_a_time};
pub use pareto::pareto_front;
pub use roofline::{Roof, RoofStep, rooflines};
pub use sensitivity::{Sensitivity, sensitivities};
pub use sobol::{SobolIndices, SobolPlan};
pub use without::{Attribution, Removal, without_each};
