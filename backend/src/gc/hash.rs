//! The hash of garbling: tweakable circular correlation robust, two calls of fixed-key AES.
//!
//! `H(x, i) = π(π(x) ⊕ i) ⊕ π(x)` (Guo, Katz, Wang, Yu, IEEE S&P 2020, §7.4). With π an ideal permutation and every tweak
//! used once per correlation Δ, an adversary with p queries to π and c hashed values gains at most about (p·c + c²)/2^128:
//! 2^-40 for 2^40 hashes and 2^47 offline calls of AES.

use crate::counter::Counter;
use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use hybrid_array::{Array, sizes::U16};
use pisim_protocol::Work;

/// A wire label, or one half of a garbled gate.
pub type Block = u128;

/// Encrypts blocks in place; `aes` picks VAES, AES-NI or a portable implementation at run time.
pub fn encrypt_blocks(aes: &Aes128, blocks: &mut [Block]) {
    let blocks: &mut [Array<u8, U16>] = bytemuck::cast_slice_mut(blocks);
    aes.encrypt_blocks(blocks);
}

/// The hash with its fixed permutation and a scratch buffer.
pub struct Hasher {
    aes: Aes128,
    scratch: Vec<Block>,
    calls: u64,
}

impl Default for Hasher {
    fn default() -> Self {
        // A fixed, public key with nothing up its sleeve: the hash of its purpose.
        let key = blake3::hash(b"pisim garbling permutation");
        let (key, _) = key.as_bytes().split_at(16);
        let key: [u8; 16] = key.try_into().unwrap_or_default();
        Self { aes: Aes128::new(&key.into()), scratch: Vec::new(), calls: 0 }
    }
}

impl Hasher {
    /// Replaces every block x by H(x, tweak(position)).
    pub fn hash(&mut self, blocks: &mut [Block], tweak: impl Fn(usize) -> Block) {
        encrypt_blocks(&self.aes, blocks);
        self.scratch.clear();
        self.scratch.extend_from_slice(blocks);
        for (position, block) in blocks.iter_mut().enumerate() {
            *block ^= tweak(position);
        }
        encrypt_blocks(&self.aes, blocks);
        for (block, first) in blocks.iter_mut().zip(&self.scratch) {
            *block ^= *first;
        }
        self.calls += blocks.len() as u64;
    }

    /// Adds the calls so far to a counter.
    pub fn count(&mut self, counter: &Counter) {
        counter.add(Work { hash_calls: std::mem::take(&mut self.calls), ..Work::default() });
    }
}
