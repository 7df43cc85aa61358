//! Extension of oblivious transfers of chosen messages (IKNP in the form of Asharov, Lindell, Schneider, Zohner, CCS 2013,
//! protocol 4; semi-honest): what Delphi transfers the labels of garbled circuits with.
//!
//! The sender has 128 bits s, all secret but the lowest, which is 1: they are the choices of the base transfers. For column i the receiver knows two pseudorandom
//! streams and the sender that of s_i; the receiver sends their sum plus its choices c, and the sender's rows become
//! q = t ⊕ c·s of the receiver's rows t. H(q) and H(q ⊕ s) then mask the two messages of a transfer, and the receiver
//! knows the one mask H(t). Per transfer 16 bytes go to the sender and 32 bytes back.
//!
//! H is garbling's hash (`gc/hash.rs`) under a permutation of the session, each transfer under a tweak of its own; s is used for
//! nothing else. By the bound there, the 2^24.5 transfers of a ResNet-18 leave 2^102.5 calls of AES. Both ends work on any chunk of transfers at a time. What `ot` says about choices and sessions holds here
//! too.

use super::base::KeyPair;
use super::extension::{Positions, check_length};
use super::transpose::{Matrix, Transposer};
use crate::counter::Counter;
use crate::error::{BackendError, Result};
use crate::gc::{Block, LayerHash};
use crate::random::{BlockStream, Seed};
use pisim_protocol::{Work, wire};
use rayon::prelude::*;
use zeroize::{Zeroize, Zeroizing};

const BASE: usize = wire::BASE_OTS as usize;

/// Transfers in one block, and columns of the matrix.
const ROWS: usize = 128;

/// Blocks of 128 transfers that one thread works on at a time: their matrix (64 KiB) and masks stay in the second-level cache.
const TILE: usize = 32;

/// Bytes of the receiver's message for one block of transfers: a block of every column.
const BLOCK_BYTES: usize = BASE * size_of::<Block>();

/// Bytes of the sender's message for one transfer.
const PAIR_BYTES: usize = 2 * size_of::<Block>();

/// Bytes of the receiver's message for some transfers, in whole blocks of 128.
pub fn columns_bytes(transfers: usize) -> usize {
    transfers.div_ceil(ROWS) * BLOCK_BYTES
}

/// Bytes of the sender's message for some transfers.
pub fn payload_bytes(transfers: usize) -> usize {
    transfers * PAIR_BYTES
}

/// The rows of one tile, and the memory to compute them in; wiped when dropped.
struct Tile {
    column: Zeroizing<Vec<Block>>,
    matrix: Zeroizing<Vec<Matrix>>,
    rows: Zeroizing<Vec<Block>>,
    transposer: Transposer,
}

impl Tile {
    fn new() -> Self {
        Self {
            column: Zeroizing::new(vec![0; TILE]),
            matrix: Zeroizing::new(vec![[0; ROWS]; TILE]),
            rows: Zeroizing::new(vec![0; TILE * ROWS]),
            transposer: Transposer::fastest(),
        }
    }

    /// The rows of at most [`TILE`] blocks from block `first` on. `correct` changes the blocks of each column.
    fn rows<'a>(
        &mut self,
        streams: impl Iterator<Item = &'a BlockStream>,
        (first, blocks): (u64, usize),
        correct: impl Fn(usize, &mut [Block]),
    ) -> &mut [Block] {
        let Self { column, matrix, rows, transposer } = self;
        let column = &mut column[..blocks];
        for (number, stream) in streams.enumerate() {
            stream.fill(first, column);
            correct(number, column);
            for (matrix, block) in matrix.iter_mut().zip(column.iter()) {
                matrix[number] = *block;
            }
        }
        for (matrix, rows) in matrix.iter().take(blocks).zip(rows.as_chunks_mut().0) {
            transposer.transpose(matrix, rows);
        }
        &mut rows[..blocks * ROWS]
    }
}

/// The receiver: knows both keys of every base transfer, and gets one message of every pair.
pub struct ChosenReceiver {
    streams: Vec<[BlockStream; 2]>,
    hash: LayerHash,
    positions: Positions,
}

impl ChosenReceiver {
    /// A receiver from the 128 base transfers that it sent. `session` is a public seed that no other session has.
    ///
    /// # Errors
    /// Another number of base transfers.
    pub fn new(keys: &[KeyPair], session: &Seed) -> Result<Self> {
        check_length("the base transfers' keys", keys.len(), BASE)?;
        let streams = keys.iter().map(|keys| [BlockStream::new(&keys.zero), BlockStream::new(&keys.one)]);
        Ok(Self { streams: streams.collect(), hash: LayerHash::new(session), positions: Positions::default() })
    }

