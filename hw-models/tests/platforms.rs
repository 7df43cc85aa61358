//! The shipped platforms: they load, every numeric key of every file matters, and what files leave out.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use common::outputs::{leaf, others, outputs};
use common::shipped::text_of;
use pisim_hw_models::{HeParallel, Mapping, Platform, Threads, WorkClass};
use pisim_settings::Source;
use toml::{Table, Value};

#[test]
fn every_shipped_file_loads_and_is_named_like_its_file() {
    let names = Platform::builtin_names();
    for expected in ["cpu-lan", "epyc7502-atom", "epyc7502-pair", "fpga-u280", "fpga-zcu102-edge", "haac-hbm2"] {
        assert!(names.contains(&expected), "{expected}");
    }
    for name in names {
        let platform = Platform::builtin(name).unwrap();
        assert_eq!(platform.name, name);
        assert!(platform.description.len() > 20);
        let file = format!("{}/../configs/hardware/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        assert_eq!(Platform::named_or_file(&file).unwrap(), platform, "the compiled-in copy is the file's");
    }
}

/// The paths of all leaves that hold a number, with or without a unit.
fn numeric_leaves(table: &Table, path: &[String], into: &mut Vec<Vec<String>>) {
    for (key, value) in table {
        let path = [path, std::slice::from_ref(key)].concat();
        match value {
            Value::Table(table) => numeric_leaves(table, &path, into),
            Value::Integer(_) | Value::Float(_) => into.push(path),
            Value::String(text) if key != "description" && text.starts_with(|c: char| c.is_ascii_digit()) => {
                into.push(path)
            }
            _ => {}
        }
    }
}

#[test]
fn every_numeric_key_of_every_shipped_platform_changes_a_result() {
    let mut tried = 0;
    for name in Platform::builtin_names() {
        let mut table: Table = toml::from_str(&text_of(name)).unwrap();
        let on_zcu102 = [("fpga-zcu102-edge", "server"), ("fpga-pair", "client")];
        if let Some((_, party)) = on_zcu102.iter().find(|(with, _)| *with == name) {
            // At full speed the board's memory leaves no room for any other number of channels.
            let memory = leaf(&mut table, &[*party, "memory"].map(String::from)).as_table_mut().unwrap();
            memory.insert("channel_bandwidth".into(), Value::String("9.6 GB/s".into()));
            // And its block RAM none for a second controller.
            let engine = leaf(&mut table, &[*party, "he_engine"].map(String::from)).as_table_mut().unwrap();
            engine.insert("scratchpad".into(), Value::String("512 KiB".into()));
        }
        let load = |table: &Table| Platform::from_source(&Source::new(name, toml::to_string(table).unwrap()));
        let before = outputs(&load(&table).unwrap());
        let mut leaves = Vec::new();
        numeric_leaves(&table, &[], &mut leaves);
        // A file that starts from another one has but what differs.
        let least = if table.contains_key("base") { 0 } else { 40 };
        assert!(leaves.len() >= least, "{name}");
        for path in leaves {
            let mut changed = table.clone();
            let original = leaf(&mut changed, &path).clone();
            let platform = others(&original).into_iter().find_map(|other| {
                *leaf(&mut changed, &path) = other;
                Platform::from_source(&Source::new(name, toml::to_string(&changed).unwrap())).ok()
            });
            let key = path.join(".");
            let platform = platform.unwrap_or_else(|| panic!("{name}: no other value of {key} is accepted"));
            assert_ne!(outputs(&platform), before, "{name}: {key} has no effect");
            tried += 1;
        }
    }
    assert!(tried > 250, "{tried}");
}

/// A platform file on which both parties share the machine that is `cpu-lan`'s server.
fn one_machine() -> String {
    let text = text_of("cpu-lan");
    let (head, rest) = text.split_once("[client]").unwrap();
    let (_, server) = rest.split_once("[server]").unwrap();
    format!("{head}[machine]{}", server.replace("[server.", "[machine."))
}

#[test]
fn both_parties_of_a_machine_have_its_hardware() {
    let platform = Platform::from_source(&Source::new("machine.toml", one_machine())).unwrap();
    assert!(platform.colocated);
    assert_eq!(platform.client, platform.server);
    let apart = Platform::builtin("cpu-lan").unwrap();
    assert!(!apart.colocated);
    assert_eq!((platform.server, platform.link), (apart.server, apart.link));
}

#[test]
fn a_machine_beside_a_party_or_a_party_alone_is_refused() {
    let fault = |text: String| Platform::from_source(&Source::new("machine.toml", text)).unwrap_err().to_string();
    let apart = text_of("cpu-lan");
    let machine = one_machine();
    let (_, table) = machine.split_once("[machine]").unwrap();
    let (table, _) = table.split_once("[link]").unwrap();
    let beside = fault(format!("{apart}\n[machine]{table}"));
    assert!(beside.contains("`client`: both parties run on it"), "{beside}");
    let alone = fault(machine.replace("[machine", "[server"));
    assert!(alone.contains("`client`: missing; expected `[client]` and `[server]`, or one `[machine]`"), "{alone}");
    let engine = fault(machine.replace("[machine.memory]", "[machine.gc_engine]\nengines = 1\n[machine.memory]"));
    assert!(engine.contains("`machine.gc_engine`: unknown key"), "{engine}");
}

#[test]
fn costs_that_a_file_does_not_name_are_free_and_those_that_it_names_are_not() {
    let named = one_machine().replace(
        "ring_add = \"0.7 ns\"",
        "ring_add = \"0.7 ns\"\nring_sample = \"1 ns\"\nring_gather = \"2 ns\"\nreply_coefficient = \"3 ns\"\n\
         he_sample = \"4 ns\"\nhe_weight = \"7 ns\"\nhe_byte = \"5 ns\"\nkept_byte = \"6 ns\"",
    );
    let costs = |text: String| Platform::from_source(&Source::new("machine.toml", text)).unwrap().server.cpu.costs;
    let list = |costs: pisim_hw_models::CpuCosts| {
        [
            costs.ring_sample_s,
            costs.ring_gather_s,
            costs.reply_coefficient_s,
            costs.he_sample_s,
            costs.he_weight_s,
            costs.he_byte_s,
            costs.kept_byte_s,
        ]
    };
    assert_eq!(list(costs(one_machine())), [0.0; 7]);
    let own = one_machine().replace("ring_add", "he_product = \"9 ns\"\nring_add");
    let (without, with) = (costs(one_machine()), costs(own));
    assert_eq!(without.he_product_s, without.mod_mul_s, "a product costs what any other does");
    assert_eq!((1e9 * with.he_product_s).round(), 9.0);
    assert_eq!(list(costs(named)).map(|seconds| (1e9 * seconds).round()), [1.0, 2.0, 3.0, 4.0, 7.0, 5.0, 6.0]);
}

#[test]
fn a_file_without_a_mapping_uses_all_cores_and_overlaps_steps() {
    let platform = Platform::builtin("cpu-lan").unwrap();
    assert_eq!(platform.mapping, Mapping::default());
    assert_eq!(platform.mapping.server.of(WorkClass::He, 2), 2);
    assert_eq!(platform.server.cpu.costs.he_library, None);
    let published = Platform::builtin("epyc7502-atom").unwrap().mapping;
    assert_eq!(published.server, Threads { he: Some(1), gc: Some(32), other: Some(1) });
    assert_eq!((published.overlap, published.he_parallel), (false, HeParallel::Within));
}

#[test]
fn a_total_is_split_between_the_directions() {
    let with = |text: &str| {
        let from = text_of("cpu-lan");
        let from = from.replace("up = \"1 Gbps\"\ndown = \"1 Gbps\"", text);
        Platform::from_source(&Source::new("p.toml", from))
    };
    let link = with("total = \"1 Gbps\"\nup_share = 0.25").unwrap().link;
    assert_eq!((link.up_bits_per_s, link.down_bits_per_s, link.optimal_split), (0.25e9, 0.75e9, false));
    let link = with("total = \"1 Gbps\"\nup_share = \"optimal\"").unwrap().link;
    assert_eq!((link.total_bits_per_s(), link.optimal_split), (1e9, true));
    for (text, expected) in [
        ("total = \"1 Gbps\"", "link.up_share: missing; expected it beside `total`"),
        ("up = \"1 Gbps\"", "link.down: missing; expected `up` and `down`, or `total` and `up_share`"),
        ("", "link.up: missing; expected `up` and `down`, or `total` and `up_share`"),
        ("up_share = 0.5", "link.up_share: a part of nothing; expected `total` beside it"),
        (
            "up = \"1 Gbps\"\ntotal = \"1 Gbps\"\nup_share = 0.5",
            "link.up: given beside `total`, which it is a part of; expected one of the two",
        ),
        ("total = \"1 Gbps\"\nup_share = 1.5", "link.up_share: 1.5 is out of range; expected 0.001 to 0.999"),
        ("total = \"1 Gbps\"\nup_share = nan", "link.up_share: NaN is out of range; expected 0.001 to 0.999"),
        ("total = \"1 Gbps\"\nup_share = 0", "link.up_share: 0 is out of range; expected 0.001 to 0.999"),
        (
            "total = \"1 Gbps\"\nup_share = \"best\"",
            "link.up_share: `best` is no part; expected a number such as 0.1, or \"optimal\"",
        ),
        ("total = \"0 bps\"\nup_share = 0.5", "link.total: 0 bit/s is out of range; expected 1 kbps to 100 Tbps"),
    ] {
        let error = with(text).unwrap_err();
        assert_eq!(format!("{}: {}", error.key(), error.message()), expected);
    }
}

#[test]
fn the_schema_explains_every_key() {
    fn undocumented(value: &serde_json::Value, path: &str, missing: &mut Vec<String>) {
        for (key, child) in value.as_object().into_iter().flatten() {
            let path = format!("{path}/{key}");
            if key == "properties" {
                for (name, property) in child.as_object().unwrap() {
                    if property.get("description").is_none() {
                        missing.push(format!("{path}/{name}"));
                    }
                }
            }
            undocumented(child, &path, missing);
        }
    }
    let schema = serde_json::to_value(Platform::schema()).unwrap();
    let mut missing = Vec::new();
    undocumented(&schema, "", &mut missing);
    assert!(missing.is_empty(), "{missing:?}");
    assert!(schema.to_string().contains("Gate engines; each takes one gate per cycle"));
}
