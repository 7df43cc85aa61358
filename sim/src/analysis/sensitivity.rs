//! How much the speed of each part of a platform matters to one inference.

use super::parts::{parts, speed_up};
use super::sobol::SobolPlan;
use crate::error::SimError;
use crate::prepared::{Prepared, Workspace};
use crate::result::Level;
use pisim_hw_models::Platform;
use rayon::prelude::*;
use serde::Serialize;

/// Every part gets from 1 / `REACH` to `REACH` times its speed.
const REACH: f64 = 2.0;

/// What the speed of one part does to the latency of an inference, setup included.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sensitivity {
    /// The part, as in [`super::Removal`].
    pub part: &'static str,
    /// Latency at half the part's speed over that as it is, all else as it is.
    pub half_speed: f64,
    /// Latency at twice its speed over that as it is.
    pub double_speed: f64,
    /// First-order Sobol index of ln(latency) when all parts vary independently, log-uniformly from half to twice their speed; zero
    /// where nothing matters.
    pub first: f64,
    /// Total Sobol index likewise.
    pub total: f64,
}

/// The sensitivities of the latency to the speed of every unit, direction of the link, memory and pool of cores, and to the
/// round trip: one at a time, and by variance with `samples` × (parts + 2) evaluations on all cores. The largest total index
/// comes first. The split of a link's total rate stays.
///
/// # Errors
/// As [`crate::simulate()`].
pub fn sensitivities(
    prepared: &Prepared,
    platform: &Platform,
    level: Level,
    samples: u32,
    seed: u32,
) -> Result<Vec<Sensitivity>, SimError> {
    let workspace = &mut Workspace::default();
    let settled = prepared.settled(platform, level, workspace)?;
    let layout = prepared.evaluate(&settled, level, workspace)?;
    let known = parts(&layout, &workspace.prices, &settled);
    let latency_s = |workspace: &mut Workspace, factors: &[f64]| -> Result<f64, SimError> {
        prepared.evaluate_with(&settled, level, workspace, |layout, prices| {
            for ((_, part), factor) in known.iter().zip(factors) {
                speed_up(*part, *factor, layout, prices);
            }
        })?;
        Ok(workspace.engine.phases.iter().map(|phase| phase.latency_s).sum())
    };
    let base_s = latency_s(workspace, &[])?;
    let mut alone = Vec::with_capacity(known.len());
    for part in 0..known.len() {
        let mut at = |factor: f64| {
            let factors: Vec<f64> = (0..known.len()).map(|other| if other == part { factor } else { 1.0 }).collect();
            latency_s(workspace, &factors).map(|seconds| if base_s > 0.0 { seconds / base_s } else { 1.0 })
        };
        alone.push((at(1.0 / REACH)?, at(REACH)?));
    }
    let indices = match SobolPlan::new(known.len(), samples, seed) {
        None => None,
        Some(plan) => {
            let evaluate = |workspace: &mut Workspace, point: &Vec<f64>| {
                let factors: Vec<f64> = point.iter().map(|at| REACH.powf(2.0 * at - 1.0)).collect();
                latency_s(workspace, &factors).map(f64::ln)
            };
            let answers: Result<Vec<f64>, SimError> =
                plan.points().par_iter().map_init(Workspace::default, evaluate).collect();
            plan.indices(&answers?)
        }
    };
    let of =
        |values: Option<&Vec<f64>>, part: usize| values.and_then(|values| values.get(part)).copied().unwrap_or(0.0);
    let one =
        |(number, ((part, _), (half_speed, double_speed))): (usize, (&(&'static str, _), (f64, f64)))| Sensitivity {
            part,
            half_speed,
            double_speed,
            first: of(indices.as_ref().map(|found| &found.first), number),
            total: of(indices.as_ref().map(|found| &found.total), number),
        };
    let mut all: Vec<Sensitivity> = known.iter().zip(alone).enumerate().map(one).collect();
    all.sort_by(|a, b| b.total.total_cmp(&a.total));
    Ok(all)
}
