//! Comparisons as bars: networks by homomorphic, garbled-circuit and total time; an inference without each part's time; and how
//! much the speed of each part matters.

use super::bars::{BarRow, Bars, Kind, bars};
use super::{Category, Figure, slug};
use crate::draw::style::{Columns, Fill, Hatch, phase, series_fill};
use crate::format::{Quantity, percent};
use pisim_sim::Simulation;
use pisim_sim::analysis::{Attribution, Sensitivity};

/// One network of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// The heading that it stands under, such as a number of ReLUs that all networks below it have about.
    pub group: String,
    /// Its ReLUs.
    pub relus: u64,
    /// Its multiply-accumulates.
    pub macs: u64,
    /// Its inference.
    pub simulation: Simulation,
}

/// The sum over phases of the step durations of some kinds of work.
fn seconds(simulation: &Simulation, of: &[Category]) -> f64 {
    let own = simulation.activities.iter().filter(|activity| of.contains(&Category::of_activity(&activity.name)));
    own.map(|activity| activity.seconds.total).sum()
}

/// Networks side by side: time under encryption, in garbled circuits, and the latency of all phases.
pub fn compared(networks: &[Compared], name: &str, title: &str, columns: Columns) -> Figure {
    const HE: [Category; 3] = [Category::HeEvaluate, Category::Encrypt, Category::Decrypt];
    const GC: [Category; 3] = [Category::Garble, Category::ObliviousTransfer, Category::Evaluate];
    let row = |one: &Compared| {
        let [relus, macs] = [one.relus, one.macs].map(|count| Quantity::Count.format(count as f64));
        let values = [seconds(&one.simulation, &HE), seconds(&one.simulation, &GC), one.simulation.latency_s.total];
        BarRow {
            group: one.group.clone(),
            name: one.simulation.network.clone(),
            note: format!("{relus} ReLUs, {macs} MACs"),
            values: values.map(Some).to_vec(),
        }
    };
    let kind = |name: &str, fill: Fill| Kind { name: name.to_owned(), fill };
    let all = Bars {
        name: slug(name),
        title: title.to_owned(),
        caption: "HE: sum of encryption, evaluation and decryption; GC: of garbling, oblivious transfers and \
                  evaluation; over all phases and both parties. Latency: setup, offline and online phase; steps of \
                  different units overlap, so it may be less than the sum of the others, and it has the link's time \
                  besides."
            .to_owned(),
        across: "Time".to_owned(),
        quantity: Quantity::Seconds,
        log: true,
        kinds: vec![
            kind("HE", Category::HeEvaluate.fill()),
            kind("GC", Category::Evaluate.fill()),
            kind("latency", Fill { hatch: Hatch::Rising, ..phase("setup") }),
        ],
        rows: networks.iter().map(row).collect(),
        nothing: "no network was simulated",
    };
    bars(&all, columns)
}

/// The latency without the time of each part, the largest gain first. Parts whose removal gives less than a thousandth are left out.
pub fn removals(found: &Attribution, network: &str, hardware: &str, columns: Columns) -> Figure {
    let phases = |of: &pisim_sim::ByPhase| vec![Some(of.offline + of.setup), Some(of.online), Some(of.total)];
    let as_is = BarRow { name: "as it is".to_owned(), values: phases(&found.latency_s), ..BarRow::default() };
    let matters = |removal: &&pisim_sim::analysis::Removal| found.speedup(removal) > 1.001;
    let without = found.removals.iter().filter(matters).map(|removal| BarRow {
        name: format!("without {}", removal.unit),
        note: format!("{} less", percent(1.0 - 1.0 / found.speedup(removal))),
        values: phases(&removal.latency_s),
        ..BarRow::default()
    });
    let kind = |name: &str, fill: Fill| Kind { name: name.to_owned(), fill };
    let all = Bars {
        name: slug(&format!("without-{network}-{hardware}")),
        title: format!("{network} on {hardware}: what removing a bottleneck gives"),
        caption: "Latency when one unit, memory, direction of the link or the round trip takes no time and all else \
                  is as it is: evaluated again for each, not estimated from bounds. Parts that give less than 0.1 % \
                  are left out."
            .to_owned(),
        across: "Latency".to_owned(),
        quantity: Quantity::Seconds,
        log: false,
        kinds: vec![
            kind("setup and offline", phase("offline")),
            kind("online", phase("online")),
            kind("total", Fill { hatch: Hatch::Rising, ..phase("setup") }),
        ],
        rows: std::iter::once(as_is).chain(without).collect(),
        nothing: "nothing takes any time",
    };
    bars(&all, columns)
}

/// Sobol indices of the speed of every part, the largest total first. Parts with less than half a per cent are left out.
pub fn sensitivity(found: &[Sensitivity], network: &str, hardware: &str, columns: Columns) -> Figure {
    let row = |one: &Sensitivity| BarRow {
        name: one.part.to_owned(),
        note: format!("½× {:+.0} %, 2× {:+.0} %", 100.0 * (one.half_speed - 1.0), 100.0 * (one.double_speed - 1.0)),
        // The estimate of a share of nothing may be a hair below it.
        values: vec![Some(one.first.max(0.0)), Some(one.total)],
        ..BarRow::default()
    };
    let all = Bars {
        name: slug(&format!("sensitivity-{network}-{hardware}")),
        title: format!("{network} on {hardware}: which speed matters"),
        caption: "Sobol indices of the logarithm of the latency when the speeds of all parts vary independently, \
                  log-uniformly from half to twice their own. First order: by itself; total: with all interactions. \
                  Below each name: the latency at half and at twice that speed alone. Parts with a total below \
                  0.005 are left out."
            .to_owned(),
        across: "Share of the variance".to_owned(),
        quantity: Quantity::Plain,
        log: false,
        kinds: vec![
            Kind { name: "first order".to_owned(), fill: series_fill(0) },
            Kind { name: "total".to_owned(), fill: series_fill(1) },
        ],
        rows: found.iter().filter(|one| one.total >= 0.005).map(row).collect(),
        nothing: "no speed matters",
    };
    bars(&all, columns)
}
