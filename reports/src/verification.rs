//! What a verified private run showed, as the report needs it. The names are the command line's `verify --json` contract.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A field of a step's work in which the program and the run differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disagreement {
    /// The step, as the program names it.
    pub step: String,
    /// The field of the work.
    pub field: String,
    /// What lowering predicted.
    pub predicted: u64,
    /// What the backend counted.
    pub counted: u64,
}

/// What the simulator says of the same program on a platform, held against the measured times. All of it is modelled.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PredictedTimes {
    /// The platform's name.
    pub hardware: String,
    /// Seconds of the setup phase.
    pub setup: f64,
    /// Seconds of the offline phase.
    pub offline: f64,
    /// Seconds of the online phase.
    pub online: f64,
    /// Predicted over measured less one, in percent, by phase.
    pub error_pct: BTreeMap<String, f64>,
    /// Whether the platform says that both parties share one machine, as they do in this run.
    pub one_machine: bool,
    /// Cores of the platform that a party can use; a run with another number of threads is another machine.
    pub cores: u64,
    /// Where the platform was measured before and after the run: how much longer the predicted times were afterwards, in
    /// percent. The times above are the means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift_pct: Option<f64>,
}

impl PredictedTimes {
    /// Holds predicted phases (setup, offline, online) against measured ones.
    pub fn new(
        hardware: &str,
        phases: [f64; 3],
        measured: &BTreeMap<String, f64>,
        one_machine: bool,
        cores: u64,
    ) -> Self {
        let [setup, offline, online] = phases;
        let named = [("setup", setup), ("offline", offline), ("online", online)];
        let error = |(name, predicted): (&str, f64)| {
            let measured = measured.get(name).copied().filter(|seconds| *seconds > 0.0)?;
            Some((name.to_owned(), 100.0 * (predicted / measured - 1.0)))
        };
        let error_pct = named.into_iter().filter_map(error).collect();
        Self { hardware: hardware.to_owned(), setup, offline, online, error_pct, one_machine, cores, drift_pct: None }
    }

    /// The mean of this prediction, made before a run that took `measured`, and of one that was made after it.
    pub fn between(&self, after: &Self, measured: &BTreeMap<String, f64>) -> Self {
        let mean = |of: fn(&Self) -> f64| 0.5 * (of(self) + of(after));
        let phases = [mean(|times| times.setup), mean(|times| times.offline), mean(|times| times.online)];
        let total = |times: &Self| times.setup + times.offline + times.online;
        let drift_pct = Some(100.0 * (total(after) / total(self) - 1.0)).filter(|drift| drift.is_finite());
        Self { drift_pct, ..Self::new(&self.hardware, phases, measured, self.one_machine, self.cores) }
    }

    /// The medians of the predictions of several runs, held against the medians that these took.
    fn of_runs(all: &[&Self], measured: &BTreeMap<String, f64>) -> Option<Self> {
        let first = all.first()?;
        let of = |part: fn(&Self) -> f64| median(all.iter().map(|times| part(times)).collect());
        let phases = [of(|times| times.setup), of(|times| times.offline), of(|times| times.online)];
        let drifts: Option<Vec<f64>> = all.iter().map(|times| times.drift_pct).collect();
        let drift_pct = drifts.map(median);
        Some(Self { drift_pct, ..Self::new(&first.hardware, phases, measured, first.one_machine, first.cores) })
    }

    /// Predicted seconds and the error in percent of a phase.
    pub fn phase(&self, name: &str) -> Option<(f64, f64)> {
        let seconds = match name {
            "setup" => self.setup,
            "offline" => self.offline,
            "online" => self.online,
            _ => return None,
        };
        Some((seconds, *self.error_pct.get(name)?))
    }
}

/// The result of one real two-party run held against the integer reference and the predicted work.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct VerificationSummary {
    /// The network's name.
    pub network: String,
    /// The protocol's name.
    pub protocol: String,
    /// Outputs compared.
    pub outputs: u64,
    /// Outputs that differ from the integer reference.
    pub mismatches: u64,
    /// Whether every output is equal bit for bit.
    pub exact: bool,
    /// Steps of the program.
    pub steps: u64,
    /// Steps whose counted work equals the predicted work in every field.
    pub steps_matching: u64,
    /// Whether all do.
    pub work_matches: bool,
    /// Counted work by primitive (`and_gates`, `ntts`, `bytes_up`, …), summed over the steps.
    pub work: BTreeMap<String, u64>,
    /// Counted garbled circuits by what they are for: `activations` (the ReLUs of a schedule), `max_pools`, and `rescales` that
    /// fixed point asks for beside them.
    #[serde(default)]
    pub circuits: BTreeMap<String, u64>,
    /// Seconds by phase (`setup`, `offline`, `online`), measured.
    pub wall_s: BTreeMap<String, f64>,
    /// Threads per party.
    pub threads: usize,
    /// How often the protocol ran, every time alike; times are medians.
    #[serde(default)]
    pub runs: usize,
    /// Seconds by phase, modelled on the platform that the run was to be compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicted_s: Option<PredictedTimes>,
    /// The disagreements, if any.
    pub prediction: Vec<Disagreement>,
    /// What the client learned, for people: the most likely class, the input's name.
    pub answer: Option<String>,
}

