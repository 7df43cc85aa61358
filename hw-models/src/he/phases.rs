//! How long the units take for a tiled layer when memory keeps up.

use super::edges::Edges;
use super::units::{Amounts, Units};
use super::{HeTiling, HeWork, LoopOrder};
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
    /// A tiled layer's cycles: what its units need that is not in the tail, all at once, with the chain before the first product
    /// and that after the last one. Multipliers wait for the first weight, transforms of weights are over before the last
    /// products. With inputs stationary all outputs are finished in the last pass, for which units that do little else have
    /// waited: its cycles come after those of the other passes.
    ///
    /// `ports`: cycles of the scratchpad's ports, which serve the whole layer.
    pub fn of(
        units: &Units<'_>,
        (work, tiling): (&HeWork, &HeTiling),
        edges: &Edges,
        order: LoopOrder,
        ports: u64,
    ) -> Self {
        let work = Amounts::of(work);
        let (body, finish) = (work.without(&edges.tail_work), finishing(units, &work, tiling));
        let (early, late) = match order {
            LoopOrder::InputStationary => {
                let before = work.without(&finish).of_passes(tiling.input_groups);
                (units.busy(&before, 1).most(), units.busy(&body.without(&before), 1))
            }
            _ => (0, units.busy(&body, 1)),
        };
        let others = late.automorphism.max(late.key_switch).max(ports.saturating_sub(early));
        let most = late
            .ntt
            .saturating_add(edges.last)
            .max(late.multiply.saturating_add(edges.head).saturating_add(edges.lag))
            .max(others.saturating_add(edges.head).saturating_add(edges.last));
        let finish = units.busy(&finish, 1);
        let (part, all) =
            if late.ntt >= late.multiply { (finish.ntt, late.ntt) } else { (finish.multiply, late.multiply) };
        Self { early, late: most.saturating_add(edges.tail), finishing: part.min(all) as f64 / all.max(1) as f64 }
    }

    pub fn total(&self) -> u64 {
        self.early.saturating_add(self.late)
    }
}

/// What finishing all outputs takes: folds, and the transforms and products that make replies.
fn finishing(units: &Units<'_>, work: &Amounts, tiling: &HeTiling) -> Amounts {
    let (limbs, degree, outputs) = (units.limbs, units.degree, tiling.outputs());
    let folds = units.rotations(product(&[tiling.folds, outputs]));
    let all = Amounts {
        ntts: product(&[outputs, tiling.ntts_per_output]).saturating_add(folds.ntts),
        mod_muls: product(&[outputs, 2, limbs, degree]).saturating_add(folds.mod_muls),
        ..folds
    };
    all.at_most(work)
}
