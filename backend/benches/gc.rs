//! Garbling and evaluating ring ReLUs (k = 32, f = 8) on one core, next to the AES that bounds them.
//!
//! A garbled AND gate is at least eight blocks of AES and an evaluated one four: compare with `aes block` of the same run.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark may stop on an error")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pisim_backend::gc::{
    Block, CHUNK, EvaluatorLabels, GarblerInputs, GatePlan, LabelSource, OfflineLabels, evaluate_chunk, garble_chunk,
};
use pisim_backend::simd::{AesKey, Path, encrypt_counters};
use pisim_backend::{Buffer, Counter, Seed};
use pisim_protocol::Party;
use pisim_protocol::gadgets::{Activation, activation_circuit};
use std::hint::black_box;

/// Chunks of a layer that streams: their tables are larger than the last-level cache.
const STREAMED: usize = 16;

struct Layer {
    plan: GatePlan,
    own: LabelSource,
    zeros: Vec<Block>,
    values: Vec<u128>,
    tables: Buffer,
    decoding: Vec<u64>,
    outputs: Vec<u64>,
    counter: Counter,
}

impl Layer {
    fn new(chunks: usize) -> Self {
        let plan = GatePlan::new(&activation_circuit(Activation::Relu, Party::Server, 32, 8)).unwrap();
        Self {
            own: LabelSource::new(&Seed::reproducible(1)),
            zeros: (0..CHUNK * 32).map(|wire| wire as Block * 0x9e37_79b9_7f4a_7c15).collect(),
            values: vec![5; CHUNK],
            tables: Buffer::of_blocks(chunks * CHUNK * plan.table_blocks()),
            decoding: vec![0; CHUNK],
            outputs: vec![0; CHUNK],
            counter: Counter::default(),
            plan,
        }
    }

    fn and_gates(&self) -> Throughput {
        Throughput::Elements(self.tables.blocks().len() as u64 / 2)
    }

    fn garble(&mut self) {
        let inputs = GarblerInputs {
            delta: 3 << 100 | 1,
            evaluator_zeros: &self.zeros,
            own: &self.own,
            offline_values: &self.values,
            first_gate: 0,
        };
        for (chunk, tables) in self.tables.blocks_mut().chunks_mut(CHUNK * self.plan.table_blocks()).enumerate() {
            garble_chunk(&self.plan, &inputs, chunk * CHUNK, tables, &mut self.decoding, &self.counter).unwrap();
        }
        black_box(self.tables.blocks());
    }

    fn evaluate(&mut self, offline: &OfflineLabels) {
        let labels = EvaluatorLabels { garbler_online: &self.zeros, evaluator: &self.zeros, offline, first_gate: 0 };
        for (chunk, tables) in self.tables.blocks().chunks(CHUNK * self.plan.table_blocks()).enumerate() {
            let (decoding, outputs) = (&self.decoding, &mut self.outputs);
            evaluate_chunk(&self.plan, &labels, chunk * CHUNK, tables, decoding, outputs, &self.counter).unwrap();
        }
        black_box(&self.outputs);
    }
}

fn garbling(criterion: &mut Criterion) {
    let one_core = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let mut group = criterion.benchmark_group(format!("gc {}", Path::current().name()));
    let key = AesKey::new(&[7; 16]);
    let mut blocks = vec![0; 1 << 10];
    group.throughput(Throughput::Elements(blocks.len() as u64));
    group.bench_function("aes block", |bencher| bencher.iter(|| encrypt_counters(&key, 1, black_box(&mut blocks))));
    for (name, chunks) in [("one chunk", 1), ("streamed", STREAMED)] {
        let mut layer = Layer::new(chunks);
        let offline = OfflineLabels::new(*layer.own.offline().seed());
        group.throughput(layer.and_gates());
        group.bench_function(format!("garble AND, {name}"), |bencher| {
            one_core.install(|| bencher.iter(|| layer.garble()));
        });
        group.bench_function(format!("evaluate AND, {name}"), |bencher| {
            one_core.install(|| bencher.iter(|| layer.evaluate(&offline)));
        });
    }
    group.finish();
}

criterion_group!(benches, garbling);
criterion_main!(benches);
