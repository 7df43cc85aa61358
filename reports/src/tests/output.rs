//! The folder that a report is written to.

use crate::{ReportError, sample, tables};
use serde_json::Value;
use std::fs;

#[test]
fn a_report_is_one_page_with_its_figures_and_all_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("new").join("out");
    let report = sample::report();
    let written = report.write(&out).unwrap();
    assert!(written.files.iter().all(|f| f.is_file()), "{:?}", written.files);
    assert_eq!(fs::read_dir(out.parent().unwrap()).unwrap().count(), 1, "a temporary folder was left behind");

    let page = fs::read_to_string(&written.index).unwrap();
    assert_eq!(page.matches("<svg ").count(), report.figures().len());
    for word in
        ["modelled", "measured", "counted", "hrn-5x5x3x", "pisim run --seed 7", "bit for bit", "Weights are random"]
    {
        assert!(page.contains(word), "the page does not say {word}");
    }
    for fetched in ["<script", "src=\"http", "href=\"http", "@import", "url("] {
        assert!(!page.contains(fetched), "the page has {fetched}");
    }
    for link in page.split("href=\"").skip(1).filter_map(|l| l.split('"').next()) {
        assert!(out.join(link).is_file(), "{link} is not there");
    }
    let layers = csv::Reader::from_path(out.join("layers.csv")).unwrap().into_records().count();
    assert_eq!(layers, report.simulations.iter().map(|s| s.layers.len()).sum::<usize>());
}

#[test]
fn report_json_has_the_keys_of_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    let report = sample::report();
    report.write(dir.path()).unwrap();
    let json: Value = serde_json::from_slice(&fs::read(dir.path().join("report.json")).unwrap()).unwrap();
    let has = |at: &str| assert!(json.pointer(at).is_some_and(|v| !v.is_null()), "no {at}");
    for key in [
        "network",
        "protocol",
        "hardware",
        "latency_s/setup",
        "latency_s/offline",
        "latency_s/online",
        "latency_s/total",
        "energy_j/total",
        "energy_j/by_unit/client.cpu",
        "bytes/offline/up",
        "bytes/online/down",
        "storage_bytes/client",
        "storage_bytes/server",
        "units/0/name",
        "units/0/busy_s",
        "units/0/utilization",
        "units/0/cycles",
        "resources",
        "layers/0/id",
        "layers/0/kind",
        "layers/0/he_eval_s",
        "layers/0/encrypt_s",
        "layers/0/decrypt_s",
        "layers/0/garble_s",
        "layers/0/evaluate_s",
        "layers/0/ring_linear_s",
        "layers/0/up_bytes",
        "layers/0/down_bytes",
        "layers/0/energy_j",
    ] {
        has(&format!("/simulations/0/{key}"));
    }
    for key in [
        "network",
        "protocol",
        "outputs",
        "mismatches",
        "exact",
        "steps",
        "steps_matching",
        "work_matches",
        "work/and_gates",
        "work/bytes_up",
        "wall_s/setup",
        "wall_s/offline",
        "wall_s/online",
        "prediction",
    ] {
        has(&format!("/verification/{key}"));
    }
    for key in [
        "title",
        "command",
        "version",
        "seed",
        "networks/0/stages/0/relus",
        "networks/1/layers/0/macs",
        "figures/0/origin",
    ] {
        has(&format!("/{key}"));
    }
    let latency = json.pointer("/simulations/1/latency_s/online").and_then(Value::as_f64).unwrap();
    assert_eq!(latency, report.simulations[1].latency_s.online);
}

#[test]
fn an_older_report_is_replaced_and_other_files_stay() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("index.html"), "old").unwrap();
    fs::write(dir.path().join("mine.txt"), "mine").unwrap();
    sample::report().write(dir.path()).unwrap();
    assert!(fs::read_to_string(dir.path().join("index.html")).unwrap().len() > 1000);
    assert_eq!(fs::read_to_string(dir.path().join("mine.txt")).unwrap(), "mine");
}

#[test]
fn an_unwritable_path_is_named_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("taken");
    fs::write(&file, "a file").unwrap();
    for target in [file.clone(), file.join("below")] {
        let error = sample::report().write(&target).unwrap_err();
        assert!(matches!(error, ReportError::Io { .. }));
        assert!(error.to_string().contains("taken"), "{error}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "a file");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn two_simulations_of_one_name_keep_their_own_figures() {
    let mut report = sample::report();
    report.simulations = vec![report.simulations[0].clone(), report.simulations[0].clone()];
    let mut names: Vec<_> = report.figures().into_iter().map(|f| f.name).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn terminal_tables_show_the_numbers_side_by_side() {
    let report = sample::report();
    let text = tables::simulations(&report.simulations);
    for s in &report.simulations {
        assert!(text.contains(&crate::format::seconds(s.latency_s.total)), "{text}");
    }
    assert!(text.contains("server.gc-engine ("), "{text}");
    assert!(!text.contains('\u{1b}'), "colour outside of a terminal");
    assert!(tables::units(&report.simulations[1]).contains("server.gc-engine"));
    assert!(tables::layers(&report.simulations[1]).contains("s1.b1.conv1"));
    assert!(tables::schedule(&report.networks[1], false).contains("65,536"));
    assert!(tables::schedule(&report.networks[1], true).contains("stem.relu"));
    assert!(!tables::schedule(&report.networks[1], true).contains("comparisons"), "it has no max pool");
    let pooled = pisim_netgen::NetworkSpec::named("activations-tiny").unwrap().build().unwrap().schedule();
    // Eight comparisons for each of 4·8² outputs.
    for by_layer in [false, true] {
        let table = tables::schedule(&pooled, by_layer);
        assert!(table.contains("comparisons") && table.contains("2,048"), "{table}");
    }
    let run = tables::verification(report.verification.as_ref().unwrap());
    assert!(run.contains("100 of 100 equal bit for bit") && run.contains("1.92 s") && run.contains("measured"));
}
