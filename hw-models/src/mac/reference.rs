//! The cycle-stepped reference of the MAC array: buffer block by buffer block, tile by tile, cell by cell.
//!
//! Each block of the loop order is loaded into one half of the buffer while the other half is used. Within a block the array
//! takes tile after tile; every row and column of a tile is stepped with its skew, so that a tile waits until the row and
//! column that it needs first are free and, where operands shift in or outputs shift out, until the ones before have left.

use super::{BufferOrder, Dataflow, Gemm, MacArray};

/// What the reference found for one product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MacReference {
    /// Cycles from the first load to the last store.
    pub cycles: u64,
    /// Bytes that it loaded and stored.
    pub memory_bytes: u64,
    /// Tiles that the array took.
    pub tiles: u64,
}

/// A block of the product between memory and buffer.
struct Block {
    /// The part of the product.
    part: Gemm,
    /// Bytes that stay in the buffer: loaded while the block before is worked on.
    resident: u64,
    /// Bytes that stream while it is worked on.
    streamed: u64,
    /// Bytes of its outputs, stored while the block behind is worked on.
    outputs: u64,
}

impl MacArray {
    /// Steps one product through buffer and array with `bytes_per_cycle` of memory bandwidth. Time and memory grow with the
    /// number of tiles and with rows and columns.
    pub fn reference(&self, gemm: &Gemm, bytes_per_cycle: u64) -> MacReference {
        let blocks = self.blocks(gemm);
        let moved = |bytes: u64| bytes.div_ceil(bytes_per_cycle.max(1));
        let mut array = Array::default();
        let (mut memory, mut found) = (0, MacReference { cycles: 0, memory_bytes: 0, tiles: 0 });
        let mut stored = 0;
        for (index, block) in blocks.iter().enumerate() {
            // Loaded ahead, except for the first; the port is free when the block before has streamed.
            if index == 0 {
                memory += moved(block.resident);
            }
            let start = array.free_at.max(memory);
            array.free_at = start;
            found.tiles += array.work(self, &block.part);
            let ahead = blocks.get(index + 1).map_or(0, |next| next.resident);
            let port = start + moved(block.streamed + ahead + stored);
            stored = block.outputs;
            // Streaming bounds the block as well.
            array.free_at = array.free_at.max(start + moved(block.streamed));
            memory = port;
            found.memory_bytes += block.resident + block.streamed + block.outputs;
        }
        found.cycles = (array.free_at + array.drain).max(memory) + moved(stored);
        found
    }

    /// The blocks of the loop order with the least traffic.
    fn blocks(&self, gemm: &Gemm) -> Vec<Block> {
        let word = gemm.word_bits.div_ceil(8).max(1);
        let ranges = |len: u64, part: u64| (0..len.div_ceil(part)).map(move |index| part.min(len - index * part));
        let Gemm { m, k, n, .. } = *gemm;
        let block = |rows: u64, columns: u64, resident: u64, streamed: u64| Block {
            part: Gemm { m: rows, n: columns, ..*gemm },
            resident: resident * word,
            streamed: streamed * word,
            outputs: rows * columns * word,
        };
        match self.buffer_order(gemm) {
            _ if m * k * n == 0 => Vec::new(),
            BufferOrder::Weights(band) => ranges(m, band).map(|rows| block(rows, n, rows * k, k * n)).collect(),
            BufferOrder::Inputs(band) => ranges(n, band).map(|columns| block(m, columns, k * columns, m * k)).collect(),
            BufferOrder::Outputs(height, width) => ranges(m, height)
                .flat_map(|rows| {
                    let square = move |columns| block(rows, columns, 0, rows * k + k * columns);
                    ranges(n, width).map(square)
                })
                .collect(),
        }
    }
}

/// The array between two tiles.
#[derive(Default)]
struct Array {
    /// Cycle in which the first cell is free.
    free_at: u64,
    /// Cycles from then until the last output has left.
    drain: u64,
    /// Cycle in which the path into or out of the array is free.
    path_free_at: u64,
}

impl Array {
    /// Works on one block; the number of its tiles.
    fn work(&mut self, array: &MacArray, part: &Gemm) -> u64 {
        let (down, across, streamed) = match array.dataflow {
            Dataflow::OutputStationary => (part.m, part.n, part.k),
            Dataflow::WeightStationary => (part.k, part.m, part.n),
            Dataflow::InputStationary => (part.k, part.n, part.m),
        };
        let passes = array.passes(part);
        let mut tiles = 0;
        for top in (0..down).step_by(usize::try_from(array.rows).unwrap_or(usize::MAX)) {
            for left in (0..across).step_by(usize::try_from(array.columns).unwrap_or(usize::MAX)) {
                let (rows, columns) = (array.rows.min(down - top), array.columns.min(across - left));
                self.tile(array, rows, columns, streamed * passes, rows * passes);
                if array.dataflow == Dataflow::OutputStationary {
                    self.free_at += array.reduction_passes(part);
                }
                tiles += 1;
            }
        }
        if array.dataflow != Dataflow::OutputStationary {
            let cells = array.rows * array.columns;
            self.free_at += (part.m * part.n).div_ceil(cells) * array.reduction_passes(part);
        }
        tiles
    }

    /// One tile: values enter row after row and column after column, one cycle later each; the path through which stationary
    /// operands enter or outputs leave is used for one cycle per row, and must be free again for the next tile.
    fn tile(&mut self, array: &MacArray, rows: u64, columns: u64, streamed: u64, path: u64) {
        let start = match array.dataflow {
            // The next outputs can leave only when these have.
            Dataflow::OutputStationary => self.free_at.max(self.path_free_at.saturating_sub(streamed)),
            // The operands shift in behind those of the tile before, while that works.
            _ => self.free_at.max(self.path_free_at),
        };
        self.path_free_at = match array.dataflow {
            Dataflow::OutputStationary => start + streamed + path,
            _ => start + path,
        };
        let mut last = 0;
        for row in 0..rows {
            for column in 0..columns {
                // The cell's last value arrives with the skew of its row and column.
                last = last.max(start + streamed - 1 + row + column);
            }
        }
        self.free_at = start + streamed;
        // The last outputs pass all rows below, or have shifted in through all rows before.
        self.drain = (last + 1 + rows).saturating_sub(self.free_at);
    }
}
