//! Points per second of a hardware sweep of full-size HRN-5x5x3x under `ring-gc`, at both levels, on one and on two cores. Rows are
//! made and thrown away: writing files is another matter.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot run has nothing to say")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pisim_settings::Source;
use pisim_sim::Level;
use pisim_sim::sweep::Sweep;
use rayon::ThreadPoolBuilder;
use std::hint::black_box;

/// Four axes in all parts of a platform. 8 · 8 · 4 · 32 = 8192 points.
const GRID: &str = r#"
networks = ["hrn-5x5x3x"]
hardware = ["haac-hbm2"]
[[axis]]
key = "hardware.server.gc_engine.engines"
range = { from = 1, to = 128, step = 2, scale = "log" }
[[axis]]
name = "lanes"
key = "hardware.server.he_engine.modmul_lanes"
range = { from = 32, to = 4096, step = 2, scale = "log" }
[[axis]]
key = "hardware.server.memory.channels"
values = [2, 4, 8, 16]
[[axis]]
name = "link"
keys = ["hardware.link.up", "hardware.link.down"]
range = { from = "10 Mbps", to = "100 Gbps", steps = 32, scale = "log" }
[[derived]]
key = "hardware.server.he_engine.automorphism_lanes"
value = "lanes / 2"
"#;

/// The same space, sampled: no two points share a part of the platform.
fn sample() -> String {
    let sampled = GRID.replace(", steps = 32", "").replace(", step = 2", "");
    format!("{sampled}[sampling]\nmethod = \"sobol\"\npoints = 8192\n")
        .replace("value = \"lanes / 2\"", "value = \"ceil(lanes / 2)\"")
}

fn sweeps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sweep");
    group.sample_size(10);
    for (name, text) in [("grid", GRID.to_owned()), ("sample", sample())] {
        for (what, level) in [("closed form", Level::ClosedForm), ("event", Level::Event)] {
            let mut sweep = Sweep::from_source(&Source::new("bench.toml", text.as_str())).unwrap();
            sweep.set_level(level);
            assert_eq!(sweep.points(), 8192);
            group.throughput(Throughput::Elements(sweep.points()));
            for threads in [1, 2] {
                let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                group.bench_function(format!("{name}, {what}, {threads} threads"), |bencher| {
                    bencher.iter(|| {
                        let parts = sweep.parts();
                        let run = || {
                            sweep
                                .run(&parts, &mut |chunk| {
                                    black_box(chunk);
                                    Ok(())
                                })
                                .unwrap()
                        };
                        assert_eq!(pool.install(run).failed, 0);
                    });
                });
            }
        }
    }
    group.finish();
}

criterion_group!(benches, sweeps);
criterion_main!(benches);
