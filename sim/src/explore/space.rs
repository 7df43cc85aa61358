//! What is varied, and how a platform becomes one design of the space.

use crate::error::SimError;
use pisim_hw_models::dram::{AddressMapping, DEVICES, DramSystem};
use pisim_hw_models::{HeEngine, Memory, MemoryKind, PartyHardware, Platform};
use serde::Serialize;
use thiserror::Error;

/// The most designs of one space.
const MOST_DESIGNS: usize = 1_000_000;

/// Channels of high-bandwidth memory when no number is named: two stacks, 512 GB/s as HAAC (ISCA'23) assumes.
const HBM_CHANNELS: u64 = 16;

/// A memory of the server.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MemoryChoice {
    /// `hbm2`, `ddr4-3200`, `ddr4-3200x4` or a bandwidth.
    pub name: String,
    /// Peak bandwidth of all channels, bytes per second.
    pub bytes_per_s: f64,
    /// The memory; none where only the bandwidth is given, which keeps all else of the platform's.
    #[serde(skip)]
    memory: Option<Memory>,
}

impl MemoryChoice {
    /// The names of devices.
    pub fn names() -> impl Iterator<Item = &'static str> {
        DEVICES.iter().map(|device| device.name)
    }

    /// A device by name, with `channels` channels or as many as are usual: one of plain DRAM, two stacks of HBM. Efficiency,
    /// latency and energy of streams follow from its timings.
    pub fn device(name: &str, channels: Option<u64>) -> Option<Self> {
        let device = DEVICES.iter().find(|device| device.name == name)?;
        let usual = if device.kind == MemoryKind::Hbm2 { HBM_CHANNELS } else { 1 };
        let channels = channels.unwrap_or(usual).max(1);
        let system = DramSystem { channels, ..DramSystem::named(name, AddressMapping::default()).ok()? };
        let memory = Memory::of(system);
        let name = if channels == usual { name.to_owned() } else { format!("{name}x{channels}") };
        Some(Self { name, bytes_per_s: memory.peak_bytes_per_s(), memory: Some(memory) })
    }

    /// A peak bandwidth, with everything else as the platform's memory has it.
    pub fn bandwidth(bytes_per_s: f64) -> Self {
        Self { name: format!("{} GB/s", bytes_per_s / 1e9), bytes_per_s, memory: None }
    }

    /// The memory in place of `base`.
    fn of(&self, base: &Memory) -> Memory {
        let of_base = || Memory { channel_bytes_per_s: self.bytes_per_s / base.channels.max(1) as f64, ..base.clone() };
        self.memory.clone().unwrap_or_else(of_base)
    }
}

/// What is varied of a platform.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DesignSpace {
    /// Gate engines of the GC engine.
    pub engines: Vec<u64>,
    /// Modular multipliers of the HE engine. Its butterflies and automorphism lanes are in the platform's proportion to
    /// them; transform units are divided before their butterflies are.
    pub he_lanes: Vec<u64>,
    /// The memory.
    pub memories: Vec<MemoryChoice>,
    /// The client has the same hardware as the server, instead of the platform's.
    pub both: bool,
}

/// Why a space cannot be explored.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ExploreError {
    /// An axis has no values.
    #[error("no {axis} to explore; expected one or more")]
    Empty {
        /// `gate engines`, `HE lanes` or `memories`.
        axis: &'static str,
    },
    /// A count of zero.
    #[error("0 {axis}: an engine without them never ends; expected 1 or more")]
    Zero {
        /// `gate engines` or `HE lanes`.
        axis: &'static str,
    },
    /// More designs than one exploration takes.
    #[error("{designs} designs; expected at most {MOST_DESIGNS}")]
    TooMany {
        /// How many.
        designs: usize,
    },
    /// The platform has nothing to vary.
    #[error(
        "the server of {platform} has no {unit}; expected a platform whose server has a GC engine and an HE engine"
    )]
    Missing {
        /// The platform's name.
        platform: String,
        /// `GC engine` or `HE engine`.
        unit: &'static str,
    },
    /// The program cannot be evaluated on a design.
    #[error(transparent)]
    Sim(#[from] SimError),
}

