//! The garbler.

use super::garbled::{Garbled, pack_decoding, split_chunk_mut};
use super::hash::{Block, Hasher};
use super::labels::LabelSource;
use super::lanes::{Lanes, colour_masks, halves, halves_mut};
use super::plan::{GatePlan, SlotBit, SlotGate};
use super::walk::{HalfGates, walk};
use super::{CHUNK, LANES, colour, first_tweaks, per_instance, unfit};
use crate::counter::Counter;
use crate::error::Result;
use pisim_protocol::Work;
use rayon::prelude::*;

/// What the garbler feeds into instances of a circuit: a whole layer's, or one chunk's. Slices hold those instances only.
pub struct GarblerInputs<'a> {
    /// The global offset Δ, with its lowest bit set.
    pub delta: Block,
    /// Zero labels of the evaluator's inputs, `[instance][input]`: what oblivious transfer left with the sender.
    pub evaluator_zeros: &'a [Block],
    /// Labels of the garbler's own inputs, numbered through the layer.
    pub own: &'a LabelSource,
    /// The offline inputs, one number per instance, least significant bit first.
    pub offline_values: &'a [u128],
    /// The number of AND gates garbled under this Δ before this layer: its first tweak.
    pub first_gate: u64,
}

/// Garbles `offline_values.len()` instances of a circuit on all cores.
///
/// # Errors
/// Labels of another number than the circuit's.
pub fn garble(plan: &GatePlan, inputs: &GarblerInputs<'_>, counter: &Counter) -> Result<Garbled> {
    let mut garbled = Garbled::new(plan, inputs.offline_values.len());
    let (seed, chunks) = garbled.parts_mut(plan);
    seed.copy_from_slice(inputs.own.offline().seed());
    let mut decoding = vec![0; CHUNK];
    let mut first = 0;
    for (instances, chunk) in chunks {
        let last = first + instances;
        let inputs = GarblerInputs {
            evaluator_zeros: per_instance(inputs.evaluator_zeros, plan.inputs.evaluator, first..last)?,
            offline_values: &inputs.offline_values[first..last],
            ..*inputs
        };
        let (tables, bits) = split_chunk_mut(plan, instances, chunk)?;
        garble_chunk(plan, &inputs, first, tables, &mut decoding[..instances], counter)?;
        pack_decoding(plan, &decoding[..instances], bits);
        first = last;
    }
    Ok(garbled)
}

/// Garbles the instances of one chunk, numbered from `first_instance` in their layer, on all cores: their tables in the
/// layout of the wire, and one word of decoding bits per instance.
///
/// # Errors
/// Labels, tables or decoding words of another number than the circuit's.
pub fn garble_chunk(
    plan: &GatePlan,
    inputs: &GarblerInputs<'_>,
    first_instance: usize,
    tables: &mut [Block],
    decoding: &mut [u64],
    counter: &Counter,
) -> Result<()> {
    let instances = inputs.offline_values.len();
    let lengths = [
        (decoding.len(), 1),
        (tables.len(), plan.table_blocks()),
        (inputs.evaluator_zeros.len(), plan.inputs.evaluator),
    ];
    if lengths.iter().any(|(length, each)| *length != each * instances) {
        return Err(unfit());
    }
    let mut rest = tables;
    let batches: Vec<_> = decoding
        .chunks_mut(LANES)
        .map(|decoding| {
            let (tables, after) = std::mem::take(&mut rest).split_at_mut(plan.table_blocks() * decoding.len());
            rest = after;
            (tables, decoding)
        })
        .collect();
    batches.into_par_iter().enumerate().for_each(|(index, (tables, decoding))| {
        let batch = Batch::new(plan, inputs, first_instance, index * LANES, decoding.len(), counter);
        batch.garble(tables, decoding);
    });
    Ok(())
}

/// One batch of instances on its way through the circuit: the zero label of every slot, lane by lane.
struct Batch<'a> {
    plan: &'a GatePlan,
    inputs: &'a GarblerInputs<'a>,
    counter: &'a Counter,
    first_instance: usize,
    /// The batch's first instance, inside the chunk.
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
        first_instance: usize,
        first: usize,
        lanes: usize,
        counter: &'a Counter,
    ) -> Self {
        Self {
            plan,
            inputs,
            counter,
            first_instance,
            first,
            lanes,
            zeros: Lanes::new(plan.slots, lanes),
            deltas: vec![inputs.delta; lanes],
            hashes: vec![0; 4 * lanes],
            masks: vec![0; 2 * lanes],
            tweaks: first_tweaks(inputs.first_gate, first_instance + first, lanes, plan.and_gates),
            hasher: Hasher::default(),
        }
    }

    fn garble(mut self, tables: &mut [Block], decoding: &mut [u64]) {
        self.load_inputs();
        let tables = tables.chunks_exact_mut((2 * self.lanes).max(1));
        let (ands, xors) = walk(&self.plan.gates, tables, &mut self);
        for (lane, decoding) in decoding.iter_mut().enumerate() {
            *decoding = self.decoding(lane);
        }
        let lanes = self.lanes as u64;
        self.counter.add(Work { and_gates: ands * lanes, xor_gates: xors * lanes, ..Work::default() });
        self.hasher.count(self.counter);
    }

    /// Puts the inputs' zero labels into their slots.
    fn load_inputs(&mut self) {
        let (counts, lanes) = (self.plan.inputs, self.lanes);
        let first = self.first_instance + self.first;
        let mut labels = vec![0; counts.garbler_online * lanes];
        self.inputs.own.fill((first * counts.garbler_online) as u64, &mut labels, self.counter);
        self.zeros.scatter(&labels, 0, counts.garbler_online);
        let zeros = &self.inputs.evaluator_zeros[self.first * counts.evaluator..];
        self.zeros.scatter(&zeros[..lanes * counts.evaluator], counts.garbler_online, counts.evaluator);
        labels.resize(counts.garbler_offline * lanes, 0);
        self.inputs.own.offline().fill((first * counts.garbler_offline) as u64, &mut labels, self.counter);
        // What is expanded are the labels of the values: the zero labels follow from them.
        let values = &self.inputs.offline_values[self.first..self.first + lanes];
        for (labels, value) in labels.chunks_mut(counts.garbler_offline.max(1)).zip(values) {
            for (input, label) in labels.iter_mut().enumerate() {
                *label ^= Block::from(value >> input & 1).wrapping_neg() & self.inputs.delta;
            }
        }
        self.zeros.scatter(&labels, counts.garbler_online + counts.evaluator, counts.garbler_offline);
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
