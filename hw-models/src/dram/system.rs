//! A memory system: channels of a device and how addresses spread over them.

use super::address::{AddressMapping, Interleave};
use super::device::{Device, LINE_BYTES};
use super::error::DramError;

/// Channels of one device behind one requester.
#[derive(Debug, Clone, PartialEq)]
pub struct DramSystem {
    /// The device of every channel.
    pub device: &'static Device,
    /// Channels.
    pub channels: u64,
    /// Ranks of every channel.
    pub ranks: u64,
    /// Which address bits change first within a channel.
    pub mapping: AddressMapping,
    /// What part of a stream goes to one channel.
    pub interleave: Interleave,
}

/// The most channels and ranks; more are no memory system of one chip.
const MOST_CHANNELS: u64 = 1_024;
const MOST_RANKS: u64 = 8;

impl DramSystem {
    /// One channel with one rank of the named device.
    ///
    /// # Errors
    /// There is no such device.
    pub fn named(device: &str, mapping: AddressMapping) -> Result<Self, DramError> {
        let device = Device::named(device)?;
        Ok(Self { device, channels: 1, ranks: 1, mapping, interleave: Interleave::default() })
    }

    /// Refuses counts that no system has. The fields are public; everything else in this module holds for whatever this
    /// accepts.
    ///
    /// # Errors
    /// No or too many channels or ranks.
    pub fn check(&self) -> Result<(), DramError> {
        let within = |what, count, most, expected| match (1..=most).contains(&count) {
            true => Ok(()),
            false => Err(DramError::Count { what, count, expected }),
        };
        within("channels", self.channels, MOST_CHANNELS, "1 to 1024")?;
        within("ranks", self.ranks, MOST_RANKS, "1 to 8")
    }

    /// Peak bandwidth of all channels in bytes per second.
    pub fn peak_bytes_per_s(&self) -> f64 {
        self.channels as f64 * self.device.peak_bytes_per_s()
    }

    /// Clocks in which every channel could move one line.
    pub(super) fn line_clocks(&self) -> u64 {
        self.device.burst_clocks() * self.device.bursts_per_line()
    }

    /// The region that patterns cover: 1 GiB, or 4 GiB from 8 channels on, but never more than there is.
    pub fn region_lines(&self) -> u64 {
        let gib: u64 = if self.channels >= 8 { 4 } else { 1 };
        let all = self.device.rank_bytes().saturating_mul(self.ranks * self.channels);
        (gib << 30).min(all) / LINE_BYTES
    }

    /// Requests from which start and end no longer matter: 60,000, and 30,000 for each of more than two channels.
    pub fn usual_requests(&self) -> u64 {
        60_000.max(30_000 * self.channels)
    }
}
