//! What removing a bottleneck would give: the same inference with one part infinitely fast.

use super::parts::{parts, speed_up};
use crate::error::SimError;
use crate::prepared::{Prepared, Workspace};
use crate::result::{ByPhase, Level};
use crate::summary::Summary;
use pisim_hw_models::Platform;
use serde::Serialize;

/// One part and the inference without its time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Removal {
    /// The unit, direction of the link, memory or pool of cores, as in [`crate::UnitSummary`], or `link.round-trip`.
    pub unit: &'static str,
    /// The lower bound of each phase's latency that it sets by itself; zero for the round trip.
    pub bound_s: ByPhase,
    /// Seconds by phase if it were infinitely fast: evaluated again, not estimated from the bound.
    pub latency_s: ByPhase,
}

/// What binds an inference, part by part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attribution {
    /// Seconds by phase as it is.
    pub latency_s: ByPhase,
    /// Every part, those whose removal gives most first.
    pub removals: Vec<Removal>,
}

impl Attribution {
    /// How many times as fast the inference would be without a part's time.
    pub fn speedup(&self, removal: &Removal) -> f64 {
        if removal.latency_s.total > 0.0 { self.latency_s.total / removal.latency_s.total } else { f64::INFINITY }
    }
}

/// Evaluates an inference again without the time of each part of the platform in turn: a counterfactual, in which the work of
/// that part takes no time and everything else waits for the rest as it would. The split of a link's total rate stays.
///
/// # Errors
/// As [`crate::simulate()`].
pub fn without_each(
    prepared: &Prepared,
    platform: &Platform,
    level: Level,
    workspace: &mut Workspace,
) -> Result<Attribution, SimError> {
    let settled = prepared.settled(platform, level, workspace)?;
    let layout = prepared.evaluate(&settled, level, workspace)?;
    let known = crate::summary::summarize(prepared, &settled, level, &layout, workspace);
    let bound_s =
        |name: &str| known.units.iter().find(|unit| unit.name == name).map_or_else(ByPhase::default, |u| u.bound_s);
    let mut removals = Vec::new();
    for (unit, part) in parts(&layout, &workspace.prices, &settled) {
        let layout = prepared.evaluate_with(&settled, level, workspace, |layout, prices| {
            speed_up(part, f64::INFINITY, layout, prices);
        })?;
        let Summary { latency_s, .. } = crate::summary::summarize(prepared, &settled, level, &layout, workspace);
        removals.push(Removal { unit, bound_s: bound_s(unit), latency_s });
    }
    removals.sort_by(|a, b| a.latency_s.total.total_cmp(&b.latency_s.total));
    Ok(Attribution { latency_s: known.latency_s, removals })
}
