//! Measured rates of the primitives, on the calling thread pool: what `pisim bench` prints, each next to its limit, and the
//! [`calibrate`] that turns them into the costs of a processor.

mod calibrate;
mod circuits;
mod linear;
mod memory;
mod timing;

pub use calibrate::{Calibration, Cost, STAGES, calibrate};
pub use memory::{Bandwidth, bandwidth};
pub use timing::{Effort, Timing};

use crate::error::Result;
use crate::simd::{AesKey, encrypt_counters};
use circuits::{Garbling, Side};
use pisim_protocol::gadgets::Activation;
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;

/// Measured rates; each is the fastest of many samples. A primitive that no protocol uses yet has none.
#[derive(Debug, Clone, Serialize)]
pub struct Rates {
    /// Nanoseconds per AND gate, garbling ring ReLUs (k = 32, f = 8) whole: XORs, labels and decoding included. A batch
    /// whose tables stay in the last-level cache.
    pub garble_and_ns: f64,
    /// Nanoseconds per AND gate, evaluating them.
    pub evaluate_and_ns: f64,
    /// Nanoseconds per extended oblivious transfer, receiver and sender together.
    pub extended_ot_ns: f64,
    /// Microseconds per forward transform of one 36-bit limb on one thread, by ring degree.
    pub ntt_us: BTreeMap<String, f64>,
    /// Microseconds per ciphertext × plaintext (N = 4096, 109 bits, both transformed), on one thread.
    pub he_plain_mul_us: f64,
    /// Microseconds per rotation; none while no protocol rotates.
    pub he_rotate_us: Option<f64>,
    /// Nanoseconds per multiply-accumulate in Z_2^32 (64 → 64 channels, 3×3, 32×32).
    pub ring_mac_ns: f64,
    /// Nanoseconds per multiply-accumulate in Z_2^32 on vector registers, nothing loaded or stored: the limit of the former.
    pub register_mac_ns: f64,
    /// Nanoseconds per AES block in wide batches: the limit of garbling.
    pub aes_block_ns: f64,
    /// AES blocks per second of the whole pool.
    pub aes_blocks_per_s: f64,
    /// Memory bandwidth of the whole pool in GB/s: reading.
    pub memory_read_gb_per_s: f64,
    /// Writing.
    pub memory_write_gb_per_s: f64,
    /// Copying, bytes read plus bytes written.
    pub memory_copy_gb_per_s: f64,
    /// Nanoseconds per AND gate of a whole layer's garbling, whose tables stream to memory.
    pub garble_and_streaming_ns: f64,
    /// Nanoseconds per AND gate of a whole layer's evaluation, whose tables stream from memory.
    pub evaluate_and_streaming_ns: f64,
    /// The clock of a busy core in GHz.
    pub clock_ghz: f64,
    /// Threads used.
    pub threads: usize,
}

/// AES blocks per AND gate, garbling: two half gates of two hashes each, and a hash is two permutations.
pub const GARBLE_BLOCKS: f64 = 8.0;
/// AES blocks per AND gate, evaluating: one hash per half gate.
pub const EVALUATE_BLOCKS: f64 = 4.0;
/// AES blocks per oblivious transfer at both ends: 32 small fields, 16 streams of a bit each at the receiver and 15 at the
/// sender (SoftSpoken, k = 4), over 128 bits.
pub const TRANSFER_BLOCKS: f64 = 32.0 * (16.0 + 15.0) / 128.0;
/// Chunks whose tables (6 MB) stay in the last-level cache, and of a layer whose tables (192 MB) do not.
const RESIDENT: usize = 1;
const STREAMING: usize = 32;

