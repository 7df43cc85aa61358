//! From primitive rates to the costs of one core: every cost is measured by itself, or is what one measurement takes
//! beyond the costs that are known already. No inference is timed.

use super::circuits::{self, Garbling, RING_BITS, Side};
use super::linear;
use super::memory::{self, Bandwidth};
use super::timing::{Effort, Timing};
use super::{RESIDENT, STREAMING};
use crate::error::Result;
use crate::gc::CHUNK;
use crate::ring;
use pisim_protocol::ConvShape;
use pisim_protocol::gadgets::Activation;

/// One cost of a processor, by the name of its key in a platform file.
#[derive(Debug, Clone, PartialEq)]
pub struct Cost {
    /// The key under `cpu.cost`.
    pub key: &'static str,
    /// Seconds of one core.
    pub seconds: f64,
    /// How it was measured.
    pub how: String,
}

/// What was measured of this machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// Threads that worked at the same time.
    pub threads: usize,
    /// Clock of a busy core in hertz.
    pub clock_hz: f64,
    /// Costs of one core while all threads work.
    pub costs: Vec<Cost>,
    /// Memory bandwidth of all threads.
    pub bandwidth: Bandwidth,
    /// Seconds of one dependent access to memory.
    pub memory_latency_s: f64,
    /// Bytes per second that cross an in-memory connection with a thread at each end.
    pub copy_bytes_per_s: f64,
    /// Seconds for a byte to the other party's thread and back.
    pub round_trip_s: f64,
}

/// Steps that [`calibrate`] reports as it goes.
pub const STAGES: usize = 7;

/// Measures every cost on the calling thread pool. `progress` is told what comes next, [`STAGES`] times.
///
/// # Errors
/// None on a working machine: the parameters are fixed.
pub fn calibrate(effort: Effort, progress: &mut dyn FnMut(&str)) -> Result<Calibration> {
    let threads = rayon::current_num_threads();
    let mut costs = Vec::new();
    progress("garbling");
    costs.extend(garbling(threads, effort)?);
    progress("oblivious transfer");
    costs.extend(transfers(threads, effort)?);
    progress("linear layers on shares");
    costs.extend(ring(threads, effort));
    progress("linear layers under encryption");
    costs.extend(encryption(threads, effort)?);
    progress("memory");
    let (bandwidth, memory_latency) = (memory::bandwidth(effort), memory::latency(effort));
    costs.push(free(
        "kept_byte",
        "memory is used again from inference to inference; in the figures of tables and labels",
    ));
    progress("messages between threads");
    let copying = memory::copying(effort)?;
    progress("clock");
    Ok(Calibration {
        threads,
        clock_hz: memory::clock_hz(),
        costs,
        bandwidth,
        memory_latency_s: memory_latency.median_s,
        copy_bytes_per_s: 1.0 / copying.byte.median_s,
        round_trip_s: copying.round_trip.median_s,
    })
}

/// A cost that one measurement gives, with how disturbed it was.
fn direct(key: &'static str, timing: Timing, what: &str) -> Cost {
    let spread = timing.median_s / timing.best_s;
    Cost { key, seconds: timing.median_s, how: format!("{what}; {spread:.2} times the fastest") }
}

fn free(key: &'static str, why: &str) -> Cost {
    Cost { key, seconds: 0.0, how: why.to_owned() }
}

/// Core-seconds of a measurement: all threads, less the idle ones at the end when `items` do not divide evenly.
fn core_s(timing: Timing, threads: usize, items: u64) -> f64 {
    let (threads, items) = (threads as u64, items.max(1));
    timing.median_s * items as f64 / items.div_ceil(threads) as f64
}

/// Gates from whole chunks, less their labels, which the model charges by themselves. A chunk is garbled into memory that is
/// used again, before it is sent; it is evaluated from memory that is in no cache,
/// which is wiped and given back.
fn garbling(threads: usize, effort: Effort) -> Result<Vec<Cost>> {
    let label = circuits::encoding(effort);
    let per_core = label.map(|seconds| seconds * threads as f64);
    let gates = |key, side: Side, what: &str| {
        let of_gates = |all: f64, label: f64| (all * threads as f64 - side.work.labels as f64 * label).max(0.0);
        let gates = side.time.with(per_core, of_gates);
        direct(
            key,
            gates.per(side.work.and_gates as f64),
            &format!("ring ReLUs in chunks of {CHUNK}, {what}, less labels"),
        )
    };
    let resident = Garbling::new(Activation::Relu, RESIDENT, effort)?.garble()?;
    let kept = Garbling::new(Activation::Relu, STREAMING, effort)?.evaluate_kept()?;
    Ok(vec![
        gates("garble_and", resident, "into memory that is used again"),
        gates("evaluate_and", kept, "from memory that streams and is wiped and given back"),
        free("xor_gate", "in the AND gates' figures"),
        direct("label", per_core, "online labels of 2,048 shares chosen and written, all threads"),
    ])
}

