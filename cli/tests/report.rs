//! `pisim report` and `pisim simulate --trace`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod common;

use common::{Folder, assert_keys};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;

/// Results of a sweep of two networks as CSV: engines against memories, one point failed, one does not fit.
fn points() -> String {
    let mut text = "point,network.name,engines,device,network,protocol,hardware,error,latency_total_s,energy_total_j,area_mm2,fits,\
                    bottleneck_total,bottleneck_total_share\n"
        .to_owned();
    let mut point = 0;
    for (size, network) in ["hrn-5x5x3x", "resnet18"].into_iter().enumerate() {
        for engines in [1, 2, 4, 8, 16] {
            for (speed, device) in ["ddr4-2400", "hbm2"].into_iter().enumerate() {
                let scale = 1.0 + size as f64;
                let (gc, memory) = (8.0 * scale / f64::from(engines), scale / (1.0 + 9.0 * speed as f64));
                let energy = scale * (20.0 + 3.0 * f64::from(engines) + 5.0 * speed as f64);
                let (unit, most) = if gc > memory { ("server.gc-engine", gc) } else { ("server.memory", memory) };
                let (latency, area) = (gc + memory, 2.0 + f64::from(engines));
                text += &format!(
                    "{point},{network},{engines},{device},{network},ring-gc,haac-hbm2,,{latency},{energy},{area},true,{unit},{}\n",
                    most / latency
                );
                point += 1;
            }
        }
    }
    text += "20,resnet18,0,hbm2,resnet18,ring-gc,haac-hbm2,no engines,,,,,,\n";
    text += "21,resnet18,999,hbm2,resnet18,ring-gc,haac-hbm2,,0.001,1,1001,false,server.memory,0.5\n";
    text
}

#[test]
fn a_sweep_has_a_report_with_its_figures_and_findings() {
    let folder = Folder::new();
    folder.write("points.csv", points());
    let answer = folder.json(&["report", "points.csv", "--columns", "1", "--out", "out"]);
    assert_keys(
        &answer,
        &[
            "points",
            "failed",
            "unfit",
            "groups",
            "pareto",
            "axes",
            "bottlenecks",
            "iso_latency",
            "iso_energy",
            "figures",
        ],
    );
    assert_eq!((&answer["points"], &answer["failed"], &answer["unfit"]), (&22.into(), &1.into(), &1.into()));
    let figures = answer["figures"].as_array().unwrap();
    assert!(figures.len() >= 10, "{figures:?}");
    for figure in figures {
        assert_keys(figure, &["name", "title", "caption", "origin", "files"]);
        for file in figure["files"].as_array().unwrap() {
            let path = folder.path().join("out").join(file.as_str().unwrap());
            assert!(fs::metadata(&path).is_ok_and(|meta| meta.len() > 20), "{}", path.display());
        }
    }
    let written: Value = serde_json::from_slice(&fs::read(folder.path().join("out/report.json")).unwrap()).unwrap();
    assert_eq!(written, answer);
    // No dominated point, nothing that failed or does not fit.
    for point in answer["pareto"].as_array().unwrap() {
        assert!(point["point"].as_u64().unwrap() < 20, "{point}");
        assert_keys(point, &["axes", "latency_total_s", "energy_total_j", "bottleneck", "knee"]);
    }
    let again = folder.json(&["report", "points.csv", "--out", "again", "--figure", "pareto", "--figure", "axes"]);
    let names: Vec<&str> = again["figures"].as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["pareto-energy", "pareto-area", "axes"]);
    let limited =
        folder.json(&["report", "points.csv", "--out", "again", "--latency-limit", "3 s", "--latency-limit", "1 ms"]);
    assert_eq!(limited["iso_latency"][0]["limit"], 3.0);
    assert!(limited["iso_latency"][1]["rows"].as_array().unwrap().is_empty());
    let text = folder.pisim(&["report", "points.csv", "--out", "again"]).stdout;
    assert!(text.contains("★") && text.contains("server.gc-engine") && text.contains("modelled"), "{text}");
}

#[test]
fn one_simulation_has_figures_counterfactuals_sensitivities_and_rooflines() {
    let folder = Folder::new();
    let arguments = ["report", "-n", "resnet20", "-H", "haac-hbm2", "--samples", "64", "--trace", "t.json"];
    let answer = folder.json(&arguments);
    assert_keys(&answer, &["simulation", "without", "sensitivities", "rooflines", "figures"]);
    let latency = answer["simulation"]["latency_s"]["total"].as_f64().unwrap();
    assert_eq!(answer["without"]["latency_s"]["total"].as_f64().unwrap(), latency);
    let least = answer["without"]["removals"][0]["latency_s"]["total"].as_f64().unwrap();
    assert!(least < 0.9 * latency, "{least} {latency}");
    for roof in answer["rooflines"].as_array().unwrap() {
        assert_keys(roof, &["unit", "operation", "peak_per_s", "memory", "memory_bytes_per_s", "steps"]);
    }
    assert!(folder.path().join("figures/roofline-resnet20-haac-hbm2.pdf").is_file());
    check_trace(&folder, "t.json", &answer["simulation"]);
    let seed = folder.json(&arguments);
    assert_eq!(seed, answer, "the same command, another answer");
}

