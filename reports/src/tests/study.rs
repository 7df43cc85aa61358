//! Studies of sweeps: what is found, and that every figure shows it.

use crate::analysis::{Limits, Study, StudyError};
use crate::figures::{Columns, Figure};
use crate::results::{Column, Frame};
use crate::tests::readable::well_formed;
use proptest::prelude::*;

/// Network, engines, link, seconds, joules, the unit that binds it and its share.
type Design<'a> = (&'a str, i64, &'a str, f64, f64, &'static str, f64);

/// A made-up sweep of two networks on `engines` × `links` designs: faster and hungrier with more engines.
fn sweep(networks: &[&str], engines: &[i64], links: &[&str]) -> Vec<(String, Column)> {
    let mut rows = Vec::new();
    for (size, network) in networks.iter().enumerate() {
        for engines in engines {
            for (rate, link) in links.iter().enumerate() {
                let scale = 1.0 + size as f64;
                let (gc, down) = (8.0 * scale / *engines as f64, 3.0 * scale / (1.0 + rate as f64));
                let (latency, energy) = (gc + down, scale * (20.0 + 3.0 * (*engines as f64) + 2.0 * rate as f64));
                let unit = if gc > down { "server.gc-engine" } else { "link.down" };
                rows.push((*network, *engines, *link, latency, energy, unit, gc.max(down) / latency));
            }
        }
    }
    let column = |name: &str, values: Column| (name.to_owned(), values);
    let numbers = |of: &dyn Fn(&Design) -> f64| Column::Number(rows.iter().map(of).collect());
    vec![
        column("point", Column::Integer((0..rows.len() as i64).map(Some).collect())),
        column("network.name", Column::Text(rows.iter().map(|row| Some(row.0)).collect())),
        column("server.gc_engine.engines", Column::Integer(rows.iter().map(|row| Some(row.1)).collect())),
        column("link.down", Column::Text(rows.iter().map(|row| Some(row.2)).collect())),
        column("network", Column::Text(rows.iter().map(|row| Some(row.0)).collect())),
        column("protocol", Column::Text(rows.iter().map(|_| Some("ring-gc")).collect())),
        column("hardware", Column::Text(rows.iter().map(|_| Some("haac-hbm2")).collect())),
        column("error", Column::Text(rows.iter().map(|_| Some("")).collect())),
        column("latency_setup_s", numbers(&|_| 0.0)),
        column("latency_offline_s", numbers(&|row| 0.7 * row.3)),
        column("latency_online_s", numbers(&|row| 0.3 * row.3)),
        column("latency_total_s", numbers(&|row| row.3)),
        column("energy_setup_j", numbers(&|_| 0.0)),
        column("energy_offline_j", numbers(&|row| 0.5 * row.4)),
        column("energy_online_j", numbers(&|row| 0.5 * row.4)),
        column("energy_total_j", numbers(&|row| row.4)),
        column("area_mm2", numbers(&|row| 2.0 + row.1 as f64)),
        column("fits", Column::Flag(rows.iter().map(|_| Some(true)).collect())),
        column("bottleneck_total", Column::Text(rows.iter().map(|row| Some(row.5)).collect())),
        column("bottleneck_total_share", numbers(&|row| row.6)),
    ]
}

fn usual() -> Frame {
    Frame::new(sweep(&["hrn-5x5x3x", "resnet18"], &[1, 2, 4, 8, 16], &["100 Mbps", "1 Gbps", "10 Gbps"])).unwrap()
}

fn figures(study: &Study, columns: Columns) -> Vec<Figure> {
    let figures = study.figures(&study.findings(&Limits::default()), columns);
    for figure in &figures {
        assert_eq!(figure.text_faults(), Vec::<String>::new(), "{}", figure.name);
        well_formed(&figure.svg().unwrap());
        assert!(figure.data.rows.iter().all(|row| row.len() == figure.data.header.len()), "{}", figure.name);
    }
    figures
}

