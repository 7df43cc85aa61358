//! Garbled instances of one circuit, laid out as they cross the wire: the seed of the offline inputs' labels, then chunks of
//! [`CHUNK`] instances, each its tables and its decoding bits.

use super::CHUNK;
use super::hash::Block;
use super::labels::OfflineLabels;
use super::plan::GatePlan;
use crate::buffer::Buffer;
use crate::error::{BackendError, Result};

/// What the evaluator receives and stores.
pub struct Garbled {
    buffer: Buffer,
    instances: usize,
}

impl Garbled {
    /// Bytes of `instances` garbled instances, seed included.
    pub fn bytes(plan: &GatePlan, instances: usize) -> usize {
        // Decoding bits of a whole chunk are whole bytes, so the chunks' sum is that of one large chunk.
        OfflineLabels::SEED_BYTES + chunk_bytes(plan, instances)
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

    /// The labels of the garbler's offline inputs.
    pub fn offline_labels(&self) -> OfflineLabels {
        let seed = self.buffer.bytes().first_chunk().copied();
        OfflineLabels::new(seed.unwrap_or_default())
    }

    /// The chunks in order, each with its number of instances.
    pub fn chunks(&self, plan: &GatePlan) -> impl Iterator<Item = (usize, &[u8])> {
        let mut rest = &self.buffer.bytes()[OfflineLabels::SEED_BYTES..];
        chunk_sizes(self.instances).map(move |instances| {
            let (chunk, after) = rest.split_at(chunk_bytes(plan, instances));
            rest = after;
            (instances, chunk)
        })
    }

    /// The seed and the chunks, to be written.
    pub(super) fn parts_mut(&mut self, plan: &GatePlan) -> (&mut [u8], impl Iterator<Item = (usize, &mut [u8])>) {
        let (seed, mut rest) = self.buffer.bytes_mut().split_at_mut(OfflineLabels::SEED_BYTES);
        let chunks = chunk_sizes(self.instances).map(move |instances| {
            let (chunk, after) = std::mem::take(&mut rest).split_at_mut(chunk_bytes(plan, instances));
            rest = after;
            (instances, chunk)
        });
        (seed, chunks)
    }
}

/// The instances of every chunk of a layer: all of [`CHUNK`] but the last.
pub fn chunk_sizes(instances: usize) -> impl Iterator<Item = usize> {
    (0..instances).step_by(CHUNK).map(move |first| CHUNK.min(instances - first))
}

/// Bytes of a chunk of `instances`: two blocks per AND gate, then one decoding bit per output.
pub fn chunk_bytes(plan: &GatePlan, instances: usize) -> usize {
    plan.table_blocks() * instances * size_of::<Block>() + (plan.outputs.len() * instances).div_ceil(8)
}

/// A chunk as its tables (batch by batch, `[gate][half][instance]` inside a batch) and its packed decoding bits.
///
/// # Errors
/// Another length than the circuit's, or bytes that do not start at a block's alignment.
pub fn split_chunk<'a>(plan: &GatePlan, instances: usize, chunk: &'a [u8]) -> Result<(&'a [Block], &'a [u8])> {
    let (tables, decoding) =
        split_at(plan, instances, chunk.len()).and_then(|at| chunk.split_at_checked(at)).ok_or_else(unfit)?;
    Ok((bytemuck::try_cast_slice(tables).map_err(|_| unfit())?, decoding))
}

/// As [`split_chunk`], to be written.
///
/// # Errors
/// As [`split_chunk`].
pub fn split_chunk_mut<'a>(
    plan: &GatePlan,
    instances: usize,
    chunk: &'a mut [u8],
) -> Result<(&'a mut [Block], &'a mut [u8])> {
    let at = split_at(plan, instances, chunk.len()).ok_or_else(unfit)?;
    let (tables, decoding) = chunk.split_at_mut_checked(at).ok_or_else(unfit)?;
    Ok((bytemuck::try_cast_slice_mut(tables).map_err(|_| unfit())?, decoding))
}

fn split_at(plan: &GatePlan, instances: usize, bytes: usize) -> Option<usize> {
    (bytes == chunk_bytes(plan, instances)).then_some(plan.table_blocks() * instances * size_of::<Block>())
}

fn unfit() -> BackendError {
    BackendError::program("a chunk of garbled tables does not fit the circuit")
}

/// Packs one decoding word per instance into bits, one per output of `plan`, lowest first.
pub fn pack_decoding(plan: &GatePlan, decoding: &[u64], bytes: &mut [u8]) {
    let mut bytes = bytes.iter_mut();
    let (mut waiting, mut bits) = (0u128, 0);
    for word in decoding {
        waiting |= u128::from(*word) << bits;
        bits += plan.outputs.len();
        while bits >= 8 {
            write_byte(bytes.next(), &mut waiting);
            bits -= 8;
        }
    }
    if bits > 0 {
        write_byte(bytes.next(), &mut waiting);
    }
}

fn write_byte(byte: Option<&mut u8>, waiting: &mut u128) {
    if let Some(byte) = byte {
        *byte = *waiting as u8;
    }
    *waiting >>= 8;
}

/// The reverse of [`pack_decoding`].
pub fn unpack_decoding(plan: &GatePlan, bytes: &[u8], decoding: &mut [u64]) {
    let outputs = plan.outputs.len();
    let mask = if outputs == 0 { 0 } else { u64::MAX >> (64 - outputs.min(64)) };
    let mut bytes = bytes.iter();
    let (mut waiting, mut bits) = (0u128, 0);
    for word in decoding {
        while bits < outputs {
            waiting |= u128::from(bytes.next().copied().unwrap_or(0)) << bits;
            bits += 8;
        }
        *word = waiting as u64 & mask;
        waiting >>= outputs;
        bits -= outputs;
    }
}