#[test]
fn a_simulation_writes_its_timeline_as_a_trace() {
    let folder = Folder::new();
    let simulation = folder.json(&["simulate", "-n", "resnet20", "-H", "cpu-lan", "--trace", "trace.json"]);
    check_trace(&folder, "trace.json", &simulation);
}

/// A trace is sorted, slices of one track do not overlap, and they add up to what the units were busy.
fn check_trace(folder: &Folder, name: &str, simulation: &Value) {
    let trace: Value = serde_json::from_slice(&fs::read(folder.path().join(name)).unwrap()).unwrap();
    assert_eq!(trace["displayTimeUnit"], "ms");
    let events = trace["traceEvents"].as_array().unwrap();
    let number = |event: &Value, key: &str| event[key].as_f64().unwrap();
    let slices: Vec<&Value> = events.iter().filter(|event| event["ph"] == "X").collect();
    assert!(slices.windows(2).all(|pair| number(pair[0], "ts") <= number(pair[1], "ts")));
    let names: BTreeMap<u64, &str> = events
        .iter()
        .filter(|event| event["name"] == "thread_name")
        .map(|event| (event["tid"].as_u64().unwrap(), event["args"]["name"].as_str().unwrap()))
        .collect();
    let mut busy: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for slice in slices.iter().filter(|slice| slice["pid"] != 0) {
        let (sum, end) = busy.entry(names[&slice["tid"].as_u64().unwrap()]).or_default();
        assert!(number(slice, "ts") >= *end - 1e-6 * end.abs().max(1.0), "{slice}");
        *sum += number(slice, "dur");
        *end = number(slice, "ts") + number(slice, "dur");
    }
    for (unit, (sum, _)) in &busy {
        let of = |own: &&Value| own["name"] == *unit;
        let expected =
            1e6 * simulation["units"].as_array().unwrap().iter().find(of).unwrap()["busy_s"].as_f64().unwrap();
        assert!((sum - expected).abs() <= 1e-6 * expected, "{unit}: {sum} is not {expected}");
    }
    let garbled = slices.iter().find(|slice| slice["args"]["activity"] == "garble").unwrap();
    assert!(garbled["args"]["and_gates"].as_u64().unwrap() > 0, "{garbled}");
    let phases: f64 = slices.iter().filter(|slice| slice["pid"] == 0).map(|slice| number(slice, "dur")).sum();
    let total = 1e6 * simulation["latency_s"]["total"].as_f64().unwrap();
    assert!((phases - total).abs() < 1e-6 * total);
}

#[test]
fn recipes_draw_published_studies() {
    let folder = Folder::new();
    let answer = folder.json(&["report", "--recipe", "asplos23", "--out", "a", "--columns", "1"]);
    let names: Vec<&str> = answer["figures"].as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap()).collect();
    for name in [
        "arrival-rate-resnet18",
        "link-split-resnet18",
        "published-latency",
        "published-storage",
        "published-layer-parallel",
    ] {
        assert!(names.contains(&name), "{names:?}");
    }
    let csv = fs::read_to_string(folder.path().join("a/published-layer-parallel.csv")).unwrap();
    assert!(csv.contains(",published,") && csv.contains(",modelled,"), "{csv}");
    let answer = folder.json(&["report", "--recipe", "deepreshape", "--out", "d", "--figure", "equal-relus-delphi"]);
    let csv = fs::read_to_string(folder.path().join("d/equal-relus-delphi.csv")).unwrap();
    assert!(csv.contains("hrn-2x7x2x") && csv.contains("resnet18"), "{csv}");
    assert!(answer["about"].as_str().unwrap().contains("TMLR 2024"));
}

#[test]
fn what_cannot_be_reported_is_refused_and_nothing_is_written() {
    let folder = Folder::new();
    folder.write("points.csv", points());
    folder.write("other.csv", "a,b\n1,2\n");
    folder.write(
        "failed.csv",
        points().lines().filter(|l| l.starts_with("point") || l.starts_with("20,")).collect::<Vec<_>>().join("\n"),
    );
    folder.write("file", "");
    let cases: [(&[&str], &str); 9] = [
        (&[], "expected a sweep's results (DIR), a network (-n) or a recipe"),
        (&["nowhere"], "nowhere"),
        (&["other.csv"], "no column `error`"),
        (&["failed.csv"], "no engines"),
        (&["points.csv", "--figure", "pareto-enargy"], "did you mean `pareto-energy`?"),
        (&["points.csv", "--out", "file"], "not a folder"),
        (&["points.csv", "--columns", "3"], "3"),
        (&["--recipe", "asplos22"], "did you mean `asplos23`?"),
        (&["-n", "resnet20", "--trace", "nowhere/t.json"], "nowhere/t.json"),
    ];
    for (options, expected) in cases {
        let error = folder.refusal(&[&["report"], options].concat());
        assert!(error.contains(expected), "{options:?}: {error}");
    }
    assert!(folder.refusal(&["simulate", "-n", "resnet20", "--trace", "nowhere/t.json"]).contains("nowhere/t.json"));
}
