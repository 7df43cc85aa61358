//! Every key that a platform file can have changes what the models say: numbers, quantities, words, truth values, boards,
//! devices and processors. The texts below name every key of the schema, so that a key that is added and not tested fails.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use common::outputs::{leaf, others, outputs};
use pisim_hw_models::dram::DEVICES;
use pisim_hw_models::{BOARDS, Platform};
use pisim_settings::Source;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use toml::{Table, Value};

/// Every key of a client without and of a server with an ASIC, and of links with two rates.
const ASIC: &str = r#"
name = "asic"
description = "A platform with every key that fits beside an ASIC."
[client]
static_power = "20 W"
memory = { kind = "hbm2", channels = 2, channel_bandwidth = "30 GB/s", streaming_efficiency = 0.8, latency = "50 ns", energy = "4 pJ/bit" }
storage = { read_bandwidth = "3 GB/s", write_bandwidth = "2 GB/s", energy = "50 pJ/bit" }
[client.cpu]
cores = 8
clock = "2 GHz"
active_power_per_core = "4 W"
[client.cpu.cost]
garble_and = "9 ns"
evaluate_and = "5 ns"
xor_gate = "1 ns"
hash_call = "2 ns"
label = "3 ns"
base_ot = "40 us"
extended_ot = "30 ns"
ntt_butterfly = "2 ns"
mod_mul = "3 ns"
encrypt_coefficient = "20 ns"
decrypt_coefficient = "10 ns"
key_switch_coefficient = "15 ns"
ring_mac = "1 ns"
wide_ring_mac = "2 ns"
ring_add = "0.7 ns"
ring_sample = "1 ns"
ring_gather = "2 ns"
he_sample = "4 ns"
he_product = "5 ns"
reply_coefficient = "3 ns"
he_weight = "7 ns"
he_byte = "5 ns"
kept_byte = "6 ns"
encode_label = "8 ns"
ring_element = "9 ns"
[client.cpu.cost.he_library]
plain_mul_coefficient = "300 ns"
key_switch_coefficient = "400 ns"
encrypt_coefficient = "500 ns"
decrypt_coefficient = "100 ns"
evaluate_layer = "12 ms"
decrypt_layer = "3 ms"
keygen = "340 ms"
[server]
host_static_power = "25 W"
cpu = { cores = 4, clock = "2.7 GHz", active_power_per_core = "4.5 W", cost = "xeon-avx512" }
memory = { device = "ddr4-3200", channels = 2, ranks = 2, mapping = "column", interleave = "64B" }
silicon = { node_nm = 16, supply_v = 0.8, achieved_clock = "2 GHz" }
[server.gc_engine]
engines = 16
clock = "1 GHz"
garble_latency = 20
evaluate_latency = 17
xor_latency = 3
wire_memory = "2 MiB"
wire_banks = 64
queue_memory = "64 KiB"
table_queue = "32 KiB"
wire_queue = "16 KiB"
order = "segment"
rename = true
esw = true
tables = "half-gates"
instruction_bits = 37
ot_cycles = 2
[server.he_engine]
clock = "1 GHz"
word_bits = 32
ntt_units = 16
butterflies = 896
modmul_lanes = 1365
products_on_mac_array = false
automorphism_lanes = 2048
pipeline_latency = 200
scratchpad = "64 MiB"
scratchpad_banks = 16
ntt_radix = 4
ntt_stages = 3
ntt_block = 1024
ntt_pass_gap = 22
multiplier_interval = 2
limbs_at_once = 2
bank_port = "512 B"
key_switch_butterflies = 64
[server.mac_array]
rows = 64
columns = 64
word_bits = 32
clock = "1 GHz"
dataflow = "output-stationary"
buffer = "2 MiB"
prime_reduction = "per-product"
[link]
up = "10 Gbps"
down = "5 Gbps"
round_trip = "0.1 ms"
energy = "0.5 nJ/bit"
message_overhead = "78 B"
[mapping]
overlap = true
he_parallel = "within"
client = { he_threads = 2, gc_threads = 3, other_threads = 4 }
server = { other_threads = 2 }
"#;

/// What stands in place of keys above: a board, and a link with one rate for both directions.
const FPGA: &str = r#"
base = "fpga-u280"
name = "fpga"
description = "An FPGA, and a link with one rate for both directions."
without = ["link.up", "link.down", "server.memory", "server.mac_array"]
[server]
memory = { device = "ddr4-2400", channels = 1 }
fpga = { board = "u280", achieved_clock = "300 MHz" }
[link]
total = "10 Gbps"
up_share = 0.25
"#;

