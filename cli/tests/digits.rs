//! Trained networks through the real binary: quantised, answered privately, reported.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod common;

use common::Folder;
use serde_json::{Value, json};

const DIGITS: &str = include_str!("../../configs/experiments/digits.toml");
const HRN: &[u8] = include_bytes!("../../configs/digits/hrn.onnx");
const IMAGES: &[u8] = include_bytes!("../../configs/digits/test-images.npy");
const HRN_NAME: &str = "configs/digits/hrn.onnx";
const SAMPLES: [&str; 2] = ["--samples", "configs/digits/calibration-images.npy"];

/// The shipped experiment with few pictures and one platform.
fn few(count: usize) -> String {
    let text = DIGITS.replace("count = 360", &format!("count = {count}"));
    let text = text.replace("[\"cpu-lan\", \"haac-hbm2\", \"fpga-u280\"]", "[\"cpu-lan\"]");
    assert_ne!(text, DIGITS);
    text
}

#[test]
fn every_private_answer_to_the_shipped_digits_is_the_integers_and_the_report_shows_it() {
    let folder = Folder::new();
    folder.write("few.toml", few(6));
    let result = folder.json(&["run", "few.toml", "--out", "out"]);
    let runs = result["report"]["accuracy"].as_array().unwrap();
    assert_eq!(runs.len(), 2);
    for run in runs {
        assert_eq!((&run["images"], &run["exact"], &run["work_matching"]), (&json!(6), &json!(6), &json!(6)), "{run}");
        assert_eq!(run["proven"], true);
        // The whole test set without cryptography: the accuracy that the networks were shipped with, in integers too.
        let whole = &run["whole_set"];
        assert_eq!(whole["images"], 360);
        for right in ["float_right", "integer_right"] {
            assert!(whole[right].as_u64().unwrap() >= 350, "{right}: {whole}");
        }
        let answers = run["answers"].as_array().unwrap();
        assert_eq!(answers.len(), 6);
        for answer in answers {
            assert_eq!((&answer["private"], &answer["exact"]), (&answer["integer"], &json!(true)), "{answer}");
        }
        let right = |of: &str| answers.iter().filter(|answer| answer[of] == answer["label"]).count();
        assert_eq!(run["private_right"], right("private"));
        assert_eq!(run["float_right"], right("float"));
        assert!(run["wall_s"]["offline"].as_f64().unwrap() > 0.0);
    }
    let page = std::fs::read_to_string(folder.path().join("out/index.html")).unwrap();
    for word in ["Answered privately", "Private answers of", "measured", "6 of 6", "proven bounds need"] {
        assert!(page.contains(word), "the page does not say {word}");
    }
    let csv = std::fs::read_to_string(folder.path().join("out/figures/answers-hrn.csv")).unwrap();
    assert_eq!(csv.lines().count(), 7, "{csv}");
    // The same seed gives the same answers, another one other keys and the same answers.
    let again = folder.json(&["run", "few.toml", "--out", "again", "--seed", "9"]);
    let answers = |result: &Value| result["report"]["accuracy"][0]["answers"].clone();
    assert_eq!(answers(&again), answers(&result));
    assert_eq!(again["report"]["seed"], 9);
}

#[test]
fn too_few_right_answers_fail_the_experiment_and_say_so() {
    let folder = Folder::new();
    // Labels that are all wrong: every digit is said to be the next one.
    let labels = include_bytes!("../../configs/digits/test-labels.npy");
    let (header, values) = labels.split_at(labels.len() - 360);
    let moved: Vec<u8> = values.iter().map(|label| (label + 1) % 10).collect();
    folder.write("wrong.npy", [header, &moved].concat());
    folder.write("wrong.toml", few(2).replace("configs/digits/test-labels.npy", "wrong.npy"));
    let answer = folder.pisim(&["run", "wrong.toml", "--out", "out"]);
    assert_eq!(answer.code, Some(1), "{}", answer.stderr);
    assert!(answer.stdout.contains("FAILED: hrn: 0.0 % of the private answers are right"), "{}", answer.stdout);
}

