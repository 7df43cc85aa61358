//! Facts about figures and reports that need whole simulations.

mod edges;
mod explore;
mod figures;
mod output;
mod readable;

pub use readable::well_formed;
