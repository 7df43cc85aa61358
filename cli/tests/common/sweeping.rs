//! Sweeps for tests: a file that takes a moment, and what must be equal however it was run.

use super::Folder;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// 4000 points in 63 chunks, some of which fail and some of which are left out.
pub const SWEEP: &str = r#"
networks = ["hrn-tiny", "minionn"]
hardware = ["haac-hbm2"]
level = "event"

[[axis]]
key = "hardware.server.gc_engine.engines"
values = [0, 1, 4, 16]

[[axis]]
name = "memory"
key = "hardware.server.memory"
labels = ["ddr4", "hbm2"]
values = [{ device = "ddr4-3200", channels = 2 }, { device = "hbm2", channels = 16 }]

[[axis]]
name = "link"
keys = ["hardware.link.up", "hardware.link.down"]
range = { from = "30 Mbps", to = "7 Gbps", steps = 250, scale = "log" }

[constraints]
where = ["engines != 4 || link > 1e8"]
"#;

/// A folder with the sweep as `s.toml`.
pub fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("s.toml", SWEEP);
    folder
}

/// All files of results that must not depend on how, when and where they were computed.
pub fn files(results: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(results).unwrap().map(|entry| entry.unwrap());
    let name = |entry: &fs::DirEntry| entry.file_name().into_string().unwrap();
    let kept = entries.filter(|entry| name(entry) != "run.json");
    kept.map(|entry| (name(&entry), fs::read(entry.path()).unwrap_or_else(|error| panic!("{entry:?}: {error}"))))
        .collect()
}

/// Asserts that two folders hold the same bytes.
pub fn assert_same(one: &Path, other: &Path) {
    let (one, other) = (files(one), files(other));
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (name, content) in &one {
        assert!(other[name] == *content, "{name} differs");
    }
}

/// The parts of a run that are whole.
pub fn parts(results: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(results.join("chunks")) else { return Vec::new() };
    let mut parts: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    parts.retain(|part| part.extension().is_some_and(|end| end == "parquet"));
    parts.sort();
    parts
}
