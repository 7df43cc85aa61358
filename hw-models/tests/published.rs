//! The closed forms against published figures and against numbers worked out by hand.

use pisim_hw_models::gc::{Order, Tables};
use pisim_hw_models::{
    Cpu, CpuCosts, CpuWork, Dataflow, Direction, GcEngine, GcWork, Gemm, HeDesign, HeEngine, HeOperations, HeWork,
    Link, MacArray, OtWork, Platform, PrimeReduction, Storage, Technology,
};

const SILICON_16: Technology = Technology { node_nm: 16, supply_v: 0.8, fpga: false };
const SILICON_14: Technology = Technology { node_nm: 14, supply_v: 0.8, fpga: false };

fn haac(engines: u64) -> GcEngine {
    GcEngine {
        engines,
        clock_hz: 1e9,
        garble_latency: 21,
        evaluate_latency: 18,
        xor_latency: 1,
        wire_memory_bytes: 2 << 20,
        wire_banks: 64,
        queue_memory_bytes: 64 << 10,
        table_queue_bytes: 21_845,
        wire_queue_bytes: 21_845,
        order: Order::Full,
        rename: true,
        esw: true,
        tables: Tables::HalfGates,
        instruction_bits: 37,
        ot_cycles: None,
        technology: SILICON_16,
    }
}

fn heax(butterflies: u64) -> HeEngine {
    HeEngine {
        clock_hz: 300e6,
        word_bits: 54,
        ntt_units: 1,
        butterflies,
        modmul_lanes: butterflies,
        automorphism_lanes: butterflies,
        pipeline_latency: 0,
        scratchpad_bytes: 16 << 20,
        scratchpad_banks: 16,
        technology: SILICON_14,
        design: HeDesign::default(),
    }
}

fn close(value: f64, expected: f64, tolerance: f64) {
    assert!((value / expected - 1.0).abs() <= tolerance, "{value} instead of {expected}");
}

#[test]
fn haac_area_and_power_add_up_to_table_4() {
    close(haac(16).area_mm2().unwrap(), 4.33, 0.01);
    close(haac(16).peak_power_w(), 1.502, 0.01);
    let shipped = Platform::builtin("haac-hbm2").unwrap().server.gc_engine.unwrap();
    close(shipped.area_mm2().unwrap(), 4.33, 0.01);
    close(shipped.peak_power_w(), 1.502, 0.01);
}

#[test]
fn a_garbled_gate_costs_table_4s_power_per_engine_and_nanosecond() {
    // Milliwatts of Table 4 over 16 engines at 1 GHz are picojoules per gate: memories, crossbar and forwarding for every gate.
    let overhead = (196.0 + 35.5 + 16.6 + 0.255) / 16.0;
    let (ands, xors) =
        (GcWork { and_gates: 1_000, ..GcWork::default() }, GcWork { xor_gates: 1_000, ..GcWork::default() });
    close(haac(16).garble(&ands).energy_j, 1e-9 * (1253.0 / 16.0 + overhead), 1e-9);
    close(haac(16).garble(&xors).energy_j, 1e-9 * (0.321 / 16.0 + overhead), 1e-9);
    // The evaluator's unit is 17,788 of the garbler's 28,932 µm².
    close(haac(16).evaluate(&ands).energy_j, 1e-9 * (1253.0 / 16.0 * 17_788.0 / 28_932.0 + overhead), 1e-9);
    // Half of the engines and banks: half of the units and memories, a quarter of the crossbar.
    let half = GcEngine { wire_banks: 32, wire_memory_bytes: 1 << 20, queue_memory_bytes: 32 << 10, ..haac(8) };
    let expected = (2.15 + 9.51e-4 + 1.80e-3 + 1.94 + 0.173) / 2.0 + 7.27e-2 / 4.0;
    close(half.area_mm2().unwrap(), expected, 1e-9);
}

#[test]
fn f1_area_and_power_add_up_to_its_table() {
    let f1 = HeEngine {
        clock_hz: 1e9,
        word_bits: 32,
        ntt_units: 16,
        butterflies: 896,
        modmul_lanes: 4096,
        automorphism_lanes: 2048,
        pipeline_latency: 0,
        scratchpad_bytes: 64 << 20,
        scratchpad_banks: 16,
        technology: SILICON_14,
        design: HeDesign::default(),
    };
    // 151.4 mm² and 180.4 W with two HBM2 interfaces of 14.9 mm² and 0.225 W each.
    close(f1.area_mm2().unwrap() + 29.8, 151.4, 0.01);
    close(f1.peak_power_w() + 0.45, 180.4, 0.01);
}

