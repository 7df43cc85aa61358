//! What a rate's runs say together.

use super::pair::RunResult;
use super::service::Plan;
use serde::Serialize;

/// The unit that requests keep busiest.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct BusiestUnit {
    /// Its name, as in [`crate::UnitUse`]; empty for a service without units.
    pub name: String,
    /// Its seconds of work per simulated second. Above 1, the policy lets phases run at once that need the same hardware,
    /// and is too hopeful (only [`super::Policy::Published`] and [`super::Policy::Eager`] can be).
    pub load: f64,
}

/// The result at one arrival rate, over all its runs. Times are in seconds and over all served requests of all runs; they
/// are absent (`null`) when nothing was served. A quantile is the smallest time that so many of them do not exceed.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RatePoint {
    /// Requests per second that arrive on average (of a trace: that did).
    pub rate_per_s: f64,
    /// Mean inference time: from leaving the queue to the answer, waiting for a precompute included.
    pub mean_s: Option<f64>,
    /// Its median.
    pub median_s: Option<f64>,
    /// Its 95 % quantile.
    pub p95_s: Option<f64>,
    /// Its 99 % quantile.
    pub p99_s: Option<f64>,
    /// Mean time in the queue, of all that left it.
    pub queue_mean_s: Option<f64>,
    /// Mean part of the inference time that was spent waiting for a precompute.
    pub precompute_wait_mean_s: Option<f64>,
    /// Mean time from arrival to the answer. Of what was served: beyond the capacity, those still waiting waited longer.
    pub latency_mean_s: Option<f64>,
    /// The 95 % quantile of the time from arrival to the answer.
    pub latency_p95_s: Option<f64>,
    /// Requests that arrived, per run.
    pub arrived: f64,
    /// Requests that were answered before the end, per run.
    pub served: f64,
    /// Requests that were still waiting or being served at the end, per run.
    pub unserved: f64,
    /// Independent runs.
    pub runs: u32,
    /// Answers per second.
    pub throughput_per_s: f64,
    /// Bytes of precomputes at a pair's client, mean over time.
    pub client_storage_mean_bytes: f64,
    /// The most bytes of precomputes at a pair's client.
    pub client_storage_peak_bytes: u64,
    /// Bytes of precomputes at a pair's server, mean over time.
    pub server_storage_mean_bytes: f64,
    /// The share of the time in which a pair is occupied by a request, from its leaving the queue to its answer.
    pub utilization: f64,
    /// The unit that the requests and their precomputes keep busiest.
    pub busiest_unit: BusiestUnit,
    /// The rate at which the queue starts to grow without bound.
    pub capacity_per_s: f64,
}

/// Adds up the runs of one rate, in their order.
pub(super) fn summarize(rate_per_s: f64, runs: &mut [RunResult], plan: &Plan, horizon_s: f64) -> RatePoint {
    let count = runs.len() as f64;
    let sum = |of: fn(&RunResult) -> f64| runs.iter().map(of).sum::<f64>();
    let (arrived, taken) = (sum(|run| run.arrived as f64), sum(|run| run.taken as f64));
    let (queue_s, wait_s) = (sum(|run| run.queue_s), sum(|run| run.wait_s));
    // Of one pair, per simulated second.
    let seconds = count * horizon_s;
    let per_pair = 1.0 / (seconds * plan.rules.pairs as f64);
    let held = per_pair * sum(|run| run.held_s);
    let most_held = runs.iter().map(|run| run.most_held).max().unwrap_or(0);
    let utilization = (per_pair * sum(|run| run.occupied_s)).min(1.0);
    let busiest_unit = busiest(plan, per_pair * sum(|run| run.offline_work_s), per_pair * sum(|run| run.online_work_s));
    let mut inference = Times::new(runs.iter_mut().map(|run| std::mem::take(&mut run.inference_s)).collect());
    let mut latency = Times::new(runs.iter_mut().map(|run| std::mem::take(&mut run.latency_s)).collect());
    let served = inference.all.len() as f64;
    let mean = |sum: f64, count: f64| (count > 0.0).then(|| sum / count);
    let [median_s, p95_s, p99_s] = inference.quantiles([0.5, 0.95, 0.99]);
    let [latency_p95_s] = latency.quantiles([0.95]);
    RatePoint {
        rate_per_s,
        mean_s: mean(inference.sum, served),
        median_s,
        p95_s,
        p99_s,
        queue_mean_s: mean(queue_s, taken),
        precompute_wait_mean_s: mean(wait_s, served),
        latency_mean_s: mean(latency.sum, served),
        latency_p95_s,
        arrived: arrived / count,
        served: served / count,
        unserved: (arrived - served) / count,
        runs: runs.len() as u32,
        throughput_per_s: served / seconds,
        client_storage_mean_bytes: held * plan.service.client_bytes as f64,
        client_storage_peak_bytes: most_held.saturating_mul(plan.service.client_bytes),
        server_storage_mean_bytes: held * plan.service.server_bytes as f64,
        utilization,
        busiest_unit,
        capacity_per_s: plan.capacity_per_s(),
    }
}

