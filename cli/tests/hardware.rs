//! `pisim hardware`: lists, breakdowns, fitting, look-ups.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod common;

use common::{FPGA, Folder};
use serde_json::{Value, json};

fn array(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("{value} is no array"))
}

fn names(listed: &Value) -> Vec<&str> {
    array(listed).iter().map(|one| one["name"].as_str().unwrap()).collect()
}

#[test]
fn platforms_are_listed_by_what_they_are_made_of() {
    let folder = Folder::new();
    let of_kind = |kind| folder.json(&["hardware", "list", "--kind", kind]);
    let (asics, fpgas, cpus) = (of_kind("asic"), of_kind("fpga"), of_kind("cpu"));
    assert!(
        names(&asics).contains(&"haac-hbm2")
            && names(&fpgas).contains(&"fpga-u280")
            && names(&cpus).contains(&"cpu-lan")
    );
    let all = array(&folder.json(&["hardware", "list"])).len();
    assert!(array(&cpus).len() + array(&asics).len() + array(&fpgas).len() >= all);
    let haac = array(&asics).iter().find(|one| one["name"] == "haac-hbm2").unwrap();
    assert_eq!(
        (&haac["parties"]["server"]["kind"], &haac["parties"]["client"]["kind"]),
        (&json!("asic"), &json!("cpu"))
    );
    assert!(haac["parties"]["server"]["area_mm2"].as_f64().unwrap() > 14.9);
    let found = folder.json(&["hardware", "list", "ZCU102"]);
    assert!(names(&found).contains(&"fpga-zcu102-edge") && !names(&found).contains(&"fpga-u280"));
}

#[test]
fn boards_are_listed_with_their_budgets() {
    let folder = Folder::new();
    let boards = folder.json(&["hardware", "list", "--boards"]);
    for name in ["u250", "u280", "u55c", "zcu102", "vck190", "vu9p", "vcu108", "v80"] {
        assert!(names(&boards).contains(&name), "{name}");
    }
    let u280 = array(&boards).iter().find(|board| board["name"] == "u280").unwrap();
    assert_eq!(u280["budget"], json!({"lut": 814_464, "ff": 1_163_520, "dsp": 6_796, "bram36": 1_401, "uram": 768}));
    assert_eq!((&u280["slrs"], &u280["memories"][0]["bandwidth_bytes_per_s"]), (&json!(3), &json!(460e9)));
    assert!(folder.pisim(&["hardware", "list", "--boards"]).stdout.contains("XCU280"));
}

#[test]
fn parts_sum_to_the_totals_that_are_shown() {
    let folder = Folder::new();
    for name in ["haac-hbm2", "fpga-u280", "fpga-zcu102-edge"] {
        let server = folder.json(&["hardware", "show", name])["parties"]["server"].clone();
        let sum = |key: &str| array(&server["breakdown"]).iter().filter_map(|row| row[key].as_f64()).sum::<f64>();
        let power = server["peak_power_w"].as_f64().unwrap();
        assert!((sum("power_w") / power - 1.0).abs() < 1e-9, "{name}");
        if let Some(area) = server["area_mm2"].as_f64() {
            assert!((sum("area_mm2") / area - 1.0).abs() < 1e-9, "{name}");
        }
        for resource in ["lut", "ff", "dsp", "bram36", "uram"] {
            let used: u64 = array(&server["breakdown"]).iter().filter_map(|row| row["fpga"][resource].as_u64()).sum();
            assert_eq!(used, server["fpga"][resource][0].as_u64().unwrap_or_default(), "{name} {resource}");
        }
    }
}

#[test]
fn what_is_printed_of_a_platform_loads_as_a_platform() {
    let folder = Folder::new();
    for name in ["haac-hbm2", "fpga-u280", "cpu-lan"] {
        let printed = folder.pisim(&["hardware", "show", name]).stdout;
        folder.write("printed.toml", &printed);
        assert_eq!(
            folder.json(&["hardware", "show", "printed.toml"])["parties"],
            folder.json(&["hardware", "show", name])["parties"]
        );
    }
    assert!(folder.pisim(&["hardware", "show", "haac-hbm2"]).stdout.contains("half-gate pipelines"));
}

