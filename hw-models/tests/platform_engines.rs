//! Keys of a platform's HE engine and MAC array: each changes a result, and multipliers are not counted twice.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use common::outputs::outputs;
use pisim_hw_models::{Gemm, HeWork, Platform};
use pisim_settings::Source;

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
