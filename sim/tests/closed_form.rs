//! The closed form against the event engine, and programs that are prepared once against those that are prepared anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod common;

use common::{parties, platforms, small_program, wide};
use pisim_hw_models::{HeParallel, Platform, Storage};
use pisim_netgen::NetworkSpec;
use pisim_protocol::{Program, Protocol, lower};
use pisim_sim::{ByPhase, Level, Prepared, Simulation, Summary, Workspace, simulate};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use std::sync::OnceLock;

const ROUNDING: f64 = 1e-9;

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= ROUNDING * a.abs().max(b.abs())
}

/// A built-in network under every built-in protocol.
fn under_every_protocol(network: &str) -> Vec<Program> {
    let network = NetworkSpec::named(network).unwrap().build().unwrap();
    let protocols = Protocol::builtin_names();
    protocols.iter().map(|name| lower(&network, &Protocol::load(name).unwrap()).unwrap()).collect()
}

fn prepared() -> &'static [Prepared<'static>] {
    static PROGRAMS: OnceLock<Vec<Program>> = OnceLock::new();
    static PREPARED: OnceLock<Vec<Prepared<'static>>> = OnceLock::new();
    PREPARED.get_or_init(|| {
        let programs = PROGRAMS.get_or_init(|| {
            let mut programs = under_every_protocol("minionn");
            programs.extend(under_every_protocol("hrn-tiny"));
            programs.push(small_program(16, 8));
            programs
        });
        programs.iter().map(Prepared::new).collect()
    })
}

/// How a platform differs from a built-in one: which parts it has and how steps are mapped.
fn reshaped(mut platform: Platform, shape: u8) -> Platform {
    let storage = Storage { read_bytes_per_s: 2e9, write_bytes_per_s: 1e9, energy_per_bit_j: 1e-9 };
    if shape & 1 != 0 {
        platform.mapping.overlap = false;
    }
    if shape & 2 != 0 {
        platform.mapping.he_parallel = HeParallel::Layer;
        platform.server.he_engine = None;
    }
    if shape & 4 != 0 {
        (platform.client.storage, platform.server.storage) = (Some(storage.clone()), Some(storage));
    }
    if shape & 8 != 0 {
        platform.colocated = true;
        platform.client = platform.server.clone();
    }
    if shape & 16 != 0 {
        platform.client.gc_engine = platform.server.gc_engine.take();
    }
    platform
}

/// Speeds from a fiftieth to four times (memories) or ten times (links) of the base's, and any number of units.
fn scaled(mut platform: Platform, by: &[f64; 8]) -> Platform {
    let between = |share: f64, low: f64, high: f64| low * (high / low).powf(share);
    platform.link.up_bits_per_s *= between(by[0], 0.1, 10.0);
    platform.link.down_bits_per_s *= between(by[1], 0.1, 10.0);
    for (party, by) in parties(&mut platform).into_iter().zip([[by[2], by[3], by[4]], [by[5], by[6], by[7]]]) {
        party.memory.channel_bytes_per_s *= between(by[0], 0.02, 4.0);
        party.cpu.cores = between(by[1], 1.0, 32.0) as u64;
        if let Some(engine) = &mut party.gc_engine {
            engine.engines = between(by[2], 1.0, 64.0) as u64;
        }
        if let Some(engine) = &mut party.he_engine {
            engine.ntt_units = between(by[2], 1.0, 64.0) as u64;
            engine.modmul_lanes = between(by[2], 16.0, 16_384.0) as u64;
        }
    }
    platform
}

prop_compose! {
    fn point()(
        platform in prop::sample::select(platforms()),
        shape in 0..32_u8,
        by in prop::array::uniform8(0.0..1.0),
    ) -> Platform {
        scaled(reshaped(platform, shape), &by)
    }
}

fn both(prepared: &Prepared, platform: &Platform, workspace: &mut Workspace) -> [Summary; 2] {
    [Level::Event, Level::ClosedForm].map(|level| prepared.summarize(platform, level, workspace).unwrap())
}

/// Errors of the closed form's latency, phase by phase, in per cent of the event engine's.
fn errors_pct([event, closed]: &[Summary; 2]) -> impl Iterator<Item = f64> {
    let phases = event.latency_s.phases().into_iter().zip(closed.latency_s.phases());
    phases.filter(|(event, _)| *event > 0.0).map(|(event, closed)| 100.0 * (closed / event - 1.0))
}

