//! Timing on a machine that is never quite idle: many short samples, of which the fastest is the least disturbed.

use std::time::{Duration, Instant};

/// One sample takes at least this long, so that the clock does not matter, and not much longer, so that some samples fit
/// between two disturbances.
const SAMPLE: Duration = Duration::from_millis(2);
/// Samples of one measurement: at least the first number; more, up to the second, while the time budget lasts.
const SAMPLES: [usize; 2] = [7, 150];

/// How long one measurement goes on, its first [`SAMPLES`] aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// Long enough to outlast a short disturbance: for figures that are kept.
    Careful,
    /// Short enough that all of a calibration sees the machine at one speed: for figures that are used at once.
    Quick,
}

/// How long one call takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timing {
    /// Seconds in the fastest sample.
    pub best_s: f64,
    /// Seconds in the median sample: what a run will see. How much slower it is than the fastest tells how disturbed the
    /// machine was.
    pub median_s: f64,
}

impl Effort {
    /// Time budget of one measurement.
    fn budget(self) -> Duration {
        match self {
            Self::Careful => Duration::from_millis(500),
            Self::Quick => Duration::from_millis(50),
        }
    }

    /// Times `work`, after one call that warms caches and memory up.
    pub fn time(self, mut work: impl FnMut()) -> Timing {
        work();
        self.sample(|| {
            let (start, mut calls) = (Instant::now(), 0u32);
            while calls == 0 || start.elapsed() < SAMPLE {
                work();
                calls += 1;
            }
            start.elapsed().as_secs_f64() / f64::from(calls)
        })
    }

    /// Times single calls of `work` that each need fresh preparation, which is not timed.
    pub fn time_prepared<T>(self, mut prepare: impl FnMut() -> T, mut work: impl FnMut(T)) -> Timing {
        work(prepare());
        self.sample(|| {
            let prepared = prepare();
            let start = Instant::now();
            work(prepared);
            start.elapsed().as_secs_f64()
        })
    }

    /// Takes samples until there are enough or the budget is spent.
    fn sample(self, mut one: impl FnMut() -> f64) -> Timing {
        let (begin, mut samples) = (Instant::now(), Vec::with_capacity(SAMPLES[1]));
        while samples.len() < SAMPLES[0] || (samples.len() < SAMPLES[1] && begin.elapsed() < self.budget()) {
            samples.push(one());
        }
        Timing::of(samples)
    }
}

impl Timing {
    fn of(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        let at = |index: usize| samples.get(index).copied().unwrap_or_default();
        Self { best_s: at(0), median_s: at(samples.len() / 2) }
    }

    /// The time of one of `count` items of a call.
    pub fn per(self, count: f64) -> Self {
        self.map(|seconds| seconds / count)
    }

    /// What follows from the time of a call.
    pub fn map(self, of: impl Fn(f64) -> f64) -> Self {
        self.with(self, |seconds, _| of(seconds))
    }

    /// What follows from the times of two calls.
    pub fn with(self, other: Self, of: impl Fn(f64, f64) -> f64) -> Self {
        Self { best_s: of(self.best_s, other.best_s), median_s: of(self.median_s, other.median_s) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_takes_at_least_as_long_as_it_waits_and_the_fastest_sample_is_not_above_the_median() {
        let timing = Effort::Quick.time(|| std::thread::sleep(Duration::from_millis(3)));
        assert!(timing.best_s >= 0.003 && timing.best_s <= timing.median_s);
        let prepared = Effort::Quick.time_prepared(|| std::thread::sleep(Duration::from_millis(3)), |()| ());
        assert!(prepared.best_s < 0.003, "preparation is not timed: {prepared:?}");
    }

    #[test]
    fn the_fastest_and_the_median_sample_are_picked_from_any_order() {
        let timing = Timing::of(vec![5.0, 1.0, 3.0, 9.0, 4.0]);
        assert_eq!(timing, Timing { best_s: 1.0, median_s: 4.0 });
        assert_eq!(timing.per(2.0), Timing { best_s: 0.5, median_s: 2.0 });
    }
}