impl VerificationSummary {
    /// What several runs of one program show together: times are medians, and one that failed speaks for all. None without a
    /// run.
    pub fn of_runs(mut runs: Vec<Self>) -> Option<Self> {
        let phases: Vec<String> = runs.first()?.wall_s.keys().cloned().collect();
        let times = |phase: &String| runs.iter().filter_map(|run| run.wall_s.get(phase).copied()).collect();
        let wall_s = phases.iter().map(|phase| (phase.clone(), median(times(phase)))).collect();
        let predictions: Vec<&PredictedTimes> = runs.iter().filter_map(|run| run.predicted_s.as_ref()).collect();
        let predicted_s = PredictedTimes::of_runs(&predictions, &wall_s);
        let telling = runs.iter().position(|run| !run.passed()).unwrap_or(0);
        let count = runs.len();
        Some(Self { wall_s, predicted_s, runs: count, ..runs.swap_remove(telling) })
    }

    /// Whether the run proves the program: exact outputs and matching work.
    pub fn passed(&self) -> bool {
        self.exact && self.work_matches
    }

    /// The measured phases in the order in which they run; phases of other names follow.
    pub fn phases(&self) -> Vec<(&str, f64)> {
        let rank = |name: &str| ["setup", "offline", "online"].iter().position(|p| *p == name).unwrap_or(3);
        let mut phases: Vec<_> = self.wall_s.iter().map(|(name, seconds)| (name.as_str(), *seconds)).collect();
        phases.sort_by_key(|(name, _)| rank(name));
        phases
    }
}

/// The median, between the two in the middle of an even number; 0 without any.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or_default();
    0.5 * (at(values.len().saturating_sub(1) / 2) + at(values.len() / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(offline: f64, exact: bool) -> VerificationSummary {
        let wall_s = BTreeMap::from([("offline".to_owned(), offline)]);
        let times = PredictedTimes::new("here", [0.0, 2.0 * offline, 0.0], &wall_s, true, 2);
        VerificationSummary { wall_s, exact, work_matches: true, predicted_s: Some(times), ..Default::default() }
    }

    #[test]
    fn several_runs_have_median_times_and_fail_if_one_does() {
        let all = VerificationSummary::of_runs(vec![run(3.0, true), run(1.0, false), run(2.0, true), run(5.0, true)]);
        let all = all.unwrap();
        assert_eq!((all.wall_s["offline"], all.runs, all.passed()), (2.5, 4, false));
        assert_eq!(all.predicted_s.unwrap().phase("offline"), Some((5.0, 100.0)));
        assert!(VerificationSummary::of_runs(vec![run(1.0, true), run(2.0, true)]).unwrap().passed());
        assert_eq!(VerificationSummary::of_runs(Vec::new()), None);
    }

    #[test]
    fn a_machine_that_slows_down_during_a_run_is_taken_as_between_before_and_after() {
        let measured = BTreeMap::from([("offline".to_owned(), 1.2)]);
        let [before, after] = [1.0, 1.5].map(|s| PredictedTimes::new("here", [0.0, s, 0.0], &measured, true, 2));
        let between = before.between(&after, &measured);
        assert_eq!((between.offline, between.drift_pct), (1.25, Some(50.0)));
        assert!((between.phase("offline").unwrap().1 - 100.0 * (1.25 / 1.2 - 1.0)).abs() < 1e-9);
    }

    #[test]
    fn errors_are_predicted_over_measured_less_one_and_a_phase_without_time_has_none() {
        let measured =
            BTreeMap::from([("setup".to_owned(), 0.0), ("offline".to_owned(), 2.0), ("online".to_owned(), 4.0)]);
        let times = PredictedTimes::new("here", [1.0, 2.2, 3.0], &measured, true, 2);
        let (seconds, error) = times.phase("offline").unwrap_or_default();
        assert!((seconds, (error - 10.0).abs() < 1e-9) == (2.2, true));
        assert_eq!(times.phase("online"), Some((3.0, -25.0)));
        assert_eq!((times.phase("setup"), times.phase("other")), (None, None));
    }
}
