//! The command: files for good input, exit code 2 and a reason for bad input.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

use pisim_reports::results::Frame;
use std::path::Path;
use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pisim-train")).args(arguments).output().unwrap()
}

#[test]
fn bad_input_is_refused_before_any_training_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::create_dir(path("data")).unwrap();
    std::fs::write(path("data/train-images.npy"), b"no array").unwrap();
    std::fs::write(path("file"), b"").unwrap();
    let out = path("out");
    for (arguments, reason) in [
        (vec!["--data", &path("nowhere")], "train-images.npy: cannot read the array"),
        (vec!["--data", &path("data")], "train-images.npy: no NumPy array"),
        (vec!["--budgets", "100,5000"], "--budgets: 5000 is not possible: expected a number from 1 to 1583"),
        (vec!["--budgets", "0"], "0 is not possible"),
        (vec!["-H", "cpu-lann"], "cpu-lan"),
        (vec!["-p", "ring-gcc"], "ring-gc"),
        (vec!["-n", "hrn-digit"], "hrn-digits"),
        (vec!["-n", "resnet20"], "its input is 3x32x32; the images need 1x8x8"),
        (vec!["--epochs", "0"], "--epochs"),
        (vec!["--out", &path("file/out")], "is not a folder"),
    ] {
        let mut all = vec!["--out", out.as_str()];
        if arguments.first() == Some(&"--out") {
            all.clear();
        }
        all.extend(arguments.iter().copied());
        let output = run(&all);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(reason), "{arguments:?}: {error}");
        assert!(!Path::new(&out).exists(), "{arguments:?}");
    }
}

#[test]
fn a_short_run_writes_every_table_and_figure() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let text = out.display().to_string();
    let output = run(&["--epochs", "2", "--seeds", "1", "--budgets", "1200", "--published", "--out", &text]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains("culled, thinned, reshaped") && printed.contains("index.html"), "{printed}");
    for name in ["accuracy-relus", "accuracy-latency", "published-cifar100"] {
        for kind in ["png", "svg", "csv"] {
            assert!(out.join(format!("figures/{name}.{kind}")).is_file(), "{name}.{kind}");
        }
    }
    let rows = Frame::read(out.join("results.csv")).unwrap();
    assert_eq!(rows.rows(), Frame::read(out.join("results.parquet")).unwrap().rows());
    let relus = rows.numbers("relus").unwrap();
    assert_eq!(relus.iter().filter(|relus| **relus == 1200.0).count(), 2);
    assert!(rows.numbers("accuracy_integer").unwrap().iter().all(|accuracy| (0.05..=1.0).contains(accuracy)));
    let page = std::fs::read_to_string(out.join("index.html")).unwrap();
    assert!(page.contains("8x8 digits, measured accuracy") && page.contains("modelled for ring-gc on cpu-lan"));
}
