//! `pisim hardware circuit`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod common;

use common::Folder;
use serde_json::Value;

fn circuit(options: &[&str]) -> Value {
    Folder::new().json(&[&["hardware", "circuit"], options].concat())
}

fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or_else(|| panic!("{key} of {value}"))
}

#[test]
fn a_circuit_has_its_counts_cycles_and_bytes() {
    let adder = circuit(&["add:16"]);
    for (key, expected) in [("gates", 77.0), ("and", 15.0), ("inv", 0.0), ("and_depth", 15.0), ("levels", 47.0)] {
        assert_eq!(number(&adder, key), expected, "{key}");
    }
    assert_eq!(adder["circuit"], "add:16");
    // HAAC (ISCA'23), Table 5: 0.396 us.
    assert_eq!(number(&adder, "cycles"), 396.0);
    assert_eq!(number(&adder, "seconds"), 396e-9);
    assert_eq!(number(&adder, "table_bytes"), 15.0 * 32.0);
    assert_eq!(adder["bound"], "chain");
    let parts = number(&adder, "engine_energy_j") + number(&adder, "memory_energy_j");
    assert!((number(&adder, "energy_j") / parts - 1.0).abs() < 1e-12);
}

#[test]
fn every_cycle_of_every_engine_has_a_cause() {
    for options in [&["hamming:50"][..], &["matmul:3x3x3:8", "--role", "evaluate"], &["mult:16", "-H", "fpga-u280"]] {
        let answer = circuit(options);
        let spent: f64 = answer["engine_cycles"].as_object().unwrap().values().filter_map(Value::as_f64).sum();
        assert_eq!(spent, number(&answer, "engines") * number(&answer, "cycles"), "{answer}");
        assert!(
            answer["floor_cycles"]
                .as_object()
                .unwrap()
                .values()
                .all(|floor| floor.as_f64().unwrap() <= number(&answer, "cycles"))
        );
    }
}

#[test]
fn role_and_order_matter() {
    let base = circuit(&["mult:32"]);
    let evaluated = circuit(&["mult:32", "--role", "evaluate"]);
    assert!(number(&evaluated, "cycles") < number(&base, "cycles"));
    assert!(number(&evaluated, "energy_j") < number(&base, "energy_j"));
    let unordered = circuit(&["mult:32", "--order", "baseline"]);
    assert!(number(&unordered, "cycles") > 5.0 * number(&base, "cycles"));
    assert_eq!((&unordered["order"], &base["order"]), (&"baseline".into(), &"full".into()));
    assert_eq!(number(&circuit(&["mult:32", "--order", "segment"]), "cycles"), number(&base, "cycles"), "one segment");
}

#[test]
fn the_table_says_what_bounds_it() {
    let answer = Folder::new().pisim(&["hardware", "circuit", "add:64"]);
    assert_eq!(answer.code, Some(0));
    assert!(
        answer.stdout.contains("bound by chain") && answer.stdout.contains("waiting for operands"),
        "{}",
        answer.stdout
    );
    let help = Folder::new().pisim(&["hardware", "circuit", "--help"]).stdout;
    assert!(help.contains("Examples:") && help.contains("matmul:RxKxC:BITS") && help.contains("sha256"), "{help}");
}

#[test]
fn a_circuit_is_written_as_a_file_that_is_the_same_circuit() {
    let folder = Folder::new();
    let written = folder.json(&["hardware", "circuit", "divide:8", "-o", "divide8.txt"]);
    assert_eq!(written["output"], "divide8.txt");
    let read = folder.json(&["hardware", "circuit", "./divide8.txt"]);
    assert_eq!(read.get("output"), None);
    for key in ["gates", "and", "xor", "inv", "and_depth", "levels", "cycles", "memory_bytes"] {
        assert_eq!(read[key], written[key], "{key}");
    }
    let error = folder.refusal(&["hardware", "circuit", "add:8", "-o", "no/such/folder/add8.txt"]);
    assert!(error.contains("cannot write no/such/folder/add8.txt"), "{error}");
}

#[test]
fn impossible_circuits_and_platforms_are_refused() {
    for (options, says) in [
        (&["hardware", "circuit", "addd:8"][..], "addd"),
        (&["hardware", "circuit", "add:8", "-H", "cpu-lan"], "its server has no GC engine"),
        (&["hardware", "circuit", "add:8", "--party", "client"], "its client has no GC engine"),
        (&["hardware", "circuit", "add:8", "-H", "haac"], "unknown platform"),
        (&["hardware", "circuit", "add:8", "--role", "sell"], "garble"),
        (&["hardware", "circuit", "no/such/file.txt"], "no/such/file.txt"),
    ] {
        let error = Folder::new().refusal(options);
        assert!(error.contains(says), "{options:?}: {error}");
    }
}
