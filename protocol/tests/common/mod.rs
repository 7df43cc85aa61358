//! What the tests of circuits share.

#![allow(dead_code, reason = "not every test uses all of it")]

use pisim_protocol::netlist::{BristolFile, Netlist, circuit};
use std::fmt::Write;

/// The circuit of a generator.
pub fn built(name: &str) -> Netlist {
    circuit(name).unwrap().netlist
}

/// The lowest `width` bits, least significant first.
pub fn bits(value: u128, width: usize) -> Vec<bool> {
    (0..width).map(|bit| bit < 128 && value >> bit & 1 == 1).collect()
}

/// The number of bits, least significant first.
pub fn number(bits: &[bool]) -> u128 {
    bits.iter().rev().fold(0, |number, bit| number << 1 | u128::from(*bit))
}

/// A number of `width` bits as two's complement has it.
pub fn signed(value: u128, width: usize) -> i128 {
    if value >> (width - 1) & 1 == 1 { value as i128 - (1 << width) } else { value as i128 }
}

/// The numbers of words of `width` bits.
pub fn numbers(bits: &[bool], width: usize) -> Vec<u128> {
    bits.chunks(width).map(number).collect()
}

/// The outputs, as numbers of `width` bits, for words of `width` bits.
pub fn run(name: &str, words: &[u128], width: usize) -> Vec<u128> {
    let netlist = built(name);
    let inputs: Vec<bool> = words.iter().flat_map(|word| bits(*word, width)).collect();
    assert_eq!(inputs.len(), netlist.inputs.iter().sum::<usize>(), "{name}");
    numbers(&netlist.evaluate(&inputs), width)
}

/// The circuit as a file.
pub fn text(netlist: &Netlist) -> String {
    let mut bytes = Vec::new();
    netlist.write_bristol(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// A file's circuit.
pub fn read(text: &str) -> BristolFile {
    BristolFile::from_bytes("c.txt", text.as_bytes()).unwrap()
}

/// Bristol Fashion's neg64 as published: its first gate copies bit 0, and the carries start from that copy. A circuit
/// knows no copies, so no generator can give this file.
pub fn neg64() -> String {
    let mut text = String::from("190 254\n1 64\n1 64\n\n1 1 0 190 EQW\n1 1 190 64 INV\n");
    for bit in 1..64 {
        writeln!(text, "1 1 {bit} {} INV", 64 + bit).unwrap();
        let carry = if bit == 1 { 64 } else { 126 + bit };
        writeln!(text, "2 1 {carry} {} {} XOR", 64 + bit, 190 + bit).unwrap();
        if bit < 63 {
            writeln!(text, "2 1 {carry} {} {} AND", 64 + bit, 127 + bit).unwrap();
        }
    }
    text
}
