//! Zero labels from a seed: the garbler stores 32 bytes and finds any label again by its number.

use super::hash::{Block, encrypt_blocks};
use crate::counter::Counter;
use crate::random::Seed;
use aes::Aes128;
use aes::cipher::KeyInit;
use pisim_protocol::Work;

/// Labels as the output of AES in counter mode.
pub struct LabelSource {
    aes: Aes128,
}

impl LabelSource {
    /// The labels of one seed.
    pub fn new(seed: &Seed) -> Self {
        let (key, _) = seed.0.split_at(16);
        let key: [u8; 16] = key.try_into().unwrap_or_default();
        Self { aes: Aes128::new(&key.into()) }
    }

    /// Writes the labels numbered from `first`.
    pub fn fill(&self, first: u64, labels: &mut [Block], counter: &Counter) {
        for (position, label) in labels.iter_mut().enumerate() {
            *label = Block::from(first) + position as Block;
        }
        encrypt_blocks(&self.aes, labels);
        counter.add(Work { labels: labels.len() as u64, ..Work::default() });
    }
}
