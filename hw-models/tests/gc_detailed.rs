//! The detailed garbled-circuit engine: bounds, accounts, and programs worked out by hand.

mod common;

use common::{DDR4, HBM2, Random, circuit, detailed, haac};
use pisim_hw_models::GcEngine;
use pisim_hw_models::gc::{Gate, GcError, MemoryPort, Netlist, Op, Order, Role, Tables};
use proptest::prelude::*;

/// Cycles before the first gate.
const START: u64 = 6;

const FREE: MemoryPort = MemoryPort::UNBOUNDED;

fn chain(op: Op, length: u32) -> Netlist {
    let gates = (0..length).map(|i| Gate { op, a: if i == 0 { 0 } else { i + 1 }, b: 1 }).collect();
    Netlist { inputs: 2, gates, outputs: vec![length + 1], ..Netlist::default() }
}

fn independent(op: Op, gates: u32) -> Netlist {
    Netlist {
        inputs: 64,
        gates: (0..gates).map(|i| Gate { op, a: i % 64, b: (i + 1) % 64 }).collect(),
        ..Netlist::default()
    }
}

#[test]
fn a_chain_takes_its_latencies_and_the_start() {
    for (op, role, latency) in [
        (Op::And, Role::Garble, 20),
        (Op::And, Role::Evaluate, 17),
        (Op::Xor, Role::Garble, 3),
        (Op::Inv, Role::Evaluate, 2),
    ] {
        let result = detailed(&haac(16), &chain(op, 100), role, FREE).unwrap();
        assert_eq!(result.cycles, START + 100 * latency, "{op:?} {role:?}");
    }
}

#[test]
fn independent_gates_keep_every_engine_busy() {
    for engines in [1, 3, 16] {
        let result = detailed(&haac(engines), &independent(Op::Xor, 4_800), Role::Garble, FREE).unwrap();
        assert_eq!(result.cycles, START + 4_800 / engines + 2);
        assert_eq!(result.engine_cycles.issue, 4_800);
        assert_eq!(result.engine_cycles.dependence + result.engine_cycles.memory, 0);
    }
}

#[test]
fn one_bank_serves_two_reads_a_cycle() {
    // Both operands of every gate are in bank 0, and no two gates share one.
    let gates = (0..1_000).map(|i| Gate { op: Op::Xor, a: 10 * i, b: 10 * i + 5 }).collect();
    let netlist = Netlist { inputs: 10_000, gates, ..Netlist::default() };
    let engine = GcEngine { wire_banks: 5, ..haac(2) };
    let result = detailed(&engine, &netlist, Role::Garble, FREE).unwrap();
    assert_eq!(result.cycles, START + 1_000 + 2);
    assert!(result.engine_cycles.bank > 900, "{result:?}");
    // A negation reads once, and takes a cycle less.
    let gates = (0..1_000).map(|i| Gate { op: Op::Inv, a: 5 * i, b: 0 }).collect();
    let result = detailed(&engine, &Netlist { gates, ..netlist.clone() }, Role::Garble, FREE).unwrap();
    assert_eq!(result.cycles, START + 500 + 1);
    // One label is read once for both engines.
    let gates = (0..1_000).map(|i| Gate { op: Op::Xor, a: 5 * (i / 2), b: 5_000 }).collect();
    let result = detailed(&engine, &Netlist { gates, ..netlist }, Role::Garble, FREE).unwrap();
    assert_eq!(result.cycles, START + 500 + 2);
}

#[test]
fn streams_take_their_bytes() {
    // 32,000 ANDs: 37 bits of instruction and 32 bytes of table each, at 35.2 bytes per cycle; no label moves.
    let netlist = independent(Op::And, 32_000);
    for role in [Role::Garble, Role::Evaluate] {
        let result = detailed(&haac(16), &netlist, role, DDR4).unwrap();
        let bytes = 32_000.0 * (32.0 + 37.0 / 8.0);
        assert!((result.cycles as f64 / (bytes / 35.2) - 1.0).abs() < 0.001, "{role:?} {result:?}");
        assert_eq!(result.traffic.tables, 32_000 * 32);
        assert_eq!(result.traffic.instructions, 32_000 * 37 / 8);
        assert_eq!((result.traffic.wires_read, result.traffic.wires_written), (0, 0));
    }
}

