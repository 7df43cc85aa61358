//! Networks as ONNX files on the command line: exported, shown, simulated, run privately, served.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod common;

use common::Folder;
use serde_json::Value;

const SMALL: [&str; 5] = ["resnet20", "--input", "8", "--base-channels", "1"];

fn export(folder: &Folder, file: &str, more: &[&str]) -> Value {
    folder.json(&[&["net", "export"], &SMALL[..], &["-o", file], more].concat())
}

#[test]
fn an_exported_network_is_shown_simulated_and_answered_privately_like_the_built_in_one() {
    let folder = Folder::new();
    let exported = export(&folder, "net.onnx", &["--seed", "4"]);
    assert_eq!((exported["weights"].as_str(), exported["seed"].as_u64()), (Some("random"), Some(4)));
    let shown = |network: &[&str]| folder.json(&[&["net", "show"], network].concat());
    assert_eq!(shown(&["net.onnx"]), shown(&SMALL));
    let simulated = |network: &[&str]| folder.json(&[&["simulate", "-n"], network].concat());
    assert_eq!(simulated(&["net.onnx"]), simulated(&SMALL));
    for protocol in ["ring-gc", "delphi"] {
        let run = folder.json(&["verify", "-n", "net.onnx", "-p", protocol]);
        assert_eq!((run["exact"].as_bool(), run["work_matches"].as_bool()), (Some(true), Some(true)), "{run}");
        assert_eq!(run["outputs"], 10);
    }
}

#[test]
fn transforms_and_the_description_survive_an_export() {
    let folder = Folder::new();
    export(&folder, "net.onnx", &[]);
    let shown = |network: &[&str]| {
        let mut schedule = folder.json(&[&["net", "show"], network].concat());
        // The name of a .toml file's network is the file's.
        schedule["name"] = Value::Null;
        schedule
    };
    let culled = folder.json(&["net", "export", "net.onnx", "--cull", "s1", "--thin", "-o", "culled.onnx"]);
    assert_eq!(culled["weights"], "file");
    let expected = shown(&[&SMALL[..], &["--cull", "s1", "--thin"]].concat());
    assert_eq!(shown(&["culled.onnx"]), expected);
    let described = export(&folder, "culled.toml", &["--cull", "s1", "--thin"]);
    assert_eq!((described["weights"].as_str(), described["seed"].as_u64()), (Some("none"), None));
    assert_eq!(shown(&["culled.toml"]), expected);
    let run = folder.json(&["verify", "-n", "culled.onnx"]);
    assert_eq!(run["exact"], true, "{run}");
}

/// Weights beyond the uniform format are no reason to refuse a network: it gets fraction bits of its own.
#[test]
fn weights_that_the_format_cannot_hold_are_scaled_layer_by_layer() {
    let folder = Folder::new();
    export(&folder, "net.onnx", &[]);
    let narrow =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/protocols/ring-gc.toml")).unwrap();
    assert!(narrow.contains("weight_bits = 11"));
    folder.write("narrow.toml", narrow.replace("weight_bits = 11", "weight_bits = 9"));
    let answer = folder.pisim(&["verify", "-n", "net.onnx", "-p", "narrow.toml", "--json"]);
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    assert!(answer.stderr.contains("fraction bits are chosen layer by layer instead"), "{}", answer.stderr);
    let run: Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!(run["exact"], true);
}

#[test]
fn what_cannot_be_read_changed_or_written_is_refused_in_one_line_and_leaves_nothing() {
    let folder = Folder::new();
    export(&folder, "net.onnx", &[]);
    let bytes = std::fs::read(folder.path().join("net.onnx")).unwrap();
    folder.write("short.onnx", &bytes[..bytes.len() / 2]);
    folder.write("text.onnx", "family = \"resnet18\"\n");
    folder.write("empty.onnx", "");
    let cases: &[(&[&str], &str)] = &[
        (&["net", "show", "short.onnx"], "short.onnx: not an ONNX file, or a damaged one"),
        (&["net", "show", "text.onnx"], "text.onnx: not an ONNX file"),
        (&["verify", "-n", "empty.onnx"], "empty.onnx: the file is empty"),
        (&["simulate", "-n", "nowhere.onnx"], "nowhere.onnx"),
        (&["verify", "-n", "net.onnx", "--classes", "3"], "--classes cannot change net.onnx: an ONNX file has its own"),
        (&["verify", "-n", "net.onnx", "--input", "16"], "--input cannot change net.onnx: its input is 3x8x8"),
        (&["net", "show", "net.onnx", "--cull", "s9"], "no stage `s9`"),
        (&["net", "export", "resnet20", "-o", "net.txt"], "net.txt: expected a file that ends in .onnx or .toml"),
        (&["net", "export", "net.onnx", "-o", "net.toml"], "a .toml file names a family and its options"),
        (&["net", "export", "resnet20", "-o", "nowhere/net.onnx"], "cannot write nowhere/net.onnx"),
        (&["net", "show", "resnet21"], "a .toml or a .onnx file"),
    ];
    for (args, expected) in cases {
        let error = folder.refusal_line(args);
        assert!(error.contains(expected), "{args:?}: {error}");
    }
}

#[cfg(unix)]
#[test]
fn a_server_offers_the_weights_of_its_file() {
    use common::serving::Serving;
    use std::process::Command;
    let folder = Folder::new();
    for seed in ["1", "2"] {
        export(&folder, &format!("{seed}.onnx"), &["--seed", seed]);
    }
    let outputs = |served: &str| {
        let command = Command::new(env!("CARGO_BIN_EXE_pisim"));
        let server = Serving::offering(&folder, command, &["-n", served, "--clients", "1"]);
        let address = server.greeting["listening"].as_str().unwrap().to_owned();
        // The client needs the architecture only: it has another file's weights.
        let answer = folder.json(&["infer", "--connect", &address, "-n", "1.onnx", "--input", "seed:3"]);
        answer["outputs"].clone()
    };
    let first = outputs("1.onnx");
    assert_eq!(first, outputs("1.onnx"));
    assert_ne!(first, outputs("2.onnx"));
}
