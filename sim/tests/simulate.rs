//! Real programs on the built-in platforms, and programs made by hand where the answer is known.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod common;

use common::{parties, platforms, program, small_program, step, wide, with_steps};
use pisim_hw_models::{CpuCosts, Platform, Storage};
use pisim_protocol::{Message, Party, Phase, Program, StepId, StepKind, Work};
use pisim_sim::engine::EngineError;
use pisim_sim::{Activity, ByPhase, SimError, Simulation, simulate, simulate_many};

const ROUNDING: f64 = 1e-9;

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= ROUNDING * a.abs().max(b.abs())
}

fn builtin(name: &str) -> Platform {
    Platform::builtin(name).unwrap()
}

/// A platform whose memories hold nobody back.
fn unlimited_memory(mut platform: Platform) -> Platform {
    for party in parties(&mut platform) {
        party.memory = wide(&party.memory);
    }
    platform
}

fn check_sums(program: &Program, result: &Simulation) {
    let name = format!("{} on {}", result.network, result.hardware);
    let sums = |value: &ByPhase| close(value.phases().iter().sum(), value.total);
    assert!(sums(&result.latency_s) && sums(&result.energy_j.phases), "{name}");
    let energy = &result.energy_j;
    assert!(close(energy.by_unit.values().sum(), energy.phases.total), "{name}");
    assert!(energy.by_unit.values().all(|joules| *joules >= 0.0), "{name}");
    for phase in 0..3 {
        let activities: f64 = result.activities.iter().map(|activity| activity.energy_j.phases()[phase]).sum();
        assert!(close(activities, energy.phases.phases()[phase]), "{name}: {activities} {energy:?}");
    }
    let fixed: f64 =
        energy.by_unit.iter().filter(|(name, _)| name.ends_with(".static")).map(|(_, joules)| joules).sum();
    let layers: f64 = result.layers.iter().map(|layer| layer.energy_j).sum();
    assert!(close(layers + fixed, energy.phases.total), "{name}");
    let work = program.work_of(|_| true);
    let layer_bytes = |bytes: fn(&pisim_sim::LayerCost) -> u64| result.layers.iter().map(bytes).sum::<u64>();
    assert_eq!(layer_bytes(|layer| layer.up_bytes), work.bytes_up, "{name}");
    assert_eq!(layer_bytes(|layer| layer.down_bytes), work.bytes_down, "{name}");
    let bytes = &result.bytes;
    assert_eq!(bytes.setup.up + bytes.offline.up + bytes.online.up, work.bytes_up, "{name}");
    assert_eq!(bytes.setup.down + bytes.offline.down + bytes.online.down, work.bytes_down, "{name}");
    assert_eq!(result.storage_bytes.client, work.stored_client_bytes, "{name}");
}

fn check_bounds(result: &Simulation) {
    let latency = &result.latency_s;
    for unit in &result.units {
        assert!(unit.busy_s <= latency.total * (1.0 + ROUNDING), "{} {}", result.hardware, unit.name);
        assert!((0.0..=1.0).contains(&unit.utilization));
    }
    for (phase, seconds) in latency.phases().into_iter().enumerate() {
        let mut most = 0.0;
        for bound in &result.bounds {
            let bound_s = bound.seconds.phases()[phase];
            assert!(bound_s <= seconds * (1.0 + ROUNDING), "{}: {} {bound_s} > {seconds}", result.hardware, bound.name);
            if bound.name == "dependencies" || bound.name.ends_with(".memory") {
                most += bound_s;
            }
        }
        assert!(seconds <= most * (1.0 + ROUNDING), "{}: {seconds} > {most}", result.hardware);
    }
    let bottlenecks = [&result.bottleneck.setup, &result.bottleneck.offline, &result.bottleneck.online];
    for (phase, bottleneck) in bottlenecks.into_iter().enumerate() {
        let bound = result.bounds.iter().find(|bound| bound.name == bottleneck.unit).unwrap();
        assert!(close(bottleneck.share, bound.seconds.phases()[phase] / latency.phases()[phase]));
    }
}

