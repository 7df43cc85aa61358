//! How long a message may take.

use std::time::Duration;

/// Bytes per second that a peer must send or take on average, over all messages: 2 Mbit/s.
pub(super) const LEAST_RATE: u64 = 256 << 10;
/// Timeouts that it may be late by then: what it computes between messages is part of it.
pub(super) const SPARE_TIMEOUTS: u32 = 10;

/// How long a peer may take.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// For the next piece.
    pub timeout: Duration,
    /// Bytes per second on average.
    pub rate: u64,
}

impl Limits {
    /// For everything until so many bytes have moved.
    pub fn until(&self, bytes: u64) -> Duration {
        self.timeout
            .saturating_mul(SPARE_TIMEOUTS)
            .saturating_add(Duration::from_micros(bytes.saturating_mul(1_000_000 / 64) / (self.rate / 64).max(1)))
    }
}
