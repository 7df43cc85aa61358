//! The garbler.

use super::hash::{Block, Hasher};
use super::labels::LabelSource;
use super::plan::{GatePlan, SlotBit, SlotGate};
use super::{LANES, colour, colour_mask, first_tweaks, lanes_of};
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

/// What the evaluator receives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Garbled {
    /// Two blocks per AND gate: batch by batch, `[gate][instance]` inside a batch.
    pub tables: Vec<Block>,
    /// The labels of the garbler's offline inputs, `[instance][input]`.
    pub offline_labels: Vec<Block>,
    /// The colour of every output's zero label, one number per instance.
    pub decoding: Vec<u64>,
}

/// Garbles `offline_values.len()` instances of a circuit on all cores.
pub fn garble(plan: &GatePlan, inputs: &GarblerInputs<'_>, counter: &Counter) -> Garbled {
    let instances = inputs.offline_values.len();
    let mut garbled = Garbled {
        tables: vec![0; 2 * plan.and_gates * instances],
        offline_labels: vec![0; plan.inputs.garbler_offline * instances],
        decoding: vec![0; instances],
    };
    if plan.and_gates == 0 || plan.inputs.garbler_offline == 0 {
        // Chunks of empty buffers do not line up with batches: garble those rare circuits in order.
        return garble_in_order(plan, inputs, counter, garbled);
    }
    let tables = garbled.tables.par_chunks_mut(2 * plan.and_gates * LANES);
    let labels = garbled.offline_labels.par_chunks_mut(plan.inputs.garbler_offline * LANES);
    let decoding = garbled.decoding.par_chunks_mut(LANES);
    tables.zip(labels).zip(decoding).enumerate().for_each(|(batch, ((tables, labels), decoding))| {
        Batch::new(plan, inputs, batch * LANES, decoding.len(), counter).garble(tables, labels, decoding);
    });
    garbled
}

fn garble_in_order(plan: &GatePlan, inputs: &GarblerInputs<'_>, counter: &Counter, mut garbled: Garbled) -> Garbled {
    let (per_instance, own) = (2 * plan.and_gates, plan.inputs.garbler_offline);
    for (batch, decoding) in garbled.decoding.chunks_mut(LANES).enumerate() {
        let first = batch * LANES;
        let last = first + decoding.len();
        let tables = &mut garbled.tables[first * per_instance..last * per_instance];
        let labels = &mut garbled.offline_labels[first * own..last * own];
        Batch::new(plan, inputs, first, decoding.len(), counter).garble(tables, labels, decoding);
    }
    garbled
}

