//! Every file of `configs/` loads and is the one that is compiled in; broken files are errors and never panics.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

use pisim_hw_models::Platform;
use pisim_netgen::{load_network, shipped_networks};
use pisim_protocol::{Protocol, lower};
use pisim_settings::{ConfigError, Source};
use pisim_sim::simulate;
use pisim_sim::sweep::Sweep;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn configs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs")
}

/// The files of one folder of `configs/`: name without `.toml`, and text.
fn on_disk(folder: &str) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(configs().join(folder)).unwrap();
    let entries = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let file = |path: PathBuf| {
        assert_eq!(path.extension().and_then(|end| end.to_str()), Some("toml"), "{}", path.display());
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(&path).unwrap())
    };
    let files: BTreeMap<String, String> = entries.map(file).collect();
    assert!(!files.is_empty(), "{folder}");
    files
}

#[test]
fn configs_has_no_folder_that_nobody_loads() {
    let entries = std::fs::read_dir(configs()).unwrap();
    let mut found: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    found.sort();
    // Experiments, images and the trained networks are loaded by the command line's own tests.
    assert_eq!(found, ["digits", "experiments", "hardware", "images", "networks", "protocols", "sweeps"]);
}

#[test]
fn every_sweep_loads_and_is_compiled_in() {
    let files = on_disk("sweeps");
    assert_eq!(Sweep::builtin_names(), files.keys().cloned().collect::<Vec<_>>());
    for (name, text) in files {
        let sweep = Sweep::from_source(&Source::new(format!("{name}.toml"), text)).unwrap();
        assert!(!sweep.columns().is_empty(), "{name}");
    }
}

#[test]
fn every_network_loads_and_is_compiled_in() {
    let compiled_in: BTreeMap<String, String> =
        shipped_networks().into_iter().map(|shipped| (shipped.name, shipped.source.text)).collect();
    assert_eq!(compiled_in, on_disk("networks"));
    for (name, text) in compiled_in {
        let network = load_network(&Source::new(format!("{name}.toml"), text)).unwrap().build().unwrap();
        assert!(network.params() > 0, "{name}");
    }
}

#[test]
fn every_protocol_loads_is_compiled_in_and_lowers_a_network() {
    let files = on_disk("protocols");
    assert_eq!(Protocol::builtin_names(), files.keys().cloned().collect::<Vec<_>>());
    let network = pisim_netgen::NetworkSpec::named("minionn").unwrap().build().unwrap();
    for (name, text) in files {
        let protocol = Protocol::parse(&Source::new(format!("{name}.toml"), text)).unwrap();
        assert_eq!(protocol, Protocol::load(&name).unwrap());
        assert_eq!(protocol.name, name);
        lower(&network, &protocol).unwrap();
    }
}

#[test]
fn every_platform_loads_is_compiled_in_and_simulates() {
    let files = on_disk("hardware");
    assert_eq!(Platform::builtin_names(), files.keys().collect::<Vec<_>>());
    let network = pisim_netgen::NetworkSpec::named("minionn").unwrap().build().unwrap();
    let program = lower(&network, &Protocol::load("ring-gc").unwrap()).unwrap();
    for (name, text) in files {
        assert_eq!(Platform::builtin_text(&name), Some(text.as_str()));
        let platform = Platform::from_source(&Source::new(format!("{name}.toml"), text)).unwrap();
        assert_eq!(platform, Platform::builtin(&name).unwrap());
        assert_eq!(platform.name, name);
        simulate(&program, &platform).unwrap();
    }
}

/// A damaged text: a piece is cut out, replaced, or repeated at another place.
fn damaged() -> impl Strategy<Value = Source> {
    let texts: Vec<String> =
        ["networks", "protocols", "hardware"].iter().flat_map(|folder| on_disk(folder).into_values()).collect();
    let inserts = "[ -~\n]{0,16}|-?[0-9]{1,40}|nan|inf|\"|\\[|\\[\\[|= |\u{0}|µ|\u{feff}";
    let places = (any::<prop::sample::Index>(), 0..60_usize, any::<prop::sample::Index>());
    (prop::sample::select(texts), prop::collection::vec((places, inserts), 1..4)).prop_map(|(mut text, damages)| {
        for ((at, cut, copy), insert) in damages {
            let mut bytes: Vec<char> = text.chars().collect();
            let start = at.index(bytes.len().max(1)).min(bytes.len());
            let end = (start + cut).min(bytes.len());
            let from = copy.index(bytes.len().max(1)).min(bytes.len());
            let copied: Vec<char> = bytes[from..(from + cut).min(bytes.len())].to_vec();
            bytes.splice(start..end, insert.chars().chain(copied));
            text = bytes.into_iter().collect();
        }
        Source::new("damaged.toml", text)
    })
}

fn assert_one_line<T>(result: Result<T, ConfigError>) {
    if let Err(error) = result {
        let text = error.to_string();
        assert!(text.starts_with("damaged.toml:"), "{text}");
        assert!(!text.contains('\n') && !error.message().is_empty(), "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_are_one_error_each_and_never_a_panic(source in damaged()) {
        assert_one_line(load_network(&source));
        assert_one_line(Protocol::parse(&source));
        assert_one_line(Platform::from_source(&source));
    }

    #[test]
    fn any_text_is_one_error_and_never_a_panic(text in any::<String>()) {
        let source = Source::new("damaged.toml", text);
        prop_assert!(load_network(&source).is_err());
        prop_assert!(Protocol::parse(&source).is_err());
        prop_assert!(Platform::from_source(&source).is_err());
        assert_one_line(load_network(&source));
    }
}
