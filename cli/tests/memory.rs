//! `pisim hardware memory`: the public JSON contract, the figures that it is known for, and what it refuses.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod common;

use common::{Folder, assert_keys};
use serde_json::Value;

fn number(answer: &Value, key: &str) -> f64 {
    answer[key].as_f64().unwrap_or_else(|| panic!("{key} in {answer}"))
}

#[test]
fn one_pattern_answers_with_its_bandwidth_and_the_latency() {
    let folder = Folder::new();
    let memory = |options: &[&str]| folder.json(&[&["hardware", "memory"][..], options].concat());
    let random = memory(&["ddr4-2400", "--pattern", "rnd_rd", "--mapping", "column"]);
    assert_keys(
        &random,
        &["device", "pattern", "mapping", "peak_bytes_per_s", "bandwidth_bytes_per_s", "efficiency", "latency_s"],
    );
    assert_eq!(
        (&random["device"], &random["pattern"], &random["mapping"]),
        (&"ddr4-2400".into(), &"rnd_rd".into(), &"column".into())
    );
    assert_eq!(number(&random, "peak_bytes_per_s").round(), 19.2e9);
    // Four activates in 26 clocks: 58 %.
    assert!((number(&random, "efficiency") - 0.58).abs() < 0.01, "{random}");
    assert!((number(&random, "latency_s") - 48e-9).abs() < 1e-9, "{random}");
    let ratio = number(&random, "bandwidth_bytes_per_s") / number(&random, "peak_bytes_per_s");
    assert!((ratio - number(&random, "efficiency")).abs() < 1e-9);
    assert_eq!((random["requests"].as_u64(), random["row_hits"].as_u64()), (Some(60_000), Some(0)));

    let closed = memory(&["ddr4-2400", "--pattern", "rnd_rd", "--mapping", "column", "--closed-form"]);
    assert_eq!(closed["method"], "closed-form");
    assert!((number(&closed, "efficiency") / number(&random, "efficiency") - 1.0).abs() < 0.02, "{closed}");
    assert!(closed.get("requests").is_none(), "{closed}");
    let two = memory(&["ddr4-2400", "--pattern", "rnd_rd", "--ranks", "2", "--requests", "20000"]);
    // No longer bound by activates, but by the bus, which every change of the rank costs clocks.
    assert!(number(&two, "efficiency") > 1.4 * number(&random, "efficiency"), "{two}");
    let channels = memory(&["hbm2", "--pattern", "seq_rd", "--channels", "8", "--interleave", "64B"]);
    assert_eq!(number(&channels, "peak_bytes_per_s").round(), 256e9);
    assert!(number(&channels, "efficiency") > 0.9, "{channels}");
}

#[test]
fn without_a_pattern_every_standard_one_is_answered() {
    let folder = Folder::new();
    let all = folder.json(&["hardware", "memory", "hbm2", "--requests", "2000"]);
    let names: Vec<&str> = all.as_array().unwrap().iter().map(|answer| answer["pattern"].as_str().unwrap()).collect();
    assert!(names.len() > 12 && names.starts_with(&["seq_rd", "seq_wr", "copy11", "triad21"]), "{names:?}");
    let text = folder.pisim(&["hardware", "memory", "hbm2", "--requests", "2000"]);
    assert!(text.stdout.contains("32.00 GB/s at most") && text.stdout.contains("blk1024"), "{}", text.stdout);
    assert_eq!(all, folder.json(&["hardware", "memory", "hbm2", "--requests", "2000"]), "it repeats");
}

