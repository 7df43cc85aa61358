//! The closed form: many instances of one circuit.

use super::{GcEngine, LABEL_BYTES};
use crate::cost::{Cost, product};

/// Circuits to garble or to evaluate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GcWork {
    /// AND gates of all instances together.
    pub and_gates: u64,
    /// XOR gates of all instances together.
    pub xor_gates: u64,
    /// AND gates on the longest path of one instance.
    pub and_depth: u64,
    /// XOR gates on the longest path of one instance; 0 when unknown.
    pub xor_depth: u64,
    /// Independent instances of the circuit.
    pub instances: u64,
    /// Bytes of garbled tables written (garbling) or read (evaluating), all instances.
    pub table_bytes: u64,
    /// Bytes of input and output labels moved to or from memory, all instances.
    pub label_bytes: u64,
    /// Wires of one instance.
    pub wires_per_instance: u64,
}

/// Oblivious transfers to extend.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OtWork {
    /// Number of transfers.
    pub ots: u64,
}

impl GcEngine {
    /// Garbles.
    ///
    /// Cycles = max(⌈gates / engines⌉ − 1 + pipeline depth, waves × chain): the engines take one gate per cycle each (HAAC)
    /// unless too few instances are in flight to hide the chain, which is AND depth × pipeline depth + XOR depth × XOR
    /// latency. The wire memory bounds the instances in flight; waves = ⌈instances / instances that fit⌉.
    ///
    /// Memory traffic = tables + labels + one instruction per gate, and twice the wires that do not fit when a single
    /// instance is larger than the wire memory.
    pub fn garble(&self, work: &GcWork) -> Cost {
        self.cost(work, self.garble_latency, self.garble_and_energy_j())
    }

    /// Evaluates; as [`GcEngine::garble`] with the evaluator's pipeline.
    pub fn evaluate(&self, work: &GcWork) -> Cost {
        self.cost(work, self.evaluate_latency, self.evaluate_and_energy_j())
    }

    fn cost(&self, work: &GcWork, and_latency: u64, and_energy_j: f64) -> Cost {
        let gates = work.and_gates.saturating_add(work.xor_gates);
        let traffic = work.table_bytes.saturating_add(work.label_bytes);
        if gates == 0 {
            return Cost { memory_bytes: traffic, ..Cost::default() };
        }
        let instances = work.instances.max(1);
        let footprint = product(&[work.wires_per_instance, LABEL_BYTES]);
        let resident = self.wire_memory_bytes.checked_div(footprint).unwrap_or(instances).max(1);
        let chain =
            product(&[work.and_depth, and_latency]).saturating_add(product(&[work.xor_depth, self.xor_latency]));
        let last = if work.and_gates > 0 { and_latency } else { self.xor_latency };
        let issue = gates.div_ceil(self.engines).saturating_add(last.saturating_sub(1));
        let cycles = issue.max(product(&[instances.div_ceil(resident), chain]));
        let instructions = product(&[gates, self.instruction_bits]).div_ceil(8);
        let spilled = product(&[2, footprint.saturating_sub(self.wire_memory_bytes), instances]);
        let energy_j = work.and_gates as f64 * and_energy_j
            + work.xor_gates as f64 * self.xor_energy_j()
            + gates as f64 * self.gate_overhead_j();
        Cost::of_cycles(cycles, self.clock_hz, traffic.saturating_add(instructions).saturating_add(spilled), energy_j)
    }

    /// Extends oblivious transfers on the engines' AES pipelines, or `None` when the engine cannot.
    ///
    /// Cycles = ⌈transfers / engines⌉ × cycles per transfer + pipeline depth. Memory traffic = one row of the extension
    /// matrix written and read for the transposition, 32 bytes per transfer. Each busy cycle costs a garbled AND's energy.
    pub fn ot_extend(&self, work: &OtWork) -> Option<Cost> {
        let per_ot = self.ot_cycles?;
        if work.ots == 0 {
            return Some(Cost::default());
        }
        let cycles = product(&[work.ots.div_ceil(self.engines), per_ot]).saturating_add(self.garble_latency);
        let energy_j = work.ots as f64 * per_ot as f64 * (self.garble_and_energy_j() + self.gate_overhead_j());
        Some(Cost::of_cycles(cycles, self.clock_hz, product(&[work.ots, 2 * LABEL_BYTES]), energy_j))
    }
}
