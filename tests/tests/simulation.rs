//! Programs on platforms: what a change in a platform file does to latency, and bounds that can be computed by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

use pisim_hw_models::Platform;
use pisim_netgen::NetworkSpec;
use pisim_protocol::{DEFAULT_PROTOCOL, Phase, Program, Protocol, StepKind, lower};
use pisim_settings::Source;
use pisim_sim::{Simulation, simulate, simulate_many};
use pisim_tests::Run;
use std::sync::OnceLock;
use toml::{Table, Value};

fn lowered(name: &str) -> Program {
    let network = NetworkSpec::named(name).unwrap().build().unwrap();
    lower(&network, &Protocol::load(DEFAULT_PROTOCOL).unwrap()).unwrap()
}

fn hybrenet() -> &'static Program {
    static PROGRAM: OnceLock<Program> = OnceLock::new();
    PROGRAM.get_or_init(|| lowered("hrn-5x5x3x"))
}

/// A shipped platform's text with the costs of named processors written out.
fn text_of(name: &str) -> String {
    let (mut table, mut text) = (String::new(), String::new());
    for line in Platform::builtin_text(name).unwrap().lines() {
        if let Some(header) = line.strip_prefix('[').and_then(|line| line.split(']').next()) {
            table = header.to_owned();
        }
        if let Some(cost) = line.strip_prefix("cost = \"") {
            let cpu = cost.split('"').next().unwrap();
            let file = format!("{}/../configs/hardware/cpu/{cpu}.toml", env!("CARGO_MANIFEST_DIR"));
            text += &format!("[{table}.cost]\n{}", std::fs::read_to_string(file).unwrap());
        } else {
            text += &format!("{line}\n");
        }
    }
    text
}

/// A platform file under edit.
#[derive(Clone)]
struct File(Table);

impl File {
    fn shipped(name: &str) -> Self {
        Self(toml::from_str(&text_of(name)).unwrap())
    }

    fn entry(&mut self, key: &str) -> &mut Value {
        let mut parts = key.split('.');
        let mut value = self.0.get_mut(parts.next().unwrap()).unwrap();
        for part in parts {
            value = value.get_mut(part).unwrap_or_else(|| panic!("no {key}"));
        }
        value
    }

    fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        *self.entry(key) = value.into();
        self
    }

    fn without(mut self, table: &str, keys: &[&str]) -> Self {
        let table = self.entry(table).as_table_mut().unwrap();
        keys.iter().for_each(|key| assert!(table.remove(*key).is_some(), "{key}"));
        self
    }

    /// The number at a key doubled, its unit kept.
    fn doubled(mut self, key: &str) -> Self {
        let value = self.entry(key);
        *value = match &*value {
            Value::Integer(number) => Value::Integer(number * 2),
            Value::String(text) => {
                let (number, unit) = text.split_once(' ').unwrap();
                Value::String(format!("{} {unit}", number.parse::<f64>().unwrap() * 2.0))
            }
            other => panic!("{key} is {other}"),
        };
        self
    }

    fn platform(&self) -> Platform {
        Platform::from_source(&Source::new("edited.toml", toml::to_string(&self.0).unwrap())).unwrap()
    }

    fn simulate(&self, program: &Program) -> Simulation {
        simulate(program, &self.platform()).unwrap()
    }
}

/// A platform on which nothing takes any time that could be noticed: no accelerators, free primitives, the largest memories
/// and links that a file may name.
fn free() -> File {
    let accelerators = ["gc_engine", "he_engine", "mac_array", "silicon", "host_static_power"];
    let mut file = File::shipped("haac-hbm2").without("server", &accelerators);
    file.entry("server").as_table_mut().unwrap().insert("static_power".into(), "20 W".into());
    for party in ["client", "server"] {
        let costs = file.entry(&format!("{party}.cpu.cost")).as_table_mut().unwrap();
        costs.iter_mut().for_each(|(_, cost)| *cost = Value::String("0 s".into()));
        file = with_free_memory(file, party).with(&format!("{party}.cpu.cores"), 1);
    }
    with_free_link(file)
}

fn with_free_memory(file: File, party: &str) -> File {
    file.with(&format!("{party}.memory.channels"), 1024)
        .with(&format!("{party}.memory.channel_bandwidth"), "10 TB/s")
        .with(&format!("{party}.memory.streaming_efficiency"), 1.0)
        .with(&format!("{party}.memory.latency"), "0 s")
}

fn with_free_link(file: File) -> File {
    let file = file.with("link.up", "100 Tbps").with("link.down", "100 Tbps");
    file.with("link.round_trip", "0 s").with("link.message_overhead", "0 B")
}

fn assert_within_a_percent(found: f64, expected: f64, what: &str) {
    assert!(expected > 0.0 && (found / expected - 1.0).abs() < 0.01, "{what}: {found} s, expected {expected} s");
}

