//! The paths of x86: AES-NI, and AVX-512 with VAES.
//!
//! Safety: an engine of this module exists only inside its `run` function, whose caller has checked that the processor has
//! the features that the function enables. The engines' methods are inlined into it, so their intrinsics are sound there.

use super::engine::{Engine, Job, Quad};
use crate::gc::Block;
use std::arch::x86_64::*;

/// The first key and one for each of the ten rounds.
pub(super) type RoundKeys = [Block; 11];

pub(super) fn has_aes_ni() -> bool {
    is_x86_feature_detected!("aes") && is_x86_feature_detected!("sse2")
}

pub(super) fn has_avx512() -> bool {
    has_aes_ni()
        && is_x86_feature_detected!("vaes")
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
}

/// The key schedule of AES-128 (FIPS 197, §5.2).
#[target_feature(enable = "aes,sse2")]
pub(super) fn expand(key: Block) -> RoundKeys {
    let mut keys = [key; 11];
    keys[1] = next_key::<0x01>(keys[0]);
    keys[2] = next_key::<0x02>(keys[1]);
    keys[3] = next_key::<0x04>(keys[2]);
    keys[4] = next_key::<0x08>(keys[3]);
    keys[5] = next_key::<0x10>(keys[4]);
    keys[6] = next_key::<0x20>(keys[5]);
    keys[7] = next_key::<0x40>(keys[6]);
    keys[8] = next_key::<0x80>(keys[7]);
    keys[9] = next_key::<0x1b>(keys[8]);
    keys[10] = next_key::<0x36>(keys[9]);
    keys
}

#[target_feature(enable = "aes,sse2")]
fn next_key<const CONSTANT: i32>(key: Block) -> Block {
    let mut words = from_block(key);
    let last = _mm_shuffle_epi32::<0xff>(_mm_aeskeygenassist_si128::<CONSTANT>(words));
    // Every word takes up all words below it.
    let mut shifted = words;
    for _ in 0..3 {
        shifted = _mm_slli_si128::<4>(shifted);
        words = _mm_xor_si128(words, shifted);
    }
    to_block(_mm_xor_si128(words, last))
}

#[target_feature(enable = "sse2")]
fn from_block(block: Block) -> __m128i {
    _mm_set_epi64x((block >> 64) as i64, block as i64)
}

#[target_feature(enable = "sse2")]
fn to_block(vector: __m128i) -> Block {
    let mut block = 0;
    // SAFETY: a block is 16 bytes, and the store needs no alignment.
    unsafe { _mm_storeu_si128((&raw mut block).cast(), vector) };
    block
}

/// Does a job with AES-NI.
#[target_feature(enable = "aes,sse2")]
pub(super) fn run_aes_ni<J: Job>(keys: &RoundKeys, job: J) -> J::Output {
    let keys = keys.map(|key| from_block(key));
    job.run(AesNi { keys: &keys })
}

/// Does a job with AVX-512 and VAES.
#[target_feature(enable = "aes,vaes,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn run_avx512<J: Job>(keys: &RoundKeys, job: J) -> J::Output {
    let keys = keys.map(|key| _mm512_broadcast_i32x4(from_block(key)));
    job.run(Avx512 { keys: &keys })
}

#[derive(Clone, Copy)]
struct AesNi<'a> {
    keys: &'a [__m128i; 11],
}

