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
    /// Where the platform was measured before and after every run: how much longer all phases would take on the slowest of
    /// these than on the fastest, in percent. It tells how disturbed the machine was; the times above are the fastest.
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

    /// The fastest of several predictions of one run on a machine that was measured as often, held against what the run took:
    /// other work on the machine makes both longer, never shorter.
    pub fn fastest(all: &[&Self], measured: &BTreeMap<String, f64>) -> Option<Self> {
        let first = all.first()?;
        let least = |of: fn(&Self) -> f64| all.iter().map(|times| of(times)).fold(f64::INFINITY, f64::min);
        let total = |times: &Self| times.setup + times.offline + times.online;
        let slowest = |times: &&Self| total(times) * (1.0 + times.drift_pct.unwrap_or_default() / 100.0);
        let drift_pct = if all.len() > 1 {
            let slowest = all.iter().map(slowest).fold(0.0, f64::max);
            Some(100.0 * (slowest / least(total) - 1.0)).filter(|drift| drift.is_finite())
        } else {
            first.drift_pct
        };
        let phases = [least(|times| times.setup), least(|times| times.offline), least(|times| times.online)];
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
    /// Seconds by phase (`setup`, `offline`, `online`), measured: of several runs the fastest, for each phase by itself, because
    /// other work on the machine only makes a run longer.
    pub wall_s: BTreeMap<String, f64>,
    /// As above, the median of several runs.
    #[serde(default)]
    pub median_wall_s: BTreeMap<String, f64>,
    /// Threads per party.
    pub threads: usize,
    /// How often the protocol ran, every time alike.
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
    /// What several runs of one program show together: times are the fastest, and one that failed speaks for all. None without
    /// a run.
    pub fn of_runs(mut runs: Vec<Self>) -> Option<Self> {
        let phases: Vec<String> = runs.first()?.wall_s.keys().cloned().collect();
        let by_phase = |of: fn(Vec<f64>) -> f64| -> BTreeMap<String, f64> {
            let times = |phase: &String| runs.iter().filter_map(|run| run.wall_s.get(phase).copied()).collect();
            phases.iter().map(|phase| (phase.clone(), of(times(phase)))).collect()
        };
        let wall_s = by_phase(|times| times.into_iter().reduce(f64::min).unwrap_or_default());
        let median_wall_s = by_phase(median);
        let predictions: Vec<&PredictedTimes> = runs.iter().filter_map(|run| run.predicted_s.as_ref()).collect();
        let predicted_s = PredictedTimes::fastest(&predictions, &wall_s);
        let telling = runs.iter().position(|run| !run.passed()).unwrap_or(0);
        let count = runs.len();
        Some(Self { wall_s, median_wall_s, predicted_s, runs: count, ..runs.swap_remove(telling) })
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
    fn several_runs_have_the_times_of_the_fastest_and_their_median_and_fail_if_one_does() {
        let all = VerificationSummary::of_runs(vec![run(3.0, true), run(1.0, false), run(2.0, true), run(5.0, true)]);
        let all = all.unwrap();
        assert_eq!((all.wall_s["offline"], all.median_wall_s["offline"]), (1.0, 2.5));
        assert_eq!((all.runs, all.passed()), (4, false));
        assert_eq!(all.predicted_s.unwrap().phase("offline"), Some((2.0, 100.0)));
        assert!(VerificationSummary::of_runs(vec![run(1.0, true), run(2.0, true)]).unwrap().passed());
        assert_eq!(VerificationSummary::of_runs(Vec::new()), None);
    }

    #[test]
    fn of_several_measurements_of_one_machine_the_fastest_predicts_and_the_slowest_tells_how_disturbed_it_was() {
        let measured = BTreeMap::from([("offline".to_owned(), 1.25)]);
        let times = [1.5, 1.0, 1.2].map(|s| PredictedTimes::new("here", [0.0, s, 0.0], &measured, true, 2));
        let pair = PredictedTimes::fastest(&[&times[0], &times[1]], &measured).unwrap();
        let all = PredictedTimes::fastest(&[&times[2], &pair], &measured).unwrap();
        for fastest in [pair, all] {
            assert_eq!((fastest.offline, fastest.drift_pct), (1.0, Some(50.0)));
            assert!((fastest.phase("offline").unwrap().1 + 20.0).abs() < 1e-9);
        }
        let once = PredictedTimes::fastest(&[&times[2]], &measured).unwrap();
        assert_eq!((once.offline, once.drift_pct), (1.2, None));
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