    /// The number of the first of `transfers` new transfers. Both ends must reserve the same numbers in the same order.
    ///
    /// # Errors
    /// More than 2^64 transfers in all.
    pub fn reserve(&mut self, transfers: u64) -> Result<u64> {
        self.positions.reserve(transfers)
    }

    /// Writes the message of [`columns_bytes`] that chooses in one chunk of reserved transfers: in blocks of 128, a block of
    /// every column.
    ///
    /// `first_transfer` is a multiple of 128, and so is the length of every chunk but the last of a reservation. `choices` are
    /// packed as [`pack_choices`](super::pack_choices) does. Choosing in the same transfers again would tell the sender the
    /// difference between both choices: after a failure, reserve new ones.
    ///
    /// # Errors
    /// Transfers that were not reserved, or lengths that do not belong together; nothing is written then.
    pub fn choose_into(
        &self,
        first_transfer: u64,
        transfers: usize,
        choices: &[Block],
        message: &mut [u8],
        counter: &Counter,
    ) -> Result<()> {
        let first = self.positions.block(first_transfer, transfers)?;
        check_length("the packed choices", choices.len(), transfers.div_ceil(ROWS))?;
        check_length("the message's bytes", message.len(), columns_bytes(transfers))?;
        let tiles = message.par_chunks_mut(TILE * BLOCK_BYTES).zip(choices.par_chunks(TILE));
        tiles.enumerate().for_each_init(
            || Zeroizing::new([[0; TILE]; 2]),
            |columns, (tile, (message, choices))| {
                let [zero, one] = &mut **columns;
                let first = first + (tile * TILE) as u64;
                let (message, _) = message.as_chunks_mut::<BLOCK_BYTES>();
                for (column, [zeros, ones]) in self.streams.iter().enumerate() {
                    zeros.fill(first, &mut zero[..choices.len()]);
                    ones.fill(first, &mut one[..choices.len()]);
                    for (((message, zero), one), choice) in message.iter_mut().zip(&*zero).zip(&*one).zip(choices) {
                        if let Some(place) = message.as_chunks_mut().0.get_mut(column) {
                            *place = (zero ^ one ^ choice).to_le_bytes();
                        }
                    }
                }
            },
        );
        counter.add(Work { extended_ots: transfers as u64, ..Work::default() });
        Ok(())
    }

    /// Opens the chosen messages of one chunk of transfers with the sender's message for them, of [`payload_bytes`].
    ///
    /// # Errors
    /// As [`ChosenReceiver::choose_into`]; a message of another length.
    pub fn open_into(
        &self,
        step: usize,
        first_transfer: u64,
        choices: &[Block],
        message: &[u8],
        labels: &mut [Block],
        counter: &Counter,
    ) -> Result<()> {
        let first = self.positions.block(first_transfer, labels.len())?;
        check_length("the packed choices", choices.len(), labels.len().div_ceil(ROWS))?;
        if message.len() != payload_bytes(labels.len()) {
            return Err(BackendError::protocol(step, "the oblivious-transfer payload has another length"));
        }
        let tiles = labels.par_chunks_mut(TILE * ROWS).zip(message.par_chunks(TILE * ROWS * PAIR_BYTES));
        tiles.zip(choices.par_chunks(TILE)).enumerate().for_each_init(
            Tile::new,
            |memory, (tile, ((labels, message), choices))| {
                let start = first + (tile * TILE) as u64;
                let zeros = self.streams.iter().map(|[zero, _]| zero);
                let rows = memory.rows(zeros, (start, choices.len()), |_, _| {});
                let rows = &mut rows[..labels.len()];
                self.hash.hash(rows, |row| tweak(start, row));
                let (pairs, _) = message.as_chunks::<PAIR_BYTES>();
                for (transfer, ((label, mask), pair)) in labels.iter_mut().zip(rows).zip(pairs).enumerate() {
                    let choice = choices.get(transfer / ROWS).map_or(0, |choices| choices >> (transfer % ROWS) & 1);
                    let [zero, one] = blocks(pair);
                    *label = *mask ^ zero ^ (choice.wrapping_neg() & (zero ^ one));
                }
            },
        );
        counter.add(Work { hash_calls: labels.len() as u64, ..Work::default() });
        Ok(())
    }
}

