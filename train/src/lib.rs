//! Training of a small network under falling ReLU budgets, from pictures to figures.
//!
//! The path: [`job::Job`] reads pictures, network, protocol and platform; [`family`] makes the networks by netgen's
//! transforms; [`experiment`] trains them ([`mod@fit`], [`snl`]), folds their batch norms into netgen's weights and has
//! each one measured ([`mod@measure`]): candle's answers must be netgen's, integers answer the test pictures, and
//! `pisim-sim` says what a private inference costs. [`drawing`] and [`results`] put everything on paper.
//!
//! Everything random has a seed. Results repeat on one machine, at any number of threads; machines with other vector
//! units may round otherwise, and then end with other weights of the same quality.

pub mod args;
pub mod data;
pub mod drawing;
mod error;
pub mod experiment;
pub mod export;
pub mod family;
pub mod finished;
pub mod fit;
mod gate;
pub mod graph;
pub mod job;
pub mod loss;
pub mod measure;
mod norm;
mod patches;
mod progress;
pub mod results;
pub mod snl;
pub mod trainable;

pub use error::TrainError;
pub use gate::Gate;
