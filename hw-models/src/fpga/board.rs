//! FPGA boards.

use super::resources::{FpgaResources, FpgaUse};
use crate::memory::MemoryKind;
use pisim_settings::did_you_mean;

/// One kind of memory of a board.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoardMemory {
    /// What it is.
    pub kind: MemoryKind,
    /// Channels; pseudo-channels of HBM.
    pub channels: u64,
    /// Peak bandwidth of one channel, bytes per second.
    pub channel_bytes_per_s: f64,
    /// Whether its controllers are part of the chip, beside the fabric: those of processor systems (FINN's `platforms.py` takes
    /// nothing off a ZU9EG) and of Versal's network (as recalled).
    pub hard_controllers: bool,
}

impl BoardMemory {
    /// Peak bandwidth of all channels, bytes per second.
    pub fn bytes_per_s(&self) -> f64 {
        self.channels as f64 * self.channel_bytes_per_s
    }
}

/// An FPGA board.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Board {
    /// Its name in platform files.
    pub name: &'static str,
    /// The part on it.
    pub part: &'static str,
    /// Resources of the user region, all super logic regions (SLRs) together.
    pub user_region: FpgaResources,
    /// Resources of the user region by SLR, the dies of which the part is made. One without several dies.
    pub slrs: &'static [FpgaResources],
    /// Its memories; the first is the one that designs usually use.
    pub memories: &'static [BoardMemory],
    /// Power in watts that the card draws with the design loaded and idle.
    pub static_power_w: f64,
    /// Technology node in nanometres.
    pub node_nm: u32,
    /// Core supply in volts.
    pub supply_v: f64,
}

/// Resources of one SLR, two flip-flops per LUT as in all UltraScale+ and Versal CLBs.
const fn slr(lut: u64, dsp: u64, bram18: u64, uram: u64) -> FpgaResources {
    FpgaResources { lut, ff: 2 * lut, dsp, bram36: bram18 / 2, uram }
}

const fn memory(kind: MemoryKind, channels: u64, channel_bytes_per_s: f64) -> BoardMemory {
    BoardMemory { kind, channels, channel_bytes_per_s, hard_controllers: false }
}

const fn hard(memory: BoardMemory) -> BoardMemory {
    BoardMemory { hard_controllers: true, ..memory }
}

/// Alveo cards: HBM2 of 32 pseudo-channels with 460 GB/s and DDR4 channels of 19.25 GB/s (AMD UG1393).
const ALVEO_HBM: BoardMemory = memory(MemoryKind::Hbm2, 32, 14.375e9);
const ALVEO_DDR: f64 = 19.25e9;

const fn board(
    (name, part): (&'static str, &'static str),
    slrs: &'static [FpgaResources],
    memories: &'static [BoardMemory],
    static_power_w: f64,
    (node_nm, supply_v): (u32, f64),
) -> Board {
    let mut all = FpgaResources { lut: 0, ff: 0, dsp: 0, bram36: 0, uram: 0 };
    let mut position = 0;
    while position < slrs.len() {
        let one = slrs[position];
        all.lut += one.lut;
        all.ff += one.ff;
        all.dsp += one.dsp;
        all.bram36 += one.bram36;
        all.uram += one.uram;
        position += 1;
    }
    Board { name, part, user_region: all, slrs, memories, static_power_w, node_nm, supply_v }
}

const ULTRASCALE_PLUS: (u32, f64) = (16, 0.85);

/// The boards.
///
/// Alveo cards and ZCU102: the user regions that FINN lists (`platforms.py`, "observed from Vivado" and UG1120). The others:
/// whole parts as in their data sheets (as recalled), so a shell comes on top; the V80's even split into three SLRs is
/// assumed. Memory: UG1393 for Alveo; U50 316 GB/s, ZCU102 one 64-bit DDR4-2400, VCU108 two of them, AWS F1's VU9P four
/// DDR4-2133, VCK190 one DDR4-3200 module, V80 820 GB/s HBM2E: their data sheets, as recalled. Static power: Alveo cards idle
/// at 20 to 40 W (as recalled); which card draws how much of it, and the other boards' figures, are assumed by size.
pub const BOARDS: [Board; 10] = [
    board(
        ("u200", "XCU200"),
        &[slr(385_920, 2_268, 1_428, 320), slr(199_680, 1_320, 840, 160), slr(385_920, 2_268, 1_428, 320)],
        &[memory(MemoryKind::Ddr4, 4, ALVEO_DDR)],
        28.0,
        ULTRASCALE_PLUS,
    ),
    board(
        ("u250", "XCU250"),
        &[slr(375_000, 2_880, 1_152, 320); 4],
        &[memory(MemoryKind::Ddr4, 4, ALVEO_DDR)],
        35.0,
        ULTRASCALE_PLUS,
    ),
    board(
        ("u280", "XCU280"),
        &[slr(400_800, 2_736, 1_200, 320), slr(382_080, 2_880, 1_152, 320), slr(380_640, 2_880, 1_152, 320)],
        &[ALVEO_HBM, memory(MemoryKind::Ddr4, 2, ALVEO_DDR)],
        35.0,
        ULTRASCALE_PLUS,
    ),
    board(
        ("u50", "XCU50"),
        &[slr(374_400, 2_592, 1_128, 304), slr(368_160, 2_760, 1_128, 304)],
        &[memory(MemoryKind::Hbm2, 32, 9.875e9)],
        20.0,
        ULTRASCALE_PLUS,
    ),
    board(
        ("u55c", "XCU55C"),
        &[slr(386_000, 2_664, 1_200, 320), slr(364_000, 2_784, 1_152, 320), slr(381_000, 2_856, 1_200, 320)],
        &[ALVEO_HBM],
        32.0,
        ULTRASCALE_PLUS,
    ),
    board(
        ("zcu102", "XCZU9EG"),
        &[slr(274_000, 2_520, 1_824, 0)],
        &[hard(memory(MemoryKind::Ddr4, 1, 19.2e9))],
        8.0,
        ULTRASCALE_PLUS,
    ),
    board(
        ("vu9p", "XCVU9P"),
        &[slr(394_080, 2_280, 1_440, 320); 3],
        &[memory(MemoryKind::Ddr4, 4, 17.066e9)],
        28.0,
        ULTRASCALE_PLUS,
    ),
    board(
        ("vcu108", "XCVU095"),
        &[slr(537_600, 768, 3_456, 0)],
        &[memory(MemoryKind::Ddr4, 2, 19.2e9)],
        15.0,
        (20, 0.95),
    ),
    board(
        ("vck190", "XCVC1902"),
        &[slr(899_840, 1_968, 1_934, 463)],
        &[hard(memory(MemoryKind::Ddr4, 1, 25.6e9))],
        20.0,
        (7, 0.8),
    ),
    board(
        ("v80", "XCV80"),
        &[slr(858_069, 3_616, 2_494, 642), slr(858_069, 3_616, 2_494, 642), slr(858_070, 3_616, 2_494, 641)],
        &[memory(MemoryKind::Hbm2, 64, 12.8125e9)],
        50.0,
        (7, 0.8),
    ),
];

