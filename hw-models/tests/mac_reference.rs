//! The MAC array's closed form against its cycle-stepped reference, over random products, arrays and memories.
#![allow(clippy::unwrap_used, reason = "tests may fail")]

use pisim_hw_models::{Dataflow, Gemm, MacArray, PrimeReduction, Technology};
use proptest::prelude::*;

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

#[test]
fn show() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for memory in [1u64 << 40, 256, 16] {
        let mut errors = Vec::new();
        for _ in 0..2000 {
            let (array, gemm) = (array(), gemm()).new_tree(&mut runner).unwrap().current();
            let stepped = array.reference(&gemm, memory);
            if stepped.memory_bytes != array.traffic(&gemm) {
                println!("TRAFFIC {} {}", stepped.memory_bytes, array.traffic(&gemm));
            }
            let closed = array.cycles_at(&gemm, memory) as f64;
            errors.push((
                100.0 * (closed / stepped.cycles as f64 - 1.0),
                array.clone(),
                gemm,
                stepped,
                array.buffer_order(&gemm),
            ));
        }
        for least in [1u64, 10, 30, 100] {
            let mut some: Vec<_> = errors.iter().filter(|e| e.3.tiles >= least).collect();
            some.sort_by(|a, b| a.0.abs().total_cmp(&b.0.abs()));
            let q = |p: usize| some[p * (some.len() - 1) / 100].0;
            println!(
                "{memory} tiles >= {least}: n {} p50 {:.2} p75 {:.2} p90 {:.2} p95 {:.2} p99 {:.2} max {:.2}",
                some.len(),
                q(50),
                q(75),
                q(90),
                q(95),
                q(99),
                q(100)
            );
            for e in some.iter().rev().take(2) {
                println!("    {:.2} {:?} {:?} {:?} {:?}", e.0, e.2, e.3, e.4, e.1);
            }
        }
    }
}
