//! The garbler.

use super::hash::{Block, Hasher};
use super::labels::LabelSource;
use super::plan::{GatePlan, SlotBit, SlotGate};
use super::{LANES, colour, colour_mask, tweak};
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
    let tables = garbled.tables.par_chunks_mut((2 * plan.and_gates * LANES).max(1));
    let labels = garbled.offline_labels.par_chunks_mut((plan.inputs.garbler_offline * LANES).max(1));
    let decoding = garbled.decoding.par_chunks_mut(LANES);
    if plan.and_gates == 0 || plan.inputs.garbler_offline == 0 {
        // Chunks of empty buffers do not line up with batches: garble those rare circuits in order.
        drop((tables, labels, decoding));
        return garble_in_order(plan, inputs, counter, garbled);
    }
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
        Self { plan, inputs, counter, first, lanes, zeros, hashes, hasher: Hasher::default() }
    }

    fn garble(mut self, tables: &mut [Block], offline_labels: &mut [Block], decoding: &mut [u64]) {
        self.load_inputs(offline_labels);
        let mut tables = tables.chunks_exact_mut((2 * self.lanes).max(1));
        let (mut ands, mut xors) = (0, 0);
        for gate in &self.plan.gates {
            match *gate {
                SlotGate::And { a, b, out } => {
                    if let Some(table) = tables.next() {
                        self.and(a, b, out, ands, table);
                    }
                    ands += 1;
                }
                SlotGate::Xor { a, b, out } => {
                    for lane in 0..self.lanes {
                        self.zeros[out * self.lanes + lane] =
                            self.zeros[a * self.lanes + lane] ^ self.zeros[b * self.lanes + lane];
                    }
                    xors += 1;
                }
                // The label that stood for zero now stands for one.
                SlotGate::Inv { a, out } => {
                    for lane in 0..self.lanes {
                        self.zeros[out * self.lanes + lane] = self.zeros[a * self.lanes + lane] ^ self.inputs.delta;
                    }
                }
            }
        }
        for (lane, decoding) in decoding.iter_mut().enumerate() {
            *decoding = self.decoding(lane);
        }
        let lanes = self.lanes as u64;
        self.counter.add(Work { and_gates: ands as u64 * lanes, xor_gates: xors * lanes, ..Work::default() });
        self.hasher.count(self.counter);
    }

    /// Puts the inputs' zero labels into their slots and writes the active labels of the offline inputs.
    fn load_inputs(&mut self, offline_labels: &mut [Block]) {
        let counts = self.plan.inputs;
        let instances = self.inputs.offline_values.len();
        let evaluator_slot = counts.garbler_online;
        let offline_slot = evaluator_slot + counts.evaluator;
        let mut own = vec![0; counts.garbler_online.max(counts.garbler_offline)];
        for lane in 0..self.lanes {
            let instance = self.first + lane;
            let online = &mut own[..counts.garbler_online];
            self.inputs.own.fill((instance * counts.garbler_online) as u64, online, self.counter);
            for (input, label) in online.iter().enumerate() {
                self.zeros[input * self.lanes + lane] = *label;
            }
            for input in 0..counts.evaluator {
                self.zeros[(evaluator_slot + input) * self.lanes + lane] =
                    self.inputs.evaluator_zeros[instance * counts.evaluator + input];
            }
            let offline = &mut own[..counts.garbler_offline];
            let number = instances * counts.garbler_online + instance * counts.garbler_offline;
            self.inputs.own.fill(number as u64, offline, self.counter);
            let value = self.inputs.offline_values[instance];
            for (input, label) in offline.iter().enumerate() {
                self.zeros[(offline_slot + input) * self.lanes + lane] = *label;
                let active = Block::from(value >> input & 1).wrapping_neg() & self.inputs.delta;
                offline_labels[lane * counts.garbler_offline + input] = *label ^ active;
            }
        }
    }

    /// Both half gates of one AND gate in all lanes.
    fn and(&mut self, a: usize, b: usize, out: usize, gate: usize, table: &mut [Block]) {
        let (lanes, delta) = (self.lanes, self.inputs.delta);
        for lane in 0..lanes {
            let (zero_a, zero_b) = (self.zeros[a * lanes + lane], self.zeros[b * lanes + lane]);
            self.hashes[lane] = zero_a;
            self.hashes[lanes + lane] = zero_a ^ delta;
            self.hashes[2 * lanes + lane] = zero_b;
            self.hashes[3 * lanes + lane] = zero_b ^ delta;
        }
        let (first_gate, first, ands) = (self.inputs.first_gate, self.first, self.plan.and_gates);
        self.hasher.hash(&mut self.hashes, |position| {
            tweak(first_gate, first + position % lanes, ands, gate) + Block::from(position >= 2 * lanes)
        });
        for lane in 0..lanes {
            let (zero_a, zero_b) = (self.zeros[a * lanes + lane], self.zeros[b * lanes + lane]);
            let (a0, a1) = (self.hashes[lane], self.hashes[lanes + lane]);
            let (b0, b1) = (self.hashes[2 * lanes + lane], self.hashes[3 * lanes + lane]);
            let garbler_half = a0 ^ a1 ^ (colour_mask(zero_b) & delta);
            let evaluator_half = b0 ^ b1 ^ zero_a;
            table[2 * lane] = garbler_half;
            table[2 * lane + 1] = evaluator_half;
            self.zeros[out * lanes + lane] =
                a0 ^ (colour_mask(zero_a) & garbler_half) ^ b0 ^ (colour_mask(zero_b) & (evaluator_half ^ zero_a));
        }
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
