//! Energy, area and FPGA resources of the MAC array.

use super::MacArray;
use crate::breakdown::Part;
use crate::cost::product;
use crate::fpga::{FpgaResources, mac_unit, memory_blocks};
use crate::sram::{Sram, sram_energy_per_byte_j};

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
        self.parts().into_iter().map(|part| part.area_mm2).sum()
    }

    /// Power in watts with every cell busy and both edges fed in every cycle.
    pub fn peak_power_w(&self) -> f64 {
        self.parts().iter().map(|part| part.power_w).sum()
    }

    /// FPGA resources: the cells and the buffer, banked by rows and columns.
    pub fn fpga_resources(&self) -> FpgaResources {
        self.parts().into_iter().map(|part| part.fpga).sum()
    }

    /// Its parts, each with its area, its power when busy and its FPGA resources.
    pub(crate) fn parts(&self) -> Vec<Part> {
        let (made_in, cells) = (&self.technology, product(&[self.rows, self.columns]));
        let edge = Sram::banked(self.buffer_bytes, self.rows.saturating_add(self.columns));
        let cell_mm2 = horowitz::MULTIPLY_MM2 * self.word() * self.word() + horowitz::ADD_MM2 * self.word();
        let cells_mm2 = made_in.area(horowitz::NODE_NM).map(|factor| factor * cell_mm2 * cells as f64);
        let buffer_mm2 = made_in.area(16).map(|factor| factor * BUFFER_MM2_PER_BYTE_16NM * edge.bytes as f64);
        let edge_bytes = edge.banks as f64 * self.word_bits as f64 / 8.0;
        let cells_w = self.clock_hz * cells as f64 * self.mac_j();
        let buffer_w = self.clock_hz * edge_bytes * self.buffer_j_per_byte();
        let blocks = memory_blocks(edge.bytes, edge.banks, self.word_bits);
        vec![
            Part::logic(("cells", cells), made_in, cells_mm2, cells_w, mac_unit(self.word_bits).times(cells)),
            Part::memory("buffer", made_in, edge, buffer_mm2, buffer_w, blocks),
        ]
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