fn transfers(threads: usize, effort: Effort) -> Result<Vec<Cost>> {
    let [received, sent] = circuits::Transfers::new(effort)?.extend(STREAMING)?;
    let extended = received.with(sent, |received, sent| 0.5 * threads as f64 * (received + sent));
    let hash = super::aes_block(effort).map(|seconds| seconds * threads as f64);
    Ok(vec![
        direct("extended_ot", extended, "chunks of 65,536 transfers, mean of receiver and sender, all threads"),
        direct("base_ot", circuits::base_transfers(effort)?, "128 transfers, mean of both parties, one thread"),
        direct("hash_call", hash.per(0.5), "two AES blocks of a wide batch, all threads"),
    ])
}

/// Convolutions on shares: what many output channels take more than few is products, the rest is gathering.
fn ring(threads: usize, effort: Effort) -> Vec<Cost> {
    let few = linear::shape(64, 32, ring::GROUP * threads, 3);
    let many = linear::shape(64, 32, ring::GROUP * threads * 8, 3);
    let solve = |bits| {
        let [small, large] = [&few, &many].map(|shape| linear::ring_convolution(shape, bits, effort));
        let products = |shape: &ConvShape| shape.macs() as f64 / threads as f64;
        let more = products(&many) - products(&few);
        let mac = large.with(small, |large, small| (large - small).max(0.0) / more);
        let gathered = (few.taps() * few.out_height() * few.out_width()) as f64 / threads as f64;
        (mac, small.with(mac, |small, mac| (small - products(&few) * mac).max(0.0) / gathered))
    };
    let ((mac, gather), (wide_mac, _)) = (solve(RING_BITS), solve(64));
    let what = "64 channels of 32x32 pixels, 3x3, all threads: what more output channels add";
    vec![
        direct("ring_mac", mac, what),
        direct("wide_ring_mac", wide_mac, what),
        direct("ring_gather", gather, "the same, without its products"),
        direct("ring_add", linear::ring_addition(effort), "vectors of 65,536 shares, one thread"),
        direct("ring_sample", linear::ring_mask(effort), "masks of 65,536 shares, one thread"),
    ]
}

/// Inner loops by themselves; then what encryptions, replies and decryptions take beyond these, each from the layers of a
/// residual network.
fn encryption(threads: usize, effort: Effort) -> Result<Vec<Cost>> {
    let encryption = linear::Encryption::new(effort)?;
    let loops = encryption.inner_loops()?;
    let degree = encryption.degree() as f64;
    let butterflies = degree * degree.log2() / 2.0;
    let shapes =
        [(64, 32, 64), (128, 16, 128), (256, 8, 256), (512, 4, 512)].map(|(i, size, o)| linear::shape(i, size, o, 3));
    // Seconds that are left, and what they are shared by.
    let mut rests = [(0.0, 0.0); 3];
    for shape in shapes {
        for (operation, rest) in encryption.layer(shape)?.iter().zip(&mut rests) {
            rest.0 += core_s(operation.time, threads, operation.items) - loops.seconds(operation);
            rest.1 += operation.ciphertexts as f64 * degree;
        }
    }
    let beyond = |key, (seconds, coefficients): (f64, f64), what: &str| Cost {
        key,
        seconds: (seconds / coefficients).max(0.0),
        how: format!("{what} of four 3x3 layers from 64 to 512 channels, all threads, less all of the above"),
    };
    let [encrypt, reply, decrypt] = rests;
    Ok(vec![
        direct("ntt_butterfly", loops.transform.per(butterflies), "transforms of degree 4096, all threads"),
        direct("he_product", loops.product, "products of ciphertexts and weights in passes of a layer, all threads"),
        direct("mod_mul", loops.reduced, "products that are reduced at once, all threads"),
        direct("he_sample", loops.sample, "polynomials of every kind, all threads"),
        direct("he_byte", loops.byte, "polynomials packed and unpacked, all threads"),
        direct("he_weight", loops.weight, "weights of a 3x3 layer on 8x8 pixels, both limbs, all threads"),
        beyond("encrypt_coefficient", encrypt, "inputs"),
        beyond("reply_coefficient", reply, "replies"),
        beyond("decrypt_coefficient", decrypt, "replies"),
        free("key_switch_coefficient", "no protocol of this version switches keys"),
    ])
}
