//! The closed form: many instances of one circuit.

use super::step::{Latencies, START_CYCLES};
use super::{GcEngine, LABEL_BYTES, Order, Profile, Role, TABLE_BYTES};
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
        self.cost_at(work, Role::Garble, 0.0)
    }

    /// Evaluates; as [`GcEngine::garble`] with the evaluator's pipeline.
    pub fn evaluate(&self, work: &GcWork) -> Cost {
        self.cost_at(work, Role::Evaluate, 0.0)
    }

    /// As [`GcEngine::garble`] or [`GcEngine::evaluate`], with a memory that answers after `latency_s`: a queue's place is asked for
    /// again when its entry has been used, so that a stream delivers at most as many entries as its queue holds in each latency. Where
    /// that binds, most circuits are within 10 % of the detailed engine; at worst both times add up (few tables, wanted in bursts).
    pub fn cost_at(&self, work: &GcWork, role: Role, latency_s: f64) -> Cost {
        let and_energy_j = match role {
            Role::Garble => self.garble_and_energy_j(),
            Role::Evaluate => self.evaluate_and_energy_j(),
        };
        // Other tables than the protocol's half gates are shorter.
        let tables = work.table_bytes as u128 * u128::from(self.tables.bits()) / u128::from(8 * TABLE_BYTES);
        let traffic = u64::try_from(tables).unwrap_or(u64::MAX).saturating_add(work.label_bytes);
        let gates = work.gates();
        if gates == 0 {
            return Cost { memory_bytes: traffic, ..Cost::default() };
        }
        let [written, read] = self.wire_labels(work, gates);
        let labels = product(&[written.saturating_add(read), LABEL_BYTES]);
        let instructions = product(&[gates, self.instruction_bits_of(work)]).div_ceil(8);
        let energy_j = work.and_gates as f64 * and_energy_j
            + gates.saturating_sub(work.and_gates) as f64 * self.xor_energy_j()
            + gates as f64 * self.gate_overhead_j();
        let memory_bytes = traffic.saturating_add(labels).saturating_add(instructions);
        let computing = self.work_cycles(work, gates, self.and_latency(role));
        let (turns, left) = self.turns(work, role, gates, read);
        let answered = turns * latency_s * self.clock_hz + left * computing as f64;
        let cycles = computing.max(answered.ceil() as u64);
        Cost::of_cycles(cycles, self.clock_hz, memory_bytes, energy_j)
    }

    /// How often the queue of the slowest stream is emptied and filled again, and the part of the entries that the last filling
    /// holds. Without a queue there is no such stream.
    fn turns(&self, work: &GcWork, role: Role, gates: u64, labels: u64) -> (f64, f64) {
        let ands = if role == Role::Evaluate { work.and_gates } else { 0 };
        let streams = [
            (gates, self.instruction_queue_bytes(), self.instruction_bits_of(work) as f64 / 8.0),
            (ands, self.table_queue_bytes, self.tables.bits() as f64 / 8.0),
            (labels, self.wire_queue_bytes, LABEL_BYTES as f64),
        ];
        let turns = |(entries, queue, bytes): (u64, u64, f64)| {
            let (entries, places) = (entries as f64, (queue as f64 / bytes.max(f64::MIN_POSITIVE)).floor());
            if entries <= places || places < 1.0 {
                return (0.0, 1.0);
            }
            let turns = ((entries - 1.0) / places).floor();
            (turns, 1.0 - turns * places / entries)
        };
        streams.into_iter().map(turns).fold((0.0, 1.0), |most, other| if other.0 > most.0 { other } else { most })
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

    fn instruction_bits_of(&self, work: &GcWork) -> u64 {
        let named = !self.rename && self.order != Order::Baseline && work.profile.is_known();
        self.instruction_bits + if named { self.address_bits() } else { 0 }
    }

    /// Labels that are written, outputs among them, and those that come back into the window.
    fn wire_labels(&self, work: &GcWork, gates: u64) -> [u64; 2] {
        let schedule = work.profile.schedule(self.order);
        let footprint = product(&[work.wires_per_instance, LABEL_BYTES]);
        // A window that holds whole circuits holds every number of theirs.
        let [early, early_reads] = if self.rename || footprint <= self.wire_memory_bytes {
            [0, 0]
        } else {
            [schedule.early, schedule.early_reads].map(u64::from)
        };
        let excess = footprint.saturating_sub(self.wire_memory_bytes) / LABEL_BYTES;
        let spilled = product(&[excess, work.instances.max(1)]);
        let written = if self.esw {
            product(&[early + work.profile.outputs, work.instances])
        } else {
            // Nothing says which inputs are spent.
            let inputs = work.profile.inputs.min(self.wire_memory_bytes / LABEL_BYTES);
            gates.saturating_add(product(&[inputs, work.instances]))
        };
        let read = product(&[early_reads, work.instances]);
        [written.saturating_add(spilled), read.saturating_add(spilled)]
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
