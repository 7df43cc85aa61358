//! Extension of oblivious transfers (Ishai, Kilian, Nissim, Petrank, CRYPTO 2003), as correlated transfers.
//!
//! The correlation is garbling's Δ: the sender's row is the zero label of a wire and the receiver's row is the label of its
//! choice bit, so that no label crosses the wire a second time.

use super::base::KeyPair;
use super::transpose::transpose;
use crate::buffer::Buffer;
use crate::counter::Counter;
use crate::error::{BackendError, Result};
use crate::gc::Block;
use crate::random::{BlockStream, Seed};
use pisim_protocol::{Work, wire};
use rayon::prelude::*;
use zeroize::Zeroize;

const COLUMNS: usize = wire::BASE_OTS as usize;

/// Blocks of 128 transfers that are extended together: their matrix of 128 KiB stays in the second-level cache.
const CHUNK: usize = 64;

/// The receiver: knows both keys of every base transfer, chooses with its share bits.
pub struct ExtensionReceiver {
    columns: Vec<(BlockStream, BlockStream)>,
    /// Blocks of every stream that earlier extensions used.
    used: u64,
}

impl ExtensionReceiver {
    /// A receiver from the base transfers that it sent.
    pub fn new(keys: &[KeyPair]) -> Self {
        let streams = |pair: &KeyPair| (BlockStream::new(&pair.zero), BlockStream::new(&pair.one));
        Self { columns: keys.iter().map(streams).collect(), used: 0 }
    }

    /// The labels of `choices`, and the message that makes the sender's labels agree with them: in chunks of at most
    /// 64·128 transfers, each chunk column by column.
    pub fn extend(&mut self, choices: &[bool], counter: &Counter) -> (Buffer, Buffer) {
        let packed = pack(choices);
        let mut labels = Buffer::of_blocks(packed.len() * COLUMNS);
        let mut message = Buffer::of_blocks(packed.len() * COLUMNS);
        let messages = message.blocks_mut().par_chunks_mut(CHUNK * COLUMNS);
        let chunks = labels.blocks_mut().par_chunks_mut(CHUNK * COLUMNS).zip(messages);
        chunks.zip(packed.par_chunks(CHUNK)).enumerate().for_each(|(chunk, ((labels, message), choices))| {
            let first = self.used + (chunk * CHUNK) as u64;
            let mut mine = vec![0; choices.len()];
            for ((column, (zero, one)), message) in
                self.columns.iter().enumerate().zip(message.chunks_exact_mut(choices.len()))
            {
                zero.fill(first, &mut mine);
                one.fill(first, message);
                for (block, ((mine, message), choice)) in mine.iter().zip(message).zip(choices).enumerate() {
                    labels[block * COLUMNS + column] = *mine;
                    *message = (*message ^ *mine ^ *choice).to_le();
                }
            }
            transpose_all(labels);
        });
        self.used += packed.len() as u64;
        labels.truncate_blocks(choices.len());
        counter.add(Work { extended_ots: choices.len() as u64, ..Work::default() });
        (labels, message)
    }
}

/// The sender: its base choices are the bits of Δ.
pub struct ExtensionSender {
    columns: Vec<BlockStream>,
    delta: Block,
    used: u64,
}

impl Drop for ExtensionSender {
    fn drop(&mut self) {
        self.delta.zeroize();
    }
}

impl ExtensionSender {
    /// A sender from the base transfers that it received with the bits of `delta`, lowest first.
    pub fn new(keys: &[Seed], delta: Block) -> Self {
        Self { columns: keys.iter().map(BlockStream::new).collect(), delta, used: 0 }
    }