#[test]
fn a_sweep_has_its_fronts_axes_bottlenecks_and_comparisons() {
    let study = Study::new(&usual()).unwrap();
    let found = study.findings(&Limits::default());
    assert_eq!((found.points, found.failed, found.unfit), (30, 0, 0));
    assert_eq!(found.groups.len(), 2);
    // Every point of this sweep trades latency for energy along engines or the link.
    for group in &found.groups {
        assert!(group.front >= 5 && group.knee.is_some(), "{group:?}");
    }
    let pareto: Vec<_> = found.pareto.iter().filter(|point| point.group == "resnet18").collect();
    for pair in pareto.iter().flat_map(|a| pareto.iter().map(move |b| (a, b))) {
        let (a, b) = pair;
        assert!(a.point == b.point || !(a.latency_total_s <= b.latency_total_s && a.energy_total_j < b.energy_total_j));
    }
    let of = |name: &str| found.axes.iter().find(|axis| axis.axis == name).unwrap();
    let engines = of("server.gc_engine.engines");
    assert!(engines.latency.unwrap() > 0.5 && engines.energy.unwrap() > 0.9, "{engines:?}");
    // Within networks, the network itself makes nothing.
    assert!(of("network.name").latency.is_none() && of("network.name").one_at_a_time.is_empty());
    for varied in &engines.one_at_a_time {
        assert!(varied.points == 5 && varied.ratio > 1.5 && varied.elasticity.unwrap() < -0.2, "{varied:?}");
    }
    assert_eq!(found.bottlenecks.iter().map(|bound| bound.points).sum::<usize>(), 30);
    let first = &found.iso_latency[0];
    assert_eq!(first.rows.len(), 2, "every network meets what the slowest can");
    assert!(first.rows.iter().all(|row| row.latency_total_s <= first.limit));
    let named = study.findings(&Limits { latency_s: vec![1e-9, 1e9], energy_j: vec![50.0] });
    assert!(named.iso_latency[0].rows.is_empty() && named.iso_latency[1].rows.len() == 2);
    let text = crate::analysis::table(&found);
    for word in ["30 points", "server.gc-engine", "★", "hrn-5x5x3x", "elasticity"] {
        assert!(text.contains(word), "no {word}: {text}");
    }
}

#[test]
fn an_axis_alone_is_varied_within_its_network_also_where_no_axis_names_the_network() {
    let mut columns = sweep(&["hrn-5x5x3x", "resnet18"], &[1, 2, 4, 8, 16], &["100 Mbps", "1 Gbps", "10 Gbps"]);
    let study = |columns: &[(String, Column)]| {
        Study::new(&Frame::new(columns.to_vec()).unwrap()).unwrap().findings(&Limits::default()).axes
    };
    let named = study(&columns);
    columns.retain(|(name, _)| name != "network.name");
    let unnamed = study(&columns);
    assert_eq!((named.len(), unnamed.len()), (3, 2));
    for axis in &unnamed {
        let same = named.iter().find(|other| other.axis == axis.axis).unwrap();
        assert!(axis.one_at_a_time == same.one_at_a_time && axis.one_at_a_time.len() == 2, "{axis:?}");
    }
}

#[test]
fn every_figure_of_a_sweep_is_readable_in_one_and_two_columns_and_has_its_data() {
    let study = Study::new(&usual()).unwrap();
    for columns in [Columns::One, Columns::Two] {
        let figures = figures(&study, columns);
        for figure in &figures {
            assert!(figure.pdf().unwrap().starts_with(b"%PDF-1."), "{}", figure.name);
        }
        let names: Vec<&str> = figures.iter().map(|figure| figure.name.as_str()).collect();
        for name in [
            "pareto-energy",
            "phases",
            "pareto-area",
            "scaling-latency-link.down",
            "map-resnet18",
            "bottlenecks",
            "axes",
            "iso-latency",
        ] {
            assert!(names.contains(&name), "no {name}: {names:?}");
        }
        let width = if columns == Columns::One { "<svg width=\"3.500in\"" } else { "<svg width=\"7.000in\"" };
        let sized = figures.iter().filter(|figure| figure.name != "phases");
        assert!(sized.clone().count() > 8 && sized.clone().all(|figure| figure.svg().unwrap().starts_with(width)));
        let of = |name: &str| figures.iter().find(|figure| figure.name == name).unwrap();
        let (pareto, found) = (of("pareto-energy"), study.findings(&Limits::default()));
        let fronts = pareto.data.rows.iter().filter(|row| row[4] == "true").count();
        assert_eq!(fronts, found.pareto.len());
        let sum: f64 = found.pareto.iter().map(|point| point.latency_total_s).sum();
        assert!((pareto.data.sum("y", |row| row[4] == "true") - sum).abs() < 1e-9);
        // A line goes through the least of each value of its axis.
        let scaling = &of("scaling-latency-link.down").data;
        assert_eq!(scaling.rows.len(), 2 * 3);
        let of_lines = scaling.rows.iter().map(|row| row[3].parse::<f64>().unwrap()).fold(f64::INFINITY, f64::min);
        assert_eq!(of_lines, found.groups[0].least_latency_s);
        let phases = &of("phases").data;
        assert_eq!(phases.rows.len(), 2 * 3);
        // A cell for each combination, and the least of the map is the least of the network.
        let map = &of("map-resnet18").data;
        assert_eq!(map.rows.len(), 15);
        let least = map.rows.iter().map(|row| row[2].parse::<f64>().unwrap()).fold(f64::INFINITY, f64::min);
        assert_eq!(least, found.groups[1].least_latency_s);
    }
}

