//! Sweep files that say something impossible: one error, at its line, with what was expected.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

use pisim_settings::Source;
use pisim_sim::sweep::Sweep;

const BASE: &str = "networks = [\"hrn-tiny\"]\nhardware = [\"haac-hbm2\"]\n";

/// The error of a sweep whose third line is the first of `text`.
fn refused(text: &str) -> String {
    match Sweep::from_source(&Source::new("s.toml", format!("{BASE}{text}"))) {
        Ok(_) => panic!("accepted: {text}"),
        Err(error) => error.to_string(),
    }
}

fn axis(rest: &str) -> String {
    refused(&format!("[[axis]]\nkey = \"hardware.server.gc_engine.engines\"\n{rest}\n"))
}

const ENGINES: &str = "[[axis]]\nkey = \"hardware.server.gc_engine.engines\"\nvalues = [1, 2]\n";

#[test]
fn an_axis_whose_key_no_file_has() {
    let error = refused("[[axis]]\nkey = \"hardware.server.gc_engine.engins\"\nvalues = [1]\n");
    assert!(error.starts_with("s.toml:4:7: key `axis[0].key`: "), "{error}");
    assert!(error.contains("unknown key") && error.contains("did you mean `engines`?"), "{error}");
    let error = refused("[[axis]]\nkey = \"hardware.client.gc_engine.engines\"\nvalues = [1]\n");
    assert!(error.starts_with("s.toml:4:7: ") && error.contains("missing key"), "{error}");
    let error = refused("[[axis]]\nkey = \"hardwear.link.up\"\nvalues = [1]\n");
    assert!(error.contains("did you mean `hardware`?"), "{error}");
    let error = refused("[[axis]]\nkey = \"network\"\nvalues = [\"resnet18\"]\n");
    assert!(error.contains("expected its names in `networks = […]`"), "{error}");
    let error = refused("[[axis]]\nkey = \"network.inputs\"\nvalues = [32]\n");
    assert!(error.starts_with("s.toml:4:7: ") && error.contains("did you mean `input`?"), "{error}");
    let error = refused("[[axis]]\nkey = \"protocol.shares.bitz\"\nvalues = [32]\n");
    assert!(error.contains("did you mean `bits`?"), "{error}");
    let error = refused("[[axis]]\nvalues = [32]\n");
    assert!(error.starts_with("s.toml:3:") && error.contains("expected `key`"), "{error}");
    let error = refused("[[axis]]\nkeys = []\nvalues = [32]\n");
    assert!(error.starts_with("s.toml:4:8: ") && error.contains("empty"), "{error}");
}

#[test]
fn axes_that_undo_each_other() {
    let axis = |name: &str, key: &str, values: &str| {
        format!("[[axis]]\nname = \"{name}\"\nkey = \"{key}\"\nvalues = [{values}]\n")
    };
    let channels = axis("channels", "hardware.server.memory.channels", "1, 2");
    let again = axis("more", "hardware.server.memory.channels", "4");
    let table = axis("memory", "hardware.server.memory", "{ device = \"hbm2\", channels = 4 }");
    let error = refused(&format!("{channels}{again}"));
    assert!(error.starts_with("s.toml:9:7: key `axis[1].key`: a second axis sets"), "{error}");
    let error = refused(&format!("{channels}{table}"));
    assert!(error.starts_with("s.toml:9:7: ") && error.contains("the other way round"), "{error}");
    let fine = format!("{BASE}{table}{channels}");
    assert!(Sweep::from_source(&Source::new("s.toml", fine)).is_ok(), "the keys of a table after it");
}