#[test]
fn the_largest_configuration_is_written_and_can_be_simulated() {
    let folder = Folder::new();
    let fitted = folder.json(&["hardware", "fit", "fpga-u280", "--board", "u250", "-o", "mine.toml"]);
    assert_eq!(
        (&fitted["board"], &fitted["fits"], &fitted["output"]),
        (&json!("u250"), &json!(false), &json!("mine.toml"))
    );
    assert_eq!(fitted["problems"][0]["key"], "memory.kind");
    assert_eq!(
        std::fs::read_to_string(folder.path().join("mine.toml")).unwrap(),
        fitted["largest"]["toml"].as_str().unwrap()
    );
    let again = folder.json(&["hardware", "fit", "mine.toml"]);
    assert_eq!((&again["fits"], &again["problems"]), (&json!(true), &json!([])));
    for resource in array(&again["design"]["resources"]) {
        let by_unit: u64 = resource["by_unit"].as_object().unwrap().values().map(|used| used.as_u64().unwrap()).sum();
        assert_eq!(resource["used"], by_unit, "{resource}");
        assert!(resource["share"].as_f64().unwrap() <= 1.0);
    }
    let simulated = folder.json(&["simulate", "-n", "resnet20", "-H", "mine.toml"]);
    assert_eq!(simulated["resources"]["server"]["fpga"]["dsp"]["used"], again["design"]["resources"][2]["used"]);
}

#[test]
fn a_platform_that_is_too_large_is_fitted_and_no_other_command_takes_it() {
    let folder = Folder::new();
    folder.write("big.toml", FPGA.replace("engines = 4", "engines = 64"));
    let error = folder.refusal_line(&["hardware", "show", "big.toml"]);
    assert!(error.contains("the design does not fit the u280"), "{error}");
    let answer = folder.pisim(&["hardware", "fit", "big.toml", "--grow", "gc_engine"]);
    assert_eq!((answer.code, answer.stderr.as_str()), (Some(0), ""));
    for says in [
        "cannot be built as it is",
        "too much",
        "lut is used up first",
        "Largest that fits: counts ×",
        "server.gc_engine.engines",
    ] {
        assert!(answer.stdout.contains(says), "{says}: {}", answer.stdout);
    }
}

#[test]
fn nothing_that_fits_is_a_failed_check() {
    let folder = Folder::new();
    let answer =
        folder.pisim(&["hardware", "fit", "fpga-u280", "--board", "vcu108", "--grow", "gc_engine", "-o", "none.toml"]);
    assert_eq!(answer.code, Some(1), "{}", answer.stdout);
    assert!(answer.stdout.contains("Not even the smallest configuration fits."));
    assert!(folder.listing().is_empty(), "no file is written");
}

#[test]
fn a_node_is_looked_up() {
    let folder = Folder::new();
    let at = |options: &[&str]| folder.json(&[&["hardware", "technology"][..], options].concat());
    let (large, small) = (at(&["--node", "45"]), at(&["--node", "7"]));
    let multiply = |answer: &Value| {
        let found = array(&answer["operations"]).iter().find(|one| one["name"] == "multiply, 32-bit integer");
        found.unwrap()["energy_j"].as_f64().unwrap()
    };
    assert!((multiply(&large) - 3.1e-12).abs() < 1e-18);
    assert!((multiply(&small) / multiply(&large) / 0.057 - 1.0).abs() < 0.01);
    let memory = &at(&["--sram", "2 MiB", "--banks", "64", "--ports", "2"])["memories"];
    assert_eq!((array(memory).len(), &memory[0]["bytes"], &memory[0]["ports"]), (1, &json!(2_097_152), &json!(2)));
    assert!(folder.pisim(&["hardware", "technology"]).stdout.contains("HBM2"));
}

#[test]
fn bad_boards_units_and_nodes_are_refused_with_what_was_expected() {
    let folder = Folder::new();
    for (args, says) in [
        (&["hardware", "fit", "fpga-u280", "--board", "u28"][..], "did you mean `u280`?"),
        (&["hardware", "fit", "fpga-u280", "--grow", "gc-engine"], "gc_engine"),
        (&["hardware", "fit", "fpga-u280", "--max", "0"], "1..=100"),
        (&["hardware", "fit", "fpga-u28"], "did you mean `fpga-u280`?"),
        (&["hardware", "fit", "cpu-lan"], "nothing to fit to a board"),
        (&["hardware", "fit", "haac-hbm2"], "made of silicon; expected a board"),
        (&["hardware", "fit", "fpga-u280", "-o", "no/such/folder.toml"], "cannot write no/such/folder.toml"),
        (&["hardware", "technology", "--node", "12"], "no scaling data for 12 nm; expected one of 130, 90"),
        (&["hardware", "technology", "--supply", "9"], "expected 0.4 to 1.5"),
        (&["hardware", "technology", "--sram", "1 B"], "expected 1 KiB to 64 GiB"),
    ] {
        let answer = folder.pisim(args);
        assert_eq!(answer.code, Some(2), "{args:?}: {}", answer.stdout);
        assert!(answer.stderr.contains(says) && answer.stdout.is_empty(), "{args:?}: {}", answer.stderr);
    }
}
