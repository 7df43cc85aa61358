//! Mapping options: threads, steps one after the other, layers side by side, the split of a link's total.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod common;

use common::{small_program, wide};
use pisim_hw_models::{HeParallel, Link, Platform, UpShare};
use pisim_netgen::{Conv, NetworkBuilder, Op, Shape};
use pisim_protocol::{Program, Protocol, lower};
use pisim_settings::Source;
use pisim_sim::{Simulation, simulate};
use proptest::prelude::*;

/// Convolutions of different sizes one after the other, under Delphi.
fn chain(channels: &[usize], protocol: &str) -> Program {
    let mut builder = NetworkBuilder::new("chain", Shape::new(3, 8, 8)).unwrap();
    builder.stage("s1");
    let mut last = builder.input();
    for (number, channels) in channels.iter().enumerate() {
        let conv = Conv { out_channels: *channels, kernel: 3, stride: 1, padding: 1, norm: false, bias: true };
        last = builder.add(format!("conv{number}"), Op::Conv(conv), &[last]).unwrap();
        last = builder.add(format!("relu{number}"), Op::Relu, &[last]).unwrap();
    }
    builder.add("fc", Op::Linear { out_features: 10 }, &[last]).unwrap();
    lower(&builder.finish().unwrap(), &Protocol::load(protocol).unwrap()).unwrap()
}

/// The published platform with memories that hold nobody back.
fn platform() -> Platform {
    let mut platform = Platform::builtin("epyc7502-atom").unwrap();
    platform.client.memory = wide(&platform.client.memory);
    platform.server.memory = wide(&platform.server.memory);
    platform
}

/// First start and last end of what has this kind, and the sum and the largest of its durations.
fn span(result: &Simulation, kind: &str) -> [f64; 3] {
    let of_kind = || result.timeline.iter().filter(|interval| interval.kind == kind);
    let first = of_kind().map(|interval| interval.start_s).fold(f64::INFINITY, f64::min);
    let last = of_kind().map(|interval| interval.end_s).fold(0.0, f64::max);
    let each = || of_kind().map(|interval| interval.end_s - interval.start_s);
    [last - first, each().sum(), each().fold(0.0, f64::max)]
}

