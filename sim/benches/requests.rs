//! A sweep of arrival rates: 8 rates × 30 runs × 24 hours around the capacity, on one core.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot run has nothing to say")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pisim_sim::requests::{Load, Policy, RequestConfig, Service, simulate_requests};
use std::hint::black_box;

fn sweep(criterion: &mut Criterion) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let mut group = criterion.benchmark_group("requests");
    group.sample_size(10);
    // Delphi's ResNet-18 as published, and an accelerated protocol with a hundred times the requests.
    for (name, offline_s, online_s) in [("delphi", 478.0, 61.0), ("accelerated", 4.0, 0.6)] {
        let service = Service { offline_s, online_s, client_bytes: 10 << 30, server_bytes: 2 << 30, units: vec![] };
        for policy in [Policy::Published, Policy::Overlap, Policy::Servers(4)] {
            let config = RequestConfig { policy, ..RequestConfig::default() };
            let capacity = service.capacity_per_s(&config).unwrap();
            let rates_per_s: Vec<f64> = (1..=8).map(|i| capacity * f64::from(i) * 0.19).collect();
            let requests = rates_per_s.iter().sum::<f64>() * config.horizon_s() * 30.0;
            let config = RequestConfig { load: Load::Poisson { rates_per_s, runs: 30, seed: 1 }, ..config };
            group.throughput(Throughput::Elements(requests as u64));
            group.bench_function(format!("{name}, {policy}"), |bencher| {
                bencher.iter(|| pool.install(|| black_box(simulate_requests(&service, &config, &|| ()).unwrap())));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, sweep);
criterion_main!(benches);
