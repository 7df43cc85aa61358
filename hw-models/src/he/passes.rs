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

/// All steps of a layer. Of many periods of the outer loop that are alike, only some are in the list.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Runs {
    pub list: Vec<Run>,
    pub repeat: Option<Repeat>,
}

/// The runs of one period, of which there are more right behind it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Repeat {
    pub from: usize,
    pub to: usize,
    pub times: f64,
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
    /// Cycles that memory takes for one byte of every step of a sum.
    cycles_per_byte: f64,
    compute: Computing,
    /// Bytes of one key, and of what of it does not stay.
    keys: [f64; 2],
    /// Bytes of one weight, one input and one output in memory.
    sizes: [f64; 3],
    /// Rotations so far.
    rotations: u64,
    /// Bytes that wait for a place among the loads: results of the group before.
    waiting: f64,
    /// Steps that loads may be ahead.
    ahead: f64,
    /// Runs before this one are not made longer.
    sealed: usize,
    runs: Vec<Run>,
}

impl<'a> Passes<'a> {
    /// The runs of a layer whose loads run `ahead` by so many steps.
    pub fn of(
        engine: &HeEngine,
        work: &'a HeWork,
        tiling: &'a HeTiling,
        stays: &'a Residency,
        (compute, bytes_per_cycle): (Computing, f64),
        ahead: f64,
    ) -> Runs {
        let (distinct, key) = (work.distinct_keys.max(1), work.key_size(engine.word_bits));
        let missing = distinct.saturating_mul(key).saturating_sub(stays.key_bytes).div_ceil(distinct);
        let size = |bytes: u64, count: u64| (bytes / count.max(1)) as f64;
        let passes = Self {
            work,
            tiling,
            stays,
            cycles_per_byte: 1.0 / (tiling.weights_per_sum.max(1) as f64 * bytes_per_cycle),
            compute,
            keys: [key as f64, missing as f64],
            sizes: [
                size(work.weight_bytes, tiling.weights()),
                size(work.input_bytes, tiling.inputs()),
                size(work.output_bytes, tiling.outputs()),
            ],
            rotations: 0,
            waiting: 0.0,
            ahead,
            sealed: 0,
            runs: Vec::with_capacity(16),
        };
        passes.all()
    }

    /// All periods: the first, those that are alike, and the last if it finishes all outputs. Loads of keys must have settled
    /// before a period stands for others. If nothing alternates in it, it is one run that is as much longer; if something does,
    /// so many periods are in the list that what was loaded ahead has settled as well.
    fn all(mut self) -> Runs {
        let (outer, inner, last) = match self.stays.order {
            LoopOrder::InputStationary => (self.tiling.input_groups, self.tiling.output_groups, 1),
            _ => (self.tiling.output_groups, self.tiling.input_groups, 0),
        };
        let mut number = 0;
        while number < outer && (number == 0 || self.loads_new_keys()) {
            self.period(number, inner);
            number += 1;
        }
        let mut repeat = None;
        let alike = outer.saturating_sub(number + last);
        if alike > 0 {
            let from = self.runs.len();
            self.sealed = from;
            self.period(number, inner);
            if let [burst, calm] = self.runs.get(from..).unwrap_or_default()
                && let Some(steady) = burst.then_calm(calm, self.ahead)
            {
                self.runs.truncate(from);
                self.runs.push(steady);
            }
            if let [only] = self.runs.get_mut(from..).unwrap_or_default() {
                only.steps *= alike as f64;
            } else {
                repeat = self.copies(from, self.runs.len(), alike - 1, inner);
            }
            self.sealed = self.runs.len();
            number += alike;
        }
        if number < outer {
            self.period(number, inner);
        }
        Runs { list: self.runs, repeat }
    }

    /// Puts copies of a period behind it, `left` in all: some of them into the list, and as many more as the last one stands for.
    fn copies(&mut self, from: usize, to: usize, left: u64, inner: u64) -> Option<Repeat> {
        let steps = inner * self.tiling.sums.max(1) * self.tiling.weights_per_sum.max(1);
        let listed = left.min(2 + (2.0 * self.ahead / steps.max(1) as f64).min(1e9) as u64);
        for _ in 0..listed {
            self.runs.extend_from_within(from..to);
        }
        let end = self.runs.len();
        (left > listed).then(|| Repeat { from: end - (to - from), to: end, times: (left - listed) as f64 })
    }

    /// One round of the inner loop.
    fn period(&mut self, outer: u64, inner: u64) {
        let mut at = 0;
        while at < inner {
            let (output, input) = match self.stays.order {
                LoopOrder::InputStationary => (at, outer),
                _ => (outer, at),
            };
            let count = self.alike(at, inner);
            self.blocks(output, input, count);
            at += count;
        }
    }