/// A block of 288 Kibit Ultra RAM holds as much as eight block RAMs.
const BRAM36_PER_URAM: u64 = 8;

impl Board {
    /// The board of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        BOARDS.iter().find(|board| board.name == name)
    }

    /// The board of a name that a user gave.
    ///
    /// # Errors
    /// There is none: what was expected, with the near miss.
    pub fn known(name: &str) -> Result<&'static Self, String> {
        Self::named(name).ok_or_else(|| {
            let names = BOARDS.map(|board| board.name);
            let hint = did_you_mean(name, names);
            format!("unknown board `{name}`; expected one of {}{hint}", names.join(", "))
        })
    }

    /// What a design can fill and still be placed and routed: LUT 70 %, FF 50 %, block RAM, Ultra RAM and DSP 80 % of the
    /// user region (the limits that FINN applies).
    pub fn available(&self) -> FpgaResources {
        usable(self.user_region)
    }

    /// The same of the SLR that offers most, resource by resource: a part that cannot be split has to fit into it.
    pub fn largest_slr(&self) -> FpgaResources {
        let most = |of: fn(&FpgaResources) -> u64| self.slrs.iter().map(of).max().unwrap_or(0);
        usable(FpgaResources {
            lut: most(|slr| slr.lut),
            ff: most(|slr| slr.ff),
            dsp: most(|slr| slr.dsp),
            bram36: most(|slr| slr.bram36),
            uram: most(|slr| slr.uram),
        })
    }

    /// The board's memory of this kind.
    pub fn memory(&self, kind: MemoryKind) -> Option<&'static BoardMemory> {
        self.memories.iter().find(|memory| memory.kind == kind)
    }

    /// A design in this board's kinds of block: where there is no Ultra RAM, eight block RAMs stand for one.
    pub fn in_blocks(&self, mut used: FpgaResources) -> FpgaResources {
        if self.user_region.uram == 0 {
            used.bram36 = used.bram36.saturating_add(used.uram.saturating_mul(BRAM36_PER_URAM));
            used.uram = 0;
        }
        used
    }

    /// A design on this board.
    pub fn fit(&self, used: FpgaResources) -> FpgaUse {
        FpgaUse { used: self.in_blocks(used), available: self.available() }
    }
}

/// FINN's limits.
fn usable(all: FpgaResources) -> FpgaResources {
    let share = |amount: u64, percent: u64| amount * percent / 100;
    FpgaResources {
        lut: share(all.lut, 70),
        ff: share(all.ff, 50),
        dsp: share(all.dsp, 80),
        bram36: share(all.bram36, 80),
        uram: share(all.uram, 80),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn the_budgets_are_the_published_totals() {
        // FINN's user regions and the parts' data sheets: LUT, DSP, BRAM36, URAM.
        for (name, lut, dsp, bram36, uram) in [
            ("u200", 971_520, 5_856, 1_848, 800),
            ("u250", 1_500_000, 11_520, 2_304, 1_280),
            ("u280", 1_163_520, 8_496, 1_752, 960),
            ("u50", 742_560, 5_352, 1_128, 608),
            ("u55c", 1_131_000, 8_304, 1_776, 960),
            ("zcu102", 274_000, 2_520, 912, 0),
            ("vu9p", 1_182_240, 6_840, 2_160, 960),
            ("vcu108", 537_600, 768, 1_728, 0),
            ("vck190", 899_840, 1_968, 967, 463),
            ("v80", 2_574_208, 10_848, 3_741, 1_925),
        ] {
            let all = Board::named(name).unwrap().user_region;
            assert_eq!((all.lut, all.ff, all.dsp, all.bram36, all.uram), (lut, 2 * lut, dsp, bram36, uram), "{name}");
        }
        let bandwidth = |name: &str| Board::named(name).unwrap().memories[0].bytes_per_s();
        for (name, gigabytes) in [("u250", 77.0), ("u280", 460.0), ("u50", 316.0), ("v80", 820.0), ("zcu102", 19.2)] {
            assert!((bandwidth(name) / 1e9 - gigabytes).abs() < 1e-9, "{name}");
        }
    }
}
