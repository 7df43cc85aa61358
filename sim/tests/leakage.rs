//! Static energy of platforms that leave it to the models.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may fail")]

mod common;

use common::small_program;
use pisim_hw_models::{Accelerator, Platform};
use pisim_settings::Source;
use pisim_sim::simulate;

/// A shipped platform with another static power of its server.
fn with_static_power(name: &str, line: &str) -> Platform {
    let text = Platform::builtin_text(name).unwrap();
    let (head, server) = text.split_once("[server]\n").unwrap();
    let given = |line: &&str| line.starts_with("static_power") || line.starts_with("host_static_power");
    let server: Vec<&str> = server.lines().filter(|line| !given(line)).collect();
    Platform::from_source(&Source::new("p.toml", format!("{head}[server]\n{line}\n{}", server.join("\n")))).unwrap()
}

#[test]
fn idle_units_leak_and_busy_engines_have_it_in_their_energy() {
    let (platform, program) = (with_static_power("haac-hbm2", ""), small_program(8, 16));
    let result = simulate(&program, &platform).unwrap();
    let server = &platform.server;
    let idle = [
        (Accelerator::GcEngine, "server.gc-engine"),
        (Accelerator::HeEngine, "server.he-engine"),
        (Accelerator::MacArray, "server.mac-array"),
    ];
    assert_eq!(server.busy_leakage_w(Accelerator::GcEngine), 0.0);
    assert_eq!(server.busy_leakage_w(Accelerator::MacArray), server.idle_leakage_w(Accelerator::MacArray));
    let latency_s = result.latency_s.total;
    let mut expected = server.static_power_w * latency_s;
    for (unit, name) in idle {
        // While a unit waits for memory it leaks as if it were idle.
        let work_s = result.bounds.iter().find(|bound| bound.name == name).unwrap().seconds.total;
        assert!(server.idle_leakage_w(unit) > 0.0 && work_s < latency_s, "{name}");
        expected += server.idle_leakage_w(unit) * (latency_s - work_s) + server.busy_leakage_w(unit) * work_s;
    }
    let found = result.energy_j.by_unit["server.static"];
    assert!((found / expected - 1.0).abs() < 1e-9, "{found} {expected}");
    assert!(expected > server.static_power_w * latency_s * 1.01);
    let parts: f64 = result.energy_j.by_unit.values().sum();
    assert!((parts / result.energy_j.phases.total - 1.0).abs() < 1e-9);
}

#[test]
fn an_array_that_makes_the_engines_products_leaks_beside_it() {
    let (platform, program) = (Platform::builtin("soc-all").unwrap(), small_program(8, 16));
    let server = &platform.server;
    let array_w = server.idle_leakage_w(Accelerator::MacArray);
    let result = simulate(&program, &platform).unwrap();
    let of = |name: &str| result.bounds.iter().find(|bound| bound.name == name).map(|bound| bound.seconds.total);
    assert!(array_w > 0.0 && of("server.mac-array").is_none());
    let idle_s = |name: &str| result.latency_s.total - of(name).unwrap();
    let engines = server.idle_leakage_w(Accelerator::GcEngine) * idle_s("server.gc-engine")
        + server.idle_leakage_w(Accelerator::HeEngine) * idle_s("server.he-engine");
    let expected = (server.static_power_w + array_w) * result.latency_s.total + engines;
    let found = result.energy_j.by_unit["server.static"];
    assert!((found / expected - 1.0).abs() < 1e-9, "{found} {expected}");
}

#[test]
fn a_static_power_in_the_file_is_all_there_is() {
    let platform = with_static_power("haac-hbm2", "static_power = \"25 W\"");
    assert_eq!(platform.server.static_power_w, 25.0);
    let result = simulate(&small_program(8, 16), &platform).unwrap();
    let expected = platform.server.static_power_w * result.latency_s.total;
    assert!((result.energy_j.by_unit["server.static"] / expected - 1.0).abs() < 1e-9);
    assert!(Accelerator::ALL.iter().all(|unit| platform.server.idle_leakage_w(*unit) == 0.0));
}

#[test]
fn a_card_draws_its_static_power() {
    let platform = with_static_power("fpga-u280", "");
    let result = simulate(&small_program(8, 16), &platform).unwrap();
    let expected = platform.server.board().unwrap().static_power_w * result.latency_s.total;
    assert!((result.energy_j.by_unit["server.static"] / expected - 1.0).abs() < 1e-9);
}

#[test]
fn a_larger_scratchpad_costs_energy_where_it_saves_no_time() {
    let program = small_program(8, 16);
    let energy = |platform: &Platform| {
        let result = simulate(&program, platform).unwrap();
        (result.latency_s.total, result.energy_j.by_unit["server.static"])
    };
    let platform = Platform::builtin("haac-pair").unwrap();
    let mut larger = platform.clone();
    larger.server.he_engine.as_mut().unwrap().scratchpad_bytes *= 16;
    let ((before_s, before_j), (after_s, after_j)) = (energy(&platform), energy(&larger));
    assert!(after_s <= before_s && after_j / after_s > 1.2 * before_j / before_s, "{before_j} J, {after_j} J");
}