    /// Blocks of a period, from this one on, that load the same. What stays changes behind the whole groups that stay, behind
    /// the one that stays in part, and in the last one. Results that wait for a place are those of the period before or, with
    /// inputs stationary, of the block before.
    fn alike(&self, at: u64, inner: u64) -> u64 {
        let (group, stays, first_alike) = match self.stays.order {
            LoopOrder::InputStationary => (self.tiling.outputs_per_group, self.stays.outputs, 2),
            _ => (self.tiling.inputs_per_group, self.stays.pinned, 1),
        };
        if self.tiling.rotates() || at < first_alike {
            return 1;
        }
        let whole = stays / group.max(1);
        let changes = [whole, whole.saturating_add(1), inner.saturating_sub(1), inner];
        changes.into_iter().filter(|change| *change > at).min().map_or(1, |change| change - at)
    }

    /// Whether keys are still used for the first time.
    fn loads_new_keys(&self) -> bool {
        self.tiling.rotates() && self.rotations < self.work.distinct_keys.max(1)
    }

    /// The steps that add one input group's part to one output group, for so many blocks that are alike.
    fn blocks(&mut self, output: u64, input: u64, count: u64) {
        let tiling = self.tiling;
        let (sums, last) = (tiling.sums.max(1), input + 1 == tiling.input_groups);
        let [weight, ciphertext, stored] = self.sizes;
        let weight = weight * tiling.weights_per_sum as f64;
        let [first, others] = self.stays.loads(tiling, output, input).map(|loads| loads as f64 * ciphertext);
        let spilled = (self.stays.spilled(tiling, output) * tiling.ciphertext_bytes) as f64;
        let spills = f64::from(u8::from(input > 0)) + f64::from(u8::from(!last));
        let even = (std::mem::take(&mut self.waiting) + spills * spilled) / sums as f64;
        let compute = if last { self.compute.last } else { self.compute.step };
        self.push(count, weight + first + even, compute);
        self.other_sums(sums, weight + others + even, compute);
        if last {
            let folds = self.rotate(tiling.folds * tiling.outputs_per_group);
            self.waiting = folds + stored * tiling.outputs_per_group as f64;
        }
    }

    /// The sums of a block after the first. Keys that are used for the first time are loaded in full.
    fn other_sums(&mut self, sums: u64, bytes: f64, compute: f64) {
        let mut sum = 1;
        while sum < sums {
            let new = self.work.distinct_keys.max(1).saturating_sub(self.rotations);
            let count = if new > 0 { new.min(sums - sum) } else { sums - sum };
            let key = self.rotate(count) / count as f64;
            self.push(count, bytes + key, compute);
            sum += count;
        }
    }

    /// Bytes of keys of the next rotations.
    fn rotate(&mut self, count: u64) -> f64 {
        let new = self.work.distinct_keys.max(1).saturating_sub(self.rotations).min(count);
        self.rotations += count;
        new as f64 * self.keys[0] + (count - new) as f64 * self.keys[1]
    }

    /// Adds sums that each load so many bytes.
    fn push(&mut self, sums: u64, bytes: f64, compute: f64) {
        let steps = sums * self.tiling.weights_per_sum.max(1);
        let run = Run { steps: steps as f64, load: bytes * self.cycles_per_byte, compute };
        let open = self.runs.get_mut(self.sealed..).and_then(|runs| runs.last_mut());
        match open.and_then(|last| Some((last.joined(&run)?, last))) {
            Some((joined, last)) => *last = joined,
            None => self.runs.push(run),
        }
    }
}

impl Run {
    /// Whether memory takes longer than computing.
    fn waits(&self) -> bool {
        self.load > self.compute
    }

    /// Both as one run with these cycles of computing more, if there are any.
    fn with(&self, other: &Self, waits: f64) -> Self {
        let steps = self.steps + other.steps;
        let (mine, others) = (self.steps / steps, other.steps / steps);
        let mean = |one: f64, another: f64| mine * one + others * another;
        let compute = mean(self.compute, other.compute) + waits / steps;
        Self { steps, load: mean(self.load, other.load), compute }
    }

    /// Both as one run, if the same bounds them.
    fn joined(&self, other: &Self) -> Option<Self> {
        (self.waits() == other.waits()).then(|| self.with(other, 0.0))
    }

    /// A burst of loads and what follows it as one run, if that has the time to load as much ahead again as may be: in every
    /// period computing then waits for what of the burst is not loaded ahead.
    fn then_calm(&self, calm: &Self, ahead: f64) -> Option<Self> {
        let again = calm.steps * (calm.compute - calm.load) / calm.load.max(f64::MIN_POSITIVE);
        let waits = (self.steps * (self.load - self.compute) - ahead * self.compute).max(0.0);
        (self.waits() && again >= ahead).then(|| self.with(calm, waits))
    }
}
