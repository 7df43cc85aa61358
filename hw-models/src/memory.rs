//! Off-chip memory and storage.

use crate::fpga::{DDR_CONTROLLER, FpgaResources, HBM_CONTROLLER};

/// Kinds of off-chip memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MemoryKind {
    /// DDR4 modules.
    Ddr4,
    /// DDR5 modules.
    Ddr5,
    /// LPDDR3 to LPDDR5.
    Lpddr,
    /// HBM2 or HBM2E stacks.
    Hbm2,
}

/// Area of one HBM2 interface, which serves 512 GB/s (HAAC, ISCA'23, Table 4: 14.9 mm² at 16 nm; F1 lists 29.8 mm² for
/// two). It is mostly analogue and does not shrink with the node.
const HBM2_PHY_MM2: f64 = 14.9;
const HBM2_PHY_BYTES_PER_S: f64 = 512e9;

/// A memory shared by the units of one party.
#[derive(Debug, Clone, PartialEq)]
pub struct Memory {
    /// What it is.
    pub kind: MemoryKind,
    /// Channels.
    pub channels: u64,
    /// Peak bandwidth of one channel, bytes per second.
    pub channel_bytes_per_s: f64,
    /// Share of the peak that long streams reach, 0 to 1.
    pub streaming_efficiency: f64,
    /// Seconds from a request to its data with nothing else under way.
    pub latency_s: f64,
    /// Joules per bit moved, all in.
    pub energy_per_bit_j: f64,
}

impl Memory {
    /// Peak bandwidth of all channels, bytes per second.
    pub fn peak_bytes_per_s(&self) -> f64 {
        self.channels as f64 * self.channel_bytes_per_s
    }

    /// Bandwidth that streams reach, bytes per second: peak × streaming efficiency.
    pub fn streaming_bytes_per_s(&self) -> f64 {
        self.peak_bytes_per_s() * self.streaming_efficiency
    }

    /// Seconds to move `bytes` with nothing else under way: latency + bytes / streaming bandwidth; 0 for nothing.
    pub fn transfer_s(&self, bytes: u64) -> f64 {
        if bytes == 0 { 0.0 } else { self.latency_s + bytes as f64 / self.streaming_bytes_per_s() }
    }

    /// Joules to move `bytes`.
    pub fn energy_j(&self, bytes: u64) -> f64 {
        bytes as f64 * 8.0 * self.energy_per_bit_j
    }

    /// Area of the interfaces on the party's chip in mm²; interfaces of plain DRAM are not counted.
    pub fn interface_mm2(&self) -> f64 {
        match self.kind {
            MemoryKind::Hbm2 => (self.peak_bytes_per_s() / HBM2_PHY_BYTES_PER_S).ceil() * HBM2_PHY_MM2,
            MemoryKind::Ddr4 | MemoryKind::Ddr5 | MemoryKind::Lpddr => 0.0,
        }
    }

    /// FPGA resources of the controllers (FINN, `platforms.py`): for plain DRAM one soft controller per channel, for HBM
    /// the logic around the hard controllers once.
    pub fn fpga_resources(&self) -> FpgaResources {
        match self.kind {
            MemoryKind::Hbm2 => HBM_CONTROLLER,
            MemoryKind::Ddr4 | MemoryKind::Ddr5 | MemoryKind::Lpddr => DDR_CONTROLLER.times(self.channels),
        }
    }
}

/// Where a party keeps what the offline phase made until the online phase uses it, when memory is too small.
#[derive(Debug, Clone, PartialEq)]
pub struct Storage {
    /// Read bandwidth, bytes per second.
    pub read_bytes_per_s: f64,
    /// Write bandwidth, bytes per second.
    pub write_bytes_per_s: f64,
    /// Joules per bit read or written.
    pub energy_per_bit_j: f64,
}

impl Storage {
    /// Seconds to read `bytes`.
    pub fn read_s(&self, bytes: u64) -> f64 {
        bytes as f64 / self.read_bytes_per_s
    }

    /// Seconds to write `bytes`.
    pub fn write_s(&self, bytes: u64) -> f64 {
        bytes as f64 / self.write_bytes_per_s
    }

    /// Joules to read or write `bytes`.
    pub fn energy_j(&self, bytes: u64) -> f64 {
        bytes as f64 * 8.0 * self.energy_per_bit_j
    }
}