/// One batch of instances on its way through the circuit: the zero label of every slot, lane by lane.
struct Batch<'a> {
    plan: &'a GatePlan,
    inputs: &'a GarblerInputs<'a>,
    counter: &'a Counter,
    first: usize,
    lanes: usize,
    zeros: Vec<Block>,
    hashes: Vec<Block>,
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
        let (zeros, hashes) = (vec![0; plan.slots * lanes], vec![0; 4 * lanes]);
        let tweaks = first_tweaks(inputs.first_gate, first, lanes, plan.and_gates);
        Self { plan, inputs, counter, first, lanes, zeros, hashes, tweaks, hasher: Hasher::default() }
    }

    fn garble(mut self, tables: &mut [Block], offline_labels: &mut [Block], decoding: &mut [u64]) {
        self.load_inputs(offline_labels);
        let mut tables = tables.chunks_exact_mut((2 * self.lanes).max(1));
        let (mut ands, mut xors) = (0, 0);
        for gate in &self.plan.gates {
            match *gate {
                SlotGate::And { a, b, out } => {
                    if let Some(table) = tables.next() {
                        self.and(a, b, out, table);
                    }
                    ands += 1;
                }
                SlotGate::Xor { a, b, out } => {
                    self.copy(a, out);
                    self.combine(b, out);
                    xors += 1;
                }
                // The label that stood for zero now stands for one.
                SlotGate::Inv { a, out } => {
                    self.copy(a, out);
                    let lanes = self.lanes;
                    self.zeros[out * lanes..(out + 1) * lanes].iter_mut().for_each(|zero| *zero ^= self.inputs.delta);
                }
            }
        }
        for (lane, decoding) in decoding.iter_mut().enumerate() {
            *decoding = self.decoding(lane);
        }
        let lanes = self.lanes as u64;
        self.counter.add(Work { and_gates: ands * lanes, xor_gates: xors * lanes, ..Work::default() });
        self.hasher.count(self.counter);
    }

    fn copy(&mut self, from: usize, to: usize) {
        self.zeros.copy_within(from * self.lanes..(from + 1) * self.lanes, to * self.lanes);
    }

    /// `to ^= from`, lane by lane. A gate's output never shares a slot with its inputs.
    fn combine(&mut self, from: usize, to: usize) {
        let lanes = self.lanes;
        let (low, high) = self.zeros.split_at_mut(from.max(to) * lanes);
        let (from, to) = if from < to {
            (&low[from * lanes..(from + 1) * lanes], &mut high[..lanes])
        } else {
            (&high[..lanes], &mut low[to * lanes..(to + 1) * lanes])
        };
        for (to, from) in to.iter_mut().zip(from) {
            *to ^= *from;
        }
    }

    /// Puts the inputs' zero labels into their slots and writes the active labels of the offline inputs.
    fn load_inputs(&mut self, offline_labels: &mut [Block]) {
        let (counts, lanes) = (self.plan.inputs, self.lanes);
        let instances = self.inputs.offline_values.len();
        let mut online = vec![0; counts.garbler_online * lanes];
        self.inputs.own.fill((self.first * counts.garbler_online) as u64, &mut online, self.counter);
        self.scatter(&online, 0, counts.garbler_online);
        let first = self.first * counts.evaluator;
        let zeros = &self.inputs.evaluator_zeros[first..first + lanes * counts.evaluator];
        self.scatter(zeros, counts.garbler_online, counts.evaluator);
        let number = instances * counts.garbler_online + self.first * counts.garbler_offline;
        self.inputs.own.fill(number as u64, offline_labels, self.counter);
        self.scatter(offline_labels, counts.garbler_online + counts.evaluator, counts.garbler_offline);
        // What the evaluator gets of the offline inputs is the label of the value.
        let values = &self.inputs.offline_values[self.first..self.first + lanes];
        for (labels, value) in offline_labels.chunks_mut(counts.garbler_offline.max(1)).zip(values) {
            for (input, label) in labels.iter_mut().enumerate() {
                *label ^= Block::from(value >> input & 1).wrapping_neg() & self.inputs.delta;
            }
        }
    }

    /// From labels `[lane][input]` to slots `[input][lane]`.
    fn scatter(&mut self, labels: &[Block], first_slot: usize, count: usize) {
        for (lane, labels) in labels.chunks(count.max(1)).enumerate() {
            for (input, label) in labels.iter().enumerate() {
                self.zeros[(first_slot + input) * self.lanes + lane] = *label;
            }
        }
    }

    /// Both half gates of one AND gate in all lanes.
    fn and(&mut self, a: usize, b: usize, out: usize, table: &mut [Block]) {
        let (lanes, delta) = (self.lanes, self.inputs.delta);
        let (zeros_a, zeros_b) = (lanes_of(&self.zeros, a, lanes), lanes_of(&self.zeros, b, lanes));
        let (hashes_a, hashes_b) = self.hashes.split_at_mut(2 * lanes);
        for (hashes, zeros) in [(hashes_a, zeros_a), (hashes_b, zeros_b)] {
            let (low, high) = hashes.split_at_mut(lanes);
            for ((low, high), zero) in low.iter_mut().zip(high).zip(zeros) {
                *low = *zero;
                *high = *zero ^ delta;
            }
        }
        self.hasher.hash(&mut self.hashes, &self.tweaks, 2);
        self.tweaks.iter_mut().for_each(|tweak| *tweak += 2);
        let (a0, rest) = self.hashes.split_at_mut(lanes);
        let (a1, rest) = rest.split_at(lanes);
        let (b0, b1) = rest.split_at(lanes);
        let hashes = a0.iter_mut().zip(a1).zip(b0.iter().zip(b1));
        let zeros = zeros_a.iter().zip(zeros_b);
        for ((((a0, a1), (b0, b1)), (zero_a, zero_b)), table) in hashes.zip(zeros).zip(table.as_chunks_mut::<2>().0) {
            let garbler_half = *a0 ^ a1 ^ (colour_mask(*zero_b) & delta);
            let evaluator_half = b0 ^ b1 ^ zero_a;
            *table = [garbler_half, evaluator_half];
            // The output's zero label takes the place of the first hash.
            *a0 ^= (colour_mask(*zero_a) & garbler_half) ^ b0 ^ (colour_mask(*zero_b) & (evaluator_half ^ zero_a));
        }
        self.zeros[out * lanes..(out + 1) * lanes].copy_from_slice(&self.hashes[..lanes]);
    }

    /// The colours of the outputs' zero labels, so that the evaluator can read its result.
    fn decoding(&self, lane: usize) -> u64 {
        let bit = |output: &SlotBit| match *output {
            SlotBit::Const(value) => value,
            SlotBit::Slot(slot) => colour(self.zeros[slot * self.lanes + lane]),
        };
        self.plan.outputs.iter().enumerate().map(|(position, output)| u64::from(bit(output)) << position).sum()
    }
}
