//! Input labels from seeds: who garbles stores 32 bytes and finds any zero label again by its number, and the labels of inputs
//! that are known when garbling are never sent at all.

use super::hash::{Block, LayerHash, key, permutation};
use crate::counter::Counter;
use crate::random::{BlockStream, Seed};
use crate::simd::{AesKey, Path};
use pisim_protocol::Work;

/// The active labels of the garbler's offline inputs, which both parties expand from one public seed. The key of the layer's
/// hash comes from the same seed.
///
/// Usually the garbler draws a zero label W and sends the active label W ⊕ b·Δ of its bit b. Where b is known when
/// garbling, it may as well draw the active label and set the zero label to it ⊕ b·Δ: in both orders the pair (W, W ⊕ Δ) is
/// uniform and the active label is uniform and independent of b and Δ, so the evaluator's view does not change, and what
/// is drawn without knowing b or Δ can be drawn from a seed that the evaluator sees. That the seed is public harms
/// nothing: the evaluator sees active labels anyway, and the hash of garbling is secure for labels that the adversary
/// chooses, as long as Δ is secret and no tweak repeats (`gc/hash.rs`). The colour of a label comes from the seed
/// too and says nothing of b.
pub struct OfflineLabels {
    seed: Seed,
    stream: BlockStream,
    hash: Seed,
}

impl OfflineLabels {
    /// Bytes of the seed on the wire.
    pub const SEED_BYTES: usize = pisim_protocol::wire::SEED_BYTES as usize;

    /// The labels of one layer, from the seed that its garbler sent.
    pub fn new(seed: [u8; Self::SEED_BYTES]) -> Self {
        let seed = Seed(seed);
        Self { stream: BlockStream::new(&seed), hash: seed.clone(), seed }
    }

    /// Labels that are sent themselves, as Delphi does, instead of their seed. The key of the layer's hash comes from the
    /// first two, which both parties have.
    pub(super) fn sent(seed: Seed) -> Self {
        let stream = BlockStream::new(&seed);
        let mut first = [0; 2];
        stream.fill(0, &mut first);
        Self { hash: Self::received_hash(&first), stream, seed }
    }

    /// What an evaluator that has such labels, of which these are the first two of the layer, needs besides them.
    pub(super) fn received(first: &[Block; 2]) -> Self {
        let seed = Self::received_hash(first);
        Self { stream: BlockStream::new(&seed), hash: seed.clone(), seed }
    }

    fn received_hash(first: &[Block; 2]) -> Seed {
        Seed(blake3::derive_key(
            "pisim garbling permutation of a layer whose labels are sent",
            bytemuck::bytes_of(first),
        ))
    }

    /// The seed that goes over the wire, before the tables.
    pub fn seed(&self) -> &[u8; Self::SEED_BYTES] {
        &self.seed.0
    }

    /// The key of the AES that hashes this layer: as public as the seed. Hardware that garbles is given its round keys.
    pub fn hash_key(&self) -> [u8; 16] {
        key(&self.hash)
    }

    /// The permutation under which this layer is hashed.
    pub(super) fn permutation(&self, path: Path) -> AesKey {
        permutation(path, &self.hash)
    }

    /// The layer's hash for blocks that do not come in lanes.
    pub(super) fn hash(&self) -> LayerHash {
        LayerHash::new(&self.hash)
    }

    /// The labels, numbered `[instance][input]` through the layer.
    pub(super) fn stream(&self) -> &BlockStream {
        &self.stream
    }
}

/// The labels of the garbler's own inputs of one layer.
pub struct LabelSource {
    online: BlockStream,
    offline: OfflineLabels,
}

impl LabelSource {
    /// The labels of one secret seed.
    pub fn new(seed: &Seed) -> Self {
        // A derived seed that is shown to the evaluator says nothing of the seed or of others derived from it.
        Self {
            online: BlockStream::new(&seed.derive("online labels", 0)),
            offline: OfflineLabels::new(seed.derive("public seed of offline labels", 0).0),
        }
    }

    /// The labels of one secret seed, of which the offline ones are sent themselves.
    pub(super) fn sending(seed: &Seed) -> Self {
        Self { offline: OfflineLabels::sent(seed.derive("offline labels", 0)), ..Self::new(seed) }
    }

    /// Writes the zero labels of the online inputs numbered from `first`, in the order `[instance][input]`.
    pub fn fill(&self, first: u64, labels: &mut [Block], counter: &Counter) {
        self.online.fill(first, labels);
        counter.add(Work { labels: labels.len() as u64, ..Work::default() });
    }

    /// As [`LabelSource::fill`] for labels that were counted when they were drawn before.
    pub(super) fn online_into(&self, first: u64, labels: &mut [Block]) {
        self.online.fill(first, labels);
    }

    /// The zero labels of the online inputs.
    pub(super) fn online(&self) -> &BlockStream {
        &self.online
    }

    /// The active labels of the offline inputs.
    pub fn offline(&self) -> &OfflineLabels {
        &self.offline
    }
}
