//! How a program's steps use a platform: what runs side by side, and on how many threads.

use schemars::JsonSchema;
use serde::Deserialize;

/// Choices that are not hardware, but decide how long the hardware takes. The default is what pisim's own backend does:
/// units overlap, and every step uses all cores of its party.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mapping {
    /// Steps that do not wait for each other run at the same time on different units. Without it, the steps of an
    /// inference run strictly one after the other, the messages too: the published models of Delphi.
    pub overlap: bool,
    /// What the server's threads share when it evaluates linear layers under encryption.
    pub he_parallel: HeParallel,
    /// The client's threads.
    pub client: Threads,
    /// The server's threads.
    pub server: Threads,
}

impl Default for Mapping {
    fn default() -> Self {
        let all = Threads::default();
        Self { overlap: true, he_parallel: HeParallel::Within, client: all, server: all }
    }
}

/// What threads share of the homomorphic evaluation of linear layers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HeParallel {
    /// The work of one layer at a time.
    #[default]
    Within,
    /// The layers: each runs on one thread, and layers start in order on the next free thread (layer-parallel HE; Garimella
    /// et al., ASPLOS 2023). The client encrypts all layers' inputs first, so that none waits for the layer before.
    Layer,
}

/// The most threads that each kind of work uses on one party's processor; `None` is all of its cores.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Threads {
    /// Homomorphic encryption: keys, encryption, evaluation, decryption.
    pub he: Option<u64>,
    /// Garbling and evaluating circuits.
    pub gc: Option<u64>,
    /// Everything else: label encoding, oblivious transfers, shares.
    pub other: Option<u64>,
}

/// A kind of work on a processor, by the threads that it may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkClass {
    /// Homomorphic encryption.
    He,
    /// Garbling and evaluating circuits.
    Gc,
    /// Everything else.
    Other,
}

impl Threads {
    /// The threads that a kind of work uses on a processor of `cores` cores: at least one, and no more than its cores.
    pub fn of(&self, class: WorkClass, cores: u64) -> u64 {
        let limit = match class {
            WorkClass::He => self.he,
            WorkClass::Gc => self.gc,
            WorkClass::Other => self.other,
        };
        limit.unwrap_or(cores).min(cores).max(1)
    }
}