#[test]
fn parts_add_up_and_bounds_hold_for_every_platform() {
    for program in [small_program(4, 8), program("minionn"), program("resnet20"), program("activations-tiny")] {
        for platform in platforms() {
            let result = simulate(&program, &platform).unwrap();
            check_sums(&program, &result);
            check_bounds(&result);
            assert_eq!(result.layers.len(), program.network.network.layers.len());
        }
    }
}

#[test]
fn a_max_pool_costs_its_gates_where_an_average_costs_none() {
    let build = |pool| {
        let mut spec = pisim_netgen::NetworkSpec::named("resnet18-imagenet").unwrap();
        (spec.input_size, spec.base_channels, spec.pool) = (64, Some(4), Some(pool));
        pisim_protocol::lower(&spec.build().unwrap(), &pisim_protocol::Protocol::load("ring-gc").unwrap()).unwrap()
    };
    let [max, average] = [pisim_netgen::Pool::Max, pisim_netgen::Pool::Average].map(build);
    let ands = |program: &Program, layer| {
        let layer = program.network.network.find(layer).unwrap();
        program.work_of(|step| step.kind == StepKind::Garble && step.layer == layer).and_gates
    };
    // The stem's 4·32² ReLUs of 85 gates become 4·16² windows of 717 gates.
    assert_eq!((ands(&average, "stem.relu"), ands(&max, "stem.pool")), (4 * 32 * 32 * 85, 4 * 16 * 16 * 717));
    assert_eq!(ands(&average, "stem.pool"), 0);
    for platform in platforms() {
        let [max, average] = [&max, &average].map(|program| simulate(program, &platform).unwrap());
        let garbling = |result: &Simulation| result.layers.iter().map(|layer| layer.garble_s).sum::<f64>();
        assert!(garbling(&max) > garbling(&average), "{}", platform.name);
        assert!(max.bytes.offline.down > average.bytes.offline.down);
    }
}

#[test]
fn steps_run_on_the_accelerators_that_a_party_has() {
    let program = small_program(4, 8);
    let units_of = |platform: &Platform, kind: &str| -> Vec<String> {
        let result = simulate(&program, platform).unwrap();
        let mut units: Vec<String> = result
            .timeline
            .iter()
            .filter(|interval| interval.kind == kind)
            .map(|interval| interval.unit.clone())
            .collect();
        units.dedup();
        units
    };
    let (cpu, mut asic) = (builtin("cpu-lan"), builtin("haac-hbm2"));
    for (kind, on_cpu, on_asic) in [
        ("he-linear", "server.cpu", "server.he-engine"),
        ("garble", "server.cpu", "server.gc-engine"),
        ("encode-labels", "server.cpu", "server.gc-engine"),
        ("ot-send", "server.cpu", "server.gc-engine"),
        ("ring-linear", "server.cpu", "server.mac-array"),
        ("ot-receive", "client.cpu", "client.cpu"),
        ("evaluate", "client.cpu", "client.cpu"),
        ("encrypt", "client.cpu", "client.cpu"),
        ("unmask", "server.cpu", "server.cpu"),
        ("ciphertexts", "link.up", "link.up"),
        ("garbled-tables", "link.down", "link.down"),
    ] {
        assert_eq!(units_of(&cpu, kind), [on_cpu], "{kind}");
        assert_eq!(units_of(&asic, kind), [on_asic], "{kind}");
    }
    asic.server.gc_engine.as_mut().unwrap().ot_cycles = None;
    assert_eq!(units_of(&asic, "ot-send"), ["server.cpu"]);
    asic.client.gc_engine = asic.server.gc_engine.clone();
    assert_eq!(units_of(&asic, "evaluate"), ["client.gc-engine"]);
}

