//! A Python with the packages that a test needs, and what happens where there is none.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The interpreter, or nothing and a line on the real standard error, which the test harness does not swallow. `variable` says
/// what happens: `skip`, or `require`, which installs the packages from PyPI into the target folder.
pub fn found(variable: &str, packages: &[&str]) -> Option<PathBuf> {
    let asked_to = |what: &str| env::var_os(variable).is_some_and(|value| value == what);
    if asked_to("skip") {
        return None;
    }
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-venv", variable.to_lowercase()));
    let installed = environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let imports = format!("import {}", packages.join(", "));
    let mut error = String::new();
    for python in [installed.clone(), "python3".into()] {
        match output(Command::new(&python).args(["-c", &imports])) {
            Ok(_) => return Some(python),
            Err(fault) => error = fault,
        }
    }
    if asked_to("require") {
        output(Command::new("python3").args(["-m", "venv"]).arg(&environment)).unwrap();
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        output(Command::new(&installed).args(install).args(packages)).unwrap();
        return Some(installed);
    }
    let packages = packages.join(", ");
    let hint = format!("{variable}=require installs them into the target folder");
    writeln!(std::io::stderr().lock(), "SKIPPED, there is no Python 3 with {packages}: {hint} ({error})").unwrap();
    None
}

/// What a program prints, or the last line of its error.
pub fn output(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let error = text(&output.stderr);
    Err(format!("{command:?} fails: {}", error.lines().last().unwrap_or_default()))
}
