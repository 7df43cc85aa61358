//! Homomorphic layers: the inner loops, and whole layers on the thread pool, next to raw AES.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use aes::Aes128;
use aes::cipher::KeyInit;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pisim_backend::gc::encrypt_blocks;
use pisim_backend::he::{
    BitReader, Ciphertext, HeContext, HomomorphicLayer, Kernels, SecretKey, decrypt_all, encrypt_each,
};
use pisim_backend::{Counter, Seed};
use pisim_protocol::he::HeParams;
use pisim_protocol::{ConvPlan, ConvShape};
use std::sync::Arc;

fn params(degree: usize) -> HeParams {
    HeParams::new(degree, vec![50, 50], 1, 32, 40).unwrap()
}

/// The reference of the same run.
fn raw_aes(criterion: &mut Criterion) {
    let aes = Aes128::new(&[7; 16].into());
    let mut blocks = vec![1; 4096];
    let mut group = criterion.benchmark_group("reference");
    group.throughput(Throughput::Elements(blocks.len() as u64));
    group.bench_function("aes blocks", |bencher| bencher.iter(|| encrypt_blocks(&aes, &mut blocks)));
}

fn kernels(criterion: &mut Criterion) {
    for degree in [4096, 8192] {
        let mut kernels = Kernels::new(&params(degree)).unwrap();
        let mut group = criterion.benchmark_group(format!("he {degree}"));
        group.bench_function("transform of a limb", |bencher| bencher.iter(|| kernels.transform()));
        group.throughput(Throughput::Elements(kernels.products() as u64));
        group.bench_function("ciphertext × plaintext in a limb", |bencher| bencher.iter(|| kernels.products()));
        group.throughput(Throughput::Elements(kernels.samples() as u64));
        group.bench_function("sampled coefficients", |bencher| bencher.iter(|| kernels.samples()));
    }
}

fn layers(criterion: &mut Criterion) {
    let he = params(4096);
    let context = HeContext::new(&he, Arc::new(Counter::default())).unwrap();
    let seed = Seed::reproducible(1);
    let (key, public_key) = SecretKey::generate(&context, &seed);
    for (name, in_channels, out_channels, size) in [("64×32×32", 64, 64, 32), ("512×4×4", 512, 512, 4)] {
        let (in_height, in_width) = (size, size);
        let shape = ConvShape { in_channels, in_height, in_width, out_channels, kernel: 3, stride: 1, padding: 1 };
        let plan = ConvPlan::choose(shape, &he, 11).unwrap();
        let weights: Vec<i32> = (0..(out_channels * shape.taps()) as i32).map(|index| index % 1024).collect();
        let (input, mask) = (vec![0x1234_5678; shape.inputs()], vec![7; shape.outputs()]);
        let mut group = criterion.benchmark_group(format!("layer {name}"));
        group.sample_size(10);
        let mut encrypted = Vec::new();
        group.bench_function("encrypt", |bencher| {
            bencher.iter(|| {
                encrypted.clear();
                encrypt_each(&context, &plan, &key, &input, &seed, |_, bytes| {
                    encrypted.push(bytes);
                    Ok(())
                })
            })
        });
        let read = |bytes: &Vec<u8>| Ciphertext::read(&context, &mut BitReader::new(bytes), 0).unwrap();
        let inputs: Vec<Ciphertext> = encrypted.iter().map(read).collect();
        let layer = HomomorphicLayer {
            context: &context,
            plan: &plan,
            weights: &weights,
            prepared: None,
            public_key: &public_key,
        };
        let mut replies = Vec::new();
        group.bench_function("evaluate", |bencher| {
            bencher.iter(|| {
                replies.clear();
                layer.evaluate_each(&inputs, &mask, &seed, |_, bytes| {
                    replies.extend(bytes);
                    Ok(())
                })
            })
        });
        group.bench_function("decrypt", |bencher| {
            bencher.iter(|| decrypt_all(&context, &plan, &key, &replies, 0).unwrap())
        });
    }
}

criterion_group!(benches, raw_aes, kernels, layers);
criterion_main!(benches);