#[test]
fn a_program_of_messages_takes_its_bytes_over_the_bandwidth() {
    let base = small_program(1, 4);
    let message = |party, deps: &[usize]| {
        let work = match party {
            Party::Client => Work { bytes_up: 10_000_000, ..Work::default() },
            Party::Server => Work { bytes_down: 20_000_000, ..Work::default() },
        };
        step(StepKind::Send(Message::MaskedValues), party, Phase::Online, deps, work)
    };
    let sides = [Party::Client, Party::Server, Party::Server, Party::Server, Party::Client, Party::Server];
    let program = with_steps(&base, sides.into_iter().map(|party| message(party, &[])).collect());
    let platform = unlimited_memory(builtin("cpu-lan"));
    let result = simulate(&program, &platform).unwrap();
    // Four messages down and two up at once, at 1 Gbit/s each way: 80 MB × 8 / 1e9 = 0.64 s, and 0.15 ms to arrive.
    assert!((result.latency_s.online / 0.64 - 1.0).abs() < 0.01, "{:?}", result.latency_s);
    let overhead_s = 4.0 * platform.link.message_overhead_bytes as f64 * 8.0 / 1e9;
    assert!(close(result.latency_s.online, 0.64 + overhead_s + platform.link.round_trip_s / 2.0));
    assert_eq!((result.bottleneck.online.unit.as_str(), result.bottleneck.setup.unit.as_str()), ("link.down", ""));
    assert_eq!((result.bytes.online.up, result.bytes.online.down), (20_000_000, 80_000_000));
    assert!(result.timeline.iter().all(|interval| interval.bound == "link"));
    // Every byte leaves one memory and enters the other; headers below the message never reach memory.
    let memory_j = |per_bit_j: f64| 100e6 * 8.0 * per_bit_j;
    let energy = &result.energy_j.by_unit;
    assert!(close(energy["client.memory"], memory_j(platform.client.memory.energy_per_bit_j)));
    assert!(close(energy["server.memory"], memory_j(platform.server.memory.energy_per_bit_j)));
    let on_wire = 100e6 + 6.0 * platform.link.message_overhead_bytes as f64;
    assert!(close(energy["link"], on_wire * 8.0 * platform.link.energy_per_bit_j));
    assert!(close(energy["client.static"], platform.client.static_power_w * result.latency_s.total));

    // A chain of messages back and forth adds up, with half a round trip for each.
    let chain = [Party::Client, Party::Server, Party::Client].into_iter().enumerate();
    let program = with_steps(&base, chain.map(|(i, party)| message(party, &(0..i).collect::<Vec<_>>())).collect());
    let result = simulate(&program, &platform).unwrap();
    let overhead_s = 3.0 * platform.link.message_overhead_bytes as f64 * 8.0 / 1e9;
    assert!(close(result.latency_s.online, 0.32 + overhead_s + 1.5 * platform.link.round_trip_s));
}

#[test]
fn a_program_of_computations_takes_its_work_over_the_cores() {
    let base = small_program(8, 16);
    let relu = base.circuits.iter().position(Option::is_some).unwrap();
    let garble = |ands| {
        let work = Work { and_gates: ands, hash_calls: 4 * ands, ..Work::default() };
        let step = step(StepKind::Garble, Party::Server, Phase::Offline, &[], work);
        pisim_protocol::Step { layer: pisim_netgen::LayerId(relu), ..step }
    };
    let program = with_steps(&base, vec![garble(1_000_000), garble(3_000_000)]);
    let platform = unlimited_memory(builtin("cpu-lan"));
    let result = simulate(&program, &platform).unwrap();
    let expected = 4e6 * platform.server.cpu.costs.garble_and_s / platform.server.cpu.cores as f64;
    assert!((result.latency_s.offline / expected - 1.0).abs() < 0.01, "{} {expected}", result.latency_s.offline);
    assert_eq!(result.bottleneck.offline.unit, "server.cpu");
    assert!(result.bottleneck.offline.share > 0.99);

    // A real program with everything but the server's work for free is bound by the server's processor.
    let mut platform = platform;
    platform.client.cpu.costs = CpuCosts::default();
    platform.link.up_bits_per_s = 1e18;
    platform.link.down_bits_per_s = 1e18;
    platform.link.round_trip_s = 0.0;
    let result = simulate(&self::program("minionn"), &platform).unwrap();
    let busy = result.bounds.iter().find(|bound| bound.name == "server.cpu").unwrap().seconds;
    assert!((result.latency_s.offline / busy.offline - 1.0).abs() < 0.01);
    assert!((result.latency_s.online / busy.online - 1.0).abs() < 0.01);
}

