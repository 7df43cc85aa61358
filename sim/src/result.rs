//! What a simulation returns. The names are the command line's JSON contract: add to them, never rename.

use pisim_hw_models::Link;
use serde::Serialize;
use std::collections::BTreeMap;

/// How an evaluation finds the latency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The event engine: exact for the model of shared memories and cores.
    #[default]
    Event,
    /// The closed form, without events: equal to the event engine's where nothing that is shared is full, and never more.
    ClosedForm,
}

/// A quantity by phase, and its total.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct ByPhase {
    /// Keys and base transfers, once for every inference.
    pub setup: f64,
    /// Once per inference, before the input is known.
    pub offline: f64,
    /// From the input to the answer.
    pub online: f64,
    /// The sum.
    pub total: f64,
}

impl ByPhase {
    /// Three phases and their sum.
    pub fn new([setup, offline, online]: [f64; 3]) -> Self {
        Self { setup, offline, online, total: setup + offline + online }
    }

    /// Setup, offline and online.
    pub fn phases(&self) -> [f64; 3] {
        [self.setup, self.offline, self.online]
    }
}

/// Energy in joules, by phase and by unit. `total` equals the sum of `by_unit`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Energy {
    /// Setup, offline, online and their sum.
    #[serde(flatten)]
    pub phases: ByPhase,
    /// By unit (`server.gc-engine`, `link`, …), static power as `client.static` and `server.static`.
    pub by_unit: BTreeMap<String, f64>,
}

/// Bytes in each direction (up = client to server).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Traffic {
    /// Client to server.
    pub up: u64,
    /// Server to client.
    pub down: u64,
}

/// Rates of the link's directions, bits per second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct LinkRates {
    /// Client to server.
    pub up_bits_per_s: f64,
    /// Server to client.
    pub down_bits_per_s: f64,
    /// Whether the platform gives only their sum, which was split for the least latency of this program.
    pub optimal_split: bool,
}

impl LinkRates {
    /// The rates of a link that are settled.
    pub(crate) fn of(link: &Link) -> Self {
        Self { up_bits_per_s: link.up_bits_per_s, down_bits_per_s: link.down_bits_per_s, optimal_split: false }
    }
}

/// Bytes by phase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PhaseTraffic {
    /// Keys and base oblivious transfers.
    pub setup: Traffic,
    /// Before the input is known.
    pub offline: Traffic,
    /// From the input to the answer.
    pub online: Traffic,
}

/// Bytes that one precompute occupies between the offline and the online phase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Storage {
    /// At the client.
    pub client: u64,
    /// At the server.
    pub server: u64,
}

/// How busy one unit was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnitUse {
    /// `client.cpu`, `server.gc-engine`, `link.down`, `server.memory`, …
    pub name: String,
    /// Seconds in which it worked (for a shared channel: bytes moved over its bandwidth).
    pub busy_s: f64,
    /// `busy_s` over the total latency.
    pub utilization: f64,
    /// Its own clock cycles while busy; 0 for links.
    pub cycles: u64,
}

/// Where one layer's time, bytes and energy go. Seconds are sums of step durations: steps of different units overlap.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LayerCost {
    /// The layer's name in the network.
    pub id: String,
    /// Its kind (`conv`, `relu`, …).
    pub kind: String,
    /// Its stage (`stem`, `s1`, …, `head`).
    pub stage: String,
    /// Homomorphic evaluation at the server.
    pub he_eval_s: f64,
    /// Encryption at the client.
    pub encrypt_s: f64,
    /// Decryption at the client.
    pub decrypt_s: f64,
    /// Garbling, with its oblivious transfers' sender side.
    pub garble_s: f64,
    /// Evaluation of garbled circuits.
    pub evaluate_s: f64,
    /// Oblivious-transfer extension, both sides.
    pub ot_s: f64,
    /// Linear work on shares in the ring.
    pub ring_linear_s: f64,
    /// Time on the link, both directions, offline and online.
    pub transfer_s: f64,
    /// Writing precomputes to storage and reading them back, where the platform has storage.
    pub storage_s: f64,
    /// Everything else: key generation, pooling, residual additions, masks.
    pub other_s: f64,
    /// Bytes from the client to the server.
    pub up_bytes: u64,
    /// Bytes from the server to the client.
    pub down_bytes: u64,
    /// Dynamic energy of its steps.
    pub energy_j: f64,
}

