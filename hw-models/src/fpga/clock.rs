//! The clock that a design reaches on a board.

use super::board::Board;
use super::resources::FpgaResources;

/// What a nearly empty part reaches over what it reaches when its LUT budget is full (assumed).
const EMPTY_OVER_FULL: f64 = 1.5;

/// The clock in hertz of a design that fills a part's LUT budget, by node, from published designs of that size:
///
/// - 20 nm: 200 MHz (MAXelerator, DAC'18, on Virtex UltraScale; as recalled);
/// - 16 nm: 300 MHz (FAB, HPCA'23, on the U280; as recalled);
/// - 7 nm: 400 MHz (Zama's HPU on the V80; its released bitstream).
///
/// Pipelines of this field usually close at two thirds of that to all of it: 200 to 300 MHz on Alveo cards.
fn full_hz(node_nm: u32) -> f64 {
    match node_nm {
        ..=10 => 400e6,
        11..=16 => 300e6,
        _ => 200e6,
    }
}

impl Board {
    /// The fastest clock, in hertz, of a design that needs `used` of this board.
    ///
    /// f = f_full × (1.5 − 0.5 × min(1, LUT used / LUT budget)): routing gets longer as logic fills the part. The anchors of
    /// f_full are published designs (200 MHz at 20 nm, 300 at 16 nm, 400 at 7 nm); the straight line is assumed. Open
    /// synthesis says nothing of clocks, so this is a limit of the plausible and no timing analysis.
    pub fn achievable_clock_hz(&self, used: &FpgaResources) -> f64 {
        let budget = self.available().lut.max(1) as f64;
        let filled = (used.lut as f64 / budget).min(1.0);
        full_hz(self.node_nm) * (EMPTY_OVER_FULL - (EMPTY_OVER_FULL - 1.0) * filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_designs_are_possible_at_any_use_of_their_boards() {
        for (board, published_hz) in [("vcu108", 200e6), ("u280", 300e6), ("v80", 400e6)] {
            let board = Board::named(board).unwrap();
            assert!(board.achievable_clock_hz(&board.user_region) >= published_hz, "{}", board.name);
        }
    }

    #[test]
    fn an_empty_board_is_half_as_fast_again_as_a_full_one() {
        let u250 = Board::named("u250").unwrap();
        assert_eq!(u250.achievable_clock_hz(&FpgaResources::default()), 450e6);
        assert_eq!(u250.achievable_clock_hz(&u250.available()), 300e6);
        let half = FpgaResources { lut: u250.available().lut / 2, ..FpgaResources::default() };
        assert_eq!(u250.achievable_clock_hz(&half), 375e6);
    }
}
