//! The labels of one batch: every slot holds one label per lane. Loops run over 64-bit halves, which vectorise.

use super::hash::Block;
use super::plan::SlotGate;
use std::ops::Range;

/// Slots of labels, lane by lane.
pub(super) struct Lanes {
    blocks: Vec<Block>,
    lanes: usize,
}

impl Lanes {
    pub(super) fn new(slots: usize, lanes: usize) -> Self {
        Self { blocks: vec![0; slots * lanes], lanes }
    }

    fn range(&self, slot: usize) -> Range<usize> {
        slot * self.lanes..(slot + 1) * self.lanes
    }

    /// The labels of a slot.
    #[inline(always)]
    pub(super) fn slot(&self, slot: usize) -> &[Block] {
        &self.blocks[self.range(slot)]
    }

    /// One label.
    pub(super) fn label(&self, slot: usize, lane: usize) -> Block {
        self.blocks[slot * self.lanes + lane]
    }

    /// From labels `[lane][input]` to slots `[input][lane]`.
    pub(super) fn scatter(&mut self, labels: &[Block], first_slot: usize, inputs: usize) {
        for (lane, labels) in labels.chunks(inputs.max(1)).enumerate() {
            for (input, label) in labels.iter().enumerate() {
                self.blocks[(first_slot + input) * self.lanes + lane] = *label;
            }
        }
    }

    /// Writes a slot.
    #[inline(always)]
    pub(super) fn set(&mut self, slot: usize, labels: &[Block]) {
        let range = self.range(slot);
        self.blocks[range].copy_from_slice(labels);
    }

    /// `out = a ⊕ b`, in all lanes.
    #[inline(always)]
    pub(super) fn xor(&mut self, a: usize, b: usize, out: usize) {
        let ranges = [self.range(a), self.range(b), self.range(out)];
        if let Ok([a, b, out]) = self.blocks.get_disjoint_mut(ranges) {
            for ((out, a), b) in halves_mut(out).iter_mut().zip(halves(a)).zip(halves(b)) {
                *out = a ^ b;
            }
        } else {
            // A gate's output never shares a slot with its inputs, so both inputs are the same wire.
            let out = self.range(out);
            self.blocks[out].fill(0);
        }
    }

    /// `out = a ⊕ constant`, in all lanes.
    #[inline(always)]
    pub(super) fn xor_constant(&mut self, a: usize, constant: Block, out: usize) {
        let (a, out) = (self.range(a), self.range(out));
        self.blocks.copy_within(a, out.start);
        self.blocks[out].iter_mut().for_each(|label| *label ^= constant);
    }

    /// XOR and INV gates, for which `flip` is what negation adds to a label.
    #[inline(always)]
    pub(super) fn free_gate(&mut self, gate: SlotGate, flip: Block) {
        match gate {
            SlotGate::Xor { a, b, out } => self.xor(a, b, out),
            SlotGate::Inv { a, out } => self.xor_constant(a, flip, out),
            SlotGate::And { .. } => {}
        }
    }
}

/// Blocks as 64-bit halves.
#[inline(always)]
pub(super) fn halves(blocks: &[Block]) -> &[u64] {
    bytemuck::cast_slice(blocks)
}

/// Blocks as 64-bit halves.
#[inline(always)]
pub(super) fn halves_mut(blocks: &mut [Block]) -> &mut [u64] {
    bytemuck::cast_slice_mut(blocks)
}

/// Writes, for every label, all ones in both halves if its colour bit is set, otherwise zeros.
#[inline(always)]
pub(super) fn colour_masks(labels: &[Block], masks: &mut [Block]) {
    for (mask, label) in halves_mut(masks).as_chunks_mut::<2>().0.iter_mut().zip(halves(labels).as_chunks::<2>().0) {
        // The colour is the lowest bit of the block: of its first half in memory on little-endian machines.
        let low = if cfg!(target_endian = "little") { label[0] } else { label[1] };
        *mask = [(low & 1).wrapping_neg(); 2];
    }
}
