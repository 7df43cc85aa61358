//! The public Boolean circuits: the reader's counts of their files, and generators of circuits with the same counts.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in tests, a broken expectation is a failed test")]

mod common;

use common::{built, neg64, read, text};
use pisim_protocol::netlist::{BristolFile, Stats, circuit};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

/// A line of the table.
#[derive(Debug, Deserialize)]
struct Public {
    circuit: String,
    gates: u64,
    wires: u64,
    and: u64,
    xor: u64,
    inv: u64,
    and_depth: u64,
    levels: u64,
    /// To one decimal.
    ilp: String,
    max_level_width: u64,
    /// The generator of a circuit with the same counts, if there is one.
    generator: Option<String>,
}

impl Public {
    fn check(&self, stats: &Stats) {
        let counted = [
            stats.gates,
            stats.wires,
            stats.and,
            stats.xor,
            stats.inv,
            stats.and_depth,
            stats.levels,
            stats.max_level_width,
        ];
        let listed =
            [self.gates, self.wires, self.and, self.xor, self.inv, self.and_depth, self.levels, self.max_level_width];
        assert_eq!(counted, listed, "{}", self.circuit);
        assert_eq!(format!("{:.1}", stats.ilp), self.ilp, "{}", self.circuit);
    }

    /// A file with this circuit's counts, if one can be made.
    fn generated(&self) -> Option<String> {
        match (&self.generator, self.circuit.as_str()) {
            (Some(name), _) => Some(text(&built(name))),
            (None, "neg64") => Some(neg64()),
            _ => None,
        }
    }
}

fn table() -> Vec<Public> {
    let text = include_str!("data/public_circuits.csv");
    let mut lines = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
    lines.deserialize().map(Result::unwrap).collect()
}

/// What became of a folder's files.
#[derive(Debug, Default, PartialEq)]
struct Folder {
    checked: Vec<String>,
    /// Files whose first line declares other numbers of gates and wires: of these circuits there is more than one
    /// version.
    other_version: Vec<String>,
}

/// Reads every file of the table that the folder has, and compares all counts.
fn check_folder(folder: &Path) -> Folder {
    let mut found = Folder::default();
    for public in table() {
        let path = folder.join(format!("{}.txt", public.circuit));
        let Ok(bytes) = fs::read(&path) else { continue };
        let first: Vec<u8> = bytes.iter().copied().take_while(|byte| *byte != b'\n').collect();
        let declared: Vec<u64> =
            String::from_utf8(first).unwrap().split_whitespace().map(|word| word.parse().unwrap()).collect();
        if declared == [public.gates, public.wires] {
            public.check(&BristolFile::from_bytes(&path.display().to_string(), &bytes).unwrap().stats);
            found.checked.push(public.circuit);
        } else {
            found.other_version.push(public.circuit);
        }
    }
    found
}

#[test]
fn generated_circuits_have_all_counts_of_the_public_files() {
    let mut generated = 0;
    for public in table() {
        if let Some(text) = public.generated() {
            public.check(&read(&text).stats);
            generated += 1;
        }
    }
    assert_eq!((table().len(), generated), (26, 12));
}

#[test]
fn a_circuit_has_the_counts_of_its_file() {
    for public in table() {
        if let Some(name) = &public.generator {
            let named = circuit(name).unwrap();
            let file = read(&text(&named.netlist));
            assert_eq!((file.stats, file.netlist), (named.stats, named.netlist), "{name}");
        }
    }
}

#[test]
fn a_folder_of_public_files_is_checked_and_other_versions_are_told_apart() {
    let folder = std::env::temp_dir().join(format!("pisim-public-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    assert_eq!(check_folder(&folder), Folder::default());
    for public in table() {
        if let Some(text) = public.generated() {
            fs::write(folder.join(format!("{}.txt", public.circuit)), text).unwrap();
        }
    }
    fs::write(folder.join("aes_128.txt"), text(&built("aes128"))).unwrap();
    let found = check_folder(&folder);
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!((found.checked.len(), found.other_version), (12, vec!["aes_128".to_owned()]));
}

/// The files themselves are not in this repository: they are large, and not ours.
#[test]
fn the_public_files_have_the_listed_counts() {
    let Some(folder) = std::env::var_os("PISIM_BRISTOL_DIR").map(PathBuf::from) else {
        eprintln!(
            "skipped: set PISIM_BRISTOL_DIR to a folder with public circuits (adder64.txt, FP-eq.txt, …) to count them; \
             they are in Circuits/Bristol of github:KULeuven-COSIC/SCALE-MAMBA and in emp-tool/circuits/files of \
             github:emp-toolkit/emp-tool"
        );
        return;
    };
    let Folder { checked, other_version } = check_folder(&folder);
    eprintln!("{} counted: {}", checked.len(), checked.join(", "));
    if !other_version.is_empty() {
        eprintln!("another version than the one listed: {}", other_version.join(", "));
    }
    assert!(!checked.is_empty(), "PISIM_BRISTOL_DIR={}: no file of a listed circuit", folder.display());
}
