//! The closed form for many instances of one circuit against the detailed engine.
#![allow(clippy::unwrap_used, reason = "tests may fail")]

mod common;

use common::{circuit, haac};
use pisim_hw_models::gc::{MemoryPort, Netlist, Order, Profile, Role, Tables};
use pisim_hw_models::{Cost, GcEngine, GcWork, LABEL_BYTES, TABLE_BYTES};
use proptest::prelude::*;

/// `instances` of a circuit as work.
fn work(netlist: &Netlist, instances: u64) -> GcWork {
    let counts = netlist.counts();
    let and_depth = u64::from(netlist.and_depth());
    GcWork {
        and_gates: counts.and * instances,
        xor_gates: counts.xor * instances,
        and_depth,
        xor_depth: netlist.levels().into_iter().max().map_or(0, u64::from) - and_depth,
        instances,
        table_bytes: counts.and * instances * TABLE_BYTES,
        label_bytes: u64::from(netlist.inputs) * instances * LABEL_BYTES,
        wires_per_instance: netlist.wires(),
        profile: Profile::of(netlist),
    }
}

fn closed(engine: &GcEngine, work: &GcWork, role: Role) -> Cost {
    match role {
        Role::Garble => engine.garble(work),
        Role::Evaluate => engine.evaluate(work),
    }
}

fn netlist() -> impl Strategy<Value = Netlist> {
    (any::<u64>(), 1u32..60, 1u32..600, 0u64..97, 1u64..200)
        .prop_map(|(seed, inputs, gates, ands, reach)| circuit(seed, inputs, gates, ands, reach))
}

/// Engines with at least as many banks, any order, and windows of several instances per engine.
fn engine() -> impl Strategy<Value = GcEngine> {
    let order = prop_oneof![Just(Order::Full), Just(Order::Segment), Just(Order::Baseline)];
    (1u64..24, 1u64..40, 1u64..6, order, any::<[bool; 3]>()).prop_map(
        |(engines, and, xor, order, [rename, esw, three])| GcEngine {
            garble_latency: and + 3,
            evaluate_latency: and,
            xor_latency: xor.min(and),
            wire_banks: 64,
            order,
            rename,
            esw,
            tables: if three { Tables::ThreeHalves } else { Tables::HalfGates },
            ..haac(engines)
        },
    )
}