/// The busiest unit, from the seconds of background and of online work per simulated second; the first of equals.
fn busiest(plan: &Plan, offline: f64, online: f64) -> BusiestUnit {
    let service = &plan.service;
    // On demand, what runs is the offline phase and then the online phase.
    let (offline, online) = if plan.on_demand() {
        let share = service.offline_s / (service.offline_s + service.online_s);
        (online * share, online * (1.0 - share))
    } else {
        (offline, online)
    };
    let part = |work: f64, unit_s: f64, phase_s: f64| if phase_s > 0.0 { work * unit_s / phase_s } else { 0.0 };
    let mut busiest = BusiestUnit::default();
    for unit in &service.units {
        let load = part(offline, unit.offline_s, service.offline_s) + part(online, unit.online_s, service.online_s);
        if busiest.name.is_empty() || load > busiest.load {
            busiest = BusiestUnit { name: unit.name.clone(), load };
        }
    }
    busiest
}

/// The times of all runs, and their sum in the order of the runs.
struct Times {
    all: Vec<f64>,
    sum: f64,
}

impl Times {
    fn new(runs: Vec<Vec<f64>>) -> Self {
        let all = runs.concat();
        let sum = all.iter().sum();
        Self { all, sum }
    }

    /// Quantiles at ascending shares; none without times.
    fn quantiles<const N: usize>(&mut self, shares: [f64; N]) -> [Option<f64>; N] {
        let count = self.all.len();
        let mut found = [None; N];
        let mut rest = self.all.as_mut_slice();
        // From the largest: what is below one quantile holds all smaller ones.
        for (slot, share) in found.iter_mut().zip(shares).rev() {
            let rank = ((share * count as f64).ceil() as usize).clamp(1, count.max(1)) - 1;
            if rank < rest.len() {
                let (below, value, _) = rest.select_nth_unstable_by(rank, f64::total_cmp);
                *slot = Some(*value);
                // The value itself stays, for a smaller quantile of the same rank.
                let kept = below.len() + 1;
                rest = rest.get_mut(..kept).unwrap_or_default();
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn quantiles_are_those_of_the_sorted_times(times in proptest::collection::vec(0_u32..50, 0..200)) {
            let times: Vec<f64> = times.into_iter().map(f64::from).collect();
            let mut sorted = times.clone();
            sorted.sort_by(f64::total_cmp);
            let shares = [0.5, 0.95, 0.99];
            let expected = shares.map(|share| {
                sorted.iter().enumerate().find(|(i, _)| (i + 1) as f64 >= share * sorted.len() as f64).map(|(_, t)| *t)
            });
            prop_assert_eq!(Times::new(vec![times]).quantiles(shares), expected);
        }
    }
}
