//! The multiply-accumulate array for linear work on shares.

mod reference;
mod silicon;
mod traffic;

pub use reference::MacReference;
pub use traffic::BufferOrder;

use crate::cost::{Cost, Stretch, product};
use crate::technology::Technology;

/// What stays in place in the array while the rest streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Dataflow {
    /// Each cell accumulates one output; both operands stream.
    OutputStationary,
    /// Each cell holds one weight; inputs stream, sums move through the columns.
    WeightStationary,
    /// Each cell holds one input; weights stream, sums move through the columns.
    InputStationary,
}

/// When products of shares modulo a prime are reduced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PrimeReduction {
    /// Once per output: cells accumulate double words.
    #[default]
    Deferred,
    /// Every product at once: cells accumulate single words.
    PerProduct,
}

/// Multiplications of a Barrett reduction, of words as wide as the operands.
const REDUCTION_PRODUCTS: u64 = 2;

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
    /// When products modulo a prime are reduced.
    pub prime_reduction: PrimeReduction,
}

/// A matrix product in a ring Z_2^w or modulo a prime of w bits: weights (m × k) times inputs (k × n).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gemm {
    /// Rows of the weights (output channels).
    pub m: u64,
    /// The length of the sums (input channels × kernel area).
    pub k: u64,
    /// Columns of the inputs (output pixels).
    pub n: u64,
    /// Bits of the ring or of the prime.
    pub word_bits: u64,
    /// Whether it is modulo a prime.
    pub prime: bool,
}

impl MacArray {
    /// One matrix product.
    ///
    /// The array works through tiles ([`MacArray::tiles`]) that follow each other without a gap, and fills and drains once: 2 ×
    /// rows + columns − 2 of the part that is used (as SCALE-Sim counts a tile). A tile takes as many cycles as values stream
    /// through it, times the passes of [`MacArray::passes`], but at least as many as it has rows: for that long the next
    /// stationary operands shift in, or the last outputs shift out. Deferred reductions take all cells of a tile of outputs
    /// for two full products.
    ///
    /// Memory traffic: see [`MacArray::traffic`]. The array has nothing to do while the first block of operands is loaded and the
    /// last block of outputs is stored ([`Cost::starved`]). More rows or columns than a product can use add nothing but fill.
    pub fn gemm(&self, gemm: &Gemm) -> Cost {
        let Gemm { m, k, n, .. } = *gemm;
        let macs = product(&[m, k, n]);
        if macs == 0 {
            return Cost::default();
        }
        let passes = self.passes(gemm);
        let tiles = self.tiles(gemm);
        let memory_bytes = self.traffic(gemm);
        // Each tile reads its operands at the array's edge, words of the ring each.
        let edge_words = product(&[tiles.count(), tiles.streamed, tiles.used_rows.saturating_add(tiles.used_columns)]);
        let word_bytes = gemm.word_bits.div_ceil(8) as f64;
        let inner_words = self.inner_words(gemm, &tiles);
        let buffer_bytes_moved = edge_words.saturating_add(inner_words) as f64 * word_bytes + memory_bytes as f64;
        let reductions = product(&[m, n]) as f64 * self.reduction_passes(gemm) as f64;
        let energy_j =
            (macs as f64 * passes as f64 + reductions) * self.mac_j() + buffer_bytes_moved * self.buffer_j_per_byte();
        let [first, last] = self.first_and_last_bytes(gemm);
        let starved = Stretch { seconds: 0.0, memory_bytes: first.saturating_add(last).min(memory_bytes) };
        Cost { starved, ..Cost::of_cycles(self.cycles(gemm), self.clock_hz, memory_bytes, energy_j) }
    }

    /// Words between the buffer and the cells beside those that stream through the tiles: outputs that stay are written once; other
    /// operands that stay are loaded once, and partial sums come back for every tile after the first.
    fn inner_words(&self, gemm: &Gemm, tiles: &Tiles) -> u64 {
        let Gemm { m, k, n, .. } = *gemm;
        let sums = product(&[m, n]);
        let again = product(&[tiles.down.saturating_sub(1), sums]);
        match self.dataflow {
            Dataflow::OutputStationary => sums,
            Dataflow::WeightStationary => product(&[m, k]).saturating_add(again),
            Dataflow::InputStationary => product(&[k, n]).saturating_add(again),
        }
    }

