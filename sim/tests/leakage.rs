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
        let busy_s = result.units.iter().find(|unit| unit.name == name).unwrap().busy_s;
        assert!(server.idle_leakage_w(unit) > 0.0 && busy_s < latency_s, "{name}");
        expected += server.idle_leakage_w(unit) * (latency_s - busy_s) + server.busy_leakage_w(unit) * busy_s;
    }
    let found = result.energy_j.by_unit["server.static"];
    assert!((found / expected - 1.0).abs() < 1e-9, "{found} {expected}");
    assert!(expected > server.static_power_w * latency_s * 1.01);
    let parts: f64 = result.energy_j.by_unit.values().sum();
    assert!((parts / result.energy_j.phases.total - 1.0).abs() < 1e-9);
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