#[test]
fn each_gate_engine_takes_one_gate_per_cycle() {
    for engines in [1, 2, 4, 8, 16] {
        let work = GcWork {
            and_gates: 1_000_000,
            xor_gates: 3_000_000,
            and_depth: 30,
            instances: 10_000,
            ..GcWork::default()
        };
        let cost = haac(engines).garble(&work);
        assert_eq!(cost.cycles, 4_000_000 / engines + 20);
        assert_eq!(cost.seconds, cost.cycles as f64 / 1e9);
        assert_eq!(haac(engines).evaluate(&work).cycles, 4_000_000 / engines + 17);
    }
}

#[test]
fn ripple_adders_take_haac_26_cycles_per_bit() {
    // HAAC, ISCA'23, Table 5 (garbler, 16 engines): Add-6 136, Add-16 396, Million-2 62, Million-8 218 cycles. The chain of
    // EMP's circuits is AND depth and the remaining levels; 20 and 3 cycles are fitted to Add and Million.
    let engine = GcEngine { garble_latency: 20, xor_latency: 3, ..haac(16) };
    let chains = [(5, 27, 5, 12, 136.0), (15, 77, 15, 32, 396.0), (2, 14, 2, 7, 62.0), (8, 44, 8, 19, 218.0)];
    for (and_gates, gates, and_depth, xor_depth, published) in chains {
        let work =
            GcWork { and_gates, xor_gates: gates - and_gates, and_depth, xor_depth, instances: 1, ..GcWork::default() };
        close(engine.garble(&work).cycles as f64, published, 0.02);
    }
}

#[test]
fn relu_on_ddr4_is_bound_by_haacs_bytes_per_gate() {
    // HAAC's DDR4 plateau for ReLU (97 % AND): 35.03 bytes per gate measured from its speedups.
    let work =
        GcWork { and_gates: 97_000, xor_gates: 3_000, table_bytes: 97_000 * 32, instances: 1_000, ..GcWork::default() };
    let cost = haac(16).garble(&work);
    close(cost.memory_bytes as f64 / 1e5, 35.03, 0.02);
    close(cost.seconds_at(35.2e9), 1e5 * 35.03 / 35.2e9, 0.02);
    assert!(cost.seconds_at(35.2e9) > cost.seconds);
}

#[test]
fn a_small_wire_memory_leaves_few_circuits_to_hide_the_chain() {
    // 1,000 instances of 100 ANDs in a chain of 50 × 21 cycles; 128 KiB hold 8 of 1,024 wires: 125 waves.
    let work =
        GcWork { and_gates: 100_000, and_depth: 50, instances: 1_000, wires_per_instance: 1_024, ..GcWork::default() };
    let tight = GcEngine { wire_memory_bytes: 128 << 10, ..haac(16) };
    assert_eq!(tight.garble(&work).cycles, 125 * 50 * 21);
    // 2 MiB hold 128: eight waves of 1,050 cycles.
    assert_eq!(haac(16).garble(&work).cycles, 8 * 1_050);
    // 8 KiB hold half of one: half of the wires go out and come back.
    let tiny = GcEngine { wire_memory_bytes: 8 << 10, ..haac(16) };
    let spilled = tiny.garble(&work).memory_bytes - tight.garble(&work).memory_bytes;
    assert_eq!(spilled, 2 * 8_192 * 1_000);
}

#[test]
fn oblivious_transfers_run_on_the_engine_only_when_it_can() {
    let work = OtWork { ots: 1_600 };
    assert_eq!(haac(16).ot_extend(&work), None);
    let able = GcEngine { ot_cycles: Some(2), ..haac(16) };
    let cost = able.ot_extend(&work).unwrap();
    assert_eq!((cost.cycles, cost.memory_bytes), (221, 51_200));
}

#[test]
fn transform_cycles_are_heaxs() {
    // HEAX, ASPLOS'20, Tables 7 and 8 (as recalled): board, degree, cores, cycles, operations per second.
    let table = [
        (275e6, 4_096, 8, 3_072, 89_518),
        (300e6, 4_096, 16, 1_536, 195_313),
        (300e6, 8_192, 16, 3_328, 90_144),
        (300e6, 16_384, 16, 7_168, 41_853),
    ];
    for (clock_hz, degree, cores, cycles, per_second) in table {
        let engine = HeEngine { clock_hz, ..heax(cores) };
        let cost = engine.run(&HeWork { degree, limbs: 2, ntts: 1, ..HeWork::default() });
        assert_eq!(cost.cycles, cycles);
        assert_eq!((1.0 / cost.seconds).round() as u64, per_second);
    }
    // Dyadic multiplication: N / cores cycles.
    for (degree, cycles) in [(4_096, 256), (8_192, 512), (16_384, 1_024)] {
        assert_eq!(heax(16).run(&HeWork { degree, mod_muls: degree, ..HeWork::default() }).cycles, cycles);
    }
}

