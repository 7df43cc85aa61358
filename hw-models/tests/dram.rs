//! Off-chip memory: what every run of the reference obeys, whatever the device, the mapping and the pattern.
#![allow(clippy::unwrap_used, reason = "tests may fail")]

mod dram_rules;

use dram_rules::broken_rule;
use pisim_hw_models::dram::{AddressMapping, DEVICES, Device, DramSystem, Interleave, Pattern};
use proptest::prelude::*;

fn mappings() -> impl Strategy<Value = AddressMapping> {
    prop_oneof![Just(AddressMapping::Column), Just(AddressMapping::BankGroup)]
}

fn interleaves() -> impl Strategy<Value = Interleave> {
    prop_oneof![Just(Interleave::Line), Just(Interleave::Kibibyte)]
}

prop_compose! {
    fn systems()(
        device in 0..DEVICES.len(), mapping in mappings(), interleave in interleaves(), channels in 1..5_u64, ranks in 1..4_u64,
    ) -> DramSystem {
        DramSystem { device: DEVICES[device], channels, ranks, mapping, interleave }
    }
}

fn patterns() -> impl Strategy<Value = Pattern> {
    prop_oneof![
        prop::sample::select(Pattern::STANDARD.to_vec()),
        (1..64_u64).prop_map(|lines| Pattern::Block(64 * lines)),
        (1..64_u64).prop_map(|lines| Pattern::CopyBlock(64 * lines)),
        (1..64_u64).prop_map(|lines| Pattern::TriadBlock(64 * lines)),
        (1..64_u64).prop_map(|lines| Pattern::Tile(64 * lines)),
        (1..40_u64).prop_map(Pattern::Streams),
        (1..4_096_u64).prop_map(|lines| Pattern::Stride(64 * lines)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_command_obeys_every_timing_of_the_device(system in systems(), pattern in patterns()) {
        let (run, traces) = system.trace(pattern, 3_000);
        for trace in &traces {
            let broken = broken_rule(system.device, trace);
            prop_assert!(broken.is_none(), "{} {pattern}: {}", system.device.name, broken.unwrap());
        }
        let commands = run.counts.reads + run.counts.writes;
        prop_assert_eq!(commands, 3_000 * system.device.bursts_per_line());
        prop_assert_eq!(traces.len() as u64, system.channels);
    }

    #[test]
    fn no_pattern_beats_the_bus_less_refresh(system in systems(), pattern in patterns()) {
        let run = system.run(pattern, 4_000);
        let timing = system.device.timing;
        // A rank rests for tRFC in every tREFI; with several ranks another one may work meanwhile. The first interval has no
        // refresh yet.
        let rests = if system.ranks == 1 { (run.clocks / timing.refi).saturating_sub(1) * timing.rfc } else { 0 };
        let limit = 1.0 - rests as f64 / run.clocks as f64;
        prop_assert!(run.efficiency <= limit, "{} {pattern}: {} of {limit}", system.device.name, run.efficiency);
        prop_assert!(run.bandwidth_bytes_per_s <= system.peak_bytes_per_s());
        prop_assert_eq!(&system.run(pattern, 4_000), &run);
    }

    #[test]
    fn a_rank_is_refreshed_as_often_as_it_must(system in systems(), pattern in patterns()) {
        let (run, traces) = system.trace(pattern, 3_000);
        let last = traces.iter().filter_map(|trace| Some(trace.last()?.clock)).min().unwrap_or_default();
        let due = last / system.device.timing.refi * system.ranks * system.channels;
        // One of each rank may be waiting when the run ends.
        prop_assert!(run.counts.refreshes + system.ranks * system.channels >= due, "{} of {due}", run.counts.refreshes);
    }
}

#[test]
fn more_channels_never_slow_a_stream_down_and_more_ranks_only_by_their_refreshes() {
    for device in DEVICES {
        for mapping in [AddressMapping::Column, AddressMapping::BankGroup] {
            for interleave in [Interleave::Line, Interleave::Kibibyte] {
                let seconds = |channels, ranks| {
                    let system = DramSystem { device, channels, ranks, mapping, interleave };
                    1.0 / system.run(Pattern::SeqRead, 40_000).bandwidth_bytes_per_s
                };
                let one = seconds(1, 1);
                let [two, four, ranks] = [seconds(2, 1), seconds(4, 1), seconds(1, 2)];
                assert!(two < one && four < two, "{} {mapping:?} {interleave:?}", device.name);
                // Ranks are refreshed in turn: a stream that passes from one to the next meets both ranks' refreshes.
                let timing = device.timing;
                let rests = (timing.rfc + timing.rtp + timing.rp + timing.rcd) as f64 / timing.refi as f64;
                assert!(ranks < one * (1.02 + rests), "{} {mapping:?}: {ranks:e} against {one:e}", device.name);
            }
        }
    }
}

#[test]
fn two_ranks_double_the_activates_that_random_reads_are_bound_by() {
    for (device, at_least) in [("ddr4-3200", 1.7), ("hbm2", 1.8)] {
        let one = DramSystem::named(device, AddressMapping::BankGroup).unwrap();
        let two = DramSystem { ranks: 2, ..one.clone() };
        let gain = two.run(Pattern::RandomRead, 30_000).efficiency / one.run(Pattern::RandomRead, 30_000).efficiency;
        assert!((at_least..=2.05).contains(&gain), "{device}: {gain}");
    }
}

#[test]
fn an_unloaded_read_takes_precharge_activate_column_and_burst() {
    for device in DEVICES {
        let Device { timing, clock_hz, .. } = *device;
        let bursts = (device.bursts_per_line() - 1) * timing.ccd_l + device.burst_clocks();
        // Most rows conflict; the controller takes two clocks; a refresh stands in the way of a few.
        let conflict = (2 + timing.rp + timing.rcd + timing.cl + bursts) as f64 / clock_hz;
        let latency_s = device.latency_s(20_000);
        assert!((latency_s / conflict - 1.0).abs() < 0.06, "{}: {latency_s:e} against {conflict:e}", device.name);
        let expected_s = device.expected_latency_s();
        assert!((expected_s / latency_s - 1.0).abs() < 0.02, "{}: {expected_s:e} against {latency_s:e}", device.name);
    }
}

#[test]
fn the_peak_is_the_published_one() {
    let peaks = [
        ("ddr4-2400", 19.2e9),
        ("ddr4-3200", 25.6e9),
        ("ddr4-4400", 35.2e9),
        ("hbm2", 32e9),
        ("hbm2-pseudo", 14.375e9),
        ("hbm2e", 25.6e9),
        ("lpddr4", 6.4e9),
    ];
    assert_eq!(peaks.len(), DEVICES.len());
    for (name, published) in peaks {
        let peak = Device::named(name).unwrap().peak_bytes_per_s();
        assert!((peak / published - 1.0).abs() < 0.002, "{name}: {peak:e}");
    }
}

#[test]
fn devices_are_consistent_and_near_misses_are_named() {
    for device in DEVICES {
        let timing = device.timing;
        assert!(
            device.bursts_per_line() >= 1 && device.burst_bytes() * device.bursts_per_line() == 64,
            "{}",
            device.name
        );
        assert!(timing.ccd_l >= timing.ccd_s && timing.rrd_l >= timing.rrd_s && timing.wtr_l >= timing.wtr_s);
        assert!(timing.faw >= 3 * timing.rrd_s && timing.ras >= timing.rcd && timing.refi > 8 * timing.rfc);
        assert!(device.activate_j() > 0.0 && !device.source.is_empty());
    }
    let error = Device::named("ddr4-3201").unwrap_err().to_string();
    assert!(error.starts_with("unknown memory device `ddr4-3201`; expected one of ddr4-2400, "), "{error}");
    assert!(error.ends_with("did you mean `ddr4-3200`?"), "{error}");
}
