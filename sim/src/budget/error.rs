//! Why no network is found for a budget.

use super::{Budget, Fitting, Timed};
use thiserror::Error;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum BudgetError {
    /// Nothing is limited.
    #[error("a budget limits something; expected a largest number of ReLUs, of MACs, or a largest latency")]
    NoLimit,
    /// A latency can only be met on a platform.
    #[error("a largest latency needs a protocol and a platform to be simulated on")]
    NoSetting,
    /// Every network is beyond some limit.
    #[error("no network meets {limits} (of {candidates} that were tried{unfit}); {nearest}")]
    NoneMeets {
        /// The limits.
        limits: String,
        /// Networks that were tried.
        candidates: usize,
        /// Empty, or how many of them the protocol cannot run.
        unfit: String,
        /// The nearest network, and what it has.
        nearest: String,
    },
}

pub(super) fn none_meets(budget: &Budget, candidates: usize, unfit: usize, nearest: Option<&Fitting>) -> BudgetError {
    let timed = match budget.timed {
        Timed::Total => "",
        Timed::Online => " online",
    };
    let limits = [
        budget.relus.map(|relus| format!("{relus} ReLUs")),
        budget.macs.map(|macs| format!("{macs} MACs")),
        budget.latency_s.map(|latency_s| format!("{latency_s} s{timed}")),
    ];
    let nearest = nearest.map(|fitting| {
        let candidate = &fitting.candidate;
        let latency = fitting.latency_s.as_ref().map(|latency_s| budget.timed.of(latency_s));
        let latency = latency.map_or_else(String::new, |latency_s| format!(" and {latency_s:.3} s{timed} (modelled)"));
        let (relus, macs) = (candidate.counts.relus, candidate.counts.macs);
        format!("the nearest is {} with {relus} ReLUs, {macs} MACs{latency}", candidate.name)
    });
    BudgetError::NoneMeets {
        limits: limits.into_iter().flatten().collect::<Vec<_>>().join(" and "),
        candidates,
        unfit: if unfit == 0 { String::new() } else { format!(", {unfit} of which the protocol cannot run") },
        nearest: nearest.unwrap_or_else(|| "there is none to run".to_owned()),
    }
}
