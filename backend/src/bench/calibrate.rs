//! From primitive rates to the costs of one core: every cost is measured by itself, or solved for from measurements of one
//! backend function in which several come together. No inference is timed.

use super::circuits::{self, RING_BITS};
use super::fit::{Fit, Sample, fit};
use super::linear::{self, Operation};
use super::memory::{self, Bandwidth};
use super::timing::Timing;
use super::{RESIDENT, STREAMING};
use crate::error::Result;
use crate::gc::CHUNK;
use pisim_protocol::Work;
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
pub fn calibrate(progress: &mut dyn FnMut(&str)) -> Result<Calibration> {
    let threads = rayon::current_num_threads();
    let mut costs = Vec::new();
    progress("garbling");
    costs.extend(garbling(threads)?);
    progress("oblivious transfer");
    costs.extend(transfers(threads)?);
    progress("linear layers on shares");
    costs.extend(ring(threads));
    progress("linear layers under encryption");
    costs.extend(encryption(threads)?);
    progress("memory");
    let (bandwidth, memory_latency, fresh) = (memory::bandwidth(), memory::latency(), memory::fresh_memory());
    costs.push(direct("kept_byte", fresh, "first touch of 64 MiB from the operating system, one thread"));
    progress("messages between threads");
    let copying = memory::copying()?;
    progress("clock");
    Ok(Calibration {
        threads,
        clock_hz: memory::clock_hz(),
        costs,
        bandwidth,
        memory_latency_s: memory_latency.best_s,
        copy_bytes_per_s: 1.0 / copying.byte.best_s,
        round_trip_s: copying.round_trip.best_s,
    })
}

/// A cost that one measurement gives, with how disturbed it was.
fn direct(key: &'static str, timing: Timing, what: &str) -> Cost {
    let spread = timing.median_s / timing.best_s;
    Cost { key, seconds: timing.best_s, how: format!("{what}; median {spread:.2} times the fastest") }
}

fn free(key: &'static str, why: &str) -> Cost {
    Cost { key, seconds: 0.0, how: why.to_owned() }
}

