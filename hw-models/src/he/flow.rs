//! Two flows through the same steps: loading, and computing what has been loaded.

use super::passes::{Repeat, Run, Runs};

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
    let load = |run: &Run| run.load;
    let compute = |run: &Run| run.compute;
    let (mut loading, mut computing) = (Place::at(&runs.list, load), Place::at(&runs.list, compute));
    let (mut now, mut lead, mut loaded, mut starved) = (0.0, 0.0_f64, 0.0, 0.0);
    let mut repeated = Repeated::new(runs.repeat);
    while !computing.runs.is_empty() {
        repeated.look(computing.position, (now, starved));
        let under_way = !loading.runs.is_empty();
        let loads = if lead >= ahead { loading.rate.min(computing.rate) } else { loading.rate };
        let waits = lead <= 0.0 && under_way && loads < computing.rate;
        let computes = if waits { loads } else { computing.rate };
        let gain = loads - computes;
        let until_bound = if gain > 0.0 {
            (ahead - lead) / gain
        } else if gain < 0.0 && under_way {
            lead / -gain
        } else {
            f64::INFINITY
        };
        let (load_left, compute_left) = (loading.left(loads), computing.left(computes));
        let time = until_bound.min(load_left).min(compute_left).max(0.0);
        now += time;
        if waits {
            starved += time * computes / computing.rate;
        }
        // Rounding must not leave the lead a hair inside its bounds, where nothing would ever move.
        lead = if time == until_bound { if gain > 0.0 { ahead } else { 0.0 } } else { lead + gain * time };
        loading.advance(loads, (time, load_left), load);
        computing.advance(computes, (time, compute_left), compute);
        if under_way {
            loaded = now;
        }
    }
    repeated.look(computing.position, (now, starved));
    let (more, more_starved) = repeated.rest();
    Ends { loaded: loaded + more, computed: now + more, starved: starved + more_starved }
}

/// What the last of the periods in the list adds to the time and to the cycles that starve.
struct Repeated {
    repeat: Option<Repeat>,
    begin: Option<(f64, f64)>,
    end: Option<(f64, f64)>,
}

impl Repeated {
    fn new(repeat: Option<Repeat>) -> Self {
        Self { repeat, begin: None, end: None }
    }

    /// Notes when computing comes to the period and when it leaves it.
    fn look(&mut self, position: usize, now: (f64, f64)) {
        if let Some(repeat) = &self.repeat {
            if self.begin.is_none() && position >= repeat.from {
                self.begin = Some(now);
            }
            if self.end.is_none() && position >= repeat.to {
                self.end = Some(now);
            }
        }
    }

    /// What all periods add that are not in the list.
    fn rest(&self) -> (f64, f64) {
        match (self.repeat, self.begin, self.end) {
            (Some(Repeat { times, .. }), Some(begin), Some(end)) => {
                (times * (end.0 - begin.0), times * (end.1 - begin.1))
            }
            _ => (0.0, 0.0),
        }
    }
}

/// How far a flow is through the runs.
struct Place<'a> {
    runs: &'a [Run],
    /// The number of the first of them.
    position: usize,
    /// Steps of the first of them that are left.
    steps: f64,
    /// Steps per cycle in it, if nothing holds the flow back.
    rate: f64,
}

impl<'a> Place<'a> {
    fn at(runs: &'a [Run], cycles: impl Fn(&Run) -> f64) -> Self {
        let mut place = Self { runs, position: 0, steps: 0.0, rate: 0.0 };
        place.enter(cycles);
        place
    }

    /// Begins with the first of the runs that are left.
    fn enter(&mut self, cycles: impl Fn(&Run) -> f64) {
        let first = self.runs.first();
        self.steps = first.map_or(0.0, |run| run.steps);
        self.rate = first.map_or(0.0, |run| 1.0 / cycles(run).max(LEAST_CYCLES));
    }

    /// Cycles until the end of the run at this rate.
    fn left(&self, rate: f64) -> f64 {
        if self.runs.is_empty() { f64::INFINITY } else { self.steps / rate }
    }

    /// Goes on for some cycles, of which so many are left in the run.
    fn advance(&mut self, rate: f64, (time, left): (f64, f64), cycles: impl Fn(&Run) -> f64) {
        if time >= left {
            self.runs = self.runs.get(1..).unwrap_or_default();
            self.position += 1;
            self.enter(cycles);
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
        for last in [4, 6] {
            let repeat = Some(Repeat { from: last, to: last + 2, times: 36.0 });
            let repeated = ends(&Runs { list: periods(4), repeat }, 6.0);
            assert!((all.computed - repeated.computed).abs() < 1e-6, "{all:?} {repeated:?}");
            assert!((all.loaded - repeated.loaded).abs() < 1e-6, "{all:?} {repeated:?}");
            assert!((all.starved - repeated.starved).abs() < 1e-6, "{all:?} {repeated:?}");
        }
    }
}
