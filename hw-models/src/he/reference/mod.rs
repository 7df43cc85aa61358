//! The cycle-stepped reference of the HE engine: a tiled layer, limb operation by limb operation.
//!
//! It walks the layer's loops with the ciphertexts and keys that stay on chip, and so makes a list of loads, transforms,
//! products, automorphisms, key switches and stores that need each other's results; a list scheduler then runs them on the
//! engine's units. Weights, streamed ciphertexts and parts of keys are loaded ahead of their use, by as many steps as the
//! pipelines hold; a spilled sum comes back when it has been written.
//!
//! The closed form agrees within 2 % where the pipelines fill; see `tests/he_reference.rs` for how far it is off elsewhere.

mod layer;
mod schedule;

use super::traffic::Residency;
use super::{HeEngine, HeTiling, HeWork, LoopOrder};
use crate::cost::product;
use layer::Layer;
use schedule::{Rates, run};

/// What the reference found for one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeReference {
    /// Cycles from the first load to the last store.
    pub cycles: u64,
    /// Bytes that it loaded and stored.
    pub memory_bytes: u64,
    /// Operations that it scheduled.
    pub operations: usize,
    /// The work that the layer came to, counted operation by operation; `tiling` and sizes are those asked for.
    pub work: HeWork,
}

impl HeEngine {
    /// Steps a tiled layer through the units, with `bytes_per_cycle` of memory bandwidth. Of `work`, the ring, the tiling and
    /// the bytes are used; its amounts of transforms and products follow from the tiling. `None` without a tiling.
    pub fn reference(&self, work: &HeWork, bytes_per_cycle: u64) -> Option<HeReference> {
        let tiling = work.tiling?;
        let rotations = tiling.output_groups
            * (tiling.input_groups * tiling.sums.saturating_sub(1)
                + product(&[tiling.folds, tiling.outputs_per_group]));
        let work = &HeWork { key_switches: rotations, rounds: 1, ..*work };
        let [some, ..] = self.loops(work, &tiling);
        // All loops do the same operations; which are fastest depends on how many these are.
        let work = &self.walk(work, &tiling, &some?).counted();
        let residency = self.fastest(work, bytes_per_cycle as f64)?.stays;
        let layer = self.walk(work, &tiling, &residency);
        let groups = self.limb_groups();
        let rates = Rates {
            groups,
            ntt_units: (self.ntt_units / groups as u64).max(1) as usize,
            lanes: (self.modmul_lanes / groups as u64).max(1),
            interval: self.design.multiplier_interval.max(1),
            automorphism_lanes: self.automorphism_lanes,
            bytes_per_cycle,
            latency: self.pipeline_latency,
        };
        let cycles = run(&layer.ops, &rates);
        Some(HeReference {
            cycles,
            memory_bytes: layer.memory_bytes,
            operations: layer.ops.len(),
            work: layer.counted(),
        })
    }
    /// The operations of a layer in its loops.
    fn walk<'a>(&'a self, work: &'a HeWork, tiling: &'a HeTiling, stays: &'a Residency) -> Layer<'a> {
        let mut layer = Layer::new(self, work, tiling, stays, self.limb_groups());
        match stays.order {
            LoopOrder::InputStationary => {
                for input in 0..tiling.input_groups {
                    for output in 0..tiling.output_groups {
                        layer.accumulate(output, input);
                        if input + 1 == tiling.input_groups {
                            layer.finish(output);
                        }
                    }
                }
            }
            LoopOrder::OutputStationary | LoopOrder::Whole => {
                for output in 0..tiling.output_groups {
                    for input in 0..tiling.input_groups {
                        layer.accumulate(output, input);
                    }
                    layer.finish(output);
                }
            }
        }
        layer
    }

    /// Groups of units that serve different limbs.
    fn limb_groups(&self) -> usize {
        self.design.limbs_at_once.unwrap_or(1).max(1) as usize
    }
}