#[test]
fn a_queue_that_does_not_cover_the_latency_waits_for_it() {
    // Four instructions of 32 bits in flight, 1,000 cycles from a place to its next entry: four gates in 1,000 cycles.
    let engine = GcEngine {
        queue_memory_bytes: 16 + 64,
        table_queue_bytes: 32,
        wire_queue_bytes: 32,
        instruction_bits: 32,
        ..haac(4)
    };
    let port = MemoryPort { bytes_per_cycle: 1e9, latency_cycles: 1_000.0 };
    let result = detailed(&engine, &independent(Op::Xor, 400), Role::Garble, port).unwrap();
    assert!((99_000..=101_000).contains(&result.cycles), "{result:?}");
    // The same for the evaluator's tables, when only their queue is short.
    let engine = GcEngine { queue_memory_bytes: 64 << 10, table_queue_bytes: 4 * 32, wire_queue_bytes: 32, ..engine };
    let result = detailed(&engine, &independent(Op::And, 400), Role::Evaluate, port).unwrap();
    assert!((99_000..=101_000).contains(&result.cycles), "{result:?}");
    let garbler = detailed(&engine, &independent(Op::And, 400), Role::Garble, port).unwrap();
    assert!(garbler.cycles < 1_000, "a garbler waits for no table: {garbler:?}");
}

/// 100 gates that read inputs, then 100 that read the outputs of the first, in the same order.
fn far_and_near() -> Netlist {
    let first = (0..100).map(|i| Gate { op: Op::Xor, a: i % 2, b: 1 });
    let second = (0..100).map(|i| Gate { op: Op::Inv, a: 2 + i, b: 0 });
    Netlist { inputs: 2, gates: first.chain(second).collect(), ..Netlist::default() }
}

#[test]
fn what_leaves_the_window_and_is_read_again_is_written_once_and_fetched() {
    let labels = |window: u64| GcEngine { wire_memory_bytes: window * 16, order: Order::Baseline, ..haac(4) };
    let wide = labels(200).compile(&far_and_near()).unwrap();
    // The first gates' inputs are 101 labels back at most, and the second's operands 100.
    assert_eq!((wide.live(), wide.far_reads()), (0, 0), "two halves of 100 hold what is 100 back");
    let narrow = labels(100).compile(&far_and_near()).unwrap();
    assert_eq!(narrow.live(), 100);
    assert_eq!(narrow.far_reads(), 100 + 4, "and the last two of the first gates are in the third half");
    let traffic = labels(100).traffic(&narrow);
    assert_eq!((traffic.wires_read, traffic.wires_written), (104 * 16, 100 * 16));
    // Without the elimination of spent wires, every label is written, the inputs' too.
    let traffic = GcEngine { esw: false, ..labels(200) }.traffic(&wide);
    assert_eq!((traffic.wires_read, traffic.wires_written), (0, 202 * 16));
}

#[test]
fn outputs_are_written_back_once() {
    let netlist = Netlist { outputs: vec![2, 2, 101, 0], ..far_and_near() };
    let program = haac(4).compile(&netlist).unwrap();
    // Wires 2 and 101 are gates', wire 0 is an input.
    assert_eq!((program.live(), program.far_reads()), (2, 0));
    assert_eq!(haac(4).traffic(&haac(4).compile_instances(&netlist, 3).unwrap()).wires_written, 3 * 2 * 16);
    // With every label written, those are among them.
    let all = GcEngine { esw: false, ..haac(4) };
    assert_eq!(all.traffic(&program).wires_written, 202 * 16);
}

#[test]
fn segments_move_what_the_circuits_own_order_moves() {
    let netlist = circuit(3, 50, 20_000, 30, 900);
    let moved = |order| {
        let engine = GcEngine { wire_memory_bytes: 1_024 * 16, order, ..haac(4) };
        engine.traffic(&engine.compile(&netlist).unwrap())
    };
    let (own, segments, levels) = (moved(Order::Baseline), moved(Order::Segment), moved(Order::Full));
    assert_eq!(segments, own);
    assert!(own.wires_read > 0 && levels.wires_read > own.wires_read, "{own:?} {levels:?}");
}

#[test]
fn inputs_that_come_back_mark_no_gate_of_the_instance_before() {
    // A chain through all inputs again and again, of which the window holds a part.
    let gates = (0..200).map(|i| Gate { op: Op::Xor, a: if i == 0 { 1 } else { 63 + i }, b: i % 64 }).collect();
    let netlist = Netlist { inputs: 64, gates, outputs: vec![263], ..Netlist::default() };
    let engine = GcEngine { wire_memory_bytes: 100 * 16, ..haac(4) };
    for instances in [1, 2, 10] {
        let program = engine.compile_instances(&netlist, instances).unwrap();
        assert!(program.far_reads() > 0);
        assert_eq!(program.live(), instances, "only outputs are written");
    }
}

