//! An expanded AES-128 key for the path that will use it.

use super::engine::{Engine, Job};
use super::portable::Portable;
#[cfg(target_arch = "x86_64")]
use super::x86;
use super::{Path, Quad};
use crate::gc::Block;
use aes::Aes128;
use aes::cipher::KeyInit;
#[cfg(target_arch = "x86_64")]
use zeroize::Zeroize;

/// An expanded AES-128 key, wiped when dropped. What a job copies of it to registers and to its stack is not wiped, nor is
/// where the value lay before it was moved.
pub struct AesKey(Schedule);

enum Schedule {
    Portable(Aes128),
    #[cfg(target_arch = "x86_64")]
    AesNi(x86::RoundKeys),
    #[cfg(target_arch = "x86_64")]
    Avx512(x86::RoundKeys),
}

impl Drop for AesKey {
    fn drop(&mut self) {
        match &mut self.0 {
            // The `aes` crate wipes its own.
            Schedule::Portable(_) => {}
            #[cfg(target_arch = "x86_64")]
            Schedule::AesNi(keys) | Schedule::Avx512(keys) => keys.zeroize(),
        }
    }
}

impl AesKey {
    /// Expands a key for the path in use.
    pub fn new(key: &[u8; 16]) -> Self {
        Self::for_path(Path::current(), key)
    }

    /// Expands a key for one path; for the portable one if the processor lacks it.
    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables, reason = "there is only one path"))]
    pub fn for_path(path: Path, key: &[u8; 16]) -> Self {
        #[cfg(target_arch = "x86_64")]
        if path != Path::Portable && path.is_supported() {
            // SAFETY: both paths of x86 have AES-NI, and `is_supported` has checked for it.
            let keys = unsafe { x86::expand(Block::from_le_bytes(*key)) };
            return Self(if path == Path::AesNi { Schedule::AesNi(keys) } else { Schedule::Avx512(keys) });
        }
        Self(Schedule::Portable(Aes128::new(&(*key).into())))
    }

    /// Does a job with this key.
    pub(crate) fn run<J: Job>(&self, job: J) -> J::Output {
        match &self.0 {
            Schedule::Portable(aes) => job.run(Portable { aes }),
            // SAFETY: `for_path` makes a schedule only where the processor has its path.
            #[cfg(target_arch = "x86_64")]
            Schedule::AesNi(keys) => unsafe { x86::run_aes_ni(keys, job) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Schedule::Avx512(keys) => unsafe { x86::run_avx512(keys, job) },
        }
    }
}

/// Writes the AES-128 encryptions of `first`, `first + 1`, … (modulo 2^64, as 128-bit little-endian numbers).
pub fn encrypt_counters(key: &AesKey, first: u64, blocks: &mut [Block]) {
    key.run(Counters { first, blocks });
}

struct Counters<'a> {
    first: u64,
    blocks: &'a mut [Block],
}

/// Quads that are encrypted together: enough to hide the latency of AES.
const WIDE: usize = 8;

impl Job for Counters<'_> {
    type Output = ();

    #[inline(always)]
    fn run<E: Engine>(self, engine: E) {
        let (quads, tail) = self.blocks.as_chunks_mut::<4>();
        let tail_first = self.first.wrapping_add(4 * quads.len() as u64);
        let (wide, rest) = quads.as_chunks_mut::<WIDE>();
        let mut next = self.first;
        for quads in wide {
            encrypt_quads(engine, next, quads);
            next = next.wrapping_add(4 * WIDE as u64);
        }
        for quad in rest {
            encrypt_quads(engine, next, std::array::from_mut(quad));
            next = next.wrapping_add(4);
        }
        if !tail.is_empty() {
            let mut last = [[0; 4]];
            encrypt_quads(engine, tail_first, &mut last);
            tail.copy_from_slice(&last[0][..tail.len()]);
        }
    }
}

#[inline(always)]
fn encrypt_quads<E: Engine, const N: usize>(engine: E, first: u64, quads: &mut [Quad; N]) {
    let lanes = engine.load(&[0, 1, 2, 3]);
    let mut vectors = [lanes; N];
    for (index, vector) in vectors.iter_mut().enumerate() {
        *vector = engine.add_low(lanes, first.wrapping_add(4 * index as u64));
    }
    engine.encrypt(&mut vectors);
    for (quad, vector) in quads.iter_mut().zip(vectors) {
        engine.store(vector, quad);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gc::encrypt_blocks;
    use proptest::prelude::*;

    #[test]
    fn every_path_expands_the_key_of_the_standards_example() {
        // FIPS 197, appendix B; blocks are little-endian.
        let hex = |digits: u128| digits.to_be_bytes();
        let key = hex(0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c);
        let plain = Block::from_le_bytes(hex(0x3243_f6a8_885a_308d_3131_98a2_e037_0734));
        let cipher = Block::from_le_bytes(hex(0x3925_841d_02dc_09fb_dc11_8597_196a_0b32));
        struct One(Block);
        impl Job for One {
            type Output = Quad;
            #[inline(always)]
            fn run<E: Engine>(self, engine: E) -> Quad {
                let mut vectors = [engine.splat(self.0)];
                engine.encrypt(&mut vectors);
                let mut quad = [0; 4];
                engine.store(vectors[0], &mut quad);
                quad
            }
        }
        for path in Path::ALL {
            assert_eq!(AesKey::for_path(path, &key).run(One(plain)), [cipher; 4], "{path:?}");
        }
    }

    proptest! {
        #[test]
        fn counters_of_any_number_are_encrypted_alike_on_every_path(key: [u8; 16], first: u64, count in 0usize..150) {
            let mut expected: Vec<Block> =
                (0..count as u64).map(|position| Block::from(first.wrapping_add(position))).collect();
            encrypt_blocks(&Aes128::new(&key.into()), &mut expected);
            for path in Path::ALL {
                let mut blocks = vec![0; count];
                encrypt_counters(&AesKey::for_path(path, &key), first, &mut blocks);
                prop_assert_eq!(&blocks, &expected, "{:?}", path);
            }
        }
    }

    #[test]
    fn counters_wrap_at_64_bits_in_the_middle_of_a_vector() {
        let mut expected: Vec<Block> =
            (0..70u64).map(|position| Block::from((u64::MAX - 40).wrapping_add(position))).collect();
        encrypt_blocks(&Aes128::new(&[9; 16].into()), &mut expected);
        for path in Path::ALL {
            let mut blocks = vec![0; 70];
            encrypt_counters(&AesKey::for_path(path, &[9; 16]), u64::MAX - 40, &mut blocks);
            assert_eq!(blocks, expected, "{path:?}");
        }
    }
}
