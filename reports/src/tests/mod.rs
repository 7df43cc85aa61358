//! Facts about figures and reports that need whole simulations.

mod compare;
mod edges;
mod explore;
mod figures;
mod output;
mod readable;
mod study;

pub use readable::well_formed;
