//! Two flows through the same steps: loading, and computing what has been loaded.

use super::passes::{Run, Runs};

/// The end of loading and the end of computing, in cycles from the first load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ends {
    pub loaded: f64,
    pub computed: f64,
    /// Cycles that the units take for the steps for whose loads computing waits.
    pub starved: f64,
}

/// Loads and computes all runs; loading is at most `ahead` steps before computing.
pub(super) fn ends(runs: &Runs, ahead: f64) -> Ends {
    let (mut loading, mut computing) = (Place::at(&runs.list), Place::at(&runs.list));
    let (mut now, mut lead, mut loaded, mut starved) = (0.0, 0.0_f64, 0.0, 0.0);
    // What the last of the periods that are alike has added, and what it began with.
    let (mut begin, mut added) = (None, (0.0, 0.0));
    while let Some(compute) = computing.rate(|run| run.compute) {
        if let Some(repeat) = &runs.repeat {
            match begin {
                None if computing.position >= repeat.from => begin = Some((now, starved)),
                Some((then, so_far)) if computing.position >= repeat.to && added.0 == 0.0 => {
                    added = (now - then, starved - so_far);
                }
                _ => {}
            }
        }
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
        if fast_compute < compute {
            starved += time * fast_compute / compute;
        }
        // Rounding must not leave the lead a hair inside its bounds, where nothing would ever move.
        lead = if time == until_bound { if gain > 0.0 { ahead } else { 0.0 } } else { lead + gain * time };
        loading.advance(fast_load, time);
        computing.advance(fast_compute, time);
        if under_way {
            loaded = now;
        }
    }
    let times = runs.repeat.as_ref().map_or(0.0, |repeat| repeat.times);
    let (more, more_starved) = (times * added.0, times * added.1);
    Ends { loaded: loaded + more, computed: now + more, starved: starved + more_starved }
}

/// How far a flow is through the runs.
struct Place<'a> {
    runs: &'a [Run],
    /// The number of the first of them.
    position: usize,
    /// Steps of the first of them that are left.
    steps: f64,
}

impl<'a> Place<'a> {
    fn at(runs: &'a [Run]) -> Self {
        Self { runs, position: 0, steps: runs.first().map_or(0.0, |run| run.steps) }
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
            self.runs = self.runs.get(1..).unwrap_or_default();
            self.position += 1;
            self.steps = self.runs.first().map_or(0.0, |run| run.steps);
        } else {
            self.steps -= rate * time;
        }
    }
}

/// A step that takes no time at all would make infinite rates.
const LEAST_CYCLES: f64 = 1e-9;

#[cfg(test)]
mod tests {
    use super::super::passes::Repeat;
    use super::*;

    fn run(steps: f64, load: f64, compute: f64) -> Run {
        Run { steps, load, compute }
    }

    fn ends_of(list: Vec<Run>, ahead: f64) -> Ends {
        ends(&Runs { list, repeat: None }, ahead)
    }

    #[test]
    fn the_slower_of_both_decides_every_run() {
        let ends = ends_of(vec![run(100.0, 8.0, 2.0), run(100.0, 1.0, 5.0)], 0.0);
        assert!((ends.computed - 1_300.0).abs() < 1e-6 && (ends.starved - 200.0).abs() < 1e-6, "{ends:?}");
    }

    #[test]
    fn what_is_loaded_ahead_is_saved_later() {
        // 20 steps before the first run ends, loading begins with the second one, and gets through 100 / 8 of its steps.
        let runs = [run(100.0, 1.0, 5.0), run(100.0, 8.0, 2.0)];
        let without = ends_of(runs.to_vec(), 0.0).computed;
        let with = ends_of(runs.to_vec(), 20.0).computed;
        assert!((without - 1_300.0).abs() < 1e-6 && (with - (500.0 + 87.5 * 8.0)).abs() < 1e-6, "{without} {with}");
        // Without a bound, only the sums count.
        let unbound = ends_of(runs.to_vec(), 1e9).computed;
        assert!((unbound - 900.0).abs() < 1e-6, "{unbound}");
    }

    #[test]
    fn nothing_takes_no_time_and_no_loads_leave_the_computing() {
        assert_eq!(ends_of(vec![], 4.0), Ends { loaded: 0.0, computed: 0.0, starved: 0.0 });
        let ends = ends_of(vec![run(10.0, 0.0, 3.0)], 2.0);
        assert!((ends.computed - 30.0).abs() < 1e-6 && ends.starved == 0.0, "{ends:?}");
    }

    #[test]
    fn a_period_that_repeats_counts_as_often_as_it_does() {
        let period = [run(10.0, 8.0, 2.0), run(30.0, 1.0, 5.0)];
        let periods = |count: usize| std::iter::repeat_n(period, count).flatten().collect::<Vec<_>>();
        let all = ends_of(periods(40), 6.0);
        let repeated = ends(&Runs { list: periods(4), repeat: Some(Repeat { from: 4, to: 6, times: 36.0 }) }, 6.0);
        assert!((all.computed - repeated.computed).abs() < 1e-6, "{all:?} {repeated:?}");
        assert!((all.loaded - repeated.loaded).abs() < 1e-6, "{all:?} {repeated:?}");
        assert!((all.starved - repeated.starved).abs() < 1e-6, "{all:?} {repeated:?}");
    }
}