fn static_j(platform: &Platform, latency_s: f64) -> f64 {
    let client_w = if platform.colocated { 0.0 } else { platform.client.static_power_w };
    (client_w + platform.server.static_power_w) * latency_s
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_closed_form_is_never_slower_than_the_event_engine_and_bounds_it(
        platform in point(),
        program in 0..prepared().len(),
    ) {
        let [event, closed] = both(&prepared()[program], &platform, &mut Workspace::default());
        for phase in 0..3 {
            let of = |values: &ByPhase| values.phases()[phase];
            let (latency_s, estimate_s) = (of(&event.latency_s), of(&closed.latency_s));
            prop_assert!(estimate_s <= latency_s * (1.0 + ROUNDING), "{estimate_s} above {latency_s}");
            for summary in [&event, &closed] {
                let (least_s, most_s) = (of(&summary.least_s), of(&summary.most_s));
                prop_assert!(least_s <= latency_s * (1.0 + ROUNDING), "{latency_s} below {least_s}");
                prop_assert!(latency_s <= most_s * (1.0 + ROUNDING), "{latency_s} above {most_s}");
            }
        }
        for (event, closed) in event.units.iter().zip(&closed.units) {
            prop_assert_eq!(event.name, closed.name);
            prop_assert!(close(event.bound_s.total, closed.bound_s.total));
            prop_assert!((0.0..=1.0).contains(&closed.utilization));
        }
    }

    #[test]
    fn bytes_and_all_but_static_energy_are_the_event_engine_s(platform in point(), program in 0..prepared().len()) {
        let mut platform = platform;
        // What idle units leak follows the latency, as static energy does.
        parties(&mut platform).into_iter().for_each(|party| party.leakage_derived = false);
        let [event, closed] = both(&prepared()[program], &platform, &mut Workspace::default());
        prop_assert_eq!((event.bytes, event.storage_bytes), (closed.bytes, closed.storage_bytes));
        for phase in 0..3 {
            let dynamic_j = |summary: &Summary| {
                summary.energy_j.phases()[phase] - static_j(&platform, summary.latency_s.phases()[phase])
            };
            let (a, b) = (dynamic_j(&event), dynamic_j(&closed));
            // A small difference of large numbers keeps their rounding.
            let rounding = ROUNDING * event.energy_j.phases()[phase];
            prop_assert!((a - b).abs() <= rounding, "{a} and {b}");
        }
    }

    #[test]
    fn where_nothing_is_shared_the_closed_form_is_exact(platform in point(), program in 0..prepared().len()) {
        let mut platform = platform;
        platform.colocated = false;
        platform.mapping.he_parallel = HeParallel::Within;
        for party in parties(&mut platform) {
            party.memory = wide(&party.memory);
        }
        let [event, closed] = both(&prepared()[program], &platform, &mut Workspace::default());
        for (event, closed) in event.latency_s.phases().into_iter().zip(closed.latency_s.phases()) {
            prop_assert!(close(event, closed), "{event} and {closed}");
        }
    }

    #[test]
    fn a_summary_agrees_with_the_full_result(platform in point(), program in 0..prepared().len()) {
        let (prepared, mut workspace) = (&prepared()[program], Workspace::default());
        for level in [Level::Event, Level::ClosedForm] {
            let full: Simulation = prepared.simulate(&platform, level, &mut workspace).unwrap();
            let summary = prepared.summarize(&platform, level, &mut workspace).unwrap();
            prop_assert_eq!((full.level, full.latency_s), (level, summary.latency_s));
            prop_assert_eq!((full.bytes, full.storage_bytes), (summary.bytes, summary.storage_bytes));
            for (full, summary) in full.energy_j.phases.phases().into_iter().zip(summary.energy_j.phases()) {
                prop_assert!(close(full, summary), "{full} and {summary}");
            }
            prop_assert_eq!(full.units.len(), summary.units.len());
            for (full, summary) in full.units.iter().zip(&summary.units) {
                prop_assert_eq!(&full.name, summary.name);
                prop_assert!(close(full.busy_s, summary.busy_s) && close(full.utilization, summary.utilization));
            }
            let last_s = full.timeline.iter().map(|interval| interval.end_s).fold(0.0, f64::max);
            prop_assert!(last_s <= full.latency_s.total * (1.0 + ROUNDING));
            prop_assert!(full.timeline.iter().all(|interval| interval.start_s >= 0.0));
        }
    }

    #[test]
    fn what_was_evaluated_before_leaves_no_trace(
        points in prop::collection::vec((point(), 0..prepared().len()), 2..6),
    ) {
        let mut workspace = Workspace::default();
        for (platform, program) in &points {
            let prepared = &prepared()[*program];
            prepared.summarize(platform, Level::ClosedForm, &mut workspace).unwrap();
            let again = prepared.simulate(platform, Level::Event, &mut workspace).unwrap();
            let fresh = Prepared::new(program_of(*program));
            prop_assert_eq!(again, fresh.simulate(platform, Level::Event, &mut Workspace::default()).unwrap());
        }
    }
}

