//! Seeds and what is expanded from them. Every secret of a party comes from one seed, so that a run can be repeated.

use crate::error::{BackendError, Result};
use crate::gc::Block;
use crate::simd::{AesKey, encrypt_counters};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// 256 bits from which pseudorandom values are expanded. Compared in constant time, wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Seed(pub(crate) [u8; 32]);

impl PartialEq for Seed {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Seed {}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(..)")
    }
}

impl Seed {
    /// A fresh seed from the operating system's generator.
    pub fn from_system() -> Result<Self> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| BackendError::Randomness(error.to_string()))?;
        Ok(Self(bytes))
    }

    /// A seed that was stored.
    ///
    /// # Errors
    /// Another number of bytes than a seed's.
    pub(crate) fn from_slice(bytes: &[u8]) -> Result<Self> {
        let wrong = |_| BackendError::program(format!("a stored seed has {} bytes", bytes.len()));
        Ok(Self(bytes.try_into().map_err(wrong)?))
    }

    /// A seed from a number: for tests and reproducible runs only, since anyone can guess it.
    pub fn reproducible(number: u64) -> Self {
        Self(blake3::derive_key("pisim reproducible seed, not secret", &number.to_le_bytes()))
    }

    /// An independent seed for one purpose and position.
    pub fn derive(&self, purpose: &str, index: u64) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(purpose.as_bytes()).update(&index.to_le_bytes());
        Self(*hasher.finalize().as_bytes())
    }

    /// The generator of this seed.
    pub fn rng(&self) -> ChaCha20Rng {
        ChaCha20Rng::from_seed(self.0)
    }

    /// `count` uniform elements of Z_2^bits.
    pub fn ring_elements(&self, count: usize, bits: u32) -> Vec<u64> {
        let mut rng = self.rng();
        let mask = ring_mask(bits);
        (0..count).map(|_| rng.next_u64() & mask).collect()
    }
}

/// Pseudorandom blocks that are found again by their number: AES-128 in counter mode, keyed from a seed.
pub struct BlockStream {
    key: AesKey,
}

impl BlockStream {
    /// The blocks of one seed.
    pub fn new(seed: &Seed) -> Self {
        let key = Zeroizing::new(blake3::derive_key("pisim block stream", &seed.0));
        let half = Zeroizing::new(std::array::from_fn(|byte| key[byte]));
        Self { key: AesKey::new(&half) }
    }

    /// Writes the blocks numbered from `first`.
    pub fn fill(&self, first: u64, blocks: &mut [Block]) {
        encrypt_counters(&self.key, first, blocks);
    }

    /// The key: block i is the encryption of i.
    pub(crate) fn key(&self) -> &AesKey {
        &self.key
    }
}

/// The largest element of Z_2^bits.
pub fn ring_mask(bits: u32) -> u64 {
    u64::MAX >> (64 - bits.clamp(1, 64))
}
