//! Labelled inputs that a trained network answered three times: in floating point, in integers, and privately.

mod page;

use crate::format::{bytes, exact, percent, seconds};
use crate::tables::table;
use pisim_netgen::Shape;
use serde::Serialize;
use std::collections::BTreeMap;

pub(crate) use page::section;

/// One input with what everybody said of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Answer {
    /// Its position in the set.
    pub index: u64,
    /// The right class.
    pub label: u64,
    /// The class that floating point finds.
    pub float: u64,
    /// The class that the integer reference finds.
    pub integer: u64,
    /// The class that the client learns from the private run.
    pub private: u64,
    /// Whether every logit of the private run equals the integer reference bit for bit.
    pub exact: bool,
    /// Whether every step of the private run did the predicted work.
    pub work_matches: bool,
    /// Its values from 0 to 255, `[channel][row][column]`, for the picture.
    #[serde(skip)]
    pub pixels: Vec<u8>,
}

/// A network's answers on all of a set, without any cryptography.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct WholeSet {
    /// Inputs of the set.
    pub images: u64,
    /// Right answers in floating point.
    pub float_right: u64,
    /// Right answers of the integer reference.
    pub integer_right: u64,
}

/// How one trained network did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AccuracySummary {
    /// The network's name.
    pub network: String,
    /// The protocol's name.
    pub protocol: String,
    /// Parameters of the network.
    pub params: u64,
    /// Multiply-accumulates of one inference.
    pub macs: u64,
    /// ReLUs of one inference.
    pub relus: u64,
    /// Inputs that were answered privately.
    pub images: u64,
    /// Right answers of these in floating point.
    pub float_right: u64,
    /// Right answers of these of the integer reference.
    pub integer_right: u64,
    /// Right answers of these of the private runs.
    pub private_right: u64,
    /// Private runs whose logits all equal the integer reference bit for bit.
    pub exact: u64,
    /// Private runs whose every step did the predicted work.
    pub work_matching: u64,
    /// Right answers on the whole set, without cryptography.
    pub whole_set: WholeSet,
    /// The share of right private answers below which the experiment has failed.
    pub least_accuracy: f64,
    /// Whether the plan proves that no input makes a value leave the ring.
    pub proven: bool,
    /// Signed bits that the proven bounds need.
    pub needed_bits: u32,
    /// The ring, bits.
    pub ring_bits: u32,
    /// Mean seconds of one private run by phase (`setup`, `offline`, `online`), measured.
    pub wall_s: BTreeMap<String, f64>,
    /// Bytes of one private run in both directions.
    pub bytes: u64,
    /// Shape of an input.
    pub shape: Shape,
    /// Every input that was answered privately.
    pub answers: Vec<Answer>,
}

/// Phases in the order in which they run.
pub(crate) const PHASES: [&str; 3] = ["setup", "offline", "online"];

impl AccuracySummary {
    /// Whether every private answer is the integer reference's, every step did the predicted work, and enough answers are
    /// right.
    pub fn passed(&self) -> bool {
        let all = self.images > 0 && self.exact == self.images && self.work_matching == self.images;
        all && self.private_accuracy() >= self.least_accuracy
    }

    /// The share of right answers in floating point, integers and private runs, of the inputs that were answered privately.
    pub fn accuracies(&self) -> [f64; 3] {
        [self.float_right, self.integer_right, self.private_right].map(|right| share(right, self.images))
    }

    /// The share of right private answers.
    pub fn private_accuracy(&self) -> f64 {
        share(self.private_right, self.images)
    }

    /// Measured seconds of a phase, the mean of all runs.
    pub(crate) fn phase(&self, phase: &str) -> f64 {
        self.wall_s.get(phase).copied().unwrap_or_default()
    }

    /// What failed, in words; none if nothing did.
    pub fn failure(&self) -> Option<String> {
        let images = exact(self.images);
        if self.exact != self.images {
            return Some(format!("{} of {images} private answers differ from the integers", self.images - self.exact));
        }
        if self.work_matching != self.images {
            return Some(format!(
                "{} of {images} runs did other work than predicted",
                self.images - self.work_matching
            ));
        }
        (!self.passed()).then(|| {
            let [_, _, private] = self.accuracies();
            format!(
                "{} of the private answers are right; {} are asked for",
                percent(private),
                percent(self.least_accuracy)
            )
        })
    }
}

/// A part of a whole; 0 of nothing.
pub(crate) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Accuracies side by side, for a terminal.
pub fn accuracies(summaries: &[AccuracySummary]) -> String {
    let header =
        ["network", "ReLUs", "MACs", "images", "float", "integer", "private", "integer = private", "per image"];
    let mut table = table(&header, 1);
    for run in summaries {
        let per_image: f64 = PHASES.iter().map(|phase| run.phase(phase)).sum();
        let counts = [run.relus, run.macs, run.images].map(exact);
        let same = format!("{} of {}", exact(run.exact), exact(run.images));
        let row = std::iter::once(run.network.clone()).chain(counts).chain(run.accuracies().map(percent));
        table.add_row(row.chain([same, format!("{}, {}", seconds(per_image), bytes(run.bytes))]));
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use crate::sample;

    #[test]
    fn a_run_passes_only_if_every_answer_is_exact_every_count_holds_and_enough_are_right() {
        let good = sample::accuracy("net", 12);
        assert!(good.passed() && good.failure().is_none());
        let inexact = super::AccuracySummary { exact: 11, ..good.clone() };
        assert!(!inexact.passed() && inexact.failure().unwrap().contains("1 of 12 private answers differ"));
        let other_work = super::AccuracySummary { work_matching: 10, ..good.clone() };
        assert!(!other_work.passed() && other_work.failure().unwrap().contains("2 of 12 runs"));
        let poor = super::AccuracySummary { private_right: 6, ..good.clone() };
        assert!(!poor.passed() && poor.failure().unwrap().contains("50.0 %"), "{:?}", poor.failure());
        assert!(!super::AccuracySummary { images: 0, exact: 0, work_matching: 0, ..good }.passed(), "of nothing");
    }
}
