//! What a matrix product moves between memory and the buffer.

use super::{Dataflow, Gemm, MacArray};
use crate::cost::product;
use serde::Serialize;

/// What stays in half of the buffer while the other operand streams through the other half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BufferOrder {
    /// A band of this many rows of the weights.
    Weights(u64),
    /// A band of this many columns of the inputs.
    Inputs(u64),
    /// A block of outputs, rows × columns; both operands stream.
    Outputs(u64, u64),
}

impl MacArray {
    /// DRAM bytes of one product with the best of three loop orders for half of the buffer: a band of weight rows stays and
    /// the inputs are read once per band; a band of input columns stays; or a block of outputs stays, as square as the array's
    /// tiles allow, while both operands stream. Outputs are written once.
    ///
    /// Bands and blocks are whole tiles of the array, so that no tile is cut; an array keeps one tile of outputs in its own
    /// cells or at its edge, whatever the buffer.
    pub fn traffic(&self, gemm: &Gemm) -> u64 {
        self.best_order(gemm).1
    }

    /// The loop order with the least traffic.
    pub fn buffer_order(&self, gemm: &Gemm) -> BufferOrder {
        self.best_order(gemm).0
    }

    /// Bytes of the first block's resident operands and of the last block's outputs: what moves before the array can begin, and
    /// after it is done.
    pub(super) fn first_and_last_bytes(&self, gemm: &Gemm) -> [u64; 2] {
        let Gemm { m, k, n, .. } = *gemm;
        let last_of = |len: u64, part: u64| len - (len.div_ceil(part.max(1)).saturating_sub(1)).saturating_mul(part);
        let (first, last) = match self.buffer_order(gemm) {
            BufferOrder::Weights(band) => ([band.min(m), k], [last_of(m, band), n]),
            BufferOrder::Inputs(band) => ([k, band.min(n)], [m, last_of(n, band)]),
            BufferOrder::Outputs(rows, columns) => ([0, 0], [last_of(m, rows), last_of(n, columns)]),
        };
        let word_bytes = gemm.word_bits.div_ceil(8).max(1);
        [first, last].map(|[rows, columns]| product(&[rows, columns, word_bytes]))
    }

    fn best_order(&self, gemm: &Gemm) -> (BufferOrder, u64) {
        let Gemm { m, k, n, .. } = *gemm;
        let word_bytes = gemm.word_bits.div_ceil(8).max(1);
        let words = self.buffer_bytes / 2 / word_bytes;
        let (weights, inputs, outputs) = (product(&[m, k]), product(&[k, n]), product(&[m, n]));
        let (unit_m, unit_n) = match self.dataflow {
            Dataflow::OutputStationary => (self.rows, self.columns),
            // What streams through a tile should hide the loading of the next, which takes as long as it has rows.
            Dataflow::WeightStationary => (self.columns, self.rows),
            Dataflow::InputStationary => (self.rows, self.columns),
        };
        let whole = |size: u64, unit: u64, len: u64| if size >= len { len } else { size / unit * unit };
        let side = words.isqrt();
        let (rows, columns) = (whole(side, unit_m, m).max(unit_m), whole(side, unit_n, n).max(unit_n));
        let blocks = product(&[weights, n.div_ceil(columns)]).saturating_add(product(&[inputs, m.div_ceil(rows)]));
        let mut best = (BufferOrder::Outputs(rows, columns), blocks);
        let band = words.checked_div(k).unwrap_or(0);
        let (weight_band, input_band) = (whole(band, unit_m, m), whole(band, unit_n, n));
        if weight_band > 0 {
            let moved = weights.saturating_add(product(&[inputs, m.div_ceil(weight_band)]));
            best = least(best, (BufferOrder::Weights(weight_band), moved));
        }
        if input_band > 0 {
            let moved = inputs.saturating_add(product(&[weights, n.div_ceil(input_band)]));
            best = least(best, (BufferOrder::Inputs(input_band), moved));
        }
        (best.0, product(&[best.1.saturating_add(outputs), word_bytes]))
    }
}

fn least(a: (BufferOrder, u64), b: (BufferOrder, u64)) -> (BufferOrder, u64) {
    if b.1 < a.1 { b } else { a }
}
