//! The shipped platforms: they load, every numeric key of every file matters, and bad files are refused at their line.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use common::outputs::{leaf, others, outputs};
use pisim_hw_models::{Gemm, HeParallel, HeWork, Mapping, Platform, Threads, WorkClass};
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
fn threads_that_a_party_does_not_have_are_refused_at_their_key() {
    for (name, from, to, expected) in [
        (
            "epyc7502-atom",
            "gc_threads = 32",
            "gc_threads = 33",
            "mapping.server.gc_threads: 33 is out of range; expected 1 to 32",
        ),
        (
            "epyc7502-atom",
            "he_threads = 1    # as published",
            "he_threads = 0",
            "mapping.client.he_threads: 0 is out of range; expected 1 to 4",
        ),
        (
            "epyc7502-atom",
            "overlap = false",
            "overlap = \"no\"",
            "mapping.overlap: wrong type: string \"no\"; expected true or false",
        ),
        (
            "epyc7502-atom",
            "overlap = false",
            "he_parallel = \"layers\"",
            "mapping.he_parallel: unknown value `layers`; expected `within` or `layer`; did you mean `layer`?",
        ),
        (
            "haac-hbm2",
            "[link]",
            "[mapping]\nhe_parallel = \"layer\"\n[link]",
            "mapping.he_parallel: the server's HE engine evaluates one layer at a time; expected \"within\", or no `server.he_engine`",
        ),
        (
            "haac-hbm2",
            "[link]",
            "[mapping.server]\ngc_threads = 1\n[link]",
            "mapping.server.gc_threads: the party's GC engine does this work; expected no such key",
        ),
        (
            "epyc7502-atom",
            "keygen = \"340 ms\"",
            "keygen = \"340 h\"",
            "client.cpu.cost.he_library.keygen: 340 h is out of range; expected 0 s to 1 h",
        ),
    ] {
        assert_eq!(fault(name, from, to), expected);
    }
}

/// The error after `from` is replaced by `to` in a shipped file, without the file's name.
fn fault(name: &str, from: &str, to: &str) -> String {
    let text = text_of(name);
    assert!(text.contains(from), "{from}");
    let error = Platform::from_source(&Source::new("p.toml", text.replacen(from, to, 1))).unwrap_err();
    let line = error.line().unwrap();
    let shown = text.replacen(from, to, 1).lines().nth(line - 1).unwrap().to_owned();
    // The line that the error names is the one with the key.
    let last = error.key().rsplit('.').next().unwrap();
    assert!(shown.contains(last) || shown.starts_with('['), "line {line} is {shown:?} for {last}");
    format!("{}: {}", error.key(), error.message())
}

#[test]
fn a_platform_starts_from_another_one_and_its_faults_are_told_at_the_line_that_has_them() {
    let load = |text: &str| Platform::from_source(&Source::new("own.toml", text));
    let head = "base = \"haac-hbm2\"\nname = \"own\"\n";
    let own = load(&format!("{head}without = [\"server.mac_array\"]\n[server.gc_engine]\nengines = 4")).unwrap();
    let base = Platform::builtin("haac-hbm2").unwrap();
    assert_eq!((own.name.as_str(), own.server.gc_engine.as_ref().unwrap().engines), ("own", 4));
    assert!(own.server.mac_array.is_none());
    assert_eq!((&own.client, &own.server.he_engine, &own.link), (&base.client, &base.server.he_engine, &base.link));
    let error = |rest: &str| load(&format!("{head}{rest}")).unwrap_err().to_string();
    assert!(
        error("[server.gc_engine]\nengins = 4").starts_with("own.toml:4:10: key `server.gc_engine.engins`: unknown")
    );
    let zero = error("[server.gc_engine]\nengines = 0");
    assert!(zero.starts_with("own.toml:4:11: key `server.gc_engine.engines`: 0 is out of range"), "{zero}");
    let unknown = load("base = \"haac-hbm\"").unwrap_err().to_string();
    assert!(unknown.starts_with("own.toml:1:8: key `base`: unknown platform; expected"), "{unknown}");
    assert!(unknown.ends_with("did you mean `haac-hbm2`?"), "{unknown}");
}

