//! The hash of garbling: tweakable circular correlation robust, two calls of fixed-key AES.
//!
//! `H(x, i) = π(π(x) ⊕ i) ⊕ π(x)` (Guo, Katz, Wang, Yu, IEEE S&P 2020, §7.4), every tweak used once per correlation Δ.
//! Its security is that of many instances: with π an ideal permutation, an adversary that computes AES p times and sees c
//! hashed values finds Δ with probability about p·c/2^128, and the bound is tight. A full-size HybReNet hashes 2^26 values
//! under one Δ that it does not know, so finding Δ takes about 2^102 calls of AES, not 2^128.

use crate::simd::{AesKey, Engine, Path};
use aes::Aes128;
use aes::cipher::BlockCipherEncrypt;
use hybrid_array::{Array, sizes::U16};

/// A wire label, or one half of a garbled gate.
pub type Block = u128;

/// Encrypts blocks in place with the `aes` crate, which picks VAES, AES-NI or a portable implementation at run time.
pub fn encrypt_blocks(aes: &Aes128, blocks: &mut [Block]) {
    let blocks: &mut [Array<u8, U16>] = bytemuck::cast_slice_mut(blocks);
    aes.encrypt_blocks(blocks);
}

/// The hash's permutation: AES under a fixed, public key with nothing up its sleeve, the hash of its purpose.
pub(super) fn permutation(path: Path) -> AesKey {
    let key = blake3::hash(b"pisim garbling permutation");
    AesKey::for_path(path, key.as_bytes().first_chunk().unwrap_or(&[0; 16]))
}

/// H of `4·N` blocks, each under its tweak; `engine` has the key of [`permutation`].
#[inline(always)]
pub(super) fn hash<E: Engine, const N: usize>(
    engine: E,
    mut blocks: [E::Vector; N],
    tweaks: &[E::Vector; N],
) -> [E::Vector; N] {
    engine.encrypt(&mut blocks);
    let first = blocks;
    for (block, tweak) in blocks.iter_mut().zip(tweaks) {
        *block = engine.xor(*block, *tweak);
    }
    engine.encrypt(&mut blocks);
    for (block, first) in blocks.iter_mut().zip(first) {
        *block = engine.xor(*block, first);
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Job, Quad};
    use aes::cipher::KeyInit;
    use proptest::prelude::*;

    struct Hash([Quad; 2], [Quad; 2]);

    impl Job for Hash {
        type Output = [Quad; 2];

        #[inline(always)]
        fn run<E: Engine>(self, engine: E) -> [Quad; 2] {
            let tweaks = [engine.load(&self.1[0]), engine.load(&self.1[1])];
            let hashes = hash(engine, [engine.load(&self.0[0]), engine.load(&self.0[1])], &tweaks);
            let mut quads = self.0;
            for (quad, hash) in quads.iter_mut().zip(hashes) {
                engine.store(hash, quad);
            }
            quads
        }
    }

    proptest! {
        #[test]
        fn every_path_hashes_by_the_definition(blocks: [Block; 8], tweaks: [Block; 8]) {
            let key = blake3::hash(b"pisim garbling permutation");
            let aes = Aes128::new_from_slice(&key.as_bytes()[..16]).unwrap();
            let mut once = blocks;
            encrypt_blocks(&aes, &mut once);
            let mut twice: [Block; 8] = std::array::from_fn(|block| once[block] ^ tweaks[block]);
            encrypt_blocks(&aes, &mut twice);
            let expected: Vec<Block> = once.iter().zip(&twice).map(|(once, twice)| once ^ twice).collect();
            for path in Path::ALL {
                let quads = |blocks: &[Block; 8]| [*blocks.first_chunk().unwrap(), *blocks.last_chunk().unwrap()];
                let hashes = permutation(path).run(Hash(quads(&blocks), quads(&tweaks)));
                prop_assert_eq!(hashes.as_flattened(), &expected, "{:?}", path);
            }
        }
    }
}
