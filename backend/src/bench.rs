//! Measured rates of the primitives, on the calling thread pool: what `pisim bench` prints.

use crate::buffer::Buffer;
use crate::counter::Counter;
use crate::error::{BackendError, Result};
use crate::gc::{Block, CHUNK, EvaluatorLabels, GarblerInputs, GatePlan, LabelSource, evaluate_chunk, garble_chunk};
use crate::he::HeContext;
use crate::ot::{BaseReceiver, BaseSender, ExtensionReceiver, ExtensionSender};
use crate::random::Seed;
use crate::ring;
use crate::simd::{AesKey, encrypt_counters};
use pisim_protocol::gadgets::{Activation, activation_circuit};
use pisim_protocol::he::HeParams;
use pisim_protocol::{ConvShape, Party};
use serde::Serialize;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Measured rates. A primitive that no protocol uses yet has none.
#[derive(Debug, Clone, Serialize)]
pub struct Rates {
    /// Nanoseconds per AND gate, garbling ring ReLUs (k = 32, f = 8) whole: XORs, labels and decoding included.
    pub garble_and_ns: f64,
    /// Nanoseconds per AND gate, evaluating them.
    pub evaluate_and_ns: f64,
    /// Nanoseconds per extended oblivious transfer, receiver and sender together.
    pub extended_ot_ns: f64,
    /// Microseconds per forward transform of one 36-bit limb, by ring degree.
    pub ntt_us: BTreeMap<String, f64>,
    /// Microseconds per ciphertext × plaintext (N = 4096, 109 bits, both transformed).
    pub he_plain_mul_us: f64,
    /// Microseconds per rotation; none while no protocol rotates.
    pub he_rotate_us: Option<f64>,
    /// Nanoseconds per multiply-accumulate in Z_2^32 (64 → 64 channels, 3×3, 32×32).
    pub ring_mac_ns: f64,
    /// Nanoseconds per AES block in wide batches: the limit of garbling.
    pub aes_block_ns: f64,
    /// Threads used.
    pub threads: usize,
}

/// Samples are at least this long, so that the clock does not matter.
const SAMPLE: Duration = Duration::from_millis(20);
const SAMPLES: usize = 7;

/// The median time of one call of `work`.
fn median_s(mut work: impl FnMut()) -> f64 {
    work();
    let mut samples: Vec<f64> = (0..SAMPLES)
        .map(|_| {
            let start = Instant::now();
            let mut calls = 0u32;
            while start.elapsed() < SAMPLE {
                work();
                calls += 1;
            }
            start.elapsed().as_secs_f64() / f64::from(calls)
        })
        .collect();
    samples.sort_by(f64::total_cmp);
    samples.get(SAMPLES / 2).copied().unwrap_or_default()
}

/// Measures every primitive.
///
/// # Errors
/// None on a working machine: the parameters are fixed.
pub fn measure() -> Result<Rates> {
    let (garble_s, evaluate_s) = garbling_s()?;
    let context = |degree, limb_bits| {
        let params = HeParams::new(degree, limb_bits, 1, 32, 40);
        let params = params.ok_or_else(|| BackendError::program("no primes for the benchmark"))?;
        HeContext::new(&params, Arc::new(Counter::default()))
    };
    let mut ntt_us = BTreeMap::new();
    for degree in [4096, 8192] {
        let context = context(degree, vec![36])?;
        let mut poly = context.lift(&vec![12345; degree]);
        ntt_us.insert(degree.to_string(), 1e6 * median_s(|| context.forward(&mut poly)));
    }
    let context = context(4096, vec![36, 36, 37])?;
    let (factor, mut halves) = (context.lift(&[77; 4096]), [context.zero(), context.zero()]);
    let multiply_s = median_s(|| halves.iter_mut().for_each(|half| context.mul_add(half, &factor, &factor)));
    Ok(Rates {
        garble_and_ns: 1e9 * garble_s,
        evaluate_and_ns: 1e9 * evaluate_s,
        extended_ot_ns: 1e9 * transfer_s()?,
        ntt_us,
        he_plain_mul_us: 1e6 * multiply_s,
        he_rotate_us: None,
        ring_mac_ns: 1e9 * ring_mac_s(),
        aes_block_ns: 1e9 * aes_block_s(),
        threads: rayon::current_num_threads(),
    })
}

