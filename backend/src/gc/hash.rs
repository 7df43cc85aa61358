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
//! | ResNet-18, 32×32, `delphi` | 65,536 | 2^25.3 | 2^101.7 |
//!
//! In Delphi's circuits, of 288 AND gates, one of the two hashes of each of 42 outputs counts as well: 618 in all.

use crate::random::Seed;
use crate::simd::{AesKey, Engine, Job, Path, Quad};
use aes::Aes128;
use aes::cipher::BlockCipherEncrypt;
use hybrid_array::{Array, sizes::U16};
use zeroize::Zeroize;

/// Separates the permutation's key from everything else that comes from the same seed.
pub(super) const PURPOSE: &str = "pisim garbling permutation of one layer";

/// A wire label, or one half of a garbled gate.
pub type Block = u128;

/// Encrypts blocks in place with the `aes` crate, which picks VAES, AES-NI or a portable implementation at run time.
pub fn encrypt_blocks(aes: &Aes128, blocks: &mut [Block]) {
    let blocks: &mut [Array<u8, U16>] = bytemuck::cast_slice_mut(blocks);
    aes.encrypt_blocks(blocks);
}

/// The key of one layer's permutation, which anyone can derive from the layer's public seed.
pub(super) fn key(seed: &Seed) -> [u8; 16] {
    let key = blake3::derive_key(PURPOSE, &seed.0);
    std::array::from_fn(|byte| key[byte])
}

/// The hash's permutation for one layer: AES under the layer's [`key`].
pub(super) fn permutation(path: Path, seed: &Seed) -> AesKey {
    AesKey::for_path(path, &key(seed))
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

/// H under the permutation of one public seed, for blocks that do not come in lanes.
pub(crate) struct LayerHash(AesKey);

impl LayerHash {
    /// The hash of one layer or session.
    pub(crate) fn new(seed: &Seed) -> Self {
        Self(permutation(Path::current(), seed))
    }

    /// Replaces every block by its hash, under the tweak of its place.
    pub(crate) fn hash(&self, blocks: &mut [Block], tweak: impl Fn(usize) -> Block) {
        const WIDE: usize = 4;
        for (index, chunk) in blocks.chunks_mut(4 * WIDE).enumerate() {
            let (mut quads, mut tweaks) = ([[0; 4]; WIDE], [[0; 4]; WIDE]);
            quads.as_flattened_mut()[..chunk.len()].copy_from_slice(chunk);
            for (place, value) in tweaks.as_flattened_mut().iter_mut().enumerate() {
                *value = tweak(4 * WIDE * index + place);
            }
            self.0.run(Hash { quads: &mut quads, tweaks: &tweaks });
            chunk.copy_from_slice(&quads.as_flattened()[..chunk.len()]);
            quads.as_flattened_mut().zeroize();
        }
    }
}

/// Hashes some quads in place.
struct Hash<'a, const N: usize> {
    quads: &'a mut [Quad; N],
    tweaks: &'a [Quad; N],
}

impl<const N: usize> Job for Hash<'_, N> {
    type Output = ();

    #[inline(always)]
    fn run<E: Engine>(self, engine: E) {
        let (mut blocks, mut tweaks) = ([engine.splat(0); N], [engine.splat(0); N]);
        for quad in 0..N {
            blocks[quad] = engine.load(&self.quads[quad]);
            tweaks[quad] = engine.load(&self.tweaks[quad]);
        }
        for (hash, quad) in hash(engine, blocks, &tweaks).into_iter().zip(self.quads) {
            engine.store(hash, quad);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aes::cipher::KeyInit;
    use proptest::prelude::*;

    #[test]
    fn layers_are_hashed_under_different_permutations() {
        let [first, second] = [1, 2].map(|seed| {
            let mut quads = [[7; 4], [8; 4]];
            let key = permutation(Path::Portable, &Seed::reproducible(seed));
            key.run(Hash { quads: &mut quads, tweaks: &[[0; 4]; 2] });
            quads
        });
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
                let mut hashes = quads(&blocks);
                permutation(path, &seed).run(Hash { quads: &mut hashes, tweaks: &quads(&tweaks) });
                prop_assert_eq!(hashes.as_flattened(), &expected, "{:?}", path);
            }
            for length in 0..=8 {
                let mut hashes = blocks;
                LayerHash::new(&seed).hash(&mut hashes[..length], |place| tweaks[place % 8]);
                prop_assert_eq!(&hashes[..length], &expected[..length]);
                prop_assert_eq!(&hashes[length..], &blocks[length..]);
            }
        }
    }
}
