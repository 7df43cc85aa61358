//! The path that runs everywhere: 64-bit words in plain Rust, AES from the `aes` crate.

use super::engine::{Engine, Quad};
use aes::Aes128;
use aes::cipher::BlockCipherEncrypt;
use hybrid_array::{Array, sizes::U16};

/// Where the low half of a block is among its two words in memory.
const LOW: usize = if cfg!(target_endian = "little") { 0 } else { 1 };

#[derive(Clone, Copy)]
pub(super) struct Portable<'a> {
    pub(super) aes: &'a Aes128,
}

impl Engine for Portable<'_> {
    type Vector = [u64; 8];

    #[inline(always)]
    fn load(self, quad: &Quad) -> [u64; 8] {
        bytemuck::cast(*quad)
    }

    #[inline(always)]
    fn store(self, vector: [u64; 8], quad: &mut Quad) {
        *quad = bytemuck::cast(vector);
    }

    #[inline(always)]
    fn xor(self, mut a: [u64; 8], b: [u64; 8]) -> [u64; 8] {
        for (a, b) in a.iter_mut().zip(b) {
            *a ^= b;
        }
        a
    }

    #[inline(always)]
    fn xor_if(self, mut a: [u64; 8], choice: [u64; 8], b: [u64; 8]) -> [u64; 8] {
        for block in 0..4 {
            let mask = (choice[2 * block + LOW] & 1).wrapping_neg();
            a[2 * block] ^= mask & b[2 * block];
            a[2 * block + 1] ^= mask & b[2 * block + 1];
        }
        a
    }

    #[inline(always)]
    fn add_low(self, mut vector: [u64; 8], number: u64) -> [u64; 8] {
        for block in 0..4 {
            vector[2 * block + LOW] = vector[2 * block + LOW].wrapping_add(number);
        }
        vector
    }

    #[inline(always)]
    fn shift_right(self, mut vector: [u64; 8], bits: u32) -> [u64; 8] {
        for word in &mut vector {
            *word = word.wrapping_shr(bits);
        }
        vector
    }

    #[inline(always)]
    fn encrypt<const N: usize>(self, vectors: &mut [[u64; 8]; N]) {
        let blocks: &mut [Array<u8, U16>] = bytemuck::cast_slice_mut(vectors.as_mut_slice());
        self.aes.encrypt_blocks(blocks);
    }
}
