//! Transforms, the ladder and the budget by the real binary: what is written reads back as what was said.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod common;

use common::{EXPERIMENT, Folder, assert_keys};
use serde_json::{Value, json};

fn array(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("no array: {value}"))
}

#[test]
fn transforms_by_option_and_by_file_are_the_same_network() {
    let folder = Folder::new();
    folder.write(
        "mine.toml",
        "family = \"resnet18\"\n[[transform]]\nkind = \"cull\"\nstages = [\"stem\", \"s1\"]\n[[transform]]\nkind = \"thin\"\n\
         [[transform]]\nkind = \"reshape\"\na = 0.5\n[[transform]]\nkind = \"relu-reuse\"\nfactor = 2\n",
    );
    let transforms =
        ["--transform", "cull:stages=stem+s1", "--transform", "thin", "--transform", "reshape:a=0.5", "--transform"];
    let by_option = folder.json(&[&["net", "show", "resnet18"][..], &transforms, &["relu-reuse:factor=2"]].concat());
    let by_file = folder.json(&["net", "show", "mine.toml"]);
    assert_eq!((&by_option["layers"], &by_option["stages"]), (&by_file["layers"], &by_file["stages"]));
    assert_eq!(by_option["relus"], 57_344 / 2);
    // The options of before do the same as their transforms.
    let culled = folder.json(&["net", "show", "resnet18", "--cull", "stem,s1", "--thin"]);
    let listed = folder.json(&[&["net", "show", "resnet18"][..], &transforms[..4]].concat());
    assert_eq!(culled["layers"], listed["layers"]);
}

#[test]
fn the_ladder_is_deepreduces_list_and_each_rung_is_written_as_a_network() {
    let folder = Folder::new();
    for (input, golden) in [
        ("32", json!([229_376, 196_608, 114_688, 98_304, 57_344, 49_152, 28_672, 12_288])),
        ("64", json!([917_504, 458_752, 393_216, 229_376, 196_608, 114_688, 98_304, 57_344])),
    ] {
        let ladder = folder.json(&["net", "ladder", "resnet18", "--input", input, "--out", input]);
        assert_keys(&ladder, &["network", "input", "order", "full", "rungs"]);
        assert_eq!(ladder["order"], json!([3, 2, 4, 1]));
        let relus: Vec<&Value> = array(&ladder["rungs"]).iter().map(|rung| &rung["relus"]).collect();
        assert_eq!(json!(relus), golden);
        for rung in array(&ladder["rungs"]) {
            assert_keys(rung, &["name", "transforms", "params", "macs", "relus", "macs_per_relu", "published"]);
            let file = format!("{input}/{}.toml", rung["name"].as_str().unwrap().replace('+', "-"));
            let shown = folder.json(&["net", "show", &file]);
            assert_eq!((&shown["relus"], &shown["macs"]), (&rung["relus"], &rung["macs"]), "{file}");
        }
        assert_eq!(folder.listing().iter().filter(|file| file.starts_with(&format!("{input}/"))).count(), 8);
    }
    let all = folder.json(&["net", "ladder", "hrn-5x5x3x", "--all"]);
    assert!(array(&all["rungs"]).len() > 8);
    let text = folder.pisim(&["net", "ladder", "wrn-22-8", "--order", "1,2,3"]).stdout;
    assert!(text.contains("cull:stages=stem+s3"), "{text}");
}

#[test]
fn rungs_and_fitting_networks_are_written_as_onnx_files_beside_their_descriptions() {
    let folder = Folder::new();
    let small = ["--base-channels", "2", "--input", "16", "--out", "rungs", "--onnx"];
    folder.json(&[&["net", "ladder", "resnet18"][..], &small].concat());
    folder.json(&["net", "fit", "--base", "resnet20", "--relus", "4k", "--input", "8", "--out", "found", "--onnx"]);
    let files = folder.listing();
    let models: Vec<&str> = files.iter().filter_map(|file| file.strip_suffix(".onnx")).collect();
    assert!(["rungs/", "found/"].iter().all(|of| models.iter().any(|model| model.starts_with(of))), "{files:?}");
    for model in models {
        let shown = [".onnx", ".toml"].map(|end| folder.json(&["net", "show", &format!("{model}{end}")]));
        for count in ["params", "macs", "relus"] {
            assert_eq!(shown[0][count], shown[1][count], "{model}: {count}");
        }
    }
    let refused = folder.pisim(&["net", "ladder", "resnet18", "--onnx"]);
    assert!(refused.code == Some(2) && refused.stderr.contains("--out <DIR>"), "{}", refused.stderr);
}

