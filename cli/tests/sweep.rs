//! `pisim sweep`: results that can be resumed, divided, merged and reproduced.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod common;

use common::Folder;
use common::sweeping::{self, assert_same, files};
use serde_json::Value;

/// The common sweep with fewer points, in closed form, and with a title and a derived key.
fn sweep() -> String {
    let derived = "[[derived]]\nkey = \"hardware.server.mac_array.columns\"\nvalue = \"8 * max(1, engines)\"\n";
    sweeping::SWEEP
        .replace("level = \"event\"", "title = \"A small sweep\"")
        .replace("steps = 250", "steps = 20")
        .replace("[constraints]", &format!("{derived}\n[constraints]"))
}

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("s.toml", sweep());
    folder
}

fn json(folder: &Folder, arguments: &[&str]) -> Value {
    folder.json(&arguments.iter().copied().filter(|argument| *argument != "--json").collect::<Vec<_>>())
}

#[test]
fn a_sweep_answers_by_its_contract_and_again_without_work() {
    let folder = folder();
    let answer = json(&folder, &["sweep", "s.toml", "--out", "r", "--json"]);
    // 2 networks, 4 engines, 2 memories, 20 rates, less those of 4 engines at rates up to 100 Mbps.
    assert_eq!(answer["failed"], 80);
    let points = answer["points"].as_u64().unwrap();
    assert_eq!(points + answer["excluded"].as_u64().unwrap(), 320);
    assert!(answer["excluded"].as_u64().unwrap() > 0);
    for key in ["seconds", "points_per_s", "pareto", "output"] {
        assert!(!answer[key].is_null(), "{key}");
    }
    let pareto = answer["pareto"].as_array().unwrap();
    assert!(pareto.iter().any(|point| point["network"] == "minionn"), "{pareto:?}");
    assert!(
        pareto[0]["latency_total_s"].is_f64() && pareto[0]["command"].as_str().unwrap().starts_with("pisim simulate")
    );
    let before = files(&folder.path().join("r"));
    let again = json(&folder, &["sweep", "s.toml", "--out", "r", "--json"]);
    assert_eq!((again["evaluated"].as_u64(), again["points"].as_u64()), (Some(0), Some(points)));
    assert_eq!(again["pareto"], answer["pareto"]);
    assert_eq!(files(&folder.path().join("r")), before);
    let text = folder.pisim(&["sweep", "s.toml", "--out", "r"]).stdout;
    assert!(text.contains("A small sweep") && text.contains("pisim sweep show r --point N"), "{text}");
}

#[test]
fn shards_merge_into_the_files_of_one_run() {
    let folder = folder();
    json(&folder, &["sweep", "s.toml", "--out", "whole", "--threads", "1", "--json"]);
    for shard in ["0/3", "1/3", "2/3"] {
        let name = format!("part{}", &shard[..1]);
        json(&folder, &["sweep", "s.toml", "--shard", shard, "--out", &name, "--json"]);
    }
    let merged = json(&folder, &["sweep", "merge", "part2", "part0", "part1", "--out", "merged", "--json"]);
    assert_eq!(merged["failed"], 80);
    assert_same(&folder.path().join("whole"), &folder.path().join("merged"));
    let other = folder.pisim(&["sweep", "merge", "part0", "part1", "--out", "m2"]);
    assert_eq!(other.code, Some(2));
    assert!(other.stderr.contains("2/3 are missing"), "{}", other.stderr);
}

#[test]
fn ten_rows_reproduce_to_the_last_bit_through_their_printed_command() {
    let folder = folder();
    json(&folder, &["sweep", "s.toml", "--out", "r", "--json"]);
    let mut shown = 0;
    // Points without a row, at four engines and slow links, are left out.
    for point in [40, 47, 64, 79, 99, 119, 121, 159, 160, 200, 222, 239, 259, 279, 300, 319] {
        let row = json(&folder, &["sweep", "show", "r", "--point", &point.to_string(), "--json"]);
        let words = shlex::split(row["command"].as_str().unwrap()).unwrap();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if row["error"].is_string() {
            assert_eq!(folder.pisim(&words[1..]).code, Some(2), "{row}");
            continue;
        }
        shown += 1;
        let alone = json(&folder, &words[1..]);
        for (name, value) in alone.as_object().unwrap() {
            assert_eq!(row[name], *value, "{name}: {words:?}");
        }
        assert!(alone["latency_total_s"].is_f64() && alone["energy_total_j"].is_f64());
    }
    assert!(shown >= 10, "{shown}");
    let excluded = folder.pisim(&["sweep", "show", "r", "--point", "80"]);
    assert_eq!(excluded.code, Some(2));
    assert!(excluded.stderr.contains("exclude"), "{}", excluded.stderr);
}

