//! The labels of one batch: every slot holds one label per lane, and a batch always has all lanes. Where it has fewer
//! instances, the other lanes carry labels that nobody sees.

use super::hash::Block;
use super::plan::SlotBit;
use super::{GatePlan, LANES};
use crate::random::BlockStream;
use crate::simd::{Engine, Job, Quad};
use zeroize::Zeroize;

/// Vectors of four lanes in a slot.
pub(super) const QUADS: usize = LANES / 4;

/// The label of every lane at one place in the circuit; aligned, so that no vector straddles two cache lines.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Slot(pub(super) [Quad; QUADS]);

impl Slot {
    /// The labels, lane by lane.
    #[inline(always)]
    pub(super) fn labels(&self) -> &[Block] {
        self.0.as_flattened()
    }

    #[inline(always)]
    pub(super) fn labels_mut(&mut self) -> &mut [Block] {
        self.0.as_flattened_mut()
    }
}

/// All slots of a batch and the garbler's offline inputs, which are wiped when dropped, and room for the tables of a batch with
/// fewer instances than lanes.
pub(super) struct Scratch {
    pub(super) slots: Vec<Slot>,
    pub(super) padded: Vec<Block>,
    /// The offline inputs of every lane, word by word; only the garbler's.
    pub(super) values: Vec<[u128; LANES]>,
}

impl Scratch {
    pub(super) fn new(plan: &GatePlan) -> Self {
        Self { slots: vec![Slot([[0; 4]; QUADS]); plan.slots], padded: Vec::new(), values: Vec::new() }
    }

    /// Room for the tables of a whole batch.
    pub(super) fn padded(&mut self, plan: &GatePlan) -> Vec<Block> {
        let mut padded = std::mem::take(&mut self.padded);
        padded.resize(plan.table_blocks() * LANES, 0);
        padded
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        for slot in &mut self.slots {
            slot.labels_mut().zeroize();
        }
        self.values.zeroize();
    }
}

/// From labels `[lane][input]` to slots `[input][lane]`.
pub(super) fn scatter(slots: &mut [Slot], labels: &[Block], inputs: usize) {
    for (lane, labels) in labels.chunks_exact(inputs.max(1)).enumerate() {
        for (slot, label) in slots.iter_mut().zip(labels) {
            slot.labels_mut()[lane] = *label;
        }
    }
}

/// From slots to the labels of the outputs, `[lane][output]`; zero for outputs that are constants.
pub(super) fn output_labels(plan: &GatePlan, slots: &[Slot], labels: &mut [Block]) {
    for (lane, labels) in labels.chunks_exact_mut(plan.outputs.len().max(1)).enumerate() {
        for (label, output) in labels.iter_mut().zip(&plan.outputs) {
            *label = match *output {
                SlotBit::Slot(slot) => slots[slot].labels()[lane],
                SlotBit::Const(_) => 0,
            };
        }
    }
}

/// Expands the labels of a batch, numbered `[lane][input]` from `first`, into slots `[input][lane]`.
pub(super) fn expand(stream: &BlockStream, first: u64, slots: &mut [Slot]) {
    stream.key().run(Expand { first, slots });
}

struct Expand<'a> {
    first: u64,
    slots: &'a mut [Slot],
}

impl Job for Expand<'_> {
    type Output = ();

    #[inline(always)]
    fn run<E: Engine>(self, engine: E) {
        let inputs = self.slots.len() as u64;
        let numbers: [Block; 4] = std::array::from_fn(|lane| Block::from(lane as u64 * inputs));
        let numbers = engine.load(&numbers);
        for (input, slot) in self.slots.iter_mut().enumerate() {
            let mut vectors = [numbers; QUADS];
            for (quad, vector) in vectors.iter_mut().enumerate() {
                *vector = engine.add_low(numbers, self.first.wrapping_add(4 * quad as u64 * inputs + input as u64));
            }
            engine.encrypt(&mut vectors);
            for (quad, vector) in slot.0.iter_mut().zip(vectors) {
                engine.store(vector, quad);
            }
        }
    }
}

/// The colours of slots as one word per lane: bit i is that of the i-th slot.
#[inline(always)]
pub(super) fn colours(slots: &[Slot], outputs: impl Iterator<Item = (usize, usize)>) -> [u64; LANES] {
    let mut words = [0; LANES];
    for (position, slot) in outputs {
        for (word, label) in words.iter_mut().zip(slots[slot].labels()) {
            *word |= (*label as u64 & 1) << position;
        }
    }
    words
}
