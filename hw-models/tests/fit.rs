//! The largest configuration that a board holds.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may fail")]

use pisim_hw_models::{Accelerator, BOARDS, Board, FitOptions, Fitting, Largest, PartyHardware, Platform, Side, fit};
use pisim_settings::Source;
use proptest::prelude::*;

const WHOLE: FitOptions = FitOptions { side: None, board: None, grow: None, fill_percent: 100 };

fn shipped(name: &str) -> Source {
    Platform::source(name).unwrap()
}

fn fitted(name: &str, options: FitOptions) -> Fitting {
    fit(&shipped(name), &options).unwrap()
}

/// Loads the written file and checks that it is what was promised.
fn check(name: &str, options: FitOptions) -> Option<PartyHardware> {
    let fitting = fitted(name, options);
    let largest = fitting.largest?;
    assert_eq!(largest.party.misfits(), [], "{name} on {}", fitting.board.name);
    let loaded = Platform::from_source(&Source::new("fitted.toml", largest.toml.clone())).unwrap();
    let written = match fitting.side {
        Side::Client => &loaded.client,
        Side::Server => &loaded.server,
    };
    assert_eq!(written, &largest.party, "{name} on {}: the file says what the fitting says", fitting.board.name);
    for (used, available) in written.fpga_use().map(|all| (all.used, all.available)).into_iter() {
        for ((resource, used), (_, available)) in used.named().into_iter().zip(available.named()) {
            assert!(used * 100 <= available * options.fill_percent, "{name}: {used} {resource} of {available}");
        }
    }
    Some(largest.party)
}

#[test]
fn every_shipped_accelerator_is_fitted_to_every_board() {
    let mut fits = 0;
    for name in ["haac-hbm2", "fpga-u280", "fpga-zcu102-edge"] {
        for board in &BOARDS {
            for grow in [None, Some(Accelerator::GcEngine), Some(Accelerator::HeEngine), Some(Accelerator::MacArray)] {
                fits += usize::from(check(name, FitOptions { board: Some(board), grow, ..WHOLE }).is_some());
            }
            assert!(check(name, FitOptions { board: Some(board), ..WHOLE }).is_some(), "{name} on {}", board.name);
        }
    }
    assert!(fits > 60, "{fits}");
}

#[test]
fn platforms_that_start_from_others_are_fitted_too_and_become_files_of_their_own() {
    let mut fits = 0;
    for name in Platform::builtin_names() {
        let platform = Platform::builtin(name).unwrap();
        for (side, party) in [(Side::Client, &platform.client), (Side::Server, &platform.server)] {
            if platform.colocated || !Accelerator::ALL.iter().any(|unit| unit.is_in(party)) {
                continue;
            }
            for board in &BOARDS {
                let options = FitOptions { side: Some(side), board: Some(board), ..WHOLE };
                fits += usize::from(check(name, options).is_some());
            }
        }
    }
    assert!(fits > 200, "{fits}");
    // A static power of the file is of its own board.
    let kept = |board| fitted("fpga-u280", FitOptions { board, ..WHOLE }).kept_static_w;
    let own = Platform::builtin("fpga-u280").unwrap().server;
    assert_eq!((kept(None), kept(Board::known("zcu102").ok())), (None, Some(own.static_power_w)));
    let pair = fitted("fpga-pair", WHOLE).largest.unwrap().toml;
    assert!(!pair.contains("base =") && pair.contains("[client.gc_engine]"), "{pair}");
}

/// The counts of an accelerator, each raised by one.
fn raised(party: &PartyHardware, unit: Accelerator) -> Vec<PartyHardware> {
    let with = |change: fn(&mut PartyHardware)| {
        let mut larger = party.clone();
        change(&mut larger);
        larger
    };
    match unit {
        Accelerator::GcEngine => vec![with(|party| party.gc_engine.as_mut().unwrap().engines += 1)],
        Accelerator::HeEngine => vec![
            with(|party| party.he_engine.as_mut().unwrap().ntt_units += 1),
            with(|party| party.he_engine.as_mut().unwrap().modmul_lanes += 1),
            with(|party| party.he_engine.as_mut().unwrap().automorphism_lanes += 1),
        ],
        Accelerator::MacArray => vec![
            with(|party| party.mac_array.as_mut().unwrap().rows += 1),
            with(|party| party.mac_array.as_mut().unwrap().columns += 1),
        ],
    }
}

