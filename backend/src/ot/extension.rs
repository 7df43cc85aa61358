//! Extension of oblivious transfers (Ishai, Kilian, Nissim, Petrank, CRYPTO 2003), as correlated transfers.
//!
//! The correlation is garbling's Δ: the sender's row is the zero label of a wire and the receiver's row is the label of its
//! choice bit, so that no label crosses the wire a second time.

use super::base::KeyPair;
use super::transpose::transpose;
use crate::counter::Counter;
use crate::error::{BackendError, Result};
use crate::gc::Block;
use crate::random::Seed;
use pisim_protocol::{Work, wire};
use rand_chacha::ChaCha20Rng;
use rand_core::Rng;

const COLUMNS: usize = wire::BASE_OTS as usize;

/// The receiver: knows both keys of every base transfer, chooses with its share bits.
pub struct ExtensionReceiver {
    columns: Vec<(ChaCha20Rng, ChaCha20Rng)>,
}

impl ExtensionReceiver {
    /// A receiver from the base transfers that it sent.
    pub fn new(keys: &[KeyPair]) -> Self {
        Self { columns: keys.iter().map(|pair| (pair.zero.rng(), pair.one.rng())).collect() }
    }

    /// The labels of `choices` and the message that makes the sender's labels agree with them.
    pub fn extend(&mut self, choices: &[bool], counter: &Counter) -> (Vec<Block>, Vec<u8>) {
        let packed = pack(choices);
        let mut message = Vec::with_capacity(packed.len() * 16 * COLUMNS);
        let mut matrix = vec![0; packed.len() * COLUMNS];
        for (column, (zero, one)) in self.columns.iter_mut().enumerate() {
            for (block, choice) in packed.iter().enumerate() {
                let mine = next_block(zero);
                matrix[block * COLUMNS + column] = mine;
                message.extend_from_slice(&(mine ^ next_block(one) ^ choice).to_le_bytes());
            }
        }
        counter.add(Work { extended_ots: choices.len() as u64, ..Work::default() });
        (rows(matrix, choices.len()), message)
    }
}

/// The sender: its base choices are the bits of Δ.
pub struct ExtensionSender {
    columns: Vec<ChaCha20Rng>,
    delta: Block,
}

impl ExtensionSender {
    /// A sender from the base transfers that it received with the bits of `delta`, lowest first.
    pub fn new(keys: &[Seed], delta: Block) -> Self {
        Self { columns: keys.iter().map(Seed::rng).collect(), delta }
    }

    /// The zero labels of `transfers` wires, from the receiver's message.
    ///
    /// # Errors
    /// A message of another length.
    pub fn extend(&mut self, step: usize, transfers: usize, message: &[u8], counter: &Counter) -> Result<Vec<Block>> {
        let blocks = transfers.div_ceil(COLUMNS);
        if message.len() != blocks * 16 * COLUMNS {
            return Err(BackendError::protocol(step, "the oblivious-transfer message has another length"));
        }
        let mut matrix = vec![0; blocks * COLUMNS];
        let mut received = message.as_chunks::<16>().0.iter();
        for (column, rng) in self.columns.iter_mut().enumerate() {
            let chosen = (self.delta >> column & 1).wrapping_neg();
            for (block, correction) in received.by_ref().take(blocks).enumerate() {
                matrix[block * COLUMNS + column] = next_block(rng) ^ (Block::from_le_bytes(*correction) & chosen);
            }
        }
        counter.add(Work { extended_ots: transfers as u64, ..Work::default() });
        Ok(rows(matrix, transfers))
    }
}

fn next_block(rng: &mut ChaCha20Rng) -> Block {
    Block::from(rng.next_u64()) | Block::from(rng.next_u64()) << 64
}

fn pack(choices: &[bool]) -> Vec<Block> {
    let block = |bits: &[bool]| bits.iter().enumerate().map(|(i, bit)| Block::from(*bit) << i).sum();
    choices.chunks(COLUMNS).map(block).collect()
}

/// Turns blocks of 128 columns into rows, and drops the padding rows.
fn rows(mut matrix: Vec<Block>, count: usize) -> Vec<Block> {
    for block in matrix.as_chunks_mut::<COLUMNS>().0 {
        transpose(block);
    }
    matrix.truncate(count);
    matrix
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
                prop_assert_eq!(message.len() as u64, wire::ot_columns_bytes(choices.len() as u64));
                let zeros = sender.extend(0, choices.len(), &message, &other).unwrap();
                prop_assert_eq!(counter.take().extended_ots, choices.len() as u64);
                prop_assert_eq!(other.take().extended_ots, choices.len() as u64);
                prop_assert_eq!(labels.len(), choices.len());
                for ((label, zero), choice) in labels.iter().zip(&zeros).zip(&choices) {
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
