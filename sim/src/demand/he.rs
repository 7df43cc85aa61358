//! A linear layer under encryption as loops over ciphertexts, for the HE engine.

use pisim_hw_models::{HeTiling, HeWork};
use pisim_protocol::{ConvPlan, Linear, LinearPlan, SimdPlan};

/// Adds how much of the work is key switching, and how many keys it uses in turn. Keys that are used are two polynomials for
/// every limb, as `HeWork` has them by default.
pub(super) fn switching(work: HeWork, linear: &Linear) -> HeWork {
    let Some(params) = linear.simd() else { return work };
    let one = params.key_switch_work();
    HeWork {
        switch_ntts: work.key_switches.saturating_mul(one.ntts),
        switch_mod_muls: work.key_switches.saturating_mul(one.mod_muls),
        distinct_keys: params.galois_keys(),
        ..work
    }
}

/// A layer's loops. `polynomial` is the size of one polynomial on chip; a ciphertext is two. Weights that were transformed
/// before all inferences are read as polynomials.
pub(super) fn layer(work: HeWork, plan: &LinearPlan, polynomial: u64) -> HeWork {
    match plan {
        LinearPlan::Coefficient(plan) => {
            let weight_bytes =
                if plan.prepared { plan.weight_polys().saturating_mul(polynomial) } else { work.weight_bytes };
            HeWork { weight_bytes, tiling: Some(coefficient(plan, polynomial)), ..work }
        }
        LinearPlan::Simd(plan) => HeWork { tiling: Some(simd(plan, polynomial)), ..work },
    }
}

/// Every group of channels has one ciphertext in every tile. A reply is hidden by one transform in every limb, and both of
/// its halves are transformed back.
fn coefficient(plan: &ConvPlan, polynomial: u64) -> HeTiling {
    let (tiles, limbs) = (plan.tiles() as u64, plan.limbs as u64);
    HeTiling {
        input_groups: plan.input_groups() as u64,
        inputs_per_group: tiles,
        output_groups: plan.output_groups() as u64,
        outputs_per_group: tiles,
        sums: 1,
        weights_per_sum: 1,
        folds: 0,
        ntts_per_weight: if plan.prepared { 0 } else { limbs },
        ntts_per_output: 3 * limbs,
        ntts_after_sums: 2 * limbs,
        ciphertext_bytes: 2 * polynomial,
        weight_bytes: polynomial,
    }
}

/// Every input group is the shifted copies of one ciphertext. Plaintexts are encoded (one transform) and transformed in
/// every limb; so is a reply's mask, and its encryption of zero takes three transforms and two divisions.
fn simd(plan: &SimdPlan, polynomial: u64) -> HeTiling {
    let limbs = plan.limbs as u64;
    HeTiling {
        input_groups: plan.input_groups as u64,
        inputs_per_group: plan.taps as u64,
        output_groups: plan.replies as u64,
        outputs_per_group: 1,
        sums: (plan.permutations * plan.diagonals) as u64,
        weights_per_sum: plan.taps as u64,
        folds: plan.folds.len() as u64 + u64::from(plan.fold_rows),
        ntts_per_weight: 1 + limbs,
        ntts_per_output: 3 * (limbs + 1) + 3 * (limbs + 1),
        ntts_after_sums: 2 * (limbs + 1),
        ciphertext_bytes: 2 * polynomial,
        weight_bytes: polynomial,
    }
}
