//! Maps a program onto a platform and computes when each step runs and what it costs.
//!
//! [`simulate`] turns every step of a [`Program`](pisim_protocol::Program) into the hardware models' terms (`demand`), assigns
//! it to a unit of its party (`mapping`, `layout`), asks the models for its cost (`price`), lets the event [`engine`] find out
//! when it runs, and adds up time, energy and bytes by phase, unit, activity and layer (`account`) into a [`Simulation`].
//!
//! Whoever evaluates many platforms prepares the program once ([`Prepared`]), keeps a [`Workspace`] for each thread, and asks
//! for a [`Summary`] by the event engine or in closed form ([`Level`]).
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
pub mod analysis;
pub mod budget;
pub mod circuits;
mod demand;
pub mod engine;
mod error;
pub mod explore;
mod layout;
mod leakage;
mod mapping;
mod names;
mod order;
mod prepared;
mod price;
mod profiles;
pub mod requests;
mod result;
mod shape;
mod share;
mod simulate;
mod split;
mod stage;
mod summary;
pub mod sweep;
mod units;
pub mod validate;
mod work;

pub use error::SimError;
pub use prepared::{Prepared, Workspace};
pub use result::{
    Activity, Bottleneck, Bottlenecks, Bound, ByPhase, Energy, FpgaUse, Interval, LayerCost, Level, LinkRates,
    PhaseTraffic, Resources, Simulation, Storage, Traffic, UnitUse,
};
pub use simulate::{simulate, simulate_many};
pub use summary::{Binding, Summary, UnitSummary};
