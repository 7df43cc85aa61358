//! Bad input: one error that names file, line, key and expectation; exit code 2; nothing half-written.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod common;

use common::{EXPERIMENT, FPGA, Folder, HARDWARE, PROTOCOL};
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// An edit of a file: what is replaced by what, the key that the error names, and what else it says.
type Edit = (&'static str, &'static str, &'static str, &'static str);

/// Each edited file is refused at the edited line, with the key and the expectation.
fn refused_at_its_line(base: &str, command: &[&str], edits: &[Edit]) {
    let folder = Folder::new();
    for (from, to, key, says) in edits {
        let line = folder.write_edited("edited.toml", base, from, to);
        let error = folder.refusal_line(&[command, &["edited.toml"]].concat());
        let place = format!("error: edited.toml:{line}:");
        assert!(error.starts_with(&place), "{from:?} → {to:?}: expected {place} in {error}");
        assert!(error.contains(&format!("key `{key}`")), "{from:?} → {to:?}: {error}");
        assert!(error.contains(says), "{from:?} → {to:?}: expected {says:?} in {error}");
    }
}

const PROTOCOL_EDITS: &[Edit] = &[
    ("degree = 4096", "degre = 4096", "linear.degre", "did you mean `degree`?"),
    ("[linear]\nmethod = \"he-coefficient\"\n", "[linear]\n", "linear.method", "missing key"),
    ("bits = 32", "bits = \"32\"", "shares.bits", "expected a whole number"),
    ("bits = 32", "bits = -32", "shares.bits", "expected a whole number from 0"),
    ("bits = 32", "bits = 4000", "shares.bits", "from 8 to 64"),
    ("weight_bits = 11", "weight_bits = 1", "fixed_point.weight_bits", "from 2 to 24"),
    ("fraction_bits = 8", "fraction_bits = 30", "fixed_point.fraction_bits", "30 is not possible"),
    ("method = \"he-coefficient\"", "method = \"he-coeficient\"", "linear.method", "he-coefficient"),
    ("degree = 4096", "degree = 5000", "linear.degree", "power of two"),
    ("[50, 50]", "[55, 55]", "linear.limb_bits", "less than 128-bit security"),
    ("degree = 4096", "degree = 2048", "linear.limb_bits", "less than 128-bit security"),
    ("[50, 50]", "[]", "linear.limb_bits", "expected"),
    ("[50, 50]", "[10, 99]", "linear.limb_bits", "bits each"),
    ("response_limbs = 1", "response_limbs = 3", "linear.response_limbs", "expected 1 to 2"),
    ("prepared_weights = \"0 B\"", "prepared_weights = \"1 s\"", "linear.prepared_weights", "bytes"),
    ("computational_bits = 128", "computational_bits = 80", "security.computational_bits", "expected 128"),
    ("statistical_bits = 40", "statistical_bits = 4", "security.statistical_bits", "from 40 to 64"),
    ("garbler = \"server\"", "garbler = \"nobody\"", "nonlinear.garbler", "unknown value `nobody`"),
];

