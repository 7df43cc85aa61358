//! What keeps a design from a board: SLRs and clocks; and the clock that boards reach.
#![allow(clippy::unwrap_used, reason = "tests may fail")]

use pisim_hw_models::{BOARDS, Board, FpgaResources, Platform};
use pisim_settings::Source;
use proptest::prelude::*;

/// The refusal of the shipped U280 platform with each text replaced by the other.
fn refusal(edits: &[(&str, &str)]) -> String {
    let mut text = Platform::builtin_text("fpga-u280").unwrap().to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let error = Platform::from_source(&Source::new("p.toml", text)).unwrap_err();
    format!("{}: {}", error.key(), error.message())
}

#[test]
fn a_transform_unit_larger_than_an_slr_is_refused() {
    // 80 butterflies of 33 DSPs are 2,640; an SLR has 2,880, of which 80 % are 2,304.
    let edits = [("ntt_units = 4", "ntt_units = 1"), ("butterflies = 16", "butterflies = 80")];
    assert_eq!(
        refusal(&edits),
        "server.he_engine.butterflies: one transform unit needs 2640 dsp and cannot be split, but an SLR of the u280 offers \
         2304; expected fewer"
    );
}

#[test]
fn a_clock_above_what_the_design_reaches_is_refused() {
    let text = refusal(&[("clock = \"250 MHz\"        # crypto", "clock = \"440 MHz\"        # crypto")]);
    let used = Platform::builtin("fpga-u280").unwrap().server.fpga_use().unwrap();
    // The DSP blocks run out first; from one half to all of them 300 MHz become 250.
    let share = used.used.dsp as f64 / used.available.dsp as f64;
    let (percent, most) = (100.0 * share, 300.0 - 100.0 * (share - 0.5));
    assert_eq!(
        text,
        format!(
            "server.gc_engine.clock: 440 MHz; a design that fills {percent:.0} % of the u280's DSP budget reaches at most {:.0} MHz; \
             expected a lower clock, fewer units or the `fpga.achieved_clock` that it is known to close at",
            most.floor()
        )
    );
}

#[test]
fn memory_controllers_cost_what_finn_counts() {
    // `platforms.py`: DDR 33,256 LUT, 44,889 FF, 199 BRAM18, 3 DSP for each channel; HBM 10,718, 21,793, 8 and 0 once.
    let u280 = Platform::builtin("fpga-u280").unwrap().server.memory;
    let hbm = FpgaResources { lut: 10_718, ff: 21_793, dsp: 0, bram36: 4, uram: 0 };
    assert_eq!(u280.fpga_resources(), hbm);
    let ddr = FpgaResources { lut: 33_256, ff: 44_889, dsp: 3, bram36: 100, uram: 0 };
    let zcu102 = Platform::builtin("fpga-zcu102-edge").unwrap().server.memory;
    assert_eq!(zcu102.fpga_resources(), ddr);
    // The ZCU102's one channel is its processor system's, so that none of that comes off the fabric.
    let controllers = |name: &str| {
        let parts = Platform::builtin(name).unwrap().server.breakdown();
        parts.iter().find(|component| component.part.name == "interfaces").unwrap().part.fpga
    };
    assert_eq!((controllers("fpga-zcu102-edge"), controllers("fpga-u280")), (FpgaResources::default(), hbm));
    let four = pisim_hw_models::Memory { channels: 4, ..zcu102 };
    assert_eq!(four.fpga_resources(), ddr.times(4));
}

#[test]
fn slrs_make_up_the_user_region() {
    for board in &BOARDS {
        assert_eq!(board.slrs.iter().copied().sum::<FpgaResources>(), board.user_region, "{}", board.name);
        assert!(board.largest_slr().beyond(&board.available()).is_empty(), "{}", board.name);
        assert_eq!(Board::known(board.name), Ok(board));
    }
    let error = Board::known("u28").unwrap_err();
    assert!(
        error.starts_with("unknown board `u28`; expected one of u200, ") && error.ends_with("did you mean `u280`?"),
        "{error}"
    );
}

proptest! {
    #[test]
    fn a_fuller_board_is_never_faster(board in 0..BOARDS.len(), lut in 0u64..4_000_000, more in 0u64..1_000_000) {
        let board = &BOARDS[board];
        let clock = |lut| board.achievable_clock_hz(&FpgaResources { lut, ..FpgaResources::default() });
        prop_assert!(clock(lut + more) <= clock(lut));
        let fastest = board.achievable_clock_hz(&FpgaResources::default());
        prop_assert!(clock(lut) >= fastest * 5.0 / 6.0 - 1.0 && clock(lut) <= fastest && fastest <= 400e6);
        let available = board.available().lut;
        if lut >= available / 2 && lut + more <= available && more > 0 {
            prop_assert!(clock(lut + more) < clock(lut), "strictly, from one half on and as long as it fits");
        }
    }
}

#[test]
fn a_clock_that_is_known_to_close_replaces_the_estimate() {
    let board = "board = \"u280\"\n";
    let with = |known: &str, clock: &str| {
        let text = Platform::builtin_text("fpga-u280").unwrap().replacen(board, &format!("{board}{known}\n"), 1);
        let text = text.replacen("clock = \"250 MHz\"        # crypto", &format!("clock = \"{clock}\" # crypto"), 1);
        Platform::from_source(&Source::new("p.toml", text)).map_err(|error| error.to_string())
    };
    let server = with("achieved_clock = \"440 MHz\"", "440 MHz").unwrap().server;
    assert_eq!(server.achievable_clock_hz(), Some(440e6));
    let error = with("achieved_clock = \"240 MHz\"", "230 MHz").unwrap_err();
    assert!(
        error.contains(
            "`server.he_engine.clock`: 250 MHz; `fpga.achieved_clock` says that the design closes at 240 MHz; expected"
        ),
        "{error}"
    );
    let error = with("achieved_clock = \"0 Hz\"", "230 MHz").unwrap_err();
    assert!(error.contains("`server.fpga.achieved_clock`: 0 Hz is out of range; expected 1 MHz to 10 GHz"), "{error}");
}

#[test]
fn silicon_runs_at_published_clocks_or_at_what_the_file_vouches_for() {
    let with = |known: &str, clock: &str| {
        let text = Platform::builtin_text("haac-hbm2").unwrap().replacen("engines = 16\nclock = \"1 GHz\"", clock, 1);
        let text = text.replacen("node_nm = 16", &format!("{known}\nnode_nm = 16"), 1);
        Platform::from_source(&Source::new("p.toml", text)).map_err(|error| error.to_string())
    };
    let error = with("", "engines = 16\nclock = \"10 GHz\"").unwrap_err();
    assert!(
        error.contains(
            "`server.gc_engine.clock`: 10 GHz; published accelerators run at up to 2.1 GHz; expected a lower clock"
        ),
        "{error}"
    );
    assert_eq!(with("", "engines = 16\nclock = \"2 GHz\"").unwrap().server.achievable_clock_hz(), Some(2.1e9));
    let vouched = with("achieved_clock = \"3 GHz\"", "engines = 16\nclock = \"3 GHz\"").unwrap().server;
    assert_eq!((vouched.achievable_clock_hz(), vouched.misfits().len()), (Some(3e9), 0));
}
