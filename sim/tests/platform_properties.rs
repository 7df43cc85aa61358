//! What must hold for real programs when the hardware changes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod common;

use common::{parties, platforms, small_program, wide, with_steps};
use pisim_hw_models::{CpuCosts, Platform, Storage};
use pisim_protocol::{Program, Step, Work};
use pisim_sim::simulate;
use proptest::prelude::*;
use std::sync::OnceLock;

/// What more memory bandwidth, or anything else while memories are shared, may cost a phase. The proven bound is a factor
/// of three (see the engine); in 20,000 cases of this file nothing above rounding was seen.
const SHARING_TOLERANCE: f64 = 1e-3;

const ROUNDING: f64 = 1e-12;

fn programs() -> &'static [Program] {
    static PROGRAMS: OnceLock<Vec<Program>> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        vec![small_program(2, 4), small_program(16, 8), small_program(64, 16), common::program("minionn")]
    })
}

fn phases(program: &Program, platform: &Platform) -> [f64; 3] {
    simulate(program, platform).unwrap().latency_s.phases()
}

/// A built-in platform with its speeds scaled, each by its own factor.
fn scaled(base: &Platform, factors: &[f64; 8], whole: u64) -> Platform {
    let mut platform = base.clone();
    platform.link.up_bits_per_s *= factors[0];
    platform.link.down_bits_per_s *= factors[1];
    platform.link.round_trip_s /= factors[2];
    for (party, (cpu, memory)) in
        parties(&mut platform).into_iter().zip([(factors[3], factors[4]), (factors[5], factors[6])])
    {
        party.cpu.costs = cheaper(party.cpu.costs, cpu);
        party.cpu.cores *= whole;
        party.memory.channel_bytes_per_s *= memory;
        party.memory.latency_s /= factors[7];
        if let Some(engine) = &mut party.gc_engine {
            engine.engines *= whole;
            engine.clock_hz *= factors[7];
        }
        if let Some(engine) = &mut party.he_engine {
            engine.ntt_units *= whole;
            engine.modmul_lanes *= whole;
        }
        if let Some(array) = &mut party.mac_array {
            array.clock_hz *= factors[7];
        }
    }
    platform
}

fn cheaper(costs: CpuCosts, factor: f64) -> CpuCosts {
    CpuCosts {
        garble_and_s: costs.garble_and_s / factor,
        evaluate_and_s: costs.evaluate_and_s / factor,
        extended_ot_s: costs.extended_ot_s / factor,
        ntt_butterfly_s: costs.ntt_butterfly_s / factor,
        mod_mul_s: costs.mod_mul_s / factor,
        ring_mac_s: costs.ring_mac_s / factor,
        ..costs
    }
}

fn halved(work: &Work) -> Work {
    Work {
        and_gates: work.and_gates / 2,
        xor_gates: work.xor_gates / 2,
        hash_calls: work.and_gates / 2 * (work.hash_calls.checked_div(work.and_gates).unwrap_or(0)),
        labels: work.labels / 2,
        base_ots: work.base_ots / 2,
        extended_ots: work.extended_ots / 2,
        ntts: work.ntts / 2,
        mod_muls: work.mod_muls / 2,
        he_plain_muls: work.he_plain_muls / 2,
        he_rotations: work.he_rotations / 2,
        sampled_coefficients: work.sampled_coefficients / 2,
        key_switches: work.key_switches / 2,
        encryptions: work.encryptions / 2,
        decryptions: work.decryptions / 2,
        ring_macs: work.ring_macs / 2,
        ring_adds: work.ring_adds / 2,
        moved_shares: work.moved_shares / 2,
        bytes_up: work.bytes_up / 2,
        bytes_down: work.bytes_down / 2,
        stored_client_bytes: work.stored_client_bytes / 2,
        stored_server_bytes: work.stored_server_bytes / 2,
    }
}

prop_compose! {
    fn point()(
        program in 0..4_usize,
        platform in prop::sample::select(platforms()),
        slow in prop::array::uniform8(0.1..1.0),
        unlimited in any::<bool>(),
    ) -> (&'static Program, Platform, bool) {
        let mut platform = scaled(&platform, &slow, 1);
        if unlimited {
            for party in parties(&mut platform) {
                party.memory = wide(&party.memory);
            }
        }
        (&programs()[program], platform, unlimited)
    }
}