impl DesignSpace {
    /// Whether it can be explored from this platform.
    pub(super) fn check(&self, platform: &Platform) -> Result<(), ExploreError> {
        let axes = [("gate engines", &self.engines), ("HE lanes", &self.he_lanes)];
        for (axis, counts) in axes {
            if counts.is_empty() {
                return Err(ExploreError::Empty { axis });
            }
            if counts.contains(&0) {
                return Err(ExploreError::Zero { axis });
            }
        }
        if self.memories.is_empty() {
            return Err(ExploreError::Empty { axis: "memories" });
        }
        let designs = self.engines.len().saturating_mul(self.he_lanes.len()).saturating_mul(self.memories.len());
        if designs > MOST_DESIGNS {
            return Err(ExploreError::TooMany { designs });
        }
        let server = &platform.server;
        for (unit, there) in [("GC engine", server.gc_engine.is_some()), ("HE engine", server.he_engine.is_some())] {
            if !there {
                return Err(ExploreError::Missing { platform: platform.name.clone(), unit });
            }
        }
        Ok(())
    }

    /// All designs, in the order of [`Exploration::points`](super::Exploration::points).
    pub(super) fn designs(&self) -> impl Iterator<Item = (&MemoryChoice, u64, u64)> {
        let of_memory = move |memory| {
            let of_engines = move |&engines: &u64| self.he_lanes.iter().map(move |&lanes| (memory, engines, lanes));
            self.engines.iter().flat_map(of_engines)
        };
        self.memories.iter().flat_map(of_memory)
    }

    /// The platform with one design.
    pub(super) fn vary(&self, base: &Platform, memory: &MemoryChoice, engines: u64, he_lanes: u64) -> Platform {
        let mut platform = base.clone();
        let server = &mut platform.server;
        server.memory = memory.of(&server.memory);
        set_units(server, engines, he_lanes);
        if self.both || platform.colocated {
            platform.client = platform.server.clone();
        }
        platform
    }
}

fn set_units(party: &mut PartyHardware, engines: u64, he_lanes: u64) {
    if let Some(engine) = &mut party.gc_engine {
        engine.engines = engines;
    }
    if let Some(engine) = &mut party.he_engine {
        set_lanes(engine, he_lanes);
    }
}

/// Scales an HE engine in proportion to its lanes. A transform unit is kept whole as long as there is more than one.
fn set_lanes(engine: &mut HeEngine, lanes: u64) {
    let ratio = lanes as f64 / engine.modmul_lanes.max(1) as f64;
    let butterflies = (engine.ntt_units as f64 * engine.butterflies as f64 * ratio).max(1.0);
    engine.ntt_units = ((engine.ntt_units as f64 * ratio).round() as u64).max(1);
    engine.butterflies = ((butterflies / engine.ntt_units as f64).round() as u64).max(1);
    engine.automorphism_lanes = ((engine.automorphism_lanes as f64 * ratio).round() as u64).max(1);
    engine.modmul_lanes = lanes;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform() -> Platform {
        Platform::builtin("haac-hbm2").unwrap()
    }

    #[test]
    fn the_platform_s_own_values_leave_it_as_it_is() {
        let base = platform();
        let space = DesignSpace {
            engines: vec![16],
            he_lanes: vec![4096],
            memories: vec![MemoryChoice::bandwidth(512e9)],
            both: false,
        };
        assert_eq!(space.vary(&base, &space.memories[0], 16, 4096), base);
    }

    #[test]
    fn lanes_scale_the_whole_engine() {
        let mut engine = platform().server.he_engine.unwrap();
        set_lanes(&mut engine, 1024);
        assert_eq!((engine.ntt_units, engine.butterflies, engine.automorphism_lanes), (4, 896, 512));
        set_lanes(&mut engine, 64);
        // A sixteenth of four units is a quarter of one.
        assert_eq!((engine.ntt_units, engine.butterflies, engine.automorphism_lanes), (1, 224, 32));
        set_lanes(&mut engine, 1);
        assert_eq!(
            (engine.ntt_units, engine.butterflies, engine.automorphism_lanes, engine.modmul_lanes),
            (1, 4, 1, 1)
        );
    }

    #[test]
    fn channels_multiply_the_bandwidth() {
        let four = MemoryChoice::device("ddr4-3200", Some(4)).unwrap();
        assert_eq!((four.name.as_str(), four.bytes_per_s), ("ddr4-3200x4", 102.4e9));
        let memory = four.of(&platform().server.memory);
        assert_eq!((memory.channels, memory.peak_bytes_per_s(), memory.kind), (4, 102.4e9, MemoryKind::Ddr4));
        let hbm2 = MemoryChoice::device("hbm2", None).unwrap();
        assert!((hbm2.bytes_per_s / 512e9 - 1.0).abs() < 0.01, "{hbm2:?}");
        assert!(MemoryChoice::device("ddr9", None).is_none());
    }
}
