//! The detailed garbled-circuit engine: gates per second on one core, compiling and stepping apart.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that cannot run has nothing to say")]

#[path = "../tests/common/mod.rs"]
mod common;

use common::{DDR4, HBM2, circuit, haac};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pisim_hw_models::gc::{MemoryPort, Order, Role};
use std::hint::black_box;

fn gates(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("gc");
    group.sample_size(10);
    let netlist = circuit(1, 4_096, 2_000_000, 25, 20_000);
    group.throughput(Throughput::Elements(netlist.gates.len() as u64));
    for (name, order) in [("full", Order::Full), ("baseline", Order::Baseline)] {
        let engine = haac(16).with_order(order);
        group.bench_function(format!("compile, {name}"), |bencher| {
            bencher.iter(|| black_box(engine.compile(&netlist).unwrap().live()));
        });
    }
    for (name, engines, port) in [
        ("16 engines, HBM2", 16, HBM2),
        ("16 engines, DDR4", 16, DDR4),
        ("1 engine, HBM2", 1, HBM2),
        ("16 engines, no memory", 16, MemoryPort::UNBOUNDED),
    ] {
        let engine = haac(engines);
        let program = engine.compile(&netlist).unwrap();
        group.bench_function(format!("step, {name}"), |bencher| {
            bencher.iter(|| black_box(engine.run(&program, Role::Garble, port).unwrap().cycles));
        });
    }
    group.finish();
}

criterion_group!(benches, gates);
criterion_main!(benches);
