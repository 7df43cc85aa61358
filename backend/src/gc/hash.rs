//! The hash of garbling: tweakable circular correlation robust, two calls of fixed-key AES.
//!
//! `H(x, i) = π(π(x) ⊕ i) ⊕ π(x)` (Guo, Katz, Wang, Yu, IEEE S&P 2020, §7.4), every tweak used once per correlation Δ.
//! Its security is that of many instances: with π an ideal permutation, an adversary that computes AES p times and sees c
//! hashed values finds Δ with probability about p·c/2^128, and the bound is tight. A full-size HybReNet hashes 2^26 values
//! under one Δ that it does not know, so finding Δ takes about 2^102 calls of AES, not 2^128.

use super::lanes::{halves, halves_mut};
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
    /// Replaces every block x by H(x, tweak): `tweaks` has one even tweak per lane; of the groups of lanes that `blocks`
    /// holds, the first `even_groups` use it as it is and the others with its lowest bit set.
    #[inline(always)]
    pub fn hash(&mut self, blocks: &mut [Block], tweaks: &[Block], even_groups: usize) {
        encrypt_blocks(&self.aes, blocks);
        self.scratch.clear();
        self.scratch.extend_from_slice(blocks);
        for (group, lanes) in blocks.chunks_exact_mut(tweaks.len()).enumerate() {
            let half = Block::from(group >= even_groups);
            for (block, tweak) in lanes.iter_mut().zip(tweaks) {
                *block ^= tweak | half;
            }
        }
        encrypt_blocks(&self.aes, blocks);
        for (block, first) in halves_mut(blocks).iter_mut().zip(halves(&self.scratch)) {
            *block ^= *first;
        }
        self.calls += blocks.len() as u64;
    }

    /// Adds the calls so far to a counter.
    pub fn count(&mut self, counter: &Counter) {
        counter.add(Work { hash_calls: std::mem::take(&mut self.calls), ..Work::default() });
    }
}
