//! What a garbled-circuit engine is made of: energy per gate, area, power and FPGA resources.

use super::{GcEngine, LABEL_BYTES};
use crate::cost::product;
use crate::fpga::{FpgaResources, memory_blocks};
use crate::sram::sram_energy_per_byte_j;

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

/// LUT and FF of a re-keyed half-gate garbler on UltraScale+, one AND per cycle (own RTL, open synthesis: 39,098 LUT
/// and 256 SRL, 9,344 FF).
const HALF_GATE_LUT: u64 = 39_098 + 256;
const HALF_GATE_FF: u64 = 9_344;

/// LUT and FF of a registered 128-bit FreeXOR (own RTL, open synthesis).
const FREE_XOR_LUT: u64 = 128;
const FREE_XOR_FF: u64 = 128;

impl GcEngine {
    /// Silicon area in mm²; `None` on an FPGA.
    pub fn area_mm2(&self) -> Option<f64> {
        let engines = self.engines as f64;
        let crossbar = haac::CROSSBAR_MM2 * (engines / haac::ENGINES) * (self.wire_banks as f64 / haac::BANKS);
        let gate_unit = haac::HALF_GATE_MM2 * self.tables.hashes();
        let units = engines * (gate_unit + haac::FREE_XOR_MM2 + haac::FORWARD_MM2);
        let memories = self.wire_memory_bytes as f64 * haac::WIRE_MM2_PER_BYTE
            + self.queue_memory_bytes as f64 * haac::QUEUE_MM2_PER_BYTE;
        self.technology.area(haac::NODE_NM).map(|factor| factor * (units + crossbar + memories))
    }

    /// Power in watts with every engine garbling an AND gate and issuing an XOR gate in every cycle, as HAAC's Table 4 adds up.
    pub fn peak_power_w(&self) -> f64 {
        let per_cycle = self.garble_and_energy_j() + self.xor_energy_j() + self.gate_overhead_j();
        self.engines as f64 * self.clock_hz * per_cycle
    }

    /// FPGA resources: half-gate and XOR units, wire memory and queues, and the multiplexers between engines and banks
    /// (three label ports per engine, one LUT per bit for each further three banks).
    pub fn fpga_resources(&self) -> FpgaResources {
        let crossbar = product(&[3, self.engines, 8 * LABEL_BYTES, self.wire_banks.saturating_sub(1).div_ceil(3)]);
        let gate_unit = |count: u64| (count as f64 * self.tables.hashes()) as u64;
        let logic = FpgaResources {
            lut: product(&[self.engines, gate_unit(HALF_GATE_LUT) + FREE_XOR_LUT]).saturating_add(crossbar),
            ff: product(&[self.engines, gate_unit(HALF_GATE_FF) + FREE_XOR_FF]),
            ..FpgaResources::default()
        };
        let queues = [self.instruction_queue_bytes(), self.table_queue_bytes, self.wire_queue_bytes];
        queues
            .into_iter()
            .map(|bytes| memory_blocks(bytes, 1, 8 * LABEL_BYTES))
            .fold(logic + memory_blocks(self.wire_memory_bytes, self.wire_banks, 8 * LABEL_BYTES), |sum, queue| {
                sum + queue
            })
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

    /// Wire memory, queues, crossbar and forwarding of one gate. Memories scale from HAAC's by CACTI's energy per access.
    pub(super) fn gate_overhead_j(&self) -> f64 {
        let bank_bytes = self.wire_memory_bytes as f64 / self.wire_banks as f64;
        let wires = haac::WIRE_J * sram_energy_per_byte_j(bank_bytes) / sram_energy_per_byte_j(haac::BANK_BYTES);
        let queues = haac::QUEUE_J * sram_energy_per_byte_j(self.queue_memory_bytes as f64)
            / sram_energy_per_byte_j(haac::QUEUE_BYTES);
        let crossbar = haac::CROSSBAR_J * self.wire_banks as f64 / haac::BANKS;
        self.logic_factor() * (wires + queues + crossbar + haac::FORWARD_J)
    }
}