#[test]
fn quantisation_is_reported_by_layer_and_a_ring_that_is_too_small_with_the_fix() {
    let folder = Folder::new();
    let report = folder.json(&[&["net", "quantise", HRN_NAME][..], &SAMPLES].concat());
    assert_eq!(
        (&report["proven"], &report["samples"], &report["overflowing_samples"]),
        (&json!(true), &json!(128), &json!(0))
    );
    assert!(report["top1_agreement"].as_u64().unwrap() >= 126, "{report}");
    let layers = report["layers"].as_array().unwrap();
    let bits: std::collections::BTreeSet<u64> =
        layers.iter().filter_map(|layer| layer["weight_fraction_bits"].as_u64()).collect();
    assert!(bits.len() > 1, "every layer has the same scale: {bits:?}");
    for layer in layers {
        assert!(layer["spare_bits"].as_i64().unwrap() >= 0, "{layer}");
        let within = |end: &str, sign: f64| {
            sign * layer["sampled"][end].as_f64().unwrap() <= sign * layer["proven"][end].as_f64().unwrap() + 0.1
        };
        assert!(within("high", 1.0) && within("low", -1.0), "{layer}");
    }
    // A narrow ring: refused as not proven, with the bits that would do; and those do.
    let edited = |bits: &str| common::PROTOCOL.replacen("bits = 32", &format!("bits = {bits}"), 1);
    folder.write("narrow.toml", edited("22"));
    let narrow = folder.pisim(&[&["net", "quantise", HRN_NAME, "-p", "narrow.toml"][..], &SAMPLES].concat());
    assert_eq!(narrow.code, Some(1), "{}", narrow.stderr);
    assert!(narrow.stdout.contains("NOT PROVEN"), "{}", narrow.stdout);
    let needed = narrow.stderr.split("ring_bits = ").nth(1).unwrap().split(' ').next().unwrap();
    assert!(needed.parse::<u32>().unwrap() > 22, "{}", narrow.stderr);
    folder.write("enough.toml", edited(needed));
    let enough = folder.json(&[&["net", "quantise", HRN_NAME, "-p", "enough.toml"][..], &SAMPLES].concat());
    assert_eq!((&enough["proven"], &enough["ring_bits"]), (&json!(true), &json!(needed.parse::<u32>().unwrap())));
}

#[test]
fn files_of_the_users_stand_before_shipped_ones_and_wrong_ones_are_refused() {
    let folder = Folder::new();
    folder.write("mine.onnx", HRN);
    folder.write("mine.npy", IMAGES);
    let mine = folder.json(&["net", "quantise", "mine.onnx", "--samples", "mine.npy"]);
    assert_eq!((&mine["network"], &mine["samples"]), (&json!("mine"), &json!(360)));
    folder.write("cut.onnx", &HRN[..HRN.len() / 2]);
    folder.write("cut.npy", &IMAGES[..1000]);
    for (arguments, says) in [
        (vec!["net", "quantise", "cut.onnx"], "cut.onnx"),
        (vec!["net", "quantise", "nowhere.onnx"], "nowhere.onnx"),
        (vec!["net", "quantise", "mine.onnx", "--samples", "cut.npy"], "needs 23040 bytes of values"),
        (
            vec!["net", "quantise", "mine.onnx", "--samples", "mine.npy", "--input-range", "0:0.5"],
            "beyond the input range",
        ),
    ] {
        let error = folder.refusal(&arguments);
        assert!(error.contains(says), "{arguments:?}: {error}");
    }
    let range = folder.pisim(&["net", "quantise", "mine.onnx", "--input-range", "1:0"]);
    assert!(range.code == Some(2) && range.stderr.contains("smaller one first"), "{}", range.stderr);
}