#[test]
fn samples_and_searches_give_the_points_that_are_asked_for() {
    let folder = folder();
    let sampled = "networks = [\"hrn-tiny\"]\nhardware = [\"haac-hbm2\"]\n[sampling]\nmethod = \"sobol\"\npoints = 100\n\
        [[axis]]\nkey = \"hardware.link.up\"\nrange = { from = \"10 Mbps\", to = \"1 Gbps\", scale = \"log\" }\n";
    folder.write("sobol.toml", sampled);
    let answer = json(&folder, &["sweep", "sobol.toml", "--points", "37", "--level", "event", "--out", "r", "--json"]);
    assert_eq!(answer["points"], 37);
    let row = json(&folder, &["sweep", "show", "r", "--point", "36", "--json"]);
    assert!(row["command"].as_str().unwrap().contains("--level event"), "{row}");
    let search = sampled.replace(
        "[sampling]\nmethod = \"sobol\"\npoints = 100\n",
        "[search]\nmethod = \"nsga2\"\nobjectives = [\"latency\", \"energy\"]\npopulation = 8\ngenerations = 5\n",
    );
    folder.write("search.toml", search);
    assert_eq!(json(&folder, &["sweep", "search.toml", "--out", "s", "--json"])["points"], 40);
}

#[test]
fn keys_are_set_on_the_command_line_as_files_would_say_them() {
    let folder = folder();
    folder.write_edited("four.toml", common::HARDWARE, "engines = 16", "engines = 4");
    let of_file = json(&folder, &["simulate", "-n", "minionn", "-H", "four.toml", "--json"]);
    let set = "hardware.server.gc_engine.engines=4";
    let of_set = json(&folder, &["simulate", "-n", "minionn", "-H", "haac-hbm2", "--set", set, "--json"]);
    assert_eq!(of_file, of_set);
    let base = json(&folder, &["simulate", "-n", "minionn", "-H", "haac-hbm2", "--json"]);
    assert_ne!(base["latency_s"], of_set["latency_s"]);
    let input =
        ["simulate", "-n", "minionn", "--set", "network.input=16", "--set", "protocol.nonlinear.garbler=client"];
    let small = json(&folder, &[&input[..], &["--json"]].concat());
    assert!(
        small["bytes"]["offline"]["up"].as_u64() > small["bytes"]["offline"]["down"].as_u64(),
        "{}",
        small["bytes"]
    );
}

#[test]
fn what_cannot_be_is_refused_and_leaves_nothing() {
    let folder = folder();
    folder.write(
        "typo.toml",
        sweep().replace(
            "key = \"hardware.server.gc_engine.engines\"",
            "name = \"engines\"\nkey = \"hardware.server.gc_engine.engins\"",
        ),
    );
    folder.write("search.toml", "networks = [\"hrn-tiny\"]\nhardware = [\"haac-hbm2\"]\n[search]\nmethod = \"nsga2\"\n\
        objectives = [\"latency\"]\npopulation = 8\ngenerations = 2\n[[axis]]\nkey = \"hardware.server.gc_engine.engines\"\nvalues = [1, 2]\n");
    let all = sweep().replace("engines != 4 || link > 1e8", "engines > 99");
    folder.write("all.toml", all);
    for (arguments, expected) in [
        (&["sweep", "typo.toml"][..], "typo.toml:8:7: key `axis[0].key`"),
        (&["sweep", "nothing.toml"], "nothing.toml"),
        (&["sweep", "gc-he-balanc"], "did you mean `gc-he-balance`?"),
        (&["sweep"], "required"),
        (&["sweep", "s.toml", "--points", "5"], "--points: a grid has all points"),
        (&["sweep", "s.toml", "--shard", "4/4"], "no shard"),
        (&["sweep", "search.toml", "--shard", "0/2"], "a search cannot be divided"),
        (&["sweep", "show", "nothing", "--point", "1"], "no manifest.json"),
        (&["simulate", "--set", "hardware.link.upp=1 Gbps"], "did you mean `up`?"),
        (&["simulate", "--set", "hardware.link.up"], "expected key=value"),
        (&["simulate", "-H", "fpga-u280", "--set", "hardware.server.gc_engine.engines=4000"], "or --any-size"),
    ] {
        let error = folder.refusal(arguments);
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
    let none = folder.pisim(&["sweep", "all.toml", "--out", "none"]);
    assert_eq!(none.code, Some(2));
    assert!(none.stderr.contains("constraints leave out all 320 points: `engines > 99` 320"), "{}", none.stderr);
    json(&folder, &["sweep", "s.toml", "--out", "r", "--json"]);
    folder.write("s.toml", sweep().replace("values = [0, 1, 4, 16]", "values = [0, 1, 4, 8]"));
    let other = folder.pisim(&["sweep", "s.toml", "--out", "r"]);
    assert_eq!(other.code, Some(2));
    assert!(other.stderr.contains("holds the results of another run"), "{}", other.stderr);
    assert_eq!(json(&folder, &["sweep", "s.toml", "--out", "r", "--force", "--json"])["failed"], 80);
}
