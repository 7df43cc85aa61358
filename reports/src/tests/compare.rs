//! Comparisons, counterfactuals, sensitivities and rooflines as figures.

use crate::figures::{self, Columns, Compared, Figure, Lines};
use crate::sample;
use crate::tests::readable::well_formed;
use pisim_sim::ByPhase;
use pisim_sim::analysis::{Attribution, Removal, Roof, RoofStep, Sensitivity};
use proptest::prelude::*;

fn texts(figure: &Figure) -> Vec<String> {
    assert_eq!(figure.text_faults(), Vec::<String>::new(), "{}", figure.name);
    assert!(figure.data.rows.iter().all(|row| row.len() == figure.data.header.len()));
    well_formed(&figure.svg().unwrap())
}

fn roof(unit: &'static str, steps: &[(f64, f64)], peak_per_s: f64) -> Roof {
    let step = |(operations, bytes): &(f64, f64)| RoofStep {
        layer: "s1.b1.conv1".into(),
        kind: "he-linear",
        phase: "offline",
        operations: *operations,
        bytes: *bytes,
        seconds: (operations / peak_per_s).max(bytes / 4e11) * 1.1,
    };
    Roof {
        unit,
        operation: "modular products",
        peak_per_s,
        memory: "server.memory",
        memory_bytes_per_s: 4e11,
        steps: steps.iter().map(step).collect(),
    }
}

#[test]
fn a_roofline_names_its_ceilings_and_has_every_step() {
    let roofs = [roof("server.he-engine", &[(1e9, 1e6), (1e9, 1e9)], 1.8e13), roof("server.gc-engine", &[], 1e9)];
    let figure = figures::roofline(&roofs, "net", "haac", Columns::One);
    let texts = texts(&figure);
    for word in [
        "peak 18.0 Top/s",
        "server.memory 400 GB/s",
        "Intensity (op/B, log scale)",
        "server.he-engine: modular products",
    ] {
        assert!(texts.iter().any(|text| text == word), "no {word}: {texts:?}");
    }
    assert!(!texts.iter().any(|text| text.contains("gc-engine")), "a unit without steps is left out");
    assert_eq!(figure.data.rows.len(), 2);
    assert_eq!(figure.data.sum("operations", |_| true), 2e9);
    texts_of_nothing();
}

fn texts_of_nothing() {
    for columns in [Columns::One, Columns::Two] {
        texts(&figures::roofline(&[], "net", "haac", columns));
        texts(&figures::compared(&[], "none", "nothing", columns));
        texts(&figures::sensitivity(&[], "net", "haac", columns));
        let nothing = Attribution { latency_s: ByPhase::default(), removals: Vec::new() };
        texts(&figures::removals(&nothing, "net", "haac", columns));
        let lines = Lines {
            name: "none".into(),
            title: "none".into(),
            caption: String::new(),
            across: "x".into(),
            base: figures::Base::Percent,
            up: "y".into(),
            quantity: crate::format::Quantity::Seconds,
            series: Vec::new(),
            mark_least: true,
        };
        texts(&figures::lines(&lines, columns));
    }
}

#[test]
fn networks_stand_under_their_headings_with_he_gc_and_latency() {
    let compared = |group: &str, network: &str, layers: usize| Compared {
        group: group.into(),
        relus: 343_040,
        macs: 1_053_353_152,
        simulation: sample::simulation(network, "epyc7502-atom", layers, 1.0),
    };
    let all = [compared("few", "hrn-5x5x3x", 38), compared("few", "hrn-2x7x2x", 30), compared("many", "resnet18", 50)];
    for columns in [Columns::One, Columns::Two] {
        let figure = figures::compared(&all, "equal", "Networks at equal ReLUs", columns);
        let texts = texts(&figure);
        for word in ["few", "many", "hrn-2x7x2x", "343 k ReLUs, 1.05 G MACs", "HE", "GC", "latency"] {
            assert!(texts.iter().any(|text| text == word), "no {word}: {texts:?}");
        }
        let latency = figure.data.sum("value", |row| row[3] == "latency");
        let expected: f64 = all.iter().map(|one| one.simulation.latency_s.total).sum();
        assert!((latency - expected).abs() < 1e-9 * expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn any_counterfactual_sensitivity_and_roofline_can_be_read(
        latency in 0.0..1e6_f64,
        factors in prop::collection::vec(0.0..1.0_f64, 0..9),
        steps in prop::collection::vec((1.0..1e15_f64, 1.0..1e12_f64), 0..20),
        peak_power in 3..17_i32,
    ) {
        let phases = |total: f64| ByPhase::new([0.1 * total, 0.6 * total, 0.3 * total]);
        let removal = |factor: &f64| {
            Removal { unit: "server.gc-engine", bound_s: phases(0.0), latency_s: phases(latency * factor) }
        };
        let found = Attribution { latency_s: phases(latency), removals: factors.iter().map(removal).collect() };
        let speed = |factor: &f64| Sensitivity {
            part: "link.round-trip",
            half_speed: 1.0 + factor,
            double_speed: 1.0 - factor / 2.0,
            first: factor - 0.01,
            total: *factor,
        };
        let speeds: Vec<Sensitivity> = factors.iter().map(speed).collect();
        let roofs = [roof("server.he-engine", &steps, 10_f64.powi(peak_power)), roof("client.mac-array", &steps, 1e12)];
        for columns in [Columns::One, Columns::Two] {
            texts(&figures::removals(&found, "net", "haac", columns));
            texts(&figures::sensitivity(&speeds, "net", "haac", columns));
            texts(&figures::roofline(&roofs, "net", "haac", columns));
        }
    }
}
