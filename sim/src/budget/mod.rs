//! Networks for a budget: which of many networks meet limits of ReLUs, MACs and simulated latency, and which of those to take.

mod error;

pub use error::BudgetError;

use crate::analysis::pareto_front;
use crate::prepared::{Prepared, Workspace};
use crate::result::{ByPhase, Level};
use pisim_hw_models::Platform;
use pisim_netgen::Candidate;
use pisim_protocol::{Protocol, lower};
use rayon::prelude::*;
use serde::Serialize;

/// The limits; what is left out is unlimited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Budget {
    /// Most ReLUs.
    pub relus: Option<u64>,
    /// Most multiply-accumulates.
    pub macs: Option<u64>,
    /// Most seconds of one inference.
    pub latency_s: Option<f64>,
    /// What of an inference the latency is.
    pub timed: Timed,
}

/// What of an inference is timed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Timed {
    /// Setup, offline and online phase.
    #[default]
    Total,
    /// The online phase: what a client waits for once a precompute is there.
    Online,
}

impl Timed {
    /// The timed part, seconds.
    pub fn of(self, latency_s: &ByPhase) -> f64 {
        match self {
            Self::Total => latency_s.total,
            Self::Online => latency_s.online,
        }
    }
}

/// What latencies are simulated on.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// The protocol.
    pub protocol: &'a Protocol,
    /// The platform.
    pub platform: &'a Platform,
    /// How latencies are found.
    pub level: Level,
}

/// A network that meets the budget.
#[derive(Debug, Clone, Serialize)]
pub struct Fitting {
    /// The network.
    #[serde(flatten)]
    pub candidate: Candidate,
    /// Simulated seconds by phase, if a platform was given.
    pub latency_s: Option<ByPhase>,
}

/// The answer. Its JSON is the public contract of `pisim net fit --json`.
#[derive(Debug, Clone, Serialize)]
pub struct Fit {
    /// What was asked.
    pub budget: Budget,
    /// The protocol's name, where latencies were simulated.
    pub protocol: Option<String>,
    /// The platform's name, where latencies were simulated.
    pub hardware: Option<String>,
    /// Networks that were looked at.
    pub candidates: usize,
    /// Networks among them that the protocol cannot run: they do not fit its ring or its ciphertexts.
    pub unfit: usize,
    /// Networks that meet every limit.
    pub meeting: usize,
    /// Those of them on the Pareto front, best first.
    pub front: Vec<Fitting>,
}

/// Finds the networks that meet a budget, on all cores. The answer does not depend on their number.
///
/// A network is on the front if no other one that meets the budget is at least as good in everything and better in something:
/// the order of criticality kept, more ReLUs (what a network can express, once they are paid for), fewer MACs, and, where it is
/// simulated, less latency. They are ranked by DeepReShape's criteria: those that keep the order first, then by few MACs per
/// ReLU, then by many ReLUs.
///
/// # Errors
/// No limit at all, a latency without a setting, or no network that meets every limit.
pub fn fit(candidates: Vec<Candidate>, budget: &Budget, setting: Option<Setting>) -> Result<Fit, BudgetError> {
    let Budget { relus, macs, latency_s, .. } = *budget;
    if relus.is_none() && macs.is_none() && latency_s.is_none() {
        return Err(BudgetError::NoLimit);
    }
    if latency_s.is_some() && setting.is_none() {
        return Err(BudgetError::NoSetting);
    }
    let looked_at = candidates.len();
    let counted = |candidate: &Candidate| {
        relus.is_none_or(|most| candidate.counts.relus <= most) && macs.is_none_or(|most| candidate.counts.macs <= most)
    };
    let (small, large): (Vec<Candidate>, Vec<Candidate>) = candidates.into_iter().partition(counted);
    let timed = with_latencies(small, setting);
    let unfit = looked_at - large.len() - timed.len();
    let met = |fitting: &Fitting| excess(fitting, budget) <= 1.0;
    let (meeting, slow): (Vec<Fitting>, Vec<Fitting>) = timed.into_iter().partition(met);
    if meeting.is_empty() {
        // Without latencies of those that are too large, the nearest is the one nearest in all that is known of it.
        let others = slow.into_iter().chain(large.into_iter().map(|candidate| Fitting { candidate, latency_s: None }));
        let nearest = others.min_by(|a, b| excess(a, budget).total_cmp(&excess(b, budget)));
        return Err(error::none_meets(budget, looked_at, unfit, nearest.as_ref()));
    }
    let found = meeting.len();
    let mut front = on_front(meeting, budget.timed);
    front.sort_by(|a, b| {
        let (a, b) = (&a.candidate, &b.candidate);
        let order = b.order_kept.cmp(&a.order_kept).then(a.macs_per_relu.total_cmp(&b.macs_per_relu));
        order.then(b.counts.relus.cmp(&a.counts.relus)).then(a.name.cmp(&b.name)).then(a.base.cmp(&b.base))
    });
    Ok(Fit {
        budget: *budget,
        protocol: setting.map(|setting| setting.protocol.name.clone()),
        hardware: setting.map(|setting| setting.platform.name.clone()),
        candidates: looked_at,
        unfit,
        meeting: found,
        front,
    })
}