#[test]
fn a_program_that_streams_takes_its_bytes_over_the_memory_bandwidth() {
    let base = small_program(8, 16);
    let relu = base.circuits.iter().position(Option::is_some).unwrap();
    let ands = 100_000_000;
    let work = Work { and_gates: ands, hash_calls: 4 * ands, ..Work::default() };
    let step = step(StepKind::Garble, Party::Server, Phase::Offline, &[], work);
    let program = with_steps(&base, vec![pisim_protocol::Step { layer: pisim_netgen::LayerId(relu), ..step }]);
    let mut platform = builtin("haac-hbm2");
    platform.server.memory.channels = 1;
    let result = simulate(&program, &platform).unwrap();
    // 32 bytes of table and 37 bits of instruction per gate; the labels of the layer are few beside them.
    let bytes = ands as f64 * (32.0 + 37.0 / 8.0);
    let expected = bytes / platform.server.memory.streaming_bytes_per_s();
    assert!((result.latency_s.offline / expected - 1.0).abs() < 0.01, "{} {expected}", result.latency_s.offline);
    assert_eq!(result.timeline[0].bound, "memory");
    assert_eq!(result.bottleneck.offline.unit, "server.memory");
}

#[test]
fn doubling_a_bottleneck_nearly_halves_what_it_bounds() {
    let program = program("minionn");
    let offline = |platform: &Platform| simulate(&program, platform).unwrap().latency_s.offline;
    let base = builtin("cpu-lan");
    let mut fast = base.clone();
    fast.link.down_bits_per_s *= 2.0;
    let ratio = offline(&fast) / offline(&base);
    assert!((0.5..0.75).contains(&ratio), "{ratio}");
    // GC engines matter when nothing else does.
    let mut slow = unlimited_memory(builtin("haac-hbm2"));
    slow.link.up_bits_per_s = 1e15;
    slow.link.down_bits_per_s = 1e15;
    slow.client.cpu.costs = CpuCosts::default();
    slow.server.gc_engine.as_mut().unwrap().engines = 1;
    let mut fast = slow.clone();
    fast.server.gc_engine.as_mut().unwrap().engines = 2;
    let ratio = offline(&fast) / offline(&slow);
    assert!((0.5..0.7).contains(&ratio), "{ratio}");
}

#[test]
fn storage_writes_what_is_kept_and_reads_it_back_before_it_is_needed() {
    let program = program("minionn");
    let without = builtin("cpu-lan");
    let mut with = without.clone();
    with.client.storage = Some(Storage { read_bytes_per_s: 1e8, write_bytes_per_s: 5e7, energy_per_bit_j: 1e-9 });
    let (before, after) = (simulate(&program, &without).unwrap(), simulate(&program, &with).unwrap());
    let kept = after.storage_bytes.client as f64;
    let storage = after.activities.iter().find(|activity| activity.name == "storage").unwrap();
    // The seed of the masks and the garbler's offset are kept from setup on.
    assert!(close(storage.seconds.setup + storage.seconds.offline, kept / 5e7), "{storage:?}");
    assert!(close(storage.seconds.online, kept / 1e8), "{storage:?}");
    assert!(after.latency_s.offline >= storage.seconds.offline && after.latency_s.online >= storage.seconds.online);
    assert!(before.latency_s.offline < after.latency_s.offline && before.latency_s.online < after.latency_s.online);
    assert!(close(after.energy_j.by_unit["client.storage"], 2.0 * kept * 8.0 * 1e-9));
    check_sums(&program, &after);
    check_bounds(&after);
    // Reading runs ahead of evaluation: what is loaded for the last layer does not wait for the layers before it.
    let loads: Vec<_> = after.timeline.iter().filter(|interval| interval.kind == "load").collect();
    let evaluations: Vec<_> = after.timeline.iter().filter(|interval| interval.kind == "evaluate").collect();
    assert!(loads.len() > 2 && evaluations.len() > 2);
    assert!(loads[1].end_s < evaluations.last().unwrap().start_s);
    assert!(loads.windows(2).all(|pair| close(pair[0].end_s, pair[1].start_s)));
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let programs = [small_program(2, 4), small_program(3, 8), small_program(4, 8)];
    let programs: Vec<&Program> = programs.iter().collect();
    let platforms = platforms();
    let platforms: Vec<&Platform> = platforms.iter().collect();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let results = pool.install(|| simulate_many(&programs, &platforms));
        results.into_iter().map(|result| result.unwrap()).collect::<Vec<_>>()
    };
    let one = run(1);
    assert_eq!(one.len(), programs.len() * platforms.len());
    for (position, result) in one.iter().enumerate() {
        assert_eq!(result.hardware, platforms[position % platforms.len()].name);
        let program = programs[position / platforms.len()];
        assert_eq!(result.bytes.offline.up, program.work_of(|step| step.phase == Phase::Offline).bytes_up);
    }
    let text = |results: &[Simulation]| serde_json::to_string(results).unwrap();
    for threads in [2, 7] {
        let many = run(threads);
        assert_eq!(many, one);
        assert_eq!(text(&many), text(&one));
    }
}