/// An engine whose window holds `per_engine` instances for each of its engines.
fn with_wave(engine: GcEngine, netlist: &Netlist, per_engine: f64) -> (GcEngine, u64) {
    let wave = ((engine.engines as f64 * per_engine) as u64).max(1);
    (GcEngine { wire_memory_bytes: wave * netlist.wires() * LABEL_BYTES, ..engine }, wave)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(200), ..ProptestConfig::default() })]

    #[test]
    fn the_closed_form_is_within_2_per_cent_of_the_detailed_engine(
        engine in engine(), netlist in netlist(), per_engine in 4.0..40.0f64, waves in 1.0..6.0f64, garble in any::<bool>(),
    ) {
        let role = if garble { Role::Garble } else { Role::Evaluate };
        let (engine, wave) = with_wave(engine, &netlist, per_engine);
        let instances = (wave as f64 * waves) as u64;
        let program = engine.compile_instances(&netlist, instances).unwrap();
        let detailed = engine.run(&program, role, MemoryPort::UNBOUNDED).unwrap();
        let cost = closed(&engine, &work(&netlist, instances), role);
        let error = cost.cycles as f64 / detailed.cycles as f64 - 1.0;
        // Small programs are a few cycles of rounding.
        let rounding = 3.0 / detailed.cycles as f64;
        prop_assert!(error.abs() <= 0.02 + rounding, "{error:.4}: {} of {detailed:?}", cost.cycles);
        // Bytes and energy are the same.
        let streamed = detailed.traffic.total();
        prop_assert!(cost.memory_bytes.abs_diff(streamed) <= 2, "{} of {:?}", cost.memory_bytes, detailed.traffic);
        prop_assert!((cost.energy_j / detailed.energy_j - 1.0).abs() < 1e-9);
    }

    /// Queues that memory's latency empties: each of their turns costs one, whatever the bandwidth.
    #[test]
    fn small_queues_deliver_what_they_hold_in_each_latency(
        engine in engine(), netlist in netlist(), per_engine in 4.0..20.0f64, places in 8u64..64, latency in 200.0..2_000.0f64,
        tables in any::<bool>(),
    ) {
        let (engine, wave) = with_wave(engine, &netlist, per_engine);
        let (instances, large) = (3 * wave, 1 << 40);
        let own = if tables { engine.tables.bits() } else { engine.instruction_bits };
        let small = (places * own).div_ceil(8);
        let (instruction_queue, table_queue_bytes) = if tables { (large, small) } else { (small, large) };
        let queue_memory_bytes = instruction_queue + table_queue_bytes + engine.wire_queue_bytes;
        let engine = GcEngine { table_queue_bytes, queue_memory_bytes, ..engine };
        let port = MemoryPort { latency_cycles: latency, ..MemoryPort::UNBOUNDED };
        let program = engine.compile_instances(&netlist, instances).unwrap();
        let detailed = engine.run(&program, Role::Evaluate, port).unwrap();
        let cost = engine.cost_at(&work(&netlist, instances), Role::Evaluate, latency / engine.clock_hz);
        let computing = engine.evaluate(&work(&netlist, instances)).cycles;
        // Entries that are wanted in bursts leave the queue full in between, so that both times add up in the worst case.
        let (least, most) = (cost.cycles as f64 * 0.97 - 30.0, (cost.cycles + computing) as f64 * 1.03 + 30.0);
        let found = detailed.cycles as f64;
        prop_assert!((least..=most).contains(&found), "{} and {computing}: {detailed:?}", cost.cycles);
    }

    /// With queues that cover memory's latency: where memory binds, its bytes take their time; where it does not, it costs none. In between, queues even out what a circuit's
    /// tables need at one time and not at another, as far as they reach.
    #[test]
    fn a_memory_far_from_the_knee_changes_nothing_but_the_bound(
        engine in engine(), netlist in netlist(), per_engine in 4.0..20.0f64, share in prop_oneof![0.05..0.5f64, 3.0..20.0f64],
    ) {
        // What leaves the window waits for memory's latency, which the closed form does not know.
        let (engine, wave) = with_wave(GcEngine { rename: true, ..engine }, &netlist, per_engine);
        let instances = 4 * wave;
        let cost = engine.evaluate(&work(&netlist, instances));
        let port = MemoryPort { bytes_per_cycle: cost.memory_bytes as f64 / cost.cycles as f64 * share, latency_cycles: 10.0 };
        let program = engine.compile_instances(&netlist, instances).unwrap();
        let detailed = engine.run(&program, Role::Evaluate, port).unwrap();
        let seconds = cost.seconds_at(port.bytes_per_cycle * engine.clock_hz);
        // The first wave's inputs are on chip before the engines start, and the end of the stream waits for its latency.
        let start = (wave * u64::from(netlist.inputs) * LABEL_BYTES) as f64 / port.bytes_per_cycle;
        let slack = 0.03 + (start + 2.0 * 10.0 + 3.0) / detailed.cycles as f64;
        let error = seconds / detailed.seconds - 1.0;
        prop_assert!(error.abs() <= slack, "{error:.4} with {share}: {detailed:?}");
    }
}

#[test]
fn every_option_of_the_compiler_and_of_the_tables_changes_the_closed_form() {
    let netlist = circuit(7, 30, 400, 30, 40);
    let engine = GcEngine { wire_memory_bytes: 48 * netlist.wires() * LABEL_BYTES, ..haac(16) };
    let work = work(&netlist, 480);
    let base = engine.garble(&work);
    for other in [
        engine.with_order(Order::Baseline),
        GcEngine { rename: false, ..engine.clone() },
        GcEngine { esw: false, ..engine.clone() },
        GcEngine { tables: Tables::ThreeHalves, ..engine.clone() },
        GcEngine { wire_banks: 8, ..engine.clone() },
        GcEngine { xor_latency: 900, ..engine.clone() },
    ] {
        assert_ne!(other.garble(&work), base, "{other:?}");
    }
    assert_ne!(engine.evaluate(&work), base);
}
