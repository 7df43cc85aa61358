//! The garbler.

use super::garbled::Garbled;
use super::hash::{Block, Hasher};
use super::labels::LabelSource;
use super::lanes::{Lanes, colour_masks, halves, halves_mut};
use super::plan::{GatePlan, SlotBit, SlotGate};
use super::walk::{HalfGates, walk};
use super::{LANES, colour, first_tweaks};
use crate::counter::Counter;
use pisim_protocol::Work;
use rayon::prelude::*;

/// What the garbler feeds into `instances` copies of a circuit.
pub struct GarblerInputs<'a> {
    /// The global offset Δ, with its lowest bit set.
    pub delta: Block,
    /// Zero labels of the evaluator's inputs, `[instance][input]`: what oblivious transfer left with the sender.
    pub evaluator_zeros: &'a [Block],
    /// Zero labels of the garbler's own inputs: online inputs `[instance][input]`, then offline inputs.
    pub own: &'a LabelSource,
    /// The offline inputs, one number per instance, least significant bit first.
    pub offline_values: &'a [u64],
    /// The number of AND gates garbled before under this Δ: the first tweak.
    pub first_gate: u64,
}

/// Garbles `offline_values.len()` instances of a circuit on all cores.
pub fn garble(plan: &GatePlan, inputs: &GarblerInputs<'_>, counter: &Counter) -> Garbled {
    let instances = inputs.offline_values.len();
    let mut garbled = Garbled::new(plan, instances);
    let mut decoding = vec![0; instances];
    let (tables, labels) = garbled.parts_mut(plan);
    let (table_blocks, label_blocks) = (2 * plan.and_gates, plan.inputs.garbler_offline);
    let batch = |first: usize, tables: &mut [Block], labels: &mut [Block], decoding: &mut [u64]| {
        Batch::new(plan, inputs, first, decoding.len(), counter).garble(tables, labels, decoding);
    };
    if table_blocks > 0 && label_blocks > 0 {
        let parts = tables.par_chunks_mut(table_blocks * LANES).zip(labels.par_chunks_mut(label_blocks * LANES));
        parts.zip(decoding.par_chunks_mut(LANES)).enumerate().for_each(|(index, ((tables, labels), decoding))| {
            batch(index * LANES, tables, labels, decoding);
        });
    } else {
        // Chunks of empty slices do not line up with batches: garble those rare circuits in order.
        for (index, decoding) in decoding.chunks_mut(LANES).enumerate() {
            let (first, last) = (index * LANES, index * LANES + decoding.len());
            let tables = &mut tables[first * table_blocks..last * table_blocks];
            batch(first, tables, &mut labels[first * label_blocks..last * label_blocks], decoding);
        }
    }
    garbled.set_decoding(plan, &decoding);
    garbled
}

/// One batch of instances on its way through the circuit: the zero label of every slot, lane by lane.
struct Batch<'a> {
    plan: &'a GatePlan,
    inputs: &'a GarblerInputs<'a>,
    counter: &'a Counter,
    first: usize,
    lanes: usize,
    zeros: Lanes,
    /// Δ in every lane.
    deltas: Vec<Block>,
    hashes: Vec<Block>,
    masks: Vec<Block>,
    /// The next AND gate's tweaks.
    tweaks: Vec<Block>,
    hasher: Hasher,
}

impl<'a> Batch<'a> {
    fn new(
        plan: &'a GatePlan,
        inputs: &'a GarblerInputs<'a>,
        first: usize,
        lanes: usize,
        counter: &'a Counter,
    ) -> Self {
        Self {
            plan,
            inputs,
            counter,
            first,
            lanes,
            zeros: Lanes::new(plan.slots, lanes),
            deltas: vec![inputs.delta; lanes],
            hashes: vec![0; 4 * lanes],
            masks: vec![0; 2 * lanes],
            tweaks: first_tweaks(inputs.first_gate, first, lanes, plan.and_gates),
            hasher: Hasher::default(),
        }
    }

    fn garble(mut self, tables: &mut [Block], offline_labels: &mut [Block], decoding: &mut [u64]) {
        self.load_inputs(offline_labels);
        let tables = tables.chunks_exact_mut((2 * self.lanes).max(1));
        let (ands, xors) = walk(&self.plan.gates, tables, &mut self);
        for (lane, decoding) in decoding.iter_mut().enumerate() {
            *decoding = self.decoding(lane);
        }
        let lanes = self.lanes as u64;
        self.counter.add(Work { and_gates: ands * lanes, xor_gates: xors * lanes, ..Work::default() });
        self.hasher.count(self.counter);
    }

