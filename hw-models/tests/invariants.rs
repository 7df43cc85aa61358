//! Properties that hold for every unit: more of a resource is never slower, half of the work never takes longer, and
//! nothing beats its peak.

use pisim_hw_models::gc::{Order, Tables};
use pisim_hw_models::{
    Cost, Cpu, CpuCosts, CpuWork, Dataflow, GcEngine, GcWork, Gemm, HeDesign, HeEngine, HeWork, MacArray, OtWork,
    PrimeReduction, Technology,
};
use proptest::prelude::*;

fn technology() -> impl Strategy<Value = Technology> {
    (prop_oneof![Just(45u32), Just(16), Just(7)], 0.6..1.0f64, any::<bool>())
        .prop_map(|(node_nm, supply_v, fpga)| Technology { node_nm, supply_v, fpga })
}

fn gc_engine() -> impl Strategy<Value = GcEngine> {
    (1u64..64, 1u64..40, 1u64..40, 1u64..4, 10u32..24, 1u64..128, 0u64..64, technology()).prop_map(
        |(
            engines,
            garble_latency,
            evaluate_latency,
            xor_latency,
            log_wires,
            wire_banks,
            instruction_bits,
            technology,
        )| GcEngine {
            engines,
            clock_hz: 1e9,
            garble_latency,
            evaluate_latency,
            xor_latency,
            wire_memory_bytes: 1 << log_wires,
            wire_banks,
            queue_memory_bytes: 65_536,
            table_queue_bytes: 21_845,
            wire_queue_bytes: 21_845,
            order: Order::Full,
            rename: true,
            esw: true,
            tables: Tables::HalfGates,
            instruction_bits,
            ot_cycles: Some(2),
            technology,
        },
    )
}

fn gc_work() -> impl Strategy<Value = GcWork> {
    (0u64..100_000, 0u64..100_000, 0u64..100, 0u64..300, 1u64..1_000, 0u64..10_000).prop_map(
        |(and_gates, xor_gates, and_depth, xor_depth, instances, wires_per_instance)| GcWork {
            and_gates,
            xor_gates,
            and_depth,
            xor_depth,
            instances,
            table_bytes: and_gates * 32,
            label_bytes: instances * 64,
            wires_per_instance,
            ..GcWork::default()
        },
    )
}

fn he_engine() -> impl Strategy<Value = HeEngine> {
    (16u64..65, 1u64..32, 1u64..1_024, 1u64..4_096, 1u64..2_048, 0u64..300, 16u32..28, technology()).prop_map(
        |(
            word_bits,
            ntt_units,
            butterflies,
            modmul_lanes,
            automorphism_lanes,
            pipeline_latency,
            log_scratchpad,
            technology,
        )| HeEngine {
            clock_hz: 1e9,
            word_bits,
            ntt_units,
            butterflies,
            modmul_lanes,
            automorphism_lanes,
            pipeline_latency,
            scratchpad_bytes: 1 << log_scratchpad,
            scratchpad_banks: 16,
            technology,
            design: HeDesign::default(),
        },
    )
}

fn he_work() -> impl Strategy<Value = HeWork> {
    (10u32..16, 1u64..8, 0u64..64, 0u64..10_000, 0u64..100_000_000, 0u64..100, 0u64..(1 << 26)).prop_map(
        |(log_degree, limbs, limb_bits, ntts, mod_muls, rotations, bytes)| HeWork {
            degree: 1 << log_degree,
            limbs,
            limb_bits,
            ntts,
            mod_muls,
            automorphisms: rotations,
            key_switches: rotations,
            input_bytes: bytes,
            output_bytes: bytes / 2,
            weight_bytes: bytes / 3,
            working_set_bytes: bytes,
            ..HeWork::default()
        },
    )
}

fn mac_array() -> impl Strategy<Value = MacArray> {
    (
        1u64..100,
        1u64..100,
        prop_oneof![Just(8u64), Just(16), Just(32), Just(64)],
        prop_oneof![
            Just(Dataflow::OutputStationary),
            Just(Dataflow::WeightStationary),
            Just(Dataflow::InputStationary)
        ],
        10u32..24,
        prop_oneof![Just(PrimeReduction::Deferred), Just(PrimeReduction::PerProduct)],
        technology(),
    )
        .prop_map(|(rows, columns, word_bits, dataflow, log_buffer, prime_reduction, technology)| MacArray {
            rows,
            columns,
            word_bits,
            clock_hz: 1e9,
            dataflow,
            buffer_bytes: 1 << log_buffer,
            technology,
            prime_reduction,
        })
}

fn gemm() -> impl Strategy<Value = Gemm> {
    (0u64..2_000, 0u64..5_000, 0u64..5_000, 1u64..65, any::<bool>()).prop_map(|(m, k, n, word_bits, prime)| Gemm {
        m,
        k,
        n,
        word_bits,
        prime,
    })
}