/// The server's processor and memory for each party, and the same machine once for both.
fn apart_and_together(platform: &Platform, cores: u64) -> (Platform, Platform) {
    let mut machine = platform.server.clone();
    (machine.gc_engine, machine.he_engine, machine.mac_array, machine.storage) = (None, None, None, None);
    machine.fabric = None;
    machine.cpu.cores = cores;
    let apart = Platform { client: machine.clone(), server: machine, ..platform.clone() };
    let together = Platform { colocated: true, ..apart.clone() };
    (apart, together)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn more_hardware_is_never_slower(
        (program, platform, unlimited) in point(),
        factors in prop::array::uniform8(1.0..8.0),
        whole in 1..5_u64,
    ) {
        let (before, after) = (phases(program, &platform), phases(program, &scaled(&platform, &factors, whole)));
        let tolerance = if unlimited { ROUNDING } else { SHARING_TOLERANCE };
        for (before, after) in before.into_iter().zip(after) {
            prop_assert!(after <= before * (1.0 + tolerance), "{after} above {before}");
        }
    }

    #[test]
    fn parties_on_one_machine_are_never_faster_than_on_two_like_it(
        (program, platform, unlimited) in point(),
        cores in 1..6_u64,
    ) {
        let (apart, together) = apart_and_together(&platform, cores);
        let (apart, together) = (simulate(program, &apart).unwrap(), simulate(program, &together).unwrap());
        let tolerance = if unlimited { 1e-9 } else { SHARING_TOLERANCE };
        for (apart, together) in apart.latency_s.phases().into_iter().zip(together.latency_s.phases()) {
            prop_assert!(together * (1.0 + tolerance) >= apart, "{together} below {apart}");
        }
        // No more cores are busy than there are, and all that either machine did is still done.
        let cores_s = together.units.iter().find(|unit| unit.name == "machine.cores").unwrap().busy_s;
        prop_assert!(cores_s <= together.latency_s.total * (1.0 + 1e-9));
        for bound in &together.bounds {
            for (bound_s, seconds) in bound.seconds.phases().into_iter().zip(together.latency_s.phases()) {
                prop_assert!(bound_s <= seconds * (1.0 + 1e-9), "{} {bound_s} above {seconds}", bound.name);
            }
        }
        let parts: f64 = together.energy_j.by_unit.values().sum();
        prop_assert!((parts - together.energy_j.phases.total).abs() <= 1e-9 * parts);
        prop_assert!(together.energy_j.by_unit.contains_key("machine.static"));
    }

    #[test]
    fn half_the_work_is_never_slower((program, platform, unlimited) in point(), halve in prop::collection::vec(any::<bool>(), 200)) {
        let less = |(position, step): (usize, &Step)| match halve[position % halve.len()] {
            true => Step { work: halved(&step.work), ..step.clone() },
            false => step.clone(),
        };
        let lighter = with_steps(program, program.steps.iter().enumerate().map(less).collect());
        let tolerance = if unlimited { ROUNDING } else { SHARING_TOLERANCE };
        for (before, after) in phases(program, &platform).into_iter().zip(phases(&lighter, &platform)) {
            prop_assert!(after <= before * (1.0 + tolerance), "{after} above {before}");
        }
    }

    #[test]
    fn a_simulation_keeps_its_invariants((program, platform, _) in point()) {
        let result = simulate(program, &platform).unwrap();
        let (latency, energy) = (&result.latency_s, &result.energy_j);
        for bound in &result.bounds {
            for (bound_s, seconds) in bound.seconds.phases().into_iter().zip(latency.phases()) {
                prop_assert!(bound_s <= seconds * (1.0 + 1e-9), "{} {bound_s} above {seconds}", bound.name);
            }
        }
        let parts: f64 = energy.by_unit.values().sum();
        prop_assert!((parts - energy.phases.total).abs() <= 1e-9 * parts);
        prop_assert!(result.units.iter().all(|unit| unit.busy_s <= latency.total * (1.0 + 1e-9)));
        prop_assert!(result.timeline.iter().all(|interval| interval.end_s <= latency.total * (1.0 + 1e-9)));
        let client_w = if platform.colocated { 0.0 } else { platform.client.static_power_w };
        let least_j = (client_w + platform.server.static_power_w) * latency.total;
        prop_assert!(energy.phases.total >= least_j);
    }
}