#[test]
fn nothing_of_a_grown_accelerator_can_grow_by_one_more() {
    for unit in Accelerator::ALL {
        let largest = check("fpga-u280", FitOptions { grow: Some(unit), ..WHOLE }).unwrap();
        let before = Platform::builtin("fpga-u280").unwrap().server;
        assert!(largest.fpga_resources().lut > before.fpga_resources().lut, "{unit:?} grew");
        for larger in raised(&largest, unit) {
            let misfits = larger.misfits();
            assert!(misfits.iter().any(|misfit| !misfit.key.ends_with("clock")), "{unit:?}: {larger:?} fits as well");
        }
    }
}

#[test]
fn only_the_accelerator_that_grows_changes() {
    let before = Platform::builtin("fpga-u280").unwrap().server;
    let largest = check("fpga-u280", FitOptions { grow: Some(Accelerator::MacArray), ..WHOLE }).unwrap();
    let mut others = largest.clone();
    others.mac_array = before.mac_array.clone();
    others.gc_engine.as_mut().unwrap().clock_hz = before.gc_engine.as_ref().unwrap().clock_hz;
    others.he_engine.as_mut().unwrap().clock_hz = before.he_engine.as_ref().unwrap().clock_hz;
    assert_eq!(others, before);
    assert!(largest.mac_array.unwrap().rows > before.mac_array.unwrap().rows);
}

#[test]
fn a_design_that_is_too_large_is_loaded_measured_and_shrunk() {
    let text = shipped("fpga-u280").text.replace("rows = 32", "rows = 64").replace("engines = 4", "engines = 40");
    let source = Source::new("big.toml", text);
    assert!(Platform::from_source(&source).is_err());
    let fitting = fit(&source, &WHOLE).unwrap();
    let misfit = &fitting.given.misfits()[0];
    assert!(misfit.message.contains("the design does not fit the u280: it needs "), "{misfit:?}");
    let largest = fitting.largest.unwrap();
    assert!(largest.factor < 1.0 && largest.memory_factor == 1.0);
    let (engines, rows) =
        (largest.party.gc_engine.as_ref().unwrap().engines, largest.party.mac_array.as_ref().unwrap().rows);
    assert!((1..40).contains(&engines) && (1..64).contains(&rows), "{engines} {rows}");
    // In proportion: each count is the file's times the factor, rounded down.
    assert_eq!(engines, (40.0 * largest.factor) as u64);
    assert_eq!(rows, (64.0 * largest.factor.sqrt()) as u64);
    // Comments stay, and every change says what was there.
    assert!(largest.toml.contains("# re-keyed half-gate core"));
    assert!(largest.toml.contains(&format!("\nengines = {engines} # was 40\n")), "{}", largest.toml);
    assert!(largest.toml.contains("# was 16: three label ports per engine, rounded up"), "{}", largest.toml);
    let loaded = Platform::from_source(&Source::new("fitted.toml", largest.toml)).unwrap();
    assert_eq!(loaded.name, "fpga-u280-on-u280");
}

#[test]
fn a_design_that_fits_as_it_is_at_full_size_never_shrinks() {
    for name in ["fpga-u280", "fpga-zcu102-edge"] {
        let fitting = fitted(name, WHOLE);
        assert_eq!(fitting.given.misfits(), []);
        assert!(fitting.largest.unwrap().factor >= 1.0, "{name}");
    }
}

