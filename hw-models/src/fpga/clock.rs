//! The clock that a design reaches on a board.

use super::board::Board;
use super::resources::FpgaResources;

/// The share of its tightest resource up to which a part routes as if it were empty (assumed).
const EASY: f64 = 0.5;

/// What a design that fills the budget of its tightest resource loses of its family's fastest clock: the middle of what designs of
/// this field reach on Alveo cards, 200 to 300 MHz, over the fastest of them. That the other families lose as much is assumed.
const FULL_LOSS: f64 = 1.0 - 250.0 / 300.0;

/// The fastest clock in hertz at which a design of this field is published on the family of this node. They are careful designs, so
/// none is taken to be faster:
///
/// - 20 nm, Virtex UltraScale: 200 MHz (MAXelerator, DAC'18; as recalled);
/// - 16 nm, UltraScale+: 300 MHz (FAB, HPCA'23, on the U280; as recalled);
/// - 7 nm, Versal: 400 MHz (Zama's HPU on the V80; its released bitstream. Its first releases had 300 and 350).
fn fastest_hz(node_nm: u32) -> f64 {
    match node_nm {
        ..=10 => 400e6,
        11..=16 => 300e6,
        _ => 200e6,
    }
}

impl Board {
    /// The fastest clock, in hertz, of a design that needs `used` of this board.
    ///
    /// f = f_family × (1 − 1/6 × max(0, share − ½) / ½), where share is the largest of the design's parts of the budgets of LUTs,
    /// flip-flops, DSP blocks, block RAMs and Ultra RAMs ([`Board::available`]), at most 1: whatever runs out first spreads the
    /// design over the part. f_family is the fastest published design of the board's family, and a sixth the way from there to the
    /// middle of the published range; that the loss starts at one half and is a straight line is assumed. Open synthesis says
    /// nothing of clocks, so this is a limit of the plausible and no timing analysis: a platform whose design is known to close at
    /// another clock says so (`achieved_clock`).
    pub fn achievable_clock_hz(&self, used: &FpgaResources) -> f64 {
        let (_, share) = self.fit(*used).tightest();
        let hard = (share.min(1.0) - EASY).max(0.0) / (1.0 - EASY);
        fastest_hz(self.node_nm) * (1.0 - FULL_LOSS * hard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_design_is_faster_than_the_fastest_published_one_of_its_family() {
        for (board, published_hz) in [("vcu108", 200e6), ("u280", 300e6), ("zcu102", 300e6), ("v80", 400e6)] {
            let board = Board::named(board).unwrap();
            assert_eq!(board.achievable_clock_hz(&FpgaResources::default()), published_hz, "{}", board.name);
        }
    }

    #[test]
    fn whatever_runs_out_first_costs_up_to_a_sixth() {
        let u280 = Board::named("u280").unwrap();
        let all = u280.available();
        let of = |lut, ff, dsp, bram36, uram| u280.achievable_clock_hz(&FpgaResources { lut, ff, dsp, bram36, uram });
        let close = |hz: f64, expected: f64| assert!((hz / expected - 1.0).abs() < 1e-9, "{hz}");
        for full in [
            of(all.lut, 0, 0, 0, 0),
            of(0, all.ff, 0, 0, 0),
            of(0, 0, all.dsp, 0, 0),
            of(0, 0, 0, all.bram36, 0),
            of(0, 0, 0, 0, all.uram),
            of(2 * all.lut, 0, all.dsp, 0, 0),
        ] {
            close(full, 250e6);
        }
        close(of(all.lut / 2, all.ff / 2, all.dsp / 2, 0, all.uram / 2), 300e6);
        close(of(all.lut / 4, 0, 0, 0, all.uram / 4 * 3), 275e6);
    }
}