/// One quantity of a platform, by name.
type Knob = (&'static str, fn(&mut Platform));

/// The quantities that a program of the default protocol depends on. Area and board budgets are the hardware models' own.
const KNOBS: &[Knob] = &[
    ("link.up", |platform| platform.link.up_bits_per_s *= 2.0),
    ("link.down", |platform| platform.link.down_bits_per_s *= 2.0),
    ("link.round_trip", |platform| platform.link.round_trip_s *= 2.0),
    ("link.energy", |platform| platform.link.energy_per_bit_j *= 2.0),
    ("link.message_overhead", |platform| platform.link.message_overhead_bytes += 1000),
    ("client.static_power", |platform| platform.client.static_power_w *= 2.0),
    ("server.static_power", |platform| platform.server.static_power_w *= 2.0),
    ("client.cores", |platform| platform.client.cpu.cores += 1),
    ("client.clock", |platform| platform.client.cpu.clock_hz *= 2.0),
    ("client.active_power", |platform| platform.client.cpu.active_power_w *= 2.0),
    ("evaluate_and", |platform| platform.client.cpu.costs.evaluate_and_s *= 2.0),
    ("xor_gate", |platform| platform.client.cpu.costs.xor_gate_s *= 2.0),
    ("label", |platform| platform.client.cpu.costs.label_s *= 2.0),
    ("base_ot", |platform| platform.client.cpu.costs.base_ot_s *= 2.0),
    ("extended_ot", |platform| platform.client.cpu.costs.extended_ot_s *= 2.0),
    ("ntt_butterfly", |platform| platform.client.cpu.costs.ntt_butterfly_s *= 2.0),
    ("mod_mul", |platform| platform.client.cpu.costs.mod_mul_s *= 2.0),
    ("encrypt_coefficient", |platform| platform.client.cpu.costs.encrypt_coefficient_s *= 2.0),
    ("decrypt_coefficient", |platform| platform.client.cpu.costs.decrypt_coefficient_s *= 2.0),
    ("ring_add", |platform| platform.client.cpu.costs.ring_add_s *= 2.0),
    ("ring_sample", |platform| platform.client.cpu.costs.ring_sample_s += 1e-9),
    ("he_sample", |platform| platform.client.cpu.costs.he_sample_s += 1e-9),
    ("he_byte", |platform| platform.client.cpu.costs.he_byte_s += 1e-9),
    ("kept_byte", |platform| platform.client.cpu.costs.kept_byte_s += 1e-9),
    ("memory.channels", |platform| platform.server.memory.channels += 1),
    ("memory.bandwidth", |platform| platform.server.memory.channel_bytes_per_s *= 2.0),
    ("memory.efficiency", |platform| platform.server.memory.streaming_efficiency *= 0.5),
    ("memory.latency", |platform| platform.server.memory.latency_s *= 2.0),
    ("memory.energy", |platform| platform.server.memory.energy_per_bit_j *= 2.0),
    ("gc.engines", |platform| platform.server.gc_engine.as_mut().unwrap().engines = 1),
    ("gc.clock", |platform| platform.server.gc_engine.as_mut().unwrap().clock_hz /= 2.0),
    ("gc.garble_latency", |platform| platform.server.gc_engine.as_mut().unwrap().garble_latency += 100),
    ("gc.wire_memory", |platform| platform.server.gc_engine.as_mut().unwrap().wire_memory_bytes /= 64),
    ("gc.instruction_bits", |platform| platform.server.gc_engine.as_mut().unwrap().instruction_bits += 8),
    ("gc.ot_cycles", |platform| platform.server.gc_engine.as_mut().unwrap().ot_cycles = Some(64)),
    ("he.ntt_units", |platform| platform.server.he_engine.as_mut().unwrap().ntt_units = 1),
    ("he.butterflies", |platform| platform.server.he_engine.as_mut().unwrap().butterflies = 1),
    ("he.word_bits", |platform| platform.server.he_engine.as_mut().unwrap().word_bits = 16),
    ("he.scratchpad", |platform| platform.server.he_engine.as_mut().unwrap().scratchpad_bytes = 1 << 12),
    ("mac.rows", |platform| platform.server.mac_array.as_mut().unwrap().rows = 2),
    ("mac.buffer", |platform| platform.server.mac_array.as_mut().unwrap().buffer_bytes = 1 << 10),
    ("storage", |platform| platform.client.storage = Some(STORAGE)),
    ("storage.read", |platform| platform.server.storage = Some(Storage { read_bytes_per_s: 1e3, ..STORAGE })),
];

const STORAGE: Storage = Storage { read_bytes_per_s: 1e6, write_bytes_per_s: 1e6, energy_per_bit_j: 1e-9 };

#[test]
fn on_one_machine_with_one_core_nothing_overlaps() {
    let program = small_program(16, 8);
    let (_, mut together) = apart_and_together(&Platform::builtin("cpu-lan").unwrap(), 1);
    together.client.memory = wide(&together.client.memory);
    together.server.memory = wide(&together.server.memory);
    together.link.round_trip_s = 0.0;
    let result = simulate(&program, &together).unwrap();
    let cores = result.bounds.iter().find(|bound| bound.name == "machine.cores").unwrap();
    for (busy_s, latency_s) in cores.seconds.phases().into_iter().zip(result.latency_s.phases()) {
        assert!((busy_s - latency_s).abs() <= 1e-9 * latency_s, "{busy_s} of {latency_s}");
    }
}

#[test]
fn gathering_costs_time_in_a_convolution_on_shares() {
    let program = small_program(16, 8);
    let mut platform = Platform::builtin("cpu-lan").unwrap();
    platform.server.memory = wide(&platform.server.memory);
    let before = phases(&program, &platform)[2];
    platform.server.cpu.costs.ring_gather_s = 1e-9;
    let gathered = phases(&program, &platform)[2];
    // 3·9 taps for 64 pixels, and 16·64 for one; both layers have two groups of eight output channels for the cores.
    assert!((gathered - before - 0.5 * (27.0 * 64.0 + 1024.0) * 1e-9).abs() < 1e-12);
}

#[test]
fn every_quantity_of_a_platform_changes_the_result() {
    let program = small_program(64, 16);
    let base = Platform::builtin("haac-hbm2").unwrap();
    let before = simulate(&program, &base).unwrap();
    for (name, turn) in KNOBS {
        let mut platform = base.clone();
        turn(&mut platform);
        assert_ne!(platform, base, "{name}");
        let after = simulate(&program, &platform).unwrap();
        let same =
            (&after.latency_s, &after.energy_j, &after.units) == (&before.latency_s, &before.energy_j, &before.units);
        assert!(!same, "{name} has no effect");
    }
}
