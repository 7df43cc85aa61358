//! Loading and computing side by side: how long a tiled layer takes when memory bounds some of its passes.
//!
//! A layer is a sequence of steps, one weight each. Memory loads steps in order and computing works on them in order; loads run
//! ahead by at most so many steps as the pipelines hold. Where passes differ (the first one loads what stays, a later one
//! spills), memory bounds some of them and computing others, and what is loaded ahead carries over only as far as it may run
//! ahead. Both are taken as flows that are constant over a [`Run`] of equal steps, which makes the result exact but for the
//! last step.

use super::edges::Edges;
use super::passes::{Computing, Passes, Run};
use super::phases::Phases;
use super::traffic::Residency;
use super::{HeEngine, HeTiling, HeTraffic, HeWork, LoopOrder};
use crate::cost::product;

impl HeEngine {
    /// Cycles of a piece of work with `bytes_per_cycle` of memory bandwidth.
    ///
    /// Without a tiling, loading and computing overlap as a whole. A tiled layer's steps load and compute side by side
    /// ([`ends`]); before them the first weight and its ciphertext are loaded, and after them follow the chain of the last weight
    /// and the store of the last output, or of the last group if memory is what the layer ends with. Sums that are spilled
    /// and come back at once wait for both.
    ///
    /// Of layers with many weights and any bandwidth, half are within 0.4 % of [`HeEngine::reference`], nine in ten within 2 %,
    /// and all that were tried within 16 %: the worst spill all sums with hardly any products to hide it behind. The longer of
    /// computing and moving, which the simulator takes, is up to 38 % too short where phases take turns.
    pub fn cycles_at(&self, work: &HeWork, bytes_per_cycle: u64) -> u64 {
        let traffic = self.traffic(work);
        let bytes_per_cycle = bytes_per_cycle.max(1);
        let moved = |bytes: u64| bytes.div_ceil(bytes_per_cycle);
        let Some(tiling) = work.tiling.as_ref().filter(|_| work.rounds <= 1) else {
            return self.cycles(work, &traffic).max(moved(traffic.total()));
        };
        let (edges, stays) = (self.edges(work, tiling), self.residency(work, tiling));
        let weights = product(&[tiling.input_groups, tiling.output_groups, tiling.sums.max(1), tiling.weights_per_sum]);
        let chain = edges.head.saturating_add(edges.last).saturating_add(edges.tail);
        let phases = self.phases(work, tiling, &traffic, traffic.order);
        let compute = computing_of(&phases, &traffic, tiling, chain);
        let runs = Passes::of(self, work, tiling, &stays, (compute, bytes_per_cycle as f64));
        // Of the steps that may be under way, some are in the chain from a weight's arrival to its last product.
        let in_flight = self.steps_in_flight(work, tiling) as f64;
        let in_chain = edges.head.saturating_add(edges.last) as f64 / compute.step.max(1.0);
        let ahead = (in_flight - in_chain).max(1.0);
        let Ends { loaded, computed } = ends(&runs, ahead);
        let first = work.weight_bytes / weights.max(1) + work.input_bytes / tiling.inputs().max(1);
        let last = moved(work.output_bytes / tiling.outputs().max(1));
        let group = moved(work.output_bytes / tiling.output_groups.max(1));
        let waiting = waiting_for_spills(tiling, &stays, &edges, (in_flight, bytes_per_cycle));
        let computed = (computed.ceil() as u64).max(waiting).saturating_add(moved(first)).saturating_add(last);
        computed.max((loaded.ceil() as u64).saturating_add(group)).saturating_add(chain)
    }
}

/// Cycles of the steps of a layer, of the last input group and of the others. `chain` is not in any step.
fn computing_of(phases: &Phases, traffic: &HeTraffic, tiling: &HeTiling, chain: u64) -> Computing {
    let blocks = product(&[tiling.input_groups, tiling.output_groups]).max(1) as f64;
    let steps = blocks * product(&[tiling.sums.max(1), tiling.weights_per_sum.max(1)]) as f64;
    let last_steps = steps / tiling.input_groups.max(1) as f64;
    let late = phases.late.saturating_sub(chain) as f64;
    match traffic.order {
        LoopOrder::InputStationary => {
            let step = phases.early as f64 / (steps - last_steps).max(1.0);
            Computing { step, last: late / last_steps.max(1.0) }
        }
        _ => {
            let step = late * (1.0 - phases.finishing) / steps.max(1.0);
            Computing { step, last: step + late * phases.finishing / last_steps.max(1.0) }
        }
    }
}

