//! A tiled layer as a list of operations that need each other's results.

use super::schedule::{Op, Unit};
use crate::he::edges::Edges;
use crate::he::traffic::Residency;
use crate::he::units::{Units, switch_work};
use crate::he::{HeEngine, HeTiling, HeWork, LoopOrder};

/// The operations of one layer, in the order of its loops.
pub(super) struct Layer<'a> {
    pub ops: Vec<Op>,
    /// Bytes loaded and stored.
    pub memory_bytes: u64,
    engine: &'a HeEngine,
    work: &'a HeWork,
    tiling: &'a HeTiling,
    residency: &'a Residency,
    /// Groups of units that serve different limbs.
    groups: usize,
    narrow: u64,
    /// Steps (one weight each) that loads may run ahead.
    ahead: usize,
    /// The last product of every step.
    steps: Vec<usize>,
    /// The load of every input that is on chip, by input group and position.
    inputs: Vec<Vec<Option<usize>>>,
    /// The input group that is held together.
    held_group: Option<u64>,
    /// What the outputs wait for, by output group and position.
    sums: Vec<Vec<Vec<usize>>>,
    /// Rotations so far.
    keys: u64,
    /// The last spills of every output group, by position.
    spills: Vec<Vec<Option<usize>>>,
    counted: HeWork,
}

/// A key that is loaded in equal parts, one with every weight of the sum that it rotates.
struct Parts {
    bytes: u64,
    left: u64,
    loads: Vec<usize>,
}

impl Parts {
    fn new(bytes: u64, parts: u64) -> Self {
        Self { bytes, left: parts, loads: Vec::new() }
    }

    fn next_part(&mut self) -> u64 {
        let part = self.bytes.div_ceil(self.left.max(1));
        self.bytes -= part;
        self.left = self.left.saturating_sub(1);
        part
    }
}

impl<'a> Layer<'a> {
    pub fn new(
        engine: &'a HeEngine,
        work: &'a HeWork,
        tiling: &'a HeTiling,
        residency: &'a Residency,
        groups: usize,
    ) -> Self {
        let table = |rows: u64, columns: u64| vec![vec![None; columns as usize]; rows as usize];
        let outputs = vec![vec![Vec::new(); tiling.outputs_per_group as usize]; tiling.output_groups as usize];
        let units = Units::of(engine, work);
        Self {
            ops: Vec::new(),
            memory_bytes: 0,
            engine,
            work,
            tiling,
            residency,
            groups,
            narrow: units.narrow,
            ahead: engine.steps_in_flight(&units, tiling, &Edges::of(&units, tiling)),
            steps: Vec::new(),
            inputs: table(tiling.input_groups, tiling.inputs_per_group),
            held_group: None,
            sums: outputs,
            keys: 0,
            spills: table(tiling.output_groups, tiling.outputs_per_group),
            counted: HeWork {
                ntts: 0,
                mod_muls: 0,
                automorphisms: 0,
                key_switches: 0,
                switch_ntts: 0,
                switch_mod_muls: 0,
                ..*work
            },
        }
    }

    /// The work so far.
    pub fn counted(&self) -> HeWork {
        self.counted
    }

    /// Adds one input group's part to one output group.
    pub fn accumulate(&mut self, output: u64, input: u64) {
        let back = if input > 0 { self.fetch_spilled(output) } else { Vec::new() };
        let mut made = vec![Vec::new(); self.tiling.outputs_per_group as usize];
        for sum in 0..self.tiling.sums.max(1) {
            let mut products = vec![Vec::new(); self.tiling.outputs_per_group as usize];
            let mut key = Parts::new(if sum > 0 { self.next_key() } else { 0 }, self.tiling.weights_per_sum);
            for weight in 0..self.tiling.weights_per_sum {
                // A sum that will be rotated is made by itself.
                let back = if sum == 0 { &back[..] } else { &[] };
                self.multiply((output, input, sum, weight), back, &mut key, &mut products);
            }
            if sum > 0 {
                let turned = self.rotate(products.concat(), key.loads);
                products = vec![turned];
            }
            for (position, results) in products.into_iter().enumerate() {
                if let Some(made) = made.get_mut(position) {
                    made.extend(&results);
                }
                if let Some(sums) = self.sums.get_mut(output as usize).and_then(|group| group.get_mut(position)) {
                    sums.extend(results);
                }
            }
        }
        if input + 1 < self.tiling.input_groups {
            self.spill(output, made);
        }
    }

    /// Bytes of the unfinished sums that do not stay, by position: the last ones of an output group, and the sum that is
    /// being made beside the first if not even that stays.
    fn spilled_bytes(&self, output: u64) -> Vec<u64> {
        let (positions, spilled) = (self.tiling.outputs_per_group, self.residency.spilled(self.tiling, output));
        let kept = positions.saturating_sub(spilled);
        let beside = spilled.saturating_sub(positions);
        let sums = |position: u64| u64::from(position >= kept) + if position == 0 { beside } else { 0 };
        (0..positions).map(|position| sums(position) * self.tiling.ciphertext_bytes).collect()
    }