    /// Cycles of one product with all operands on chip.
    fn cycles(&self, gemm: &Gemm) -> u64 {
        let (tiles, passes) = (self.tiles(gemm), self.passes(gemm));
        let streaming = product(&[tiles.streamed, passes]);
        let full = product(&[tiles.down - 1, tiles.across, streaming.max(product(&[tiles.used_rows, passes]))]);
        let last = product(&[tiles.across, streaming.max(product(&[tiles.last_rows, passes]))]);
        let fill = 2 * tiles.used_rows + tiles.used_columns - 2;
        full.saturating_add(last).saturating_add(self.reduction_cycles(gemm)).saturating_add(fill)
    }

    /// Tiles of one product: outputs, weights or inputs stay in place, rows × columns of them, and the third dimension streams.
    fn tiles(&self, gemm: &Gemm) -> Tiles {
        let Gemm { m, k, n, .. } = *gemm;
        let (down, across, streamed) = match self.dataflow {
            Dataflow::OutputStationary => (m, n, k),
            Dataflow::WeightStationary => (k, m, n),
            Dataflow::InputStationary => (k, n, m),
        };
        let count = down.div_ceil(self.rows);
        Tiles {
            down: count,
            across: across.div_ceil(self.columns),
            streamed,
            used_rows: self.rows.min(down),
            used_columns: self.columns.min(across),
            last_rows: down - (count - 1) * self.rows,
        }
    }

    /// Cycles of a cell for one multiply-accumulate of p pieces as wide as the cell: p(p+1)/2 in a ring, where products above
    /// it are not needed; p² modulo a prime, and three times that if every product is reduced (Barrett).
    pub fn passes(&self, gemm: &Gemm) -> u64 {
        let pieces = gemm.word_bits.div_ceil(self.word_bits).max(1);
        let whole = product(&[pieces, pieces]);
        match (gemm.prime, self.prime_reduction) {
            (false, _) => product(&[pieces, pieces.saturating_add(1)]) / 2,
            (true, PrimeReduction::Deferred) => whole,
            (true, PrimeReduction::PerProduct) => product(&[whole, 1 + REDUCTION_PRODUCTS]),
        }
    }

    /// Cycles of a cell to reduce one output at the end.
    fn reduction_passes(&self, gemm: &Gemm) -> u64 {
        if !gemm.prime || self.prime_reduction == PrimeReduction::PerProduct {
            return 0;
        }
        let pieces = gemm.word_bits.div_ceil(self.word_bits).max(1);
        product(&[REDUCTION_PRODUCTS, pieces, pieces])
    }

    /// Cycles of all deferred reductions: a tile of outputs at a time, all its cells at once.
    fn reduction_cycles(&self, gemm: &Gemm) -> u64 {
        let outputs = match self.dataflow {
            Dataflow::OutputStationary => product(&[gemm.m.div_ceil(self.rows), gemm.n.div_ceil(self.columns)]),
            _ => product(&[gemm.m, gemm.n]).div_ceil(product(&[self.rows, self.columns])),
        };
        product(&[outputs, self.reduction_passes(gemm)])
    }
}

/// The tiles of one product.
#[derive(Debug, Clone, Copy)]
struct Tiles {
    /// Tiles along the array's rows.
    down: u64,
    /// Tiles along its columns.
    across: u64,
    /// Values that stream through each tile.
    streamed: u64,
    used_rows: u64,
    used_columns: u64,
    /// Rows of the last tiles.
    last_rows: u64,
}

impl Tiles {
    fn count(&self) -> u64 {
        product(&[self.down, self.across])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_moves_once_and_partial_sums_come_back() {
        let technology = Technology { node_nm: 45, supply_v: 0.9, fpga: false };
        let array = |dataflow| MacArray {
            rows: 16,
            columns: 8,
            word_bits: 32,
            clock_hz: 1e9,
            dataflow,
            buffer_bytes: 1 << 20,
            prime_reduction: PrimeReduction::Deferred,
            technology,
        };
        let gemm = Gemm { m: 33, k: 100, n: 20, word_bits: 32, ..Gemm::default() };
        let words = |dataflow| array(dataflow).inner_words(&gemm, &array(dataflow).tiles(&gemm));
        assert_eq!(words(Dataflow::OutputStationary), 33 * 20);
        // Seven tiles of up to 16 of the 100 terms: six times sums are read again.
        assert_eq!(words(Dataflow::WeightStationary), 33 * 100 + 6 * 33 * 20);
        assert_eq!(words(Dataflow::InputStationary), 100 * 20 + 6 * 33 * 20);
    }
}