#[test]
fn a_processor_is_named_or_written_out_and_a_wrong_name_has_a_near_miss() {
    let shipped = Platform::builtin_text("cpu-lan").unwrap();
    let written_out = Platform::from_source(&Source::new("p.toml", text_of("cpu-lan"))).unwrap();
    assert_eq!(written_out, Platform::builtin("cpu-lan").unwrap());
    let wrong = |cost: &str| {
        let text = shipped.replacen("cost = \"xeon-avx512\"", cost, 1);
        Platform::from_source(&Source::new("p.toml", text)).unwrap_err().to_string()
    };
    let unknown = wrong("cost = \"xeon-avx51\"");
    let expected = "key `client.cpu.cost`: unknown processor `xeon-avx51`; expected a table of times or one of atom-z8350, \
                    xeon-avx512; did you mean `xeon-avx512`?";
    assert!(unknown.contains(expected), "{unknown}");
    let number = wrong("cost = 3");
    assert!(number.contains("expected a table of times, or a processor such as \"atom-z8350\""), "{number}");
    let incomplete = wrong("cost = { garble_and = \"9 ns\", evaluat_and = \"5 ns\" }");
    assert!(incomplete.contains("client.cpu.cost.evaluat_and") && incomplete.contains("did you mean"), "{incomplete}");
}

