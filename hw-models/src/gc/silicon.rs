//! What a garbled-circuit engine is made of: energy per gate, area, power and FPGA resources.

use super::{GcEngine, LABEL_BYTES};
use crate::breakdown::Part;
use crate::cost::product;
use crate::fpga::{FREE_XOR, FpgaResources, HALF_GATE, memory_blocks, multiplexer};
use crate::sram::{Sram, sram_energy_per_byte_j};

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

impl GcEngine {
    /// Silicon area in mm²; `None` on an FPGA.
    pub fn area_mm2(&self) -> Option<f64> {
        self.parts().into_iter().map(|part| part.area_mm2).sum()
    }

    /// Power in watts with every engine garbling an AND gate and issuing an XOR gate in every cycle, as HAAC's Table 4 adds up.
    pub fn peak_power_w(&self) -> f64 {
        self.parts().iter().map(|part| part.power_w).sum()
    }

    /// FPGA resources: half-gate and XOR units, wire memory and queues, the multiplexers between engines and banks (three label
    /// ports per engine, one LUT per bit for each further three banks), and for forwarding a choice between bank and last result at
    /// both operands of every engine: HAAC's takes twice the area of an XOR per bit, which is two such multiplexers.
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
        let memory = |name, sram: Sram, mm2_per_byte: f64, joules: f64, blocks| {
            Part::memory(name, made_in, sram, area(sram.bytes as f64 * mm2_per_byte), power(joules), blocks)
        };
        let label_bits = 8 * LABEL_BYTES;
        let multiplexers = product(&[3, self.engines, label_bits, self.wire_banks.saturating_sub(1).div_ceil(3)]);
        let crossbar = FpgaResources { lut: multiplexers, ..FpgaResources::default() };
        let crossbar_mm2 = haac::CROSSBAR_MM2 * (engines / haac::ENGINES) * (banks / haac::BANKS);
        let (wires, queues) =
            (Sram::banked(self.wire_memory_bytes, self.wire_banks), Sram::banked(self.queue_memory_bytes, 3));
        let queue_blocks = [self.instruction_queue_bytes(), self.table_queue_bytes, self.wire_queue_bytes]
            .into_iter()
            .map(|bytes| memory_blocks(bytes, 1, label_bits))
            .sum();
        let forwarding = multiplexer(2, label_bits).times(product(&[2, self.engines]));
        let (hashes, free_xors) = (self.tables.hashes(), FREE_XOR.times(self.engines));
        let gates = HALF_GATE.times(self.engines).scaled(hashes);
        vec![
            logic("half-gate pipelines", engines * haac::HALF_GATE_MM2 * hashes, haac::HALF_GATE_J * hashes, gates),
            logic("free-XOR units", engines * haac::FREE_XOR_MM2, haac::FREE_XOR_J, free_xors),
            logic("forwarding", engines * haac::FORWARD_MM2, haac::FORWARD_J, forwarding),
            logic("crossbar", crossbar_mm2, haac::CROSSBAR_J * banks / haac::BANKS, crossbar),
            memory(
                "wire memory",
                wires,
                haac::WIRE_MM2_PER_BYTE,
                self.wire_memory_j(),
                memory_blocks(wires.bytes, wires.banks, label_bits),
            ),
            memory("queues", queues, haac::QUEUE_MM2_PER_BYTE, self.queues_j(), queue_blocks),
        ]
    }

    fn logic_factor(&self) -> f64 {
        self.technology.logic_energy(haac::NODE_NM, haac::SUPPLY_V)
    }

    /// Joules of garbling an AND gate in its unit.
    pub(super) fn garble_and_energy_j(&self) -> f64 {
        haac::HALF_GATE_J * self.tables.hashes() * self.logic_factor()
    }

    /// Joules of evaluating one.
    pub(super) fn evaluate_and_energy_j(&self) -> f64 {
        self.garble_and_energy_j() * EVALUATE_SHARE
    }

    /// Joules of an XOR gate in its unit.
    pub(super) fn xor_energy_j(&self) -> f64 {
        haac::FREE_XOR_J * self.logic_factor()
    }

    /// Wire memory, queues, crossbar and forwarding of one gate.
    pub(super) fn gate_overhead_j(&self) -> f64 {
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
