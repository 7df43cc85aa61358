//! What a matrix product moves between memory and the buffer.

use super::{Gemm, MacArray};
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
    /// A square block of outputs with this side; both operands stream.
    Outputs(u64),
}

impl MacArray {
    /// DRAM bytes of one product with the best of three loop orders for half of the buffer: a band of weight rows stays and
    /// the inputs are read once per band; a band of input columns stays; or a square block of outputs stays while both
    /// operands stream. Outputs are written once.
    pub fn traffic(&self, gemm: &Gemm) -> u64 {
        self.best_order(gemm).1
    }

    /// The loop order with the least traffic.
    pub fn buffer_order(&self, gemm: &Gemm) -> BufferOrder {
        self.best_order(gemm).0
    }

    fn best_order(&self, gemm: &Gemm) -> (BufferOrder, u64) {
        let Gemm { m, k, n, .. } = *gemm;
        let word_bytes = gemm.word_bits.div_ceil(8).max(1);
        let words = self.buffer_bytes / 2 / word_bytes;
        let (weights, inputs, outputs) = (product(&[m, k]), product(&[k, n]), product(&[m, n]));
        let block = words.isqrt().max(1);
        let band = words.checked_div(k).unwrap_or(0);
        let blocks = product(&[weights, n.div_ceil(block)]).saturating_add(product(&[inputs, m.div_ceil(block)]));
        let mut best = (BufferOrder::Outputs(block), blocks);
        if band > 0 {
            let bands = [
                (BufferOrder::Weights(band), weights.saturating_add(product(&[inputs, m.div_ceil(band)]))),
                (BufferOrder::Inputs(band), inputs.saturating_add(product(&[weights, n.div_ceil(band)]))),
            ];
            for order in bands {
                if order.1 < best.1 {
                    best = order;
                }
            }
        }
        (best.0, product(&[best.1.saturating_add(outputs), word_bytes]))
    }
}
