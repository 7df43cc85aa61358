//! Circuit files: round trips, and a fault with file and line for everything that is wrong.

#![allow(clippy::unwrap_used, reason = "in tests, a broken expectation is a failed test")]

mod common;

use common::{neg64, read, text};
use pisim_protocol::circuit::{Bit, Builder, Circuit, Inputs};
use pisim_protocol::netlist::{BristolFile, FAMILIES, Format, Netlist, circuit};
use proptest::prelude::*;
use std::fmt::Write;

fn error(text: impl AsRef<[u8]>) -> String {
    BristolFile::from_bytes("c.txt", text.as_ref()).unwrap_err().to_string()
}

#[test]
fn a_copy_counts_as_gate_and_level_of_the_file_but_not_of_the_circuit() {
    let file = read(&neg64());
    let stats = file.stats;
    assert_eq!((stats.gates, stats.wires, stats.and, stats.xor, stats.inv, stats.copies), (190, 254, 62, 63, 64, 1));
    assert_eq!((stats.and_depth, stats.levels, stats.max_level_width), (62, 65, 64));
    let generated = circuit("neg:64").unwrap();
    assert_eq!((generated.stats.gates, generated.stats.levels), (189, 64));
    assert_eq!(read(&text(&generated.netlist)).stats.gates, 190, "its first output is an input, so it is copied");
    for value in [0u64, 1, 2, u64::MAX, 1 << 63, 0x1234_5678_9abc_def0] {
        let bits = |value: u64| (0..64).map(|bit| value >> bit & 1 == 1).collect::<Vec<_>>();
        assert_eq!(file.netlist.evaluate(&bits(value)), bits(value.wrapping_neg()));
        assert_eq!(generated.netlist.evaluate(&bits(value)), bits(value.wrapping_neg()));
    }
}

