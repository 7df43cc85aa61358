//! Reproduces published measurements, and says how far off the model is.
//!
//! A [`Target`] is one published quantity of one network with its cases, a limit for the mean and one for the worst error.
//! Targets whose figures the platforms' constants were fitted on are told apart from those that are predicted ([`Set`]).
//! The published tables are compiled in; they measured Delphi, so the program is `delphi`'s and `delphi-client`'s, the
//! networks are the measured ones (without 1×1 shortcuts, so that layers correspond one to one), and the platforms are
//! `epyc7502-atom` (a weak client, as the published latency model) and `epyc7502-pair` (both parties on one server, as the
//! published totals were measured).
//!
//! Two published figures are left out because they count something else: the base transfers' 4,096 bytes are masked pairs of
//! keys there and group elements here, and the answer's 131 bytes have a framing of their own.

mod data;
mod fit;
mod haac;
mod haac_data;
mod haac_runs;
mod he_accelerators;
mod memory;
mod model;
mod rtl;
mod targets;

pub use data::Published;
pub use fit::{AndCosts, Fit, fit};
pub use model::{Breakdown, Phases, breakdowns};

use crate::error::SimError;
use pisim_hw_models::dram::DramError;
use pisim_hw_models::gc::GcError;
use pisim_netgen::NetworkError;
use pisim_protocol::LowerError;
use pisim_settings::{ConfigError, did_you_mean};
use serde::Serialize;
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

/// Whether constants were fitted on a target's figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Set {
    /// They were: the error says how well the model's form fits.
    Fitted,
    /// No constant was, but a rule of the model was chosen with these figures in view: not an independent test.
    Seen,
    /// They were not: the error is the model's.
    Predicted,
}

impl Set {
    /// All of them, from the least to the most telling.
    pub const ALL: [Self; 3] = [Self::Fitted, Self::Seen, Self::Predicted];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fitted => "fitted",
            Self::Seen => "seen",
            Self::Predicted => "predicted",
        }
    }
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Case {
    /// Which layer, quantity or setting.
    pub case: String,
    /// As published, in the target's unit.
    pub published: f64,
    /// As modelled.
    pub modelled: f64,
    /// Where sources disagree: the least and the most that is accepted. The figures are then percentages themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub band: Option<[f64; 2]>,
}

impl Case {
    /// How far off, in per cent of the published figure, or in points outside of the band; positive if the model says more.
    pub fn error_pct(&self) -> f64 {
        match self.band {
            Some([least, _]) if self.modelled < least => self.modelled - least,
            Some([_, most]) if self.modelled > most => self.modelled - most,
            // A figure that is no number is inside of nothing.
            Some(_) => self.modelled * 0.0,
            None => 100.0 * (self.modelled / self.published - 1.0),
        }
    }
}

/// One published quantity of one network: its cases and how near the model comes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Target {
    /// Its name, for `--target`.
    pub target: &'static str,
    /// The network, or `-` where none is involved.
    pub network: &'static str,
    /// What is compared, with its unit.
    pub metric: &'static str,
    /// Where the published figures are from.
    pub source: &'static str,
    /// Whether constants were fitted on them.
    pub set: Set,
    /// Number of cases.
    pub cases: usize,
    /// Mean of the errors' sizes, per cent.
    pub mean_abs_error_pct: f64,
    /// The largest, per cent.
    pub max_abs_error_pct: f64,
    /// The most that the mean may be.
    pub limit_pct: f64,
    /// The most that the largest may be.
    pub max_limit_pct: f64,
    /// Whether both limits hold.
    pub pass: bool,
    /// Every case.
    pub details: Vec<Case>,
}

/// The most that a target's errors may be, in per cent.
#[derive(Debug, Clone, Copy)]
struct Limits {
    mean: f64,
    max: f64,
}

impl Target {
    /// A target from its cases. Without any, it fails: nothing was compared.
    fn new(of: &targets::About, network: &'static str, set: Set, limits: Limits, details: Vec<Case>) -> Self {
        let errors: Vec<f64> = details.iter().map(|case| case.error_pct().abs()).collect();
        let (mean, max) = match errors.len() {
            0 => (100.0, 100.0),
            cases => (errors.iter().sum::<f64>() / cases as f64, errors.iter().copied().fold(0.0, f64::max)),
        };
        Self {
            target: of.target,
            network,
            metric: of.metric,
            source: of.source,
            set,
            cases: details.len(),
            mean_abs_error_pct: mean,
            max_abs_error_pct: max,
            limit_pct: limits.mean,
            max_limit_pct: limits.max,
            // An error that is no number fails too.
            pass: mean <= limits.mean
                && max <= limits.max
                && !errors.is_empty()
                && errors.iter().all(|e| e.is_finite()),
            details,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn target(errors_pct: &[f64]) -> Target {
        let about = targets::About { target: "t", metric: "m", source: "s" };
        let case = |error: &f64| Case {
            case: "c".into(),
            published: 200.0,
            modelled: 200.0 * (1.0 + error / 100.0),
            band: None,
        };
        Target::new(&about, "n", Set::Fitted, Limits { mean: 5.0, max: 15.0 }, errors_pct.iter().map(case).collect())
    }

    #[test]
    fn a_target_fails_by_its_mean_or_its_worst_case_or_for_want_of_cases() {
        assert!(target(&[0.0, -14.9, 0.0]).pass);
        assert!(!target(&[0.0, 15.1, 0.0, 0.0]).pass, "one case is too far off");
        assert!(!target(&[5.1, -5.1]).pass, "errors of both signs do not cancel");
        assert!(!target(&[f64::NAN, 0.0]).pass && !target(&[f64::INFINITY]).pass);
        assert!(!target(&[]).pass, "nothing was compared");
        let found = target(&[-2.0, 4.0]);
        assert!((found.mean_abs_error_pct - 3.0).abs() < 1e-9 && (found.max_abs_error_pct - 4.0).abs() < 1e-9);
    }

    #[test]
    fn a_banded_case_is_off_by_its_distance_from_the_band() {
        let error =
            |modelled| Case { case: "c".into(), published: 50.0, modelled, band: Some([40.0, 60.0]) }.error_pct();
        assert_eq!([40.0, 55.0, 60.0, 38.5, 61.0].map(error), [0.0, 0.0, 0.0, -1.5, 1.0]);
        assert!(!target(&[error(f64::NAN)]).pass);
    }
}
