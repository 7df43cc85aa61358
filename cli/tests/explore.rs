//! `pisim hardware explore` and `--level`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod common;

use common::{Folder, assert_keys};
use serde_json::Value;

const SMALL: [&str; 8] = ["hardware", "explore", "-n", "resnet20", "--engines", "1,4", "--he-lanes", "256:1024"];

fn explored(folder: &Folder, options: &[&str]) -> Value {
    folder.json(&[&SMALL[..], options].concat())
}

fn seconds(point: &Value) -> f64 {
    point["latency_s"]["total"].as_f64().unwrap()
}

#[test]
fn every_design_is_a_point_with_its_bottleneck() {
    let folder = Folder::new();
    let answer = explored(&folder, &["--memory", "ddr4-2400,512 GB/s"]);
    assert_keys(&answer, &["network", "protocol", "hardware", "link", "level", "space", "points"]);
    let points = answer["points"].as_array().unwrap();
    assert_eq!((points.len(), &answer["level"]), (12, &Value::from("event")));
    for point in points {
        assert_keys(
            point,
            &["engines", "he_lanes", "memory", "latency_s", "energy_j", "bottleneck", "area_mm2", "fits"],
        );
        assert!(!point["bottleneck"]["unit"].as_str().unwrap().is_empty() && seconds(point) > 0.0);
    }
    // The last design differs from the platform in nothing but its counts.
    let one = folder.json(&["simulate", "-n", "resnet20", "-H", "haac-hbm2"]);
    assert!((seconds(&points[11]) / one["latency_s"]["total"].as_f64().unwrap() - 1.0).abs() < 0.01);
}

#[test]
fn threads_do_not_change_the_answer_and_the_closed_form_is_close() {
    let folder = Folder::new();
    let one = explored(&folder, &["--threads", "1", "--both"]);
    assert_eq!(one, explored(&folder, &["--threads", "3", "--both"]));
    let closed = explored(&folder, &["--level", "closed-form", "--both"]);
    assert_eq!(closed["level"], "closed-form");
    for (event, closed) in one["points"].as_array().unwrap().iter().zip(closed["points"].as_array().unwrap()) {
        let ratio = seconds(closed) / seconds(event);
        assert!((0.9..=1.0 + 1e-9).contains(&ratio), "{ratio}");
    }
}

#[test]
fn the_figure_has_its_data_beside_it() {
    let folder = Folder::new();
    for name in ["map.svg", "map.png"] {
        explored(&folder, &["--plot", name]);
        assert!(std::fs::metadata(folder.path().join(name)).unwrap().len() > 1000);
    }
    let csv = std::fs::read_to_string(folder.path().join("map.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 3 * 2 * 3);
    assert!(csv.starts_with("memory,memory_bytes_per_s,engines,he_lanes,"), "{csv}");
}

#[test]
fn bad_axes_are_refused_before_anything_runs() {
    let folder = Folder::new();
    let cases: [(&[&str], &str); 7] = [
        (&["--engines", "0"], "0 units never end"),
        (&["--he-lanes", "8:4"], "4 is below 8"),
        (&["--memory", "ddr4-3201"], "unknown memory"),
        (&["--memory", "0 GB/s"], "expected"),
        (&["-H", "cpu-lan"], "the server of cpu-lan has no GC engine"),
        (&["--plot", "map.pdf"], ".svg or .png"),
        (&["--memory", "hbm2,hbm2x2,hbm2x4,hbm2x8,hbm2x32", "--plot", "map.svg"], "at most 4"),
    ];
    for (options, expected) in cases {
        let answer = folder.pisim(&[&["hardware", "explore", "-n", "resnet20"], options].concat());
        assert_eq!(answer.code, Some(2), "{options:?}: {}", answer.stdout);
        assert!(answer.stderr.contains(expected), "{options:?}: {}", answer.stderr);
    }
}

#[test]
fn a_simulation_says_its_level() {
    let folder = Folder::new();
    let event = folder.json(&["simulate", "-n", "resnet20", "-H", "haac-hbm2"]);
    let closed = folder.json(&["simulate", "-n", "resnet20", "-H", "haac-hbm2", "--level", "closed-form"]);
    assert_eq!((&event["level"], &closed["level"]), (&Value::from("event"), &Value::from("closed-form")));
    assert_eq!(event["bytes"], closed["bytes"]);
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&event), keys(&closed));
    let total = |value: &Value| value["latency_s"]["total"].as_f64().unwrap();
    assert!(total(&closed) <= total(&event) && total(&closed) > 0.99 * total(&event));
}
