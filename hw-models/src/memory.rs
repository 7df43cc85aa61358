//! Off-chip memory and storage.

use crate::dram::{AddressMapping, DramSystem, Interleave, LINE_BYTES, Pattern, typical};
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

/// How a unit uses memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// Long pieces one after the other: ciphertexts, keys, garbled tables in circuit order.
    Stream,
    /// A stream that is read and another one that is written, line by line in turn.
    Copy,
    /// Reads of pieces of so many bytes at unrelated addresses, such as wire labels that left the chip.
    Random {
        /// Bytes of one piece.
        bytes: u64,
    },
}

/// Bytes of the pieces of a stream: a ciphertext polynomial of the smallest degree in use.
const STREAM_PIECE_BYTES: u64 = 64 << 10;

impl Traffic {
    /// The access pattern that stands for it.
    pub fn pattern(self) -> Pattern {
        match self {
            Self::Stream => Pattern::Block(STREAM_PIECE_BYTES),
            Self::Copy => Pattern::Copy,
            Self::Random { bytes } => Pattern::Block(lines(bytes) * LINE_BYTES),
        }
    }

    /// The part of the moved bytes that was asked for: memory moves whole lines.
    fn useful(self) -> f64 {
        match self {
            Self::Stream | Self::Copy => 1.0,
            Self::Random { bytes } => bytes.max(1) as f64 / (lines(bytes) * LINE_BYTES) as f64,
        }
    }
}

/// Lines of a piece.
fn lines(bytes: u64) -> u64 {
    bytes.div_ceil(LINE_BYTES).max(1)
}

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
    /// Joules per bit of a stream, all in.
    pub energy_per_bit_j: f64,
    /// The device that it is made of, if the platform names one.
    pub system: Option<DramSystem>,
}

impl Memory {
    /// The memory that a device makes, as its closed form has it.
    pub fn of(system: DramSystem) -> Self {
        Self {
            kind: system.device.kind,
            channels: system.channels,
            channel_bytes_per_s: system.device.peak_bytes_per_s(),
            streaming_efficiency: system.expected_efficiency(Traffic::Stream.pattern()),
            latency_s: system.device.expected_latency_s(),
            energy_per_bit_j: system.expected_energy_per_bit_j(Traffic::Stream.pattern()),
            system: Some(system),
        }
    }

    /// Peak bandwidth of all channels, bytes per second.
    pub fn peak_bytes_per_s(&self) -> f64 {
        self.channels as f64 * self.channel_bytes_per_s
    }

    /// Bandwidth that streams reach, bytes per second: peak × streaming efficiency.
    pub fn streaming_bytes_per_s(&self) -> f64 {
        self.peak_bytes_per_s() * self.streaming_efficiency
    }

    /// Bandwidth of one kind of traffic in bytes per second: what streams reach, times what the closed form of the device
    /// gives this traffic relative to streams, times the part of each line that is wanted. A platform that names no device is
    /// taken to have the commonest one of its kind (see [`Memory::device`]).
    pub fn bytes_per_s(&self, traffic: Traffic) -> f64 {
        let system = self.device();
        let relative = match traffic {
            Traffic::Stream => 1.0,
            _ => system.expected_efficiency(traffic.pattern()) / system.expected_efficiency(Traffic::Stream.pattern()),
        };
        (self.streaming_bytes_per_s() * relative).min(self.peak_bytes_per_s()) * traffic.useful()
    }

    /// Joules to move `bytes` that are wanted by one kind of traffic: whole lines, and the rows that it opens beyond a stream's.
    pub fn traffic_energy_j(&self, traffic: Traffic, bytes: u64) -> f64 {
        let system = self.device();
        let of = |traffic: Traffic| system.expected_energy_per_bit_j(traffic.pattern());
        let per_bit = self.energy_per_bit_j + (of(traffic) - of(Traffic::Stream)).max(0.0);
        bytes as f64 * 8.0 * per_bit / traffic.useful()
    }

    /// The device, or the one that stands for this kind: DDR4-3200 (for DDR5, too), HBM2, LPDDR4.
    pub fn device(&self) -> DramSystem {
        self.system.clone().unwrap_or_else(|| DramSystem {
            device: typical(self.kind),
            channels: self.channels,
            ranks: 1,
            mapping: AddressMapping::default(),
            interleave: Interleave::default(),
        })
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