impl Engine for AesNi<'_> {
    type Vector = [__m128i; 4];

    #[inline(always)]
    fn load(self, quad: &Quad) -> [__m128i; 4] {
        // SAFETY: the features are there (top of the file), a block is 16 bytes, and the load needs no alignment.
        let load = |block: &Block| unsafe { _mm_loadu_si128(std::ptr::from_ref(block).cast()) };
        [load(&quad[0]), load(&quad[1]), load(&quad[2]), load(&quad[3])]
    }

    #[inline(always)]
    fn store(self, vector: [__m128i; 4], quad: &mut Quad) {
        for (block, vector) in quad.iter_mut().zip(vector) {
            // SAFETY: as in `load`.
            unsafe { _mm_storeu_si128(std::ptr::from_mut(block).cast(), vector) };
        }
    }

    #[inline(always)]
    fn xor(self, mut a: [__m128i; 4], b: [__m128i; 4]) -> [__m128i; 4] {
        for (a, b) in a.iter_mut().zip(b) {
            // SAFETY: the features are there.
            *a = unsafe { _mm_xor_si128(*a, b) };
        }
        a
    }

    #[inline(always)]
    fn xor_if(self, mut a: [__m128i; 4], choice: [__m128i; 4], b: [__m128i; 4]) -> [__m128i; 4] {
        for ((a, choice), b) in a.iter_mut().zip(choice).zip(b) {
            // SAFETY: the features are there.
            *a = unsafe {
                // The lowest word everywhere, its lowest bit made the sign, and the sign spread over the word.
                let low = _mm_shuffle_epi32::<0>(choice);
                let mask = _mm_srai_epi32::<31>(_mm_slli_epi32::<31>(low));
                _mm_xor_si128(*a, _mm_and_si128(mask, b))
            };
        }
        a
    }

    #[inline(always)]
    fn add_low(self, mut vector: [__m128i; 4], number: u64) -> [__m128i; 4] {
        for block in &mut vector {
            // SAFETY: the features are there.
            *block = unsafe { _mm_add_epi64(*block, _mm_set_epi64x(0, number as i64)) };
        }
        vector
    }

    #[inline(always)]
    fn shift_right(self, mut vector: [__m128i; 4], bits: u32) -> [__m128i; 4] {
        for block in &mut vector {
            // SAFETY: the features are there.
            *block = unsafe { _mm_srl_epi64(*block, _mm_set_epi64x(0, i64::from(bits))) };
        }
        vector
    }

    #[inline(always)]
    fn prefetch(self, address: *const Quad) {
        // SAFETY: every processor of x86-64 has the instruction, which reads nothing and never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }

    #[inline(always)]
    fn encrypt<const N: usize>(self, vectors: &mut [[__m128i; 4]; N]) {
        // Eight blocks hide the latency of the instruction and leave registers for keys.
        let (pairs, rest) = vectors.as_flattened_mut().as_chunks_mut::<8>();
        for blocks in pairs {
            self.encrypt_blocks(blocks);
        }
        for blocks in rest.as_chunks_mut::<4>().0 {
            self.encrypt_blocks(blocks);
        }
    }
}

impl AesNi<'_> {
    #[inline(always)]
    fn encrypt_blocks<const N: usize>(self, blocks: &mut [__m128i; N]) {
        // SAFETY: the features are there.
        unsafe {
            for block in blocks.iter_mut() {
                *block = _mm_xor_si128(*block, self.keys[0]);
            }
            for key in &self.keys[1..10] {
                for block in blocks.iter_mut() {
                    *block = _mm_aesenc_si128(*block, *key);
                }
            }
            for block in blocks.iter_mut() {
                *block = _mm_aesenclast_si128(*block, self.keys[10]);
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Avx512<'a> {
    keys: &'a [__m512i; 11],
}

impl Engine for Avx512<'_> {
    type Vector = __m512i;

    #[inline(always)]
    fn load(self, quad: &Quad) -> __m512i {
        // SAFETY: the features are there (top of the file), a quad is 64 bytes, and the load needs no alignment.
        unsafe { _mm512_loadu_si512(std::ptr::from_ref(quad).cast()) }
    }

    #[inline(always)]
    fn store(self, vector: __m512i, quad: &mut Quad) {
        // SAFETY: as in `load`.
        unsafe { _mm512_storeu_si512(std::ptr::from_mut(quad).cast(), vector) }
    }

    #[inline(always)]
    fn xor(self, a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: the features are there.
        unsafe { _mm512_xor_si512(a, b) }
    }

    #[inline(always)]
    fn xor_if(self, a: __m512i, choice: __m512i, b: __m512i) -> __m512i {
        // SAFETY: the features are there.
        unsafe {
            // The low half of each block in both of its halves, whose lowest bit then masks the sum.
            let low = _mm512_shuffle_epi32::<0b0100_0100>(choice);
            let mask = _mm512_test_epi64_mask(low, _mm512_set1_epi64(1));
            _mm512_mask_xor_epi64(a, mask, a, b)
        }
    }

    #[inline(always)]
    fn add_low(self, vector: __m512i, number: u64) -> __m512i {
        // SAFETY: the features are there.
        unsafe { _mm512_add_epi64(vector, _mm512_maskz_set1_epi64(0b0101_0101, number as i64)) }
    }

    #[inline(always)]
    fn shift_right(self, vector: __m512i, bits: u32) -> __m512i {
        // SAFETY: the features are there.
        unsafe { _mm512_srl_epi64(vector, _mm_set_epi64x(0, i64::from(bits))) }
    }

    #[inline(always)]
    fn prefetch(self, address: *const Quad) {
        // SAFETY: every processor of x86-64 has the instruction, which reads nothing and never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }

    #[inline(always)]
    fn encrypt<const N: usize>(self, vectors: &mut [__m512i; N]) {
        // SAFETY: the features are there.
        unsafe {
            for vector in vectors.iter_mut() {
                *vector = _mm512_xor_si512(*vector, self.keys[0]);
            }
            for key in &self.keys[1..10] {
                for vector in vectors.iter_mut() {
                    *vector = _mm512_aesenc_epi128(*vector, *key);
                }
            }
            for vector in vectors.iter_mut() {
                *vector = _mm512_aesenclast_epi128(*vector, self.keys[10]);
            }
        }
    }
}
