//! The evaluator.

use super::garbled::{Garbled, split_chunk, unpack_decoding};
use super::hash::{Block, Hasher};
use super::labels::OfflineLabels;
use super::lanes::{Lanes, colour_masks, halves, halves_mut};
use super::plan::{GatePlan, SlotBit, SlotGate};
use super::walk::{HalfGates, walk};
use super::{CHUNK, LANES, colour, first_tweaks, per_instance, unfit};
use crate::counter::Counter;
use crate::error::Result;
use pisim_protocol::Work;
use rayon::prelude::*;

/// The active labels of instances of a circuit: a whole layer's, or one chunk's. Slices hold those instances only.
pub struct EvaluatorLabels<'a> {
    /// The garbler's online inputs, `[instance][input]`.
    pub garbler_online: &'a [Block],
    /// The evaluator's inputs, `[instance][input]`.
    pub evaluator: &'a [Block],
    /// The garbler's offline inputs, numbered through the layer.
    pub offline: &'a OfflineLabels,
    /// The number of AND gates garbled under the same Δ before this layer.
    pub first_gate: u64,
}

/// Evaluates garbled instances on all cores and returns their outputs as numbers.
///
/// # Errors
/// Labels of another number than the circuit's.
pub fn evaluate(
    plan: &GatePlan,
    garbled: &Garbled,
    labels: &EvaluatorLabels<'_>,
    counter: &Counter,
) -> Result<Vec<u64>> {
    let mut outputs = vec![0; garbled.instances()];
    let mut decoding = vec![0; CHUNK];
    let mut first = 0;
    for (instances, chunk) in garbled.chunks(plan) {
        let last = first + instances;
        let labels = EvaluatorLabels {
            garbler_online: per_instance(labels.garbler_online, plan.inputs.garbler_online, first..last)?,
            evaluator: per_instance(labels.evaluator, plan.inputs.evaluator, first..last)?,
            ..*labels
        };
        let (tables, bits) = split_chunk(plan, instances, chunk)?;
        unpack_decoding(plan, bits, &mut decoding[..instances]);
        evaluate_chunk(plan, &labels, first, tables, &decoding[..instances], &mut outputs[first..last], counter)?;
        first = last;
    }
    Ok(outputs)
}

/// Evaluates the instances of one chunk, numbered from `first_instance` in their layer, on all cores: one number per
/// instance, from the tables in the layout of the wire and one word of decoding bits per instance.
///
/// # Errors
/// Labels, tables or decoding words of another number than the circuit's.
pub fn evaluate_chunk(
    plan: &GatePlan,
    labels: &EvaluatorLabels<'_>,
    first_instance: usize,
    tables: &[Block],
    decoding: &[u64],
    outputs: &mut [u64],
    counter: &Counter,
) -> Result<()> {
    let instances = outputs.len();
    let lengths = [
        (decoding.len(), 1),
        (tables.len(), plan.table_blocks()),
        (labels.garbler_online.len(), plan.inputs.garbler_online),
        (labels.evaluator.len(), plan.inputs.evaluator),
    ];
    if lengths.iter().any(|(length, each)| *length != each * instances) {
        return Err(unfit());
    }
    outputs.par_chunks_mut(LANES).zip(decoding.par_chunks(LANES)).enumerate().for_each(
        |(batch, (outputs, decoding))| {
            let (first, lanes) = (batch * LANES, outputs.len());
            let tables = &tables[plan.table_blocks() * first..plan.table_blocks() * (first + lanes)];
            Batch::new(plan, labels, first_instance, first, lanes).evaluate(tables, decoding, outputs, counter);
        },
    );
    Ok(())
}

/// One batch of instances on its way through the circuit: the active label of every slot, lane by lane.
struct Batch<'a> {
    plan: &'a GatePlan,
    labels: &'a EvaluatorLabels<'a>,
    first_instance: usize,
    /// The batch's first instance, inside the chunk.
    first: usize,
    lanes: usize,
    active: Lanes,
    hashes: Vec<Block>,
    masks: Vec<Block>,
    /// The next AND gate's tweaks.
    tweaks: Vec<Block>,
    hasher: Hasher,
}

