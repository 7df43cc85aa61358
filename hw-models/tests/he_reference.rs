//! The HE engine's closed form against its cycle-stepped reference, over random layers of both packings and random engines.
#![allow(clippy::unwrap_used, reason = "tests may fail")]

use pisim_hw_models::{HeDesign, HeEngine, HeTiling, HeWork, NttUnit, Technology};
use proptest::prelude::*;

/// Memory that never bounds anything.
const UNLIMITED: u64 = 1 << 24;

fn design() -> impl Strategy<Value = HeDesign> {
    let switching = prop_oneof![3 => Just(None), 1 => (2u32..8).prop_map(|log| Some(1u64 << log))];
    let stages = prop_oneof![Just(1u64), Just(4), Just(7), Just(13)];
    (stages, 0u64..30, 1u64..3, switching).prop_map(
        |(stages, pass_gap, multiplier_interval, key_switch_butterflies)| {
            let ntt = NttUnit { stages, pass_gap, ..NttUnit::default() };
            HeDesign { ntt, multiplier_interval, key_switch_butterflies, ..HeDesign::default() }
        },
    )
}

fn engine() -> impl Strategy<Value = HeEngine> {
    (0u32..4, 4u32..10, 4u32..12, 4u32..12, 0u64..120, 17u32..27, design()).prop_map(
        |(log_units, log_butterflies, log_lanes, log_automorphism, pipeline_latency, log_scratchpad, design)| {
            HeEngine {
                clock_hz: 1e9,
                word_bits: 64,
                ntt_units: 1 << log_units,
                butterflies: 1 << log_butterflies,
                modmul_lanes: 1 << log_lanes,
                automorphism_lanes: 1 << log_automorphism,
                pipeline_latency,
                scratchpad_bytes: 1 << log_scratchpad,
                scratchpad_banks: 16,
                technology: Technology { node_nm: 16, supply_v: 0.8, fpga: false },
                design,
            }
        },
    )
}

/// A layer's ring, tiling and bytes; the amounts of operations come from the reference.
fn base(log_degree: u32, limbs: u64, bytes: u64, tiling: HeTiling) -> HeWork {
    let polynomial = limbs * (1 << log_degree) * 8;
    let tiling = HeTiling { ciphertext_bytes: 2 * polynomial, weight_bytes: polynomial, ..tiling };
    let weights = tiling.input_groups * tiling.output_groups * tiling.sums * tiling.weights_per_sum;
    HeWork {
        degree: 1 << log_degree,
        limbs,
        limb_bits: 64,
        input_bytes: tiling.inputs() * polynomial,
        output_bytes: tiling.outputs() * polynomial,
        weight_bytes: weights * bytes,
        distinct_keys: 3,
        tiling: Some(tiling),
        ..HeWork::default()
    }
}

/// Coefficient packing: tiles, no rotations.
fn coefficient() -> impl Strategy<Value = HeWork> {
    (11u32..14, 1u64..4, 4u64..24, 4u64..24, 1u64..5, 0u64..5_000).prop_map(
        |(log_degree, limbs, input_groups, output_groups, tiles, bytes)| {
            let tiling = HeTiling {
                input_groups,
                inputs_per_group: tiles,
                output_groups,
                outputs_per_group: tiles,
                sums: 1,
                weights_per_sum: 1,
                ntts_per_weight: limbs,
                ntts_per_output: 3 * limbs,
                ntts_after_sums: 2 * limbs,
                ..HeTiling::default()
            };
            base(log_degree, limbs, bytes, tiling)
        },
    )
}

/// Slot packing: shifted copies, rotated sums, folds.
fn slots() -> impl Strategy<Value = HeWork> {
    (11u32..14, 1u64..4, 1u64..4, 1u64..4, 1u64..10, 8u64..40, 0u64..4, 0u64..5_000).prop_map(
        |(log_degree, limbs, input_groups, output_groups, taps, sums, folds, bytes)| {
            let tiling = HeTiling {
                input_groups,
                inputs_per_group: taps,
                output_groups,
                outputs_per_group: 1,
                sums,
                weights_per_sum: taps,
                folds,
                ntts_per_weight: 1 + limbs,
                ntts_per_output: 6 * (limbs + 1),
                ntts_after_sums: 2 * (limbs + 1),
                ..HeTiling::default()
            };
            base(log_degree, limbs, bytes, tiling)
        },
    )
}

#[test]
fn show_errors() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    for (name, layers) in [("coefficient", coefficient().boxed()), ("slots", slots().boxed())] {
        for memory in [UNLIMITED, 512, 64] {
            let mut errors = Vec::new();
            for _ in 0..400 {
                let engine = engine().new_tree(&mut runner).unwrap().current();
                let layer = layers.new_tree(&mut runner).unwrap().current();
                let stepped = engine.reference(&layer, memory).unwrap();
                let closed = engine.cycles_at(&stepped.work, memory) as f64;
                let traffic = engine.traffic(&stepped.work).total();
                if traffic != stepped.memory_bytes {
                    println!("TRAFFIC {traffic} {}", stepped.memory_bytes);
                }
                errors.push((
                    100.0 * (closed / stepped.cycles as f64 - 1.0),
                    stepped.operations,
                    engine,
                    layer,
                    stepped,
                ));
            }
            for least in [8u64, 64, 128, 256, 512, 1024] {
                let mut some: Vec<f64> = errors
                    .iter()
                    .filter(|e| {
                        let t = e.3.tiling.unwrap();
                        t.input_groups * t.output_groups * t.sums * t.weights_per_sum >= least
                    })
                    .map(|e| e.0)
                    .collect();
                some.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
                if some.is_empty() {
                    continue;
                }
                let q = |p: usize| some[p * (some.len() - 1) / 100];
                println!(
                    "   >= {least}: n {} p50 {:.2} p75 {:.2} p90 {:.2} p95 {:.2} p99 {:.2} max {:.2}",
                    some.len(),
                    q(50),
                    q(75),
                    q(90),
                    q(95),
                    q(99),
                    q(100)
                );
            }
            errors.sort_by(|a, b| a.0.abs().total_cmp(&b.0.abs()));
            let q = |p: usize| errors[p * 399 / 100].0;
            println!(
                "{name} {memory}: median {:.2} p75 {:.2} p90 {:.2} p95 {:.2} p99 {:.2} max {:.2}",
                q(50),
                q(75),
                q(90),
                q(95),
                q(99),
                q(100)
            );
            for e in errors.iter().rev().take(3) {
                println!(
                    "   {:.2} ops {} cycles {} lat {} busy {:?}\n {:?}\n {:?}",
                    e.0,
                    e.1,
                    e.4.cycles,
                    e.2.pipeline_latency,
                    e.2.busy(&e.4.work),
                    e.2,
                    e.3.tiling
                );
            }
        }
    }
}