#[test]
fn a_link_only_platform_takes_its_bytes_over_the_bandwidth() {
    for program in [hybrenet(), &lowered("minionn")] {
        for (direction, rate) in [("up", 3e6), ("down", 1e9)] {
            let file = free().with(&format!("link.{direction}"), format!("{rate} bps"));
            let latency = file.simulate(program).latency_s;
            for (phase, found) in [(Phase::Offline, latency.offline), (Phase::Online, latency.online)] {
                let work = program.work_of(|step| step.phase == phase);
                let bytes = if direction == "up" { work.bytes_up } else { work.bytes_down };
                assert_within_a_percent(found, bytes as f64 * 8.0 / rate, &format!("{direction} {phase:?}"));
            }
        }
    }
}

#[test]
fn a_compute_only_platform_takes_its_primitives_times_their_cost() {
    let program = hybrenet();
    let at = |kinds: &[StepKind]| program.work_of(|step| kinds.contains(&step.kind));
    let degree = program.protocol.linear.degree() as f64;
    let butterflies = |kind| at(&[kind]).ntts as f64 * degree / 2.0 * degree.log2();
    let offline = |latency: &Simulation| latency.latency_s.offline;
    let online = |latency: &Simulation| latency.latency_s.online;
    type Case<'a> = (&'a str, f64, fn(&Simulation) -> f64);
    let cases: [Case; 7] = [
        ("server.cpu.cost.garble_and", at(&[StepKind::Garble]).and_gates as f64, offline),
        ("server.cpu.cost.ntt_butterfly", butterflies(StepKind::HeLinear), offline),
        ("server.cpu.cost.mod_mul", at(&[StepKind::HeLinear]).mod_muls as f64, offline),
        ("server.cpu.cost.ring_mac", at(&[StepKind::RingLinear, StepKind::LocalLinear]).ring_macs as f64, online),
        ("client.cpu.cost.evaluate_and", at(&[StepKind::Evaluate]).and_gates as f64, online),
        ("client.cpu.cost.ntt_butterfly", butterflies(StepKind::Encrypt) + butterflies(StepKind::Decrypt), offline),
        ("client.cpu.cost.extended_ot", at(&[StepKind::OtReceive]).extended_ots as f64, offline),
    ];
    for (key, count, phase) in cases {
        let found = free().with(key, "10 ns").simulate(program);
        assert_within_a_percent(phase(&found), count * 10e-9, key);
        let doubled = free().with(key, "10 ns").doubled(key).simulate(program);
        assert_within_a_percent(phase(&doubled), 2.0 * phase(&found), key);
    }
}

#[test]
fn doubling_the_only_bottleneck_halves_the_latency() {
    let engines = ["he_engine", "mac_array", "gc_engine"];
    let shipped = |kept: &str| {
        let mut file = free();
        let original = File::shipped("haac-hbm2").entry("server").clone();
        let server = file.entry("server").as_table_mut().unwrap();
        for table in [kept, "silicon"] {
            server.insert(table.to_owned(), original[table].clone());
        }
        file
    };
    for (file, key) in [
        (shipped(engines[2]).with("server.gc_engine.engines", 1), "server.gc_engine.engines"),
        (shipped(engines[2]).with("server.gc_engine.engines", 1), "server.gc_engine.clock"),
        (shipped(engines[0]).with("server.he_engine.clock", "10 MHz"), "server.he_engine.clock"),
        (shipped(engines[1]).with("server.mac_array.clock", "1 MHz"), "server.mac_array.clock"),
        (
            free().with("server.memory.channels", 1).with("server.memory.channel_bandwidth", "1 GB/s"),
            "server.memory.channels",
        ),
        (
            free().with("client.memory.channels", 1).with("client.memory.channel_bandwidth", "1 GB/s"),
            "client.memory.channel_bandwidth",
        ),
        (free().with("link.down", "1 Gbps"), "link.down"),
        (free().with("link.up", "1 Mbps"), "link.up"),
    ] {
        let (before, after) = (file.simulate(hybrenet()), file.clone().doubled(key).simulate(hybrenet()));
        assert!(before.latency_s.total > 1e-3, "{key} is no bottleneck: {:?}", before.latency_s);
        assert_within_a_percent(after.latency_s.total, before.latency_s.total / 2.0, key);
    }
}

#[test]
fn doubling_a_resource_of_a_shipped_platform_never_hurts_and_at_most_halves() {
    for (name, keys) in [
        ("cpu-lan", &["server.cpu.cores", "client.cpu.cores", "server.memory.channels"][..]),
        ("epyc7502-atom", &["server.cpu.cores", "client.memory.channel_bandwidth"]),
        ("haac-hbm2", &["server.gc_engine.engines", "server.memory.channels", "server.he_engine.ntt_units"]),
        ("fpga-u280", &["client.memory.channel_bandwidth", "client.cpu.cores"]),
        ("fpga-zcu102-edge", &["client.memory.channel_bandwidth", "client.cpu.cores"]),
    ] {
        let before = File::shipped(name).simulate(hybrenet()).latency_s;
        let mut helped = false;
        for key in keys.iter().chain(&["link.up", "link.down"]) {
            let after = File::shipped(name).doubled(key).simulate(hybrenet()).latency_s;
            for (before, after) in before.phases().into_iter().zip(after.phases()) {
                let ratio = after / before;
                assert!((0.5 - 1e-9..=1.0 + 1e-3).contains(&ratio), "{name} {key}: {ratio}");
            }
            // Faster transforms have fewer weights under way, so that a little less is loaded ahead.
            assert!(after.total <= before.total * (1.0 + 1e-3), "{name} {key}");
            helped |= after.total < 0.9 * before.total;
        }
        assert!(helped, "{name}: nothing helps by a tenth");
    }
}

