//! The HE engine's closed form against its cycle-stepped reference, over random layers of both packings and random engines.
#![allow(clippy::unwrap_used, reason = "tests may fail")]

use pisim_hw_models::{HeDesign, HeEngine, HeTiling, HeWork, NttUnit, Technology};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

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

/// Errors of the closed form in per cent, by size, of the layers that `counts` admits; the traffic is the same byte for byte.
fn errors_where(
    layers: impl Strategy<Value = HeWork>,
    (memory, least_weights): (impl Strategy<Value = u64>, u64),
    counts: impl Fn(&HeEngine, &HeWork, u64) -> bool,
) -> Vec<f64> {
    let mut runner = TestRunner::deterministic();
    let mut errors = Vec::new();
    while errors.len() < 200 {
        let (engine, layer, memory) = (&engine(), &layers, &memory).new_tree(&mut runner).unwrap().current();
        let tiling = layer.tiling.unwrap();
        if tiling.input_groups * tiling.output_groups * tiling.sums * tiling.weights_per_sum < least_weights {
            continue;
        }
        let stepped = engine.reference(&layer, memory).unwrap();
        let run = engine.run_at(&stepped.work, memory as f64 * engine.clock_hz);
        assert_eq!(run.memory_bytes, stepped.memory_bytes, "{engine:?} {tiling:?}");
        if !counts(&engine, &stepped.work, memory) {
            continue;
        }
        let closed = run.seconds_at(memory as f64 * engine.clock_hz) * engine.clock_hz;
        errors.push(100.0 * (closed / stepped.cycles as f64 - 1.0).abs());
    }
    errors.sort_by(f64::total_cmp);
    errors
}

/// Errors at one bandwidth.
fn errors(layers: impl Strategy<Value = HeWork>, memory: u64, least_weights: u64) -> Vec<f64> {
    errors_where(layers, (Just(memory), least_weights), |_, _, _| true)
}

/// Bytes per cycle from a slow channel to several stacks of HBM.
fn bandwidths() -> impl Strategy<Value = u64> {
    (4u32..12, 0u64..1_024).prop_map(|(log, part)| (1 << log) * (1_024 + part) / 1_024)
}

/// Median, nine in ten and the largest error stay below these.
fn within(errors: &[f64], median: f64, nine_in_ten: f64, largest: f64) {
    let found = [errors[errors.len() / 2], errors[errors.len() * 9 / 10], errors[errors.len() - 1]];
    assert!(found[0] <= median && found[1] <= nine_in_ten && found[2] <= largest, "{found:?}");
}

#[test]
fn closed_form_is_within_2_per_cent_when_memory_keeps_up() {
    within(&errors(coefficient(), UNLIMITED, 128), 0.5, 2.0, 16.0);
    within(&errors(slots(), UNLIMITED, 512), 0.5, 2.0, 6.0);
}

/// With few weights there are few operations to hide the chains at the beginning and the end.
#[test]
fn small_layers_are_further_off() {
    within(&errors(coefficient(), UNLIMITED, 1), 1.0, 3.0, 16.0);
    within(&errors(slots(), UNLIMITED, 1), 1.0, 6.0, 40.0);
}

/// Where memory takes longer than the units in all or in some passes, they take turns at being what the layer waits for.
#[test]
fn bandwidth_bound_layers_are_within_a_few_per_cent() {
    for memory in [16, 64, 512] {
        within(&errors(coefficient(), memory, 128), 0.5, 4.0, 12.0);
        within(&errors(slots(), memory, 512), 0.5, 2.0, 12.0);
    }
    let bound = |engine: &HeEngine, work: &HeWork, memory: u64| {
        engine.traffic(work).total() / memory > engine.run(work).cycles * 3 / 4
    };
    within(&errors_where(coefficient(), (bandwidths(), 128), bound), 1.5, 6.0, 18.0);
    within(&errors_where(slots(), (bandwidths(), 512), bound), 1.5, 4.0, 15.0);
}

/// Layers whose unfinished sums, keys or inputs do not stay are no further off than others.
#[test]
fn layers_that_spill_or_stream_are_within_a_few_per_cent() {
    let spills = |engine: &HeEngine, work: &HeWork, _: u64| engine.traffic(work).spilled_bytes > 0;
    within(&errors_where(coefficient(), (bandwidths(), 128), spills), 1.5, 6.0, 18.0);
    within(&errors_where(slots(), (bandwidths(), 512), spills), 1.5, 4.0, 15.0);
    let keys = |engine: &HeEngine, work: &HeWork, _: u64| {
        let traffic = engine.traffic(work);
        traffic.key_bytes > traffic.total() / 2
    };
    within(&errors_where(slots(), (bandwidths(), 512), keys), 1.5, 4.0, 15.0);
    let weights = |engine: &HeEngine, work: &HeWork, _: u64| {
        let traffic = engine.traffic(work);
        traffic.weight_bytes > traffic.total() / 2
    };
    within(&errors_where(coefficient(), (bandwidths(), 128), weights), 1.5, 6.0, 15.0);
}