/// Measures every primitive.
///
/// # Errors
/// None on a working machine: the parameters are fixed.
pub fn measure() -> Result<Rates> {
    let per_gate = |side: Side| 1e9 * side.time.best_s / side.work.and_gates as f64;
    let effort = Effort::Careful;
    let mut resident = Garbling::new(Activation::Relu, RESIDENT, effort)?;
    let mut streaming = Garbling::new(Activation::Relu, STREAMING, effort)?;
    let mut ntt_us = BTreeMap::new();
    for degree in [4096, 8192] {
        let context = linear::context(degree, vec![36])?;
        let mut poly = context.lift(&vec![12345; degree]);
        ntt_us.insert(degree.to_string(), 1e6 * effort.time(|| context.forward(&mut poly)).best_s);
    }
    let context = linear::context(4096, vec![36, 36, 37])?;
    let (factor, mut halves) = (context.lift(&[77; 4096]), [context.zero(), context.zero()]);
    let multiply = effort.time(|| halves.iter_mut().for_each(|half| context.mul_add(half, &factor, &factor)));
    let [received, sent] = circuits::Transfers::new(effort)?.extend(RESIDENT)?;
    let convolution = linear::shape(64, 32, 64, 3);
    let block_s = aes_block(effort).best_s;
    let memory = bandwidth(effort);
    Ok(Rates {
        garble_and_ns: per_gate(resident.garble()?),
        evaluate_and_ns: per_gate(resident.evaluate()?),
        extended_ot_ns: 1e9 * (received.best_s + sent.best_s),
        ntt_us,
        he_plain_mul_us: 1e6 * multiply.best_s,
        he_rotate_us: None,
        ring_mac_ns: 1e9 * linear::ring_convolution(&convolution, 32, effort).best_s / convolution.macs() as f64,
        register_mac_ns: 1e9 * register_mac(effort).best_s,
        aes_block_ns: 1e9 * block_s,
        aes_blocks_per_s: 1.0 / block_s,
        memory_read_gb_per_s: memory.read / 1e9,
        memory_write_gb_per_s: memory.write / 1e9,
        memory_copy_gb_per_s: memory.copy / 1e9,
        garble_and_streaming_ns: per_gate(streaming.garble()?),
        evaluate_and_streaming_ns: per_gate(streaming.evaluate()?),
        clock_ghz: memory::clock_hz() / 1e9,
        threads: rayon::current_num_threads(),
    })
}

/// Seconds per AES block of the whole pool, every thread on batches of its own in the first-level cache (counter mode).
fn aes_block(effort: Effort) -> Timing {
    const BLOCKS: usize = 1 << 10;
    const ROUNDS: usize = 64;
    let key = AesKey::new(&[7; 16]);
    let mut batches = vec![vec![1; BLOCKS]; rayon::current_num_threads()];
    let total = (batches.len() * BLOCKS * ROUNDS) as f64;
    let one = |blocks: &mut Vec<u128>| {
        (0..ROUNDS).for_each(|round| encrypt_counters(&key, round as u64, std::hint::black_box(blocks)));
    };
    effort.time(|| batches.par_iter_mut().for_each(one)).per(total)
}

/// Seconds per multiply-accumulate of the whole pool on vector registers, at every width that this machine has.
fn register_mac(effort: Effort) -> Timing {
    // Enough independent sums to keep the multipliers busy in every vector width.
    const SUMS: usize = 128;
    const ROUNDS: usize = 4096;
    let kernel = pulp::Arch::new();
    let one = |sums: &mut [u32; SUMS]| {
        kernel.dispatch(
            #[inline(always)]
            || {
                let mut local = *sums;
                for round in 0..ROUNDS as u32 {
                    let factor = round | 1;
                    local.iter_mut().for_each(|sum| *sum = sum.wrapping_mul(factor).wrapping_add(round));
                }
                *sums = local;
            },
        );
    };
    let mut sums = vec![[3; SUMS]; rayon::current_num_threads()];
    let total = (sums.len() * SUMS * ROUNDS) as f64;
    effort.time(|| std::hint::black_box(&mut sums).par_iter_mut().for_each(one)).per(total)
}
