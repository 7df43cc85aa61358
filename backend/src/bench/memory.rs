//! The machine under the cryptography: memory, the copy of messages between two parties in one process, and the clock.

use super::timing::{Effort, Timing};
use crate::error::Result;
use crate::memory::memory_pair;
use rayon::prelude::*;
use std::hint::black_box;
use std::io::{Read, Write};
use std::thread;
use std::time::Instant;

/// Bytes of one benchmark buffer: several times larger than the last-level cache of most machines.
const BUFFER_BYTES: usize = 192 << 20;
/// Bytes that a thread takes at a time: long enough to stream, short enough to balance.
const PART_WORDS: usize = 1 << 16;

/// Memory bandwidth that all threads together reach on buffers far larger than the caches, bytes per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bandwidth {
    /// Reading.
    pub read: f64,
    /// Writing.
    pub write: f64,
    /// Copying: bytes read plus bytes written.
    pub copy: f64,
}

/// Measures the bandwidth of the calling thread pool.
pub fn bandwidth(effort: Effort) -> Bandwidth {
    let words = BUFFER_BYTES / size_of::<u64>();
    let (source, mut target) = (vec![1u64; words], vec![2u64; words]);
    let sum = |part: &[u64]| part.iter().fold(0u64, |sum, word| sum.wrapping_add(*word));
    let read = effort.time(|| _ = black_box(source.par_chunks(PART_WORDS).map(sum).reduce(|| 0, u64::wrapping_add)));
    let write = effort.time(|| target.par_chunks_mut(PART_WORDS).for_each(|part| part.fill(black_box(7))));
    let copy = effort.time(|| {
        let pairs = target.par_chunks_mut(PART_WORDS).zip(source.par_chunks(PART_WORDS));
        pairs.for_each(|(target, source)| target.copy_from_slice(source));
    });
    let bytes = BUFFER_BYTES as f64;
    Bandwidth { read: bytes / read.best_s, write: bytes / write.best_s, copy: 2.0 * bytes / copy.best_s }
}

/// Seconds of one access to memory that depends on the one before, in a buffer far larger than the caches.
pub(super) fn latency(effort: Effort) -> Timing {
    const LINE_WORDS: usize = 16;
    const STEPS: usize = 1 << 14;
    let lines = BUFFER_BYTES / 64;
    // A full cycle through all lines with a stride that no prefetcher follows: odd, and near the golden section.
    let stride = (lines as f64 * 0.618) as usize | 1;
    let mut next = vec![0u32; lines * LINE_WORDS];
    for line in 0..lines {
        if let Some(slot) = next.get_mut(line * LINE_WORDS) {
            *slot = ((line + stride) % lines) as u32;
        }
    }
    let mut line = 0u32;
    let walk = effort.time(|| {
        for _ in 0..STEPS {
            line = next.get(line as usize * LINE_WORDS).copied().unwrap_or(0);
        }
        black_box(line);
    });
    walk.per(STEPS as f64)
}

/// The in-memory connection of two parties in one process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Copying {
    /// Seconds per byte, with a thread at each end.
    pub byte: Timing,
    /// Seconds for one byte there and one back.
    pub round_trip: Timing,
}

/// Measures the in-memory connection with long messages and with single bytes. A long message is sent as tables are: part by
/// part out of the same memory, into memory that is in no cache, since a receiver keeps them.
///
/// # Errors
/// No thread can be started.
pub(super) fn copying(effort: Effort) -> Result<Copying> {
    const PART: usize = 6 << 20;
    const BYTES: usize = BUFFER_BYTES;
    const PINGS: usize = 200;
    let (mut here, mut there) = memory_pair();
    // Echoes single bytes, and answers a long message with a byte.
    let peer = thread::Builder::new().spawn(move || -> std::io::Result<()> {
        let mut message = vec![1u8; BYTES];
        loop {
            let mut kind = [0];
            there.read_exact(&mut kind)?;
            if kind[0] == 1 {
                there.read_exact(&mut message)?;
            }
            there.write_all(&kind)?;
        }
    })?;
    let part = vec![3u8; PART];
    let mut failed = Ok(());
    let mut exchange = |kind: u8, parts: usize| {
        let mut answer = [0];
        let mut send = || here.write_all(&[kind]).and_then(|()| (0..parts).try_for_each(|_| here.write_all(&part)));
        let done = send();
        failed = done.and_then(|()| here.read_exact(&mut answer));
    };
    let byte = effort.time(|| exchange(1, BYTES / PART)).per(BYTES as f64);
    let round_trip = effort.time(|| (0..PINGS).for_each(|_| exchange(0, 0))).per(PINGS as f64);
    failed?;
    drop(here);
    // It ends with an error because this end has hung up.
    let _ = peer.join();
    Ok(Copying { byte, round_trip })
}

/// The clock of a busy core in hertz, from a chain of x ← x·(x or 1), each waiting for the one before: a cycle for the
/// logic and three for the product on every x86-64 and most 64-bit Arm cores of the last ten years.
pub(super) fn clock_hz() -> f64 {
    const CYCLES: f64 = 4.0;
    const STEPS: u64 = 100_000;
    let mut best = f64::INFINITY;
    let mut value = 3u64;
    for _ in 0..200 {
        value = black_box(value ^ 0x9e37_79b9_7f4a_7c15);
        let start = Instant::now();
        for _ in 0..STEPS {
            value = value.wrapping_mul(value | 1);
        }
        value = black_box(value);
        best = best.min(start.elapsed().as_secs_f64());
    }
    STEPS as f64 * CYCLES / best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_of_this_machine_is_one_that_a_processor_has() {
        let hz = clock_hz();
        assert!((2e8..2e10).contains(&hz), "{hz}");
    }

    #[test]
    fn messages_are_copied_whole_and_single_bytes_come_back() {
        let copying = copying(Effort::Quick).unwrap();
        assert!(copying.byte.best_s > 0.0 && copying.byte.best_s < copying.round_trip.best_s);
    }
}