#[test]
fn programs_that_cannot_run_are_refused() {
    let base = small_program(2, 4);
    let platform = builtin("cpu-lan");
    let mut steps = base.steps.clone();
    steps[0].deps = vec![StepId(steps.len() - 1)];
    let error = simulate(&Program { steps, ..base.clone() }, &platform).unwrap_err();
    assert!(matches!(error, SimError::Engine(EngineError::Dependency { job: 0, .. })), "{error}");

    let no_plans = Program { plans: vec![None; base.plans.len()], ..base.clone() };
    let error = simulate(&no_plans, &platform).unwrap_err();
    assert!(error.to_string().contains("needs a packing plan for layer"), "{error}");
    let no_circuits = Program { circuits: vec![], ..base.clone() };
    let error = simulate(&no_circuits, &platform).unwrap_err();
    assert!(matches!(error, SimError::Incomplete { what: "circuit", .. }), "{error}");

    let mut nowhere = base.steps.clone();
    nowhere[0].layer = pisim_netgen::LayerId(99);
    let error = simulate(&Program { steps: nowhere, ..base.clone() }, &platform).unwrap_err();
    assert!(matches!(error, SimError::Incomplete { step: 0, layer: 99, what: "layer" }), "{error}");

    let mut broken = platform;
    broken.link.up_bits_per_s = f64::NAN;
    let error = simulate(&base, &broken).unwrap_err();
    assert!(matches!(error, SimError::Engine(EngineError::Quantity { what: "work", .. })), "{error}");
}

#[test]
fn an_empty_program_takes_no_time_and_no_energy() {
    let result = simulate(&with_steps(&small_program(1, 4), vec![]), &builtin("cpu-lan")).unwrap();
    assert_eq!((result.latency_s.total, result.energy_j.phases.total), (0.0, 0.0));
    assert!(result.units.iter().all(|unit| unit.busy_s == 0.0 && unit.utilization == 0.0));
    assert!(result.timeline.is_empty());
}

#[test]
fn json_has_the_keys_of_the_contract() {
    let result = simulate(&small_program(2, 4), &builtin("fpga-u280")).unwrap();
    let json = serde_json::to_value(&result).unwrap();
    for key in
        ["/network", "/protocol", "/hardware", "/energy_j/by_unit", "/storage_bytes/client", "/storage_bytes/server"]
    {
        assert!(json.pointer(key).is_some(), "{key}");
    }
    for phase in ["setup", "offline", "online", "total"] {
        for quantity in ["latency_s", "energy_j"] {
            assert!(json[quantity][phase].is_f64(), "{quantity}.{phase}");
        }
    }
    for phase in ["offline", "online"] {
        assert!(json["bytes"][phase]["up"].is_u64() && json["bytes"][phase]["down"].is_u64());
    }
    assert!(["name", "busy_s", "utilization", "cycles"].iter().all(|key| json["units"][0].get(key).is_some()));
    let layer = ["id", "kind", "he_eval_s", "encrypt_s", "decrypt_s", "garble_s", "evaluate_s", "ring_linear_s"];
    let sizes = ["up_bytes", "down_bytes", "energy_j"];
    assert!(layer.iter().chain(&sizes).all(|key| json["layers"][0].get(key).is_some()), "{}", json["layers"][0]);
    assert!(json["resources"]["server"]["fpga"]["lut"]["used"].as_u64().unwrap() > 0);
    let names: Vec<&str> = json["activities"].as_array().unwrap().iter().map(|a| a["name"].as_str().unwrap()).collect();
    assert_eq!(names, Activity::NAMES);
}