#[test]
fn a_bad_protocol_is_refused_at_its_line() {
    // The line of a value that is too large for its degree is the value's, not the degree's.
    let (moved, rest): (Vec<Edit>, Vec<Edit>) = PROTOCOL_EDITS.iter().partition(|edit| edit.1 == "degree = 2048");
    refused_at_its_line(PROTOCOL, &["simulate", "-p"], &rest);
    let folder = Folder::new();
    for (from, to, key, says) in moved {
        folder.write_edited("edited.toml", PROTOCOL, from, to);
        let error = folder.refusal_line(&["verify", "-p", "edited.toml"]);
        let line = PROTOCOL[..PROTOCOL.find("limb_bits").unwrap()].matches('\n').count() + 1;
        assert!(error.starts_with(&format!("error: edited.toml:{line}:")) && error.contains(key), "{error}");
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn a_network_that_does_not_fit_the_protocol_is_refused_at_the_protocols_key() {
    let folder = Folder::new();
    let line_of = |key: &str| PROTOCOL[..PROTOCOL.find(key).unwrap()].matches('\n').count() + 1;
    for (from, to, key, line, says) in [
        (
            "fraction_bits = 8",
            "fraction_bits = 14",
            "shares.bits",
            line_of("bits = 32"),
            "does not fit the ring: layer",
        ),
        ("[50, 50]", "[40, 40]", "linear.limb_bits", line_of("limb_bits"), "noise may reach 2^"),
    ] {
        folder.write_edited("edited.toml", PROTOCOL, from, to);
        folder.write("e.toml", EXPERIMENT.replace("\"ring-gc\"", "\"edited.toml\""));
        for command in [
            &["simulate", "-n", "resnet20", "-p", "edited.toml"][..],
            &["verify", "-n", "resnet20", "-p", "edited.toml", "--json"],
            &["run", "e.toml", "--out", "new/folder"],
        ] {
            let error = folder.refusal_line(command);
            assert!(error.starts_with(&format!("error: edited.toml:{line}:")), "{error}");
            assert!(error.contains(&format!("key `{key}`")) && error.contains(says), "{error}");
            assert!(error.contains("network resnet20"), "{error}");
        }
    }
}

const HARDWARE_EDITS: &[Edit] = &[
    ("engines = 16", "engine = 16", "server.gc_engine.engine", "did you mean `engines`?"),
    (
        "[server.gc_engine]              # HAAC, ISCA'23\nengines = 16\n",
        "[server.gc_engine]\n",
        "server.gc_engine.engines",
        "missing key",
    ),
    ("up = \"10 Gbps\"", "up = \"10 GHz\"", "link.up", "wrong unit"),
    ("up = \"10 Gbps\"", "up = \"10\"", "link.up", "expected"),
    ("up = \"10 Gbps\"", "up = 10", "link.up", "expected"),
    ("up = \"10 Gbps\"", "up = \"-10 Gbps\"", "link.up", "expected"),
    ("up = \"10 Gbps\"", "up = \"nan Gbps\"", "link.up", "expected"),
    ("up = \"10 Gbps\"", "up = \"1e30 Gbps\"", "link.up", "expected"),
    ("engines = 16", "engines = 0", "server.gc_engine.engines", "expected 1 to 4096"),
    ("engines = 16", "engines = -1", "server.gc_engine.engines", "expected a whole number"),
    ("engines = 16", "engines = 99999999999999", "server.gc_engine.engines", "expected 1 to 4096"),
    ("round_trip = \"0.1 ms\"", "round_trip = \"3 h\"", "link.round_trip", "expected 0 s to 60 s"),
    ("kind = \"hbm2\"", "kind = \"hbm9\"", "server.memory.kind", "unknown value `hbm9`"),
    ("node_nm = 16", "node_nm = 15", "server.silicon.node_nm", "expected one of"),
];

#[test]
fn a_bad_platform_is_refused_at_its_line() {
    refused_at_its_line(HARDWARE, &["simulate", "-n", "resnet20", "-H"], HARDWARE_EDITS);
    refused_at_its_line(HARDWARE, &["hardware", "show", "--json"], &HARDWARE_EDITS[..3]);
}

#[test]
fn a_design_larger_than_its_board_is_refused_by_how_much() {
    let folder = Folder::new();
    folder.write_edited("big.toml", FPGA, "rows = 32", "rows = 4096");
    let error = folder.refusal_line(&["hardware", "show", "big.toml"]);
    assert!(error.contains("key `server.fpga.board`") && error.contains("% too many"), "{error}");
}

#[test]
fn a_bad_network_file_is_refused_at_its_line() {
    let base = "family = \"resnet18\"\ninput = 32\nclasses = 10\ncull = [\"stem\"]\n";
    refused_at_its_line(
        base,
        &["net", "show"],
        &[
            ("resnet18", "resnet81", "family", "did you mean `resnet18`?"),
            ("input = 32", "inputs = 32", "inputs", "did you mean `input`?"),
            ("input = 32", "input = 0", "input", "from 1 to"),
            ("input = 32", "input = 1000000000000", "input", "from 1 to"),
            ("classes = 10", "classes = -10", "classes", "expected a whole number"),
            ("[\"stem\"]", "[\"s9\"]", "cull", "expected one of stem"),
            ("family = \"resnet18\"\n", "", "family", "missing key"),
        ],
    );
    let folder = Folder::new();
    folder.write("broken.toml", "family = \"resnet18\"\ncull = [\"stem\"\nthin = true\n");
    let error = folder.refusal_line(&["verify", "-n", "broken.toml"]);
    assert!(error.starts_with("error: broken.toml:3:") && error.contains("not TOML"), "{error}");
}

#[test]
fn a_bad_experiment_is_refused_at_its_line() {
    refused_at_its_line(
        EXPERIMENT,
        &["run"],
        &[
            ("title = ", "titel = ", "titel", "did you mean `title`?"),
            ("title = \"A small experiment\"\n", "", "title", "missing key"),
            ("\"ring-gc\"", "\"ring-cg\"", "protocol", "did you mean `ring-gc`?"),
            ("\"cpu-lan\"", "\"cpu-lam\"", "hardware", "did you mean `cpu-lan`?"),
            ("name = \"resnet20\"", "name = \"resnet02\"", "network.name", "unknown network"),
            ("image = \"cat.png\"", "image = \"dog.png\"", "verify.image", "expected a file or `cat.png`"),
            ("seed = 3", "seed = -3", "verify.seed", "expected a whole number"),
        ],
    );
    let folder = Folder::new();
    folder.write_edited("e.toml", EXPERIMENT, "input = 8", "input = \"8\"");
    let error = folder.refusal_line(&["run", "e.toml"]);
    assert!(error.starts_with("error: e.toml:7:") && error.contains("input"), "{error}");
}

#[test]
fn unknown_names_are_refused_with_the_near_miss() {
    let folder = Folder::new();
    for (args, says) in [
        (&["net", "show", "resnet81"][..], "did you mean `resnet18`?"),
        (&["net", "show", "hrn-5x5x3"], "did you mean `hrn-5x5x3x`?"),
        (&["verify", "-n", "minion"], "did you mean `minionn`?"),
        (&["simulate", "-p", "ring-cg"], "did you mean `ring-gc`?"),
        (&["simulate", "-H", "haac-hbm"], "did you mean `haac-hbm2`?"),
        (&["hardware", "show", "fpga-u28"], "did you mean `fpga-u280`?"),
        (&["run", "hybrnet"], "did you mean `hybrenet`?"),
        (&["net", "show", "resnet18", "--cull", "nosuch"], "expected one of stem, s1"),
        (&["simulate", "-n", "resnet18", "--cull", "s11"], "did you mean `s1`?"),
    ] {
        let error = folder.refusal_line(args);
        assert!(error.contains(says), "{args:?}: {error}");
    }
}

#[test]
fn impossible_options_are_refused_at_once() {
    let folder = Folder::new();
    for (args, says) in [
        (&["net", "show", "resnet18", "--input", "0"][..], "from 1 to"),
        (&["net", "show", "resnet18", "--input", "1000000000"], "from 1 to"),
        (&["simulate", "-n", "resnet18", "--classes", "0"], "from 1 to"),
        (&["verify", "-n", "resnet18", "--base-channels", "0"], "from 1 to"),
        (&["verify", "-n", "resnet18", "--base-channels", "99999999999"], "from 1 to"),
        (&["verify", "-n", "resnet18", "--base-channels", "65536"], "resnet18"),
        (&["verify", "-n", "vgg16", "--base-channels", "1024"], "parameters"),
        (
            &["verify", "-n", "resnet18", "--base-channels", "8", "--input", "128", "--image", "nosuch.png"],
            "nosuch.png",
        ),
        (&["verify", "-n", "resnet34", "--base-channels", "128", "--input", "128"], "for its online phase"),
        (&["net", "show", "vgg16", "--input", "8"], "does not fit"),
        (&["net", "equalize", "--max", "0"], "from 1 to"),
        (&["net", "equalize", "--depths", "0,2,2,2"], "from 1 to"),
        (&["net", "equalize", "--order", "1,2"], "order"),
        (&["net", "equalize", "--order", "1,1,2,3"], "order"),
        (
            &["net", "equalize", "--depths", "2,2,2,2,2,2,2,2", "--order", "1,2,3,4,5,6,7,8", "--max", "1000"],
            "too many",
        ),
    ] {
        let start = Instant::now();
        let error = folder.refusal_line(args);
        assert!(error.contains(says), "{args:?}: {error}");
        // Far below what allocating or running any of these would take, and far above a loaded machine's delays.
        assert!(start.elapsed() < Duration::from_secs(20), "{args:?} took {:?}", start.elapsed());
    }
    for args in [
        &["verify", "--threads", "0"][..],
        &["verify", "--threads", "100000"],
        &["verify", "--threads", "-1"],
        &["bench", "--threads", "0"],
        &["verify", "--seed", "-1"],
        &["net", "show", "resnet18", "--input", "many"],
        &["net", "equalize", "--depths", ""],
        &["nosuch"],
        &["simulate", "--nosuch"],
        &["schema", "nosuch"],
        &["completions", "nosuch"],
    ] {
        folder.refusal(args);
    }
}

#[test]
fn unreadable_files_are_refused() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("folder.toml")).unwrap();
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    folder.write("bytes.toml", [0xff, 0xfe, 0x00]);
    folder.write("huge.toml", vec![b'#'; (16 << 20) + 1]);
    folder.write("empty.toml", "");
    for kind in [&["net", "show"][..], &["verify", "-p"], &["simulate", "-H"], &["run"]] {
        let refused = |name| folder.refusal_line(&[kind, &[name]].concat());
        for (name, says) in [
            ("nosuch.toml", "cannot read the file"),
            ("no/such.toml", "cannot read the file"),
            ("folder.toml", "it is a folder"),
            ("bytes.toml", "not UTF-8"),
            ("huge.toml", "larger than 16 MiB"),
            ("empty.toml", "missing key"),
        ] {
            let error = refused(name);
            assert!(error.starts_with(&format!("error: {name}")) && error.contains(says), "{kind:?}: {error}");
        }
        refused("folder");
    }
}