impl<'a> Batch<'a> {
    fn new(
        plan: &'a GatePlan,
        labels: &'a EvaluatorLabels<'a>,
        first_instance: usize,
        first: usize,
        lanes: usize,
    ) -> Self {
        Self {
            plan,
            labels,
            first_instance,
            first,
            lanes,
            active: Lanes::new(plan.slots, lanes),
            hashes: vec![0; 2 * lanes],
            masks: vec![0; 2 * lanes],
            tweaks: first_tweaks(labels.first_gate, first_instance + first, lanes, plan.and_gates),
            hasher: Hasher::default(),
        }
    }

    fn evaluate(mut self, tables: &[Block], decoding: &[u64], outputs: &mut [u64], counter: &Counter) {
        self.load_inputs(counter);
        let tables = tables.chunks_exact((2 * self.lanes).max(1));
        let (ands, xors) = walk(&self.plan.gates, tables, &mut self);
        for (lane, (output, decoding)) in outputs.iter_mut().zip(decoding).enumerate() {
            *output = self.decode(lane, *decoding);
        }
        let lanes = self.lanes as u64;
        counter.add(Work {
            and_gates: ands * lanes,
            xor_gates: xors * lanes,
            labels: self.plan.outputs.len() as u64 * lanes,
            ..Work::default()
        });
        self.hasher.count(counter);
    }

    fn load_inputs(&mut self, counter: &Counter) {
        let counts = self.plan.inputs;
        let groups = [
            (0, counts.garbler_online, self.labels.garbler_online),
            (counts.garbler_online, counts.evaluator, self.labels.evaluator),
        ];
        for (slot, count, labels) in groups {
            self.active.scatter(&labels[self.first * count..(self.first + self.lanes) * count], slot, count);
        }
        let count = counts.garbler_offline;
        let mut offline = vec![0; count * self.lanes];
        self.labels.offline.fill(((self.first_instance + self.first) * count) as u64, &mut offline, counter);
        self.active.scatter(&offline, counts.garbler_online + counts.evaluator, count);
    }

    fn decode(&self, lane: usize, decoding: u64) -> u64 {
        let bit = |(position, output): (usize, &SlotBit)| {
            let permute = decoding >> position & 1 == 1;
            match *output {
                SlotBit::Const(value) => value,
                SlotBit::Slot(slot) => colour(self.active.label(slot, lane)) ^ permute,
            }
        };
        self.plan.outputs.iter().enumerate().map(|output| u64::from(bit(output)) << output.0).sum()
    }
}

impl HalfGates<&[Block]> for Batch<'_> {
    #[inline(always)]
    fn free(&mut self, gate: SlotGate) {
        // Negation leaves the active label as it is: the garbler changed its meaning.
        self.active.free_gate(gate, 0);
    }

    #[inline(always)]
    fn and(&mut self, a: usize, b: usize, out: usize, table: &[Block]) {
        let lanes = self.lanes;
        let (labels_a, labels_b) = (self.active.slot(a), self.active.slot(b));
        self.hashes[..lanes].copy_from_slice(labels_a);
        self.hashes[lanes..].copy_from_slice(labels_b);
        self.hasher.hash(&mut self.hashes, &self.tweaks, 1);
        self.tweaks.iter_mut().for_each(|tweak| *tweak += 2);
        let (masks_a, masks_b) = self.masks.split_at_mut(lanes);
        colour_masks(labels_a, masks_a);
        colour_masks(labels_b, masks_b);
        let (hashes_a, hashes_b) = self.hashes.split_at_mut(lanes);
        let (garbler_halves, evaluator_halves) = table.split_at(lanes);
        let hashes = halves_mut(hashes_a).iter_mut().zip(halves(hashes_b));
        let colours = halves(masks_a).iter().zip(halves(masks_b));
        let table = halves(garbler_halves).iter().zip(halves(evaluator_halves));
        for ((((hash_a, hash_b), (mask_a, mask_b)), (garbler, evaluator)), label_a) in
            hashes.zip(colours).zip(table).zip(halves(labels_a))
        {
            // The output's label takes the place of the first hash.
            *hash_a ^= (mask_a & garbler) ^ hash_b ^ (mask_b & (evaluator ^ label_a));
        }
        self.active.set(out, &self.hashes[..lanes]);
    }
}