    /// Loads what was spilled, when it has been written, and no earlier than weights may be loaded.
    fn fetch_spilled(&mut self, output: u64) -> Vec<Option<usize>> {
        let written = self.spills.get(output as usize).cloned().unwrap_or_default();
        let bytes = self.spilled_bytes(output);
        bytes
            .into_iter()
            .zip(written)
            .map(|(bytes, written)| self.memory(bytes, self.gate().into_iter().chain(written).collect()))
            .collect()
    }

    /// Writes out what does not stay of an output group.
    fn spill(&mut self, output: u64, made: Vec<Vec<usize>>) {
        let bytes = self.spilled_bytes(output);
        let written = bytes.into_iter().zip(made).map(|(bytes, made)| self.memory(bytes, made)).collect();
        if let Some(slot) = self.spills.get_mut(output as usize) {
            *slot = written;
        }
    }

    /// What loads for the next step wait for: the end of the step that makes room for it.
    fn gate(&self) -> Option<usize> {
        self.steps.len().checked_sub(self.ahead).and_then(|step| self.steps.get(step).copied())
    }

    /// Loads and transforms one weight, with its part of the key that its sum is rotated with, and multiplies its ciphertexts
    /// with it.
    fn multiply(
        &mut self,
        at: (u64, u64, u64, u64),
        back: &[Option<usize>],
        key: &mut Parts,
        products: &mut [Vec<usize>],
    ) {
        let (_, _, _, weight) = at;
        let gate = self.gate();
        let gated: Vec<usize> = gate.into_iter().collect();
        let weights = self.tiling.input_groups
            * self.tiling.output_groups
            * self.tiling.sums.max(1)
            * self.tiling.weights_per_sum;
        let loaded = self.memory(self.work.weight_bytes / weights.max(1), gated.clone());
        let part = key.next_part();
        key.loads.extend(self.memory(part, gated.clone()));
        let mut needs: Vec<usize> = loaded.into_iter().chain(gate).collect();
        let encoding = self.tiling.ntts_per_weight.saturating_sub(self.work.limbs);
        if encoding > 0 {
            needs = (0..encoding).map(|limb| self.transform(limb, needs.clone())).collect();
        }
        let rest = self.tiling.ntts_per_weight - encoding;
        let transformed: Vec<usize> = (0..rest).map(|limb| self.transform(limb, needs.clone())).collect();
        let per_weight = self.tiling.inputs_per_group.div_ceil(self.tiling.weights_per_sum.max(1));
        let mut last = 0;
        for index in 0..per_weight {
            let position = weight * per_weight + index;
            if position >= self.tiling.inputs_per_group {
                break;
            }
            let ciphertext = self.input(at, position, &gated);
            let back = back.get(position as usize % back.len().max(1)).copied().flatten();
            for limb in 0..self.work.limbs {
                let own = transformed.get(limb as usize).copied();
                let needs = if own.is_some() { Vec::new() } else { needs.clone() };
                let needs = needs.into_iter().chain(own).chain(ciphertext).chain(back).collect();
                last = self.product(limb, 2 * self.work.degree, needs);
                let outputs = products.len().max(1);
                if let Some(results) = products.get_mut(position as usize % outputs) {
                    results.push(last);
                }
            }
        }
        self.steps.push(last);
    }

    /// The load of an input ciphertext, if it is not on chip already from an earlier use.
    fn input(&mut self, at: (u64, u64, u64, u64), position: u64, gated: &[usize]) -> Option<usize> {
        let (output, input, sum, _) = at;
        let index = input * self.tiling.inputs_per_group + position;
        let Residency { order, held, pinned, .. } = *self.residency;
        let first_use = output == 0 && sum == 0;
        let stays = match order {
            LoopOrder::InputStationary => position < held,
            _ if self.tiling.sums > 1 && held < self.tiling.inputs_per_group => sum > 0 && position < held,
            _ if self.tiling.sums > 1 => index < pinned || sum > 0 || self.held_group == Some(input),
            _ => index < pinned,
        };
        if order != LoopOrder::InputStationary && index >= pinned && position + 1 == self.tiling.inputs_per_group {
            self.held_group = Some(input);
        }
        let known = self.inputs.get(input as usize).and_then(|group| group.get(position as usize)).copied().flatten();
        if stays && !first_use {
            return known;
        }
        let bytes = self.work.input_bytes / self.tiling.inputs().max(1);
        let load = self.memory(bytes, gated.to_vec());
        if let Some(slot) = self.inputs.get_mut(input as usize).and_then(|group| group.get_mut(position as usize)) {
            *slot = load;
        }
        load
    }

