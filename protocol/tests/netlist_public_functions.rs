//! What the circuits that have the counts of public ones compute.

#![allow(clippy::unwrap_used, reason = "in tests, a broken expectation is a failed test")]

mod common;

use common::{bits, built, number, numbers, run, signed};
use pisim_protocol::netlist::Netlist;
use proptest::prelude::*;
use sha2::digest::generic_array::GenericArray;

/// Doubles that are compared differently from their neighbours.
const SPECIAL: [f64; 14] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    f64::MIN_POSITIVE,
    -f64::MIN_POSITIVE,
    5e-324,
    -5e-324,
    f64::MAX,
    f64::MIN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    1.000_000_000_000_000_2,
];

/// The numbers `a = b` and `a < b` of the circuits.
fn compared(equal: &Netlist, less: &Netlist, a: f64, b: f64) -> [u128; 2] {
    let inputs = [bits(a.to_bits().into(), 64), bits(b.to_bits().into(), 64)].concat();
    [equal, less].map(|netlist| number(&netlist.evaluate(&inputs)))
}

fn quotient(a: u128, b: u128, width: usize) -> u128 {
    (signed(a, width) / signed(b, width)) as u128 & ((1 << width) - 1)
}

/// The lowest `width` bits of the number between −p/2 and p/2 that x + y is modulo p.
fn shared(x: u128, y: u128, p: u128, width: usize) -> u128 {
    let z = (x + y) % p;
    let value = if z < p / 2 { z as i128 } else { z as i128 - p as i128 };
    value as u128 & (u128::MAX >> (128 - width))
}

#[test]
fn quotients_of_small_numbers_are_rounded_towards_zero() {
    for width in 1..=5 {
        let netlist = built(&format!("divide:{width}"));
        for a in 0..1 << width {
            let of = |b: u128| number(&netlist.evaluate(&[bits(a, width), bits(b, width)].concat()));
            for b in 1..1 << width {
                assert_eq!(of(b), quotient(a, b, width), "{} / {}", signed(a, width), signed(b, width));
            }
        }
    }
}

#[test]
fn shares_of_small_moduli_give_the_signed_number() {
    for (modulus_bits, width) in [(1, 1), (1, 4), (2, 3), (3, 2), (4, 4), (4, 5), (4, 9)] {
        let netlist = built(&format!("from-shares:{modulus_bits}:{width}"));
        for p in 1..1u128 << modulus_bits {
            for (x, y) in (0..p).flat_map(|x| (0..p).map(move |y| (x, y))) {
                let inputs = [x, y, p].map(|word| bits(word, modulus_bits)).concat();
                assert_eq!(number(&netlist.evaluate(&inputs)), shared(x, y, p, width), "{x} + {y} mod {p}");
            }
        }
    }
}

#[test]
fn special_doubles_compare_as_ieee_754_says() {
    let (equal, less) = (built("fp-eq"), built("fp-lt"));
    for (a, b) in SPECIAL.iter().flat_map(|a| SPECIAL.iter().map(move |b| (*a, *b))) {
        assert_eq!(compared(&equal, &less, a, b), [u128::from(a == b), u128::from(a < b)], "{a} and {b}");
    }
}

#[test]
fn sha_256_of_abc_is_that_of_the_standard() {
    // FIPS 180-4's example: one block, from the initial state of section 5.3.3.
    let mut block = [0u8; 64];
    block[..4].copy_from_slice(b"abc\x80");
    block[63] = 24;
    let initial =
        [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19u32];
    let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let hex: String = compressed(&built("sha256"), &block, initial).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, digest);
}

/// The state's bytes after a block.
fn compressed(netlist: &Netlist, block: &[u8], state: [u32; 8]) -> Vec<u8> {
    let state = state.into_iter().flat_map(u32::to_be_bytes);
    let inputs: Vec<bool> = block.iter().copied().chain(state).flat_map(|byte| bits(byte.into(), 8)).collect();
    numbers(&netlist.evaluate(&inputs), 8).into_iter().map(|byte| byte as u8).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn quotients_are_those_of_integers(width in 2usize..=64, a: u64, b: u64) {
        let most = (1u128 << width) - 1;
        let (a, b) = (u128::from(a) & most, (u128::from(b) & most).max(1));
        prop_assert_eq!(run(&format!("divide:{width}"), &[a, b], width)[0], quotient(a, b, width));
        // Divisors of any size, not nearly always large ones.
        let small = (b >> (a % width as u128)).max(1);
        prop_assert_eq!(run(&format!("divide:{width}"), &[a, small], width)[0], quotient(a, small, width));
    }

    #[test]
    fn sums_of_nand_gates_have_their_carry(width in 1usize..=64, a: u64, b: u64) {
        let most = (1u128 << width) - 1;
        let (a, b) = (u128::from(a) & most, u128::from(b) & most);
        let sum = built(&format!("add-nand:{width}")).evaluate(&[bits(a, width), bits(b, width)].concat());
        prop_assert_eq!(number(&sum), a + b);
    }

    #[test]
    fn shares_modulo_any_number_give_the_signed_number(x: u64, y: u64, p in 1u64.., width in 1usize..=80) {
        let (x, y, p) = (u128::from(x % p), u128::from(y % p), u128::from(p));
        let inputs = [x, y, p].map(|word| bits(word, 64)).concat();
        let value = number(&built(&format!("from-shares:64:{width}")).evaluate(&inputs));
        prop_assert_eq!(value, shared(x, y, p, width));
    }

    #[test]
    fn doubles_compare_as_ieee_754_says(a: u64, b: u64, near in -2i64..=2, flip in 0u32..64) {
        let (equal, less) = (built("fp-eq"), built("fp-lt"));
        // Random bits are nearly never equal, nor close: neighbours and one flipped bit are.
        for b in [b, a.wrapping_add_signed(near), a ^ 1 << flip] {
            let (a, b) = (f64::from_bits(a), f64::from_bits(b));
            prop_assert_eq!(compared(&equal, &less, a, b), [u128::from(a == b), u128::from(a < b)], "{} and {}", a, b);
        }
    }

    #[test]
    fn compressions_are_those_of_the_sha2_crate(
        block in prop::collection::vec(any::<u8>(), 64),
        state in any::<[u32; 8]>(),
    ) {
        let mut expected = state;
        sha2::compress256(&mut expected, &[GenericArray::clone_from_slice(&block)]);
        let expected: Vec<u8> = expected.into_iter().flat_map(u32::to_be_bytes).collect();
        prop_assert_eq!(compressed(&built("sha256"), &block, state), expected);
    }
}
