//! The exact text of every kind of fault, and that no text makes the parser panic.
#![allow(clippy::expect_used, reason = "helpers of tests")]

use pisim_settings::{Bandwidth, Bytes, ConfigError, Frequency, Source, Spanned, parse};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Platform {
    name: String,
    server: Server,
    #[serde(default)]
    links: Vec<Link>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Server {
    clock: Frequency,
    cores: u32,
    memory: Memory,
    #[serde(default)]
    kind: Kind,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Memory {
    bandwidth: Spanned<Bandwidth>,
    size: Bytes,
    #[serde(default)]
    ecc: bool,
    #[serde(default)]
    share: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Link {
    up: Frequency,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    #[default]
    OutOfOrder,
    InOrder,
}

const GOOD: &str = r#"name = "a"

[server]
clock = "2.7 GHz"
cores = 2
kind = "in-order"

[server.memory]
bandwidth = "35.2 GB/s"
size = "2 MiB"
"#;

fn parsed(text: &str) -> Result<Platform, ConfigError> {
    parse(&Source::new("p.toml", text))
}

/// The error after `from` is replaced by `to` in a good file.
fn fault(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    parsed(&GOOD.replacen(from, to, 1)).expect_err(to).to_string()
}

#[test]
fn a_good_file_is_read_with_its_units() {
    let platform = parsed(&format!("{GOOD}ecc = true\nshare = 0.5\n[[links]]\nup = \"1 kHz\"")).unwrap();
    assert_eq!(platform.name, "a");
    assert_eq!(platform.server.clock.hz(), 2.7e9);
    assert_eq!(platform.server.cores, 2);
    assert!(matches!(platform.server.kind, Kind::InOrder));
    assert_eq!(platform.server.memory.bandwidth.get_ref().bytes_per_s(), 35.2e9);
    assert_eq!(platform.server.memory.size.bytes(), 2 << 20);
    assert!(platform.server.memory.ecc);
    assert_eq!(platform.server.memory.share, 0.5);
    assert_eq!(platform.links.first().unwrap().up.hz(), 1e3);
}

#[test]
fn an_unknown_key_names_itself_and_the_near_miss() {
    assert_eq!(
        fault("clock", "clok"),
        "p.toml:4:1: key `server.clok`: unknown key; expected one of `clock`, `cores`, `memory`, `kind`; did you mean `clock`?"
    );
    assert_eq!(
        fault("size", "weight"),
        "p.toml:10:1: key `server.memory.weight`: unknown key; expected one of `bandwidth`, `size`, `ecc`, `share`"
    );
    assert_eq!(
        fault("[server.memory]", "[server.memry]"),
        "p.toml:8:9: key `server.memry`: unknown key; expected one of `clock`, `cores`, `memory`, `kind`; did you mean `memory`?"
    );
}

#[test]
fn a_missing_key_names_its_table_and_line() {
    assert_eq!(fault("cores = 2\n", ""), "p.toml:3:1: key `server.cores`: missing key; expected it in `[server]`");
    assert_eq!(
        fault("size = \"2 MiB\"\n", ""),
        "p.toml:8:1: key `server.memory.size`: missing key; expected it in `[server.memory]`"
    );
    assert_eq!(fault("name = \"a\"\n", ""), "p.toml:1:1: key `name`: missing key; expected it at the top of the file");
    assert_eq!(
        parsed("").unwrap_err().to_string(),
        "p.toml:1:1: key `name`: missing key; expected it at the top of the file"
    );
}

#[test]
fn a_wrong_unit_names_what_was_expected() {
    assert_eq!(
        fault("2.7 GHz", "2.7 GB/s"),
        "p.toml:4:9: key `server.clock`: wrong unit `GB/s` in `2.7 GB/s`; expected a frequency such as \"1 GHz\""
    );
    assert_eq!(
        fault("2.7 GHz", "2.7 ghz"),
        "p.toml:4:9: key `server.clock`: wrong unit `ghz` in `2.7 ghz`; expected a frequency such as \"1 GHz\"; did you mean `GHz`?"
    );
    assert_eq!(
        fault("\"2.7 GHz\"", "\"2.7\""),
        "p.toml:4:9: key `server.clock`: `2.7` has no unit; expected a frequency such as \"1 GHz\""
    );
    assert_eq!(
        fault("35.2 GB/s", "35.2 Gbps"),
        "p.toml:9:13: key `server.memory.bandwidth`: wrong unit `Gbps` in `35.2 Gbps`; expected a bandwidth in bytes per second such as \"35.2 GB/s\"; did you mean `GB/s`?"
    );
}

#[test]
fn impossible_quantities_are_refused() {
    let expectation = "expected a frequency such as \"1 GHz\"";
    assert_eq!(fault("2.7 GHz", "-1 GHz"), format!("p.toml:4:9: key `server.clock`: negative; {expectation}"));
    assert_eq!(fault("2.7 GHz", "NaN GHz"), format!("p.toml:4:9: key `server.clock`: not a number; {expectation}"));
    assert_eq!(
        fault("2.7 GHz", "inf GHz"),
        format!("p.toml:4:9: key `server.clock`: infinite or too large; {expectation}")
    );
    assert_eq!(
        fault("2.7 GHz", "1e400 GHz"),
        format!("p.toml:4:9: key `server.clock`: infinite or too large; {expectation}")
    );
    assert_eq!(
        fault("2.7 GHz", "fast GHz"),
        format!("p.toml:4:9: key `server.clock`: `fast GHz` does not start with a number; {expectation}")
    );
    assert_eq!(
        fault("2 MiB", "0.3 B"),
        "p.toml:10:8: key `server.memory.size`: `0.3 B` is a fraction of a byte; expected a whole number of bytes such as \"2 MiB\""
    );
    assert_eq!(
        fault("2 MiB", "99999999 TiB"),
        "p.toml:10:8: key `server.memory.size`: `99999999 TiB` is more than 8192 TiB; expected a whole number of bytes such as \"2 MiB\""
    );
}

#[test]
fn a_wrong_type_names_what_was_expected() {
    assert_eq!(
        fault("\"2.7 GHz\"", "2.7"),
        "p.toml:4:9: key `server.clock`: wrong type: floating point `2.7`; expected a frequency such as \"1 GHz\""
    );
    assert_eq!(
        fault("cores = 2", "cores = \"two\""),
        "p.toml:5:9: key `server.cores`: wrong type: string \"two\"; expected a whole number from 0 to 4294967295"
    );
    assert_eq!(
        fault("cores = 2", "cores = -2"),
        "p.toml:5:9: key `server.cores`: impossible value: integer `-2`; expected a whole number from 0 to 4294967295"
    );
    let whole = "expected a whole number from 0 to 4294967295";
    assert_eq!(
        fault("cores = 2", "cores = 99999999999999999999"),
        format!("p.toml:5:9: key `server.cores`: impossible value: integer `99999999999999999999`; {whole}")
    );
    assert_eq!(
        fault("cores = 2", "cores = [2]"),
        format!("p.toml:5:9: key `server.cores`: wrong type: a list; {whole}")
    );
    assert_eq!(
        fault("cores = 2", "cores = {}"),
        format!("p.toml:5:9: key `server.cores`: wrong type: a table; {whole}")
    );
    assert_eq!(
        fault("name = \"a\"", "name = \"a\"\nlinks = [1]"),
        "p.toml:2:10: key `links[0]`: wrong type: integer `1`; expected a table"
    );
    assert_eq!(
        fault("name = \"a\"", "name = 1"),
        "p.toml:1:8: key `name`: wrong type: integer `1`; expected text in quotes"
    );
    assert_eq!(
        fault("\"2 MiB\"", "\"2 MiB\"\necc = 1"),
        "p.toml:11:7: key `server.memory.ecc`: wrong type: integer `1`; expected true or false"
    );
    assert_eq!(
        fault("\"2 MiB\"", "\"2 MiB\"\nshare = \"x\""),
        "p.toml:11:9: key `server.memory.share`: wrong type: string \"x\"; expected a number"
    );
}

#[test]
fn an_unknown_value_names_the_near_miss() {
    assert_eq!(
        fault("in-order", "inorder"),
        "p.toml:6:8: key `server.kind`: unknown value `inorder`; expected `out-of-order` or `in-order`; did you mean `in-order`?"
    );
}

#[test]
fn array_elements_are_named_by_position() {
    assert_eq!(
        fault("size = \"2 MiB\"\n", "size = \"2 MiB\"\n[[links]]\nup = \"1 Hz\"\n[[links]]\nup = \"1 m\""),
        "p.toml:14:6: key `links[1].up`: wrong unit `m` in `1 m`; expected a frequency such as \"1 GHz\""
    );
}

#[test]
fn bad_syntax_names_line_and_column() {
    assert_eq!(
        fault("cores = 2", "cores = "),
        "p.toml:5:9: not TOML: string values must be quoted, expected literal string"
    );
    assert_eq!(fault("cores = 2", "cores = 2\ncores = 3"), "p.toml:6:1: not TOML: duplicate key");
}

#[test]
fn a_check_after_parsing_points_at_its_key() {
    let source = Source::new("p.toml", GOOD);
    let platform: Platform = parse(&source).unwrap();
    let error =
        ConfigError::at(&source, platform.server.memory.bandwidth.span(), "server.memory.bandwidth", "too slow");
    assert_eq!(error.to_string(), "p.toml:9:13: key `server.memory.bandwidth`: too slow");
    assert_eq!(
        (error.file(), error.line(), error.key(), error.message()),
        ("p.toml", Some(9), "server.memory.bandwidth", "too slow")
    );
}

#[test]
fn a_check_by_key_finds_the_key_or_its_nearest_table() {
    let source = Source::new("p.toml", GOOD);
    let at = |key: &str| ConfigError::at_key(&source, key, "odd").to_string();
    assert_eq!(at("server.memory.size"), "p.toml:10:8: key `server.memory.size`: odd");
    assert_eq!(at("server.memory"), "p.toml:8:1: key `server.memory`: odd");
    assert_eq!(at("server.memory.ecc"), "p.toml:8:1: key `server.memory.ecc`: odd", "a default: its table is shown");
    assert_eq!(at("nowhere"), "p.toml:1:1: key `nowhere`: odd");
    assert_eq!(ConfigError::at_key(&Source::new("b.toml", "= ="), "a.b", "odd").line(), Some(1));
}

#[test]
fn unreadable_files_are_one_clear_error() {
    let missing = Source::read("no/such/file.toml").unwrap_err();
    assert_eq!(
        missing.to_string(),
        "no/such/file.toml: cannot read the file: No such file or directory (os error 2); expected a readable TOML file"
    );
    assert_eq!(missing.line(), None);
    let folder = Source::read(".").unwrap_err();
    assert_eq!(folder.to_string(), ".: cannot read the file: it is a folder; expected a readable TOML file");
    let binary = std::env::temp_dir().join(format!("pisim-settings-{}.toml", std::process::id()));
    std::fs::write(&binary, [0xff, 0xfe]).unwrap();
    let error = Source::read(&binary).unwrap_err();
    std::fs::remove_file(&binary).unwrap();
    assert_eq!(error.message(), "cannot read the file: it is not UTF-8 text; expected a readable TOML file");
}

#[test]
fn deep_nesting_is_an_error_and_not_a_stack_overflow() {
    for text in [
        "[".repeat(100_000),
        "a.".repeat(100_000) + "a = 1",
        format!("[{}a]", "a.".repeat(100_000)),
        "a = {".repeat(50_000),
    ] {
        assert!(parsed(&text).is_err());
    }
}

#[test]
fn an_error_stays_on_one_line_whatever_the_key_holds() {
    let error = parsed("\"a\\nb`, expected `c\" = 1").unwrap_err().to_string();
    assert_eq!(error.lines().count(), 1, "{error}");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_without_panic(text in "\\PC*") {
        if let Err(error) = parsed(&text) {
            prop_assert_eq!(error.to_string().lines().count(), 1);
            prop_assert!(error.line().unwrap() <= text.lines().count().max(1) + 1);
        }
    }

    #[test]
    fn a_damaged_good_file_never_panics_the_parser(at in 0..GOOD.len(), insert in "[\\[\\]{}\"'=.,#a-z0-9 \n`µ-]{0,6}", cut in 0usize..6) {
        let end = (at + cut).min(GOOD.len());
        let text = format!("{}{insert}{}", &GOOD[..at], &GOOD[end..]);
        if let Err(error) = parsed(&text) {
            prop_assert_eq!(error.to_string().lines().count(), 1);
            prop_assert!(error.line().unwrap() <= text.matches('\n').count() + 1);
        }
    }
}
