//! `pisim calibrate`, and `pisim verify` on what it wrote. No time is ever asserted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod common;

use common::Folder;
use std::time::{Duration, Instant};

#[test]
fn a_calibrated_machine_loads_as_a_platform_and_verify_compares_its_phases() {
    let folder = Folder::new();
    let answer = folder.json(&["calibrate", "-o", "here.toml"]);
    assert_eq!(answer["output"], "here.toml");
    assert_eq!(answer["platform"], std::fs::read_to_string(folder.path().join("here.toml")).unwrap());
    for (key, seconds) in answer["cost_s"].as_object().unwrap() {
        let seconds = seconds.as_f64().unwrap();
        assert!((0.0..1e-2).contains(&seconds), "{key}: {seconds}");
    }
    let small = ["-n", "resnet20", "--base-channels", "1", "--input", "8", "-H", "here.toml"];
    let simulated = folder.json(&[&["simulate"][..], &small].concat());
    let verified = folder.json(&[&["verify"][..], &small].concat());
    assert_eq!(verified["exact"], true);
    let predicted = &verified["predicted_s"];
    assert_eq!(predicted["hardware"], "calibrated");
    for phase in ["setup", "offline", "online"] {
        assert_eq!(predicted[phase], simulated["latency_s"][phase], "the prediction is the simulator's");
        assert!(predicted["error_pct"][phase].as_f64().unwrap().is_finite(), "{predicted}");
    }
}

#[test]
fn the_machine_at_hand_is_measured_around_a_run_and_several_runs_are_one_result() {
    let folder = Folder::new();
    let small = ["verify", "-n", "resnet20", "--base-channels", "1", "--input", "8"];
    let here = folder.json(&[&small[..], &["-H", "here"]].concat());
    let predicted = &here["predicted_s"];
    assert_eq!((&here["exact"], &here["runs"], &predicted["hardware"]), (&true.into(), &1.into(), &"here".into()));
    assert!(predicted["drift_pct"].as_f64().unwrap().is_finite(), "{predicted}");
    assert!(predicted["offline"].as_f64().unwrap() > 0.0, "{predicted}");
    let three = folder.json(&[&small[..], &["--runs", "3"]].concat());
    assert_eq!((&three["exact"], &three["runs"], three.get("predicted_s")), (&true.into(), &3.into(), None));
}

#[test]
fn an_unwritable_platform_file_is_refused_before_the_measurement() {
    let folder = Folder::new();
    folder.write("file", "mine");
    let start = Instant::now();
    let error = folder.refusal_line(&["calibrate", "-o", "file/here.toml"]);
    assert!(error.contains("cannot write") && error.contains("file/here.toml"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(std::fs::read(folder.path().join("file")).unwrap(), b"mine");
}
