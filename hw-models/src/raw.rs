//! Platform files as they are written: every key, its unit and its meaning. Converted once, in `convert`.

use crate::cpu_presets;
use crate::dram::{AddressMapping, Interleave};
use crate::gc::{Order, Tables};
use crate::link::{MIN_SHARE, UpShare};
use crate::mac::{Dataflow, PrimeReduction};
use crate::mapping::HeParallel;
use crate::memory::MemoryKind;
use pisim_settings::{Bandwidth, BitRate, Bytes, Duration, EnergyPerBit, Frequency, Power};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

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
    /// Time of one core per primitive: a table, or the name of one that is built in (`configs/hardware/cpu/`).
    pub cost: RawCost,
}

/// Time of one core per primitive, or the name of a processor whose times are built in.
#[derive(Debug, Clone)]
pub(crate) enum RawCost {
    /// A built-in processor.
    Named(String),
    /// A table in the platform's own file.
    Table(Box<RawCpuCosts>),
}

impl<'de> Deserialize<'de> for RawCost {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Cost;
        impl<'de> Visitor<'de> for Cost {
            type Value = RawCost;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a table of times, or a processor such as \"{}\"", cpu_presets::names().join("\", \""))
            }
            fn visit_str<E: Error>(self, name: &str) -> Result<RawCost, E> {
                Ok(RawCost::Named(name.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawCost, A::Error> {
                RawCpuCosts::deserialize(MapAccessDeserializer::new(map)).map(|costs| RawCost::Table(Box::new(costs)))
            }
        }
        deserializer.deserialize_any(Cost)
    }
}

impl JsonSchema for RawCost {
    fn schema_name() -> Cow<'static, str> {
        "Cost".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<RawCpuCosts>();
        json_schema!({
            "description": "Time of one core per primitive: a table, or a built-in processor.",
            "oneOf": [{ "type": "string", "enum": cpu_presets::names() }, table],
        })
    }
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
    /// One label picked and written for the other party, or one pair of them for an oblivious transfer; free without this key.
    pub encode_label: Option<Duration>,
    /// One share read or made by a linear layer on shares (its inputs and outputs); free without this key.
    pub ring_element: Option<Duration>,
    /// Whole operations of a homomorphic-encryption library. With this table, SIMD-packed layers are charged by it and not by
    /// their transforms and multiplications.
    pub he_library: Option<RawHeLibrary>,
}

/// Time of whole operations of a homomorphic-encryption library, its transforms inside.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawHeLibrary {
    /// One ciphertext × plaintext product, per coefficient of the ring.
    pub plain_mul_coefficient: Duration,
    /// One key switch, per coefficient of the ring.
    pub key_switch_coefficient: Duration,
    /// One encryption, per coefficient of the ring.
    pub encrypt_coefficient: Duration,
    /// One decryption, per coefficient of the ring.
    pub decrypt_coefficient: Duration,
    /// Evaluation of a layer, once whatever its size; free without this key.
    pub evaluate_layer: Option<Duration>,
    /// Decryption of a layer's reply, once whatever its number of ciphertexts; free without this key.
    pub decrypt_layer: Option<Duration>,
    /// One generation of all keys; free without this key.
    pub keygen: Option<Duration>,
}

/// A memory shared by the units of one party.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMemory {
    /// What it is; not needed with `device`.
    pub kind: Option<MemoryKind>,
    /// Channels.
    pub channels: u64,
    /// The device of every channel, such as ddr4-3200: bandwidth, streaming efficiency, latency and energy follow from its
    /// timings, unless they are given.
    pub device: Option<String>,
    /// Ranks of every channel of a device; 1 without this key.
    pub ranks: Option<u64>,
    /// The address bits of a device that change first along a stream: `column` or, without this key, `bank-group`.
    pub mapping: Option<AddressMapping>,
    /// How much of a stream goes to one channel of a device before the next: `64B` or, without this key, `1K`.
    pub interleave: Option<Interleave>,
    /// Peak bandwidth of one channel.
    pub channel_bandwidth: Option<Bandwidth>,
    /// Share of the peak that long streams reach, above 0 and up to 1.
    pub streaming_efficiency: Option<f64>,
    /// Time from a request to its data with nothing else under way.
    pub latency: Option<Duration>,
    /// Energy per bit moved.
    pub energy: Option<EnergyPerBit>,
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
    /// The fastest clock at which such a design is known to close, for units above what published accelerators run at (2.1 GHz).
    pub achieved_clock: Option<Frequency>,
}

