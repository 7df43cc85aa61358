//! Folders of `pisim sweep` that belong to something else, and merges that cannot be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod common;

use common::sweeping::{SWEEP, assert_same, files, folder};

/// The sweep with less to do.
fn small() -> String {
    SWEEP.replace("steps = 250", "steps = 8").replace("level = \"event\"", "")
}

#[test]
fn results_of_another_sweep_are_refused_until_forced() {
    let folder = folder();
    folder.write("s.toml", small());
    folder.json(&["sweep", "s.toml", "-o", "r"]);
    let before = files(&folder.path().join("r"));
    folder.write("s.toml", small().replace("hrn-tiny", "resnet20"));
    let told = folder.refusal_line(&["sweep", "s.toml", "-o", "r"]);
    assert!(told.contains("r holds the results of another run: of `s.toml` ("), "{told}");
    assert!(told.contains("expected another folder, or `--force`"), "{told}");
    folder.write("s.toml", small());
    let told = folder.refusal_line(&["sweep", "s.toml", "-o", "r", "--level", "event"]);
    assert!(told.contains("level: `closed-form` there, `event` now"), "{told}");
    let told = folder.refusal_line(&["sweep", "s.toml", "-o", "r", "--shard", "0/2"]);
    assert!(told.contains("all of it of this sweep, and now it is shard 0/2"), "{told}");
    assert_eq!(files(&folder.path().join("r")), before);
    let forced = folder.json(&["sweep", "s.toml", "-o", "r", "--level", "event", "--force"]);
    assert!(forced["evaluated"].as_u64().unwrap() > 0);
}

#[test]
fn a_folder_with_other_files_is_never_touched() {
    let folder = folder();
    folder.write("s.toml", small());
    std::fs::create_dir(folder.path().join("mine")).unwrap();
    folder.write("mine/thesis.tex", "");
    for more in [&[][..], &["--force"]] {
        let told = folder.refusal_line(&[&["sweep", "s.toml", "-o", "mine"], more].concat());
        assert!(told.contains("mine: it holds `thesis.tex` and no manifest.json"), "{told}");
    }
    let told = folder.refusal_line(&["sweep", "s.toml", "-o", "s.toml"]);
    assert!(told.contains("s.toml: it is a file; expected a folder"), "{told}");
    let told = folder.refusal_line(&["sweep", "show", "mine", "--point", "0"]);
    assert!(told.contains("no manifest.json"), "{told}");
}

#[test]
fn shards_that_are_missing_twice_there_or_of_another_sweep_do_not_merge() {
    let folder = folder();
    folder.write("s.toml", small());
    folder.write("t.toml", small().replace("engines != 4", "engines != 1"));
    folder.json(&["sweep", "s.toml", "-o", "whole"]);
    for shard in ["0/3", "1/3", "2/3"] {
        folder.json(&["sweep", "s.toml", "-o", &shard[..1], "--shard", shard]);
    }
    folder.json(&["sweep", "t.toml", "-o", "other", "--shard", "2/3"]);
    let merging = |shards: &[&str]| folder.refusal_line(&[&["sweep", "merge", "-o", "m"], shards].concat());
    assert!(merging(&["0", "2"]).contains("the shards 1/3 are missing"), "{}", merging(&["0", "2"]));
    assert!(merging(&["0", "1", "2", "1"]).contains("shard 1/3 is there twice: 1 and 1"));
    assert!(merging(&["0", "1", "other"]).contains("0 and other are not of one sweep: of `s.toml` ("));
    assert!(merging(&["0", "1", "nowhere"]).contains("nowhere: no manifest.json"));
    assert!(merging(&["whole", "1"]).contains("1 is shard 1/3, and whole"));
    folder.json(&["sweep", "merge", "2", "0", "1", "-o", "m"]);
    assert_same(&folder.path().join("m"), &folder.path().join("whole"));
    for wrong in ["3/3", "a", "1", "0/0", "-1/3"] {
        let told = folder.refusal(&["sweep", "s.toml", "-o", "x", &format!("--shard={wrong}")]);
        assert!(told.contains("expected INDEX/COUNT"), "{told}");
    }
}

#[test]
fn columns_are_listed_with_types_units_and_meanings_as_in_the_manifest() {
    let folder = folder();
    folder.write("s.toml", small());
    folder.json(&["sweep", "s.toml", "-o", "r"]);
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("r/manifest.json")).unwrap()).unwrap();
    for source in ["s.toml", "r"] {
        assert_eq!(folder.json(&["sweep", "columns", source])["points"], manifest["columns"], "{source}");
    }
    let header = std::fs::read_to_string(folder.path().join("r/points.csv")).unwrap();
    let names: Vec<&str> = header.lines().next().unwrap().split(',').collect();
    let columns = manifest["columns"].as_array().unwrap();
    assert_eq!(columns.iter().map(|column| column["name"].as_str().unwrap()).collect::<Vec<_>>(), names);
    let text = folder.pisim(&["sweep", "columns"]).stdout;
    for word in ["latency_total_s", "number", "mm²", "Why the point could not be evaluated", "he_eval_s"] {
        assert!(text.contains(word), "{word}: {text}");
    }
}