#[test]
fn derived_values_are_no_axes_of_their_own() {
    let mut columns = sweep(&["net"], &[1, 2, 4, 8], &["fast", "slow"]);
    let engines: Vec<Option<i64>> = (0..8).map(|row| Some([1, 2, 4, 8][row / 2])).collect();
    let derived = |of: fn(i64) -> i64| Column::Integer(engines.iter().map(|count| count.map(of)).collect());
    columns.insert(2, ("half".to_owned(), derived(|count| count / 4)));
    columns.insert(4, ("twice".to_owned(), derived(|count| 2 * count)));
    let study = Study::new(&Frame::new(columns).unwrap()).unwrap();
    let names: Vec<&str> = study.axes.iter().map(|axis| axis.name.as_str()).collect();
    assert_eq!(names, ["server.gc_engine.engines", "link.down"]);
}

#[test]
fn failed_and_unfit_points_are_counted_and_left_out() {
    let mut columns = sweep(&["resnet18"], &[1, 2, 4], &["1 Gbps"]);
    let mut set = |name: &str, values: Column| columns.iter_mut().find(|(own, _)| own == name).unwrap().1 = values;
    set("error", Column::Text([Some("no packing"), Some(""), Some("")].into_iter().collect()));
    set("latency_total_s", Column::Number(vec![f64::NAN, 2.0, 1.0]));
    set("fits", Column::Flag(vec![None, Some(true), Some(false)]));
    let study = Study::new(&Frame::new(columns.clone()).unwrap()).unwrap();
    assert_eq!((study.points, study.failed, study.unfit, study.frame.rows()), (3, 1, 1, 1));
    figures(&study, Columns::One);
    columns.iter_mut().find(|(own, _)| own == "fits").unwrap().1 = Column::Flag(vec![None, Some(false), Some(false)]);
    let error = Study::new(&Frame::new(columns).unwrap()).unwrap_err();
    assert!(matches!(error, StudyError::Nothing { .. }));
    assert!(error.to_string().contains("no packing") && error.to_string().contains("none of 3 points"), "{error}");
    let error = Study::new(&Frame::new(vec![("x".to_owned(), Column::Integer(vec![Some(1)]))]).unwrap()).unwrap_err();
    assert!(error.to_string().contains("error"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    /// One point, one network, equal values, zero energy, huge ranges: everything can be drawn.
    #[test]
    fn any_sweep_can_be_drawn(
        networks in 1..4_usize,
        engines in prop::collection::btree_set(1..4096_i64, 1..7),
        links in 1..4_usize,
        equal in any::<bool>(),
        zero_energy in any::<bool>(),
        power in -12..9_i32,
        one_column in any::<bool>(),
    ) {
        let names = ["net", "a-network-with-a-very-long-name-indeed-that-nobody-would-print", "x", "y"];
        let engines: Vec<i64> = engines.into_iter().collect();
        let mut columns = sweep(&names[..networks], &engines, &["fast", "slow", "1 Gbps"][..links]);
        for (name, column) in &mut columns {
            if let Column::Number(values) = column {
                let factor = 10_f64.powi(if name.ends_with("_s") { power } else { 0 });
                let constant = equal && name != "bottleneck_total_share";
                values.iter_mut().for_each(|value| *value = if constant { factor } else { *value * factor });
                if zero_energy && name == "energy_total_j" {
                    values.iter_mut().for_each(|value| *value = 0.0);
                }
            }
        }
        let study = Study::new(&Frame::new(columns).unwrap()).unwrap();
        figures(&study, if one_column { Columns::One } else { Columns::Two });
        crate::analysis::table(&study.findings(&Limits::default()));
    }
}