    /// Puts the inputs' zero labels into their slots and writes the active labels of the offline inputs.
    fn load_inputs(&mut self, offline_labels: &mut [Block]) {
        let (counts, lanes) = (self.plan.inputs, self.lanes);
        let instances = self.inputs.offline_values.len();
        let mut online = vec![0; counts.garbler_online * lanes];
        self.inputs.own.fill((self.first * counts.garbler_online) as u64, &mut online, self.counter);
        self.zeros.scatter(&online, 0, counts.garbler_online);
        let first = self.first * counts.evaluator;
        let zeros = &self.inputs.evaluator_zeros[first..first + lanes * counts.evaluator];
        self.zeros.scatter(zeros, counts.garbler_online, counts.evaluator);
        let number = instances * counts.garbler_online + self.first * counts.garbler_offline;
        self.inputs.own.fill(number as u64, offline_labels, self.counter);
        self.zeros.scatter(offline_labels, counts.garbler_online + counts.evaluator, counts.garbler_offline);
        // What the evaluator gets of the offline inputs is the label of the value.
        let values = &self.inputs.offline_values[self.first..self.first + lanes];
        for (labels, value) in offline_labels.chunks_mut(counts.garbler_offline.max(1)).zip(values) {
            for (input, label) in labels.iter_mut().enumerate() {
                *label ^= Block::from(value >> input & 1).wrapping_neg() & self.inputs.delta;
            }
        }
    }

    /// The colours of the outputs' zero labels, so that the evaluator can read its result.
    fn decoding(&self, lane: usize) -> u64 {
        let bit = |output: &SlotBit| match *output {
            SlotBit::Const(value) => value,
            SlotBit::Slot(slot) => colour(self.zeros.label(slot, lane)),
        };
        self.plan.outputs.iter().enumerate().map(|(position, output)| u64::from(bit(output)) << position).sum()
    }
}

impl HalfGates<&mut [Block]> for Batch<'_> {
    #[inline(always)]
    fn free(&mut self, gate: SlotGate) {
        // Negation makes the label that stood for zero stand for one.
        self.zeros.free_gate(gate, self.inputs.delta);
    }

    /// Both half gates of one AND gate in all lanes; `table` gets the garbler's halves, then the evaluator's.
    #[inline(always)]
    fn and(&mut self, a: usize, b: usize, out: usize, table: &mut [Block]) {
        let lanes = self.lanes;
        let (zeros_a, zeros_b) = (self.zeros.slot(a), self.zeros.slot(b));
        let (hashes_a, hashes_b) = self.hashes.split_at_mut(2 * lanes);
        for (hashes, zeros) in [(hashes_a, zeros_a), (hashes_b, zeros_b)] {
            let (low, high) = hashes.split_at_mut(lanes);
            low.copy_from_slice(zeros);
            for ((high, zero), delta) in halves_mut(high).iter_mut().zip(halves(zeros)).zip(halves(&self.deltas)) {
                *high = zero ^ delta;
            }
        }
        self.hasher.hash(&mut self.hashes, &self.tweaks, 2);
        self.tweaks.iter_mut().for_each(|tweak| *tweak += 2);
        let (masks_a, masks_b) = self.masks.split_at_mut(lanes);
        colour_masks(zeros_a, masks_a);
        colour_masks(zeros_b, masks_b);
        let (a0, rest) = self.hashes.split_at_mut(lanes);
        let (a1, rest) = rest.split_at(lanes);
        let (b0, b1) = rest.split_at(lanes);
        let (garbler_halves, evaluator_halves) = table.split_at_mut(lanes);
        let hashes = halves_mut(a0).iter_mut().zip(halves(a1)).zip(halves(b0).iter().zip(halves(b1)));
        let colours = halves(masks_a).iter().zip(halves(masks_b));
        let constants = halves(zeros_a).iter().zip(halves(&self.deltas));
        let table = halves_mut(garbler_halves).iter_mut().zip(halves_mut(evaluator_halves));
        for (((((a0, a1), (b0, b1)), (mask_a, mask_b)), (zero_a, delta)), (garbler, evaluator)) in
            hashes.zip(colours).zip(constants).zip(table)
        {
            *garbler = *a0 ^ a1 ^ (mask_b & delta);
            *evaluator = b0 ^ b1 ^ zero_a;
            // The output's zero label takes the place of the first hash.
            *a0 ^= (mask_a & *garbler) ^ b0 ^ (mask_b & (*evaluator ^ zero_a));
        }
        self.zeros.set(out, &self.hashes[..lanes]);
    }
}
