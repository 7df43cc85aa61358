//! Garbled instances of one circuit, laid out as they cross the wire: tables, labels of the garbler's offline inputs, and the
//! decoding bits.

use super::hash::Block;
use super::plan::GatePlan;
use crate::buffer::Buffer;
use crate::error::{BackendError, Result};

/// What the evaluator receives and stores.
pub struct Garbled {
    buffer: Buffer,
    instances: usize,
}

impl Garbled {
    /// Bytes of `instances` garbled instances.
    pub fn bytes(plan: &GatePlan, instances: usize) -> usize {
        let blocks = (2 * plan.and_gates + plan.inputs.garbler_offline) * instances;
        blocks * size_of::<Block>() + (plan.outputs.len() * instances).div_ceil(8)
    }

    pub(super) fn new(plan: &GatePlan, instances: usize) -> Self {
        Self { buffer: Buffer::new(Self::bytes(plan, instances)), instances }
    }

    /// Takes what came over the wire.
    ///
    /// # Errors
    /// Another number of bytes than the circuit's.
    pub fn from_wire(plan: &GatePlan, instances: usize, buffer: Buffer) -> Result<Self> {
        if buffer.bytes().len() != Self::bytes(plan, instances) {
            return Err(BackendError::program("garbled tables do not fit the circuit"));
        }
        Ok(Self { buffer, instances })
    }

    /// What goes over the wire.
    pub fn into_wire(self) -> Buffer {
        self.buffer
    }

    /// How many instances there are.
    pub fn instances(&self) -> usize {
        self.instances
    }

    fn table_blocks(&self, plan: &GatePlan) -> usize {
        2 * plan.and_gates * self.instances
    }

    fn label_blocks(&self, plan: &GatePlan) -> usize {
        plan.inputs.garbler_offline * self.instances
    }

    /// Two blocks per AND gate: batch by batch, `[gate][half][instance]` inside a batch.
    pub fn tables(&self, plan: &GatePlan) -> &[Block] {
        &self.buffer.blocks()[..self.table_blocks(plan)]
    }

    /// The active labels of the garbler's offline inputs, `[instance][input]`.
    pub fn offline_labels(&self, plan: &GatePlan) -> &[Block] {
        &self.buffer.blocks()[self.table_blocks(plan)..][..self.label_blocks(plan)]
    }

    /// Tables and offline labels, to be written.
    pub(super) fn parts_mut(&mut self, plan: &GatePlan) -> (&mut [Block], &mut [Block]) {
        let (tables, labels) = (self.table_blocks(plan), self.label_blocks(plan));
        let (table_blocks, rest) = self.buffer.blocks_mut().split_at_mut(tables);
        (table_blocks, &mut rest[..labels])
    }

    /// The colours of the outputs' zero labels, one number per instance.
    pub fn decoding(&self, plan: &GatePlan) -> Vec<u64> {
        let (bytes, outputs) = (&self.buffer.bytes()[self.decoding_start(plan)..], plan.outputs.len());
        let bit = |position: usize| u64::from(bytes[position / 8] >> (position % 8) & 1);
        let word = |instance: usize| (0..outputs).map(|output| bit(instance * outputs + output) << output).sum();
        (0..self.instances).map(word).collect()
    }

    pub(super) fn set_decoding(&mut self, plan: &GatePlan, decoding: &[u64]) {
        let start = self.decoding_start(plan);
        let bits =
            decoding.iter().flat_map(|word| (0..plan.outputs.len()).map(move |output| (word >> output & 1) as u8));
        let bytes = &mut self.buffer.bytes_mut()[start..];
        bytes.fill(0);
        for (position, bit) in bits.enumerate() {
            bytes[position / 8] |= bit << (position % 8);
        }
    }

    fn decoding_start(&self, plan: &GatePlan) -> usize {
        (self.table_blocks(plan) + self.label_blocks(plan)) * size_of::<Block>()
    }
}
