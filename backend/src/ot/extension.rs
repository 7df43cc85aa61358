//! Extension of oblivious transfers (SoftSpoken OT), as correlated transfers.
//!
//! The correlation is garbling's Δ: the sender's row is the zero label of a wire and the receiver's row is the label of its
//! choice bit, so that no label crosses the wire a second time. Both ends work on any chunk of transfers at a time; the
//! messages of consecutive chunks are the consecutive parts of one message.

use super::base::KeyPair;
use super::choices::pack_choices;
use super::tree::{DEPTH, LEAVES, TREE_BYTES, grow, grow_punctured};
use super::vole::{ROWS, Streams, TILE, Tile};
use crate::buffer::Buffer;
use crate::counter::Counter;
use crate::error::{BackendError, Result};
use crate::gc::Block;
use crate::random::{BlockStream, Seed};
use pisim_protocol::{Work, wire};
use rayon::prelude::*;
use zeroize::Zeroize;

const BASE: usize = wire::BASE_OTS as usize;
const VOLES: usize = wire::OT_VOLES as usize;

/// Bytes of the message for one block of 128 transfers: one block of corrections of every vector OLE.
const BLOCK_BYTES: usize = VOLES * size_of::<Block>();

/// Numbers of transfers that may be extended; no number is given twice.
#[derive(Default)]
pub(super) struct Positions {
    reserved: u64,
}

impl Positions {
    pub(super) fn reserve(&mut self, transfers: u64) -> Result<u64> {
        let first = self.reserved;
        let end = transfers.checked_next_multiple_of(ROWS as u64).and_then(|rows| first.checked_add(rows));
        self.reserved = end.ok_or_else(|| BackendError::program("more oblivious transfers than there are numbers"))?;
        Ok(first)
    }

    /// The number of the first block of a chunk.
    pub(super) fn block(&self, first_transfer: u64, transfers: usize) -> Result<u64> {
        let end = first_transfer.checked_add(transfers as u64);
        if first_transfer.is_multiple_of(ROWS as u64) && end.is_some_and(|end| end <= self.reserved) {
            return Ok(first_transfer / ROWS as u64);
        }
        let reason = format!("{transfers} oblivious transfers from number {first_transfer} on were not reserved");
        Err(BackendError::program(reason))
    }
}

pub(super) fn check_length(what: &str, length: usize, expected: usize) -> Result<()> {
    if length == expected {
        return Ok(());
    }
    Err(BackendError::program(format!("{what} have length {length} instead of {expected}")))
}

fn message_bytes(transfers: usize) -> usize {
    transfers.div_ceil(ROWS) * BLOCK_BYTES
}

/// The receiver: knows both keys of every base transfer, chooses with its share bits.
pub struct ExtensionReceiver {
    voles: Vec<Streams>,
    positions: Positions,
}

impl ExtensionReceiver {
    /// A receiver from the 128 base transfers that it sent, and the message of `wire::ot_trees_bytes` from which the sender
    /// learns all of its streams but those at Δ.
    ///
    /// # Errors
    /// Another number of base transfers.
    pub fn new(keys: &[KeyPair]) -> Result<(Self, Vec<u8>)> {
        check_length("the base transfers' keys", keys.len(), BASE)?;
        let mut message = Vec::with_capacity(VOLES * TREE_BYTES);
        let mut streams = |keys| grow(keys, &mut message).iter().map(BlockStream::new).collect();
        let voles = keys.chunks_exact(DEPTH).map(&mut streams).collect();
        Ok((Self { voles, positions: Positions::default() }, message))
    }

    /// The number of the first of `transfers` new transfers. Both ends must reserve the same numbers in the same order.
    ///
    /// # Errors
    /// More than 2^64 transfers in all.
    pub fn reserve(&mut self, transfers: u64) -> Result<u64> {
        self.positions.reserve(transfers)
    }

    /// Extends one chunk of reserved transfers: writes the label of each transfer's choice, and the message that makes the
    /// sender's labels agree with them, of `wire::ot_columns_bytes` for the chunk.
    ///
    /// `first_transfer` is a multiple of 128, and so is the number of labels in every chunk but the last of a reservation.
    /// `choices` are packed as [`pack_choices`] does. Extending the same transfers again with other choices would tell the
    /// sender the difference between both: after a failure, reserve new ones.
    ///
    /// # Errors
    /// Transfers that were not reserved, or lengths that do not belong together; nothing is written then.
    pub fn extend_into(
        &self,
        first_transfer: u64,
        choices: &[Block],
        labels: &mut [Block],
        message: &mut [u8],
        counter: &Counter,
    ) -> Result<()> {
        let (transfers, first) = (labels.len(), self.positions.block(first_transfer, labels.len())?);
        check_length("the packed choices", choices.len(), transfers.div_ceil(ROWS))?;
        check_length("the message's bytes", message.len(), message_bytes(transfers))?;
        let chunks = labels.par_chunks_mut(TILE * ROWS).zip(message.par_chunks_mut(TILE * BLOCK_BYTES));
        let chunks = chunks.zip(choices.par_chunks(TILE)).enumerate();
        chunks.for_each_init(Tile::new, |tile, (chunk, ((labels, message), choices))| {
            let (message, _) = message.as_chunks_mut::<BLOCK_BYTES>();
            tile.rows(&self.voles, first + (chunk * TILE) as u64, labels, |vole, sums| {
                for ((message, sum), choice) in message.iter_mut().zip(sums.sum).zip(choices) {
                    if let Some(correction) = message.as_chunks_mut().0.get_mut(vole) {
                        *correction = (sum ^ choice).to_le_bytes();
                    }
                }
            });
        });
        counter.add(Work { extended_ots: transfers as u64, ..Work::default() });
        Ok(())
    }