#[test]
fn networks_for_a_budget_meet_it_and_are_written() {
    let folder = Folder::new();
    let found = folder.json(&["net", "fit", "--relus", "50k", "--macs", "0.1G", "--out", "found"]);
    assert_keys(&found, &["budget", "protocol", "hardware", "candidates", "unfit", "meeting", "front"]);
    assert_eq!((&found["budget"]["relus"], &found["budget"]["macs"]), (&json!(50_000), &json!(100_000_000)));
    let front = array(&found["front"]);
    assert!(!front.is_empty());
    let written: Vec<String> = folder.listing().into_iter().filter(|file| file.ends_with(".toml")).collect();
    assert_eq!(written.len(), front.len());
    let mut counts: Vec<[u64; 2]> = Vec::new();
    for network in front {
        assert!(
            network["relus"].as_u64() <= Some(50_000) && network["macs"].as_u64() <= Some(100_000_000),
            "{network}"
        );
        counts.push(["relus", "macs"].map(|key| network[key].as_u64().unwrap()));
    }
    let mut files: Vec<[u64; 2]> = Vec::new();
    for file in &written {
        let shown = folder.json(&["net", "show", file]);
        files.push(["relus", "macs"].map(|key| shown[key].as_u64().unwrap()));
    }
    counts.sort_unstable();
    files.sort_unstable();
    assert_eq!(counts, files);
}

#[test]
fn a_latency_is_simulated_as_simulate_does() {
    let folder = Folder::new();
    folder.write("small.toml", "family = \"resnet20\"\ninput = 8\nbase_channels = 4\n");
    let arguments = ["net", "fit", "--latency", "1000 s", "--base", "small.toml", "-H", "haac-hbm2", "--threads", "1"];
    let found = folder.json(&arguments);
    assert_eq!((&found["protocol"], &found["hardware"]), (&json!("ring-gc"), &json!("haac-hbm2")));
    let network = &found["front"][0];
    let file = folder.json(&[&arguments[..], &["--out", "found"]].concat());
    assert_eq!(file, found);
    let path = format!("found/{}.toml", network["name"].as_str().unwrap().replace('+', "-"));
    let simulated = folder.json(&["simulate", "-n", &path, "-H", "haac-hbm2", "--level", "closed-form"]);
    assert_eq!(simulated["latency_s"]["total"], network["latency_s"]["total"]);
    assert_eq!(network["latency_s"]["online"], simulated["latency_s"]["online"]);
}

#[test]
fn a_staged_network_is_equalized_and_its_solutions_are_written() {
    let folder = Folder::new();
    let solved = folder.json(&["net", "equalize", "resnet18", "--out", "made"]);
    assert_eq!(solved["minimal"], json!([[5, 5, 3], [5, 7, 2], [6, 6, 2], [7, 5, 2]]));
    for (label, family) in [("5x5x3x", "hrn-5x5x3x"), ("7x5x2x", "hrn-7x5x2x")] {
        let made = folder.json(&["net", "show", &format!("made/resnet18-equalized-{label}.toml")]);
        assert_eq!(made["layers"], folder.json(&["net", "show", family])["layers"]);
    }
    assert_eq!(array(&folder.json(&["net", "equalize", "resnet34"])["minimal"]).len(), 16);
}

#[test]
fn an_experiment_lists_transforms_as_the_command_line_does() {
    let folder = Folder::new();
    let with = |transforms: &str| {
        EXPERIMENT.replacen("base_channels = 1", &format!("base_channels = 1\ntransforms = [{transforms}]"), 1)
    };
    folder.write("good.toml", with("\"cull:stages=stem+s1\", \"thin\""));
    let report = folder.json(&["run", "good.toml", "--out", "report"]);
    let text = report.to_string();
    assert!(text.contains("resnet20+cull-stem-s1+thin"), "{text}");
    folder.write("bad.toml", with("\"thinn\""));
    let error = folder.refusal_line(&["run", "bad.toml"]);
    assert!(error.starts_with("error: bad.toml:9:") && error.contains("did you mean `thin`?"), "{error}");
}

#[test]
fn bad_transforms_budgets_and_folders_are_refused() {
    let folder = Folder::new();
    folder.write("a-file", "");
    for (arguments, says) in [
        (&["net", "show", "--transform", "reshap:a=0.5"][..], "did you mean `reshape`?"),
        (&["net", "show", "--transform", "cull:stages=s9"], "transform 1, cull: network hrn-5x5x3x has no stage `s9`"),
        (&["net", "show", "--transform", "relu-reuse:factor=3"], "its 16 channels cannot be divided by 3"),
        (&["net", "ladder", "resnet18", "--order", "3,2,1"], "each of the stages 1 to 4 once"),
        (&["net", "ladder", "some.onnx"], "no description to vary"),
        (&["net", "ladder", "resnet18", "--out", "a-file"], "is a file; expected a folder"),
        (&["net", "fit"], "expected a largest number of ReLUs"),
        (&["net", "fit", "--relus", "10"], "the nearest is"),
        (&["net", "fit", "--relus", "10", "--out", "nothing-half-written"], "the nearest is"),
        (&["net", "fit", "--relus", "5s"], "wrong unit `s`"),
        (&["net", "fit", "--latency", "5"], "has no unit"),
        (&["net", "fit", "--latency", "1us", "--base", "hrn-tiny", "--input", "8"], "s (modelled)"),
        (&["net", "fit", "--relus", "1M", "--base", "resnet81"], "unknown network"),
        (&["net", "equalize", "resnet18", "--depths", "2,2"], "cannot be used with"),
        (&["net", "equalize", "--out", "made"], "required"),
    ] {
        let error = folder.refusal(arguments);
        assert!(error.contains(says), "{arguments:?}: {error}");
    }
}