#[test]
fn values_that_cannot_be() {
    for (rest, place, expected) in [
        ("values = []", "s.toml:5:10: key `axis[0].values`", "empty"),
        ("", "s.toml:3:", "expected `values"),
        ("values = [1, \"2 GHz\"]", "s.toml:5:14: key `axis[0].values[1]`", "wrong type"),
        ("values = [1, 1]", "s.toml:5:14: key `axis[0].values[1]`", "is there twice"),
        ("values = [1]\nrange = { from = 1, to = 2 }", "s.toml:6:9: key `axis[0].range`", "one of the two"),
        ("values = [1]\nlabels = [\"a\", \"b\"]", "s.toml:6:10: key `axis[0].labels`", "2 labels of 1 values"),
        ("range = { from = 0, to = 4, steps = 3, scale = \"log\" }", "s.toml:5:9: key `axis[0].range`", "above zero"),
        ("range = { from = 4, to = 1, steps = 3 }", "s.toml:5:9", "is empty"),
        ("range = { from = 1, to = 4, steps = 1 }", "s.toml:5:9", "expected 2"),
        ("range = { from = 1, to = 4, steps = 2, step = 1 }", "s.toml:5:9", "one of the two"),
        ("range = { from = 1, to = 4, stepz = 2 }", "s.toml:5:", "did you mean `step"),
        ("range = { from = 1, to = 4 }", "s.toml:5:9: key `axis[0].range`", "a grid has no points"),
        ("range = { from = \"1 GHz\", to = \"2 GHz\", steps = 2 }", "s.toml:5:9: key `axis[0].range`", "wrong type"),
        ("values = [1]\nname = \"latency_total_s\"", "s.toml:6:8: key `axis[0].name`", "a column of the results"),
        ("values = [1]\nname = \"gc-engines\"", "s.toml:6:8: key `axis[0].name`", "is no name"),
    ] {
        let error = axis(rest);
        assert!(error.starts_with(place) && error.contains(expected), "{rest}: {error}");
    }
    let other = ENGINES.replace("gc_engine.engines\"", "gc_engine.wire_banks\"\nname = \"engines\"");
    let twice = refused(&format!("{ENGINES}{other}"));
    assert!(twice.starts_with("s.toml:8:8: ") && twice.contains("a second axis `engines`"), "{twice}");
}

#[test]
fn zipped_axes_that_do_not_match() {
    let zip = |rest: &str| refused(&format!("[[axis]]\n{rest}\n"));
    let engines = "{ key = \"hardware.server.gc_engine.engines\", values = [1, 2] }";
    let banks = "{ key = \"hardware.server.gc_engine.wire_banks\", values = [1] }";
    let error = zip(&format!("zip = [{engines}, {banks}]"));
    assert!(error.starts_with("s.toml:4:7: key `axis[0].zip`: axes of 2, 1 values"), "{error}");
    assert!(zip(&format!("zip = [{engines}]\nname = \"x\"")).contains("nothing beside it"));
    assert!(zip(&format!("zip = [{{ zip = [{engines}] }}]")).contains("axes within axes"));
    assert!(zip("zip = []").contains("empty"));
}

#[test]
fn samplings_that_cannot_be() {
    let sampling = |rest: &str| refused(&format!("{ENGINES}[sampling]\n{rest}\n"));
    for (rest, place, expected) in [
        ("method = \"sobel\"\npoints = 2", "s.toml:7:10: key `sampling.method`", "did you mean `sobol`?"),
        ("method = \"random\"\npoints = 0", "s.toml:8:10: key `sampling.points`", "0 is out of range"),
        ("method = \"random\"", "s.toml:6:", "missing key"),
        ("method = \"random\"\npoints = 3", "s.toml:8:10", "only 2"),
        ("method = \"grid\"\npoints = 2", "s.toml:8:10", "expected no such key"),
        ("method = \"random\"\npoints = 2\nseed = -1", "s.toml:9:8: key `sampling.seed`", "whole number"),
    ] {
        let error = sampling(rest);
        assert!(error.starts_with(place) && error.contains(expected), "{rest}: {error}");
    }
    assert!(refused("[sampling]\nmethod = \"random\"\npoints = 2\n").contains("nothing to sample"));
    let many = "range = { from = 1, to = 100000, step = 1 }";
    let error = refused(&format!(
        "[[axis]]\nkey = \"hardware.server.he_engine.modmul_lanes\"\n{many}\n\
         [[axis]]\nkey = \"hardware.server.he_engine.pipeline_latency\"\n{many}\n"
    ));
    assert!(error.contains("expected at most 1000000000 in all"), "{error}");
}