    /// Extends the transfers of a whole layer: the labels of the lowest `bits` bits of every element, lowest first, and the
    /// message for the sender.
    ///
    /// # Errors
    /// More than 2^64 transfers in all.
    pub fn extend(&mut self, elements: &[u64], bits: u32, counter: &Counter) -> Result<(Buffer, Buffer)> {
        let transfers = elements.len() * bits.clamp(1, 64) as usize;
        let first = self.reserve(transfers as u64)?;
        let (mut labels, mut message) = (Buffer::secret_blocks(transfers), Buffer::new(message_bytes(transfers)));
        let choices = pack_choices(elements, bits);
        self.extend_into(first, &choices, labels.blocks_mut(), message.bytes_mut(), counter)?;
        Ok((labels, message))
    }

    /// Writes the labels of transfers that were extended before once more, for a receiver that did not keep them. They
    /// need no choices: a receiver's labels are those of its streams.
    ///
    /// # Errors
    /// Transfers that were not reserved.
    pub fn regenerate(&self, first_transfer: u64, labels: &mut [Block], counter: &Counter) -> Result<()> {
        let first = self.positions.block(first_transfer, labels.len())?;
        labels.par_chunks_mut(TILE * ROWS).enumerate().for_each_init(Tile::new, |tile, (chunk, labels)| {
            tile.rows(&self.voles, first + (chunk * TILE) as u64, labels, |_, _| {});
        });
        counter.add(Work { labels: labels.len() as u64, ..Work::default() });
        Ok(())
    }
}

/// The sender: its base choices are the bits of Δ.
pub struct ExtensionSender {
    voles: Vec<Streams>,
    delta: Block,
    positions: Positions,
}

impl Drop for ExtensionSender {
    fn drop(&mut self) {
        self.delta.zeroize();
    }
}

impl ExtensionSender {
    /// A sender from the 128 base transfers that it received with the bits of `delta`, lowest first, and from the receiver's
    /// trees.
    ///
    /// # Errors
    /// Another number of base transfers; trees of another length.
    pub fn new(step: usize, keys: &[Seed], delta: Block, trees: &[u8]) -> Result<Self> {
        check_length("the base transfers' keys", keys.len(), BASE)?;
        if trees.len() != VOLES * TREE_BYTES {
            return Err(BackendError::protocol(step, "the oblivious transfers' trees have another length"));
        }
        let streams = |(vole, (keys, message)): (usize, (&[Seed], &[u8]))| {
            let point = (delta >> (vole * DEPTH)) as u8 % LEAVES as u8;
            grow_punctured(keys, point, message).iter().skip(1).map(BlockStream::new).collect()
        };
        let trees = keys.chunks_exact(DEPTH).zip(trees.chunks_exact(TREE_BYTES));
        Ok(Self { voles: trees.enumerate().map(streams).collect(), delta, positions: Positions::default() })
    }

    /// The number of the first of `transfers` new transfers. Both ends must reserve the same numbers in the same order.
    ///
    /// # Errors
    /// More than 2^64 transfers in all.
    pub fn reserve(&mut self, transfers: u64) -> Result<u64> {
        self.positions.reserve(transfers)
    }

    /// Writes the zero labels of one chunk of reserved transfers, from the receiver's message for them; with the same
    /// message, the same labels again. Chunks are as in [`ExtensionReceiver::extend_into`], and need not be the receiver's.
    ///
    /// # Errors
    /// Transfers that were not reserved; a message of another length.
    pub fn extend_into(
        &self,
        step: usize,
        first_transfer: u64,
        message: &[u8],
        zeros: &mut [Block],
        counter: &Counter,
    ) -> Result<()> {
        let (transfers, first) = (zeros.len(), self.positions.block(first_transfer, zeros.len())?);
        if message.len() != message_bytes(transfers) {
            return Err(BackendError::protocol(step, "the oblivious-transfer message has another length"));
        }
        let chunks = zeros.par_chunks_mut(TILE * ROWS).zip(message.par_chunks(TILE * BLOCK_BYTES));
        chunks.enumerate().for_each_init(Tile::new, |tile, (chunk, (zeros, message))| {
            let (message, _) = message.as_chunks::<BLOCK_BYTES>();
            tile.rows(&self.voles, first + (chunk * TILE) as u64, zeros, |vole, sums| {
                let masks: [Block; DEPTH] =
                    std::array::from_fn(|bit| (self.delta >> (vole * DEPTH + bit) & 1).wrapping_neg());
                for (block, message) in message.iter().enumerate() {
                    let correction = message.as_chunks().0.get(vole).copied().map_or(0, Block::from_le_bytes);
                    for (column, mask) in sums.columns.iter_mut().zip(masks) {
                        column[block] ^= correction & mask;
                    }
                }
            });
        });
        counter.add(Work { extended_ots: transfers as u64, ..Work::default() });
        Ok(())
    }

    /// The zero labels of the `transfers` wires of a whole layer, from the receiver's message.
    ///
    /// # Errors
    /// A message of another length; more than 2^64 transfers in all.
    pub fn extend(&mut self, step: usize, transfers: usize, message: &[u8], counter: &Counter) -> Result<Buffer> {
        let first = self.reserve(transfers as u64)?;
        let mut zeros = Buffer::secret_blocks(transfers);
        self.extend_into(step, first, message, zeros.blocks_mut(), counter)?;
        Ok(zeros)
    }
}
