//! The explorer of a sweep in a real browser: Chromium, driven by Playwright. Skips, and says so, where one of them is missing;
//! `PISIM_BROWSER=require` installs Playwright from npm into the target folder and fails instead.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod common;

use common::python::output;
use common::sweeping;
use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// A browser, and a folder with Playwright.
fn found(required: bool) -> Result<(PathBuf, PathBuf), String> {
    let paths = env::var_os("PATH").unwrap_or_default();
    let mut places = env::split_paths(&paths).flat_map(|folder| BROWSERS.map(|name| folder.join(name)));
    let browser = places.find(|place| place.is_file()).ok_or("there is no Chromium")?;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("playwright");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("package.json"), "{\"private\": true}").unwrap();
    if !folder.join("node_modules/playwright-core").is_dir() {
        if !required {
            return Err("there is no Playwright".to_owned());
        }
        let npm = ["install", "--no-audit", "--no-fund", "--silent", "playwright-core@1"];
        output(Command::new("npm").args(npm).current_dir(&folder))?;
    }
    Ok((browser, folder))
}

#[test]
fn a_person_filters_sorts_brushes_and_selects_points_in_a_browser() {
    let asked_to = |what: &str| env::var_os("PISIM_BROWSER").is_some_and(|value| value == what);
    if asked_to("skip") {
        return;
    }
    let (browser, playwright) = match found(asked_to("require") || asked_to("install")) {
        Ok(found) => found,
        Err(error) if asked_to("require") => panic!("{error}"),
        Err(error) => {
            let hint = "PISIM_BROWSER=install with Debian's chromium and npm runs it";
            writeln!(std::io::stderr().lock(), "SKIPPED: {error}; {hint}").unwrap();
            return;
        }
    };
    let folder = sweeping::folder();
    assert_eq!(folder.pisim(&["sweep", "s.toml", "--out", "results"]).code, Some(0));
    let report = folder.pisim(&["report", "results", "--out", "report", "--figure", "pareto-energy"]);
    assert_eq!(report.code, Some(0), "{}", report.stderr);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/explorer.mjs");
    let shots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
    fs::create_dir_all(&shots).unwrap();
    let page = folder.path().join("report/index.html");
    let run = Command::new("node").arg(script).args([&playwright, &browser, &page, &shots]).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}
