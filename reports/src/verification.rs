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