/// The program behind `prepared()[number]`, lowered anew.
fn program_of(number: usize) -> &'static Program {
    prepared()[number].program()
}

/// Built-in platforms whose accelerators wait for one another at a narrow memory, of which the closed form knows averages alone.
const NARROW: [&str; 7] = [
    "haac-1ge-ddr4",
    "haac-2ge-ddr4",
    "haac-4ge-ddr4",
    "haac-8ge-ddr4",
    "haac-16ge-ddr4",
    "fpga-maxelerator",
    "soc-all",
];

#[test]
fn errors_on_the_built_in_platforms_stay_below_a_hundredth_of_a_per_cent_but_where_memory_is_narrow() {
    let ([mut most, mut most_narrow], mut workspace) = ([0.0_f64; 2], Workspace::default());
    for program in ["minionn", "resnet20", "hrn-5x5x3x"].into_iter().flat_map(under_every_protocol) {
        let prepared = Prepared::new(&program);
        for platform in platforms() {
            let summaries = both(&prepared, &platform, &mut workspace);
            let of = if NARROW.contains(&platform.name.as_str()) { &mut most_narrow } else { &mut most };
            *of = errors_pct(&summaries).map(f64::abs).fold(*of, f64::max);
        }
    }
    println!("largest error on built-in platforms: {most:.4} %, {most_narrow:.4} % where memory is narrow");
    assert!(most < 0.01 && most_narrow < 2.0, "{most} %, {most_narrow} %");
}

#[test]
fn errors_on_random_platforms_are_rare_and_bounded() {
    let runner = proptest::test_runner::TestRunner::deterministic();
    let mut errors = Vec::new();
    let (mut runner, mut workspace) = (runner, Workspace::default());
    for number in 0..4_000 {
        let platform = point().new_tree(&mut runner).unwrap().current();
        let summaries = both(&prepared()[number % prepared().len()], &platform, &mut workspace);
        errors.extend(errors_pct(&summaries).map(f64::abs));
    }
    errors.sort_by(f64::total_cmp);
    let at = |per_mille: usize| errors[errors.len() * per_mille / 1000];
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    println!(
        "{} phases: mean {mean:.3} %, median {:.4} %, 90th {:.3} %, 95th {:.3} %, 99th {:.3} %, largest {:.1} %",
        errors.len(),
        at(500),
        at(900),
        at(950),
        at(990),
        errors.last().unwrap()
    );
    assert!(mean < 0.5 && at(900) < 1.0, "mean {mean} %, 90th percentile {} %", at(900));
}

#[test]
fn an_open_split_of_the_link_is_settled_at_every_level() {
    let mut platform = Platform::builtin("haac-hbm2").unwrap();
    platform.link.optimal_split = true;
    let prepared = &prepared()[0];
    let [event, closed] = both(prepared, &platform, &mut Workspace::default());
    let full = simulate(prepared.program(), &platform).unwrap();
    assert_eq!((event.latency_s, event.link), (full.latency_s, full.link));
    assert!(closed.link.optimal_split && closed.link.up_bits_per_s != platform.link.up_bits_per_s);
    assert!((closed.latency_s.total / event.latency_s.total - 1.0).abs() < 1e-3);
}