/// Both messages of a pair on the wire.
fn blocks(pair: &[u8; PAIR_BYTES]) -> [Block; 2] {
    let mut blocks = pair.as_chunks().0.iter().map(|block| Block::from_le_bytes(*block));
    [blocks.next().unwrap_or_default(), blocks.next().unwrap_or_default()]
}

/// The tweak of a transfer, counted from block `first`.
fn tweak(first: u64, row: usize) -> Block {
    Block::from(first) * ROWS as Block + row as Block
}

/// The sender of pairs of labels.
pub struct ChosenSender {
    streams: Vec<BlockStream>,
    secret: Block,
    hash: LayerHash,
    positions: Positions,
}

impl Drop for ChosenSender {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

impl ChosenSender {
    /// A sender from the 128 base transfers that it received with the bits of `secret`, lowest first; `session` is the receiver's.
    ///
    /// # Errors
    /// Another number of base transfers.
    pub fn new(keys: &[Seed], secret: Block, session: &Seed) -> Result<Self> {
        check_length("the base transfers' keys", keys.len(), BASE)?;
        let streams = keys.iter().map(BlockStream::new).collect();
        Ok(Self { streams, secret, hash: LayerHash::new(session), positions: Positions::default() })
    }

    /// The number of the first of `transfers` new transfers. Both ends must reserve the same numbers in the same order.
    ///
    /// # Errors
    /// More than 2^64 transfers in all.
    pub fn reserve(&mut self, transfers: u64) -> Result<u64> {
        self.positions.reserve(transfers)
    }

    /// Writes the message of [`payload_bytes`] that transfers one of `zero` and `zero ⊕ delta` for every zero label of one
    /// chunk, masked under the receiver's message for them. Chunks are as in [`ChosenReceiver::choose_into`], and need not be the
    /// receiver's.
    ///
    /// # Errors
    /// Transfers that were not reserved, or a payload of another length; a message of another length.
    pub fn send_into(
        &self,
        (step, first_transfer): (usize, u64),
        columns: &[u8],
        (zeros, delta): (&[Block], Block),
        payload: &mut [u8],
        counter: &Counter,
    ) -> Result<()> {
        let (transfers, first) = (zeros.len(), self.positions.block(first_transfer, zeros.len())?);
        check_length("the payload's bytes", payload.len(), payload_bytes(transfers))?;
        if columns.len() != columns_bytes(transfers) {
            return Err(BackendError::protocol(step, "the oblivious-transfer columns have another length"));
        }
        let tiles = payload.par_chunks_mut(TILE * ROWS * PAIR_BYTES).zip(columns.par_chunks(TILE * BLOCK_BYTES));
        tiles.zip(zeros.par_chunks(TILE * ROWS)).enumerate().for_each_init(
            || (Tile::new(), Zeroizing::new(vec![0; 2 * TILE * ROWS])),
            |(memory, masks), (tile, ((payload, columns), zeros))| {
                let start = first + (tile * TILE) as u64;
                let masks = &mut masks[..2 * zeros.len()];
                for (pair, row) in masks.as_chunks_mut().0.iter_mut().zip(self.rows(memory, start, columns)) {
                    *pair = [*row, *row ^ self.secret];
                }
                self.hash.hash(masks, |block| tweak(start, block / 2));
                let places = payload.as_chunks_mut::<PAIR_BYTES>().0.iter_mut();
                for ((place, [zero_mask, one_mask]), zero) in places.zip(masks.as_chunks::<2>().0).zip(zeros) {
                    let pair = [zero_mask ^ zero, one_mask ^ zero ^ delta];
                    *place = bytemuck::cast(pair.map(Block::to_le));
                }
            },
        );
        counter.add(Work { extended_ots: transfers as u64, hash_calls: 2 * transfers as u64, ..Work::default() });
        Ok(())
    }

    /// The sender's rows q of one tile.
    fn rows<'a>(&self, memory: &'a mut Tile, first: u64, columns: &[u8]) -> &'a [Block] {
        let (columns, _) = columns.as_chunks::<BLOCK_BYTES>();
        memory.rows(self.streams.iter(), (first, columns.len()), |number, blocks| {
            let chosen = (self.secret >> number & 1).wrapping_neg();
            for (block, columns) in blocks.iter_mut().zip(columns) {
                let sum = columns.as_chunks().0.get(number).copied().map_or(0, Block::from_le_bytes);
                *block ^= sum & chosen;
            }
        })
    }
}