#[test]
fn what_is_no_picture_is_refused_and_leaves_no_folder() {
    let folder = Folder::new();
    folder.write("small.toml", EXPERIMENT);
    folder.write("text.png", "no picture");
    folder.write("cut.png", &include_bytes!("../../configs/images/cat.png")[..2000]);
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    for picture in ["text.png", "cut.png", "nosuch.png", "folder"] {
        for command in
            [&["verify", "-n", "resnet20", "--base-channels", "1"][..], &["run", "small.toml", "--out", "a/b"]]
        {
            let error = folder.refusal([command, &["--image", picture]].concat().as_slice());
            let last = error.lines().last().unwrap();
            assert!(last.starts_with(&format!("error: {picture}: cannot read the picture")), "{error}");
        }
    }
}

#[test]
fn an_unwritable_report_is_refused_before_the_work() {
    let folder = Folder::new();
    folder.write("file", "mine");
    for out in ["file", "file/below", "file/below/it"] {
        // The built-in experiment would take minutes.
        let start = Instant::now();
        let error = folder.refusal_line(&["run", "--out", out]);
        assert!(error.contains("cannot make the folder") && error.contains(out), "{error}");
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    }
    assert_eq!(std::fs::read(folder.path().join("file")).unwrap(), b"mine");
}

