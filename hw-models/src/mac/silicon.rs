//! Energy, area and FPGA resources of the MAC array.

use super::MacArray;
use crate::cost::product;
use crate::fpga::{FpgaResources, mac_unit, memory_blocks};
use crate::sram::sram_energy_per_byte_j;

/// Horowitz, ISSCC'14, 45 nm at 0.9 V: a 32-bit multiplication 3.1 pJ and 3,495 µm², an addition 0.1 pJ and 137 µm².
mod horowitz {
    pub const NODE_NM: u32 = 45;
    pub const SUPPLY_V: f64 = 0.9;
    pub const MULTIPLY_J: f64 = 3.1e-12;
    pub const ADD_J: f64 = 0.1e-12;
    pub const MULTIPLY_MM2: f64 = 3_495e-6;
    pub const ADD_MM2: f64 = 137e-6;
}

/// Compiled SRAM at 16 nm, mm² per byte (HAAC, ISCA'23, Table 4: 1.94 mm² for 2 MiB).
const BUFFER_MM2_PER_BYTE_16NM: f64 = 1.94 / 2_097_152.0;

/// The buffer is banked by rows and columns; CACTI's energies are for 22 nm, the nearest node of the scaling tables is 20.
const CACTI_NODE_NM: u32 = 20;
const CACTI_SUPPLY_V: f64 = 0.8;

impl MacArray {
    /// Silicon area in mm²; `None` on an FPGA.
    pub fn area_mm2(&self) -> Option<f64> {
        let cell = horowitz::MULTIPLY_MM2 * self.word() * self.word() + horowitz::ADD_MM2 * self.word();
        let cells = self.rows as f64 * self.columns as f64;
        let array = self.technology.area(horowitz::NODE_NM)? * cell * cells;
        let buffer = self.technology.area(16)? * BUFFER_MM2_PER_BYTE_16NM * self.buffer_bytes as f64;
        Some(array + buffer)
    }

    /// Power in watts with every cell busy and both edges fed in every cycle.
    pub fn peak_power_w(&self) -> f64 {
        let edge_bytes = (self.rows + self.columns) as f64 * self.word_bits as f64 / 8.0;
        let per_cycle = self.rows as f64 * self.columns as f64 * self.mac_j() + edge_bytes * self.buffer_j_per_byte();
        self.clock_hz * per_cycle
    }

    /// FPGA resources: the cells and the buffer, banked by rows and columns.
    pub fn fpga_resources(&self) -> FpgaResources {
        mac_unit(self.word_bits).times(product(&[self.rows, self.columns]))
            + memory_blocks(self.buffer_bytes, self.rows.saturating_add(self.columns), self.word_bits)
    }

    fn word(&self) -> f64 {
        self.word_bits as f64 / 32.0
    }

    /// Joules of one cell for one cycle.
    pub(crate) fn mac_j(&self) -> f64 {
        let at_45 = horowitz::MULTIPLY_J * self.word() * self.word() + horowitz::ADD_J * self.word();
        at_45 * self.technology.dsp_energy(horowitz::NODE_NM, horowitz::SUPPLY_V)
    }

    pub(super) fn buffer_j_per_byte(&self) -> f64 {
        let bank = self.buffer_bytes as f64 / (self.rows + self.columns) as f64;
        sram_energy_per_byte_j(bank) * self.technology.dsp_energy(CACTI_NODE_NM, CACTI_SUPPLY_V)
    }
}
