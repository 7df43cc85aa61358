//! Oblivious-transfer extension on one thread: each end and both, beside the AES blocks that the transfers need.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot run has nothing to say")]

use aes::Aes128;
use aes::cipher::KeyInit;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pisim_backend::gc::{Block, encrypt_blocks};
use pisim_backend::ot::{BaseReceiver, BaseSender, ExtensionReceiver, ExtensionSender};
use pisim_backend::{Counter, Seed};
use pisim_protocol::wire;
use std::hint::black_box;
use std::time::Duration;

const TRANSFERS: usize = 1 << 17;
const DELTA: Block = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef;

fn setup() -> (ExtensionReceiver, ExtensionSender) {
    let (counter, seed) = (Counter::default(), Seed::reproducible(1));
    let base = BaseSender::new(&seed);
    let choices: Vec<bool> = (0..wire::BASE_OTS).map(|bit| DELTA >> bit & 1 == 1).collect();
    let chosen = BaseReceiver::choose(0, &base.offer(), &choices, &seed, &counter).unwrap();
    let (receiver, trees) = ExtensionReceiver::new(&base.finish(0, &chosen.message, &counter).unwrap()).unwrap();
    (receiver, ExtensionSender::new(0, &chosen.keys, DELTA, &trees).unwrap())
}

fn extension(criterion: &mut Criterion) {
    let (counter, (mut receiver, mut sender)) = (Counter::default(), setup());
    let first = receiver.reserve(TRANSFERS as u64).unwrap();
    assert_eq!(first, sender.reserve(TRANSFERS as u64).unwrap());
    let (mut labels, mut zeros) = (vec![0; TRANSFERS], vec![0; TRANSFERS]);
    let mut message = vec![0; wire::ot_columns_bytes(TRANSFERS as u64) as usize];
    let choices = vec![Block::MAX / 5; TRANSFERS / 128];

    let mut group = criterion.benchmark_group("ot");
    group.throughput(Throughput::Elements(TRANSFERS as u64));
    group.sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    // Each end computes 512 bits of streams per transfer.
    let (aes, mut blocks) = (Aes128::new(&[7; 16].into()), vec![1; 64]);
    group.bench_function("four AES blocks", |bencher| {
        bencher.iter(|| (0..4 * TRANSFERS / 64).for_each(|_| encrypt_blocks(&aes, black_box(&mut blocks))));
    });
    // The same numbers again: a benchmark has no secrets.
    group.bench_function("receiver", |bencher| {
        bencher.iter(|| receiver.extend_into(first, &choices, &mut labels, &mut message, &counter).unwrap());
    });
    group.bench_function("sender", |bencher| {
        bencher.iter(|| sender.extend_into(0, first, &message, &mut zeros, &counter).unwrap());
    });
    group.bench_function("both ends", |bencher| {
        bencher.iter(|| {
            receiver.extend_into(first, &choices, &mut labels, &mut message, &counter).unwrap();
            sender.extend_into(0, first, &message, &mut zeros, &counter).unwrap();
        });
    });
    group.finish();
}

fn setup_bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ot");
    group.sample_size(10).bench_function("setup of both ends", |bencher| bencher.iter(setup));
}

/// One thread for both ends, so that rates are those of a core.
fn on_one_thread(criterion: &mut Criterion) {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().unwrap();
    extension(criterion);
    setup_bench(criterion);
}

criterion_group!(benches, on_one_thread);
criterion_main!(benches);