/// Costs that a fit gives, in the order of its columns.
fn fitted(keys: &[&'static str], solution: &Fit, what: &str) -> Vec<Cost> {
    let how = format!("{what}; worst residual {:.0} %", 100.0 * solution.worst);
    let cost = |(key, seconds): (&&'static str, &f64)| Cost { key, seconds: *seconds, how: how.clone() };
    keys.iter().zip(&solution.costs).map(cost).collect()
}

/// Core-seconds of a measurement: all threads, less the idle ones at the end when `items` do not divide evenly.
fn core_s(timing: Timing, threads: usize, items: u64) -> f64 {
    let (threads, items) = (threads as u64, items.max(1));
    timing.best_s * items as f64 / items.div_ceil(threads) as f64
}

/// Gates by least squares over chunks of several sizes: a fixed part per chunk, and a part per AND gate. Tables are garbled
/// into memory that is used again, and evaluated from memory that is in no cache.
fn garbling(threads: usize) -> Result<Vec<Cost>> {
    let label = circuits::encoding();
    let label_s = label.best_s * threads as f64;
    let sample = |chunks: usize, work: Work, timing: Timing| {
        // The model charges labels by themselves, so their time is taken off the gates.
        let seconds = timing.best_s * threads as f64;
        let gates_s = (seconds - work.labels as f64 * label_s).max(0.1 * seconds);
        Sample { counts: vec![chunks as f64, work.and_gates as f64], seconds: gates_s }
    };
    let (mut garble, mut evaluate) = (Vec::new(), Vec::new());
    for part in [8, 4, 2, 1] {
        let resident = circuits::garbling(Activation::Relu, CHUNK / part, RESIDENT)?;
        garble.push(sample(RESIDENT, resident.garble, resident.garble_time));
        let streaming = circuits::garbling(Activation::Relu, CHUNK / part, STREAMING * part)?;
        evaluate.push(sample(STREAMING * part, streaming.evaluate, streaming.evaluate_time));
    }
    let gates = |key, samples: &[Sample], what: &str| {
        let solution = fit(samples);
        let [chunk_s, gate_s] = [0, 1].map(|column| solution.costs.get(column).copied().unwrap_or_default());
        let how = format!(
            "whole ring ReLUs in chunks of 256 to 2,048, {what}, all threads, less labels; least squares with {:.0} \
             core-us per chunk; worst residual {:.0} %",
            1e6 * chunk_s,
            100.0 * solution.worst
        );
        Cost { key, seconds: gate_s, how }
    };
    let per_core = Timing { best_s: label_s, median_s: label.median_s * threads as f64 };
    Ok(vec![
        gates("garble_and", &garble, "into memory that is used again"),
        gates("evaluate_and", &evaluate, "from memory that streams"),
        free("xor_gate", "in the AND gates' figures"),
        direct("label", per_core, "online labels of 2,048 shares chosen and written, all threads"),
    ])
}

fn transfers(threads: usize) -> Result<Vec<Cost>> {
    let [received, sent] = circuits::Transfers::new()?.extend()?;
    let per_core = 0.5 * threads as f64;
    let extended = Timing {
        best_s: per_core * (received.best_s + sent.best_s),
        median_s: per_core * (received.median_s + sent.median_s),
    };
    let block = super::aes_block();
    let hash = Timing { best_s: block.best_s * threads as f64, median_s: block.median_s * threads as f64 };
    Ok(vec![
        direct("extended_ot", extended, "chunks of 65,536 transfers, mean of receiver and sender, all threads"),
        direct("base_ot", circuits::base_transfers()?, "128 transfers, mean of both parties, one thread"),
        direct("hash_call", hash.per(0.5), "two AES blocks of a wide batch, all threads"),
    ])
}

/// Convolutions on shares by least squares over shapes of all kinds: products on all threads, gathering and widening on one.
fn ring(threads: usize) -> Vec<Cost> {
    let shapes = [
        linear::shape(64, 32, 64, 3),
        linear::shape(160, 16, 96, 3),
        linear::shape(256, 8, 256, 3),
        linear::shape(384, 4, 384, 3),
        linear::shape(128, 16, 256, 1),
        linear::shape(3, 32, 64, 3),
        linear::shape(2048, 1, 200, 1),
    ];
    let solve = |bits| {
        let sample = |shape: &pisim_protocol::ConvShape| {
            let (taps, pixels) = (shape.taps(), shape.out_height() * shape.out_width());
            let per_thread = shape.macs() as f64 / threads.min(shape.out_channels) as f64;
            let counts = vec![per_thread, (taps * pixels) as f64, (taps * shape.out_channels) as f64];
            Sample { counts, seconds: linear::ring_convolution(shape, bits).best_s }
        };
        fit(&shapes.iter().map(sample).collect::<Vec<_>>())
    };
    let what = "seven convolutions from 32x32 to 1x1 pixels; least squares, products on all threads, the rest on one";
    let mut costs = fitted(&["ring_mac", "ring_gather", "ring_weight"], &solve(RING_BITS), what);
    let wide = fitted(&["wide_ring_mac"], &solve(64), what);
    costs.extend(wide);
    costs.push(direct("ring_add", linear::ring_addition(), "vectors of 65,536 shares, one thread"));
    costs.push(direct("ring_sample", linear::ring_mask(), "masks of 65,536 shares, one thread"));
    costs
}

/// Transforms by themselves; everything else by least squares over encryption, evaluation and decryption of layers.
fn encryption(threads: usize) -> Result<Vec<Cost>> {
    let encryption = linear::Encryption::new()?;
    let transform = encryption.transform();
    let degree = encryption.degree() as f64;
    let shapes = [
        linear::shape(64, 16, 64, 3),
        linear::shape(128, 8, 128, 3),
        linear::shape(256, 4, 256, 3),
        linear::shape(16, 32, 32, 3),
        linear::shape(128, 8, 256, 1),
        linear::shape(1024, 1, 128, 1),
    ];
    let mut samples = Vec::new();
    for shape in shapes {
        let operations = encryption.layer(shape)?;
        samples.extend(operations.iter().map(|operation| sample(operation, threads, transform.best_s, degree)));
    }
    let butterfly = transform.per(degree * degree.log2() / 2.0);
    let mut costs = vec![direct("ntt_butterfly", butterfly, "transforms of degree 4096, one in each thread")];
    let keys = ["mod_mul", "he_sample", "he_weight", "he_byte", "encrypt_coefficient", "decrypt_coefficient"];
    let what = "encrypting, evaluating and decrypting six layers, all threads, less transforms; least squares";
    costs.extend(fitted(&keys, &fit(&samples), what));
    costs.push(free("key_switch_coefficient", "no protocol of this version switches keys"));
    Ok(costs)
}

/// What is left of an operation without its transforms.
fn sample(operation: &Operation, threads: usize, transform_s: f64, degree: f64) -> Sample {
    let work = &operation.work;
    let counts = vec![
        work.mod_muls as f64,
        work.sampled_coefficients as f64,
        operation.weights as f64,
        operation.bytes as f64,
        work.encryptions as f64 * degree,
        work.decryptions as f64 * degree,
    ];
    let seconds = core_s(operation.time, threads, operation.items);
    Sample { counts, seconds: (seconds - work.ntts as f64 * transform_s).max(0.1 * seconds) }
}
