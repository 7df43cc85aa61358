//! How the pipelined work of a tiled layer begins and ends.

use super::HeTiling;
use super::units::{Amounts, Units};
use crate::cost::product;

/// The beginning and the end of a tiled layer, in which not all units have work.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edges {
    /// Cycles before the first product: the first weight is prepared.
    pub head: u64,
    /// Cycles of the products of one ciphertext, after all transforms of weights.
    pub last: u64,
    /// Cycles by which the transforms of the last group's other outputs come later than their products.
    pub lag: u64,
    /// Cycles of the transforms that finish one group of outputs.
    pub burst: u64,
    /// Cycles from the return of a spilled sum to its next spill: what one input group adds to it.
    pub add: u64,
    /// Cycles after the last product: the last sum is rotated and folded, and the last output is finished.
    pub tail: u64,
    /// The work of the tail.
    pub tail_work: Amounts,
}

impl Edges {
    /// The edges of a layer: chains of operations that wait for each other, each with the pipeline latency at its end.
    pub fn of(units: &Units<'_>, tiling: &HeTiling) -> Self {
        let (limbs, degree) = (units.limbs, units.degree);
        let both = product(&[2, limbs, degree]);
        let last = units.products(both);
        let encoding = tiling.ntts_per_weight.saturating_sub(limbs);
        let head = units.transforms(encoding).saturating_add(units.transforms(tiling.ntts_per_weight - encoding));
        let turns = tiling.folds.saturating_add(u64::from(tiling.sums > 1));
        let finishing = units.transforms(tiling.ntts_after_sums).saturating_add(last);
        let others = tiling.outputs_per_group.saturating_sub(1);
        let transforms = units.transforms(product(&[others, tiling.ntts_after_sums]));
        let products = units.products(product(&[others, both]));
        let turn = if tiling.rotates() { units.rotation() } else { 0 };
        let one_turn = if tiling.sums > 1 { turn } else { 0 };
        let turned = units.rotations(turns);
        let tail_work = Amounts {
            ntts: tiling.ntts_after_sums.saturating_add(turned.ntts),
            mod_muls: both.saturating_add(turned.mod_muls),
            ..turned
        };
        Self {
            head,
            last,
            burst: units.transforms(product(&[tiling.outputs_per_group, tiling.ntts_after_sums])),
            lag: transforms.saturating_sub(products),
            add: last.saturating_add(one_turn),
            tail: finishing.saturating_add(product(&[turns, turn])),
            tail_work,
        }
    }
}