#[test]
fn without_renaming_what_is_made_early_is_away_and_instructions_name_their_output() {
    // Level order takes the second half of the first level before its number's turn.
    let gate = |op, a, b| Gate { op, a, b };
    let gates = vec![gate(Op::Xor, 0, 1), gate(Op::Xor, 2, 0), gate(Op::And, 0, 1), gate(Op::And, 4, 3)];
    let netlist = Netlist { inputs: 2, gates, outputs: vec![5], ..Netlist::default() };
    let engine = GcEngine { rename: false, ..haac(2) };
    let program = engine.compile(&netlist).unwrap();
    // A window for the whole circuit holds all numbers from the start; wire 5 is the output.
    assert_eq!((program.live(), program.far_reads()), (1, 0));
    // Gate 2 runs second: wire 4 is the first number behind a window of four, written, and read once. So is input 0.
    let tight = GcEngine { wire_memory_bytes: 4 * 16, ..engine.clone() }.compile(&netlist).unwrap();
    assert_eq!((tight.live(), tight.far_reads()), (2, 2));
    assert_eq!(engine.traffic(&program).instructions, (4u64 * (37 + 17)).div_ceil(8));
    let renamed = haac(2).compile(&netlist).unwrap();
    assert_eq!((renamed.live(), renamed.far_reads()), (1, 0));
    assert_eq!(haac(2).traffic(&renamed).instructions, (4u64 * 37).div_ceil(8));
}

#[test]
fn impossible_engines_and_windows_are_refused() {
    let netlist = far_and_near();
    let refused = |engine: GcEngine, port| match detailed(&engine, &netlist, Role::Garble, port) {
        Err(error) => error.to_string(),
        Ok(result) => panic!("{result:?}"),
    };
    let message = refused(GcEngine { engines: 0, ..haac(1) }, FREE);
    assert_eq!(message, "the number of gate engines is 0; expected 1 to 65536");
    for clock_hz in [0.0, 1e12, f64::NAN] {
        let message = refused(GcEngine { clock_hz, ..haac(1) }, FREE);
        assert!(message.ends_with("expected 1 MHz to 10 GHz"), "{message}");
    }
    let message = refused(GcEngine { wire_memory_bytes: 47, ..haac(1) }, FREE);
    assert_eq!(
        message,
        "the wire window is 2 labels; expected two operands and an output at least: 3 labels (48 bytes)"
    );
    let message = refused(haac(1), MemoryPort { bytes_per_cycle: 0.0, latency_cycles: 0.0 });
    assert!(message.starts_with("the memory's bytes per cycle is 0"), "{message}");
    // Labels cannot come back.
    let closed = GcEngine { wire_queue_bytes: 0, wire_memory_bytes: 100 * 16, order: Order::Baseline, ..haac(1) };
    let error = detailed(&closed, &netlist, Role::Garble, FREE).unwrap_err();
    assert!(matches!(error, GcError::OutOfWindow { distance: 100.., window: 100, .. }), "{error}");
    // A declared billion of wires is refused before anything is allocated for it.
    let huge = Netlist { inputs: u32::MAX, ..Netlist::default() };
    assert!(matches!(haac(1).compile(&huge), Err(GcError::TooLarge { .. })));
}

#[test]
fn three_halves_move_fewer_bytes_and_hash_more() {
    let netlist = independent(Op::And, 8_000);
    let [half, three] = [Tables::HalfGates, Tables::ThreeHalves]
        .map(|tables| detailed(&GcEngine { tables, ..haac(16) }, &netlist, Role::Evaluate, DDR4).unwrap());
    assert_eq!((half.traffic.tables, three.traffic.tables), (256_000, 197_000));
    assert!(three.cycles < half.cycles && three.energy_j > half.energy_j);
}

fn engine() -> impl Strategy<Value = GcEngine> {
    let order = prop_oneof![Just(Order::Full), Just(Order::Segment), Just(Order::Baseline)];
    (1u64..40, 1u64..40, 1u64..5, 3u64..4_000, 1u64..80, order, any::<[bool; 3]>()).prop_map(
        |(engines, and, xor, window, banks, order, [rename, esw, three])| GcEngine {
            garble_latency: and + 2,
            evaluate_latency: and,
            xor_latency: xor,
            wire_memory_bytes: window * 16,
            wire_banks: banks,
            order,
            rename,
            esw,
            tables: if three { Tables::ThreeHalves } else { Tables::HalfGates },
            ..haac(engines)
        },
    )
}

fn netlist() -> impl Strategy<Value = Netlist> {
    (any::<u64>(), 1u32..200, 1u32..3_000, 0u64..97, 1u64..400)
        .prop_map(|(seed, inputs, gates, ands, reach)| circuit(seed, inputs, gates, ands, reach))
}

fn port() -> impl Strategy<Value = MemoryPort> {
    prop_oneof![
        Just(FREE),
        Just(HBM2),
        (1.0..200.0f64, 0.0..300.0f64)
            .prop_map(|(bytes_per_cycle, latency_cycles)| MemoryPort { bytes_per_cycle, latency_cycles }),
    ]
}

