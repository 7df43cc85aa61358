//! What the commands answer: the public JSON contract, by the real binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod common;

use common::{Folder, assert_keys, nulls};
use serde_json::{Value, json};

#[test]
fn net_show_counts_the_hybrenet_to_the_unit() {
    let shown = Folder::new().json(&["net", "show", "hrn-5x5x3x"]);
    assert_eq!(shown["name"], "hrn-5x5x3x");
    assert_eq!(shown["input"], json!([3, 32, 32]));
    assert_eq!(shown["classes"], 100);
    assert_eq!(shown["params"], 48_652_308);
    assert_eq!(shown["macs"], 1_053_353_152);
    assert_eq!(shown["relus"], 343_040);
    let stages: Vec<(&str, u64)> =
        array(&shown["stages"]).iter().map(|s| (s["name"].as_str().unwrap(), s["relus"].as_u64().unwrap())).collect();
    let expected = [("stem", 16_384), ("s1", 65_536), ("s2", 81_920), ("s3", 102_400), ("s4", 76_800), ("head", 0)];
    assert_eq!(stages, expected);
    for key in ["params", "macs", "relus"] {
        for parts in ["stages", "layers"] {
            let sum: u64 = array(&shown[parts]).iter().map(|part| part[key].as_u64().unwrap()).sum();
            assert_eq!(sum, shown[key].as_u64().unwrap(), "{key} of {parts}");
        }
    }
    array(&shown["stages"]).iter().for_each(|s| assert_keys(s, &["name", "channels", "params", "macs", "relus"]));
    let keys = ["id", "kind", "stage", "input", "output", "params", "macs", "relus"];
    array(&shown["layers"]).iter().for_each(|layer| assert_keys(layer, &keys));
}

#[test]
fn options_and_files_change_the_network_alike() {
    let folder = Folder::new();
    folder.write(
        "mine.toml",
        "family = \"resnet18\"\ninput = 64\nbase_channels = 8\ncull = [\"stem\", \"s1\"]\nthin = true\n",
    );
    let options = ["--input", "64", "--base-channels", "8", "--cull", "stem,s1", "--thin"];
    let by_options = folder.json(&[&["net", "show", "resnet18"][..], &options].concat());
    let by_file = folder.json(&["net", "show", "mine.toml"]);
    assert_eq!((&by_options["layers"], &by_options["stages"]), (&by_file["layers"], &by_file["stages"]));
    assert_eq!(by_options["stages"][0]["relus"], 0);
    assert!(
        by_options["relus"].as_u64() < folder.json(&["net", "show", "resnet18", "--input", "64"])["relus"].as_u64()
    );
    assert_eq!(folder.json(&["net", "show", "resnet18", "--classes", "7"])["classes"], 7);
}

#[test]
fn equalization_finds_the_four_minimal_hybrenets() {
    let folder = Folder::new();
    let solved = folder.json(&["net", "equalize", "--depths", "2,2,2,2", "--order", "3,2,4,1"]);
    assert_eq!(solved["minimal"], json!([[5, 5, 3], [5, 7, 2], [6, 6, 2], [7, 5, 2]]));
    let wider = folder.json(&["net", "equalize", "--depths", "2,2,2,2", "--order", "3,2,4,1", "--max", "20"]);
    assert_eq!(wider["minimal"], solved["minimal"]);
    assert!(wider["solutions"].as_u64() > solved["solutions"].as_u64());
    let text = folder.pisim(&["net", "equalize"]);
    assert!(text.stdout.contains("5x5x3x") && text.stdout.contains("48,652,308"), "{}", text.stdout);
}

#[test]
fn every_listed_network_can_be_shown() {
    let folder = Folder::new();
    let listed = folder.json(&["net", "list"]);
    let names: Vec<&str> = array(&listed).iter().map(|network| network["name"].as_str().unwrap()).collect();
    for name in ["resnet18", "resnet34", "resnet20", "resnet32", "vgg16", "wrn-22-8", "minionn", "hrn-tiny"] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    for network in array(&listed) {
        let shown = folder.json(&["net", "show", network["name"].as_str().unwrap()]);
        for key in ["params", "macs", "relus"] {
            assert_eq!(shown[key], network[key], "{network}");
        }
    }
}

