//! One platform evaluation of full-size HRN-5x5x3x under `ring-gc`, at every level of detail, on one core.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot run has nothing to say")]

use criterion::{Criterion, criterion_group, criterion_main};
use pisim_hw_models::Platform;
use pisim_netgen::NetworkSpec;
use pisim_protocol::{Protocol, lower};
use pisim_sim::{Level, Prepared, Workspace};
use std::hint::black_box;

fn evaluate(criterion: &mut Criterion) {
    let network = NetworkSpec::named("hrn-5x5x3x").unwrap().build().unwrap();
    let program = lower(&network, &Protocol::load("ring-gc").unwrap()).unwrap();
    let mut group = criterion.benchmark_group("hrn-5x5x3x");
    group.bench_function("prepare", |bencher| bencher.iter(|| black_box(Prepared::new(black_box(&program)))));
    let (prepared, mut workspace) = (Prepared::new(&program), Workspace::default());
    for name in ["haac-hbm2", "cpu-lan", "fpga-u280"] {
        let platform = Platform::builtin(name).unwrap();
        group.bench_function(format!("everything, {name}"), |bencher| {
            bencher.iter(|| black_box(prepared.simulate(black_box(&platform), Level::Event, &mut workspace).unwrap()));
        });
        for (what, level) in [("event summary", Level::Event), ("closed form", Level::ClosedForm)] {
            group.bench_function(format!("{what}, {name}"), |bencher| {
                bencher.iter(|| black_box(prepared.summarize(black_box(&platform), level, &mut workspace).unwrap()));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, evaluate);
criterion_main!(benches);
