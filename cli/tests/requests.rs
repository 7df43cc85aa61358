//! `pisim requests`: its answers, its figure, and what it refuses.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod common;

use common::{Folder, assert_keys, nulls};
use serde_json::Value;

/// A quick network on a platform with storage for many precomputes.
const SMALL: [&str; 5] = ["requests", "-n", "resnet20", "--runs", "4"];

const KEYS: [&str; 7] = ["rate_per_s", "mean_s", "median_s", "p95_s", "queue_mean_s", "served", "runs"];
const MORE_KEYS: [&str; 9] = [
    "p99_s",
    "unserved",
    "throughput_per_s",
    "client_storage_mean_bytes",
    "utilization",
    "latency_mean_s",
    "capacity_per_s",
    "protocol",
    "busiest_unit",
];

fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or_else(|| panic!("`{key}` in {value}"))
}

fn points(folder: &Folder, options: &[&str]) -> Vec<Value> {
    folder.json(&[&SMALL[..], options].concat()).as_array().unwrap().clone()
}

#[test]
fn latency_has_a_knee_at_the_capacity_and_a_plateau_beyond() {
    let folder = Folder::new();
    let points = points(&folder, &[]);
    assert_eq!(points.len(), 8);
    let simulated = folder.json(&["simulate", "-n", "resnet20"]);
    let latency = &simulated["latency_s"];
    let (offline, online) = (number(latency, "setup") + number(latency, "offline"), number(latency, "online"));
    for point in &points {
        assert_keys(point, &KEYS);
        assert_keys(point, &MORE_KEYS);
        let mut null = Vec::new();
        nulls(point, "", &mut null);
        assert!(null.is_empty(), "{null:?}");
        assert!((number(point, "offline_s") - offline).abs() < 1e-9 && number(point, "online_s") == online);
        assert!((number(point, "capacity_per_s") - 1.0 / (offline + 1.0)).abs() < 1e-9, "{point}");
        assert!(number(point, "mean_s") >= online * 0.999_999 && number(point, "mean_s") <= offline + online + 1.0);
        assert_eq!(number(point, "served") + number(point, "unserved"), number(point, "arrived"));
    }
    let rates: Vec<f64> = points.iter().map(|point| number(point, "rate_per_s")).collect();
    assert!(rates.windows(2).all(|pair| pair[0] < pair[1]), "{rates:?}");
    let below: Vec<&Value> =
        points.iter().filter(|p| number(p, "rate_per_s") < 0.8 * number(p, "capacity_per_s")).collect();
    let above: Vec<&Value> =
        points.iter().filter(|p| number(p, "rate_per_s") > 1.1 * number(p, "capacity_per_s")).collect();
    assert!(below.len() >= 3 && above.len() >= 2);
    assert!(below.iter().all(|p| number(p, "mean_s") < 1.1 * online), "{below:?}");
    // Every inference now waits for the precompute that is made next, a second and an offline phase after the last one.
    assert!(above.iter().all(|p| (number(p, "mean_s") / (offline + 1.0) - 1.0).abs() < 0.05), "{above:?}");
    assert!(above.iter().all(|p| number(p, "unserved") > 50.0 && number(p, "utilization") > 0.9));
}

#[test]
fn the_same_seed_gives_the_same_answer_at_any_number_of_threads() {
    let folder = Folder::new();
    let with = |options: &[&str]| points(&folder, &[&["--rates", "0.01:0.1:3"], options].concat());
    let first = with(&["--threads", "1"]);
    assert_eq!(with(&["--threads", "3"]), first);
    assert_eq!(with(&["--seed", "0"]), first);
    assert_ne!(with(&["--seed", "1"]), first);
    let rates: Vec<f64> = first.iter().map(|point| number(point, "rate_per_s")).collect();
    assert_eq!(rates, [0.01, 0.055, 0.1]);
    assert_eq!(first[0]["runs"], 4);
}

#[test]
fn without_a_number_there_are_thirty_runs_or_as_many_as_can_be_simulated() {
    let folder = Folder::new();
    let runs = |rates: &str| {
        let points = folder.json(&["requests", "-n", "resnet20", "--hours", "1", "--rates", rates]);
        points[0]["runs"].as_u64().unwrap()
    };
    assert_eq!((runs("0.01"), runs("1000")), (30, 13));
}

#[test]
fn options_change_what_they_name() {
    let folder = Folder::new();
    let with = |options: &[&str]| points(&folder, &[&["--rates", "0.05"], options].concat())[0].clone();
    let plain = with(&[]);
    // Storage for none: both phases of every request.
    let none = with(&["--client-storage", "1 MB"]);
    let both = number(&plain, "offline_s") + number(&plain, "online_s");
    assert!((number(&none, "mean_s") - both).abs() < 1e-6 && number(&none, "client_storage_peak_bytes") == 0.0);
    let some = with(&["--client-storage", "2 GB"]);
    let stored = number(&some, "client_storage_peak_bytes");
    assert!(stored > 0.0 && stored <= 2e9 && stored < number(&plain, "client_storage_peak_bytes"));
    assert!(number(&with(&["--hours", "6"]), "arrived") < 0.5 * number(&plain, "arrived"));
    assert!(number(&with(&["--down", "100 Mbps"]), "offline_s") > 2.0 * number(&plain, "offline_s"));
    assert!(number(&with(&["--up", "10 Mbps"]), "online_s") > number(&plain, "online_s"));
    for policy in ["eager", "overlap", "servers:3"] {
        let other = with(&["--policy", policy]);
        assert_eq!(other["policy"], policy);
        assert!(number(&other, "capacity_per_s") > number(&plain, "capacity_per_s"), "{policy}");
    }
}

