//! The categories of work that figures stack, and how much of a phase's latency each one holds.

use crate::draw::style::{Fill, Hatch};
use pisim_sim::{Activity, Interval, LayerCost, Simulation};

use super::{by_phase, sane};
use std::collections::BTreeSet;

/// A category of work: the simulator's activities, and waiting. The order is the order of stacks and legends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    /// Homomorphic linear layers.
    HeEvaluate,
    /// Homomorphic keys and encryption.
    Encrypt,
    /// Homomorphic decryption.
    Decrypt,
    /// Garbling and choosing labels.
    Garble,
    /// Base and extended oblivious transfers.
    ObliviousTransfer,
    /// Evaluation of garbled circuits.
    Evaluate,
    /// Linear layers on shares.
    RingLinear,
    /// Messages on the link.
    Transfer,
    /// Reading and writing precomputes.
    Storage,
    /// Masks, pooling, additions of shares.
    Other,
    /// Power drawn whether or not anything runs; energy only.
    Static,
    /// Nothing runs: a message is on its way; latency only.
    Waiting,
}

impl Category {
    /// All of them, in order.
    pub const ALL: [Self; 12] = [
        Self::HeEvaluate,
        Self::Encrypt,
        Self::Decrypt,
        Self::Garble,
        Self::ObliviousTransfer,
        Self::Evaluate,
        Self::RingLinear,
        Self::Transfer,
        Self::Storage,
        Self::Other,
        Self::Static,
        Self::Waiting,
    ];

    /// The simulator's name of the activity, and the word in CSV files.
    pub fn key(self) -> &'static str {
        match self {
            Self::HeEvaluate => "he-evaluate",
            Self::Encrypt => "encrypt",
            Self::Decrypt => "decrypt",
            Self::Garble => "garble",
            Self::ObliviousTransfer => "ot",
            Self::Evaluate => "evaluate",
            Self::RingLinear => "ring-linear",
            Self::Transfer => "transfer",
            Self::Storage => "storage",
            Self::Other => "other",
            Self::Static => "static",
            Self::Waiting => "waiting",
        }
    }

    /// The name in legends.
    pub fn name(self) -> &'static str {
        match self {
            Self::HeEvaluate => "HE evaluate",
            Self::Encrypt => "HE encrypt",
            Self::Decrypt => "HE decrypt",
            Self::Garble => "GC garble",
            Self::ObliviousTransfer => "OT",
            Self::Evaluate => "GC evaluate",
            Self::RingLinear => "ring linear",
            other => other.key(),
        }
    }

    /// HE is blue, garbled circuits are orange, shares are green, the link is grey. Neighbours in a stack differ in lightness or
    /// in hatching.
    pub fn fill(self) -> Fill {
        match self {
            Self::HeEvaluate => Fill::new(0x08_2f_5a, Hatch::Plain),
            Self::Encrypt => Fill::new(0xb5_d6_ee, Hatch::Plain),
            Self::Decrypt => Fill::new(0x5f_a3_d6, Hatch::Rising),
            Self::Garble => Fill::new(0xc4_52_1c, Hatch::Plain),
            Self::ObliviousTransfer => Fill::new(0xff_e9_a8, Hatch::Falling),
            Self::Evaluate => Fill::new(0xf6_b2_6b, Hatch::Plain),
            Self::RingLinear => Fill::new(0x1b_7f_5c, Hatch::Level),
            Self::Transfer => Fill::new(0xcf_cf_cf, Hatch::Rising),
            Self::Storage => Fill::new(0x3b_3b_3b, Hatch::Falling),
            Self::Other => Fill::new(0x9c_8a_b9, Hatch::Level),
            Self::Static => Fill::new(0xf6_f6_f6, Hatch::Rising),
            Self::Waiting => Fill::new(0xfa_fa_fa, Hatch::Plain),
        }
    }

    /// The category of the simulator's activity `name`; what it does not know is other work.
    pub fn of_activity(name: &str) -> Self {
        Self::ALL.into_iter().find(|category| category.key() == name).unwrap_or(Self::Other)
    }

    /// The category of a step.
    pub fn of(interval: &Interval) -> Self {
        Self::of_activity(&interval.activity)
    }

    /// The categories that layers report seconds of, in order.
    pub fn of_layers() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().take(10)
    }

    /// The seconds that a layer's steps of this category take; zero for categories that layers do not report.
    pub fn seconds(self, layer: &LayerCost) -> f64 {
        sane(match self {
            Self::HeEvaluate => layer.he_eval_s,
            Self::Encrypt => layer.encrypt_s,
            Self::Decrypt => layer.decrypt_s,
            Self::Garble => layer.garble_s,
            Self::ObliviousTransfer => layer.ot_s,
            Self::Evaluate => layer.evaluate_s,
            Self::RingLinear => layer.ring_linear_s,
            Self::Transfer => layer.transfer_s,
            Self::Storage => layer.storage_s,
            Self::Other => layer.other_s,
            Self::Static | Self::Waiting => 0.0,
        })
    }
}

/// A quantity by category.
pub type Shares = [f64; Category::ALL.len()];

/// Joules of every phase by category; their sums are the phases' energies.
pub fn energy_by_category(activities: &[Activity]) -> [Shares; 3] {
    let mut shares = [Shares::default(); 3];
    for activity in activities {
        let category = Category::of_activity(&activity.name) as usize;
        for (shares, (_, joules)) in shares.iter_mut().zip(by_phase(&activity.energy_j)) {
            if let Some(share) = shares.get_mut(category) {
                *share += joules;
            }
        }
    }
    shares
}