#[test]
fn simulate_gives_the_contracts_keys_and_finite_numbers_on_every_platform() {
    let folder = Folder::new();
    let platforms = folder.json(&["hardware", "list"]);
    assert!(array(&platforms).len() >= 3);
    for platform in array(&platforms) {
        let name = platform["name"].as_str().unwrap();
        let result = folder.json(&["simulate", "-n", "hrn-5x5x3x", "-p", "ring-gc", "-H", name]);
        assert_eq!((&result["network"], &result["protocol"]), (&json!("hrn-5x5x3x"), &json!("ring-gc")));
        assert_eq!(result["hardware"], name);
        let phases = ["setup", "offline", "online", "total"];
        assert_keys(&result["latency_s"], &phases);
        assert_keys(&result["energy_j"], &[&phases[..], &["by_unit"]].concat());
        for phase in ["offline", "online"] {
            assert_keys(&result["bytes"][phase], &["up", "down"]);
        }
        assert_keys(&result["storage_bytes"], &["client", "server"]);
        assert_keys(&result, &["resources"]);
        assert!(!array(&result["units"]).is_empty());
        let unit_keys = ["name", "busy_s", "utilization", "cycles"];
        array(&result["units"]).iter().for_each(|unit| assert_keys(unit, &unit_keys));
        let layer_keys = [
            "id",
            "kind",
            "he_eval_s",
            "encrypt_s",
            "decrypt_s",
            "garble_s",
            "evaluate_s",
            "ring_linear_s",
            "up_bytes",
            "down_bytes",
            "energy_j",
        ];
        array(&result["layers"]).iter().for_each(|layer| assert_keys(layer, &layer_keys));
        for phase in phases {
            assert!(result["latency_s"][phase].as_f64().unwrap() > 0.0, "{name} {phase}");
            assert!(result["energy_j"][phase].as_f64().unwrap() > 0.0, "{name} {phase}");
        }
        let mut not_finite = Vec::new();
        nulls(&result, "", &mut not_finite);
        not_finite.retain(|path| !path.ends_with(".area_mm2"));
        assert!(not_finite.is_empty(), "{name}: {not_finite:?}");
    }
}

#[test]
fn a_platform_shown_is_a_platform_that_loads() {
    let folder = Folder::new();
    let shown = folder.json(&["hardware", "show", "fpga-u280"]);
    folder.write("mine.toml", shown["toml"].as_str().unwrap());
    let simulate = |hardware| folder.json(&["simulate", "-n", "resnet20", "-H", hardware]);
    assert_eq!(simulate("mine.toml"), simulate("fpga-u280"));
    let server = &shown["parties"]["server"];
    assert!(server["fpga"]["dsp"][0].as_u64() <= server["fpga"]["dsp"][1].as_u64(), "{server}");
}

const SMALL: [&str; 7] = ["verify", "-n", "resnet20", "--base-channels", "1", "--input", "8"];

/// A verification without what is measured.
fn verified(folder: &Folder, options: &[&str]) -> Value {
    let mut summary = folder.json(&[&SMALL[..], options].concat());
    let walls = summary.as_object_mut().unwrap().remove("wall_s").unwrap();
    for phase in ["setup", "offline", "online"] {
        assert!(walls[phase].as_f64().unwrap() > 0.0, "{walls}");
    }
    for measured in ["median_wall_s", "threads"] {
        summary.as_object_mut().unwrap().remove(measured).unwrap();
    }
    summary
}