#[test]
fn transforms_and_multiplications_overlap() {
    let (ntts, muls) = (
        HeWork { degree: 4_096, ntts: 10, ..HeWork::default() },
        HeWork { degree: 4_096, mod_muls: 4_096, ..HeWork::default() },
    );
    let both = HeWork { mod_muls: 4_096, ..ntts };
    let engine = HeEngine { pipeline_latency: 100, ..heax(16) };
    assert_eq!(engine.run(&both).cycles, 15_360 + 100);
    assert_eq!(engine.run(&muls).cycles, 256 + 100);
    assert_eq!(engine.run(&HeWork::default()).cycles, 0);
}

#[test]
fn homomorphic_energy_is_f1s_per_operation() {
    let f1 = HeEngine { word_bits: 32, scratchpad_bytes: 64 << 20, ..heax(16) };
    // Picojoules: multiply unit 0.60 W over 128 lanes at 1 GHz; register files, adders and network over 20,480 words moved.
    let multiply = 600.0 / 128.0;
    let word_moved = (16.0 * 1_670.0 + 32.0 * 50.0 + 19_650.0) / 20_480.0;
    let muls = f1.run(&HeWork { degree: 4_096, mod_muls: 1_000, ..HeWork::default() });
    close(muls.energy_j, 1e-9 * (multiply + 3.0 * word_moved), 1e-9);
    // A transform: 24,576 butterflies of 4.80 W / 896, its words through register files and scratchpad (20.35 W / 8,192 bytes).
    let transform = f1.run(&HeWork { degree: 4_096, ntts: 1, ..HeWork::default() });
    let expected = 24_576.0 * 4_800.0 / 896.0 + 8_192.0 * (word_moved + 4.0 * 20_350.0 / 8_192.0);
    close(transform.energy_j, 1e-12 * expected, 1e-9);
    // An automorphism of two polynomials of two limbs: 0.99 W over 128 lanes.
    let rotation = f1.run(&HeWork { degree: 4_096, limbs: 2, automorphisms: 1, ..HeWork::default() });
    close(rotation.energy_j, 1e-12 * 16_384.0 * (990.0 / 128.0 + 2.0 * word_moved), 1e-9);
    assert_eq!(rotation.cycles, 16_384 / 16);
}

#[test]
fn wide_limbs_take_several_narrow_ones() {
    let narrow = HeEngine { word_bits: 28, ..heax(16) };
    let work = HeWork { degree: 4_096, limb_bits: 54, ntts: 1, ..HeWork::default() };
    assert_eq!(heax(16).run(&work).cycles, 1_536);
    assert_eq!(narrow.run(&work).cycles, 2 * 1_536);
}

#[test]
fn he_traffic_counts_keys_and_what_does_not_fit() {
    let engine = heax(16);
    let plain = HeWork {
        degree: 4_096,
        limbs: 2,
        limb_bits: 54,
        input_bytes: 100,
        output_bytes: 20,
        weight_bytes: 3,
        ..HeWork::default()
    };
    assert_eq!(engine.run(&plain).memory_bytes, 123);
    // A key of 2 × 2 × 3 × 4096 words of 8 bytes fits and is read once.
    let rotations = HeWork { key_switches: 10, ..plain };
    assert_eq!(engine.run(&rotations).memory_bytes, 123 + 393_216);
    // With the scratchpad full it is read for every key switch, and the excess goes out and comes back.
    let full = HeWork { working_set_bytes: (16 << 20) + 1_000, ..rotations };
    assert_eq!(engine.run(&full).memory_bytes, 123 + 10 * 393_216 + 2_000);
    // Each of many ciphertexts does.
    assert_eq!(engine.run(&HeWork { working_sets: 500, ..full }).memory_bytes, 123 + 10 * 393_216 + 500 * 2_000);
}

