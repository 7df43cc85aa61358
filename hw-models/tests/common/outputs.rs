//! What the models say of a platform, and other values of its keys.
#![allow(clippy::unwrap_used, reason = "tests may fail")]

use super::{circuit, detailed};
use pisim_hw_models::gc::{MemoryPort, Role};
use pisim_hw_models::{
    Cost, CpuWork, Direction, GcEngine, GcWork, Gemm, HeEngine, HeWork, MacArray, Mapping, Memory, OtWork,
    PartyHardware, Platform, Traffic, WorkClass,
};
use toml::{Table, Value};

/// Adds what a cost says.
fn add(all: &mut Vec<f64>, cost: Cost) {
    all.extend([cost.seconds, cost.cycles as f64, cost.memory_bytes as f64, cost.energy_j]);
}

/// One kind of work of a processor.
type Primitive = fn(&mut CpuWork) -> &mut u64;

const PRIMITIVES: [Primitive; 30] = [
    |work| &mut work.garbled_ands,
    |work| &mut work.evaluated_ands,
    |work| &mut work.xors,
    |work| &mut work.hash_calls,
    |work| &mut work.labels,
    |work| &mut work.base_ots,
    |work| &mut work.extended_ots,
    |work| &mut work.ntts,
    |work| &mut work.mod_muls,
    |work| &mut work.he_products,
    |work| &mut work.replies,
    |work| &mut work.encryptions,
    |work| &mut work.decryptions,
    |work| &mut work.key_switches,
    |work| &mut work.ring_macs,
    |work| &mut work.ring_adds,
    |work| &mut work.ring_samples,
    |work| &mut work.ring_gathers,
    |work| &mut work.he_samples,
    |work| &mut work.he_weights,
    |work| &mut work.he_bytes,
    |work| &mut work.kept_bytes,
    |work| &mut work.encoded_labels,
    |work| &mut work.ring_elements,
    |work| &mut work.he_operations.plain_muls,
    |work| &mut work.he_operations.key_switches,
    |work| &mut work.he_operations.encryptions,
    |work| &mut work.he_operations.decryptions,
    |work| &mut work.he_operations.evaluated_layers,
    |work| &mut work.he_operations.decrypted_layers,
];

/// Everything that the models say about a party: no value of the file itself, only results.
fn party_outputs(party: &PartyHardware) -> Vec<f64> {
    let mut all = vec![party.static_power_w, party.peak_power_w(), party.area_mm2().unwrap_or(-1.0)];
    all.extend(party.achievable_clock_hz());
    let others: [Primitive; 2] = [|work| &mut work.he_operations.keygens, |work| &mut work.streamed_bytes];
    for primitive in PRIMITIVES.into_iter().chain(others) {
        for ring_bits in [32, 41] {
            let mut work = CpuWork { degree: 4_096, ring_bits, parallelism: 1_000_003, ..CpuWork::default() };
            *primitive(&mut work) = 1_000_000_000;
            add(&mut all, party.cpu.cost(&work));
        }
    }
    party.gc_engine.iter().for_each(|engine| gc_outputs(&mut all, engine));
    party.he_engine.iter().for_each(|engine| he_outputs(&mut all, engine));
    party.mac_array.iter().for_each(|array| mac_outputs(&mut all, array));
    memory_outputs(&mut all, &party.memory);
    if let Some(storage) = &party.storage {
        all.extend([storage.read_s(1_000), storage.write_s(1_000), storage.energy_j(1_000)]);
    }
    if let Some(fpga) = party.fpga_use() {
        all.extend(fpga.used.named().iter().chain(&fpga.available.named()).map(|(_, amount)| *amount as f64));
    }
    all
}

