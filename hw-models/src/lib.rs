//! Component models of private-inference hardware: time, energy, memory traffic, area and FPGA resources.
//!
//! Every unit is a pure function from an amount of work to a [`Cost`]; nothing here knows of programs or networks. A
//! [`Platform`] is a client, a server and the link between them, read from TOML:
//!
//! ```
//! use pisim_hw_models::{GcWork, Platform};
//! let platform = Platform::builtin("haac-hbm2").unwrap();
//! let engine = platform.server.gc_engine.as_ref().unwrap();
//! // 16 gate engines take 16 gates per cycle when many circuits are in flight.
//! let relus = GcWork { and_gates: 93_000_000, instances: 1_000_000, and_depth: 34, wires_per_instance: 400, ..GcWork::default() };
//! let cost = engine.garble(&relus);
//! assert!((cost.seconds - 93e6 / 16e9).abs() < 1e-6);
//! ```
//!
//! The closed forms state their formula and source at the function; constants state theirs at the constant. Where a
//! figure was recalled rather than re-read, its comment says "as recalled".

mod breakdown;
mod check;
mod convert;
mod cost;
mod cpu;
mod cpu_presets;
pub mod dram;
mod fit;
mod fits;
mod fpga;
pub mod gc;
mod he;
mod link;
mod mac;
mod mapping;
mod memory;
mod operation;
mod party;
mod platform;
mod raw;
pub mod rtl;
mod sram;
mod technology;
mod template;

pub use breakdown::{Component, Part};
pub use cost::{Cost, Stretch};
pub use cpu::{Cpu, CpuCosts, CpuWork, HeLibrary, HeOperations, PRIMITIVES};
pub use fit::{Accelerator, Change, FitOptions, Fitting, Largest, Side, fit};
pub use fits::Misfit;
pub use fpga::{BOARDS, Board, BoardMemory, FpgaResources, FpgaUse};
pub use gc::{GcEngine, GcWork, LABEL_BYTES, OtWork, TABLE_BYTES};
pub use he::{
    CellProducts, HeArea, HeBusy, HeDesign, HeEngine, HeReference, HeTiling, HeTraffic, HeWork, LoopOrder, NttUnit,
};
pub use link::{Direction, Link, MIN_SHARE, UpShare};
pub use mac::{BufferOrder, Dataflow, Gemm, MacArray, MacReference, PrimeReduction};
pub use mapping::{HeParallel, Mapping, Threads, WorkClass};
pub use memory::{Memory, MemoryKind, Storage, Traffic};
pub use operation::{MOVEMENTS, Movement, OPERATIONS, Operation, nominal_supply_v};
pub use party::PartyHardware;
pub use platform::Platform;
pub use sram::{MAX_SRAM_PORTS, Sram, SramCosts, sram_energy_per_byte_j};
pub use technology::{Fabric, NODES_NM, Technology};
pub use template::{PlatformTemplate, TemplateMemo};
