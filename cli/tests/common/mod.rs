//! Runs the real binary in a folder of its own.
#![allow(dead_code, reason = "every test file uses a part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

pub mod python;
#[cfg(unix)]
pub mod serving;
pub mod sweeping;

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// The shipped protocol file.
pub const PROTOCOL: &str = include_str!("../../../configs/protocols/ring-gc.toml");
/// The shipped platform file with every kind of unit.
pub const HARDWARE: &str = include_str!("../../../configs/hardware/haac-hbm2.toml");
/// The shipped platform file with an FPGA board.
pub const FPGA: &str = include_str!("../../../configs/hardware/fpga-u280.toml");
/// An experiment that takes a moment.
pub const EXPERIMENT: &str = r#"title = "A small experiment"
protocol = "ring-gc"
hardware = ["cpu-lan", "haac-hbm2"]

[[network]]
name = "resnet20"
input = 8
base_channels = 1

[verify]
network = { name = "resnet20", base_channels = 1, input = 8 }
image = "cat.png"
seed = 3
"#;

/// What a run of the binary left.
pub struct Answer {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A folder for one test, in which the binary runs.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path().join(name), content).unwrap();
    }

    /// Writes `text` with `from` replaced by `to`; the number of the line with the first difference.
    pub fn write_edited(&self, name: &str, text: &str, from: &str, to: &str) -> usize {
        let at = text.find(from).unwrap_or_else(|| panic!("{from:?} is not in the file to edit"));
        self.write(name, text.replacen(from, to, 1));
        text[..at].matches('\n').count() + 1
    }

    /// Every file and folder in it, by relative path.
    pub fn listing(&self) -> BTreeSet<String> {
        fn visit(folder: &Path, root: &Path, found: &mut BTreeSet<String>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                found.insert(path.strip_prefix(root).unwrap().display().to_string());
                if path.is_dir() {
                    visit(&path, root, found);
                }
            }
        }
        let mut found = BTreeSet::new();
        visit(self.path(), self.path(), &mut found);
        found
    }

    pub fn pisim(&self, args: &[&str]) -> Answer {
        self.pisim_with(&[], args)
    }

    /// Runs with some environment variables set.
    pub fn pisim_with(&self, variables: &[(&str, &str)], args: &[&str]) -> Answer {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pisim"));
        command
            .args(args)
            .current_dir(self.path())
            .env_remove("RUST_LOG")
            .envs(variables.iter().copied())
            .stdin(Stdio::null());
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Answer { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Runs with `--json`; asserts success and that stdout is one JSON value.
    pub fn json(&self, args: &[&str]) -> Value {
        let answer = self.pisim(&[args, &["--json"]].concat());
        assert_eq!(answer.code, Some(0), "{args:?}: {}", answer.stderr);
        serde_json::from_str(&answer.stdout).unwrap_or_else(|error| panic!("{args:?}: {error}: {}", answer.stdout))
    }

    /// Runs what must be refused; the error. Asserts exit code 2, one error on stderr, nothing on stdout and no file
    /// written.
    pub fn refusal(&self, args: &[&str]) -> String {
        let before = self.listing();
        let answer = self.pisim(args);
        assert_eq!(answer.code, Some(2), "{args:?}: {} {}", answer.stdout, answer.stderr);
        assert_eq!(answer.stdout, "", "{args:?}");
        assert!(!answer.stderr.contains("panicked"), "{args:?}: {}", answer.stderr);
        assert_eq!(answer.stderr.lines().filter(|line| line.starts_with("error:")).count(), 1, "{}", answer.stderr);
        assert_eq!(self.listing(), before, "{args:?} left something behind");
        answer.stderr
    }

    /// As [`Folder::refusal`], for an error that is a single line on stderr and nothing else.
    pub fn refusal_line(&self, args: &[&str]) -> String {
        let stderr = self.refusal(args);
        assert_eq!(stderr.lines().count(), 1, "{args:?}: {stderr}");
        assert!(stderr.starts_with("error: "), "{stderr}");
        stderr.trim_end().to_owned()
    }
}

/// Asserts that an object has these keys.
pub fn assert_keys(value: &Value, keys: &[&str]) {
    for key in keys {
        assert!(value.get(key).is_some(), "`{key}` is missing in {value}");
    }
}

/// Paths of all nulls: serde writes NaN and infinities as null.
pub fn nulls(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Null => found.push(path.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| nulls(item, &format!("{path}[{i}]"), found))
        }
        Value::Object(map) => map.iter().for_each(|(key, item)| nulls(item, &format!("{path}.{key}"), found)),
        _ => {}
    }
}
