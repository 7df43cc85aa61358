//! The generated circuits have the published counts and compute what they say.

#![allow(clippy::unwrap_used, reason = "in tests, a broken expectation is a failed test")]

mod common;

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use common::{bits, built, number, numbers, run, signed};
use pisim_protocol::netlist::{FAMILIES, Generator, Netlist, circuit};
use proptest::prelude::*;

/// Counts of EMP-toolkit's circuits: name, AND, all gates, AND depth, levels.
///
/// Source: the structure of github:emp-toolkit/emp-tool's `integer.hpp` before November 2022; the programs are those of
/// HAAC's Table 5 (Mo, Gopinath, Reagen, ISCA 2023).
const EMP: [(&str, u64, u64, u64, u64); 6] = [
    ("add:6", 5, 27, 5, 17),
    ("add:16", 15, 77, 15, 47),
    ("greater:2", 2, 14, 2, 9),
    ("greater:8", 8, 44, 8, 27),
    ("hamming:50", 95, 573, 6, 30),
    ("matmul:5x5x5:8", 8700, 27700, 8, 42),
];

#[test]
fn circuits_of_emp_have_its_gates_and_depths() {
    for (name, and, gates, and_depth, levels) in EMP {
        let stats = circuit(name).unwrap().stats;
        assert_eq!((stats.and, stats.gates, stats.and_depth, stats.levels), (and, gates, and_depth, levels), "{name}");
    }
}

#[test]
fn aes_has_the_and_gates_and_and_depth_of_the_public_circuit_and_nearly_its_other_gates() {
    let stats = circuit("aes128").unwrap().stats;
    assert_eq!((stats.and, stats.and_depth), (6800, 40));
    assert_eq!((stats.xor, stats.inv, stats.gates, stats.levels), (24_980, 816, 32_596, 235));
    // The public "AES-non-expanded": 25,124 XOR, 33,616 gates, 243 levels. Most of the difference are its 1,692 INV.
    let off = |ours: u64, public: f64| (ours as f64 / public - 1.0).abs();
    assert!(off(stats.xor, 25_124.0) < 0.01 && off(stats.gates, 33_616.0) < 0.035 && off(stats.levels, 243.0) < 0.035);
}

#[test]
fn relu_is_an_and_gate_per_bit_and_one_inverter() {
    let stats = circuit("relu-layer:2048:32").unwrap().stats;
    assert_eq!((stats.and, stats.inv, stats.gates, stats.levels), (2048 * 32, 2048, 2048 * 33, 2));
}

#[test]
fn aes_is_that_of_fips_197() {
    let key: Vec<u8> = (0..16).collect();
    let block: Vec<u8> = (0..16).map(|byte| byte * 0x11).collect();
    // FIPS-197, appendix C.1.
    let expected = 0x69c4_e0d8_6a7b_0430_d8cd_b780_70b4_c55a_u128.to_be_bytes();
    assert_eq!(aes_circuit(&built("aes128"), &key, &block), expected);
}

fn aes_circuit(netlist: &Netlist, key: &[u8], block: &[u8]) -> Vec<u8> {
    let inputs: Vec<bool> = key.iter().chain(block).flat_map(|byte| bits(u128::from(*byte), 8)).collect();
    numbers(&netlist.evaluate(&inputs), 8).into_iter().map(|byte| byte as u8).collect()
}