/// An FPGA board.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawFpga {
    /// The board: u200, u250, u280, u50, u55c, zcu102, vu9p, vcu108, vck190 or v80.
    pub board: String,
    /// The clock at which this design is known to close on the board (a timing report, a publication); without this key it is
    /// estimated from the fastest published design of the board's family and from what the design uses.
    pub achieved_clock: Option<Frequency>,
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
    /// The part of it that holds tables; a third without this key.
    pub table_queue: Option<Bytes>,
    /// The part of it that holds labels on their way from or to memory, the rest being for instructions; a third without this key.
    /// With "0 B" no label comes back from memory: circuits must fit the wire memory.
    pub wire_queue: Option<Bytes>,
    /// The order of the gates: as the circuit has them (`baseline`), by level in `segment`s of half of the wire memory, or by
    /// level over the whole circuit (`full`, as without this key).
    pub order: Option<Order>,
    /// Whether outputs are numbered in the order of the program, so that no instruction names its output; true without this key.
    pub rename: Option<bool>,
    /// Whether labels that are not read again stay on chip (elimination of spent wires); true without this key.
    pub esw: Option<bool>,
    /// How AND gates are garbled: `half-gates`, as without this key, or `three-halves`.
    pub tables: Option<Tables>,
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
    /// Pointwise modular multipliers; without this key, those of the MAC array (`products_on_mac_array`).
    pub modmul_lanes: Option<u64>,
    /// Pointwise products run on the cells of the party's MAC array, instead of `modmul_lanes`: both are one unit then.
    pub products_on_mac_array: Option<bool>,
    /// Coefficients per cycle of the automorphism unit.
    pub automorphism_lanes: u64,
    /// Cycles to fill and drain a pipeline.
    pub pipeline_latency: u64,
    /// On-chip memory.
    pub scratchpad: Bytes,
    /// Banks of the on-chip memory.
    pub scratchpad_banks: u64,
    /// Radix of a butterfly, a power of two: its stages are done at once; 2 without this key.
    pub ntt_radix: Option<u64>,
    /// Stages in flight in a transform unit, which divide its butterflies between them; 1 without this key.
    pub ntt_stages: Option<u64>,
    /// Coefficients that a transform unit's registers hold, a power of two; a whole transform without this key.
    pub ntt_block: Option<u64>,
    /// Cycles from a pass over a block of a transform to the next, which needs its results; 0 without this key.
    pub ntt_pass_gap: Option<u64>,
    /// Cycles between two products of one multiplier; 1 without this key.
    pub multiplier_interval: Option<u64>,
    /// Limbs that are worked on at once, each by its share of the units; any number without this key.
    pub limbs_at_once: Option<u64>,
    /// What one bank of the on-chip memory moves in a cycle; without this key it always keeps up.
    pub bank_port: Option<Bytes>,
    /// Butterflies of the slowest stage of a key-switch pipeline; without this key, key switches use the other units.
    pub key_switch_butterflies: Option<u64>,
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
    /// When products modulo a prime are reduced: `deferred`, once per output, or `per-product`; deferred without this key.
    pub prime_reduction: Option<PrimeReduction>,
}

/// The link between the parties.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLink {
    /// Rate from client to server that an application gets; with `down`, instead of `total` and `up_share`.
    pub up: Option<BitRate>,
    /// Rate from server to client that an application gets.
    pub down: Option<BitRate>,
    /// Rate of both directions together, split by `up_share`; instead of `up` and `down`.
    pub total: Option<BitRate>,
    /// The part of `total` that goes up, 0.001 to 0.999, or "optimal": the split with the least latency of the program at hand.
    pub up_share: Option<UpShare>,
    /// Time for an empty message to the other party and back.
    pub round_trip: Duration,
    /// Energy per bit sent, both ends and what lies between.
    pub energy: EnergyPerBit,
    /// Bytes on the wire per message beyond its own.
    pub message_overhead: Bytes,
}

/// The words that stand for a number.
const OPTIMAL: &str = "optimal";

impl<'de> Deserialize<'de> for UpShare {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Share;
        impl Visitor<'_> for Share {
            type Value = UpShare;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a part such as 0.1, or \"{OPTIMAL}\"")
            }
            fn visit_f64<E: Error>(self, part: f64) -> Result<UpShare, E> {
                Ok(UpShare::Fixed(part))
            }
            fn visit_i64<E: Error>(self, part: i64) -> Result<UpShare, E> {
                Ok(UpShare::Fixed(part as f64))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<UpShare, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Share)
    }
}

impl FromStr for UpShare {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no part; expected a number such as 0.1, or \"{OPTIMAL}\"");
        if text == OPTIMAL { Ok(Self::Optimal) } else { text.parse().map(Self::Fixed).map_err(|_| wrong()) }
    }
}

impl JsonSchema for UpShare {
    fn schema_name() -> Cow<'static, str> {
        "UpShare".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A part of the total, or the word for the best one.",
            "oneOf": [
                { "type": "number", "minimum": MIN_SHARE, "maximum": 1.0 - MIN_SHARE },
                { "type": "string", "enum": [OPTIMAL] },
            ],
        })
    }
}
