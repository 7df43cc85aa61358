//! How the pipelined work of a tiled layer begins and ends.

use super::{HeEngine, HeTiling, HeWork, Shares};
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
    pub tail_work: HeWork,
}

impl HeEngine {
    /// The edges of a layer: chains of operations that wait for each other, each with the pipeline latency at its end.
    pub(super) fn edges(&self, work: &HeWork, tiling: &HeTiling) -> Edges {
        let chain = Chain { engine: self, work, shares: Shares::of(self, work) };
        let (limbs, degree) = (work.limbs, work.degree);
        let both = product(&[2, limbs, degree]);
        let encoding = tiling.ntts_per_weight.saturating_sub(limbs);
        let head = chain.transforms(encoding).saturating_add(chain.transforms(tiling.ntts_per_weight - encoding));
        let rotations = tiling.folds.saturating_add(u64::from(tiling.sums > 1));
        let finishing = chain.transforms(tiling.ntts_after_sums).saturating_add(chain.products(both));
        let others = tiling.outputs_per_group.saturating_sub(1);
        let transforms = chain.transforms(product(&[others, tiling.ntts_after_sums]));
        let products = chain.products(product(&[others, both]));
        let turn = if tiling.rotates() { chain.automorphism().saturating_add(chain.key_switch()) } else { 0 };
        let (turned, one_turn) = (product(&[rotations, turn]), if tiling.sums > 1 { turn } else { 0 });
        let (switch_ntts, switch_mod_muls) = switch_work(limbs, degree);
        let (rotated_ntts, rotated_muls) = (product(&[rotations, switch_ntts]), product(&[rotations, switch_mod_muls]));
        let tail_work = HeWork {
            ntts: tiling.ntts_after_sums.saturating_add(rotated_ntts),
            mod_muls: both.saturating_add(rotated_muls),
            switch_ntts: rotated_ntts,
            switch_mod_muls: rotated_muls,
            automorphisms: rotations,
            key_switches: rotations,
            ..HeWork::default()
        };
        Edges {
            head,
            last: chain.products(both),
            burst: chain.transforms(product(&[tiling.outputs_per_group, tiling.ntts_after_sums])),
            lag: transforms.saturating_sub(products),
            add: chain.products(both).saturating_add(one_turn),
            tail: finishing.saturating_add(turned),
            tail_work,
        }
    }
}

/// Transforms and products of one key switch with a digit for every limb and one special limb: digits are transformed back
/// and into all other limbs, multiplied with both halves of the key, and both sums are divided by the special limb.
pub(super) fn switch_work(limbs: u64, degree: u64) -> (u64, u64) {
    let ntts = product(&[limbs, limbs.saturating_add(1)]).saturating_add(product(&[2, limbs.saturating_add(1)]));
    let mod_muls = product(&[2, limbs, limbs.saturating_add(2), degree]);
    (ntts, mod_muls)
}

/// Cycles of operations that are alone on their units, with the latency of their results.
struct Chain<'a> {
    engine: &'a HeEngine,
    work: &'a HeWork,
    shares: Shares,
}

impl Chain<'_> {
    fn transforms(&self, count: u64) -> u64 {
        if count == 0 {
            return 0;
        }
        let waves = self.shares.waves(product(&[count, self.engine.narrow(self.work)]), self.engine.ntt_units);
        self.ends(product(&[waves, self.engine.ntt_cycles(self.work.degree)]))
    }

    fn products(&self, count: u64) -> u64 {
        let amount = product(&[count, self.engine.narrow(self.work), self.engine.design.multiplier_interval.max(1)]);
        self.ends(self.shares.waves(amount, self.engine.modmul_lanes))
    }

    fn automorphism(&self) -> u64 {
        let one = HeWork { automorphisms: 1, ..*self.work };
        self.ends(self.engine.permuted(&one).div_ceil(self.engine.automorphism_lanes.max(1)))
    }

    fn key_switch(&self) -> u64 {
        let (limbs, degree) = (self.work.limbs, self.work.degree);
        if let Some(cycles) = self.engine.piped_switch_cycles(self.work) {
            return self.ends(cycles);
        }
        [
            self.transforms(limbs),
            self.transforms(product(&[limbs, limbs])),
            self.products(product(&[2, limbs, limbs.saturating_add(1), degree])),
            self.transforms(2),
            self.transforms(product(&[2, limbs])),
            self.products(product(&[2, limbs, degree])),
        ]
        .into_iter()
        .fold(0, u64::saturating_add)
    }

    fn ends(&self, cycles: u64) -> u64 {
        cycles.saturating_add(self.engine.pipeline_latency)
    }
}