#[test]
fn verify_is_exact_and_its_work_is_the_predicted_work() {
    let folder = Folder::new();
    let summary = verified(&folder, &["--seed", "5"]);
    assert!(summary["network"].as_str().unwrap().starts_with("resnet20"), "{summary}");
    assert_eq!(summary["protocol"], "ring-gc");
    assert_eq!((&summary["outputs"], &summary["mismatches"]), (&json!(10), &json!(0)));
    assert_eq!((&summary["exact"], &summary["work_matches"]), (&json!(true), &json!(true)));
    assert_eq!(summary["steps"], summary["steps_matching"]);
    assert_eq!(summary["prediction"], json!([]));
    let work = [
        "and_gates",
        "xor_gates",
        "extended_ots",
        "he_plain_muls",
        "he_rotations",
        "ntts",
        "ring_macs",
        "bytes_up",
        "bytes_down",
    ];
    assert_keys(&summary["work"], &work);
    for field in work.iter().filter(|field| **field != "he_rotations") {
        assert!(summary["work"][field].as_u64().unwrap() > 0, "{field}");
    }
    // The circuit costs 3k − 3 − f = 85 AND gates for a ReLU of 32 bits that rescales by 8.
    let relus = folder.json(&["net", "show", "resnet20", "--base-channels", "1", "--input", "8"])["relus"].clone();
    assert!(summary["work"]["and_gates"].as_u64().unwrap() >= 85 * relus.as_u64().unwrap());
}

#[test]
fn a_seed_repeats_a_run_at_any_number_of_threads() {
    let folder = Folder::new();
    let image = include_bytes!("../../configs/images/cat.png");
    folder.write("cat.png", image);
    let run = |options: &[&str]| verified(&folder, &[options, &["--image", "cat.png"]].concat());
    let first = run(&["--seed", "5"]);
    assert_eq!(run(&["--seed", "5"]), first);
    assert_eq!(run(&["--seed", "5", "--threads", "1"]), first);
    assert_eq!(run(&["--seed", "6"])["work"], first["work"], "work does not depend on values");
    // Weights decide the class of the same picture, so seeds differ in it sooner or later.
    let answers: std::collections::BTreeSet<String> =
        (0..8).map(|seed| run(&["--seed", &seed.to_string()])["answer"].to_string()).collect();
    assert!(answers.len() > 1, "{answers:?}");
}

#[test]
fn bench_measures_every_rate_of_the_contract() {
    let rates = Folder::new().json(&["bench", "--threads", "1"]);
    let keys = ["garble_and_ns", "evaluate_and_ns", "extended_ot_ns", "he_plain_mul_us", "ring_mac_ns"];
    for key in keys {
        let rate = rates[key].as_f64().unwrap_or_else(|| panic!("{key} in {rates}"));
        assert!(rate > 0.0 && rate < 1e7, "{key} is {rate}");
    }
    assert_keys(&rates, &["he_rotate_us"]);
    assert!(rates["ntt_us"]["4096"].as_f64().unwrap() > 0.0);
    assert_eq!(rates["threads"], 1);
}

#[test]
fn every_schema_names_its_keys() {
    let folder = Folder::new();
    for (kind, key) in [("network", "family"), ("protocol", "shares"), ("hardware", "link"), ("experiment", "verify")] {
        let schema = folder.json(&["schema", kind]);
        assert!(schema["properties"][key].is_object(), "{kind}: {schema}");
        assert_eq!(schema["additionalProperties"], false, "{kind}");
        // The same without `--json`: a schema is JSON anyway.
        assert_eq!(serde_json::from_str::<Value>(&folder.pisim(&["schema", kind]).stdout).unwrap(), schema);
    }
}

#[test]
fn tables_and_completions_are_for_people() {
    let folder = Folder::new();
    for (args, says) in [
        (&["net", "list"][..], "173,056"),
        (&["net", "show", "minionn", "--layers"], "173,056"),
        (&["simulate", "-n", "resnet20", "-H", "haac-hbm2", "--layers"], "modelled"),
        (&["hardware", "list"], "haac-hbm2"),
        (&["hardware", "show", "cpu-lan"], "round_trip"),
        (&["completions", "bash"], "_pisim"),
        (&["completions", "zsh"], "#compdef pisim"),
        (&["--help"], "Exit codes"),
        (&["run", "--help"], "Examples"),
        (&["--version"], "pisim 0."),
    ] {
        let answer = folder.pisim(args);
        assert_eq!(answer.code, Some(0), "{args:?}: {}", answer.stderr);
        assert!(answer.stdout.contains(says), "{args:?} does not say {says}: {}", answer.stdout);
        assert_eq!(answer.stderr, "", "{args:?}");
    }
    let answer = folder.pisim(&SMALL);
    assert_eq!(answer.code, Some(0));
    assert!(answer.stdout.contains("resnet20"), "{}", answer.stdout);
}

fn array(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("{value} is no array"))
}