#[test]
fn a_file_by_path_is_read_by_the_entry_point() {
    let folder = std::env::temp_dir().join(format!("pisim-netlist-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("neg.txt");
    std::fs::write(&path, neg64()).unwrap();
    let named = circuit(path.to_str().unwrap()).unwrap();
    assert_eq!((named.stats.gates, named.netlist.circuit.gates.len()), (190, 189));
    std::fs::remove_dir_all(&folder).unwrap();
    let error = circuit(path.to_str().unwrap()).unwrap_err().to_string();
    assert!(
        error.contains("cannot read the file") && error.contains("expected a circuit in Bristol format"),
        "{error}"
    );
    assert!(circuit("no-such.bristol").unwrap_err().to_string().starts_with("no-such.bristol: cannot read"));
}

/// Old format: (a ∧ b) ⊕ ¬a for one bit of each party.
const OLD: &str = "3 5\n1 1 1\n\n2 1 0 1 2 AND\n1 1 0 3 NOT\n2 1 2 3 4 XOR\n";

#[test]
fn both_formats_and_all_kinds_are_read() {
    let old = read(OLD);
    assert_eq!(
        (old.format, old.netlist.inputs.as_slice(), old.netlist.outputs.as_slice()),
        (Format::Bristol, [1, 1].as_slice(), [1].as_slice())
    );
    let table = |file: &BristolFile| {
        [[false, false], [true, false], [false, true], [true, true]].map(|bits| file.netlist.evaluate(&bits)[0])
    };
    assert_eq!(table(&old), [true, false, true, true]);
    // Two products of bits of both parties, the constant one, and a copy of the last input; with a Windows line end.
    let new = read("3 8\r\n2 2 2\n2 2 2\n\n4 2 0 1 2 3 4 5 MAND\n1 1 1 6 EQ\n1 1 3 7 EQW\n\n");
    assert_eq!((new.stats.and, new.stats.copies, new.stats.gates, new.declared_gates), (2, 2, 4, 3));
    assert_eq!((new.format, new.netlist.constants.as_slice()), (Format::BristolFashion, [true].as_slice()));
    for inputs in (0..16).map(|bits| [0, 1, 2, 3].map(|bit| bits >> bit & 1 == 1)) {
        let [a, b, c, d] = inputs;
        assert_eq!(new.netlist.evaluate(&inputs)[2..], [true, d]);
        let products = read("1 6\n2 2 2\n1 2\n4 2 0 1 2 3 4 5 MAND").netlist;
        assert_eq!(products.evaluate(&inputs), [a & c, b & d]);
    }
}

#[test]
fn gates_in_any_order_are_sorted() {
    let sorted = read("3 5\n1 1 1\n2 1 2 3 4 XOR\n1 1 0 3 INV\n2 1 0 1 2 AND\n");
    assert!(sorted.sorted && !read(OLD).sorted);
    for bits in [[false, true], [true, true], [true, false]] {
        assert_eq!(sorted.netlist.evaluate(&bits), read(OLD).netlist.evaluate(&bits));
    }
    assert_eq!((sorted.stats.levels, sorted.stats.and_depth), (2, 1));
}

#[test]
fn every_fault_names_file_and_line_and_what_was_expected() {
    const FASHION: &str = "1 3\n2 1 1\n1 1\n";
    let cases: &[(&str, &str)] = &[
        ("", "c.txt:1:1: the file ends here; expected the numbers of gates and of wires"),
        ("3\n", "c.txt:1:1: 1 words; expected the numbers of gates and of wires"),
        ("x 3\n", "c.txt:1:1: `x` is not a number; expected the number of gates"),
        ("3 -1\n", "c.txt:1:3: `-1` is not a number; expected the number of wires"),
        ("3 99999999999999999999\n", "c.txt:1:3: `99999999999999999999` is too large; expected the number of wires"),
        ("1 3\n", "c.txt:2:1: the file ends here; expected the numbers of inputs"),
        ("1 3\n2 1 x\n1 1\n", "c.txt:2:5: `x` is not a number; expected a number of inputs"),
        ("1 3\n2 1 1\n", "c.txt:3:1: the file ends here; expected gate 1 of 1"),
        ("1 3\n3 1 1\n1 1\n", "c.txt:2:1: 3 groups of inputs, but 2 sizes; expected one for each"),
        ("1 3\n2 2 2\n1 1\n", "c.txt:2:5: too many inputs; expected at most as many as the 3 wires"),
        ("1 3\n2 1 1\n1 4\n", "c.txt:3:3: too many outputs; expected at most as many as the 3 wires"),
        ("1 3\n1 1 2\n2 1 0 1 2 AND", ""),
        ("1 3\n1 1 4\n2 1 0 1 2 AND", "c.txt:2:5: too many outputs; expected at most as many as the 3 wires"),
    ];
    let gates: &[(&str, &str)] = &[
        ("", "c.txt:4:1: the file ends here; expected gate 1 of 1"),
        ("2 1 0 1 2 AND\n\n  2 1 0 1 2 AND", "c.txt:6:3: more gates than declared; expected the file to end after 1"),
        ("2 1 0 1 AND", "c.txt:4:1: 2 wires; expected 2 inputs and 1 outputs as the gate says"),
        ("1 1 0 2 AND", "c.txt:4:1: AND with 1 inputs and 1 outputs; expected 2 inputs and 1 output"),
        ("2 1 0 1 2 INV", "c.txt:4:1: INV with 2 inputs and 1 outputs; expected 1 input and 1 output"),
        ("2 1 0 1 2 MAND", ""),
        ("3 1 0 1 1 2 MAND", "c.txt:4:1: MAND with 3 inputs and 1 outputs; expected two inputs for each output"),
        ("0 0 MAND", "c.txt:4:1: MAND with 0 inputs and 0 outputs; expected two inputs for each output"),
        (
            "2 1 0 1 2 ADN",
            "c.txt:4:11: unknown gate `ADN`; expected one of AND, XOR, INV, NOT, EQ, EQW, MAND; did you mean `AND`?",
        ),
        (
            "2 1 0 1 2 xor",
            "c.txt:4:11: unknown gate `xor`; expected one of AND, XOR, INV, NOT, EQ, EQW, MAND; did you mean `XOR`?",
        ),
        ("2 1 0 1 2", "c.txt:4:9: the gate's kind is missing; expected one of"),
        ("AND", "c.txt:4:1: 1 words are no gate; expected numbers of inputs and outputs, their wires and a kind"),
        ("2 1 0 b 2 AND", "c.txt:4:7: `b` is not a number; expected the number of a wire"),
        ("2 1 0 3 2 AND", "c.txt:4:7: wire 3 is out of range; expected a number below 3, the number of wires"),
        ("1 1 2 2 EQ", "c.txt:4:5: `2` is not a constant; expected 0 or 1"),
        ("2 1 0 1 1 AND", "c.txt:4:1: wire 1 is an input; expected a wire from 2 on as output"),
        ("2 1 0 2 2 AND", "c.txt:4:1: a cycle: wire 2 (line 4) needs 2; expected no gate to need its own output"),
        ("18446744073709551615 1 0 1 2 AND", "c.txt:4:1: 3 wires; expected 18446744073709551615 inputs"),
    ];
    let gates = gates.iter().map(|(gate, expected)| (format!("{FASHION}{gate}"), *expected));
    for (text, expected) in cases.iter().map(|(text, expected)| (text.to_string(), *expected)).chain(gates) {
        match BristolFile::from_bytes("c.txt", text.as_bytes()) {
            Ok(_) => assert_eq!(expected, "", "{text}"),
            Err(error) => assert!(!expected.is_empty() && error.to_string().starts_with(expected), "{text}\n{error}"),
        }
    }
    assert_eq!(
        error(b"1 3\n2 1 1\n1 1\n2 1 0 1 2 \xff"),
        "c.txt:4:1: not UTF-8 text; expected a circuit in Bristol format"
    );
}

#[test]
fn wires_must_be_driven_exactly_once_and_not_in_a_cycle() {
    let twice = error("2 4\n2 1 1\n1 1\n2 1 0 1 2 AND\n2 1 0 1 2 XOR\n");
    assert_eq!(twice, "c.txt:5:1: wire 2 is driven twice; expected only the gate of line 4 to drive it");
    let undriven = error("2 5\n2 1 1\n1 1\n2 1 0 1 2 AND\n2 1 2 3 4 XOR\n");
    assert_eq!(undriven, "c.txt:5:1: wire 3 is not driven; expected a gate whose output it is");
    let unused = error("1 1000000000000\n2 1 1\n1 1\n2 1 0 1 2 AND\n");
    assert_eq!(
        unused,
        "c.txt:1:3: 1000000000000 wires, but nothing drives wire 3; expected 3: inputs and outputs of gates"
    );
    let cycle = error("4 6\n2 1 1\n1 1\n2 1 0 1 5 AND\n2 1 0 3 2 AND\n1 1 4 3 INV\n2 1 2 1 4 XOR\n");
    let expected = "c.txt:5:1: a cycle: wire 2 (line 5) needs 3 (line 6) needs 4 (line 7) needs 2; \
                    expected no gate to need its own output";
    assert_eq!(cycle, expected);
}

#[test]
fn a_small_file_that_declares_a_billion_gates_or_inputs_takes_no_memory() {
    let gates = error("1000000000 1000000002\n2 1 1\n1 1\n2 1 0 1 2 AND\n");
    assert_eq!(gates, "c.txt:5:1: the file ends here; expected gate 2 of 1000000000");
    let inputs = error("1 1000000001\n1 1000000000\n1 1\n2 1 0 1 1000000000 AND\n");
    let expected = "c.txt:2:1: 1000000000 inputs, more than the file can use; expected at most 1048576";
    assert!(inputs.starts_with(expected), "{inputs}");
}

/// A circuit of the protocol: constants folded, outputs that repeat, are inputs or constants, offline inputs that are
/// no constants.
fn folded(bits: usize) -> Circuit {
    let inputs = Inputs { garbler_online: bits, evaluator: bits, garbler_offline: bits };
    let mut builder = Builder::new(inputs);
    let (a, b, mask) = (builder.garbler_online(), builder.evaluator(), builder.garbler_offline());
    let sum = builder.add(&a, &b);
    let mut outputs = builder.add(&sum, &mask);
    let again = outputs[0];
    outputs.extend([again, a[0], Bit::Const(true), Bit::Const(false), mask[bits - 1]]);
    builder.finish(outputs)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn written_circuits_read_back_as_the_same_function_with_the_same_gates(
        bits in 1usize..9,
        values in prop::collection::vec(any::<bool>(), 27),
    ) {
        let circuit = folded(bits);
        let (inputs, outputs) = (vec![bits; 3], vec![circuit.outputs.len()]);
        let netlist = Netlist { circuit, constants: Vec::new(), inputs, outputs };
        let file = read(&text(&netlist));
        prop_assert_eq!(file.netlist.evaluate(&values[..3 * bits]), netlist.evaluate(&values[..3 * bits]));
        let (stats, circuit) = (file.stats, &netlist.circuit);
        let counts = (circuit.and_gates(), circuit.xor_gates(), circuit.inv_gates(), 5);
        prop_assert_eq!((stats.and, stats.xor, stats.inv, stats.copies), counts);
    }

    #[test]
    fn every_generated_circuit_reads_back_as_itself(
        family in 0..FAMILIES.len(),
        sizes in prop::collection::vec(1u32..7, 4),
    ) {
        let mut name = FAMILIES[family].name().to_owned();
        let mut sizes = sizes.into_iter();
        for field in FAMILIES[family].form.split(':').skip(1) {
            let field: Vec<String> = field.split('x').map(|_| sizes.next().unwrap().to_string()).collect();
            write!(name, ":{}", field.join("x")).unwrap();
        }
        let netlist = circuit(&name).unwrap().netlist;
        let file = read(&text(&netlist));
        // Outputs that repeat, are inputs or the constant are copied; the constant is a gate of the file.
        prop_assert!(file.stats.copies >= netlist.constants.len() as u64);
        prop_assert_eq!(file.stats.gates - file.stats.copies, netlist.circuit.gates.len() as u64);
        prop_assert_eq!(file.netlist, netlist);
    }

    #[test]
    fn any_order_of_the_gates_gives_the_same_function(keys in prop::collection::vec(any::<u32>(), 400), a: u8, b: u8) {
        let netlist = circuit("mult:8").unwrap().netlist;
        let text = text(&netlist);
        let (header, gates) = text.split_once("\n\n").unwrap();
        let mut gates: Vec<(u32, &str)> = keys.into_iter().zip(gates.lines()).collect();
        prop_assert_eq!(gates.len(), netlist.circuit.gates.len() + 1);
        gates.sort_unstable();
        let shuffled = gates.into_iter().fold(format!("{header}\n"), |text, (_, gate)| format!("{text}{gate}\n"));
        let file = read(&shuffled);
        let inputs: Vec<bool> = (0..16).map(|bit| (u16::from(a) | u16::from(b) << 8) >> bit & 1 == 1).collect();
        prop_assert_eq!(file.netlist.evaluate(&inputs), netlist.evaluate(&inputs));
        prop_assert_eq!(file.stats, read(&text).stats);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = BristolFile::from_bytes("c.txt", &bytes);
    }

    #[test]
    fn no_words_of_the_format_make_the_reader_panic(
        words in prop::collection::vec("[0-9]|1[0-9]{9,20}|AND|XOR|INV|EQ|EQW|MAND|\n|µ|-1", 0..60),
    ) {
        let _ = BristolFile::from_bytes("c.txt", words.join(" ").as_bytes());
    }

    /// A valid file with bytes changed, cut out, doubled: read as some circuit whose counts hold, or refused at a line.
    #[test]
    fn a_damaged_file_is_refused_with_a_line_or_read_as_a_whole_circuit(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..40, prop::option::of(any::<u8>())), 1..4),
        digits: bool,
    ) {
        let mut bytes = neg64().into_bytes();
        for (at, length, byte) in edits {
            let start = at.index(bytes.len().max(1));
            match byte {
                Some(byte) if start < bytes.len() => bytes[start] = if digits { b'0' + byte % 10 } else { byte },
                Some(_) => bytes.push(b'\n'),
                None => drop(bytes.drain(start.min(bytes.len())..(start + length).min(bytes.len()))),
            }
        }
        match BristolFile::from_bytes("c.txt", &bytes) {
            Err(error) => prop_assert!(error.line().is_some_and(|line| line > 0), "{}", error),
            Ok(file) => {
                let inputs: usize = file.netlist.inputs.iter().sum();
                prop_assert_eq!(file.stats.wires, file.stats.gates + inputs as u64);
                prop_assert_eq!(file.netlist.circuit.outputs.len(), file.netlist.outputs.iter().sum::<usize>());
                let gates = file.stats.gates - file.stats.copies;
                prop_assert_eq!(file.netlist.circuit.gates.len() as u64, gates);
            }
        }
    }
}