#[test]
fn impossible_values_are_refused_at_their_key() {
    for (name, from, to, expected) in [
        ("haac-hbm2", "engines = 16", "engines = 0", "server.gc_engine.engines: 0 is out of range; expected 1 to 4096"),
        (
            "haac-hbm2",
            "clock = \"1 GHz\"",
            "clock = \"1 THz\"",
            "server.gc_engine.clock: 1 THz is out of range; expected 1 MHz to 10 GHz",
        ),
        (
            "haac-hbm2",
            "clock = \"1 GHz\"",
            "clock = \"0 GHz\"",
            "server.gc_engine.clock: 0 Hz is out of range; expected 1 MHz to 10 GHz",
        ),
        (
            "haac-hbm2",
            "clock = \"1 GHz\"",
            "clock = \"1 GB/s\"",
            "server.gc_engine.clock: wrong unit `GB/s` in `1 GB/s`; expected a frequency such as \"1 GHz\"",
        ),
        (
            "haac-hbm2",
            "engines = 16",
            "engine = 16",
            "server.gc_engine.engine: unknown key; expected one of `engines`, `clock`, `garble_latency`, `evaluate_latency`, `xor_latency`, `wire_memory`, `wire_banks`, `queue_memory`, `table_queue`, `wire_queue`, `order`, `rename`, `esw`, `tables`, `instruction_bits`, `ot_cycles`; did you mean `engines`?",
        ),
        (
            "haac-hbm2",
            "engines = 16\n",
            "",
            "server.gc_engine.engines: missing key; expected it in `[server.gc_engine]`",
        ),
        (
            "haac-hbm2",
            "node_nm = 16",
            "node_nm = 12",
            "server.silicon.node_nm: no scaling data for 12 nm; expected one of 130, 90, 65, 45, 32, 20, 16, 14, 10, 7",
        ),
        (
            "haac-hbm2",
            "supply_v = 0.8",
            "supply_v = nan",
            "server.silicon.supply_v: NaN is out of range; expected 0.4 to 1.5",
        ),
        (
            "haac-hbm2",
            "word_bits = 32",
            "word_bits = 129",
            "server.he_engine.word_bits: 129 is out of range; expected 16 to 128",
        ),
        (
            "haac-hbm2",
            "buffer = \"2 MiB\"",
            "buffer = \"0 B\"",
            "server.mac_array.buffer: 0 B is out of range; expected 1 KiB to 64 GiB",
        ),
        (
            "haac-hbm2",
            "streaming_efficiency = 0.92",
            "streaming_efficiency = 1.5",
            "server.memory.streaming_efficiency: 1.5 is out of range; expected 0.01 to 1",
        ),
        (
            "haac-hbm2",
            "kind = \"hbm2\"",
            "kind = \"hbm\"",
            "server.memory.kind: unknown value `hbm`; expected one of `ddr4`, `ddr5`, `lpddr`, `hbm2`; did you mean `hbm2`?",
        ),
        (
            "haac-hbm2",
            "[server.silicon]",
            "[client.silicon]",
            "client.silicon: nothing is made of it; expected an accelerator in the same party",
        ),
        (
            "cpu-lan",
            "cores = 2",
            "cores = -2",
            "client.cpu.cores: impossible value: integer `-2`; expected a whole number, zero or more",
        ),
        ("cpu-lan", "\"9 ns\"", "\"9 s\"", "client.cpu.cost.garble_and: 9 s is out of range; expected 0 s to 1 s"),
        (
            "cpu-lan",
            "up = \"1 Gbps\"",
            "up = \"0 Gbps\"",
            "link.up: 0 bit/s is out of range; expected 1 kbps to 100 Tbps",
        ),
        (
            "cpu-lan",
            "up = \"1 Gbps\"",
            "up = \"-1 Gbps\"",
            "link.up: negative; expected a bit rate such as \"100 Mbps\"",
        ),
        ("cpu-lan", "name = \"cpu-lan\"", "name = \" \"", "name: empty; expected a short name"),
        (
            "fpga-u280",
            "clock = \"250 MHz\"",
            "clock = \"1 GHz\"",
            "server.gc_engine.clock: 1 GHz; a design that fills 92 % of the u280's DSP budget reaches at most 258 MHz; expected a lower clock, fewer units or the `fpga.achieved_clock` that it is known to close at",
        ),
        (
            "fpga-u280",
            "board = \"u280\"",
            "board = \"u28\"",
            "server.fpga.board: unknown board `u28`; expected one of u200, u250, u280, u50, u55c, zcu102, vu9p, vcu108, vck190, v80; did you mean `u280`?",
        ),
        (
            "fpga-u280",
            "board = \"u280\"",
            "board = \"u250\"",
            "server.memory.kind: the u250 has DDR4; expected \"ddr4\"",
        ),
        (
            "fpga-u280",
            "channels = 32",
            "channels = 64",
            "server.memory.channels: 920 GB/s in all; expected at most the u280's 460 GB/s",
        ),
    ] {
        assert_eq!(fault(name, from, to), expected);
    }
}

#[test]
fn an_accelerator_needs_to_be_made_of_something() {
    let text = Platform::builtin_text("fpga-u280").unwrap().replacen("[server.fpga]\nboard = \"u280\"\n", "", 1);
    let error = Platform::from_source(&Source::new("p.toml", text)).unwrap_err();
    assert_eq!(error.key(), "server.gc_engine");
    assert_eq!(
        error.message(),
        "what it is made of is missing; expected `[server.silicon]` or `[server.fpga]` next to it"
    );
}

#[test]
fn a_design_that_does_not_fit_is_refused_by_how_much() {
    let message = fault("fpga-u280", "rows = 32", "rows = 64");
    // 6,243 DSP with 32 × 32 cells of three, 3,072 more with 64 × 32, of 6,796.
    assert_eq!(
        message,
        "server.fpga.board: the design does not fit the u280: it needs 9312 dsp of 6796 (37 % too many); expected fewer units or a larger board"
    );
    let fits = Platform::builtin("fpga-u280").unwrap().server.fpga_use().unwrap();
    assert!(fits.overflows().is_empty());
    assert_eq!(fits.used.dsp, 4 * 16 * 33 + 32 * 33 + 32 * 32 * 3);
}

