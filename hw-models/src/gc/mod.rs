//! The garbled-circuit engine: gate engines with a half-gate pipeline, a sliding window of wire labels and queues, as in HAAC.
//!
//! Two levels of detail. [`GcEngine::garble`] and [`GcEngine::evaluate`] are a closed form for many instances of one circuit;
//! [`GcEngine::run`] steps a compiled [`Program`] gate by gate.

mod banks;
mod closed;
mod detailed;
mod error;
mod fold;
mod netlist;
mod options;
mod order;
mod program;
mod schedule;
mod silicon;
mod step;
mod stream;

pub use closed::{GcWork, OtWork};
pub use detailed::{Bound, Detailed, Floors, Traffic};
pub use error::GcError;
pub use netlist::{Gate, GateCounts, Netlist, Op};
pub use options::{Order, Role, Tables};
pub use program::{Compiler, Program};
pub use schedule::{Path, Profile, Schedule};
pub use step::EngineCycles;
pub use stream::MemoryPort;

use crate::technology::Technology;

/// Bytes of garbled table per AND gate: two ciphertexts of 128 bits (half gates, Zahur, Rosulek and Evans, 2015).
pub const TABLE_BYTES: u64 = 32;

/// Bytes of a wire label.
pub const LABEL_BYTES: u64 = 16;

/// A garbled-circuit engine.
#[derive(Debug, Clone, PartialEq)]
pub struct GcEngine {
    /// Gate engines; each takes one gate per cycle, in order.
    pub engines: u64,
    /// Clock in hertz.
    pub clock_hz: f64,
    /// Cycles from an AND gate's inputs to its output when garbling.
    pub garble_latency: u64,
    /// The same when evaluating.
    pub evaluate_latency: u64,
    /// The same for an XOR gate; a negation takes one cycle less, but one.
    pub xor_latency: u64,
    /// On-chip memory for wire labels, in bytes.
    pub wire_memory_bytes: u64,
    /// Banks of the wire memory.
    pub wire_banks: u64,
    /// On-chip memory of the instruction, table and wire queues, in bytes.
    pub queue_memory_bytes: u64,
    /// The part of it that holds tables.
    pub table_queue_bytes: u64,
    /// The part of it that holds labels on their way from or to memory; the rest holds instructions.
    pub wire_queue_bytes: u64,
    /// The order in which the compiler gives gates to the engines.
    pub order: Order,
    /// Whether the compiler numbers outputs in the order of the program, so that no instruction names its output.
    pub rename: bool,
    /// Whether labels that are not read after they leave the window are not written back (elimination of spent wires).
    pub esw: bool,
    /// How AND gates are garbled.
    pub tables: Tables,
    /// Bits of one gate's instruction, streamed from memory.
    pub instruction_bits: u64,
    /// Engine cycles per extended oblivious transfer, when the engines' AES pipelines do that too.
    pub ot_cycles: Option<u64>,
    /// What it is made in.
    pub technology: Technology,
}
