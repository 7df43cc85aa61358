//! The garbled-circuit engine: gate engines with a half-gate pipeline, a wire memory and table queues, as in HAAC.

use crate::breakdown::Part;
use crate::cost::{Cost, product};
use crate::fpga::{FREE_XOR, FpgaResources, HALF_GATE, memory_blocks};
use crate::sram::{Sram, sram_energy_per_byte_j};
use crate::technology::Technology;

/// Bytes of garbled table per AND gate: two ciphertexts of 128 bits (half gates, Zahur, Rosulek and Evans, 2015).
pub const TABLE_BYTES: u64 = 32;

/// Bytes of a wire label.
pub const LABEL_BYTES: u64 = 16;

/// HAAC's synthesis at 16 nm and 1 GHz: 16 gate engines, 2 MiB of wire memory in 64 banks, 64 KiB of queues (HAAC,
/// ISCA'23, Table 4). Energies are power over 16 engines × 1 GHz.
mod haac {
    pub const NODE_NM: u32 = 16;
    /// Nominal for 16 nm (assumed; the paper does not say).
    pub const SUPPLY_V: f64 = 0.8;
    pub const ENGINES: f64 = 16.0;
    pub const BANKS: f64 = 64.0;
    pub const BANK_BYTES: f64 = 32_768.0;
    pub const QUEUE_BYTES: f64 = 65_536.0;
    /// 2.15 mm² and 1253 mW for 16 half-gate units.
    pub const HALF_GATE_MM2: f64 = 2.15 / 16.0;
    pub const HALF_GATE_J: f64 = 1.253 / 16e9;
    /// 9.51e-4 mm² and 0.321 mW for 16 FreeXOR units.
    pub const FREE_XOR_MM2: f64 = 9.51e-4 / 16.0;
    pub const FREE_XOR_J: f64 = 0.321e-3 / 16e9;
    /// Forwarding network: 1.80e-3 mm², 0.255 mW.
    pub const FORWARD_MM2: f64 = 1.80e-3 / 16.0;
    pub const FORWARD_J: f64 = 0.255e-3 / 16e9;
    /// Crossbar between 16 engines and 64 banks: 7.27e-2 mm², 16.6 mW.
    pub const CROSSBAR_MM2: f64 = 7.27e-2;
    pub const CROSSBAR_J: f64 = 16.6e-3 / 16e9;
    /// Wire memory of 2 MiB: 1.94 mm², 196 mW.
    pub const WIRE_MM2_PER_BYTE: f64 = 1.94 / 2_097_152.0;
    pub const WIRE_J: f64 = 0.196 / 16e9;
    /// Queues of 64 KiB: 0.173 mm², 35.5 mW.
    pub const QUEUE_MM2_PER_BYTE: f64 = 0.173 / 65_536.0;
    pub const QUEUE_J: f64 = 35.5e-3 / 16e9;
}

