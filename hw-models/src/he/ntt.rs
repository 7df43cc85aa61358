//! Cycles of one number-theoretic transform on one unit.

use super::HeEngine;
use crate::cost::product;

/// How a transform unit is built, beyond its number of butterflies. The default is an iterative core of radix-2 butterflies
/// that all work on one stage, and that starts the next without a gap (HEAX).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NttUnit {
    /// Radix of a butterfly, a power of two: log2(radix) stages at once, in as many of the unit's radix-2 butterflies.
    pub radix: u64,
    /// Stages (of that radix) in flight: the butterflies are a chain of that many rows, and a pass goes through all of them.
    pub stages: u64,
    /// Coefficients that the unit's registers hold: longer transforms are done in blocks of this size, stage by stage.
    pub block: Option<u64>,
    /// Cycles between a pass over a block and the next, which needs its results.
    pub pass_gap: u64,
}

impl Default for NttUnit {
    fn default() -> Self {
        Self { radix: 2, stages: 1, block: None, pass_gap: 0 }
    }
}

impl NttUnit {
    /// Stages of radix 2 that one pass covers.
    fn levels_per_pass(&self) -> u64 {
        u64::from(self.radix.max(2).ilog2()).saturating_mul(self.stages.max(1))
    }

    /// Passes of a transform: ⌈log2 N / (stages × log2 radix)⌉.
    pub fn passes(&self, degree: u64) -> u64 {
        u64::from(log2(degree)).div_ceil(self.levels_per_pass())
    }

    /// Blocks of a transform.
    pub fn blocks(&self, degree: u64) -> u64 {
        self.block.map_or(1, |block| degree.div_ceil(block.max(1)).max(1))
    }

    /// How often a transform goes through the scratchpad: once when the unit holds all of it, otherwise once for every
    /// log2(block) stages.
    pub fn rounds_through_scratchpad(&self, degree: u64) -> u64 {
        let held = self.block.map_or(u32::MAX, log2);
        u64::from(log2(degree).div_ceil(held.max(1)).max(1))
    }

    /// Cycles of one transform with `butterflies` butterflies that each start one product in `interval` cycles.
    ///
    /// One pass over all N coefficients takes N/2 × (levels of the pass) × interval / butterflies cycles, whether or not the
    /// last pass needs all its levels; every pass over every block ends with the gap. So an iterative radix-2 core takes
    /// N·log2 N / (2 × butterflies) (HEAX, ASPLOS'20); seven stages in flight with 128 butterflies each take
    /// 2 × N/256 up to N = 2^14 (F1, MICRO'21); and with all stages in flight, N / (coefficients per cycle) (Zama's HPU).
    pub fn cycles(&self, degree: u64, butterflies: u64, interval: u64) -> u64 {
        let passes = self.passes(degree);
        let work = product(&[degree, passes, self.levels_per_pass(), interval.max(1)]);
        let busy = work.div_ceil(product(&[2, butterflies.max(1)]));
        busy.saturating_add(product(&[passes, self.blocks(degree), self.pass_gap]))
    }
}

impl HeEngine {
    /// Cycles of one transform of degree `degree` on one unit; see [`NttUnit::cycles`].
    pub fn ntt_cycles(&self, degree: u64) -> u64 {
        self.design.ntt.cycles(degree, self.butterflies, self.design.multiplier_interval)
    }
}

/// Stages of a radix-2 transform, rounded up.
fn log2(degree: u64) -> u32 {
    degree.max(1).checked_next_power_of_two().map_or(64, u64::trailing_zeros)
}

/// Butterflies of one transform: N·log2 N / 2.
pub(crate) fn butterflies_of(degree: u64) -> f64 {
    let n = degree.max(1) as f64;
    n * n.log2() / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f1s_unit_takes_one_cycle_for_128_coefficients_at_every_published_degree() {
        let f1 = NttUnit { stages: 7, ..NttUnit::default() };
        for log in 8..=14 {
            assert_eq!(f1.cycles(1 << log, 896, 1), (1 << log) / 128, "2^{log}");
        }
        assert_eq!(f1.cycles(1 << 7, 896, 1), 1, "one pass is enough");
        assert_eq!(f1.cycles(1 << 15, 896, 1), 3 * (1 << 15) / 256, "a third pass");
    }

    #[test]
    fn gaps_come_once_for_each_pass_over_each_block() {
        let core = NttUnit { pass_gap: 22, ..NttUnit::default() };
        assert_eq!(core.cycles(4_096, 1, 1), 24_576 + 12 * 22);
        let blocked = NttUnit { block: Some(1_024), ..core };
        assert_eq!(blocked.cycles(4_096, 1, 1), 24_576 + 12 * 4 * 22);
        assert_eq!(blocked.rounds_through_scratchpad(4_096), 2);
        assert_eq!(NttUnit { radix: 4, ..core }.cycles(4_096, 1, 1), 24_576 + 6 * 22);
        // An odd number of stages leaves half of the last radix-4 stage unused.
        assert_eq!(NttUnit { radix: 4, ..NttUnit::default() }.cycles(8_192, 1, 1), 4_096 * 14);
    }
}