/// Neither time nor memory traffic of `better` exceeds those of `base`.
fn no_worse(better: Cost, base: Cost) -> Result<(), TestCaseError> {
    prop_assert!(better.cycles <= base.cycles, "{better:?} against {base:?}");
    prop_assert!(better.seconds <= base.seconds, "{better:?} against {base:?}");
    prop_assert!(better.memory_bytes <= base.memory_bytes, "{better:?} against {base:?}");
    Ok(())
}

/// Half of the work takes no more of anything.
fn no_more(half: Cost, whole: Cost) -> Result<(), TestCaseError> {
    no_worse(half, whole)?;
    prop_assert!(half.energy_j <= whole.energy_j * (1.0 + 1e-12));
    Ok(())
}

proptest! {
    #[test]
    fn garbling_obeys_its_bounds(engine in gc_engine(), work in gc_work()) {
        let gates = work.and_gates + work.xor_gates;
        for cost in [engine.garble(&work), engine.evaluate(&work)] {
            prop_assert!(cost.cycles as f64 >= gates as f64 / engine.engines as f64);
            prop_assert!(cost.memory_bytes >= work.table_bytes + work.label_bytes);
            prop_assert!(cost.energy_j >= 0.0 && cost.energy_j.is_finite());
        }
        prop_assert!(engine.evaluate(&work).energy_j <= engine.garble(&work).energy_j);
    }

    #[test]
    fn more_gate_engines_or_memory_are_never_slower(engine in gc_engine(), work in gc_work(), more in 1u64..64) {
        let base = engine.garble(&work);
        no_worse(GcEngine { engines: engine.engines + more, ..engine.clone() }.garble(&work), base)?;
        no_worse(GcEngine { wire_memory_bytes: engine.wire_memory_bytes + more * 1_000, ..engine.clone() }.garble(&work), base)?;
        let faster = GcEngine { clock_hz: 1e9 + more as f64 * 1e6, ..engine.clone() }.garble(&work);
        prop_assert!(faster.seconds <= base.seconds);
        let ots = OtWork { ots: work.and_gates };
        let wider = GcEngine { engines: engine.engines + more, ..engine.clone() };
        prop_assert!(wider.ot_extend(&ots).unwrap().cycles <= engine.ot_extend(&ots).unwrap().cycles);
    }

    #[test]
    fn half_of_the_circuits_never_take_longer(engine in gc_engine(), work in gc_work()) {
        let half = GcWork {
            and_gates: work.and_gates / 2,
            xor_gates: work.xor_gates / 2,
            instances: work.instances / 2,
            table_bytes: work.table_bytes / 2,
            label_bytes: work.label_bytes / 2,
            ..work
        };
        no_more(engine.garble(&half), engine.garble(&work))?;
        no_more(engine.evaluate(&half), engine.evaluate(&work))?;
    }

    #[test]
    fn homomorphic_work_obeys_its_bounds(engine in he_engine(), work in he_work()) {
        let cost = engine.run(&work);
        let butterflies = work.ntts as f64 * work.degree as f64 * (work.degree as f64).log2() / 2.0;
        prop_assert!(cost.cycles as f64 >= butterflies / (engine.ntt_units * engine.butterflies) as f64 * (1.0 - 1e-12));
        prop_assert!(cost.cycles as f64 >= work.mod_muls as f64 / engine.modmul_lanes as f64);
        prop_assert!(cost.memory_bytes >= work.input_bytes + work.output_bytes + work.weight_bytes);
        prop_assert!(cost.energy_j >= 0.0 && cost.energy_j.is_finite());
    }

    #[test]
    fn more_homomorphic_units_are_never_slower(engine in he_engine(), work in he_work(), more in 1u64..64) {
        let base = engine.run(&work);
        no_worse(HeEngine { ntt_units: engine.ntt_units + more, ..engine.clone() }.run(&work), base)?;
        no_worse(HeEngine { butterflies: engine.butterflies + more, ..engine.clone() }.run(&work), base)?;
        no_worse(HeEngine { modmul_lanes: engine.modmul_lanes + more, ..engine.clone() }.run(&work), base)?;
        no_worse(HeEngine { automorphism_lanes: engine.automorphism_lanes + more, ..engine.clone() }.run(&work), base)?;
        no_worse(HeEngine { scratchpad_bytes: engine.scratchpad_bytes + more * 65_536, ..engine.clone() }.run(&work), base)?;
    }

    #[test]
    fn half_of_the_homomorphic_work_never_takes_longer(engine in he_engine(), work in he_work()) {
        let half = HeWork {
            ntts: work.ntts / 2,
            mod_muls: work.mod_muls / 2,
            automorphisms: work.automorphisms / 2,
            key_switches: work.key_switches / 2,
            input_bytes: work.input_bytes / 2,
            output_bytes: work.output_bytes / 2,
            weight_bytes: work.weight_bytes / 2,
            ..work
        };
        no_more(engine.run(&half), engine.run(&work))?;
    }

    #[test]
    fn matrix_products_obey_their_bounds(engine in mac_array(), gemm in gemm()) {
        let cost = engine.gemm(&gemm);
        let macs = (gemm.m * gemm.k * gemm.n) as f64;
        prop_assert!(cost.cycles as f64 >= macs / (engine.rows * engine.columns) as f64);
        if macs > 0.0 {
            let once = (gemm.m * gemm.k + gemm.k * gemm.n + gemm.m * gemm.n) * gemm.word_bits.div_ceil(8);
            prop_assert!(cost.memory_bytes >= once);
        }
    }

    /// A longer array takes longer to fill and drain: that, 2 × rows + columns, is all that more cells may cost.
    #[test]
    fn a_larger_array_costs_at_most_its_fill(engine in mac_array(), gemm in gemm(), more in 1u64..64) {
        let base = engine.gemm(&gemm);
        let wider = MacArray { columns: engine.columns + more, ..engine.clone() }.gemm(&gemm);
        prop_assert!(wider.cycles <= base.cycles + more);
        let taller = MacArray { rows: engine.rows + more, ..engine.clone() }.gemm(&gemm);
        // Operands shift in, or outputs out, for as long as the array is tall, in each tile that streams less.
        let (down, across) = match engine.dataflow {
            Dataflow::OutputStationary => (gemm.m, gemm.n),
            Dataflow::WeightStationary => (gemm.k, gemm.m),
            Dataflow::InputStationary => (gemm.k, gemm.n),
        };
        let tiles = down.div_ceil(engine.rows) * across.div_ceil(engine.columns);
        let loading = more * tiles * engine.passes(&gemm);
        prop_assert!(taller.cycles <= base.cycles + 2 * more + loading);
        no_worse(MacArray { buffer_bytes: engine.buffer_bytes * 2, ..engine.clone() }.gemm(&gemm), base)?;
    }

    #[test]
    fn half_of_a_matrix_product_never_takes_longer(engine in mac_array(), gemm in gemm()) {
        let whole = engine.gemm(&gemm);
        no_more(engine.gemm(&Gemm { m: gemm.m / 2, ..gemm }), whole)?;
        no_more(engine.gemm(&Gemm { n: gemm.n / 2, ..gemm }), whole)?;
        no_more(engine.gemm(&Gemm { k: gemm.k / 2, ..gemm }), whole)?;
    }

    #[test]
    fn more_cores_are_never_slower_and_save_no_energy(cores in 1u64..64, more in 1u64..64, items in 0u64..10_000, ands in 0u64..1_000_000) {
        let costs = CpuCosts { garble_and_s: 9e-9, ..CpuCosts::default() };
        let cpu = Cpu { cores, clock_hz: 2.7e9, active_power_w: 4.5, costs };
        let work = CpuWork { garbled_ands: ands, parallelism: items, ..CpuWork::default() };
        let base = cpu.cost(&work);
        let larger = Cpu { cores: cores + more, ..cpu.clone() }.cost(&work);
        no_worse(larger, base)?;
        prop_assert_eq!(larger.energy_j, base.energy_j);
        prop_assert!(base.seconds >= cpu.core_seconds(&work) / cores as f64 * (1.0 - 1e-12));
        // Half of the items, each of the same size.
        let whole = CpuWork { garbled_ands: 2 * items * (ands % 1_000), parallelism: 2 * items, ..work };
        let half = CpuWork { garbled_ands: items * (ands % 1_000), parallelism: items, ..work };
        prop_assert!(cpu.cost(&half).seconds <= cpu.cost(&whole).seconds * (1.0 + 1e-12));
    }

    #[test]
    fn absurd_work_saturates_and_never_panics(n in prop_oneof![Just(u64::MAX), Just(u64::MAX / 2), any::<u64>()], gc in gc_engine(), he in he_engine(), mac in mac_array()) {
        let gates = GcWork { and_gates: n, xor_gates: n, and_depth: n, xor_depth: n, instances: n, table_bytes: n, label_bytes: n, wires_per_instance: n, ..GcWork::default() };
        let work = HeWork { degree: n, limbs: n, limb_bits: n, ntts: n, mod_muls: n, automorphisms: n, key_switches: n, input_bytes: n, output_bytes: n, weight_bytes: n, working_set_bytes: n, ..HeWork::default() };
        let costs = [gc.garble(&gates), gc.ot_extend(&OtWork { ots: n }).unwrap(), he.run(&work), mac.gemm(&Gemm { m: n, k: n, n, word_bits: n, ..Gemm::default() })];
        prop_assert!(costs.iter().all(|cost| cost.seconds.is_finite() && cost.seconds >= 0.0));
    }
}