proptest! {
    /// Nothing beats the peak of a unit or of memory, in the reference or in the closed form.
    #[test]
    fn reference_and_closed_form_obey_their_bounds(
        engine in engine(),
        layer in prop_oneof![coefficient(), slots()],
        memory in 64u64..4_096,
    ) {
        let stepped = engine.reference(&layer, memory).unwrap();
        let run = engine.run(&stepped.work);
        let busy = engine.busy(&stepped.work);
        prop_assert!(stepped.cycles >= stepped.memory_bytes / memory);
        for units in [busy.multiply, busy.automorphism, busy.key_switch] {
            // Whole cycles: the closed form rounds the sum up.
            prop_assert!(stepped.cycles + 1 >= units && run.cycles >= units);
        }
        // The last transforms may leave some of the units idle, which the closed form rounds up.
        prop_assert!(stepped.cycles >= busy.ntt.saturating_sub(engine.ntt_cycles(layer.degree)));
        prop_assert!(run.cycles >= busy.ntt);
        prop_assert_eq!(engine.reference(&layer, memory).unwrap(), stepped, "the same twice");
    }

    /// More scratchpad is never slower, but for small layers in which other keys stay then; nor does the least traffic grow, but
    /// for whole tiles: larger ones may leave a last one that is partly empty, which costs a tenth at most. Nor are more or faster
    /// units, but for the weights that are under way at once: of faster ones there are fewer, so that less is loaded ahead and,
    /// where sums are spilled, fewer of them are on their way at once.
    #[test]
    fn more_units_or_scratchpad_never_slow_a_tiled_layer(
        engine in engine(),
        layer in prop_oneof![coefficient(), slots()],
        memory in bandwidths(),
        more in 1u64..64,
    ) {
        let work = engine.reference(&layer, memory).unwrap().work;
        let bytes_per_s = memory as f64 * engine.clock_hz;
        let seconds = |engine: &HeEngine| engine.run_at(&work, bytes_per_s).seconds_at(bytes_per_s);
        let base = seconds(&engine);
        let larger = HeEngine { scratchpad_bytes: engine.scratchpad_bytes + more * 65_536, ..engine.clone() };
        prop_assert!(seconds(&larger) <= base * 1.05, "{} {base}", seconds(&larger));
        let [less, most] = [&larger, &engine].map(|engine| engine.traffic(&work).total());
        prop_assert!(less <= most + most / 10, "{less} {most}");
        let others = [
            HeEngine { ntt_units: engine.ntt_units + more, ..engine.clone() },
            HeEngine { butterflies: engine.butterflies + more, ..engine.clone() },
            HeEngine { modmul_lanes: engine.modmul_lanes + more, ..engine.clone() },
            HeEngine { automorphism_lanes: engine.automorphism_lanes + more, ..engine.clone() },
        ];
        for other in others {
            let spills = [&engine, &other].iter().any(|engine| {
                let cost = engine.run_at(&work, bytes_per_s);
                cost.memory_bytes > work.input_bytes + work.output_bytes + work.weight_bytes
            });
            let most = if spills { 2.0 } else { 1.25 };
            prop_assert!(seconds(&other) <= base * most, "{} {base} {spills}", seconds(&other));
        }
    }

    /// What waits for memory is a part of the layer; with less bandwidth than it was priced for, a layer takes longer, and never
    /// less than its bytes.
    #[test]
    fn a_layer_with_less_bandwidth_takes_longer_and_as_long_as_its_bytes(
        engine in engine(),
        layer in prop_oneof![coefficient(), slots()],
        memory in bandwidths(),
        part in 0.05..1.0f64,
    ) {
        let work = engine.reference(&layer, memory).unwrap().work;
        let bytes_per_s = memory as f64 * engine.clock_hz;
        let cost = engine.run_at(&work, bytes_per_s);
        prop_assert!(cost.starved.seconds <= cost.seconds && cost.starved.memory_bytes <= cost.memory_bytes, "{cost:?}");
        let slower = cost.seconds_at(part * bytes_per_s);
        prop_assert!(slower >= cost.seconds_at(bytes_per_s) * (1.0 - 1e-9));
        prop_assert!(slower >= cost.memory_bytes as f64 / (part * bytes_per_s) * (1.0 - 1e-9));
    }

    /// Energy is the sum of what operations and traffic cost: two layers cost what each costs alone.
    #[test]
    fn energy_and_area_are_additive(engine in engine(), layer in coefficient(), more in 1u64..1_000) {
        let one = HeWork { ntts: more, mod_muls: more * 1_000, automorphisms: more, tiling: None, ..layer };
        let two = HeWork {
            ntts: 2 * one.ntts,
            mod_muls: 2 * one.mod_muls,
            automorphisms: 2 * more,
            input_bytes: 2 * one.input_bytes,
            output_bytes: 2 * one.output_bytes,
            weight_bytes: 2 * one.weight_bytes,
            ..one
        };
        let (one_j, two_j) = (engine.run(&one).energy_j, engine.run(&two).energy_j);
        prop_assert!((two_j / one_j - 2.0).abs() < 1e-9);
        let area = |engine: &HeEngine| engine.area_mm2().unwrap();
        let lanes = |modmul_lanes| HeEngine { modmul_lanes, ..engine.clone() };
        let step = area(&lanes(2 * more)) - area(&lanes(more));
        prop_assert!(((area(&lanes(3 * more)) - area(&lanes(2 * more))) / step - 1.0).abs() < 1e-6);
    }
}
