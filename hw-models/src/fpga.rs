//! FPGA boards and what the parts of an accelerator use of them.

use std::ops::Add;

/// An amount of FPGA resources.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FpgaResources {
    /// Six-input look-up tables, shift registers included.
    pub lut: u64,
    /// Flip-flops.
    pub ff: u64,
    /// DSP48E2 slices.
    pub dsp: u64,
    /// Block RAMs of 36 Kibit.
    pub bram36: u64,
    /// Ultra RAMs of 288 Kibit.
    pub uram: u64,
}

impl FpgaResources {
    /// `count` of the same part.
    pub fn times(self, count: u64) -> Self {
        Self {
            lut: self.lut.saturating_mul(count),
            ff: self.ff.saturating_mul(count),
            dsp: self.dsp.saturating_mul(count),
            bram36: self.bram36.saturating_mul(count),
            uram: self.uram.saturating_mul(count),
        }
    }

    /// The amounts by name.
    pub fn named(&self) -> [(&'static str, u64); 5] {
        [("lut", self.lut), ("ff", self.ff), ("dsp", self.dsp), ("bram36", self.bram36), ("uram", self.uram)]
    }
}

impl Add for FpgaResources {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            lut: self.lut.saturating_add(other.lut),
            ff: self.ff.saturating_add(other.ff),
            dsp: self.dsp.saturating_add(other.dsp),
            bram36: self.bram36.saturating_add(other.bram36),
            uram: self.uram.saturating_add(other.uram),
        }
    }
}

/// What a party's accelerator uses of its board, and what the board offers, by resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FpgaUse {
    /// What the units and memory controllers need.
    pub used: FpgaResources,
    /// What a design can fill and still be placed and routed.
    pub available: FpgaResources,
}

impl FpgaUse {
    /// The resources that do not fit: name, used, available.
    pub fn overflows(&self) -> Vec<(&'static str, u64, u64)> {
        let pairs = self.used.named().into_iter().zip(self.available.named());
        pairs
            .filter(|((_, used), (_, available))| used > available)
            .map(|((name, used), (_, available))| (name, used, available))
            .collect()
    }
}

/// An FPGA board.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Board {
    /// Its name in platform files.
    pub name: &'static str,
    /// Resources of the user region.
    pub user_region: FpgaResources,
    /// Whether it has HBM; otherwise it has DDR4.
    pub hbm: bool,
    /// Peak bandwidth of its memory, bytes per second.
    pub memory_bytes_per_s: f64,
    /// Technology node in nanometres.
    pub node_nm: u32,
    /// Core supply in volts.
    pub supply_v: f64,
}

/// The boards. Resources: the user regions that FINN lists (`platforms.py`, "observed from Vivado" and UG1120), summed
/// over the SLRs, two block RAMs of 18 Kibit to one of 36; two flip-flops per LUT as in all UltraScale+ CLBs. Memory:
/// UG1393 (460 GB/s HBM2, 77 GB/s for four DDR4 channels); U50 316 GB/s and ZCU102 24 GB/s from their data sheets, as
/// recalled. All are 16 nm parts at 0.85 V.
pub const BOARDS: [Board; 6] = [
    board("u200", 971_520, 5_856, 1_848, 800, false, 77e9),
    board("u250", 1_500_000, 11_520, 2_304, 1_280, false, 77e9),
    board("u280", 1_163_520, 8_496, 1_752, 960, true, 460e9),
    board("u50", 742_560, 5_352, 1_128, 608, true, 316e9),
    board("u55c", 1_131_000, 8_304, 1_776, 960, true, 460e9),
    board("zcu102", 274_000, 2_520, 912, 0, false, 24e9),
];

const fn board(
    name: &'static str,
    lut: u64,
    dsp: u64,
    bram36: u64,
    uram: u64,
    hbm: bool,
    memory_bytes_per_s: f64,
) -> Board {
    let user_region = FpgaResources { lut, ff: 2 * lut, dsp, bram36, uram };
    Board { name, user_region, hbm, memory_bytes_per_s, node_nm: 16, supply_v: 0.85 }
}

/// A block of 288 Kibit Ultra RAM holds as much as eight block RAMs.
const BRAM36_PER_URAM: u64 = 8;

impl Board {
    /// The board of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        BOARDS.iter().find(|board| board.name == name)
    }

    /// What a design can fill and still be placed and routed: LUT 70 %, FF 50 %, block RAM, Ultra RAM and DSP 80 % of the
    /// user region (the limits that FINN applies).
    pub fn available(&self) -> FpgaResources {
        let share = |amount: u64, percent: u64| amount * percent / 100;
        let all = self.user_region;
        FpgaResources {
            lut: share(all.lut, 70),
            ff: share(all.ff, 50),
            dsp: share(all.dsp, 80),
            bram36: share(all.bram36, 80),
            uram: share(all.uram, 80),
        }
    }

    /// A design on this board. Where the board has no Ultra RAM, eight block RAMs stand for one.
    pub fn fit(&self, mut used: FpgaResources) -> FpgaUse {
        if self.user_region.uram == 0 {
            used.bram36 = used.bram36.saturating_add(used.uram.saturating_mul(BRAM36_PER_URAM));
            used.uram = 0;
        }
        FpgaUse { used, available: self.available() }
    }
}

