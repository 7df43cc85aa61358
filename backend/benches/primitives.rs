//! What everything else is made of: AES in counter mode at several widths, and memory.
//! `cargo bench -p pisim-backend --bench primitives`.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pisim_backend::Seed;
use pisim_backend::simd::{AesKey, encrypt_counters};
use std::hint::black_box;

/// From one vector to the first-level cache and beyond it.
fn aes(criterion: &mut Criterion) {
    let key = AesKey::new(&[7; 16]);
    let mut group = criterion.benchmark_group("AES-128 counter mode");
    for count in [4usize, 64, 1024, 65_536] {
        let mut blocks = vec![0; count];
        group.throughput(Throughput::Bytes(16 * count as u64));
        group.bench_function(BenchmarkId::from_parameter(format!("{count} blocks")), |bencher| {
            bencher.iter(|| encrypt_counters(&key, 1, black_box(&mut blocks)));
        });
    }
    group.finish();
}

/// ChaCha20 as masks are drawn, for shares of 32 bits.
fn masks(criterion: &mut Criterion) {
    const ELEMENTS: usize = 1 << 16;
    let seed = Seed::reproducible(1);
    let mut group = criterion.benchmark_group("masks");
    group.throughput(Throughput::Elements(ELEMENTS as u64));
    group.bench_function("65536 shares from a seed", |bencher| {
        bencher.iter(|| black_box(seed.ring_elements(ELEMENTS, 32)));
    });
    group.finish();
}

/// A copy that no cache holds.
fn memory(criterion: &mut Criterion) {
    const BYTES: usize = 128 << 20;
    let (source, mut target) = (vec![1u8; BYTES], vec![2u8; BYTES]);
    let mut group = criterion.benchmark_group("memory");
    group.sample_size(20);
    group.throughput(Throughput::Bytes(2 * BYTES as u64));
    group.bench_function("copy of 128 MiB, one thread", |bencher| {
        bencher.iter(|| black_box(&mut target).copy_from_slice(black_box(&source)));
    });
    group.finish();
}

criterion_group!(benches, aes, masks, memory);
criterion_main!(benches);