    /// Folds, finishes and stores an output group.
    pub fn finish(&mut self, output: u64) {
        let groups = std::mem::take(self.sums.get_mut(output as usize).unwrap_or(&mut Vec::new()));
        for mut sum in groups {
            for _ in 0..self.tiling.folds {
                let (bytes, gate) = (self.next_key(), self.gate().into_iter().collect());
                let key = self.memory(bytes, gate).into_iter().collect();
                sum = self.rotate(sum, key);
            }
            let free = self.tiling.ntts_per_output - self.tiling.ntts_after_sums;
            // What needs no sum is still not made long before it is used.
            let gate: Vec<usize> = self.gate().into_iter().collect();
            let mut done: Vec<usize> = (0..free).map(|limb| self.transform(limb, gate.clone())).collect();
            done.extend(
                (0..self.tiling.ntts_after_sums).map(|limb| self.transform(limb, sum.clone())).collect::<Vec<_>>(),
            );
            let scaled: Vec<usize> =
                (0..self.work.limbs).map(|limb| self.product(limb, 2 * self.work.degree, done.clone())).collect();
            let bytes = self.work.output_bytes / self.tiling.outputs().max(1);
            self.memory(bytes, scaled);
        }
    }

    /// Bytes of the key of the next rotation: all of it at its first use, later what does not stay.
    fn next_key(&mut self) -> u64 {
        let (distinct, key) = (self.work.distinct_keys.max(1), self.work.key_size(self.engine.word_bits));
        self.keys += 1;
        let missing = (distinct * key).saturating_sub(self.residency.key_bytes).div_ceil(distinct);
        if self.keys <= distinct { key } else { missing }
    }

    /// An automorphism and a key switch with a loaded key; the operations with its result.
    fn rotate(&mut self, needs: Vec<usize>, key: Vec<usize>) -> Vec<usize> {
        self.counted.automorphisms += 1;
        self.counted.key_switches += 1;
        let (ntts, mod_muls) = switch_work(self.work.limbs, self.work.degree);
        self.counted.switch_ntts += ntts;
        self.counted.switch_mod_muls += mod_muls;
        let amount = 2 * self.work.limbs * self.narrow * self.work.degree;
        let turned = self.push(Unit::Automorphism, amount, needs);
        match self.engine.piped_switch_cycles(self.work) {
            Some(cycles) => {
                self.counted.ntts += ntts;
                self.counted.mod_muls += mod_muls;
                vec![self.push(Unit::KeySwitch, cycles, std::iter::once(turned).chain(key).collect())]
            }
            None => self.switch_on_shared_units(turned, &key),
        }
    }

    /// A key switch with a digit for every limb and one special limb.
    fn switch_on_shared_units(&mut self, turned: usize, key: &[usize]) -> Vec<usize> {
        let (limbs, degree) = (self.work.limbs, self.work.degree);
        let digits: Vec<usize> = (0..limbs).map(|limb| self.transform(limb, vec![turned])).collect();
        let mut raised = vec![Vec::new(); limbs as usize];
        for digit in &digits {
            for (limb, list) in raised.iter_mut().enumerate() {
                list.push(self.transform(limb as u64, vec![*digit]));
            }
        }
        // In the special limb, the digits' own transforms are used.
        raised.push(digits);
        let mut special = 0;
        for (limb, needs) in raised.into_iter().enumerate() {
            let needs = needs.into_iter().chain(key.iter().copied()).collect();
            special = self.product(limb as u64, 2 * limbs * degree, needs);
        }
        let mut results = Vec::new();
        for _ in 0..2 {
            let back = self.transform(limbs, vec![special]);
            for limb in 0..limbs {
                let forward = self.transform(limb, vec![back]);
                results.push(self.product(limb, degree, vec![forward]));
            }
        }
        results
    }

    fn transform(&mut self, limb: u64, needs: Vec<usize>) -> usize {
        self.counted.ntts += 1;
        let cycles = self.engine.ntt_cycles(self.work.degree) * self.narrow;
        self.push(Unit::Ntt(limb as usize % self.groups), cycles, needs)
    }

    fn product(&mut self, limb: u64, amount: u64, needs: Vec<usize>) -> usize {
        self.counted.mod_muls += amount;
        self.push(Unit::Multiply(limb as usize % self.groups), amount * self.narrow, needs)
    }

    /// A load or a store; none for nothing.
    fn memory(&mut self, bytes: u64, needs: Vec<usize>) -> Option<usize> {
        self.memory_bytes += bytes;
        (bytes > 0).then(|| self.push(Unit::Memory, bytes, needs))
    }

    fn push(&mut self, unit: Unit, amount: u64, needs: Vec<usize>) -> usize {
        self.ops.push(Op { unit, amount, needs });
        self.ops.len() - 1
    }
}
