//! Design spaces as figures.

use crate::figures::{self, Figure};
use crate::tests::readable::well_formed;
use pisim_sim::explore::{DesignPoint, DesignSpace, Exploration, MemoryChoice};
use pisim_sim::{Binding, ByPhase, Level, LinkRates};

/// A made-up space in which the memory, the lanes or the engines bind.
fn space(engines: &[u64], he_lanes: &[u64], memories: &[&str]) -> Exploration {
    let memories: Vec<MemoryChoice> = memories.iter().map(|name| MemoryChoice::device(name, None).unwrap()).collect();
    let mut points = Vec::new();
    for memory in &memories {
        for &engines in engines {
            for &he_lanes in he_lanes {
                let seconds = [
                    ("server.gc-engine", 0.3 / engines as f64),
                    ("server.he-engine", 5.0 / he_lanes as f64),
                    ("server.memory", 2e9 / memory.bytes_per_s),
                    ("link.down", 0.03),
                ];
                let (unit, most) = seconds.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
                let total = seconds.iter().map(|(_, seconds)| seconds).sum::<f64>();
                points.push(DesignPoint {
                    engines,
                    he_lanes,
                    ntt_units: 1,
                    memory: memory.name.clone(),
                    memory_bytes_per_s: memory.bytes_per_s,
                    latency_s: ByPhase::new([0.0, 0.7 * total, 0.3 * total]),
                    energy_j: ByPhase::new([0.0, 30.0 * total, 10.0 * total]),
                    bottleneck: Binding { unit, share: most / total },
                    area_mm2: None,
                    fits: engines < 32,
                });
            }
        }
    }
    Exploration {
        network: "hrn-5x5x3x".into(),
        protocol: "ring-gc".into(),
        hardware: "haac-hbm2".into(),
        link: LinkRates { up_bits_per_s: 4e11, down_bits_per_s: 1e10, optimal_split: false },
        level: Level::ClosedForm,
        space: DesignSpace { engines: engines.to_vec(), he_lanes: he_lanes.to_vec(), memories, both: true },
        points,
    }
}

fn usual() -> Exploration {
    space(&[1, 2, 4, 8, 16, 32], &[16, 32, 64, 128, 256], &["ddr4-2400", "ddr4-4400", "hbm2"])
}

fn texts(figure: &Figure) -> Vec<String> {
    assert_eq!(figure.text_faults(), Vec::<String>::new());
    well_formed(&figure.svg().unwrap())
}

#[test]
fn every_region_is_named_and_every_axis_has_its_unit() {
    let figure = figures::explore(&usual());
    let texts = texts(&figure);
    let words = [
        "server.gc-engine",
        "server.he-engine",
        "server.memory",
        "link.down",
        "Gate engines",
        "HE lanes",
        "hbm2: 512 GB/s",
        "Latency (",
        "Energy (",
        "400 Gbit/s up, 10 down",
        "both parties",
        "does not fit the board",
    ];
    for word in words {
        assert!(texts.iter().any(|text| text.contains(word)), "no {word}: {texts:?}");
    }
    assert!(figure.caption.contains("closed form"));
    figure.png().unwrap();
}

#[test]
fn the_data_beside_the_figure_has_every_design() {
    let explored = usual();
    let data = figures::explore(&explored).data;
    assert_eq!(data.rows.len(), 3 * 6 * 5);
    let sum: f64 = explored.points.iter().map(|point| point.latency_s.total).sum();
    assert!((data.sum("latency_s", |_| true) - sum).abs() < 1e-9 * sum);
    let phases = ["setup", "offline", "online"].map(|phase| data.sum(&format!("energy_{phase}_j"), |_| true));
    assert!((phases.iter().sum::<f64>() / data.sum("energy_j", |_| true) - 1.0).abs() < 1e-9);
    assert!(data.rows.iter().all(|row| row.len() == data.header.len()));
}

#[test]
fn any_space_can_be_drawn() {
    let many: Vec<u64> = (1..=64).collect();
    let mut odd = usual();
    for (number, point) in odd.points.iter_mut().enumerate() {
        point.latency_s.total = [f64::NAN, 0.0, f64::INFINITY, 1e-9, 1e9][number % 5];
        point.bottleneck.unit = ["", "server.gc-engine", "client.cpu"][number % 3];
        point.fits = number % 7 == 0;
    }
    odd.hardware = "a-platform-with-a-name-that-nobody-would-print-".repeat(5);
    let spaces = [
        odd,
        space(&[4], &[64], &["hbm2"]),
        space(&many, &many, &["ddr4-2400", "ddr4-3200", "ddr4-4400", "hbm2"]),
        space(&[1, 1 << 24], &[1, 1 << 24], &["hbm2", "lpddr4"]),
        space(&[], &[], &[]),
    ];
    for explored in spaces {
        let figure = figures::explore(&explored);
        texts(&figure);
        figure.png().unwrap();
    }
}