/// Seconds per AND gate: garbling, evaluating. One chunk again and again in the same memory, as a layer that streams
/// does it: tables stay in the last-level cache and the operating system is not asked for pages.
fn garbling_s() -> Result<(f64, f64)> {
    let circuit = activation_circuit(Activation::Relu, Party::Server, 32, 8);
    let plan = GatePlan::new(&circuit)?;
    let counter = Counter::default();
    let zeros: Vec<Block> = (0..CHUNK * 32).map(|wire| wire as Block * 0x9e37_79b9_7f4a_7c15).collect();
    let own = LabelSource::new(&Seed::reproducible(1));
    let values = vec![5; CHUNK];
    let inputs = GarblerInputs {
        delta: 3 << 100 | 1,
        evaluator_zeros: &zeros,
        own: &own,
        offline_values: &values,
        first_gate: 0,
    };
    let mut tables = Buffer::of_blocks(CHUNK * plan.table_blocks());
    let (mut decoding, mut outputs) = (vec![0; CHUNK], vec![0; CHUNK]);
    let gates = (CHUNK as u64 * circuit.and_gates()) as f64;
    let mut done = garble_chunk(&plan, &inputs, 0, tables.blocks_mut(), &mut decoding, &counter);
    let garble_s = median_s(|| done = garble_chunk(&plan, &inputs, 0, tables.blocks_mut(), &mut decoding, &counter));
    done?;
    let labels = EvaluatorLabels { garbler_online: &zeros, evaluator: &zeros, offline: own.offline(), first_gate: 0 };
    let mut done = Ok(());
    let evaluate_s = median_s(|| {
        done = evaluate_chunk(&plan, &labels, 0, tables.blocks(), &decoding, black_box(&mut outputs), &counter);
    });
    done?;
    Ok((garble_s / gates, evaluate_s / gates))
}

/// Seconds per oblivious transfer, both ends one after the other.
fn transfer_s() -> Result<f64> {
    const TRANSFERS: usize = 1 << 16;
    let (counter, seed) = (Counter::default(), Seed::reproducible(2));
    let base = BaseSender::new(&seed);
    let choices: Vec<bool> = (0..128).map(|bit| bit % 3 == 0).collect();
    let delta = choices.iter().enumerate().map(|(bit, choice)| Block::from(*choice) << bit).sum();
    let chosen = BaseReceiver::choose(0, &base.offer(), &choices, &seed, &counter)?;
    let (mut receiver, trees) = ExtensionReceiver::new(&base.finish(0, &chosen.message, &counter)?)?;
    let mut sender = ExtensionSender::new(0, &chosen.keys, delta, &trees)?;
    let elements = vec![0x1234_5678_9abc_def0; TRANSFERS / 64];
    let mut failed = Ok(());
    let seconds = median_s(|| {
        let sent = receiver.extend(&elements, 64, &counter);
        let received = sent.and_then(|(_, message)| sender.extend(0, TRANSFERS, message.bytes(), &counter));
        failed = received.map(|zeros| drop(black_box(zeros)));
    });
    failed?;
    Ok(seconds / TRANSFERS as f64)
}

fn ring_mac_s() -> f64 {
    let shape =
        ConvShape { in_channels: 64, in_height: 32, in_width: 32, out_channels: 64, kernel: 3, stride: 1, padding: 1 };
    let (weights, input) = (vec![-3; 64 * 64 * 9], vec![123_456_789; shape.inputs()]);
    let counter = Counter::default();
    median_s(|| drop(black_box(ring::convolve(&shape, &weights, &input, 32, &counter)))) / shape.macs() as f64
}

/// Seconds per block, on one thread.
fn aes_block_s() -> f64 {
    let key = AesKey::new(&[7; 16]);
    let mut blocks = vec![1; 1 << 10];
    median_s(|| encrypt_counters(&key, 1, black_box(&mut blocks))) / blocks.len() as f64
}