#[test]
fn a_trace_is_served_in_its_order() {
    let folder = Folder::new();
    folder.write("arrivals.csv", "# seconds,who\n3600,a\n3600,b\n7200.5,c\n");
    let points = folder.json(&["requests", "-n", "resnet20", "--trace", "arrivals.csv", "--hours", "3"]);
    let point = &points[0];
    let online = number(point, "online_s");
    assert_eq!((number(point, "served"), point["runs"].as_u64()), (3.0, Some(1)));
    assert!((number(point, "mean_s") - online).abs() < 1e-6);
    assert!((number(point, "queue_mean_s") - online / 3.0).abs() < 1e-6);
    assert!((number(point, "rate_per_s") - 3.0 / 10_800.0).abs() < 1e-12);
}

#[test]
fn several_protocols_are_several_curves_of_one_figure() {
    let folder = Folder::new();
    for plot in ["both.svg", "both.PNG"] {
        let options = ["-p", "ring-gc", "-p", "ring-gc-client", "--rates", "0.01:0.2:4", "--plot", plot];
        let answer = folder.pisim(&[&SMALL[..], &options].concat());
        assert_eq!((answer.code, answer.stderr.as_str()), (Some(0), ""));
        assert_eq!(answer.stdout.matches("knee").count(), 2, "{}", answer.stdout);
        assert!(answer.stdout.contains("under ring-gc-client") && answer.stdout.contains(plot), "{}", answer.stdout);
    }
    let svg = std::fs::read_to_string(folder.path().join("both.svg")).unwrap();
    for word in ["ring-gc-client", "Arrival rate (requests per", "capacity"] {
        assert!(svg.contains(word), "no {word}");
    }
    let png = std::fs::read(folder.path().join("both.PNG")).unwrap();
    assert!(png.starts_with(b"\x89PNG"));
    let points = points(&folder, &["-p", "ring-gc", "-p", "ring-gc-client", "--rates", "0.01:0.2:4"]);
    assert_eq!(points.len(), 8);
    assert_eq!((&points[0]["protocol"], &points[7]["protocol"]), (&"ring-gc".into(), &"ring-gc-client".into()));
}

#[test]
fn nothing_served_is_null_and_not_zero() {
    let folder = Folder::new();
    let points = points(&folder, &["--rates", "1e-12"]);
    assert_eq!((number(&points[0], "served"), number(&points[0], "arrived")), (0.0, 0.0));
    assert!(points[0]["mean_s"].is_null() && points[0]["p95_s"].is_null());
    let text = folder.pisim(&[&SMALL[..], &["--rates", "1e-12", "--plot", "empty.svg"]].concat());
    assert!(text.code == Some(0) && text.stdout.contains('–'), "{}", text.stderr);
}

#[test]
fn bad_rates_storage_and_policies_are_refused() {
    let folder = Folder::new();
    for (options, says) in [
        (&["--rates", "0:1:3"][..], "a rate of 0 requests per second gives no latency"),
        (&["--rates", "0"], "gives no latency"),
        (&["--rates", "1:0.5:3"], "0.5 is below 1"),
        (&["--rates", "1:2"], "expected a:b:n"),
        (&["--rates", "1:2:0"], "expected 1 to 10000"),
        (&["--rates", "a:b:n"], "expected a:b:n"),
        (&["--rates", "nan"], "expected a:b:n"),
        (&["--rates", "1e9"], "lower the rates, the hours or the runs"),
        (&["--hours", "0"], "0 simulated hours; expected more than 0"),
        (&["--hours", "nan"], "NaN simulated hours"),
        (&["--hours", "1e9"], "up to 8760"),
        (&["--runs", "0"], "0 runs; expected 1 to"),
        (&["--runs", "-1"], "unexpected argument"),
        (&["--server-storage", "1 B"], "the server's storage of 1 bytes does not hold one precompute"),
        (&["--client-storage", "64"], "expected"),
        (&["--client-storage", "-1 GB"], "expected"),
        (&["--up", "0 bps"], "--up: 0 bit/s is out of range; expected 1 kbps"),
        (&["--down", "10 GHz"], "wrong unit"),
        (&["--policy", "fair"], "expected published, eager, overlap or servers:N"),
        (&["--policy", "servers:0"], "N from 1 to 1024"),
        (&["--plot", "figure.pdf"], "expected a file that ends in .svg or .png"),
        (&["--plot", "no/such/figure.svg"], "expected a file in a folder that exists"),
        (&["--trace", "none.csv"], "cannot read none.csv"),
        (&["-p", "delfi"], "delfi"),
        (&["-H", "epic"], "unknown platform"),
        (&["--threads", "0"], "--threads"),
    ] {
        let error = folder.refusal(&[&["requests", "-n", "resnet20"], options].concat());
        assert!(error.contains(says), "{options:?}: expected {says:?} in {error}");
    }
}

#[test]
fn a_bad_trace_is_refused_at_its_line() {
    let folder = Folder::new();
    for (text, says) in [
        ("1\n2\n1.5\n", "line 3: 1.5 s is before 2 s"),
        ("-1\n", "line 1: -1 s is negative"),
        ("1\ntwo\n", "line 2: `two` is no arrival time; expected seconds"),
        ("", "no arrival times"),
        ("1\n90000\n", "90000 s is not within the simulated 86400 s; simulate more hours"),
        ("1\ninf\n", "line 2"),
    ] {
        folder.write("trace.txt", text);
        let error = folder.refusal_line(&["requests", "-n", "resnet20", "--trace", "trace.txt"]);
        assert!(error.contains(says), "{text:?}: expected {says:?} in {error}");
    }
    for other in [&["--rates", "1"][..], &["--runs", "2"], &["--seed", "1"]] {
        folder.refusal(&[&["requests", "--trace", "trace.txt"], other].concat());
    }
}
