//! Off-chip memory by access pattern: devices with their timings, a request-by-request reference and a closed form.
//!
//! ```
//! use pisim_hw_models::dram::{AddressMapping, DramSystem, Pattern};
//! let memory = DramSystem::named("ddr4-2400", AddressMapping::BankGroup).unwrap();
//! let run = memory.run("rnd_rd".parse::<Pattern>().unwrap(), 10_000);
//! // Four activates in 26 clocks, of which each serves four clocks of data, less refresh: 4 × 4 / 26 × 95.5 %.
//! assert!((run.efficiency - 0.588).abs() < 0.02);
//! assert!(memory.run(Pattern::SeqRead, 10_000).efficiency > 0.9);
//! ```

mod access;
mod address;
mod clocks;
mod closed;
mod controller;
mod device;
mod error;
mod pattern;
mod presets;
mod reference;
mod sample;
mod system;

pub use access::{Access, ReadShare};
pub use address::{AddressMap, AddressMapping, Interleave, Place};
pub use clocks::{Command, CommandKind};
pub use controller::Counts;
pub use device::{Currents, Device, LINE_BYTES, Timing};
pub use error::DramError;
pub use pattern::Pattern;
pub use presets::DEVICES;
pub(crate) use presets::typical;
pub use reference::Run;
pub use system::DramSystem;