/// An evaluator's half-gate unit over a garbler's, by synthesised area (ASAP7: 17,788 over 28,932 µm²; runs made for
/// this project). HAAC's half-gate energy is taken as the garbler's.
const EVALUATE_SHARE: f64 = 17_788.0 / 28_932.0;

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
    /// The same for an XOR gate.
    pub xor_latency: u64,
    /// On-chip memory for wire labels, in bytes.
    pub wire_memory_bytes: u64,
    /// Banks of the wire memory.
    pub wire_banks: u64,
    /// On-chip memory of the instruction, table and wire queues, in bytes.
    pub queue_memory_bytes: u64,
    /// Bits of one gate's instruction, streamed from memory.
    pub instruction_bits: u64,
    /// Engine cycles per extended oblivious transfer, when the engines' AES pipelines do that too.
    pub ot_cycles: Option<u64>,
    /// What it is made in.
    pub technology: Technology,
}

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
        self.run(work, self.garble_latency, self.garble_and_energy_j())
    }

    /// Evaluates; as [`GcEngine::garble`] with the evaluator's pipeline.
    pub fn evaluate(&self, work: &GcWork) -> Cost {
        self.run(work, self.evaluate_latency, self.garble_and_energy_j() * EVALUATE_SHARE)
    }

    fn run(&self, work: &GcWork, and_latency: u64, and_energy_j: f64) -> Cost {
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

    /// Silicon area in mm²; `None` on an FPGA.
    pub fn area_mm2(&self) -> Option<f64> {
        self.parts().into_iter().map(|part| part.area_mm2).sum()
    }

    /// Power in watts with every engine garbling an AND gate and issuing an XOR gate in every cycle, as HAAC's Table 4 adds up.
    pub fn peak_power_w(&self) -> f64 {
        self.parts().iter().map(|part| part.power_w).sum()
    }

    /// FPGA resources: half-gate and XOR units, wire memory and queues, and the multiplexers between engines and banks
    /// (three label ports per engine, one LUT per bit for each further three banks).
    pub fn fpga_resources(&self) -> FpgaResources {
        self.parts().into_iter().map(|part| part.fpga).sum()
    }

    /// Its parts, each with its area, its power when busy and its FPGA resources.
    pub(crate) fn parts(&self) -> Vec<Part> {
        let (made_in, engines, banks) = (&self.technology, self.engines as f64, self.wire_banks as f64);
        let area = |mm2: f64| made_in.area(haac::NODE_NM).map(|factor| factor * mm2);
        let power = |joules: f64| engines * self.clock_hz * joules;
        let logic = |name, mm2: f64, joules: f64, fpga| {
            Part::logic((name, self.engines), made_in, area(mm2), power(joules * self.logic_factor()), fpga)
        };
        let memory = |name, sram: Sram, mm2_per_byte: f64, joules: f64| {
            let blocks = memory_blocks(sram.bytes, sram.banks, 8 * LABEL_BYTES);
            Part::memory(name, made_in, sram, area(sram.bytes as f64 * mm2_per_byte), power(joules), blocks)
        };
        let multiplexers = product(&[3, self.engines, 8 * LABEL_BYTES, self.wire_banks.saturating_sub(1).div_ceil(3)]);
        let crossbar = FpgaResources { lut: multiplexers, ..FpgaResources::default() };
        let crossbar_mm2 = haac::CROSSBAR_MM2 * (engines / haac::ENGINES) * (banks / haac::BANKS);
        let (wires, queues) =
            (Sram::banked(self.wire_memory_bytes, self.wire_banks), Sram::banked(self.queue_memory_bytes, 3));
        vec![
            logic(
                "half-gate pipelines",
                engines * haac::HALF_GATE_MM2,
                haac::HALF_GATE_J,
                HALF_GATE.times(self.engines),
            ),
            logic("free-XOR units", engines * haac::FREE_XOR_MM2, haac::FREE_XOR_J, FREE_XOR.times(self.engines)),
            logic("forwarding", engines * haac::FORWARD_MM2, haac::FORWARD_J, FpgaResources::default()),
            logic("crossbar", crossbar_mm2, haac::CROSSBAR_J * banks / haac::BANKS, crossbar),
            memory("wire memory", wires, haac::WIRE_MM2_PER_BYTE, self.wire_memory_j()),
            memory("queues", queues, haac::QUEUE_MM2_PER_BYTE, self.queues_j()),
        ]
    }

    fn logic_factor(&self) -> f64 {
        self.technology.logic_energy(haac::NODE_NM, haac::SUPPLY_V)
    }

    fn garble_and_energy_j(&self) -> f64 {
        haac::HALF_GATE_J * self.logic_factor()
    }

    fn xor_energy_j(&self) -> f64 {
        haac::FREE_XOR_J * self.logic_factor()
    }

    /// Wire memory, queues, crossbar and forwarding of one gate.
    fn gate_overhead_j(&self) -> f64 {
        let crossbar = haac::CROSSBAR_J * self.wire_banks as f64 / haac::BANKS;
        self.wire_memory_j() + self.queues_j() + self.logic_factor() * (crossbar + haac::FORWARD_J)
    }

    /// The wire memory's energy of one gate: HAAC's, scaled by CACTI's energy per access.
    fn wire_memory_j(&self) -> f64 {
        let bank_bytes = self.wire_memory_bytes as f64 / self.wire_banks as f64;
        let size = sram_energy_per_byte_j(bank_bytes) / sram_energy_per_byte_j(haac::BANK_BYTES);
        self.logic_factor() * haac::WIRE_J * size
    }

    /// The queues' energy of one gate, scaled in the same way.
    fn queues_j(&self) -> f64 {
        let size = sram_energy_per_byte_j(self.queue_memory_bytes as f64) / sram_energy_per_byte_j(haac::QUEUE_BYTES);
        self.logic_factor() * haac::QUEUE_J * size
    }
}
