//! Transposition of a 128×128 bit block in the registers of AVX-512, with GFNI for the last three of its seven rounds.

use super::transpose::Matrix;
use std::arch::x86_64::*;
use std::array::from_fn;

/// Whether this processor has the instructions.
pub(super) fn available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("gfni")
}

/// For a two-register byte shuffle of eight rows of 16 bytes: byte 8b + i of the result is byte `from` + b of row 7 − i.
/// Rows are reversed because the affine instruction takes a matrix from its last row to its first.
const fn gather(from: u8) -> [u8; 64] {
    let mut index = [0; 64];
    let mut at = 0;
    while at < 64 {
        index[at] = (7 - at as u8 % 8) * 16 + from + at as u8 / 8;
        at += 1;
    }
    index
}

/// For a two-register byte shuffle of 16 groups of eight bytes: byte 16r + B of the result is byte `from` + r of group B.
const fn spread(from: u8) -> [u8; 64] {
    let mut index = [0; 64];
    let mut at = 0;
    while at < 64 {
        index[at] = at as u8 % 16 * 8 + from + at as u8 / 16;
        at += 1;
    }
    index
}

/// For one round of an 8×8 exchange of 64-bit words over registers `width` apart: the first register of the pair, or the second.
const fn exchange(width: u64, second: bool) -> [u64; 8] {
    let mut index = [0; 8];
    let mut at = 0;
    while at < 8 {
        let word = at as u64;
        index[at] = match (second, word & width == 0) {
            (false, true) => word,
            (false, false) => 8 + word - width,
            (true, true) => word + width,
            (true, false) => 8 + word,
        };
        at += 1;
    }
    index
}

static GATHER: [[u8; 64]; 2] = [gather(0), gather(8)];
static SPREAD: [[u8; 64]; 2] = [spread(0), spread(4)];
static EXCHANGE: [[[u64; 8]; 2]; 3] = [
    [exchange(1, false), exchange(1, true)],
    [exchange(2, false), exchange(2, true)],
    [exchange(4, false), exchange(4, true)],
];

/// Byte i of every word selects column i of a bit matrix.
const UNITS: i64 = i64::from_le_bytes([1, 2, 4, 8, 16, 32, 64, 128]);

/// Transposes: bit c of row r of `from` becomes bit r of row c of `to`.
///
/// Eight rows are first shuffled into sixteen 8×8 bit matrices, each transposed by one affine instruction; then words go
/// to their rows and, within eight rows, bytes to theirs.
///
/// # Safety
/// The processor has the instructions that [`available`] asks for.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,gfni")]
pub(super) unsafe fn transpose(from: &Matrix, to: &mut Matrix) {
    let units = _mm512_set1_epi64(UNITS);
    for (half, gather) in GATHER.iter().enumerate() {
        // Word b of register B: bytes B of the eight output rows 8·(8·half + b).
        let words: [__m512i; 16] = from_fn(|group| {
            let bytes = _mm512_permutex2var_epi8(load(from, 8 * group), constant(gather), load(from, 8 * group + 4));
            _mm512_gf2p8affine_epi64_epi8::<0>(units, bytes)
        });
        let (left, right) = (transpose_words(&words, 0), transpose_words(&words, 8));
        for row in 0..8 {
            for (quarter, index) in SPREAD.iter().enumerate() {
                let rows = _mm512_permutex2var_epi8(left[row], constant(index), right[row]);
                store(to, 64 * half + 8 * row + 4 * quarter, rows);
            }
        }
    }
}

/// Transposes eight registers of eight words, from the one numbered `first`.
#[target_feature(enable = "avx512f")]
fn transpose_words(words: &[__m512i; 16], first: usize) -> [__m512i; 8] {
    let mut words: [__m512i; 8] = from_fn(|word| words[first + word]);
    for (round, [index, second]) in EXCHANGE.iter().enumerate() {
        let (index, second) = (constant(index), constant(second));
        for low in (0..8).filter(|word| word >> round & 1 == 0) {
            let high = low + (1 << round);
            let (a, b) = (words[low], words[high]);
            words[low] = _mm512_permutex2var_epi64(a, index, b);
            words[high] = _mm512_permutex2var_epi64(a, second, b);
        }
    }
    words
}

/// A constant of 64 bytes.
#[target_feature(enable = "avx512f")]
#[inline]
fn constant<T: bytemuck::Pod, const N: usize>(value: &[T; N]) -> __m512i {
    const { assert!(size_of::<[T; N]>() == 64) };
    // SAFETY: 64 readable bytes of plain data, asserted above; the load needs no alignment.
    unsafe { _mm512_loadu_si512(value.as_ptr().cast()) }
}

/// Four rows, from the one numbered `row`.
#[target_feature(enable = "avx512f")]
#[inline]
fn load(from: &Matrix, row: usize) -> __m512i {
    let rows = &from[row..row + 4];
    // SAFETY: the slice has four rows of 16 bytes; the load needs no alignment.
    unsafe { _mm512_loadu_si512(rows.as_ptr().cast()) }
}

/// Four rows, from the one numbered `row`.
#[target_feature(enable = "avx512f")]
#[inline]
fn store(to: &mut Matrix, row: usize, rows: __m512i) {
    let to = &mut to[row..row + 4];
    // SAFETY: the slice has four rows of 16 bytes; the store needs no alignment.
    unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), rows) }
}