/// Cycles of one sum that goes out and comes back for every input group. With outputs stationary, those of one output group
/// follow those of another, except for the steps that are under way at once.
fn waiting_for_spills(
    tiling: &HeTiling,
    stays: &Residency,
    edges: &Edges,
    (in_flight, bytes_per_cycle): (f64, u64),
) -> u64 {
    let spilled = (0..tiling.output_groups).map(|output| stays.spilled(tiling, output)).max().unwrap_or_default();
    if spilled == 0 {
        return 0;
    }
    let beside = spilled.saturating_sub(tiling.outputs_per_group);
    let moved = product(&[2, 1 + beside, tiling.ciphertext_bytes]).div_ceil(bytes_per_cycle);
    let (one, passes) = (edges.add.saturating_add(moved), tiling.input_groups.saturating_sub(1));
    let at_once = (in_flight / (tiling.sums.max(1) * tiling.weights_per_sum.max(1)) as f64) as u64;
    let chains = match stays.order {
        LoopOrder::InputStationary => 0,
        _ => product(&[tiling.output_groups.saturating_sub(1), (passes + 2).saturating_sub(at_once.max(1))]),
    };
    product(&[passes.saturating_add(chains), one])
}

/// The end of loading and the end of computing, in cycles from the first load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ends {
    pub loaded: f64,
    pub computed: f64,
}

/// Loads and computes all runs; loading is at most `ahead` steps before computing.
pub(super) fn ends(runs: &[Run], ahead: f64) -> Ends {
    let (mut loading, mut computing) = (Place::at(runs), Place::at(runs));
    let (mut now, mut lead, mut loaded) = (0.0, 0.0_f64, 0.0);
    while let Some(compute) = computing.rate(|run| run.compute) {
        let load = loading.rate(|run| run.load).unwrap_or(0.0);
        let fast_load = if lead >= ahead { load.min(compute) } else { load };
        let fast_compute = if lead <= 0.0 && loading.under_way() { compute.min(fast_load) } else { compute };
        let gain = fast_load - fast_compute;
        let under_way = loading.under_way();
        let until_bound = match gain {
            gain if gain > 0.0 => (ahead - lead) / gain,
            gain if gain < 0.0 && under_way => lead / -gain,
            _ => f64::INFINITY,
        };
        let time = until_bound.min(loading.left(fast_load)).min(computing.left(fast_compute)).max(0.0);
        now += time;
        // Rounding must not leave the lead a hair inside its bounds, where nothing would ever move.
        lead = if time == until_bound { if gain > 0.0 { ahead } else { 0.0 } } else { lead + gain * time };
        loading.advance(fast_load, time);
        computing.advance(fast_compute, time);
        if under_way {
            loaded = now;
        }
    }
    Ends { loaded, computed: now }
}

/// How far a flow is through the runs.
struct Place<'a> {
    runs: &'a [Run],
    /// Steps of the first of them that are left.
    steps: f64,
}

impl<'a> Place<'a> {
    fn at(runs: &'a [Run]) -> Self {
        Self { runs, steps: runs.first().map_or(0.0, |run| run.steps) }
    }

    fn under_way(&self) -> bool {
        !self.runs.is_empty()
    }

    /// Steps per cycle of the run at hand; none at the end.
    fn rate(&self, cycles: impl Fn(&Run) -> f64) -> Option<f64> {
        self.runs.first().map(|run| 1.0 / cycles(run).max(LEAST_CYCLES))
    }

    /// Cycles until the end of the run at this rate.
    fn left(&self, rate: f64) -> f64 {
        if self.under_way() { self.steps / rate } else { f64::INFINITY }
    }

    fn advance(&mut self, rate: f64, time: f64) {
        if time >= self.left(rate) {
            *self = Self::at(self.runs.get(1..).unwrap_or_default());
        } else {
            self.steps -= rate * time;
        }
    }
}

/// A step that takes no time at all would make infinite rates.
const LEAST_CYCLES: f64 = 1e-9;

#[cfg(test)]
mod tests {
    use super::*;

    fn run(steps: f64, load: f64, compute: f64) -> Run {
        Run { steps, load, compute }
    }

    #[test]
    fn the_slower_of_both_decides_every_run() {
        let runs = [run(100.0, 8.0, 2.0), run(100.0, 1.0, 5.0)];
        let ends = ends(&runs, 0.0);
        assert!((ends.computed - 1_300.0).abs() < 1e-6, "{ends:?}");
    }

    #[test]
    fn what_is_loaded_ahead_is_saved_later() {
        // 20 steps before the first run ends, loading begins with the second one, and gets through 100 / 8 of its steps.
        let runs = [run(100.0, 1.0, 5.0), run(100.0, 8.0, 2.0)];
        let without = ends(&runs, 0.0).computed;
        let with = ends(&runs, 20.0).computed;
        assert!((without - 1_300.0).abs() < 1e-6 && (with - (500.0 + 87.5 * 8.0)).abs() < 1e-6, "{without} {with}");
        // Without a bound, only the sums count.
        let unbound = ends(&runs, 1e9).computed;
        assert!((unbound - 900.0).abs() < 1e-6, "{unbound}");
    }

    #[test]
    fn nothing_takes_no_time_and_no_loads_leave_the_computing() {
        assert_eq!(ends(&[], 4.0), Ends { loaded: 0.0, computed: 0.0 });
        let ends = ends(&[run(10.0, 0.0, 3.0)], 2.0);
        assert!((ends.computed - 30.0).abs() < 1e-6, "{ends:?}");
    }
}