fn array(dataflow: Dataflow) -> MacArray {
    MacArray {
        rows: 16,
        columns: 8,
        word_bits: 32,
        clock_hz: 1e9,
        dataflow,
        buffer_bytes: 8 << 10,
        technology: SILICON_16,
        prime_reduction: PrimeReduction::default(),
    }
}

#[test]
fn matrix_products_take_the_cycles_worked_out_by_hand() {
    let gemm = Gemm { m: 33, k: 100, n: 20, word_bits: 32, ..Gemm::default() };
    // Output-stationary: 3 × 3 tiles of 100 cycles, fill 2·16 + 8 − 2.
    assert_eq!(array(Dataflow::OutputStationary).gemm(&gemm).cycles, 9 * 100 + 38);
    // Weight-stationary: 7 × 5 tiles of max(20, 16) cycles, fill 38.
    assert_eq!(array(Dataflow::WeightStationary).gemm(&gemm).cycles, 35 * 20 + 38);
    // Few inputs: loading the weights of 16 rows bounds 5 × 6 tiles, of 4 rows the last five.
    assert_eq!(array(Dataflow::WeightStationary).gemm(&Gemm { n: 3, ..gemm }).cycles, 5 * (6 * 16 + 4) + 38);
    // Input-stationary: 7 × 3 tiles of 33 cycles.
    assert_eq!(array(Dataflow::InputStationary).gemm(&gemm).cycles, 21 * 33 + 38);
    // Few terms: the outputs of 16 rows leave in 16 cycles, those of the last row in as many as there are terms.
    assert_eq!(array(Dataflow::OutputStationary).gemm(&Gemm { k: 5, ..gemm }).cycles, 3 * (2 * 16 + 5) + 38);
    // Delphi's 41-bit prime in 32-bit cells: four passes, and each of nine tiles is reduced by two products of four.
    let prime = Gemm { word_bits: 41, prime: true, ..gemm };
    assert_eq!(array(Dataflow::OutputStationary).gemm(&prime).cycles, 9 * (4 * 100 + 8) + 38);
    let at_once = MacArray { prime_reduction: PrimeReduction::PerProduct, ..array(Dataflow::OutputStationary) };
    assert_eq!(at_once.gemm(&prime).cycles, 9 * 3 * 4 * 100 + 38);
    // In one 64-bit cell, one pass.
    let wide = MacArray { word_bits: 64, ..array(Dataflow::OutputStationary) };
    assert_eq!(wide.gemm(&prime).cycles, 9 * (100 + 2) + 38);
    // 64-bit words in 32-bit cells: three passes.
    assert_eq!(array(Dataflow::OutputStationary).gemm(&Gemm { word_bits: 64, ..gemm }).cycles, 27 * 100 + 38);
    assert_eq!(array(Dataflow::OutputStationary).gemm(&Gemm::default()).cycles, 0);
}

#[test]
fn matrix_traffic_is_the_best_loop_order() {
    let engine = array(Dataflow::OutputStationary);
    // Half of the buffer holds 1,024 words. A product that fits is moved once.
    let small = Gemm { m: 10, k: 20, n: 30, word_bits: 32, ..Gemm::default() };
    assert_eq!(engine.traffic(&small), 4 * (200 + 600 + 300));
    // k = 100: bands of ten rows or columns. Weights 3,300 words in 4 bands over 2,000 inputs = 11,300; inputs in two bands over
    // weights = 8,600; outputs in 32 × 32 blocks = 3,300 × 1 + 2,000 × 2 = 7,300. Outputs 660.
    assert_eq!(engine.traffic(&Gemm { m: 33, k: 100, n: 20, word_bits: 32, ..Gemm::default() }), 4 * (7_300 + 660));
}

#[test]
fn a_32_bit_mac_costs_horowitzs_energy() {
    let node = Technology { node_nm: 45, supply_v: 0.9, fpga: false };
    let huge_buffer = MacArray { technology: node, buffer_bytes: 64 << 30, ..array(Dataflow::OutputStationary) };
    let gemm = Gemm { m: 160, k: 1_000, n: 80, word_bits: 32, ..Gemm::default() };
    let none = MacArray { word_bits: 32, ..huge_buffer.clone() };
    let wide = none.gemm(&Gemm { word_bits: 64, ..gemm });
    let narrow = none.gemm(&gemm);
    // Twice the word: three passes, and twice the bytes; so 3·mac + 2·move − 2·(mac + move) = mac.
    close((wide.energy_j - 2.0 * narrow.energy_j) / 12.8e6, 3.2e-12, 1e-6);
}