fn gc_outputs(all: &mut Vec<f64>, engine: &GcEngine) {
    let many = GcWork {
        and_gates: 93_000_007,
        xor_gates: 300_000_001,
        and_depth: 32,
        xor_depth: 60,
        instances: 1_000_000,
        table_bytes: 3_000_000_000,
        label_bytes: 7,
        wires_per_instance: 500,
        ..GcWork::default()
    };
    for work in [
        many,
        GcWork { instances: 1, wires_per_instance: 1 << 40, ..many },
        GcWork { and_gates: 10, xor_gates: 20, and_depth: 10, xor_depth: 20, instances: 1, ..many },
        GcWork { and_gates: 100, xor_gates: 0, instances: 100_000, wires_per_instance: 3_000, ..many },
    ] {
        add(all, engine.garble(&work));
        add(all, engine.evaluate(&work));
    }
    add(all, engine.ot_extend(&OtWork { ots: 1_000_003 }).unwrap_or_default());
    // A memory so far away that queues do not cover it, and a window that labels leave beside one that they do not.
    let port = MemoryPort { bytes_per_cycle: 64.0, latency_cycles: 3_000.0 };
    let netlist = circuit(1, 500, 10_000, 50, 9_000);
    for engine in [engine, &GcEngine { wire_memory_bytes: 1 << 14, ..engine.clone() }] {
        // Without a queue for labels the larger circuit does not run.
        let stepped = detailed(engine, &netlist, Role::Evaluate, port);
        let cost = stepped.map(|run| Cost { cycles: run.cycles, energy_j: run.energy_j, ..Cost::default() });
        add(all, cost.unwrap_or_default());
    }
}

fn he_outputs(all: &mut Vec<f64>, engine: &HeEngine) {
    let large = HeWork {
        degree: 8_192,
        limbs: 3,
        limb_bits: 50,
        ntts: 100_003,
        mod_muls: 1_000,
        automorphisms: 10,
        key_switches: 10,
        input_bytes: 1,
        output_bytes: 2,
        weight_bytes: 3,
        working_set_bytes: 1 << 40,
        ..HeWork::default()
    };
    for work in [
        large,
        HeWork { mod_muls: 1_000_000_000_003, ..large },
        HeWork { automorphisms: 1_000_003, ..large },
        HeWork { key_switches: 1_000_003, ..large },
    ] {
        add(all, engine.run(&work));
    }
}

fn mac_outputs(all: &mut Vec<f64>, array: &MacArray) {
    for (word_bits, prime) in [(32, false), (64, false), (41, true)] {
        add(all, array.gemm(&Gemm { m: 1_031, k: 4_099, n: 2_053, word_bits, prime }));
    }
}

fn memory_outputs(all: &mut Vec<f64>, memory: &Memory) {
    all.extend([memory.transfer_s(1_000_000), memory.energy_j(1_000_000), memory.streaming_bytes_per_s()]);
    for traffic in [Traffic::Stream, Traffic::Copy, Traffic::Random { bytes: 16 }] {
        all.extend([memory.bytes_per_s(traffic), memory.traffic_energy_j(traffic, 1_000_000)]);
    }
    all.push(memory.interface_mm2());
}

/// Everything that the models say about a platform, to the bit.
pub fn outputs(platform: &Platform) -> Vec<u64> {
    let link = &platform.link;
    let mut all = vec![
        link.occupancy_s(Direction::Up, 1_000),
        link.occupancy_s(Direction::Down, 1_000),
        link.propagation_s(),
        link.energy_j(1_000),
    ];
    all.extend(party_outputs(&platform.client));
    all.extend(party_outputs(&platform.server));
    let Mapping { client, server, .. } = &platform.mapping;
    for (threads, party) in [(client, &platform.client), (server, &platform.server)] {
        let work = CpuWork { evaluated_ands: 1_000, parallelism: 1_000_003, ..CpuWork::default() };
        let on = |class| party.cpu.cost_on(&work, threads.of(class, party.cpu.cores)).seconds;
        all.extend([WorkClass::He, WorkClass::Gc, WorkClass::Other].map(on));
    }
    all.into_iter().map(f64::to_bits).collect()
}

/// The value at a path.
pub fn leaf<'a>(table: &'a mut Table, path: &[String]) -> &'a mut Value {
    let (first, rest) = path.split_first().unwrap();
    let value = table.get_mut(first).unwrap();
    if rest.is_empty() { value } else { leaf(value.as_table_mut().unwrap(), rest) }
}

/// Other values to try in place of one: the first that the checks accept must change a result.
pub fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Integer(n) => {
            [n * 2, n + 1, n / 2, n - 1, 14, 37].into_iter().filter(|other| other != n).map(Value::Integer).collect()
        }
        Value::Float(x) => [x * 1.1, x * 0.9].into_iter().map(Value::Float).collect(),
        Value::String(text) => {
            let (number, unit) = text.split_once(' ').unwrap();
            let number: f64 = number.parse().unwrap();
            let other =
                |factor: f64| Value::String(format!("{} {unit}", if number == 0.0 { 1.0 } else { number * factor }));
            vec![other(2.0), other(0.5)]
        }
        _ => Vec::new(),
    }
}
