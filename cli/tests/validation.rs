//! `pisim validate`, and the platform options of `pisim simulate`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod common;

use common::Folder;

#[test]
fn validate_reports_every_target_with_its_limit() {
    let targets = Folder::new().json(&["validate"]);
    let targets = targets.as_array().unwrap();
    assert!(targets.len() > 30, "{}", targets.len());
    for target in targets {
        for key in ["target", "metric", "source", "set", "network"] {
            assert!(target[key].is_string(), "{key} of {target}");
        }
        for key in ["cases", "mean_abs_error_pct", "max_abs_error_pct", "limit_pct", "max_limit_pct"] {
            assert!(target[key].is_number(), "{key} of {target}");
        }
        assert_eq!(target["pass"], true, "{target}");
        let verdict = target["verdict"].as_str().unwrap();
        assert!(verdict == "pass" || verdict == "known-miss" && target["note"].is_string(), "{target}");
        assert!(target["reference"].is_string(), "{target}");
    }
    assert!(targets.iter().any(|target| target["verdict"] == "known-miss"));
    assert!(targets.iter().any(|target| target["not_modelled"].is_string()));
    for set in ["identity", "fitted", "seen", "predicted"] {
        assert!(targets.iter().any(|target| target["set"] == set), "{set}");
    }
}

#[test]
fn one_target_is_filtered_and_its_cases_are_shown_when_asked_for() {
    let folder = Folder::new();
    let answer = folder.pisim(&["validate", "--target", "one-inference", "-v"]);
    assert_eq!(answer.code, Some(0));
    let stdout = &answer.stdout;
    assert!(stdout.contains("server garbler, offline") && stdout.contains("478.267"), "{stdout}");
    assert!(!stdout.contains("he-evaluation"));
    let brief = folder.pisim(&["validate", "--target", "one-inference"]).stdout;
    assert!(!brief.contains("478.267"), "{brief}");
}

#[test]
fn a_known_miss_is_called_so_and_does_not_fail() {
    let folder = Folder::new();
    let answer = folder.pisim(&["validate", "--target", "craterlake-units"]);
    assert_eq!(answer.code, Some(0));
    for says in ["known miss", "known miss 1", "craterlake-units: another group's synthesis", "not modelled:"] {
        assert!(answer.stdout.contains(says), "{says}: {}", answer.stdout);
    }
    let memory = folder.pisim(&["validate", "--target", "memory-closed-hbm2"]).stdout;
    assert!(memory.contains("of 22 inside") && memory.contains("off middle"), "{memory}");
    let help = folder.pisim(&["validate", "--help"]).stdout;
    for word in ["identity", "fitted", "seen", "predicted", "known miss", "exit code"] {
        assert!(help.contains(word), "{word}: {help}");
    }
    let cycles = folder.pisim(&["validate", "--target", "rtl-cycles", "-v"]).stdout;
    assert!(cycles.contains("Verilator") && !cycles.contains("published"), "{cycles}");
}

#[test]
fn figures_are_written_where_asked() {
    let folder = Folder::new();
    let path = folder.path().join("plots");
    let answer = folder.pisim(&["validate", "--plots", "plots"]);
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    for name in ["published-layers", "published-latency", "published-storage", "published-agreement"] {
        for end in ["png", "svg", "csv"] {
            assert!(path.join(format!("{name}.{end}")).metadata().unwrap().len() > 100, "{name}.{end}");
        }
    }
}

#[test]
fn platform_options_change_what_is_simulated() {
    let folder = Folder::new();
    let base = ["simulate", "-n", "hrn-tiny", "-p", "delphi", "-H", "epyc7502-atom"];
    let latency = |options: &[&str]| {
        let result = folder.json(&[&base[..], options].concat());
        (result["latency_s"]["total"].as_f64().unwrap(), result["link"].clone())
    };
    let (plain, link) = latency(&[]);
    assert_eq!((link["up_bits_per_s"].as_f64(), link["optimal_split"].as_bool()), (Some(1e8), Some(false)));
    assert!(latency(&["--up", "1 Gbps"]).0 < plain);
    assert!(latency(&["--down", "1 Gbps"]).0 < plain);
    assert!(latency(&["--he-threads", "4"]).0 < plain);
    assert!(latency(&["--he-threads", "4", "--he-parallel", "layer"]).0 < plain);
    let (best, link) = latency(&["--link-total", "600 Mbps"]);
    assert_eq!(link["optimal_split"], true);
    assert!(best <= plain, "the platform's split of 600 Mbit/s is no better");
    assert!(latency(&["--link-total", "600 Mbps", "--up-share", "0.9"]).0 > best);
    let stdout = folder.pisim(&[&base[..], &["--link-total", "600 Mbps"]].concat()).stdout;
    assert!(stdout.contains("the split of 600.0 Mbit/s with the least latency"), "{stdout}");
}

#[test]
fn impossible_options_are_refused() {
    for (options, says) in [
        (&["validate", "--target", "he-eval"][..], "unknown target `he-eval`; expected one of he-evaluation"),
        (&["validate", "--plots", "/dev/null/plots"], "/dev/null/plots"),
        (&["simulate", "-H", "epyc7502-atom", "--he-threads", "33"], "has 32 cores, found 33 threads"),
        (&["simulate", "-H", "epyc7502-atom", "--he-threads", "0"], "--he-threads"),
        (&["simulate", "-H", "haac-hbm2", "--he-threads", "2"], "on its HE engine"),
        (&["simulate", "--up", "0 bps"], "--up: 0 bit/s is out of range"),
        (&["simulate", "--up", "100"], "has no unit"),
        (&["simulate", "--up", "1 Gbps", "--link-total", "1 Gbps"], "cannot be used with"),
        (&["simulate", "--up-share", "0.5"], "--link-total"),
        (&["simulate", "--link-total", "1 Gbps", "--up-share", "1.5"], "--up-share: 1.5 is out of range"),
        (&["simulate", "--link-total", "1 Gbps", "--up-share", "nan"], "--up-share: NaN is out of range"),
        (&["simulate", "--link-total", "1 Gbps", "--up-share", "best"], "`best` is no part"),
    ] {
        let error = Folder::new().refusal(options);
        assert!(error.contains(says), "{options:?}: {error}");
    }
}