#[test]
fn a_processor_adds_up_its_primitives_and_shares_whole_items() {
    let cpu = Cpu {
        cores: 4,
        clock_hz: 2e9,
        active_power_w: 5.0,
        costs: CpuCosts {
            garble_and_s: 1e-8,
            ntt_butterfly_s: 1e-9,
            encrypt_coefficient_s: 1e-7,
            ring_mac_s: 1e-10,
            wide_ring_mac_s: 3e-10,
            ..CpuCosts::default()
        },
    };
    let work = CpuWork {
        garbled_ands: 100,
        degree: 4_096,
        ntts: 2,
        encryptions: 3,
        ring_macs: 1_000,
        ring_bits: 32,
        parallelism: 1,
        ..CpuWork::default()
    };
    let sum = 1e-6 + 2.0 * 24_576e-9 + 3.0 * 409.6e-6 + 1e-7;
    close(cpu.cost(&work).seconds, sum, 1e-12);
    close(cpu.cost(&CpuWork { ring_bits: 41, ..work }).seconds, sum + 2e-7, 1e-12);
    // Five items on four cores take two rounds of a fifth each.
    let shared = cpu.cost(&CpuWork { parallelism: 5, ..work });
    close(shared.seconds, sum * 2.0 / 5.0, 1e-12);
    close(shared.energy_j, sum * 5.0, 1e-12);
    assert_eq!(shared.memory_bytes, 3_200);
    assert_eq!(shared.cycles, (sum * 0.4 * 2e9).round() as u64);
}

#[test]
fn the_published_delphi_relu_costs_its_time_on_the_published_platform() {
    // Garimella et al., ASPLOS'23, batches of 100: 103.7 / 54.5 µs on an EPYC core, 680.9 / 345.2 µs on an Atom core, per ReLU of
    // 288 ANDs and 916 XORs.
    let platform = Platform::builtin("epyc7502-atom").unwrap();
    for (cpu, garble, evaluate) in
        [(&platform.server.cpu, 103.7e-6, 54.5e-6), (&platform.client.cpu, 680.9e-6, 345.2e-6)]
    {
        let relu = CpuWork { xors: 916, ..CpuWork::default() };
        close(cpu.core_seconds(&CpuWork { garbled_ands: 288, ..relu }), garble, 0.005);
        close(cpu.core_seconds(&CpuWork { evaluated_ands: 288, ..relu }), evaluate, 0.005);
    }
    // A rotation at N = 8192 by the library's operations, fitted to the published layers: 3.78 ms. In pisim's own, with 24
    // transforms and 196,608 multiplications, about as much (3.97 ms, an earlier fit).
    let operations = HeOperations { key_switches: 1, ..HeOperations::default() };
    let rotation = CpuWork { degree: 8_192, he_operations: operations, ..CpuWork::default() };
    close(platform.server.cpu.core_seconds(&rotation), 3.78e-3, 0.002);
    let rotation = CpuWork { degree: 8_192, ntts: 24, mod_muls: 196_608, key_switches: 1, ..CpuWork::default() };
    close(platform.server.cpu.core_seconds(&rotation), 3.971e-3, 0.02);
}

#[test]
fn links_and_memories_move_bytes_at_their_rates() {
    let link = Link { round_trip_s: 0.02, ..Platform::builtin("epyc7502-atom").unwrap().link };
    close(link.occupancy_s(Direction::Up, 1_000_000 - 78), 0.08, 1e-12);
    close(link.occupancy_s(Direction::Down, 1_000_000 - 78), 0.016, 1e-12);
    close(link.propagation_s(), 0.01, 1e-12);
    close(link.energy_j(1_000_000 - 78), 8e6 * 50e-9, 1e-12);
    let hbm = Platform::builtin("haac-hbm2").unwrap().server.memory;
    close(hbm.peak_bytes_per_s(), 512e9, 1e-12);
    close(hbm.transfer_s(512_000_000), 47e-9 + 1e-3 / 0.92, 1e-12);
    close(hbm.energy_j(1_000), 8_000.0 * 3.9e-12, 1e-12);
    assert_eq!((hbm.transfer_s(0), hbm.interface_mm2()), (0.0, 14.9));
    let disk = Storage { read_bytes_per_s: 3e9, write_bytes_per_s: 2e9, energy_per_bit_j: 0.3e-9 };
    close(disk.read_s(3_000_000_000), 1.0, 1e-12);
    close(disk.write_s(1_000_000_000), 0.5, 1e-12);
}