const ROUNDING: f64 = 1e-9;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn layers_side_by_side_take_as_long_as_the_longest_and_no_less_than_their_share(
        channels in prop::collection::vec(1_usize..40, 1..6), threads in 1_u64..10, overlap in any::<bool>(),
    ) {
        let program = chain(&channels, "delphi");
        let mut platform = platform();
        platform.mapping.overlap = overlap;
        platform.mapping.he_parallel = HeParallel::Layer;
        platform.mapping.server.he = Some(threads);
        // Transfers of no time, so that all layers can start at once.
        platform.link.set_total(1e14, UpShare::Fixed(0.5));
        let [makespan, sum, most] = span(&simulate(&program, &platform).unwrap(), "he-linear");
        let slack = 1.0 + 1e-6;
        prop_assert!(makespan * slack >= most && makespan * slack >= sum / threads as f64, "{makespan} {sum} {most}");
        if !overlap {
            // In order on the next free thread: never idle while a layer waits, so Graham's bound holds.
            prop_assert!(makespan <= slack * (sum / threads as f64 + most), "{makespan} {sum} {most}");
        }
    }

    #[test]
    fn more_threads_are_never_slower(
        channels in prop::collection::vec(1_usize..40, 1..5), threads in 1_u64..31, more in 1_u64..4,
        layered in any::<bool>(), overlap in any::<bool>(), client in any::<bool>(),
    ) {
        let program = chain(&channels, if client { "delphi-client" } else { "delphi" });
        let mut platform = platform();
        platform.mapping.overlap = overlap;
        platform.mapping.he_parallel = if layered { HeParallel::Layer } else { HeParallel::Within };
        let mut latency = |he: u64, gc: u64, other: u64| {
            let server = &mut platform.mapping.server;
            (server.he, server.gc, server.other) = (Some(he), Some(gc), Some(other));
            simulate(&program, &platform).unwrap().latency_s.total
        };
        let before = latency(threads, threads, threads);
        let after = [latency(threads + more, threads, threads), latency(threads, threads + more, threads), latency(threads, threads, threads + more)];
        for after in after {
            // Layers side by side share the cores with garbling, which may then end a little later.
            let slack = if layered && overlap { 1.05 } else { 1.0 + ROUNDING };
            prop_assert!(after <= before * slack, "{after} above {before}");
        }
    }

    #[test]
    fn one_after_the_other_takes_the_sum_of_all_and_is_never_faster(
        channels in prop::collection::vec(1_usize..40, 1..5), round_trip_s in prop_oneof![Just(0.0), 0.0..0.1],
    ) {
        let program = chain(&channels, "delphi");
        let mut platform = platform();
        platform.link.round_trip_s = round_trip_s;
        let result = simulate(&program, &platform).unwrap();
        let busy: f64 = result.timeline.iter().map(|interval| interval.end_s - interval.start_s).sum();
        let messages = program.steps.iter().filter(|step| matches!(step.kind, pisim_protocol::StepKind::Send(_))).count();
        let expected = busy + messages as f64 * round_trip_s / 2.0;
        prop_assert!((result.latency_s.total / expected - 1.0).abs() < 1e-9, "{} of {expected}", result.latency_s.total);
        platform.mapping.overlap = true;
        let overlapped = simulate(&program, &platform).unwrap().latency_s.total;
        prop_assert!(overlapped <= result.latency_s.total * (1.0 + ROUNDING));
    }

    #[test]
    fn the_optimal_split_is_never_worse_than_any_other(
        channels in prop::collection::vec(1_usize..40, 1..4), overlap in any::<bool>(), client in any::<bool>(),
        total in prop_oneof![Just(1e9), 1e6..1e11],
    ) {
        let program = chain(&channels, if client { "delphi-client" } else { "delphi" });
        let mut platform = platform();
        platform.mapping.overlap = overlap;
        platform.link.set_total(total, UpShare::Optimal);
        let best = simulate(&program, &platform).unwrap();
        prop_assert!(best.link.optimal_split);
        let sum = best.link.up_bits_per_s + best.link.down_bits_per_s;
        prop_assert!((sum / total - 1.0).abs() < 1e-9);
        for part in 1..40 {
            platform.link.set_total(total, UpShare::Fixed(f64::from(part) / 40.0));
            let other = simulate(&program, &platform).unwrap();
            prop_assert!(!other.link.optimal_split);
            let (best_s, other_s) = (best.latency_s.total, other.latency_s.total);
            prop_assert!(best_s <= other_s * (1.0 + 1e-5), "{best_s} with the best split, {other_s} with {part}/40 up");
        }
    }
}

#[test]
fn the_sequential_split_follows_the_square_roots_of_the_bytes() {
    for (up, down, share) in
        [(1.0, 1.0, 0.5), (1.0, 4.0, 1.0 / 3.0), (9.0, 1.0, 0.75), (0.0, 0.0, 0.5), (1.0, 0.0, 0.999)]
    {
        assert!((Link::sequential_up_share(up, down) - share).abs() < 1e-12, "{up} {down}");
    }
}

