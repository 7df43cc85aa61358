//! The multiply-accumulate array for linear work on shares.

use crate::breakdown::Part;
use crate::cost::{Cost, product};
use crate::fpga::{FpgaResources, mac_unit, memory_blocks};
use crate::sram::{Sram, sram_energy_per_byte_j};
use crate::technology::Technology;

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

/// What stays in place in the array while the rest streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Dataflow {
    /// Each cell accumulates one output; both operands stream.
    OutputStationary,
    /// Each cell holds one weight; inputs stream, sums move through the columns.
    WeightStationary,
}

/// A rows × columns array of multiply-accumulate cells with a double-buffered SRAM.
#[derive(Debug, Clone, PartialEq)]
pub struct MacArray {
    /// Rows of cells.
    pub rows: u64,
    /// Columns of cells.
    pub columns: u64,
    /// Width of a cell's operands and of its (wrapping) accumulator, in bits.
    pub word_bits: u64,
    /// Clock in hertz.
    pub clock_hz: f64,
    /// What stays in place.
    pub dataflow: Dataflow,
    /// On-chip buffer in bytes; half of it is filled while the other half is used.
    pub buffer_bytes: u64,
    /// What it is made in.
    pub technology: Technology,
}

/// A matrix product in a ring Z_2^w: weights (m × k) times inputs (k × n).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gemm {
    /// Rows of the weights (output channels).
    pub m: u64,
    /// The length of the sums (input channels × kernel area).
    pub k: u64,
    /// Columns of the inputs (output pixels).
    pub n: u64,
    /// Bits of the ring.
    pub word_bits: u64,
}

impl MacArray {
    /// One matrix product.
    ///
    /// Output-stationary: ⌈m/rows⌉ × ⌈n/columns⌉ tiles of k cycles each. Weight-stationary: ⌈k/rows⌉ × ⌈m/columns⌉ tiles
    /// of max(n, rows) cycles, because the next weights load while the inputs stream. Both add one fill and drain of the part
    /// of the array that is used, 2 × rows + columns − 2 (as SCALE-Sim counts a tile; here tiles follow each other
    /// without a gap). Words wider than a cell take p(p+1)/2 passes for p pieces: products above the ring are not needed.
    ///
    /// Memory traffic: see [`MacArray::traffic`]. More rows or columns than a product can use add nothing but fill.
    pub fn gemm(&self, gemm: &Gemm) -> Cost {
        let Gemm { m, k, n, .. } = *gemm;
        let macs = product(&[m, k, n]);
        if macs == 0 {
            return Cost::default();
        }
        let pieces = gemm.word_bits.div_ceil(self.word_bits).max(1);
        let passes = product(&[pieces, pieces.saturating_add(1)]) / 2;
        let (used_rows, used_columns, streamed) = match self.dataflow {
            Dataflow::OutputStationary => (self.rows.min(m), self.columns.min(n), k),
            Dataflow::WeightStationary => (self.rows.min(k), self.columns.min(m), n.max(self.rows.min(k))),
        };
        let tiles = match self.dataflow {
            Dataflow::OutputStationary => product(&[m.div_ceil(self.rows), n.div_ceil(self.columns)]),
            Dataflow::WeightStationary => product(&[k.div_ceil(self.rows), m.div_ceil(self.columns)]),
        };
        let fill = 2 * used_rows + used_columns - 2;
        let cycles = product(&[tiles, streamed, passes]).saturating_add(fill);
        let memory_bytes = self.traffic(gemm);
        // Each tile reads its operands at the array's edge, words of the ring each.
        let edge_words = match self.dataflow {
            Dataflow::OutputStationary => product(&[tiles, k, used_rows.saturating_add(used_columns)]),
            Dataflow::WeightStationary => product(&[tiles, n, used_rows.saturating_add(used_columns)]),
        };
        let word_bytes = gemm.word_bits.div_ceil(8) as f64;
        let buffer_bytes_moved = edge_words as f64 * word_bytes + memory_bytes as f64;
        let energy_j = macs as f64 * passes as f64 * self.mac_j() + buffer_bytes_moved * self.buffer_j_per_byte();
        Cost::of_cycles(cycles, self.clock_hz, memory_bytes, energy_j)
    }

    /// DRAM bytes of one product with the best of three loop orders for half of the buffer: a band of weight rows stays and
    /// the inputs are read once per band; a band of input columns stays; or a square block of outputs stays while both
    /// operands stream. Outputs are written once.
    pub fn traffic(&self, gemm: &Gemm) -> u64 {
        let Gemm { m, k, n, .. } = *gemm;
        let word_bytes = gemm.word_bits.div_ceil(8).max(1);
        let words = self.buffer_bytes / 2 / word_bytes;
        let (weights, inputs, outputs) = (product(&[m, k]), product(&[k, n]), product(&[m, n]));
        let block = words.isqrt().max(1);
        let band = words.checked_div(k).unwrap_or(0);
        let mut best = product(&[weights, n.div_ceil(block)]).saturating_add(product(&[inputs, m.div_ceil(block)]));
        if band > 0 {
            best = best.min(weights.saturating_add(product(&[inputs, m.div_ceil(band)])));
            best = best.min(inputs.saturating_add(product(&[weights, n.div_ceil(band)])));
        }
        product(&[best.saturating_add(outputs), word_bytes])
    }

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

    fn mac_j(&self) -> f64 {
        let at_45 = horowitz::MULTIPLY_J * self.word() * self.word() + horowitz::ADD_J * self.word();
        at_45 * self.technology.dsp_energy(horowitz::NODE_NM, horowitz::SUPPLY_V)
    }

    fn buffer_j_per_byte(&self) -> f64 {
        let bank = self.buffer_bytes as f64 / (self.rows + self.columns) as f64;
        sram_energy_per_byte_j(bank) * self.technology.dsp_energy(CACTI_NODE_NM, CACTI_SUPPLY_V)
    }
}
