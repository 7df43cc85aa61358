//! Platform files as they are written: every key, its unit and its meaning. Converted once, in `convert`.

mod accelerators;
mod cpu;
mod link;
mod memory;

pub(crate) use accelerators::{RawFpga, RawGcEngine, RawHeEngine, RawMacArray, RawSilicon};
pub(crate) use cpu::{RawCost, RawCpu, RawCpuCosts, RawHeLibrary};
pub(crate) use link::RawLink;
pub(crate) use memory::{RawMemory, RawStorage};

use crate::mapping::HeParallel;
use pisim_settings::Power;
use schemars::JsonSchema;
use serde::Deserialize;

/// A platform: client, server and the link between them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "pisim hardware platform")]
pub(crate) struct RawPlatform {
    /// Short name, printed in tables and plots.
    pub name: String,
    /// What it is and where its figures come from, in a sentence or two.
    pub description: String,
    /// The party with the input.
    pub client: Option<RawParty>,
    /// The party with the weights.
    pub server: Option<RawParty>,
    /// One machine on which both parties run, instead of `client` and `server`: they share its cores and its memory.
    pub machine: Option<RawMachine>,
    /// What connects them; on one machine, how messages are copied from one party to the other.
    pub link: RawLink,
    /// How steps use the hardware: threads, overlap. By default as pisim's own backend does.
    #[serde(default)]
    pub mapping: RawMapping,
}

/// How steps use the hardware.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMapping {
    /// Whether steps that do not wait for each other run at the same time on different units; true without this key. With
    /// false, steps and messages run strictly one after the other, as in published models of Delphi.
    pub overlap: Option<bool>,
    /// What the server's threads share in homomorphic evaluation: `within` one layer at a time, or whole `layer`s, each on one
    /// thread, in order on the next free one. `within` without this key.
    pub he_parallel: Option<HeParallel>,
    /// The client's threads.
    #[serde(default)]
    pub client: RawThreads,
    /// The server's threads.
    #[serde(default)]
    pub server: RawThreads,
}

/// The most threads of one party for each kind of work; all cores without a key.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawThreads {
    /// Threads of homomorphic encryption: keys, encryption, evaluation, decryption.
    pub he_threads: Option<u64>,
    /// Threads that garble and evaluate circuits.
    pub gc_threads: Option<u64>,
    /// Threads of everything else: label encoding, oblivious transfers, shares.
    pub other_threads: Option<u64>,
}

/// A machine on which both parties run.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMachine {
    /// Power drawn whatever runs: leakage, memory refresh, idle cores.
    pub static_power: Power,
    /// The processor; both parties draw on its cores, fairly.
    pub cpu: RawCpu,
    /// The memory that both parties share.
    pub memory: RawMemory,
}

/// The hardware of one party.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawParty {
    /// Power drawn whatever runs: leakage, memory refresh, idle cores. Without this key only what the accelerators draw: on an
    /// FPGA what the card draws when idle, on silicon memory interfaces and the leakage of units that are idle.
    pub static_power: Option<Power>,
    /// The host's part of it, instead of `static_power`: its idle cores, its board, the refresh of its memory. What the accelerators
    /// draw whatever runs, their leakage above all, is derived beside it and follows their area.
    pub host_static_power: Option<Power>,
    /// The processor; it does what no accelerator does.
    pub cpu: RawCpu,
    /// The memory that all units of the party share.
    pub memory: RawMemory,
    /// Storage for what the offline phase made.
    pub storage: Option<RawStorage>,
    /// The accelerators are an ASIC.
    pub silicon: Option<RawSilicon>,
    /// The accelerators are on an FPGA board.
    pub fpga: Option<RawFpga>,
    /// Accelerator for garbled circuits.
    pub gc_engine: Option<RawGcEngine>,
    /// Accelerator for homomorphic encryption.
    pub he_engine: Option<RawHeEngine>,
    /// Accelerator for linear work on shares.
    pub mac_array: Option<RawMacArray>,
}
