//! The hash of garbling: tweakable circular correlation robust, two calls of AES under a key of the layer.
//!
//! `H(x, i) = π(π(x) ⊕ i) ⊕ π(x)` (Guo, Katz, Wang, Yu, IEEE S&P 2020, §7.4), every tweak used once per correlation Δ.
//! π is AES under a key of its own for every layer of every inference, derived from the layer's public seed.
//!
//! With π an ideal permutation, an adversary that computes AES p times and sees c hashes that depend on Δ finds Δ with
//! probability about p·c/2^127: 127 bits of Δ are unknown, as its lowest bit is the colour of labels. The bound is tight, and c
//! counts what is hashed under *one* π. Under one fixed key for all, that would be every inference in the world; here it is
//! one layer, since what is computed for one key says nothing of another. An evaluator sees two hashes of an AND gate that it
//! cannot compute itself, and a ReLU of 32 bits has 85 AND gates, so that finding Δ takes about 2^127/c calls of AES:
//!
//! | network | ReLUs of its largest layer | c | AES calls |
//! |---|---|---|---|
//! | HRN-5x5x3x, 32×32 | 25,600 | 2^22.1 | 2^104.9 |
//! | ResNet-18, 64×64 | 262,144 | 2^25.4 | 2^101.6 |

use crate::random::Seed;
use crate::simd::{AesKey, Engine, Path};
use aes::Aes128;
use aes::cipher::BlockCipherEncrypt;
use hybrid_array::{Array, sizes::U16};

/// Separates the permutation's key from everything else that comes from the same seed.
pub(super) const PURPOSE: &str = "pisim garbling permutation of one layer";

/// A wire label, or one half of a garbled gate.
pub type Block = u128;

/// Encrypts blocks in place with the `aes` crate, which picks VAES, AES-NI or a portable implementation at run time.
pub fn encrypt_blocks(aes: &Aes128, blocks: &mut [Block]) {
    let blocks: &mut [Array<u8, U16>] = bytemuck::cast_slice_mut(blocks);
    aes.encrypt_blocks(blocks);
}

/// The hash's permutation for one layer: AES under a key that anyone can derive from the layer's public seed.
pub(super) fn permutation(path: Path, seed: &Seed) -> AesKey {
    let key = blake3::derive_key(PURPOSE, &seed.0);
    AesKey::for_path(path, &std::array::from_fn(|byte| key[byte]))
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

    #[test]
    fn layers_are_hashed_under_different_permutations() {
        let quads = [[7; 4], [8; 4]];
        let [first, second] =
            [1, 2].map(|seed| permutation(Path::Portable, &Seed::reproducible(seed)).run(Hash(quads, [[0; 4]; 2])));
        assert!(first.as_flattened().iter().zip(second.as_flattened()).all(|(first, second)| first != second));
    }

    proptest! {
        #[test]
        fn every_path_hashes_by_the_definition(blocks: [Block; 8], tweaks: [Block; 8], seed: u64) {
            let seed = Seed::reproducible(seed);
            let key = blake3::derive_key("pisim garbling permutation of one layer", &seed.0);
            let aes = Aes128::new_from_slice(&key[..16]).unwrap();
            let mut once = blocks;
            encrypt_blocks(&aes, &mut once);
            let mut twice: [Block; 8] = std::array::from_fn(|block| once[block] ^ tweaks[block]);
            encrypt_blocks(&aes, &mut twice);
            let expected: Vec<Block> = once.iter().zip(&twice).map(|(once, twice)| once ^ twice).collect();
            for path in Path::ALL {
                let quads = |blocks: &[Block; 8]| [*blocks.first_chunk().unwrap(), *blocks.last_chunk().unwrap()];
                let hashes = permutation(path, &seed).run(Hash(quads(&blocks), quads(&tweaks)));
                prop_assert_eq!(hashes.as_flattened(), &expected, "{:?}", path);
            }
        }
    }
}