#[test]
fn a_smaller_share_of_the_budget_gives_a_smaller_design() {
    let dsps = |fill_percent| {
        let largest = check("fpga-u280", FitOptions { fill_percent, ..WHOLE }).unwrap();
        (
            fitted("fpga-u280", FitOptions { fill_percent, ..WHOLE }).largest.unwrap().factor,
            largest.fpga_resources().dsp,
        )
    };
    let (half, whole) = (dsps(50), dsps(100));
    assert!(half.0 < whole.0 && half.1 < whole.1, "{half:?} {whole:?}");
}

#[test]
fn memories_shrink_only_when_they_alone_are_too_large() {
    // 64 MiB of scratchpad are 1,820 Ultra RAMs and more; the U280 has 768 to fill.
    let text = shipped("fpga-u280").text.replace("scratchpad = \"12 MiB\"", "scratchpad = \"64 MiB\"");
    let fitting = fit(&Source::new("big.toml", text), &WHOLE).unwrap();
    let largest = fitting.largest.unwrap();
    assert!(largest.memory_factor < 0.5, "{}", largest.memory_factor);
    let all = largest.party.fpga_use().unwrap();
    assert!(all.used.uram * 10 > all.available.uram * 8, "and no more than they need to: {all:?}");
    assert!(all.used.dsp * 100 > all.available.dsp * 95, "units come first: {all:?}");
}

#[test]
fn tables_in_one_line_are_edited_too() {
    let text = shipped("fpga-u280").text.replace("[server.fpga]\nboard = \"u280\"\n", "");
    let text = text.replace("[server]\n", "[server]\nfpga = { board = \"u280\" } # the card\n");
    let options = FitOptions { board: Board::named("u55c"), ..WHOLE };
    let largest = fit(&Source::new("p.toml", text), &options).unwrap().largest.unwrap();
    assert!(largest.toml.contains("fpga = { board = \"u55c\" } # the card"), "{}", largest.toml);
}

#[test]
fn silicon_needs_a_board_and_a_clock_that_it_reaches() {
    let error = fit(&shipped("haac-hbm2"), &WHOLE).unwrap_err();
    assert_eq!(error.key(), "server.silicon");
    let u250 = Board::named("u250");
    let largest = check("haac-hbm2", FitOptions { board: u250, ..WHOLE }).unwrap();
    let clock = largest.gc_engine.as_ref().unwrap().clock_hz;
    assert!((250e6..=300e6).contains(&clock) && clock % 1e6 == 0.0, "{clock}");
    assert_eq!(largest.memory.channels, 4, "the board's DDR4");
}

#[test]
fn a_clock_that_the_file_vouches_for_holds_on_its_own_board() {
    let own = fitted("he-fab", WHOLE).largest.unwrap();
    let clock = |largest: &Largest| largest.party.he_engine.as_ref().unwrap().clock_hz;
    assert_eq!((own.party.achieved_clock_hz, clock(&own)), (Some(300e6), 300e6));
    let other = fitted("he-fab", FitOptions { board: Board::named("u55c"), ..WHOLE }).largest.unwrap();
    assert_eq!(other.party.achieved_clock_hz, None);
    assert!(!other.toml.contains("achieved_clock") && clock(&other) < 300e6, "{}", other.toml);
}