#[test]
fn without_a_command_the_binary_runs_the_built_in_experiment_into_out() {
    let folder = Folder::new();
    folder.write("out", "a file where the report would go");
    for args in [&[][..], &["--json"], &["run"]] {
        let error = folder.refusal_line(args);
        assert!(error.contains("cannot make the folder out"), "{args:?}: {error}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_takes_no_files_is_refused_before_the_work() {
    let error = Folder::new().refusal_line(&["run", "--out", "/proc/self"]);
    assert!(error.contains("cannot write into the folder /proc/self"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_experiment_file_makes_the_binary_panic(
        position in 0.0..1.0_f64,
        drop in 0..40_usize,
        insert in "[ -/:-~\n]{0,12}|\"|\\[|= |-1|9{25}|\u{0}|µ",
    ) {
        // The simulated network and the run are so small that a file that stays good is no harm;
        // digits that would make them larger are not inserted.
        let start = (position * EXPERIMENT.len() as f64) as usize;
        let end = (start + drop).min(EXPERIMENT.len());
        let folder = Folder::new();
        folder.write("e.toml", format!("{}{insert}{}", &EXPERIMENT[..start], &EXPERIMENT[end..]));
        let answer = folder.pisim(&["run", "e.toml", "--json"]);
        prop_assert!(!answer.stderr.contains("panicked"), "{}", answer.stderr);
        if answer.code == Some(2) {
            prop_assert_eq!(&answer.stdout, "");
            prop_assert_eq!(answer.stderr.lines().filter(|line| line.starts_with("error:")).count(), 1);
            prop_assert_eq!(folder.listing().len(), 1, "{:?}", folder.listing());
        } else {
            prop_assert_eq!(answer.code, Some(0), "{}", answer.stderr);
            prop_assert!(serde_json::from_str::<serde_json::Value>(&answer.stdout).is_ok());
        }
    }
}
