//! Bad platform files are refused at the line and key that is wrong.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use common::shipped::text_of;
use pisim_hw_models::Platform;
use pisim_settings::{Source, Table, Value};

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
            "haac-hbm2",
            "instruction_bits = 37",
            "instruction_bits = 3",
            "server.gc_engine.instruction_bits: 3 bits do not hold two addresses of 17 bits, which the labels of a `wire_memory` of 2097152 B need, and the kind of gate; expected at least 35, or 0 for a fixed schedule without instructions",
        ),
        (
            "haac-hbm2",
            "wire_memory = \"2 MiB\"",
            "wire_memory = \"8 MiB\"",
            "server.gc_engine.instruction_bits: 37 bits do not hold two addresses of 19 bits, which the labels of a `wire_memory` of 8388608 B need, and the kind of gate; expected at least 39, or 0 for a fixed schedule without instructions",
        ),
        (
            "haac-hbm2",
            "table_queue = \"32 KiB\"",
            "table_queue = \"60 KiB\"",
            "server.gc_engine.table_queue: 61440 B of tables and 16384 B of labels leave no instruction of 5 B in a `queue_memory` of 65536 B; expected at most 49147 B",
        ),
        (
            "haac-hbm2",
            "wire_queue = \"16 KiB\"",
            "wire_queue = \"33 KiB\"",
            "server.gc_engine.wire_queue: 32768 B of tables and 33792 B of labels leave no instruction of 5 B in a `queue_memory` of 65536 B; expected at most 32763 B",
        ),
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
fn a_list_is_no_table_whose_keys_go_by_their_order() {
    let head = "base = \"haac-hbm2\"\n";
    let gates = "[1, \"1 GHz\", 20, 17, 3, \"2 MiB\", 64, \"64 KiB\", \"32 KiB\", \"16 KiB\", \"full\", true, true, \"half-gates\", 37, 2]";
    for (text, expected) in [
        (
            format!("[server]\ngc_engine = {gates}"),
            "p.toml:3:13: key `server.gc_engine`: wrong type: a list; expected a table",
        ),
        ("[[server]]\nx = 1".to_owned(), "p.toml:2:1: key `server`: wrong type: a list; expected a table"),
        ("link = []".to_owned(), "p.toml:2:8: key `link`: wrong type: a list; expected a table"),
    ] {
        let error = Platform::from_source(&Source::new("p.toml", head.to_owned() + &text)).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

/// The dotted keys of all tables in a table.
fn tables(table: &Table, prefix: &str) -> Vec<String> {
    let inner = table.iter().filter_map(|(key, value)| Some((format!("{prefix}{key}"), value.as_table()?)));
    inner.flat_map(|(key, inner)| tables(inner, &format!("{key}.")).into_iter().chain([key])).collect()
}

#[test]
fn no_table_of_any_shipped_platform_may_be_a_list() {
    let mut tried = 0;
    for name in Platform::builtin_names() {
        let text = Platform::builtin_text(name).unwrap();
        for key in tables(&text.parse().unwrap(), "") {
            let mut document: Table = text.parse().unwrap();
            let mut parts: Vec<&str> = key.split('.').collect();
            let last = parts.pop().unwrap();
            let within = parts.into_iter().fold(&mut document, |table, part| table[part].as_table_mut().unwrap());
            within.insert(last.to_owned(), Value::Array(Vec::new()));
            let error = Platform::from_source(&Source::new("p.toml", document.to_string())).unwrap_err().to_string();
            assert!(error.contains(&format!("key `{key}`: wrong type: a list; expected a table")), "{name}: {error}");
            tried += 1;
        }
    }
    assert!(tried > 100, "{tried}");
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