/// The blocks of a memory of `bytes` in `banks`, each with a port of `port_bits`: both kinds of block are 72 bits wide,
/// block RAM 512 and Ultra RAM 4,096 words deep; banks of 2,048 words or more are made of Ultra RAM.
pub(crate) fn memory_blocks(bytes: u64, banks: u64, port_bits: u64) -> FpgaResources {
    let banks = banks.max(1);
    let words = bytes.div_ceil(banks).saturating_mul(8).div_ceil(port_bits.max(1));
    let wide = port_bits.div_ceil(72).saturating_mul(banks);
    if words >= 2_048 {
        FpgaResources { uram: words.div_ceil(4_096).saturating_mul(wide), ..FpgaResources::default() }
    } else {
        FpgaResources { bram36: words.div_ceil(512).saturating_mul(wide), ..FpgaResources::default() }
    }
}

/// LUT (with shift registers), FF and DSP by word width.
type Table = [(u64, u64, u64, u64)];

/// Barrett butterflies, one per cycle, run-time modulus (own RTL, open synthesis for UltraScale+, no place and route).
const BUTTERFLIES: &Table = &[
    (28, 596 + 29, 228, 11),
    (32, 700 + 33, 260, 11),
    (36, 888 + 37, 292, 17),
    (54, 1_770 + 55, 436, 33),
    (60, 2_127 + 61, 484, 38),
    (64, 2_414 + 65, 516, 42),
];

/// Montgomery multipliers, one per cycle, run-time modulus (same runs).
const MULTIPLIERS: &Table = &[
    (28, 335 + 28, 196, 11),
    (32, 401 + 32, 224, 11),
    (36, 550 + 36, 252, 17),
    (54, 1_272 + 54, 378, 33),
    (60, 1_447 + 60, 420, 33),
    (64, 1_818 + 64, 448, 42),
];

/// Multiply-accumulate cells that keep the low word (same runs; 8 and 16 bits with wider accumulators).
const MACS: &Table = &[(8, 32, 32, 1), (16, 96, 114, 1), (32, 93, 32, 3), (64, 356, 128, 10)];

/// One butterfly of at least `word_bits`.
pub(crate) fn ntt_butterfly(word_bits: u64) -> FpgaResources {
    lookup(BUTTERFLIES, word_bits)
}

/// One modular multiplier of at least `word_bits`.
pub(crate) fn modular_multiplier(word_bits: u64) -> FpgaResources {
    lookup(MULTIPLIERS, word_bits)
}

/// One multiply-accumulate cell of at least `word_bits`.
pub(crate) fn mac_unit(word_bits: u64) -> FpgaResources {
    lookup(MACS, word_bits)
}

/// The narrowest row that holds the word, or the widest there is.
fn lookup(table: &Table, word_bits: u64) -> FpgaResources {
    let row = table.iter().find(|row| row.0 >= word_bits).or(table.last());
    row.map(|&(_, lut, ff, dsp)| FpgaResources { lut, ff, dsp, ..FpgaResources::default() }).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_take_whole_blocks_of_the_right_kind() {
        // 64 KiB in 4 banks with 128-bit ports: 1,024 words each, two blocks wide and two deep.
        assert_eq!(memory_blocks(65_536, 4, 128), FpgaResources { bram36: 16, ..FpgaResources::default() });
        // 1 MiB in 4 banks: 16,384 words each, two Ultra RAMs wide and four deep.
        assert_eq!(memory_blocks(1_048_576, 4, 128), FpgaResources { uram: 32, ..FpgaResources::default() });
        assert_eq!(memory_blocks(1, 1, 8).bram36, 1);
    }

    #[test]
    fn ultra_ram_becomes_block_ram_on_a_board_without_it() {
        let design = FpgaResources { uram: 10, bram36: 1, ..FpgaResources::default() };
        let zcu102 = Board::named("zcu102").unwrap().fit(design);
        assert_eq!((zcu102.used.bram36, zcu102.used.uram), (81, 0));
        assert_eq!(Board::named("u280").unwrap().fit(design).used, design);
    }

    #[test]
    fn the_u280_offers_what_finn_would_fill() {
        let available = Board::named("u280").unwrap().available();
        assert_eq!(available, FpgaResources { lut: 814_464, ff: 1_163_520, dsp: 6_796, bram36: 1_401, uram: 768 });
    }
}
