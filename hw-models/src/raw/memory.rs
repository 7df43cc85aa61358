//! `[*.memory]` and `[*.storage]`.

use crate::dram::{AddressMapping, Interleave};
use crate::memory::MemoryKind;
use pisim_settings::{Bandwidth, Duration, EnergyPerBit};
use schemars::JsonSchema;
use serde::Deserialize;

/// A memory shared by the units of one party.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMemory {
    /// What it is; not needed with `device`.
    pub kind: Option<MemoryKind>,
    /// Channels.
    pub channels: u64,
    /// The device of every channel, such as ddr4-3200: bandwidth, streaming efficiency, latency and energy follow from its
    /// timings, unless they are given.
    pub device: Option<String>,
    /// Ranks of every channel of a device; 1 without this key.
    pub ranks: Option<u64>,
    /// The address bits of a device that change first along a stream: `column` or, without this key, `bank-group`.
    pub mapping: Option<AddressMapping>,
    /// How much of a stream goes to one channel of a device before the next: `64B` or, without this key, `1K`.
    pub interleave: Option<Interleave>,
    /// Peak bandwidth of one channel.
    pub channel_bandwidth: Option<Bandwidth>,
    /// Share of the peak that long streams reach, above 0 and up to 1.
    pub streaming_efficiency: Option<f64>,
    /// Time from a request to its data with nothing else under way.
    pub latency: Option<Duration>,
    /// Energy per bit moved.
    pub energy: Option<EnergyPerBit>,
}

/// Storage for what the offline phase made.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawStorage {
    /// Sequential read bandwidth.
    pub read_bandwidth: Bandwidth,
    /// Sequential write bandwidth.
    pub write_bandwidth: Bandwidth,
    /// Energy per bit read or written.
    pub energy: EnergyPerBit,
}