proptest! {
    #[test]
    fn no_program_beats_its_floors_and_every_cycle_of_every_engine_is_accounted_for(
        engine in engine(), netlist in netlist(), port in port(), garble in any::<bool>(), instances in 1u64..4,
    ) {
        let role = if garble { Role::Garble } else { Role::Evaluate };
        let program = engine.compile_instances(&netlist, instances).unwrap();
        let result = engine.run(&program, role, port).unwrap();
        let floors = engine.floors(&program, role, port);
        let most = floors.issue.max(floors.banks).max(floors.memory).max(floors.chain);
        prop_assert!(result.cycles >= most, "{result:?} against {floors:?}");
        prop_assert_eq!(result.engine_cycles.total(), engine.engines * result.cycles);
        prop_assert_eq!(result.engine_cycles.issue, program.counts().total());
        prop_assert_eq!(engine.run(&program, role, port).unwrap(), result);
        prop_assert_eq!(result.seconds, result.cycles as f64 / engine.clock_hz);
    }

    /// Engines take gates in turn, each in order: another number of engines deals them differently, and can put a gate of the longest
    /// chain behind one that waits. What is lost by that stays within a sixth and a few pipelines where banks do not matter, and
    /// within a half where labels that are dealt differently meet in few banks.
    #[test]
    fn more_of_a_resource_is_hardly_ever_slower(
        engine in engine(), netlist in netlist(), port in port(), more in 1u64..20,
    ) {
        let cycles = |engine: &GcEngine, port| detailed(engine, &netlist, Role::Garble, port).unwrap().cycles;
        let base = cycles(&engine, port);
        let limit = base + base / 2 + 4 * engine.garble_latency;
        let larger = [
            GcEngine { engines: engine.engines + more, ..engine.clone() },
            GcEngine { queue_memory_bytes: engine.queue_memory_bytes * 2, ..engine.clone() },
        ];
        for better in larger {
            prop_assert!(cycles(&better, port) <= limit, "{} over {base}", cycles(&better, port));
        }
        let faster = MemoryPort { bytes_per_cycle: port.bytes_per_cycle * (1.0 + more as f64), ..port };
        prop_assert!(cycles(&engine, faster) <= limit);
        // A wider window moves other segments into level order, and its banks serve reads that memory served before; so it is
        // compared in an order that does not depend on it, with banks enough.
        let fixed = GcEngine { order: Order::Full, rename: true, wire_banks: 4_096, ..engine.clone() };
        // Twice as long at least: a little more moves the halves' boundaries only.
        let wider = GcEngine { wire_memory_bytes: fixed.wire_memory_bytes * (1 + more), ..fixed.clone() };
        let base = cycles(&fixed, port);
        let limit = base + base / 6 + 4 * engine.garble_latency;
        let dealt = GcEngine { engines: fixed.engines + more, ..fixed.clone() };
        for better in [&wider, &dealt] {
            prop_assert!(cycles(better, port) <= limit, "{} over {base}", cycles(better, port));
        }
        let (few, many) = (fixed.compile(&netlist).unwrap(), wider.compile(&netlist).unwrap());
        prop_assert!(many.far_reads() <= few.far_reads() && many.live() <= few.live());
    }

    #[test]
    fn energy_adds_up_over_instances_and_gates(engine in engine(), netlist in netlist(), garble in any::<bool>()) {
        let role = if garble { Role::Garble } else { Role::Evaluate };
        let of = |instances| {
            let program = engine.compile_instances(&netlist, instances).unwrap();
            engine.run(&program, role, FREE).unwrap().energy_j
        };
        prop_assert!((of(3) / (of(1) + of(2)) - 1.0).abs() < 1e-9);
        let half = netlist.gates.len() / 2;
        let mut first = netlist.clone();
        let second = Netlist { inputs: netlist.inputs + half as u32, gates: first.gates.split_off(half), ..Netlist::default() };
        first.outputs.clear();
        let parts = [&first, &second].map(|part| detailed(&engine, part, role, FREE).unwrap().energy_j);
        prop_assert!((parts[0] + parts[1] - of(1)).abs() <= 1e-9 * of(1));
    }

    #[test]
    fn broken_netlists_are_refused(seed in any::<u64>(), netlist in netlist()) {
        let mut random = Random(seed);
        let mut broken = netlist.clone();
        let gate = random.below(broken.gates.len() as u64) as usize;
        let ahead = broken.inputs + gate as u32 + random.below(1_000) as u32;
        broken.gates[gate].a = ahead;
        let error = haac(4).compile(&broken).unwrap_err();
        prop_assert_eq!(error, GcError::Undriven { gate, wire: ahead, limit: u64::from(broken.inputs) + gate as u64 });
    }
}