    /// The zero labels of `transfers` wires, from the receiver's message.
    ///
    /// # Errors
    /// A message of another length.
    pub fn extend(&mut self, step: usize, transfers: usize, message: &[u8], counter: &Counter) -> Result<Buffer> {
        let blocks = transfers.div_ceil(COLUMNS);
        if message.len() != blocks * 16 * COLUMNS {
            return Err(BackendError::protocol(step, "the oblivious-transfer message has another length"));
        }
        let mut labels = Buffer::of_blocks(blocks * COLUMNS);
        let chunks = labels.blocks_mut().par_chunks_mut(CHUNK * COLUMNS).zip(message.par_chunks(CHUNK * COLUMNS * 16));
        chunks.enumerate().for_each(|(chunk, (labels, message))| {
            let first = self.used + (chunk * CHUNK) as u64;
            let mut mine = vec![0; labels.len() / COLUMNS];
            let corrections = message.as_chunks::<16>().0.chunks_exact(mine.len());
            for ((column, stream), corrections) in self.columns.iter().enumerate().zip(corrections) {
                stream.fill(first, &mut mine);
                let chosen = (self.delta >> column & 1).wrapping_neg();
                for (block, (mine, correction)) in mine.iter().zip(corrections).enumerate() {
                    labels[block * COLUMNS + column] = mine ^ (Block::from_le_bytes(*correction) & chosen);
                }
            }
            transpose_all(labels);
        });
        self.used += blocks as u64;
        labels.truncate_blocks(transfers);
        counter.add(Work { extended_ots: transfers as u64, ..Work::default() });
        Ok(labels)
    }
}

fn pack(choices: &[bool]) -> Vec<Block> {
    let block = |bits: &[bool]| bits.iter().enumerate().map(|(i, bit)| Block::from(*bit) << i).sum();
    choices.par_chunks(COLUMNS).map(block).collect()
}

/// Turns blocks of 128 columns into rows.
fn transpose_all(matrix: &mut [Block]) {
    for block in matrix.as_chunks_mut::<COLUMNS>().0 {
        transpose(block);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ot::{BaseReceiver, BaseSender};
    use proptest::prelude::*;

    fn pair(seed: u64, delta: Block) -> (ExtensionReceiver, ExtensionSender) {
        let (counter, seed) = (Counter::default(), Seed::reproducible(seed));
        let sender = BaseSender::new(&seed.derive("sender", 0));
        let choices: Vec<bool> = (0..COLUMNS).map(|bit| delta >> bit & 1 == 1).collect();
        let chosen = BaseReceiver::choose(0, &sender.offer(), &choices, &seed.derive("receiver", 0), &counter).unwrap();
        let keys = sender.finish(0, &chosen.message, &counter).unwrap();
        assert_eq!(counter.take().base_ots, 2 * COLUMNS as u64);
        (ExtensionReceiver::new(&keys), ExtensionSender::new(&chosen.keys, delta))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn every_transferred_label_is_the_zero_label_plus_choice_times_delta(
            seed: u64, delta: u128, batches in proptest::collection::vec(proptest::collection::vec(any::<bool>(), 0..300), 1..3),
        ) {
            let (mut receiver, mut sender) = pair(seed, delta);
            for choices in batches {
                let (counter, other) = (Counter::default(), Counter::default());
                let (labels, message) = receiver.extend(&choices, &counter);
                prop_assert_eq!(message.bytes().len() as u64, wire::ot_columns_bytes(choices.len() as u64));
                let zeros = sender.extend(0, choices.len(), message.bytes(), &other).unwrap();
                prop_assert_eq!(counter.take().extended_ots, choices.len() as u64);
                prop_assert_eq!(other.take().extended_ots, choices.len() as u64);
                prop_assert_eq!(labels.blocks().len(), choices.len());
                for ((label, zero), choice) in labels.blocks().iter().zip(zeros.blocks()).zip(&choices) {
                    prop_assert_eq!(*label, zero ^ (Block::from(*choice).wrapping_neg() & delta));
                }
            }
        }
    }

    #[test]
    fn bytes_that_are_no_group_element_are_a_protocol_error() {
        let (counter, seed) = (Counter::default(), Seed::reproducible(1));
        let sender = BaseSender::new(&seed);
        assert!(sender.finish(9, &[255; 32], &counter).is_err());
        assert!(BaseReceiver::choose(9, &[255; 32], &[true], &seed, &counter).is_err());
        assert!(BaseReceiver::choose(9, &[0; 3], &[true], &seed, &counter).is_err());
    }
}