/// Splits the latency of each phase among the categories: every instant is divided equally among the steps that run at it, and
/// belongs to `waiting` when none does. The sums over the categories are the phases' latencies.
pub fn attribute(simulation: &Simulation) -> Vec<(&'static str, f64, Shares)> {
    let shares = |split: Vec<f64>, rest: f64| {
        let mut shares = Shares::default();
        shares.iter_mut().zip(split).for_each(|(share, seconds)| *share = seconds);
        if let Some(waiting) = shares.last_mut() {
            *waiting = rest;
        }
        shares
    };
    let phases = split(simulation, Category::ALL.len(), |interval| Category::of(interval) as usize);
    phases.into_iter().map(|(phase, latency, parts, rest)| (phase, latency, shares(parts, rest))).collect()
}

/// The word for time in which nothing runs, among units.
pub const WAITING: &str = "waiting";

/// Units with their seconds.
pub type UnitShares = Vec<(String, f64)>;

/// Splits the latency of each phase among the units that work, as [`attribute`] does among categories: units with their seconds,
/// and [`WAITING`].
pub fn attribute_to_units(simulation: &Simulation) -> Vec<(&'static str, f64, UnitShares)> {
    let names: BTreeSet<&str> = simulation.timeline.iter().map(|interval| interval.unit.as_str()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let number = |interval: &Interval| names.binary_search(&interval.unit.as_str()).unwrap_or(0);
    let named = |parts: Vec<f64>, rest: f64| {
        let own = names.iter().zip(parts).map(|(name, seconds)| ((*name).to_owned(), seconds));
        own.chain([(WAITING.to_owned(), rest)]).collect()
    };
    let phases = split(simulation, names.len(), number);
    phases.into_iter().map(|(phase, latency, parts, rest)| (phase, latency, named(parts, rest))).collect()
}

/// Every phase with its latency, the time of each of `kinds` kinds of steps, and the time in which nothing runs.
fn split(
    simulation: &Simulation,
    kinds: usize,
    kind: impl Fn(&Interval) -> usize,
) -> Vec<(&'static str, f64, Vec<f64>, f64)> {
    let mut start = 0.0;
    by_phase(&simulation.latency_s)
        .into_iter()
        .map(|(phase, latency)| {
            let window = (start, start + latency);
            start += latency;
            let mut events: Vec<(f64, i64, usize)> = Vec::new();
            for interval in simulation.timeline.iter().filter(|i| i.phase == phase) {
                let (from, to) = (interval.start_s.clamp(window.0, window.1), interval.end_s.clamp(window.0, window.1));
                if to > from {
                    events.extend([(from, 1, kind(interval)), (to, -1, kind(interval))]);
                }
            }
            events.sort_by(|a, b| a.0.total_cmp(&b.0));
            let parts = sweep(&events, kinds, window.0);
            // What the sweep did not give away is waiting; rounding may leave a remainder of a few units in the last place.
            let rest = latency - parts.iter().sum::<f64>();
            (phase, latency, parts, if rest > latency * 1e-9 { rest } else { 0.0 })
        })
        .collect()
}

fn sweep(events: &[(f64, i64, usize)], kinds: usize, start: f64) -> Vec<f64> {
    let mut parts = vec![0.0; kinds];
    let mut running = vec![0i64; kinds];
    let mut now = start;
    for &(time, change, kind) in events {
        let total: i64 = running.iter().sum();
        if total > 0 {
            for (part, count) in parts.iter_mut().zip(&running) {
                *part += (time - now) * *count as f64 / total as f64;
            }
        }
        now = time;
        if let Some(count) = running.get_mut(kind) {
            *count += change;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_in_a_stack_can_be_told_apart_in_grey() {
        for pair in Category::ALL.windows(2) {
            // Static is a part of energy only, waiting of time only.
            if pair[0] == Category::Static {
                continue;
            }
            let (a, b) = (pair[0].fill(), pair[1].fill());
            let step = (a.lightness() - b.lightness()).abs();
            assert!(
                step > 0.2 || (a.hatch != b.hatch && step > 0.1),
                "{} and {}: {step}",
                pair[0].name(),
                pair[1].name()
            );
        }
    }

    #[test]
    fn every_activity_of_the_simulator_has_its_category() {
        for name in Activity::NAMES {
            assert_eq!(Category::of_activity(name).key(), name);
        }
    }

    #[test]
    fn every_category_has_its_own_look_in_grey() {
        for (i, a) in Category::ALL.iter().enumerate() {
            for b in &Category::ALL[i + 1..] {
                let (x, y) = (a.fill(), b.fill());
                let step = (x.lightness() - y.lightness()).abs();
                assert!(x.hatch != y.hatch || step > 0.06, "{} and {}: {step}", a.name(), b.name());
            }
        }
    }

    #[test]
    fn overlapping_steps_share_their_time_and_gaps_are_waiting() {
        let step = |activity: &str, unit: &str, start_s: f64, end_s: f64| Interval {
            step: 0,
            layer: "l".into(),
            kind: activity.into(),
            activity: activity.into(),
            phase: "online".into(),
            unit: unit.into(),
            start_s,
            end_s,
            bound: "compute".into(),
        };
        let mut simulation = crate::sample::simulation("net", "cpu", 1, 1.0);
        simulation.latency_s = pisim_sim::ByPhase { setup: 0.0, offline: 0.0, online: 10.0, total: 10.0 };
        simulation.timeline = vec![
            step("evaluate", "client.cpu", 0.0, 4.0),
            step("ring-linear", "server.cpu", 2.0, 6.0),
            step("transfer", "link.up", 7.0, 10.0),
        ];
        let (_, _, online) = attribute(&simulation).pop().unwrap();
        let of = |a: Category| online[a as usize];
        assert_eq!((of(Category::Evaluate), of(Category::RingLinear)), (3.0, 3.0));
        assert_eq!((of(Category::Transfer), of(Category::Waiting)), (3.0, 1.0));
    }
}