/// One bar of the timeline: a step on a unit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Interval {
    /// The step's position in the program.
    pub step: usize,
    /// The layer's name.
    pub layer: String,
    /// What it did: a step's kind as the program names it (`garble`, `he-linear`, …), a message's content
    /// (`garbled-tables`, …), or `store` and `load` for storage.
    pub kind: String,
    /// The activity that it belongs to, one of [`Activity::NAMES`].
    pub activity: String,
    /// `setup`, `offline` or `online`.
    pub phase: String,
    /// The unit's name, as in [`UnitUse`].
    pub unit: String,
    /// Start, seconds from the beginning of setup.
    pub start_s: f64,
    /// When its unit was free again, seconds from the beginning of setup; a message arrives half a round trip later.
    pub end_s: f64,
    /// What bound it: `compute`, `cores` (shared with the other party), `memory`, `link`, `storage`, or `latency` (of a
    /// message shorter than its propagation).
    pub bound: String,
}

/// Area and FPGA resources of one party's accelerator.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Resources {
    /// Silicon area of its units, square millimetres, where the platform gives a technology node.
    pub area_mm2: Option<f64>,
    /// FPGA: used and available, by resource (`lut`, `ff`, `dsp`, `bram36`, `uram`).
    pub fpga: BTreeMap<String, FpgaUse>,
}

/// One FPGA resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct FpgaUse {
    /// What the platform's units need.
    pub used: u64,
    /// What the board offers.
    pub available: u64,
}

/// What one kind of work took, all layers together. Energies of all activities sum to [`Energy`]'s, phase by phase.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Activity {
    /// One of [`Activity::NAMES`].
    pub name: String,
    /// Sum of step durations on their units; activities of different units overlap.
    pub seconds: ByPhase,
    /// Dynamic energy, memory traffic included; static energy is the activity `static`.
    pub energy_j: ByPhase,
}

impl Activity {
    /// All activities, in the order of a result.
    pub const NAMES: [&'static str; 11] = [
        "he-evaluate",
        "encrypt",
        "decrypt",
        "ot",
        "garble",
        "evaluate",
        "ring-linear",
        "transfer",
        "storage",
        "other",
        "static",
    ];
}

/// A lower bound of every phase's latency that one unit, memory or link direction sets by itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Bound {
    /// The unit's name, as in [`UnitUse`], or `dependencies` for the longest chain of steps that wait for each other.
    pub name: String,
    /// Work at full speed; for memories bytes over bandwidth.
    pub seconds: ByPhase,
}

/// The unit whose own lower bound is nearest to a phase's latency.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Bottleneck {
    /// The unit's name, as in [`UnitUse`]; empty for a phase without work.
    pub unit: String,
    /// Its lower bound over the phase's latency, 0 to 1.
    pub share: f64,
}

/// The bottleneck of every phase.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Bottlenecks {
    /// Keys and base transfers, once for every inference.
    pub setup: Bottleneck,
    /// Before the input is known.
    pub offline: Bottleneck,
    /// From the input to the answer.
    pub online: Bottleneck,
}

/// The result of simulating one program on one platform.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Simulation {
    /// The network's name.
    pub network: String,
    /// The protocol's name.
    pub protocol: String,
    /// The platform's name.
    pub hardware: String,
    /// How the latency was found.
    pub level: Level,
    /// Seconds by phase (modelled).
    pub latency_s: ByPhase,
    /// Joules by phase and by unit (modelled).
    pub energy_j: Energy,
    /// The link's rates; where the platform leaves the split of a total open, the best one that was found.
    pub link: LinkRates,
    /// Exact bytes on the wire.
    pub bytes: PhaseTraffic,
    /// Exact bytes stored per precompute.
    pub storage_bytes: Storage,
    /// Every unit, memory and link direction.
    pub units: Vec<UnitUse>,
    /// Area and FPGA resources, by party (`client`, `server`).
    pub resources: BTreeMap<String, Resources>,
    /// Time and energy by kind of work.
    pub activities: Vec<Activity>,
    /// Every unit's lower bound of the latency by phase, and that of the dependencies.
    pub bounds: Vec<Bound>,
    /// The unit that limits each phase most.
    pub bottleneck: Bottlenecks,
    /// Every layer, in the network's order.
    pub layers: Vec<LayerCost>,
    /// Every step, for timelines.
    #[serde(skip)]
    pub timeline: Vec<Interval>,
}
