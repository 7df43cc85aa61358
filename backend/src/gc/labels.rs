//! Zero labels from a seed: the garbler stores 32 bytes and finds any label again by its number.

use super::hash::Block;
use crate::counter::Counter;
use crate::random::{BlockStream, Seed};
use pisim_protocol::Work;

/// The labels of one layer.
pub struct LabelSource(BlockStream);

impl LabelSource {
    /// The labels of one seed.
    pub fn new(seed: &Seed) -> Self {
        Self(BlockStream::new(seed))
    }

    /// Writes the labels numbered from `first`.
    pub fn fill(&self, first: u64, labels: &mut [Block], counter: &Counter) {
        self.0.fill(first, labels);
        counter.add(Work { labels: labels.len() as u64, ..Work::default() });
    }
}