/// One machine for both parties.
const MACHINE: &str = r#"
name = "machine"
description = "Both parties on one machine."
[machine]
static_power = "20 W"
cpu = { cores = 2, clock = "2.7 GHz", active_power_per_core = "4.5 W", cost = "xeon-avx512" }
memory = { device = "hbm2", kind = "hbm2", channels = 2 }
[link]
up = "10 Gbps"
down = "10 Gbps"
round_trip = "50 us"
energy = "1 pJ/bit"
message_overhead = "78 B"
"#;

/// Keys that say how steps are scheduled and so change what the simulator says, not the models: `pisim-sim` tests them
/// (`every_mapping_option_changes_the_result`). And keys that name.
const ELSEWHERE: [&str; 4] = ["mapping.overlap", "mapping.he_parallel", "name", "description"];

/// The words of each key.
fn words(key: &str) -> Vec<String> {
    let list: &[&str] = match key.rsplit('.').next().unwrap() {
        "kind" => &["ddr4", "ddr5", "lpddr", "hbm2"],
        "mapping" => &["column", "bank-group"],
        "interleave" => &["64B", "1K"],
        "order" => &["baseline", "segment", "full"],
        "tables" => &["half-gates", "three-halves"],
        "dataflow" => &["output-stationary", "weight-stationary", "input-stationary"],
        "prime_reduction" => &["deferred", "per-product"],
        "cost" => &["xeon-avx512", "atom-z8350"],
        "device" => return DEVICES.iter().map(|device| device.name.to_owned()).collect(),
        "board" => return BOARDS.iter().map(|board| board.name.to_owned()).collect(),
        _ => &[],
    };
    list.iter().map(|word| (*word).to_owned()).collect()
}

/// Other values of a key, and whether each that is accepted must change a result: words must, of numbers the first.
fn alternatives(key: &str, value: &Value) -> (Vec<Value>, bool) {
    match value {
        Value::Boolean(truth) => (vec![Value::Boolean(!truth)], true),
        Value::String(text) if !words(key).is_empty() => {
            assert!(words(key).contains(text), "{key}: {text}");
            (words(key).into_iter().filter(|word| word != text).map(Value::String).collect(), true)
        }
        Value::Integer(node) if key.ends_with("node_nm") => (vec![Value::Integer(node - 2)], false),
        Value::Integer(n) if ["ntt_radix", "ntt_block"].iter().any(|power| key.ends_with(power)) => {
            (vec![Value::Integer(n / 2)], false)
        }
        number => (others(number), false),
    }
}

fn load(table: &Table) -> Option<Platform> {
    Platform::from_source(&Source::new("every.toml", toml::to_string(table).unwrap())).ok()
}

/// The table with another value. The engine's own multipliers make room for those of the array, which are as many and take a
/// product every cycle.
fn with(table: &Table, path: &[String], value: Value) -> Table {
    let mut table = table.clone();
    if path.ends_with(&["products_on_mac_array".to_owned()]) {
        let engine = leaf(&mut table, &path[..path.len() - 1]).as_table_mut().unwrap();
        engine.remove("modmul_lanes");
        engine.remove("multiplier_interval");
    }
    *leaf(&mut table, path) = value;
    table
}

/// The paths of everything that is no table.
fn leaves(table: &Table, path: &[String], into: &mut Vec<Vec<String>>) {
    for (key, value) in table {
        let path = [path, std::slice::from_ref(key)].concat();
        match value {
            Value::Table(table) => leaves(table, &path, into),
            _ => into.push(path),
        }
    }
}

/// Fails for keys of which another value is accepted and changes nothing; returns how many values were tried.
fn check(name: &str, text: &str) -> usize {
    let table: Table = toml::from_str(text).unwrap();
    let platform = Platform::from_source(&Source::new(name, text)).unwrap();
    let (mut paths, mut tried) = (Vec::new(), 0);
    leaves(&table, &[], &mut paths);
    for path in paths {
        let key = path.join(".");
        if ELSEWHERE.contains(&key.as_str()) || ["base", "without"].contains(&key.as_str()) {
            continue;
        }
        let mut plain = table.clone();
        let (values, each) = alternatives(&key, &leaf(&mut plain, &path).clone());
        let mut accepted = 0;
        for value in values {
            let Some(changed) = load(&with(&table, &path, value.clone())) else { continue };
            // With the array's products, as many multipliers of the engine's own are compared.
            let before = if key.ends_with("products_on_mac_array") {
                outputs(&load(&interval_one(&table, &path)).unwrap())
            } else {
                outputs(&platform)
            };
            assert!(outputs(&changed) != before, "{name}: {key} = {value} has no effect");
            accepted += 1;
            if !each {
                break;
            }
        }
        // A kind beside a device is the device's own.
        let fixed = key == "machine.memory.kind";
        assert!(fixed == (accepted == 0), "{name}: {accepted} other values of {key} are accepted");
        tried += accepted;
    }
    tried
}

