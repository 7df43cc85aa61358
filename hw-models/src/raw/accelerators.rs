//! `[*.gc_engine]`, `[*.he_engine]`, `[*.mac_array]`, and what they are made of.

use crate::gc::{Order, Tables};
use crate::mac::{Dataflow, PrimeReduction};
use pisim_settings::{Bytes, Frequency};
use schemars::JsonSchema;
use serde::Deserialize;

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
    /// How AND gates are garbled: `half-gates`, as without this key, or `three-halves`. It is what the engine computes and moves
    /// through its memory: messages, stored tables and the other party stay the protocol's, which are half gates.
    pub tables: Option<Tables>,
    /// Bits of one gate's instruction: at least two addresses of a label in the wire memory and a bit for the kind of gate, or 0 for
    /// a fixed schedule that reads no instructions.
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