#[test]
fn searches_that_cannot_be() {
    let search = |rest: &str| refused(&format!("{ENGINES}[search]\nmethod = \"nsga2\"\n{rest}\n"));
    let sizes = "population = 8\ngenerations = 2";
    for (rest, expected) in [
        (format!("objectives = [\"latncy\"]\n{sizes}"), "did you mean `latency`?"),
        (format!("objectives = []\n{sizes}"), "empty"),
        (format!("objectives = [\"latency\", \"latency_total_s\"]\n{sizes}"), "is there twice"),
        (format!("objectives = [\"bottleneck_total\"]\n{sizes}"), "is unknown"),
        ("objectives = [\"area\"]\npopulation = 1\ngenerations = 2".to_owned(), "expected 4 to 10000"),
        ("objectives = [\"area\"]\npopulation = 8\ngenerations = 0".to_owned(), "0 is out of range"),
    ] {
        let error = search(&rest);
        assert!(error.starts_with("s.toml:") && error.contains(expected), "{rest}: {error}");
    }
    assert!(
        refused(&format!("[search]\nmethod = \"nsga2\"\nobjectives = [\"area\"]\n{sizes}\n"))
            .contains("nothing to search")
    );
    let both = format!(
        "{ENGINES}[search]\nmethod = \"nsga2\"\nobjectives = [\"area\"]\n{sizes}\n[sampling]\nmethod = \"grid\"\n"
    );
    assert!(refused(&both).contains("one of the two"));
}

#[test]
fn expressions_that_cannot_be() {
    let constraint = |text: &str| refused(&format!("{ENGINES}[constraints]\nwhere = [\"{text}\"]\n"));
    for (text, expected) in [
        ("engins > 1", "did you mean `engines`?"),
        ("latency_onlin_s > 1", "did you mean `latency_online_s`?"),
        ("bottleneck_total == 1", "is unknown"),
        ("engines >", "ends too early"),
        ("1 < 2", "the same at every point"),
    ] {
        let error = constraint(text);
        assert!(error.starts_with("s.toml:7:10: key `constraints.where[0]`: ") && error.contains(expected), "{error}");
    }
    let derived = |rest: &str| refused(&format!("{ENGINES}[[derived]]\n{rest}\n"));
    let error = derived("key = \"hardware.server.gc_engine.wire_banks\"\nvalue = \"engine * 4\"");
    assert!(error.starts_with("s.toml:8:9: key `derived[0].value`: ") && error.contains("did you mean"), "{error}");
    let error = derived("key = \"hardware.server.gc_engine.wire_bank\"\nvalue = \"engines * 4\"");
    assert!(
        error.starts_with("s.toml:7:7: key `derived[0].key`: ") && error.contains("did you mean `wire_banks`?"),
        "{error}"
    );
    let error = derived("key = \"hardware.link.up\"\nvalue = \"engines\"\nunit = \"Mpbs\"");
    assert!(error.starts_with("s.toml:9:8: key `derived[0].unit`: "), "{error}");
    let error = derived("key = \"hardware.link.up\"\nvalue = \"engines\"");
    assert!(error.starts_with("s.toml:8:9: key `derived[0].value`: ") && error.contains("wrong type"), "{error}");
    let text = "[[axis]]\nkey = \"mapping.he_parallel\"\nvalues = [\"within\", \"layer\"]\n[constraints]\nwhere = [\"he_parallel > 1\"]\n";
    assert!(refused(text).contains("holds more than numbers"));
}

#[test]
fn files_that_there_are_not() {
    let error = |text: &str| Sweep::from_source(&Source::new("s.toml", text)).unwrap_err().to_string();
    let unknown = error("networks = [\"resnet81\"]\nhardware = [\"haac-hbm2\"]");
    assert!(
        unknown.starts_with("s.toml:1:13: key `networks[0]`: unknown network") && unknown.contains("resnet18"),
        "{unknown}"
    );
    let unknown = error("networks = [\"resnet18\"]\nhardware = [\"haac-hbm3\"]");
    assert!(unknown.starts_with("s.toml:2:13: ") && unknown.contains("did you mean `haac-hbm2`?"), "{unknown}");
    let unknown = error("networks = [\"resnet18\"]\nprotocols = [\"delphy\"]\nhardware = [\"haac-hbm2\"]");
    assert!(unknown.starts_with("s.toml:2:14: ") && unknown.contains("did you mean `delphi`?"), "{unknown}");
    assert!(error("networks = []\nhardware = [\"haac-hbm2\"]").contains("empty"));
    assert!(error("networks = [\"resnet18\", \"resnet18\"]\nhardware = [\"haac-hbm2\"]").contains("is there twice"));
    assert!(error("hardware = [\"haac-hbm2\"]").contains("missing key"));
    assert!(error("network = [\"resnet18\"]\nhardware = [\"haac-hbm2\"]").contains("did you mean `networks`?"));
    let unknown = Sweep::load("gc-he-balanc").unwrap_err().to_string();
    assert!(unknown.contains("did you mean `gc-he-balance`?"), "{unknown}");
}
