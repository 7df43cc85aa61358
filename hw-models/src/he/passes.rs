//! A tiled layer as runs of equal steps: what each step loads, in the order of the loops.

use super::traffic::Residency;
use super::{HeEngine, HeTiling, HeWork, LoopOrder};

/// Steps that follow each other and are alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Run {
    /// Steps: weights.
    pub steps: f64,
    /// Cycles that memory takes for one.
    pub load: f64,
    /// Cycles that the units take for one.
    pub compute: f64,
}

/// Cycles that the units take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Computing {
    /// For a step.
    pub step: f64,
    /// For a step of the last input group, with its part of what finishes the output group.
    pub last: f64,
}

/// Makes the runs of a layer.
pub(super) struct Passes<'a> {
    work: &'a HeWork,
    tiling: &'a HeTiling,
    stays: &'a Residency,
    bytes_per_cycle: f64,
    compute: Computing,
    /// Bytes of one key, and of what of it does not stay.
    keys: [f64; 2],
    /// Rotations so far.
    rotations: u64,
    /// Bytes that wait for a place among the loads: results of the group before.
    waiting: f64,
    runs: Vec<Run>,
}

impl<'a> Passes<'a> {
    /// The runs of a layer.
    pub fn of(
        engine: &HeEngine,
        work: &'a HeWork,
        tiling: &'a HeTiling,
        stays: &'a Residency,
        (compute, bytes_per_cycle): (Computing, f64),
    ) -> Vec<Run> {
        let (distinct, key) = (work.distinct_keys.max(1), work.key_size(engine.word_bits));
        let missing = distinct.saturating_mul(key).saturating_sub(stays.key_bytes).div_ceil(distinct);
        let keys = [key as f64, missing as f64];
        let mut passes =
            Self { work, tiling, stays, bytes_per_cycle, compute, keys, rotations: 0, waiting: 0.0, runs: Vec::new() };
        let (inputs, outputs) = (tiling.input_groups, tiling.output_groups);
        match stays.order {
            LoopOrder::InputStationary => {
                (0..inputs).for_each(|input| (0..outputs).for_each(|output| passes.block(output, input)));
            }
            _ => (0..outputs).for_each(|output| (0..inputs).for_each(|input| passes.block(output, input))),
        }
        passes.runs
    }

    /// The steps that add one input group's part to one output group.
    fn block(&mut self, output: u64, input: u64) {
        let (tiling, work) = (self.tiling, self.work);
        let (sums, last) = (tiling.sums.max(1), input + 1 == tiling.input_groups);
        let weights = (tiling.input_groups * tiling.output_groups * sums * tiling.weights_per_sum).max(1);
        let weight = (work.weight_bytes / weights) as f64 * tiling.weights_per_sum as f64;
        let ciphertext = (work.input_bytes / tiling.inputs().max(1)) as f64;
        let [first, others] = self.stays.loads(tiling, output, input).map(|loads| loads as f64 * ciphertext);
        let spilled = (self.stays.spilled(tiling, output) * tiling.ciphertext_bytes) as f64;
        let spills = f64::from(u8::from(input > 0)) + f64::from(u8::from(!last));
        let moved = std::mem::take(&mut self.waiting) + spills * spilled;
        let even = moved / sums as f64;
        let compute = if last { self.compute.last } else { self.compute.step };
        self.push(1, weight + first + even, compute);
        let mut sum = 1;
        while sum < sums {
            // Keys that are used for the first time are loaded in full.
            let new = self.work.distinct_keys.max(1).saturating_sub(self.rotations);
            let count = if new > 0 { new.min(sums - sum) } else { sums - sum };
            let key = self.rotate(count) / count as f64;
            self.push(count, weight + others + even + key, compute);
            sum += count;
        }
        if last {
            let folds = self.rotate(tiling.folds * tiling.outputs_per_group);
            let stored = (work.output_bytes / tiling.outputs().max(1) * tiling.outputs_per_group) as f64;
            self.waiting = folds + stored;
        }
    }

    /// Bytes of keys of the next rotations.
    fn rotate(&mut self, count: u64) -> f64 {
        let new = self.work.distinct_keys.max(1).saturating_sub(self.rotations).min(count);
        self.rotations += count;
        new as f64 * self.keys[0] + (count - new) as f64 * self.keys[1]
    }

    /// Adds sums that each load so many bytes, or makes the last run longer.
    fn push(&mut self, sums: u64, bytes: f64, compute: f64) {
        let steps = self.tiling.weights_per_sum.max(1);
        let load = bytes / steps as f64 / self.bytes_per_cycle;
        let steps = (sums * steps) as f64;
        match self.runs.last_mut().filter(|run| run.load == load && run.compute == compute) {
            Some(run) => run.steps += steps,
            None => self.runs.push(Run { steps, load, compute }),
        }
    }
}
