//! `pisim run`: the experiment from its file to its report.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod common;

use common::{EXPERIMENT, Folder};
use serde_json::{Value, json};
use std::path::Path;

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn an_experiment_leaves_a_complete_report() {
    let folder = Folder::new();
    folder.write("small.toml", EXPERIMENT);
    let result = folder.json(&["run", "small.toml", "--out", "a/report"]);
    let out = folder.path().join("a/report");
    let files: Vec<&str> = result["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();
    for file in &files {
        let content = read(&folder.path().join(file));
        match Path::new(file).extension().unwrap().to_str().unwrap() {
            "png" => assert!(content.starts_with(b"\x89PNG\r\n"), "{file}"),
            "svg" => assert!(String::from_utf8(content).unwrap().trim_end().ends_with("</svg>"), "{file}"),
            "csv" => assert!(content.iter().filter(|byte| **byte == b'\n').count() > 1, "{file} has no rows"),
            _ => assert!(!content.is_empty(), "{file}"),
        }
    }
    for end in ["report.json", "index.html", "layers.csv", ".svg", ".png"] {
        assert!(files.iter().any(|file| file.ends_with(end)), "no {end} in {files:?}");
    }
    // What was announced is what is there.
    let on_disk = folder.listing().iter().filter(|path| folder.path().join(path).is_file()).count();
    assert_eq!(on_disk, files.len() + 1, "{:?}", folder.listing());

    let page = String::from_utf8(read(&out.join("index.html"))).unwrap();
    for word in ["resnet20", "modelled", "measured", "A small experiment", "haac-hbm2", "cat.png"] {
        assert!(page.contains(word), "the page does not say {word}");
    }
    for remote in ["src=\"http", "url(http", "<script src", "rel=\"stylesheet\" href=\"http"] {
        assert!(!page.contains(remote), "the page must open from disk, but holds {remote}");
    }

    let json: Value = serde_json::from_slice(&read(&out.join("report.json"))).unwrap();
    assert_eq!(json["title"], "A small experiment");
    assert_eq!(json["seed"], 3);
    assert_eq!(json["simulations"].as_array().unwrap().len(), 2);
    assert_eq!(json["verification"]["exact"], true);
    assert_eq!(json["verification"]["work_matches"], true);
    assert_eq!(json["simulations"], result["report"]["simulations"]);
    // The experiment's simulation is the command's.
    let options = ["--base-channels", "1", "--input", "8", "-H", "cpu-lan"];
    assert_eq!(json["simulations"][0], folder.json(&[&["simulate", "-n", "resnet20"][..], &options].concat()));
}

#[test]
fn options_override_the_experiment_and_other_files_stay() {
    let folder = Folder::new();
    folder.write("small.toml", EXPERIMENT);
    folder.write("mine.png", include_bytes!("../../configs/images/cat.png"));
    std::fs::create_dir(folder.path().join("out")).unwrap();
    folder.write("out/notes.txt", "mine");
    folder.write("out/report.json", "old");
    let answer = folder.pisim(&["run", "small.toml", "--image", "mine.png", "--seed", "9"]);
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    assert!(answer.stdout.contains("index.html") && answer.stdout.contains("mine.png"), "{}", answer.stdout);
    let json: Value = serde_json::from_slice(&read(&folder.path().join("out/report.json"))).unwrap();
    assert_eq!(json["seed"], 9);
    assert!(json["verification"]["answer"].as_str().unwrap().starts_with("mine.png"), "{json}");
    assert_eq!(read(&folder.path().join("out/notes.txt")), b"mine");
}

#[test]
fn an_experiment_may_simulate_or_verify_alone() {
    let folder = Folder::new();
    let (simulate, verify) = EXPERIMENT.split_once("[verify]").unwrap();
    folder.write("simulate.toml", simulate);
    let result = folder.json(&["run", "simulate.toml"]);
    assert_eq!(result["report"]["verification"], Value::Null);
    let head = simulate.split_once("[[network]]").unwrap().0;
    folder.write("verify.toml", format!("{head}\n[verify]{verify}"));
    let result = folder.json(&["run", "verify.toml"]);
    assert_eq!(result["report"]["simulations"], json!([]));
    assert_eq!(result["report"]["verification"]["exact"], true);
}
