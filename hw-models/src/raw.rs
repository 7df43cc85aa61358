//! Platform files as they are written: every key, its unit and its meaning. Converted once, in `convert`.

use crate::mac::Dataflow;
use crate::memory::MemoryKind;
use pisim_settings::{Bandwidth, BitRate, Bytes, Duration, EnergyPerBit, Frequency, Power};
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
    /// Power drawn whatever runs: leakage, memory refresh, idle cores.
    pub static_power: Power,
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

/// A processor.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCpu {
    /// Cores that work on the program.
    pub cores: u64,
    /// Clock of a busy core.
    pub clock: Frequency,
    /// Dynamic power of one busy core.
    pub active_power_per_core: Power,
    /// Time of one core per primitive.
    pub cost: RawCpuCosts,
}

/// Time of one core per primitive.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCpuCosts {
    /// Garble one AND gate, its hash calls included.
    pub garble_and: Duration,
    /// Evaluate one AND gate, its hash calls included.
    pub evaluate_and: Duration,
    /// One XOR gate; zero where the AND gates' figure includes them.
    pub xor_gate: Duration,
    /// One hash call outside of a gate.
    pub hash_call: Duration,
    /// Sample, select or decode one wire label.
    pub label: Duration,
    /// One party's part in one base oblivious transfer.
    pub base_ot: Duration,
    /// One party's part in one extended oblivious transfer.
    pub extended_ot: Duration,
    /// One butterfly of a number-theoretic transform; a transform of degree N has N·log2 N / 2.
    pub ntt_butterfly: Duration,
    /// One pointwise modular multiplication.
    pub mod_mul: Duration,
    /// Encryption, per coefficient of the ring, beyond its transforms and multiplications.
    pub encrypt_coefficient: Duration,
    /// Decryption, per coefficient of the ring, beyond its transforms and multiplications.
    pub decrypt_coefficient: Duration,
    /// A key switch, per coefficient of the ring, beyond its transforms and multiplications.
    pub key_switch_coefficient: Duration,
    /// One multiply-accumulate in a ring of at most 32 bits.
    pub ring_mac: Duration,
    /// One multiply-accumulate in a wider ring.
    pub wide_ring_mac: Duration,
    /// One addition in the ring.
    pub ring_add: Duration,
    /// One ring element expanded from a seed, as masks are; free without this key.
    pub ring_sample: Option<Duration>,
    /// One gathered input of a convolution on shares (output pixels × taps), before it is multiplied; free without this key.
    pub ring_gather: Option<Duration>,
    /// One coefficient drawn at random for homomorphic encryption; free without this key.
    pub he_sample: Option<Duration>,
    /// One product of a coefficient of a ciphertext with one of weights, reduced with many others at once; without this key as
    /// `mod_mul`.
    pub he_product: Option<Duration>,
    /// A linear layer's reply, per coefficient of the ring, beyond its transforms, multiplications and samples; free without
    /// this key.
    pub reply_coefficient: Option<Duration>,
    /// One weight placed into the polynomial that multiplies a ciphertext; free without this key.
    pub he_weight: Option<Duration>,
    /// One byte of ciphertext packed or unpacked; free without this key.
    pub he_byte: Option<Duration>,
    /// One byte that is kept for the online phase, its memory taken from the operating system; free without this key.
    pub kept_byte: Option<Duration>,
}

/// A memory shared by the units of one party.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMemory {
    /// What it is.
    pub kind: MemoryKind,
    /// Channels.
    pub channels: u64,
    /// Peak bandwidth of one channel.
    pub channel_bandwidth: Bandwidth,
    /// Share of the peak that long streams reach, above 0 and up to 1.
    pub streaming_efficiency: f64,
    /// Time from a request to its data with nothing else under way.
    pub latency: Duration,
    /// Energy per bit moved.
    pub energy: EnergyPerBit,
}

/// Storage for what the offline phase made.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawStorage {
    /// Sequential read bandwidth.
    pub read_bandwidth: Bandwidth,
    /// Sequential write bandwidth.
    pub write_bandwidth: Bandwidth,
    /// Energy per bit read or written.
    pub energy: EnergyPerBit,
}

/// An ASIC's technology.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSilicon {
    /// Technology node in nanometres: 130, 90, 65, 45, 32, 20, 16, 14, 10 or 7.
    pub node_nm: u32,
    /// Supply voltage in volts.
    pub supply_v: f64,
}

/// An FPGA board.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawFpga {
    /// The board: u200, u250, u280, u50, u55c or zcu102.
    pub board: String,
}

/// A garbled-circuit engine.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawGcEngine {
    /// Gate engines; each takes one gate per cycle, in order.
    pub engines: u64,
    /// Clock.
    pub clock: Frequency,
    /// Cycles from an AND gate's inputs to its output when garbling.
    pub garble_latency: u64,
    /// Cycles from an AND gate's inputs to its output when evaluating.
    pub evaluate_latency: u64,
    /// Cycles from an XOR gate's inputs to its output.
    pub xor_latency: u64,
    /// On-chip memory for wire labels; bounds how many circuits are in flight.
    pub wire_memory: Bytes,
    /// Banks of the wire memory.
    pub wire_banks: u64,
    /// On-chip memory of the instruction, table and wire queues.
    pub queue_memory: Bytes,
    /// Bits of one gate's instruction.
    pub instruction_bits: u64,
    /// Engine cycles per extended oblivious transfer; without this key the processor extends them.
    pub ot_cycles: Option<u64>,
}

/// A homomorphic-encryption engine.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawHeEngine {
    /// Clock.
    pub clock: Frequency,
    /// Width of the datapath in bits.
    pub word_bits: u64,
    /// Number-theoretic transform units.
    pub ntt_units: u64,
    /// Butterflies per cycle of one transform unit.
    pub butterflies: u64,
    /// Pointwise modular multiplications per cycle.
    pub modmul_lanes: u64,
    /// Coefficients per cycle of the automorphism unit.
    pub automorphism_lanes: u64,
    /// Cycles to fill and drain a pipeline.
    pub pipeline_latency: u64,
    /// On-chip memory.
    pub scratchpad: Bytes,
    /// Banks of the on-chip memory.
    pub scratchpad_banks: u64,
}

/// A multiply-accumulate array.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMacArray {
    /// Rows of cells.
    pub rows: u64,
    /// Columns of cells.
    pub columns: u64,
    /// Width of a cell's operands in bits.
    pub word_bits: u64,
    /// Clock.
    pub clock: Frequency,
    /// What stays in place.
    pub dataflow: Dataflow,
    /// On-chip buffer, both halves of its double buffering.
    pub buffer: Bytes,
}

/// The link between the parties.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLink {
    /// Rate from client to server that an application gets.
    pub up: BitRate,
    /// Rate from server to client that an application gets.
    pub down: BitRate,
    /// Time for an empty message to the other party and back.
    pub round_trip: Duration,
    /// Energy per bit sent, both ends and what lies between.
    pub energy: EnergyPerBit,
    /// Bytes on the wire per message beyond its own.
    pub message_overhead: Bytes,
}
