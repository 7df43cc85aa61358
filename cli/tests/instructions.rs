//! `PISIM_SIMD`: a forced set of instructions is used or refused, never replaced.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod common;

use common::Folder;
use serde_json::Value;

#[test]
fn a_set_of_instructions_that_does_not_exist_is_refused_before_anything_runs() {
    let answer = Folder::new().pisim_with(&[("PISIM_SIMD", "nonsense")], &["net", "list"]);
    assert_eq!((answer.code, answer.stdout.as_str()), (Some(2), ""));
    assert_eq!(
        answer.stderr.trim_end(),
        "error: PISIM_SIMD is `nonsense`; it must be `portable`, `aes-ni` or `avx512`"
    );
}

#[test]
fn the_portable_kernels_answer_exactly_with_the_work_that_was_predicted() {
    for garbler in ["server", "client"] {
        let command = ["verify", "-n", "hrn-tiny", "--seed", "3", "--garbler", garbler, "--json"];
        let answer = Folder::new().pisim_with(&[("PISIM_SIMD", "portable")], &command);
        assert_eq!(answer.code, Some(0), "{}", answer.stderr);
        let verification: Value = serde_json::from_str(&answer.stdout).unwrap();
        assert_eq!(verification["exact"], true);
        assert_eq!(verification["work_matches"], true);
        assert!(verification["outputs"].as_u64().unwrap() > 0);
    }
}
