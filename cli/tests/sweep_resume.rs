//! `pisim sweep` that is killed, starved of disk or run twice at once: the results are those of an undisturbed run, or none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]
#![cfg(unix)]

mod common;

use common::Folder;
use common::serving::FULL_DISK;
use common::sweeping::{assert_same, folder, parts};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

fn start(folder: &Folder, arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pisim"));
    command.args(["sweep", "s.toml", "--threads", "1"]).args(arguments).current_dir(folder.path());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits until `done` or the process has ended; whether it still runs.
fn wait_for(process: &mut Child, done: impl Fn() -> bool) -> bool {
    loop {
        if process.try_wait().unwrap().is_some() {
            return false;
        }
        if done() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Names and inodes of the parts: a part that is written again is another file.
fn inodes(results: &Path) -> Vec<(String, u64)> {
    let inode = |part: &Path| part.metadata().unwrap().ino();
    parts(results).iter().map(|part| (part.display().to_string(), inode(part))).collect()
}

#[test]
fn a_run_that_is_killed_three_times_goes_on_where_it_was_and_ends_with_the_same_files() {
    let folder = folder();
    let whole = folder.json(&["sweep", "s.toml", "--out", "whole"]);
    let results = folder.path().join("killed");
    let mut before = Vec::new();
    for kill in 1..=3 {
        let mut process = start(&folder, &["--out", "killed"]);
        assert!(wait_for(&mut process, || parts(&results).len() >= 10 * kill), "it was too fast to be killed");
        process.kill().unwrap();
        process.wait().unwrap();
        let after = inodes(&results);
        assert!(before.iter().all(|part| after.contains(part)), "a finished part was written again");
        assert!(!results.join("points.parquet").exists());
        before = after;
    }
    let rest = folder.json(&["sweep", "s.toml", "--out", "killed"]);
    let all = whole["evaluated"].as_u64().unwrap();
    assert_eq!(all, 4000);
    assert!(rest["evaluated"].as_u64().unwrap() <= all - 30 * 60, "{}", rest["evaluated"]);
    assert_eq!(rest["pareto"], whole["pareto"]);
    assert_same(&results, &folder.path().join("whole"));
}

#[test]
fn a_run_that_is_killed_at_any_moment_of_its_end_is_completed() {
    let folder = folder();
    folder.json(&["sweep", "s.toml", "--out", "whole"]);
    let results = folder.path().join("killed");
    // All parts are there: from here the files are put together and the parts removed.
    for delay in [0, 3, 9, 20, 35] {
        let mut process = start(&folder, &["--out", "killed"]);
        let ended = || parts(&results).len() >= 63 || results.join("points.parquet").exists();
        if wait_for(&mut process, ended) {
            std::thread::sleep(Duration::from_millis(delay));
        }
        // It may have ended by now.
        let _ = process.kill();
        process.wait().unwrap();
    }
    folder.json(&["sweep", "s.toml", "--out", "killed"]);
    assert_same(&results, &folder.path().join("whole"));
}

#[test]
fn a_full_disk_is_told_and_the_run_resumed_when_there_is_room() {
    let folder = folder();
    folder.json(&["sweep", "s.toml", "--out", "whole"]);
    let mut shell = Command::new("bash");
    shell.args(["-c", FULL_DISK, env!("CARGO_BIN_EXE_pisim"), "sweep", "s.toml", "--out", "full"]);
    let output = shell.current_dir(folder.path()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("cannot write full/points.") && stderr.contains("make room and run the same"), "{stderr}");
    assert_eq!(stderr.matches("os error").count(), 1, "told once: {stderr}");
    let left: Vec<_> =
        fs::read_dir(folder.path().join("full")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("points")), "a partial result: {left:?}");
    let rest = folder.json(&["sweep", "s.toml", "--out", "full"]);
    assert_eq!(rest["evaluated"], 0, "what was finished is kept");
    assert_same(&folder.path().join("full"), &folder.path().join("whole"));
}

#[test]
fn a_second_process_in_the_folder_is_refused() {
    let folder = folder();
    let mut process = start(&folder, &["--out", "r"]);
    assert!(wait_for(&mut process, || !parts(&folder.path().join("r")).is_empty()));
    // Stopped, so that the folder is in use for as long as the second process looks at it.
    common::serving::signal(&process, "STOP");
    let told = folder.pisim(&["sweep", "s.toml", "--out", "r"]);
    common::serving::signal(&process, "CONT");
    assert_eq!(told.code, Some(2));
    assert!(told.stderr.contains("r is in use by another process"), "{}", told.stderr);
    assert!(process.wait().unwrap().success(), "the first one is not disturbed");
}
