//! How long the units take for a tiled layer when memory keeps up.

use super::edges::{Edges, switch_work};
use super::{HeEngine, HeTiling, HeTraffic, HeWork, LoopOrder};
use crate::cost::product;

/// The computing of a tiled layer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Phases {
    /// Cycles of all input groups but the last if inputs are stationary; otherwise none.
    pub early: u64,
    /// Cycles of the rest.
    pub late: u64,
    /// The part of the latter that goes into finishing outputs: what it takes of the busiest unit's time.
    pub finishing: f64,
}

impl Phases {
    pub fn total(&self) -> u64 {
        self.early.saturating_add(self.late)
    }
}

impl HeEngine {
    /// A tiled layer's cycles: what its units need that is not in the tail, all at once, with the chain before the first product
    /// and that after the last one. Multipliers wait for the first weight, transforms of weights are over before the last
    /// products. With inputs stationary all outputs are finished in the last pass, for which units that do little else have
    /// waited: its cycles come after those of the other passes.
    pub(super) fn phases(&self, work: &HeWork, tiling: &HeTiling, edges: &Edges, traffic: &HeTraffic) -> Phases {
        let (body, finish) = (without(work, &edges.tail_work), finishing(work, tiling));
        let busy = |work: &HeWork| self.busy_with(work, 1, traffic);
        let (early, late) = match traffic.order {
            LoopOrder::InputStationary => {
                let before = of_passes(&without(work, &finish), tiling.input_groups);
                let early = busy(&before);
                let early = early.ntt.max(early.multiply).max(early.automorphism).max(early.key_switch);
                (early, busy(&without(&body, &before)))
            }
            _ => (0, busy(&body)),
        };
        let finish = busy(&finish);
        // The ports of the scratchpad serve the whole layer.
        let ports = if self.design.bank_port_bytes.is_some() { busy(&body).scratchpad } else { 0 };
        let others = late.automorphism.max(late.key_switch).max(ports.saturating_sub(early));
        let most = late
            .ntt
            .saturating_add(edges.last)
            .max(late.multiply.saturating_add(edges.head).saturating_add(edges.lag))
            .max(others.saturating_add(edges.head).saturating_add(edges.last));
        let (part, all) =
            if late.ntt >= late.multiply { (finish.ntt, late.ntt) } else { (finish.multiply, late.multiply) };
        Phases { early, late: most.saturating_add(edges.tail), finishing: part.min(all) as f64 / all.max(1) as f64 }
    }
}

/// What finishing all outputs takes: folds, and the transforms and products that make replies.
fn finishing(work: &HeWork, tiling: &HeTiling) -> HeWork {
    let (outputs, folds) = (tiling.outputs(), product(&[tiling.folds, tiling.outputs()]));
    let (ntts, mod_muls) = switch_work(work.limbs, work.degree);
    let (switch_ntts, switch_mod_muls) = (product(&[folds, ntts]), product(&[folds, mod_muls]));
    HeWork {
        ntts: product(&[outputs, tiling.ntts_per_output]).saturating_add(switch_ntts).min(work.ntts),
        mod_muls: product(&[outputs, 2, work.limbs, work.degree]).saturating_add(switch_mod_muls).min(work.mod_muls),
        automorphisms: folds.min(work.automorphisms),
        key_switches: folds.min(work.key_switches),
        switch_ntts: switch_ntts.min(work.switch_ntts),
        switch_mod_muls: switch_mod_muls.min(work.switch_mod_muls),
        ..*work
    }
}

/// What is left of a piece of work.
fn without(work: &HeWork, part: &HeWork) -> HeWork {
    each(work, part, u64::saturating_sub)
}

/// All of so many equal passes but the last.
fn of_passes(work: &HeWork, passes: u64) -> HeWork {
    each(work, work, |amount, _| amount - amount.div_ceil(passes.max(1)))
}

/// Work whose amounts are made of those of two pieces.
fn each(one: &HeWork, other: &HeWork, of: impl Fn(u64, u64) -> u64) -> HeWork {
    HeWork {
        ntts: of(one.ntts, other.ntts),
        mod_muls: of(one.mod_muls, other.mod_muls),
        switch_ntts: of(one.switch_ntts, other.switch_ntts),
        switch_mod_muls: of(one.switch_mod_muls, other.switch_mod_muls),
        automorphisms: of(one.automorphisms, other.automorphisms),
        key_switches: of(one.key_switches, other.key_switches),
        ..*one
    }
}
