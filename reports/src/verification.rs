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
        Self { hardware: hardware.to_owned(), setup, offline, online, error_pct, one_machine, cores }
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
    /// Seconds by phase (`setup`, `offline`, `online`), measured.
    pub wall_s: BTreeMap<String, f64>,
    /// Threads per party.
    pub threads: usize,
    /// Seconds by phase, modelled on the platform that the run was to be compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicted_s: Option<PredictedTimes>,
    /// The disagreements, if any.
    pub prediction: Vec<Disagreement>,
    /// What the client learned, for people: the most likely class, the input's name.
    pub answer: Option<String>,
}

impl VerificationSummary {
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

#[cfg(test)]
mod tests {
    use super::*;

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
