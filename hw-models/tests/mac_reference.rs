//! The MAC array's closed form against its cycle-stepped reference, over random products, arrays and memories.
#![allow(clippy::unwrap_used, reason = "tests may fail")]

use pisim_hw_models::{BufferOrder, Dataflow, Gemm, MacArray, PrimeReduction, Technology};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

fn array() -> impl Strategy<Value = MacArray> {
    let dataflow = prop_oneof![
        Just(Dataflow::OutputStationary),
        Just(Dataflow::WeightStationary),
        Just(Dataflow::InputStationary)
    ];
    let reduction = prop_oneof![Just(PrimeReduction::Deferred), Just(PrimeReduction::PerProduct)];
    let words = prop_oneof![Just(8u64), Just(16), Just(32), Just(64)];
    (1u64..40, 1u64..40, words, dataflow, 13u32..24, reduction).prop_map(
        |(rows, columns, word_bits, dataflow, log_buffer, prime_reduction)| MacArray {
            rows,
            columns,
            word_bits,
            clock_hz: 1e9,
            dataflow,
            buffer_bytes: 1 << log_buffer,
            technology: Technology { node_nm: 16, supply_v: 0.8, fpga: false },
            prime_reduction,
        },
    )
}

fn gemm() -> impl Strategy<Value = Gemm> {
    let words = prop_oneof![Just((32u64, false)), Just((64, false)), Just((41, true))];
    (1u64..300, 1u64..600, 1u64..600, words).prop_map(|(m, k, n, (word_bits, prime))| Gemm {
        m,
        k,
        n,
        word_bits,
        prime,
    })
}

/// Whether the buffer cuts what streams through the array so that its last part is shorter than the array is tall: shifting in
/// the stationary operands bounds that part, and the closed form does not know of it.
fn short_rest(array: &MacArray, gemm: &Gemm) -> bool {
    let (streamed, part) = match (array.dataflow, array.buffer_order(gemm)) {
        (Dataflow::WeightStationary, BufferOrder::Inputs(part) | BufferOrder::Outputs(_, part)) => (gemm.n, part),
        (Dataflow::InputStationary, BufferOrder::Weights(part) | BufferOrder::Outputs(part, _)) => (gemm.m, part),
        _ => return false,
    };
    part < streamed && !streamed.is_multiple_of(part) && streamed % part < array.rows
}

/// Errors of the closed form in per cent, by size, for products of at least 30 tiles with or without a short rest; the traffic is
/// the same byte for byte.
fn errors(memory: u64, short: bool) -> Vec<f64> {
    let mut runner = TestRunner::deterministic();
    let mut errors = Vec::new();
    while errors.len() < 500 {
        let (array, gemm) = (array(), gemm()).new_tree(&mut runner).unwrap().current();
        if short_rest(&array, &gemm) != short {
            continue;
        }
        let stepped = array.reference(&gemm, memory);
        assert_eq!(array.traffic(&gemm), stepped.memory_bytes, "{array:?} {gemm:?}");
        if stepped.tiles >= 30 {
            let closed = array.gemm(&gemm).seconds_at(memory as f64 * array.clock_hz) * array.clock_hz;
            let error = 100.0 * (closed / stepped.cycles as f64 - 1.0);
            errors.push(error.abs());
        }
    }
    errors.sort_by(f64::total_cmp);
    errors
}

/// Median, nine in ten and the largest error stay below these.
fn within(errors: &[f64], median: f64, nine_in_ten: f64, largest: f64) {
    let found = [errors[errors.len() / 2], errors[errors.len() * 9 / 10], errors[errors.len() - 1]];
    assert!(found[0] <= median && found[1] <= nine_in_ten && found[2] <= largest, "{found:?}");
}

#[test]
fn closed_form_is_within_2_per_cent_when_memory_keeps_up() {
    // The largest errors are of products of a few hundred cycles in several blocks, each with a remainder of its own.
    within(&errors(1 << 40, false), 0.1, 0.5, 10.0);
}

#[test]
fn bandwidth_bound_products_are_within_2_per_cent_mostly() {
    within(&errors(256, false), 0.1, 1.0, 20.0);
    within(&errors(16, false), 0.1, 3.0, 20.0);
}

#[test]
fn a_short_rest_of_what_streams_is_the_exception() {
    within(&errors(1 << 40, true), 10.0, 25.0, 50.0);
}

proptest! {
    /// Nothing beats the peak of the cells or of memory.
    #[test]
    fn reference_obeys_its_bounds(array in array(), gemm in gemm(), memory in 1u64..1_000) {
        let stepped = array.reference(&gemm, memory);
        let work = gemm.m * gemm.k * gemm.n * array.passes(&gemm);
        prop_assert!(stepped.cycles >= work.div_ceil(array.rows * array.columns));
        prop_assert!(stepped.cycles >= stepped.memory_bytes / memory);
        prop_assert!(array.gemm(&gemm).cycles >= work.div_ceil(array.rows * array.columns));
        prop_assert_eq!(array.reference(&gemm, memory), stepped, "the same twice");
    }

    /// A single tile takes what is worked out by hand: its values, the skew of the last cell, and its rows to leave.
    #[test]
    fn one_tile_takes_its_stream_and_its_fill(array in array(), k in 100u64..200) {
        let array = MacArray { dataflow: Dataflow::OutputStationary, buffer_bytes: 1 << 20, ..array };
        let gemm = Gemm { m: array.rows, k, n: array.columns, word_bits: array.word_bits, prime: false };
        let stepped = array.reference(&gemm, 1 << 40);
        let hand = k + 2 * array.rows + array.columns - 2;
        prop_assert_eq!(array.gemm(&gemm).cycles, hand);
        // The first load and the last store take one cycle each.
        prop_assert!(stepped.cycles.abs_diff(hand) <= 2, "{} {hand}", stepped.cycles);
    }
}