#[test]
fn doubling_engines_memory_and_link_of_the_accelerated_server_each_shortens_what_it_serves() {
    // The garbling engine's own busy time, whoever else is the bottleneck.
    let busy = |file: &File, unit: &str| {
        let result = file.simulate(hybrenet());
        result.units.iter().find(|found| found.name == unit).unwrap_or_else(|| panic!("no {unit}")).busy_s
    };
    for (key, unit) in [
        ("server.gc_engine.engines", "server.gc-engine"),
        ("server.memory.channels", "server.memory"),
        ("link.down", "link.down"),
        ("link.up", "link.up"),
    ] {
        let file = File::shipped("haac-hbm2");
        let ratio = busy(&file.clone().doubled(key), unit) / busy(&file, unit);
        assert!((0.45..0.8).contains(&ratio), "{key}: {unit} is busy {ratio} of before");
        let total = |file: &File| file.simulate(hybrenet()).latency_s.total;
        assert!(total(&file.clone().doubled(key)) < total(&file), "{key} does not shorten the run");
    }
}

#[test]
fn every_network_simulates_on_every_platform_and_always_alike() {
    let programs = [hybrenet().clone(), lowered("resnet18"), lowered("minionn")];
    let platforms: Vec<Platform> =
        Platform::builtin_names().into_iter().map(|name| Platform::builtin(name).unwrap()).collect();
    assert!(platforms.len() >= 3);
    let programs: Vec<&Program> = programs.iter().collect();
    let all = simulate_many(&programs, &platforms.iter().collect::<Vec<_>>());
    let points = programs.iter().flat_map(|program| platforms.iter().map(move |platform| (program, platform)));
    assert_eq!(all.len(), points.clone().count());
    for ((program, platform), result) in points.zip(all) {
        let result = result.unwrap();
        assert_eq!(simulate(program, platform).unwrap(), result);
        assert_eq!((&result.network, &result.hardware), (&program.network.network.name, &platform.name));
        let numbers = result.latency_s.phases().into_iter().chain(result.energy_j.phases.phases());
        numbers.for_each(|number| assert!(number.is_finite() && number > 0.0, "{result:?}"));
    }
}

#[test]
fn a_window_that_a_circuits_labels_leave_needs_a_queue_for_their_return() {
    let engine = |window: &str, queue: &str| {
        let mut file = File::shipped("haac-hbm2").with("server.gc_engine.wire_memory", window);
        file.entry("server.gc_engine").as_table_mut().unwrap().insert("wire_queue".into(), queue.into());
        simulate(hybrenet(), &file.platform()).map(|found| found.latency_s.total).map_err(|error| error.to_string())
    };
    let refused = engine("1 KiB", "0 B").unwrap_err();
    let expected = "haac-hbm2: server.gc_engine cannot run the circuit of layer `stem.relu`: gate ";
    assert!(refused.starts_with(expected) && refused.contains("the window holds 64 labels"), "{refused}");
    assert!(engine("1 KiB", "16 B").is_ok() && engine("64 KiB", "0 B").is_ok());
}

#[test]
fn simulated_bytes_are_the_bytes_that_the_parties_sent_and_kept() {
    let mut spec = NetworkSpec::named("hrn-5x5x3x").unwrap();
    (spec.base_channels, spec.input_size) = (Some(1), 8);
    let run = Run::new(&spec.build().unwrap(), DEFAULT_PROTOCOL, 4);
    let simulated = simulate(&run.program, &Platform::builtin("cpu-lan").unwrap()).unwrap();
    let phases = [
        (Phase::Setup, simulated.bytes.setup),
        (Phase::Offline, simulated.bytes.offline),
        (Phase::Online, simulated.bytes.online),
    ];
    for (phase, traffic) in phases {
        let steps = run.program.steps.iter().filter(|step| step.phase == phase);
        let counted: pisim_protocol::Work = steps.map(|step| run.execution.counted(step.id.0)).sum();
        assert_eq!((traffic.up, traffic.down), (counted.bytes_up, counted.bytes_down), "{phase:?}");
        assert!(traffic.up > 0 && traffic.down > 0);
    }
    let total = run.execution.total(&run.program);
    let stored = simulated.storage_bytes;
    assert_eq!((stored.client, stored.server), (total.stored_client_bytes, total.stored_server_bytes));
}