/// Multipliers of the engine's own that take a product every cycle.
fn interval_one(table: &Table, path: &[String]) -> Table {
    let mut table = table.clone();
    let engine = leaf(&mut table, &path[..path.len() - 1]).as_table_mut().unwrap();
    engine.remove("multiplier_interval");
    table
}

#[test]
fn every_key_of_every_kind_changes_a_result() {
    let tried: Vec<usize> =
        [("asic", ASIC), ("fpga", FPGA), ("machine", MACHINE)].map(|(name, text)| check(name, text)).into();
    assert!(tried[0] > 110 && tried[1] > 7 && tried[2] > 10, "{tried:?}");
}

#[test]
fn a_split_is_a_part_or_the_best_one() {
    let best = FPGA.replace("up_share = 0.25", "up_share = \"optimal\"");
    let [fixed, best] = [FPGA, &best].map(|text| Platform::from_source(&Source::new("p.toml", text)).unwrap());
    assert_ne!(outputs(&fixed), outputs(&best));
}

#[test]
fn names_change_no_result() {
    let named = ASIC.replace("name = \"asic\"", "name = \"other\"").replace("A platform with", "Another platform with");
    let [before, after] = [ASIC, &named].map(|text| Platform::from_source(&Source::new("p.toml", text)).unwrap());
    assert_ne!((&before.name, &before.description), (&after.name, &after.description));
    assert_eq!(outputs(&before), outputs(&after));
}

/// Parties share their keys, and so do both parties' threads: one name for all of them.
fn common_name(path: &str) -> String {
    let path = path.strip_prefix("mapping.").map_or_else(
        || path.to_owned(),
        |rest| rest.split_once('.').map_or(format!("mapping.{rest}"), |(_, key)| format!("threads.{key}")),
    );
    match path.split_once('.') {
        Some(("client" | "server" | "machine", rest)) => format!("party.{rest}"),
        _ => path,
    }
}

/// The paths of all keys of a schema that hold something other than a table.
fn schema_keys(schema: &Json, definitions: &Json, path: &str, into: &mut BTreeSet<String>) {
    let object = schema.as_object().unwrap();
    if let Some(reference) = object.get("$ref").and_then(Json::as_str) {
        let name = reference.rsplit('/').next().unwrap();
        return schema_keys(&definitions[name], definitions, path, into);
    }
    let choices = ["anyOf", "oneOf", "allOf"].iter().find_map(|choice| object.get(*choice)?.as_array());
    match (object.get("properties").and_then(Json::as_object), choices) {
        (Some(properties), _) => {
            for (key, property) in properties {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                schema_keys(property, definitions, &path, into);
            }
        }
        (None, Some(choices)) => {
            choices.iter().for_each(|choice| schema_keys(choice, definitions, path, into));
        }
        (None, None) if object.get("type") == Some(&Json::from("null")) => {}
        (None, None) => _ = into.insert(common_name(path)),
    }
}

#[test]
fn the_texts_name_every_key_of_the_schema() {
    let schema = serde_json::to_value(Platform::schema()).unwrap();
    let mut expected = BTreeSet::new();
    schema_keys(&schema["then"], &schema["$defs"], "", &mut expected);
    let mut named = BTreeSet::new();
    for text in [ASIC, FPGA, MACHINE] {
        let (mut table, mut paths) = (toml::from_str::<Table>(text).unwrap(), Vec::new());
        ["base", "without"].iter().for_each(|key| _ = table.remove(*key));
        leaves(&table, &[], &mut paths);
        named.extend(paths.iter().map(|path| common_name(&path.join("."))));
    }
    assert!(expected.len() > 100, "{expected:?}");
    assert_eq!(expected.difference(&named).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(named.difference(&expected).collect::<Vec<_>>(), Vec::<&String>::new());
}