#[test]
fn read_shares_queue_depths_and_odd_sizes_are_answered() {
    let folder = Folder::new();
    let memory = |options: &[&str]| {
        folder.json(&[&["hardware", "memory", "ddr4-2400", "--requests", "8000", "--pattern"][..], options].concat())
    };
    let efficiency = |options: &[&str]| number(&memory(options), "efficiency");
    // The named mixes are read shares of random lines.
    assert_eq!(efficiency(&["rnd_rd", "--read-share", "0"]), efficiency(&["rnd_wr"]));
    assert_eq!(efficiency(&["rnd_rd", "--read-share", "0.5"]), efficiency(&["rnd_11"]));
    let mixed = memory(&["blk1024", "--read-share", "0.67"]);
    assert_eq!(number(&mixed, "read_share"), 0.67);
    assert!(number(&mixed, "efficiency") < efficiency(&["blk1024"]), "{mixed}");
    // One read at a time: 64 bytes per latency.
    let one = memory(&["rnd_rd", "--queue-depth", "1"]);
    let by_latency = 64.0 / number(&one, "latency_s");
    assert!((number(&one, "bandwidth_bytes_per_s") / by_latency - 1.0).abs() < 0.05, "{one}");
    assert!((number(&one, "closed_form_efficiency") / number(&one, "efficiency") - 1.0).abs() < 0.05, "{one}");
    // A byte moves a line.
    let byte = memory(&["blk1"]);
    assert_eq!(number(&byte, "efficiency"), efficiency(&["rnd_rd"]));
    let useful = number(&byte, "useful_bytes_per_s") / number(&byte, "bandwidth_bytes_per_s");
    assert!((useful - 1.0 / 64.0).abs() < 1e-12, "{byte}");
    // Strides need not be lines; after eight of 128 MiB the region begins again, all in one bank.
    assert!(efficiency(&["stride100"]) > 0.9 && efficiency(&["stride134217728"]) < 0.2);
    let text = folder.pisim(&["hardware", "memory", "ddr4-2400", "--requests", "2000", "--pattern", "blk16"]).stdout;
    assert!(text.contains("25.0 %; the rest fills lines"), "{text}");
}

#[test]
fn wrong_devices_patterns_and_numbers_name_what_was_expected() {
    for (options, says) in [
        (&["ddr3-1600"][..], "unknown memory device `ddr3-1600`; expected one of ddr4-2400, "),
        (&["ddr4-3201"], "did you mean `ddr4-3200`?"),
        (&["hbm2", "--pattern", "seq_re"], "did you mean `seq_rd`?"),
        (&["hbm2", "--pattern", "blk0"], "0 bytes are out of range; expected 1 to 4294967296"),
        (
            &["lpddr4", "--pattern", "stride536870912"],
            "are not within the 536870912 bytes of this memory that patterns cover",
        ),
        (&["hbm2", "--pattern", "copy11", "--read-share", "0.5"], "itself says what it reads and what it writes"),
        (&["hbm2", "--pattern", "rnd_rd", "--read-share", "1.1"], "a read share of 1.1; expected 0 to 1"),
        (&["hbm2", "--pattern", "rnd_rd", "--read-share", "-1"], "a read share of -1; expected 0 to 1"),
        (&["hbm2", "--pattern", "rnd_rd", "--read-share", "half"], "a read share of half; expected 0 to 1"),
        (&["hbm2", "--read-share", "0.5"], "--pattern"),
        (&["hbm2", "--queue-depth", "0"], "--queue-depth"),
        (&["hbm2", "--pattern", "str0"], "0 streams are out of range; expected 1 to 4096"),
        (&["hbm2", "--pattern", "copyblk"], "its number is missing"),
        (&["hbm2", "--mapping", "row"], "[possible values: column, bank-group]"),
        (&["hbm2", "--interleave", "2K"], "[possible values: 64B, 1K]"),
        (&["hbm2", "--channels", "0"], "--channels"),
        (&["hbm2", "--ranks", "9"], "--ranks"),
        (&["hbm2", "--closed-form", "--requests", "5"], "cannot be used with"),
        (&[], "<DEVICE>"),
    ] {
        let error = Folder::new().refusal(&[&["hardware", "memory"][..], options].concat());
        assert!(error.contains(says), "{options:?}: {error}");
    }
}