/// One option, by name.
type Turn = (&'static str, fn(&mut Platform));

#[test]
fn every_mapping_option_changes_the_result() {
    let program = chain(&[16, 32, 16], "delphi");
    let base = platform();
    let before = simulate(&program, &base).unwrap().latency_s;
    let turns: [Turn; 8] = [
        ("overlap", |platform| platform.mapping.overlap = true),
        ("he_parallel", |platform| {
            platform.mapping.he_parallel = HeParallel::Layer;
            platform.mapping.server.he = Some(3);
        }),
        ("server.he", |platform| platform.mapping.server.he = Some(2)),
        ("server.gc", |platform| platform.mapping.server.gc = Some(2)),
        ("server.other", |platform| platform.mapping.server.other = None),
        ("client.he", |platform| platform.mapping.client.he = Some(4)),
        ("client.gc", |platform| platform.mapping.client.gc = Some(1)),
        ("split", |platform| platform.link.set_total(6e8, UpShare::Optimal)),
    ];
    for (name, turn) in turns {
        let mut platform = base.clone();
        turn(&mut platform);
        assert_ne!(simulate(&program, &platform).unwrap().latency_s, before, "{name}");
    }
}

#[test]
fn library_costs_are_charged_for_slots_and_not_for_coefficients() {
    let dearer = |protocol: &str| {
        let program = if protocol == "ring-gc" { small_program(16, 8) } else { chain(&[16], protocol) };
        let mut platform = platform();
        let before = simulate(&program, &platform).unwrap().latency_s.offline;
        let library = platform.server.cpu.costs.he_library.as_mut().unwrap();
        library.plain_mul_coefficient_s *= 2.0;
        simulate(&program, &platform).unwrap().latency_s.offline / before
    };
    assert_eq!(dearer("ring-gc"), 1.0);
    assert!(dearer("delphi") > 1.1);
}

#[test]
fn nothing_changes_on_platforms_without_a_mapping() {
    // The defaults are today's results: all cores for every step, units in parallel.
    let program = small_program(16, 8);
    let platform = Platform::builtin("cpu-lan").unwrap();
    let mut explicit = platform.clone();
    for threads in [&mut explicit.mapping.client, &mut explicit.mapping.server] {
        (threads.he, threads.gc, threads.other) = (Some(2), Some(2), Some(2));
    }
    assert_eq!(simulate(&program, &platform).unwrap(), simulate(&program, &explicit).unwrap());
}

/// `haac-hbm2` whose HE engine multiplies on the cells of the MAC array.
fn shared_multipliers() -> Platform {
    let text = Platform::builtin_text("haac-hbm2").unwrap();
    let own = text.lines().find(|line| line.starts_with("modmul_lanes")).unwrap();
    let text = text.replacen(own, "products_on_mac_array = true", 1);
    Platform::from_source(&Source::new("haac-hbm2", text)).unwrap()
}

#[test]
fn a_mac_array_that_multiplies_for_the_he_engine_is_one_unit_with_it() {
    let program = chain(&[8, 8], "ring-gc");
    let own = simulate(&program, &Platform::builtin("haac-hbm2").unwrap()).unwrap();
    let shared = simulate(&program, &shared_multipliers()).unwrap();
    let busy =
        |result: &Simulation, name: &str| result.units.iter().find(|unit| unit.name == name).map(|unit| unit.busy_s);
    assert!(busy(&own, "server.mac-array").is_some() && busy(&shared, "server.mac-array").is_none());
    // Layers on shares take the same time, now on the HE engine.
    let [of_own, of_shared] = [&own, &shared].map(|result| span(result, "ring-linear")[1]);
    assert!(of_own > 0.0 && (of_shared / of_own - 1.0).abs() < 1e-9, "{of_own} {of_shared}");
    let engine = busy(&shared, "server.he-engine").unwrap();
    assert!(engine >= busy(&own, "server.mac-array").unwrap());
    // Two jobs never run there at once.
    let mut on_engine: Vec<_> = shared.timeline.iter().filter(|interval| interval.unit == "server.he-engine").collect();
    on_engine.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
    assert!(on_engine.windows(2).all(|pair| pair[0].end_s <= pair[1].start_s + ROUNDING));
}

#[test]
fn prime_shares_cost_a_mac_array_more_than_ring_shares_of_their_width() {
    let platform = Platform::builtin("haac-hbm2").unwrap();
    let cycles = |protocol| {
        let result = simulate(&chain(&[64, 64], protocol), &platform).unwrap();
        result.units.iter().find(|unit| unit.name == "server.mac-array").unwrap().cycles
    };
    // 41 bits take four passes of 32-bit cells, 32 bits one.
    assert!(cycles("delphi") > 3 * cycles("ring-gc"));
}

#[test]
fn cores_that_copy_messages_on_one_machine_draw_their_power() {
    let mut platform = Platform::builtin("epyc7502-pair").unwrap();
    assert!(platform.colocated);
    platform.link.energy_per_bit_j = 0.0;
    let program = small_program(8, 16);
    for watts in [0.0, 7.0] {
        (platform.client.cpu.active_power_w, platform.server.cpu.active_power_w) = (watts, watts);
        (platform.client.cpu.costs.kept_byte_s, platform.server.cpu.costs.kept_byte_s) = (0.0, 0.0);
        let result = simulate(&program, &platform).unwrap();
        let of_link = result.bounds.iter().filter(|bound| bound.name.starts_with("link."));
        let copying_s: f64 = of_link.map(|bound| bound.seconds.total).sum();
        // One core copies a message out, another one in.
        let (found, expected) = (result.energy_j.by_unit["link"], 2.0 * copying_s * watts);
        assert!(copying_s > 0.0 && (found - expected).abs() <= 1e-9 * expected, "{found} {expected}");
    }
}
