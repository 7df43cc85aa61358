//! Maps a program onto a platform and computes when each step runs and what it costs.
//!
//! [`simulate`] assigns every step of a [`Program`](pisim_protocol::Program) to a unit of its party (`mapping`), asks the
//! hardware models for its cost from its exact work (`demand`), lets the event [`engine`] find out when it runs, and adds up
//! time, energy and bytes by phase, unit, activity and layer (`account`) into a [`Simulation`].
//!
//! Every step is one job, as in the backend: a message leaves when the step that makes it has ended.
//!
//! ```
//! use pisim_hw_models::Platform;
//! use pisim_netgen::NetworkSpec;
//! use pisim_protocol::{Protocol, lower};
//! let network = NetworkSpec::named("minionn")?.build()?;
//! let program = lower(&network, &Protocol::load("ring-gc")?)?;
//! let result = pisim_sim::simulate(&program, &Platform::builtin("cpu-lan")?)?;
//! assert!(result.latency_s.online < result.latency_s.offline);
//! assert_eq!(result.bottleneck.offline.unit, "link.down");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod account;
pub mod circuits;
mod demand;
pub mod engine;
mod error;
mod leakage;
mod mapping;
mod names;
mod order;
mod profiles;
pub mod requests;
mod result;
mod share;
mod simulate;
mod split;
mod units;
pub mod validate;

pub use error::SimError;
pub use result::{
    Activity, Bottleneck, Bottlenecks, Bound, ByPhase, Energy, FpgaUse, Interval, LayerCost, LinkRates, PhaseTraffic,
    Resources, Simulation, Storage, Traffic, UnitUse,
};
pub use simulate::{simulate, simulate_many};
