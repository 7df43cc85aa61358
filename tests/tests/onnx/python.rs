//! A Python with the packages that the tests need, and what happens where there is none.

use std::env;
use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// What is installed from PyPI. Not pinned: the format is stable, and wheels depend on Python's version.
const PACKAGES: [&str; 2] = ["onnx", "onnxruntime"];

/// The interpreter, or nothing and a line on the real standard error, which the test harness does not swallow.
pub fn found() -> Option<PathBuf> {
    // Two tests must not install at the same time.
    static LOCK: Mutex<()> = Mutex::new(());
    let _alone = LOCK.lock();
    let asked_to = |what: &str| env::var_os("PISIM_ONNX").is_some_and(|value| value == what);
    if asked_to("skip") {
        return None;
    }
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join("onnx-venv");
    let installed = environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let mut errors = Vec::new();
    for python in [installed.clone(), "python3".into()] {
        match imports(&python) {
            Ok(()) => return Some(python),
            Err(error) => errors.push(error),
        }
    }
    if asked_to("require") || asked_to("install") {
        match install(&environment, &installed).and_then(|()| imports(&installed)) {
            Ok(()) => return Some(installed),
            Err(error) => errors.push(error),
        }
    }
    let error = errors.last().unwrap();
    assert!(!asked_to("require"), "{error}");
    let what = PACKAGES.join(" and ");
    let hint = "PISIM_ONNX=install gets them from PyPI into the target folder";
    writeln!(std::io::stderr().lock(), "SKIPPED, there is no Python 3 with {what}: {hint} ({error})").unwrap();
    None
}

fn imports(python: &Path) -> Result<(), String> {
    let program = format!("import {}", PACKAGES.join(", "));
    output(Command::new(python).args(["-c", &program])).map(drop)
}

fn install(environment: &Path, python: &Path) -> Result<(), String> {
    output(Command::new("python3").args(["-m", "venv"]).arg(environment))?;
    output(
        Command::new(python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES),
    )?;
    Ok(())
}

/// Runs the script with its arguments.
pub fn run(python: &Path, arguments: &[&OsStr]) -> Result<String, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/onnx_models.py");
    output(Command::new(python).arg(script).args(arguments))
}

fn output(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    // The last line of a Python error says what it is.
    let error = text(&output.stderr);
    Err(format!("{command:?} fails: {}", error.lines().last().unwrap_or_default()))
}
