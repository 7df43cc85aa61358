//! Reproduces published measurements, and says how far off the model is.
//!
//! A [`Target`] is one published quantity of one network with its cases, a limit for the mean and one for the worst error.
//! Targets whose figures the platforms' constants were fitted on are told apart from those that are predicted ([`Set`]), and
//! what the model misses by much from what it meets ([`Verdict`]).
//! The published tables are compiled in; they measured Delphi, so the program is `delphi`'s and `delphi-client`'s, the
//! networks are the measured ones (without 1×1 shortcuts, so that layers correspond one to one), and the platforms are
//! `epyc7502-atom` (a weak client, as the published latency model) and `epyc7502-pair` (both parties on one server, as the
//! published totals were measured).
//!
//! Two published figures are left out because they count something else: the base transfers' 4,096 bytes are masked pairs of
//! keys there and group elements here, and the answer's 131 bytes have a framing of their own.

mod data;
mod fit;
mod fpga_garblers;
mod haac;
mod haac_data;
mod haac_runs;
mod he_accelerators;
mod memory;
mod model;
mod rtl;
mod target;
mod targets;

pub use data::Published;
pub use fit::{AndCosts, Fit, fit};
pub use model::{Breakdown, Phases, breakdowns};
use target::Limits;
pub use target::{Case, ErrorUnit, InBand, PASS_MAX_PCT, PASS_MEAN_PCT, Set, Target, Verdict};

use crate::error::SimError;
use pisim_hw_models::dram::DramError;
use pisim_hw_models::gc::GcError;
use pisim_netgen::NetworkError;
use pisim_protocol::LowerError;
use pisim_settings::{ConfigError, did_you_mean};
use thiserror::Error;

/// Why a validation cannot run.
#[derive(Debug, Error)]
pub enum ValidateError {
    /// A published table is not as expected.
    #[error("published table {table}: {problem}")]
    Data {
        /// The table's file.
        table: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// No target has this name.
    #[error("unknown target `{name}`; expected one of {known}{hint}")]
    UnknownTarget {
        /// The name.
        name: String,
        /// All names.
        known: String,
        /// The near miss, as a question, or nothing.
        hint: String,
    },
    /// A published memory cannot be built.
    #[error(transparent)]
    Memory(#[from] DramError),
    /// A published network cannot be built.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A published network cannot be lowered.
    #[error(transparent)]
    Lower(#[from] LowerError),
    /// A built-in protocol or platform cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A simulation failed.
    #[error(transparent)]
    Sim(#[from] SimError),
    /// A circuit cannot run on a garbled-circuit engine.
    #[error(transparent)]
    Gc(#[from] GcError),
}

/// The names of all targets, in their order.
pub fn target_names() -> Vec<&'static str> {
    targets::ALL.iter().map(|(about, _)| about.target).collect()
}

/// Compares every target, or the one named `only`, with its published figures.
///
/// # Errors
/// There is no target of that name. Everything else is compiled in, and tested.
pub fn validate(only: Option<&str>) -> Result<Vec<Target>, ValidateError> {
    let names = target_names();
    if let Some(name) = only.filter(|name| !names.contains(name)) {
        let hint = did_you_mean(name, names.iter().copied());
        return Err(ValidateError::UnknownTarget { name: name.to_owned(), known: names.join(", "), hint });
    }
    let model = model::Model::new()?;
    let wanted = targets::ALL.iter().filter(|(about, _)| only.is_none_or(|name| name == about.target));
    let mut found = Vec::new();
    for (about, compare) in wanted {
        found.extend(compare(&model, about)?);
    }
    Ok(found)
}