#[test]
fn edges_of_the_number_range_are_right() {
    for width in [1, 2, 7, 8] {
        let (most, sign) = ((1u128 << width) - 1, 1u128 << (width - 1));
        for a in [0, 1, sign - 1, sign, most] {
            for b in [0, 1, sign - 1, sign, most] {
                let of = |family: &str| run(&format!("{family}:{width}"), &[a, b], width)[0];
                assert_eq!(of("add"), (a + b) & most);
                assert_eq!(of("sub"), a.wrapping_sub(b) & most);
                assert_eq!(of("mult"), (a * b) & most);
                assert_eq!(of("greater"), u128::from(signed(a, width) > signed(b, width)), "{a} > {b}");
                assert_eq!(of("add-folded"), (a + b) & most);
                assert_eq!(of("sub-folded"), a.wrapping_sub(b) & most);
                assert_eq!(of("mult-folded"), (a * b) & most);
            }
            let positive = if a & sign == 0 { a } else { 0 };
            assert_eq!(run(&format!("relu:{width}"), &[a], width)[0], positive);
            assert_eq!(run(&format!("neg:{width}"), &[a], width)[0], a.wrapping_neg() & most);
            assert_eq!(run(&format!("is-zero:{width}"), &[a], width)[0], u128::from(a == 0));
        }
    }
    assert_eq!(run("hamming:1", &[1], 1), [1, 0]);
    assert_eq!(run("bubble-sort:1:4", &[9], 4), [9]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn arithmetic_is_that_of_integers(width in 1usize..=64, a: u64, b: u64) {
        let most = (1u128 << width) - 1;
        let (a, b) = (u128::from(a) & most, u128::from(b) & most);
        let of = |family: &str| run(&format!("{family}:{width}"), &[a, b], width)[0];
        prop_assert_eq!(of("add"), (a + b) & most);
        prop_assert_eq!(of("sub"), a.wrapping_sub(b) & most);
        prop_assert_eq!(of("mult"), a.wrapping_mul(b) & most);
        prop_assert_eq!(of("greater"), u128::from(signed(a, width) > signed(b, width)));
        prop_assert_eq!(of("add-folded"), (a + b) & most);
        prop_assert_eq!(of("sub-folded"), a.wrapping_sub(b) & most);
        prop_assert_eq!(of("mult-folded"), a.wrapping_mul(b) & most);
        let wide = built(&format!("mult-wide:{width}")).evaluate(&[bits(a, width), bits(b, width)].concat());
        prop_assert_eq!(number(&wide), a * b);
        prop_assert_eq!(run(&format!("neg:{width}"), &[a], width)[0], a.wrapping_neg() & most);
        prop_assert_eq!(run(&format!("is-zero:{width}"), &[a], width)[0], u128::from(a == 0));
    }

    #[test]
    fn weights_and_distances_count_ones(string in prop::collection::vec(any::<(bool, bool)>(), 1..200)) {
        let (a, b): (Vec<bool>, Vec<bool>) = string.iter().copied().unzip();
        let ones = a.iter().filter(|bit| **bit).count() as u128;
        prop_assert_eq!(number(&built(&format!("hamming:{}", a.len())).evaluate(&a)), ones);
        let differ = string.iter().filter(|(a, b)| a != b).count() as u128;
        let distance = built(&format!("hamming-distance:{}", a.len())).evaluate(&[a, b].concat());
        prop_assert_eq!(number(&distance), differ);
    }

    #[test]
    fn sorts_sort(values in prop::collection::vec(0u128..256, 1..12)) {
        let mut sorted = values.clone();
        sorted.sort_unstable_by_key(|value| signed(*value, 8));
        prop_assert_eq!(run(&format!("bubble-sort:{}:8", values.len()), &values, 8), sorted);
    }

    #[test]
    fn products_of_vectors_and_matrices_are_those_of_integers(
        [rows, inner, columns] in [1usize..4, 1usize..4, 1usize..4],
        values in prop::collection::vec(0u128..1 << 12, 18),
    ) {
        let (a, b) = (&values[..rows * inner], &values[9..9 + inner * columns]);
        let name = format!("matmul:{rows}x{inner}x{columns}:12");
        let expected: Vec<u128> = (0..rows * columns)
            .map(|at| (0..inner).map(|k| a[at / columns * inner + k] * b[k * columns + at % columns]).sum())
            .map(|sum: u128| sum % (1 << 12))
            .collect();
        prop_assert_eq!(run(&name, &[a, b].concat(), 12), expected);
        let dot = (0..inner).map(|k| a[k] * b[k]).sum::<u128>() % (1 << 12);
        prop_assert_eq!(run(&format!("dot-product:{inner}:12"), &[&a[..inner], &b[..inner]].concat(), 12), [dot]);
        let [x, accumulator, y] = [a[0], values[17], b[0]];
        prop_assert_eq!(run("mac:12", &[x, accumulator, y], 12), [(x * y + accumulator) % (1 << 12)]);
    }

    #[test]
    fn layers_of_relus_are_relus(values in prop::collection::vec(any::<i16>(), 1..9)) {
        let words: Vec<u128> = values.iter().map(|value| u128::from(*value as u16)).collect();
        let expected: Vec<u128> = values.iter().map(|value| u128::from((*value).max(0) as u16)).collect();
        prop_assert_eq!(run(&format!("relu-layer:{}:16", values.len()), &words, 16), expected);
    }

    #[test]
    fn aes_is_that_of_the_aes_crate(key: [u8; 16], block: [u8; 16]) {
        let mut expected = block.into();
        aes::Aes128::new(&key.into()).encrypt_block(&mut expected);
        prop_assert_eq!(aes_circuit(&built("aes128"), &key, &block), expected.to_vec());
    }

    #[test]
    fn the_number_of_gates_is_known_before_the_circuit_is_built(
        family in 0..FAMILIES.len(), sizes in prop::collection::vec(1u32..9, 4),
    ) {
        let form = FAMILIES[family].form;
        let mut sizes = sizes.into_iter();
        let name: Vec<String> = form
            .split(':')
            .enumerate()
            .map(|(field, text)| match field {
                0 => text.to_owned(),
                _ => text.split('x').map(|_| sizes.next().unwrap().to_string()).collect::<Vec<_>>().join("x"),
            })
            .collect();
        let generator: Generator = name.join(":").parse().unwrap();
        prop_assert_eq!(generator.to_string().parse(), Ok(generator));
        prop_assert_eq!(generator.gates(), generator.build().unwrap().circuit.gates.len() as u128);
    }
}

#[test]
fn bad_names_are_refused_with_the_form_and_the_near_miss() {
    let error = |name: &str| circuit(name).unwrap_err().to_string();
    assert!(error("ad:8").contains("did you mean `add`?"), "{}", error("ad:8"));
    assert!(error("").contains("`matmul:RxKxC:BITS`"), "{}", error(""));
    for name in ["add", "add:", "add:0", "add:x", "add:+8", "add:8:8", "add:-1", "add:99999999999", "add:4x4"] {
        assert!(error(name).contains("expected `add:N`"), "{}", error(name));
    }
    for name in ["matmul:5x5:8", "matmul:5x5x5", "matmul:5x5x5x5:8", "matmul:5x0x5:8"] {
        assert!(error(name).contains("expected `matmul:RxKxC:BITS`"), "{}", error(name));
    }
    assert!(error("aes128:1").contains("expected `aes128`"));
}

#[test]
fn circuits_too_large_for_memory_are_refused_before_they_are_built() {
    let most = u32::MAX;
    for name in [
        format!("matmul:{most}x{most}x{most}:{most}"),
        format!("bubble-sort:{most}:{most}"),
        format!("bubble-sort:1:{most}"),
        format!("hamming:{most}"),
        "mult:20000".to_owned(),
        "relu-layer:5000000:32".to_owned(),
    ] {
        assert!(circuit(&name).unwrap_err().to_string().contains("expected at most 134217728 together"), "{name}");
    }
}
