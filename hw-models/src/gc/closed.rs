//! The closed form: many instances of one circuit.

use super::step::{Latencies, START_CYCLES};
use super::{GcEngine, LABEL_BYTES, Order, Profile, TABLE_BYTES};
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
    /// Bytes of input labels moved to or from memory, all instances; outputs are in the profile.
    pub label_bytes: u64,
    /// Wires of one instance.
    pub wires_per_instance: u64,
    /// The circuit's schedules and outputs; without them, chains are estimated from the depths.
    pub profile: Profile,
}

impl GcWork {
    /// All gates; negations are in the profile alone.
    fn gates(&self) -> u64 {
        self.and_gates.saturating_add(self.xor_gates).max(product(&[self.profile.gates(), self.instances]))
    }
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
    /// Instances run in as few waves of equal size as the wire memory allows, gate by gate for all instances of a wave. With
    /// g = instances of the wave / min(engines, banks) cycles per gate (a gate reads two labels, a bank serves two reads; on an
    /// FPGA min(engines, 2/3 banks), as a block RAM's two ports both read and write),
    /// cycles = start + (waves − 1) × period(g) + finish(g), the longest paths of the circuit's [`Profile`].
    /// Within 2 % of the detailed engine where memory does not bind and a wave has at least four times as many instances as engines;
    /// with fewer, engines run ahead of a gate that waits, and the closed form is too slow.
    ///
    /// Without a profile: max(⌈gates / engines⌉ − 1 + pipeline depth, waves × chain), chain = AND depth × pipeline depth + XOR
    /// depth × XOR latency.
    ///
    /// Memory traffic = tables + labels + instructions (negations have one too), outputs, what is written back and fetched again,
    /// and twice the wires that do not fit when a single instance is larger than the wire memory.
    pub fn garble(&self, work: &GcWork) -> Cost {
        self.cost(work, self.garble_latency, self.garble_and_energy_j())
    }

    /// Evaluates; as [`GcEngine::garble`] with the evaluator's pipeline.
    pub fn evaluate(&self, work: &GcWork) -> Cost {
        self.cost(work, self.evaluate_latency, self.evaluate_and_energy_j())
    }

    fn cost(&self, work: &GcWork, and_latency: u64, and_energy_j: f64) -> Cost {
        // Other tables than the protocol's half gates are shorter.
        let tables = work.table_bytes as u128 * u128::from(self.tables.bits()) / u128::from(8 * TABLE_BYTES);
        let traffic = u64::try_from(tables).unwrap_or(u64::MAX).saturating_add(work.label_bytes);
        let gates = work.gates();
        if gates == 0 {
            return Cost { memory_bytes: traffic, ..Cost::default() };
        }
        let bytes = [self.instruction_bytes(work, gates), self.wire_bytes(work, gates)];
        let energy_j = work.and_gates as f64 * and_energy_j
            + gates.saturating_sub(work.and_gates) as f64 * self.xor_energy_j()
            + gates as f64 * self.gate_overhead_j();
        let memory_bytes = bytes.into_iter().fold(traffic, u64::saturating_add);
        Cost::of_cycles(self.work_cycles(work, gates, and_latency), self.clock_hz, memory_bytes, energy_j)
    }

    /// Instances that fit the wire memory together.
    fn resident(&self, work: &GcWork) -> u64 {
        let footprint = product(&[work.wires_per_instance, LABEL_BYTES]);
        self.wire_memory_bytes.checked_div(footprint).unwrap_or(work.instances).max(1)
    }

    fn work_cycles(&self, work: &GcWork, gates: u64, and_latency: u64) -> u64 {
        let (instances, resident) = (work.instances.max(1), self.resident(work));
        let issue = gates.div_ceil(self.engines);
        let schedule = work.profile.schedule(self.order);
        if schedule.is_known() {
            // Gates that the banks serve in a cycle: a gate reads two labels and writes one.
            let banks = self.wire_banks.max(1) as f64;
            let served = if self.technology.fpga { banks * 2.0 / 3.0 } else { banks };
            let lanes = (self.engines as f64).min(served);
            let latencies = Latencies { and: and_latency, xor: self.xor_latency, inv: self.inv_latency() };
            let waves = instances.div_ceil(resident) as f64;
            let slot = instances as f64 / waves / lanes;
            let cycles = (waves - 1.0) * schedule.period(latencies, slot) + schedule.finish(latencies, slot);
            return (cycles.ceil() as u64).saturating_add(START_CYCLES).max(issue);
        }
        let chain =
            product(&[work.and_depth, and_latency]).saturating_add(product(&[work.xor_depth, self.xor_latency]));
        let last = if work.and_gates > 0 { and_latency } else { self.xor_latency };
        issue.saturating_add(last.saturating_sub(1)).max(product(&[instances.div_ceil(resident), chain]))
    }

    fn instruction_bytes(&self, work: &GcWork, gates: u64) -> u64 {
        let named = !self.rename && self.order != Order::Baseline && work.profile.is_known();
        let bits = self.instruction_bits + if named { self.address_bits() } else { 0 };
        product(&[gates, bits]).div_ceil(8)
    }

    /// Labels that leave the window or come back, and outputs.
    fn wire_bytes(&self, work: &GcWork, gates: u64) -> u64 {
        let schedule = work.profile.schedule(self.order);
        let footprint = product(&[work.wires_per_instance, LABEL_BYTES]);
        // A window that holds whole circuits holds every number of theirs.
        let [early, early_reads] = if self.rename || footprint <= self.wire_memory_bytes {
            [0, 0]
        } else {
            [schedule.early, schedule.early_reads].map(u64::from)
        };
        let spilled = product(&[2, footprint.saturating_sub(self.wire_memory_bytes), work.instances.max(1)]);
        let written = if self.esw {
            product(&[early + work.profile.outputs, work.instances])
        } else {
            // Nothing says which inputs are spent.
            let inputs = work.profile.inputs.min(self.wire_memory_bytes / LABEL_BYTES);
            gates.saturating_add(product(&[inputs, work.instances]))
        };
        let read = product(&[early_reads, work.instances]);
        product(&[written.saturating_add(read), LABEL_BYTES]).saturating_add(spilled)
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
