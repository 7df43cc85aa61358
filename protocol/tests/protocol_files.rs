//! Protocol files: what the presets say, and which choices are refused, each at its line and key.

#![allow(clippy::unwrap_used, reason = "in tests, a broken expectation is a failed test")]

use pisim_protocol::{DELPHI_PRIME, Party, Protocol, Shares, Transfer, WireFormat};
use pisim_settings::Source;

const DELPHI: &str = include_str!("../../configs/protocols/delphi.toml");
const RING: &str = include_str!("../../configs/protocols/ring-gc.toml");

fn parse(text: &str) -> Result<Protocol, pisim_settings::ConfigError> {
    Protocol::parse(&Source::new("edited.toml", text))
}

#[test]
fn delphi_has_the_published_parameters_and_its_client_garbler_differs_in_nothing_but_the_garbler() {
    let (server, client) = (Protocol::load("delphi").unwrap(), Protocol::load("delphi-client").unwrap());
    assert_eq!(server.shares, Shares::Prime { modulus: DELPHI_PRIME });
    assert_eq!((server.transfer, server.wire, server.garbler), (Transfer::Alsz, WireFormat::Delphi, Party::Server));
    assert_eq!((server.format.ring_bits, server.format.fraction_bits, server.format.relu_max), (40, 8, Some(6)));
    let he = server.linear.simd().unwrap();
    assert_eq!((he.degree, he.limb_bits.as_slice(), he.special_bits), (8192, [43, 43, 44, 44].as_slice(), 44));
    let names = (server.name.clone(), server.description.clone());
    assert_eq!(Protocol { garbler: Party::Server, name: names.0, description: names.1, ..client }, server);
}

#[test]
fn ring_protocols_keep_their_defaults_and_may_have_a_relu6() {
    let ring = parse(RING).unwrap();
    assert_eq!((ring.transfer, ring.wire, ring.format.relu_max), (Transfer::SoftSpoken, WireFormat::Packed, None));
    assert_eq!((ring.shares, ring.format.ring_bits), (Shares::Ring { bits: 32 }, 32));
    let relu6 = parse(&RING.replace("relu = \"gc\"", "relu = \"relu6\"")).unwrap();
    assert_eq!(relu6.format.relu_max, Some(6));
}

#[test]
fn impossible_choices_are_refused_at_their_line_and_key() {
    // Base file, what to replace, with what, the key, and what the message must say.
    let cases = [
        (DELPHI, "kind = \"prime\"", "kind = \"prime\"\nbits = 32", "shares.bits", "no such key"),
        (DELPHI, "kind = \"prime\"", "kind = \"ring\"\nbits = 32", "linear.method", "he-coefficient"),
        (DELPHI, "\"he-simd\"", "\"he-coefficient\"", "linear.method", "need `he-simd`"),
        (DELPHI, "transfer = \"alsz\"", "transfer = \"softspoken\"", "nonlinear.transfer", "alsz"),
        (DELPHI, "transfer = \"alsz\"", "transfer = \"iknp\"", "nonlinear.transfer", "softspoken"),
        (DELPHI, "format = \"delphi\"", "format = \"packed\"", "wire.format", "delphi"),
        (DELPHI, "format = \"delphi\"", "formats = \"delphi\"", "wire.formats", "format"),
        (DELPHI, "special_bits = 44", "", "linear", "missing key `special_bits`"),
        (DELPHI, "special_bits = 44", "special_bits = 41", "linear.special_bits", "from 42 to 60"),
        (DELPHI, "special_bits = 44", "special_bits = 45", "linear.limb_bits", "219 bits"),
        (DELPHI, "special_bits = 44", "special_bits = 44\nresponse_limbs = 1", "linear.response_limbs", "all limbs"),
        (
            DELPHI,
            "special_bits = 44",
            "special_bits = 44\nprepared_weights = \"1 MiB\"",
            "linear.prepared_weights",
            "he-coefficient",
        ),
        (DELPHI, "[43, 43, 44, 44]", "[41, 43, 44, 44]", "linear.limb_bits", "wider than the 41 bits"),
        (DELPHI, "[43, 43, 44, 44]", "[]", "linear.limb_bits", "1 to 16 limbs"),
        (DELPHI, "degree = 8192", "degree = 8191", "linear.degree", "power of two"),
        (DELPHI, "degree = 8192", "degree = 0", "linear.degree", "power of two"),
        (DELPHI, "degree = 8192", "degree = 4096", "linear.limb_bits", "128-bit security"),
        (DELPHI, "relu = \"relu6\"", "relu = \"relu5\"", "nonlinear.relu", "relu6"),
        (DELPHI, "fraction_bits = 8", "fraction_bits = 25", "fixed_point.fraction_bits", "from 1 to 24"),
        (RING, "bits = 32\n", "\n", "shares", "missing key `bits`"),
        (RING, "kind = \"ring\"\nbits = 32", "kind = \"prime\"", "linear.method", "he-simd"),
        (RING, "\"he-coefficient\"", "\"he-simd\"", "linear.method", "modulo a prime"),
        (RING, "response_limbs = 1", "", "linear", "missing key `response_limbs`"),
        (RING, "response_limbs = 1", "response_limbs = 1\nspecial_bits = 50", "linear.special_bits", "he-simd"),
        (
            RING,
            "garbling = \"half-gates\"",
            "transfer = \"alsz\"\ngarbling = \"half-gates\"",
            "nonlinear.transfer",
            "softspoken",
        ),
        (RING, "[security]", "[wire]\nformat = \"delphi\"\n\n[security]", "wire.format", "packed"),
    ];
    for (base, from, to, key, says) in cases {
        assert!(base.contains(from), "{from}");
        let text = base.replacen(from, to, 1);
        let error = parse(&text).expect_err(to);
        assert_eq!(error.key(), key, "{to}: {error}");
        assert!(error.message().contains(says), "{to}: {error}");
        let line = text.lines().nth(error.line().unwrap() - 1).unwrap();
        let last = key.rsplit('.').next().unwrap();
        assert!(line.contains(last), "{to}: the error is shown at `{line}`");
    }
}

#[test]
fn no_degree_makes_the_check_of_slots_wrap_around() {
    for degree in [1usize << 62, usize::MAX >> 1] {
        let text = DELPHI.replace("degree = 8192", &format!("degree = {degree}"));
        assert_eq!(parse(&text).unwrap_err().key(), "linear.degree");
    }
}
