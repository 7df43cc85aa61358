//! SHA-256's compression of a block into a state (FIPS 180-4, section 6.2.2) as one circuit.
//!
//! All counts and depths are those of the Bristol Fashion file sha256. FIPS leaves open in which order the five terms of
//! T1 are added, and how a majority is computed. The AND gates are the same for all orders; XOR gates, levels and the
//! fullest level are not, and of the orders and forms that were tried these have the file's.

use super::shared::sum;
use crate::circuit::{Bit, Builder};

/// Bits of a word, least significant first.
const WORD: usize = 32;

/// The constants of FIPS 180-4, section 4.2.2: fractions of the cube roots of the first 64 primes.
#[rustfmt::skip]
const K: [u32; 64] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
];

type Word = Vec<Bit>;

/// The state after a block: 256 bits for 512 of the block and 256 of the state, byte 0 first as a digest is written,
/// each byte least significant bit first.
pub(super) fn compress(builder: &mut Builder, block: &[Bit], state: &[Bit]) -> Vec<Bit> {
    let state = words(state);
    let mut turned = state.clone();
    for (constant, word) in K.iter().zip(schedule(builder, words(block))) {
        turned = round(builder, turned, *constant, &word);
    }
    let sums = state.iter().zip(&turned).map(|(before, after)| sum(builder, before, after));
    sums.flat_map(|word| bytes(&word)).collect()
}

/// The words of big-endian bytes.
fn words(bits: &[Bit]) -> Vec<Word> {
    bits.chunks(WORD).map(bytes).collect()
}

/// A word's bits with its bytes in the opposite order.
fn bytes(word: &[Bit]) -> Word {
    word.chunks(8).rev().flatten().copied().collect()
}

/// The 64 words that the rounds add: the block's, and 48 of σ0 and σ1.
fn schedule(builder: &mut Builder, mut words: Vec<Word>) -> Vec<Word> {
    for first in 0..K.len().saturating_sub(words.len()) {
        let Some([w16, w15, .., w7, _, _, _, _, w2, _]) = words.get(first..first + 16) else { break };
        let sigma1 = mix(builder, [rotated(w2, 17), rotated(w2, 19), shifted(w2, 10)]);
        let sigma0 = mix(builder, [rotated(w15, 7), rotated(w15, 18), shifted(w15, 3)]);
        let word = sum(builder, &sigma1, w7);
        let word = sum(builder, &word, &sigma0);
        let word = sum(builder, &word, w16);
        words.push(word);
    }
    words
}

/// One round: T1 = ((h + W) + (Σ1 + Ch)) + K, T2 = Σ0 + Maj.
fn round(builder: &mut Builder, state: Vec<Word>, constant: u32, word: &[Bit]) -> Vec<Word> {
    let Ok([a, b, c, d, e, f, g, h]) = <[Word; 8]>::try_from(state) else { return Vec::new() };
    let constant: Word = (0..WORD).map(|bit| Bit::Const(constant >> bit & 1 == 1)).collect();
    let sigma1 = mix(builder, [rotated(&e, 6), rotated(&e, 11), rotated(&e, 25)]);
    let choice = choice(builder, &e, &f, &g);
    let (left, right) = (sum(builder, &h, word), sum(builder, &sigma1, &choice));
    let t1 = sum(builder, &left, &right);
    let t1 = sum(builder, &t1, &constant);
    let sigma0 = mix(builder, [rotated(&a, 2), rotated(&a, 13), rotated(&a, 22)]);
    let majority = majority(builder, &a, &b, &c);
    let t2 = sum(builder, &sigma0, &majority);
    let first = sum(builder, &t1, &t2);
    let fifth = sum(builder, &d, &t1);
    vec![first, a, b, c, fifth, e, f, g]
}

/// `a ⊕ b ⊕ c`.
fn mix(builder: &mut Builder, [a, b, c]: [Word; 3]) -> Word {
    let two: Word = a.iter().zip(&b).map(|(a, b)| builder.xor(*a, *b)).collect();
    two.iter().zip(&c).map(|(two, c)| builder.xor(*two, *c)).collect()
}

/// `e ? f : g`, bit by bit, as `g ⊕ (e ∧ (f ⊕ g))`.
fn choice(builder: &mut Builder, e: &[Bit], f: &[Bit], g: &[Bit]) -> Word {
    let bits = e.iter().zip(f).zip(g);
    bits.map(|((e, f), g)| {
        let differ = builder.xor(*f, *g);
        let chosen = builder.and(*e, differ);
        builder.xor(chosen, *g)
    })
    .collect()
}

/// Of three bits what two have: `c ⊕ ((a ⊕ c) ∧ (b ⊕ c))`.
fn majority(builder: &mut Builder, a: &[Bit], b: &[Bit], c: &[Bit]) -> Word {
    let bits = a.iter().zip(b).zip(c);
    bits.map(|((a, b), c)| {
        let (a, b) = (builder.xor(*a, *c), builder.xor(*b, *c));
        let changes = builder.and(a, b);
        builder.xor(changes, *c)
    })
    .collect()
}

/// The word rotated to the right.
fn rotated(word: &[Bit], by: usize) -> Word {
    word.iter().cycle().skip(by).take(word.len()).copied().collect()
}

/// The word shifted to the right.
fn shifted(word: &[Bit], by: usize) -> Word {
    word.iter().skip(by).copied().chain(std::iter::repeat_n(Bit::Const(false), by)).collect()
}
