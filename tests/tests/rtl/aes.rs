//! Vectors for AES from FIPS 197 and the `aes` crate.

use super::cores::{Port, Vectors, streaming};
use super::words::{Numbers, Word, packed, word};
use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit};

/// The ports of the fixed-key pipeline's round keys.
pub const ROUND_KEYS: Port = ("round_keys", 1408);

/// FIPS 197, appendix B: key, plaintext and ciphertext, byte 0 first.
const FIPS_197_B: [[u8; 16]; 3] = [
    [0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c],
    [0x32, 0x43, 0xf6, 0xa8, 0x88, 0x5a, 0x30, 0x8d, 0x31, 0x31, 0x98, 0xa2, 0xe0, 0x37, 0x07, 0x34],
    [0x39, 0x25, 0x84, 0x1d, 0x02, 0xdc, 0x09, 0xfb, 0xdc, 0x11, 0x85, 0x97, 0x19, 0x6a, 0x0b, 0x32],
];

/// AES-128 of one block, bytes as a little-endian number has them.
pub fn encrypt(key: u128, block: u128) -> u128 {
    let mut bytes = block.to_le_bytes().into();
    Aes128::new(&key.to_le_bytes().into()).encrypt_block(&mut bytes);
    u128::from_le_bytes(bytes.into())
}

/// Multiplication in GF(2^8) (FIPS 197, section 4.2).
fn times(a: u8, b: u8) -> u8 {
    (0..8).rev().fold(0, |sum: u8, bit| {
        let doubled = sum << 1 ^ if sum & 0x80 != 0 { 0x1b } else { 0 };
        doubled ^ if b >> bit & 1 == 1 { a } else { 0 }
    })
}

/// The S-box by its definition (FIPS 197, section 5.1.1): the inverse, a^254, and an affine map.
fn substitute(byte: u8) -> u8 {
    let inverse = (0..254).fold(1, |power, _| times(power, byte));
    (1..5).fold(inverse ^ 0x63, |sum, by| sum ^ inverse.rotate_left(by))
}

/// The round keys of FIPS 197, section 5.2, in the order of the port.
pub fn round_keys(key: u128) -> Word {
    let mut words: Vec<u32> = (0..4).map(|index| (key >> (32 * index)) as u32).collect();
    let mut constant = 1u8;
    while words.len() < 44 {
        let mut next = words[words.len() - 1];
        if words.len().is_multiple_of(4) {
            next = u32::from_le_bytes(next.rotate_right(8).to_le_bytes().map(substitute)) ^ u32::from(constant);
            constant = times(constant, 2);
        }
        words.push(next ^ words[words.len() - 4]);
    }
    packed(words.into_iter().map(|value| word(value, 32)))
}

/// The pipeline under the key of FIPS 197, appendix B: its plaintext, then random blocks.
pub fn fixed_key() -> Vectors {
    let [key, plain, cipher] = FIPS_197_B.map(u128::from_le_bytes);
    assert_eq!(encrypt(key, plain), cipher, "the library against the standard");
    let mut numbers = Numbers::new("AES blocks", 400);
    let blocks = std::iter::once(plain).chain((0..200).map(|_| numbers.block()));
    let cases: Vec<_> = blocks.map(|block| (vec![word(block, 128)], vec![word(encrypt(key, block), 128)])).collect();
    streaming([&[ROUND_KEYS], &[("block", 128)], &[("cipher", 128)]], vec![round_keys(key)], cases)
}

/// A new key with every block, the standard's first.
pub fn rekeyed() -> Vectors {
    let [key, plain, _] = FIPS_197_B.map(u128::from_le_bytes);
    let mut numbers = Numbers::new("AES keys and blocks", 400);
    let pairs = std::iter::once((key, plain)).chain((0..100).map(|_| (numbers.block(), numbers.block())));
    let case = |(key, block)| (vec![word(key, 128), word(block, 128)], vec![word(encrypt(key, block), 128)]);
    let cases: Vec<_> = pairs.map(case).collect();
    streaming([&[], &[("key", 128), ("block", 128)], &[("cipher", 128)]], Vec::new(), cases)
}