#[test]
fn what_cannot_be_fitted_is_said() {
    let error = |name: &str, options| fit(&shipped(name), &options).unwrap_err().to_string();
    let none = error("cpu-lan", WHOLE);
    assert!(none.contains("key `server`: nothing to fit to a board; expected a party with an accelerator"), "{none}");
    let client = error("fpga-u280", FitOptions { side: Some(Side::Client), ..WHOLE });
    assert!(client.contains("key `client`: nothing to fit"), "{client}");
    let text = shipped("fpga-zcu102-edge").text;
    let (head, rest) = text.split_once("[server.mac_array]").unwrap();
    let (_, link) = rest.split_once("[link]").unwrap();
    let source = Source::new("p.toml", format!("{head}[link]{link}"));
    let error = fit(&source, &FitOptions { grow: Some(Accelerator::MacArray), ..WHOLE }).unwrap_err().to_string();
    assert!(error.contains("has no mac_array that could grow; expected one of gc_engine, he_engine"), "{error}");
    // A board that other units alone fill.
    let full = FitOptions { board: Board::named("vcu108"), grow: Some(Accelerator::GcEngine), ..WHOLE };
    assert!(fitted("fpga-u280", full).largest.is_none(), "2,112 DSPs of butterflies on 614");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_the_design_what_is_written_can_be_built(
        (engines, ntt_units, butterflies, lanes) in (1u64..200, 1u64..60, 1u64..300, 1u64..4_000),
        (rows, columns, scratchpad_mib, wire_kib) in (1u64..200, 1u64..200, 1u64..80, 16u64..8_000),
        board in prop::sample::select(BOARDS.iter().collect::<Vec<_>>()),
        grow in prop::sample::select(vec![None, Some(Accelerator::GcEngine), Some(Accelerator::HeEngine), Some(Accelerator::MacArray)]),
        fill_percent in 20u64..101,
    ) {
        let mut text = shipped("fpga-u280").text;
        for (from, to) in [
            ("engines = 4", format!("engines = {engines}")),
            ("ntt_units = 4", format!("ntt_units = {ntt_units}")),
            ("butterflies = 16", format!("butterflies = {butterflies}")),
            ("modmul_lanes = 32", format!("modmul_lanes = {lanes}")),
            ("rows = 32", format!("rows = {rows}")),
            ("columns = 32", format!("columns = {columns}")),
            ("scratchpad = \"12 MiB\"", format!("scratchpad = \"{scratchpad_mib} MiB\"")),
            ("wire_memory = \"2 MiB\"", format!("wire_memory = \"{wire_kib} KiB\"")),
            ("instruction_bits = 37", "instruction_bits = 39".to_owned()), // two addresses of the largest wire memory
        ] {
            text = text.replacen(from, &to, 1);
        }
        let (source, options) = (Source::new("p.toml", text), FitOptions { board: Some(board), grow, fill_percent, ..WHOLE });
        let fitting = fit(&source, &options).unwrap();
        prop_assert_eq!(&fit(&source, &options).unwrap(), &fitting, "the same every time");
        if let Some(largest) = fitting.largest {
            let loaded = Platform::from_source(&Source::new("fitted.toml", largest.toml)).unwrap();
            prop_assert_eq!(&loaded.server, &largest.party);
            let all = loaded.server.fpga_use().unwrap();
            for ((resource, used), (_, available)) in all.used.named().into_iter().zip(all.available.named()) {
                prop_assert!(used * 100 <= available * fill_percent, "{} {} of {}", used, resource, available);
            }
        } else {
            prop_assert!(!fitting.given.misfits().is_empty() || fill_percent < 100, "a design that fits is the least of answers");
        }
    }
}

#[test]
fn an_engine_that_multiplies_on_the_array_keeps_no_multipliers_of_its_own() {
    let text = shipped("fpga-u280").text;
    let own = text.lines().find(|line| line.starts_with("modmul_lanes")).unwrap();
    let source = Source::new("shared.toml", text.replacen(own, "products_on_mac_array = true", 1));
    for grow in [None, Some(Accelerator::MacArray), Some(Accelerator::HeEngine)] {
        let largest = fit(&source, &FitOptions { grow, ..WHOLE }).unwrap().largest.unwrap();
        assert!(largest.changes.iter().all(|change| change.key != "he_engine.modmul_lanes"), "{:?}", largest.changes);
        let loaded = Platform::from_source(&Source::new("fitted.toml", largest.toml)).unwrap().server;
        assert_eq!(loaded.he_engine, largest.party.he_engine);
        let (engine, array) = (loaded.he_engine.unwrap(), loaded.mac_array.unwrap());
        // A word of 54 bits is two of the cells': 3 × 2² cells for a product.
        assert_eq!(engine.modmul_lanes, array.rows * array.columns / 12);
    }
}