#[test]
fn unknown_platforms_name_the_near_miss() {
    let error = Platform::builtin("haac-hbm").unwrap_err().to_string();
    assert!(error.starts_with("haac-hbm: unknown platform; expected a .toml file or one of cpu-lan, "), "{error}");
    assert!(error.ends_with("did you mean `haac-hbm2`?"), "{error}");
    let error = Platform::named_or_file("no/such.toml").unwrap_err().to_string();
    assert!(error.starts_with("no/such.toml: cannot read the file"), "{error}");
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

/// The optional keys of the HE engine: a value, and what is impossible.
const HE_DESIGN: [(&str, &str, &str, &str); 8] = [
    ("ntt_radix", "4", "6", "6 is no power of two; expected 2 to 1024"),
    ("ntt_stages", "7", "33", "33 is out of range; expected 1 to 32"),
    ("ntt_block", "1024", "1000", "1000 is no power of two; expected 2 to 16777216"),
    ("ntt_pass_gap", "22", "100001", "100001 is out of range; expected 0 to 100000"),
    ("multiplier_interval", "2", "0", "0 is out of range; expected 1 to 1024"),
    ("limbs_at_once", "4", "17", "17 is out of range; expected 1 to 16"),
    ("bank_port", "\"8 B\"", "\"0 B\"", "0 B is out of range; expected 1 B to 1 MiB"),
    ("key_switch_butterflies", "64", "0", "0 is out of range; expected 1 to 65536"),
];

#[test]
fn every_key_of_the_he_engines_design_changes_a_result_and_has_limits() {
    let text = Platform::builtin_text("haac-hbm2").unwrap();
    let with = |line: &str| {
        let text = text.replacen("[server.he_engine]", &format!("[server.he_engine]\n{line}"), 1);
        Platform::from_source(&Source::new("haac-hbm2", text))
    };
    let before = outputs(&with("").unwrap());
    for (key, value, wrong, expected) in HE_DESIGN {
        assert_ne!(outputs(&with(&format!("{key} = {value}")).unwrap()), before, "{key} has no effect");
        let error = with(&format!("{key} = {wrong}")).unwrap_err().to_string();
        assert!(error.ends_with(&format!("`server.he_engine.{key}`: {expected}")), "{error}");
    }
    // The plainest design is that of a file without the keys.
    let plain = "ntt_radix = 2\nntt_stages = 1\nntt_pass_gap = 0\nmultiplier_interval = 1";
    assert_eq!(outputs(&with(plain).unwrap()), before);
    let error = with("ntt_stages = 32\nntt_radix = 64").unwrap_err().to_string();
    assert!(
        error.ends_with("butterflies`: 896 are too few for 32 stages in flight of radix 64; expected at least 6144"),
        "{error}"
    );
}

/// `haac-hbm2` with other lines for the multipliers of its HE engine.
fn sharing(lines: &str) -> Result<Platform, String> {
    let text = Platform::builtin_text("haac-hbm2").unwrap();
    let own = text.lines().find(|line| line.starts_with("modmul_lanes")).unwrap();
    Platform::from_source(&Source::new("haac-hbm2", text.replacen(own, lines, 1))).map_err(|error| error.to_string())
}

#[test]
fn a_mac_array_that_makes_the_he_engines_products_is_not_counted_twice() {
    let shared = sharing("products_on_mac_array = true").unwrap().server;
    assert!(shared.shares_multipliers() && !Platform::builtin("haac-hbm2").unwrap().server.shares_multipliers());
    let (engine, array) = (shared.he_engine.as_ref().unwrap(), shared.mac_array.as_ref().unwrap());
    // 64 × 64 cells of 32 bits, three for each 32-bit product.
    assert_eq!(engine.modmul_lanes, 1_365);
    // An engine with as many multipliers of its own is larger by just those, and the array stays as it is.
    let own = sharing("modmul_lanes = 1365").unwrap().server;
    let area = own.he_engine.as_ref().unwrap().area().unwrap();
    assert_eq!(engine.area().unwrap().multiply_mm2, 0.0);
    assert!((own.area_mm2().unwrap() - shared.area_mm2().unwrap() - area.multiply_mm2).abs() < 1e-9);
    assert_eq!(own.mac_array.as_ref().unwrap().area_mm2(), array.area_mm2());
    assert!(shared.peak_power_w() < own.peak_power_w());
    // The same cycles as with multipliers of its own, at the array's energy: three cells for one cycle.
    let work = HeWork { degree: 4_096, limbs: 1, limb_bits: 32, mod_muls: 1_365_000, ..HeWork::default() };
    let [on_array, on_own] = [engine, own.he_engine.as_ref().unwrap()].map(|engine| engine.run(&work));
    assert_eq!(on_array.cycles, on_own.cycles);
    let none = HeWork { mod_muls: 0, ..work };
    assert!(on_array.energy_j != on_own.energy_j && engine.run(&none).energy_j == 0.0);
}

#[test]
fn multipliers_are_the_engines_own_or_the_arrays() {
    let faults = [
        ("", "`server.he_engine.modmul_lanes`: missing; expected it, or `products_on_mac_array = true`"),
        (
            "modmul_lanes = 4096\nproducts_on_mac_array = true",
            "`server.he_engine.modmul_lanes`: given beside `products_on_mac_array = true`; expected one of the two",
        ),
        (
            "products_on_mac_array = true\nmultiplier_interval = 2",
            "`server.he_engine.multiplier_interval`: the MAC array makes the products, one per cycle; expected no such key",
        ),
    ];
    for (lines, expected) in faults {
        let error = sharing(lines).unwrap_err();
        assert!(error.ends_with(expected), "{error}");
    }
    let text = Platform::builtin_text("haac-hbm2").unwrap();
    let own = text.lines().find(|line| line.starts_with("modmul_lanes")).unwrap();
    let shared = text.replacen(own, "products_on_mac_array = true", 1);
    let slower = shared.replacen(
        "word_bits = 32                  # the share ring\nclock = \"1 GHz\"",
        "word_bits = 32\nclock = \"2 GHz\"",
        1,
    );
    assert_ne!(slower, shared);
    let error = Platform::from_source(&Source::new("x", slower)).unwrap_err().to_string();
    assert!(
        error
            .ends_with("`server.he_engine.clock`: the MAC array makes the products; expected the clock of `mac_array`"),
        "{error}"
    );
    let small = shared.replacen("rows = 64", "rows = 1", 1).replacen("columns = 64", "columns = 2", 1);
    let error = Platform::from_source(&Source::new("x", small)).unwrap_err().to_string();
    assert!(error.ends_with("2 cells are too few for one product; expected a MAC array of at least 3"), "{error}");
}

#[test]
fn when_products_modulo_a_prime_are_reduced_changes_their_time_alone() {
    let text = Platform::builtin_text("haac-hbm2").unwrap();
    let with = |line: &str| {
        let text = text.replacen("[server.mac_array]", &format!("[server.mac_array]\n{line}"), 1);
        Platform::from_source(&Source::new("haac-hbm2", text)).unwrap().server.mac_array.unwrap()
    };
    let prime = Gemm { m: 100, k: 100, n: 100, word_bits: 41, prime: true };
    let ring = Gemm { prime: false, ..prime };
    let [plain, deferred, at_once] =
        ["", "prime_reduction = \"deferred\"", "prime_reduction = \"per-product\""].map(with);
    assert_eq!(plain, deferred);
    assert!(at_once.gemm(&prime).cycles > 2 * plain.gemm(&prime).cycles);
    assert_eq!(at_once.gemm(&ring), plain.gemm(&ring));
}