/// The candidates with their latencies, in their order; without those that the protocol or the platform cannot run.
fn with_latencies(candidates: Vec<Candidate>, setting: Option<Setting>) -> Vec<Fitting> {
    let Some(Setting { protocol, platform, level }) = setting else {
        return candidates.into_iter().map(|candidate| Fitting { candidate, latency_s: None }).collect();
    };
    let simulate = |workspace: &mut Workspace, candidate: Candidate| {
        let program = lower(&candidate.network, protocol).ok()?;
        let summary = Prepared::new(&program).summarize(platform, level, workspace).ok()?;
        Some(Fitting { candidate, latency_s: Some(summary.latency_s) })
    };
    let fittings: Vec<Option<Fitting>> = candidates.into_par_iter().map_init(Workspace::default, simulate).collect();
    fittings.into_iter().flatten().collect()
}

/// The largest of a network's quantities over their limits; at most 1 if it meets all that is known.
fn excess(fitting: &Fitting, budget: &Budget) -> f64 {
    let counts = fitting.candidate.counts;
    let over = |value: f64, limit: Option<f64>| match limit {
        Some(limit) if value > 0.0 => value / limit,
        _ => 0.0,
    };
    let limit = |count: Option<u64>| count.map(|count| count as f64);
    let latency_s = fitting.latency_s.as_ref().map_or(0.0, |latency_s| budget.timed.of(latency_s));
    let ratios = [
        over(counts.relus as f64, limit(budget.relus)),
        over(counts.macs as f64, limit(budget.macs)),
        over(latency_s, budget.latency_s),
    ];
    ratios.into_iter().fold(0.0, f64::max)
}

/// Those that no other one beats; of equals, the first.
fn on_front(meeting: Vec<Fitting>, timed: Timed) -> Vec<Fitting> {
    let column = |value: &dyn Fn(&Fitting) -> f64| meeting.iter().map(value).collect::<Vec<f64>>();
    let objectives = [
        column(&|fitting| if fitting.candidate.order_kept { 0.0 } else { 1.0 }),
        column(&|fitting| -(fitting.candidate.counts.relus as f64)),
        column(&|fitting| fitting.candidate.counts.macs as f64),
        column(&|fitting| fitting.latency_s.as_ref().map_or(0.0, |latency_s| timed.of(latency_s))),
    ];
    let slices: Vec<&[f64]> = objectives.iter().map(Vec::as_slice).collect();
    let chosen = pareto_front(&slices);
    let mut seen = std::collections::HashSet::new();
    let key = |fitting: &Fitting| {
        let Candidate { counts, order_kept, .. } = &fitting.candidate;
        let latency = fitting.latency_s.as_ref().map(|latency_s| timed.of(latency_s).to_bits());
        (counts.relus, counts.macs, *order_kept, latency)
    };
    let members = meeting.into_iter().enumerate().filter(|(index, _)| chosen.binary_search(index).is_ok());
    members.map(|(_, fitting)| fitting).filter(|fitting| seen.insert(key(fitting))).collect()
}
