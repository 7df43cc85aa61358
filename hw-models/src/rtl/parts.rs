//! The parts: what the pinned synthesis counted (`yosys synth_xilinx -family xcup`, hierarchy kept), and what
//! registers and XORs take. Shift registers count as LUTs.

use crate::fpga::FpgaResources;

/// Cycles of AES-128 with one round per stage: the first round key, then ten rounds.
pub(super) const AES_LATENCY: u64 = 11;

/// AES-128 with one round per stage, round keys from outside.
pub(super) const AES: FpgaResources = logic(7_051, 1_408, 0);

/// The key schedule of a pipelined AES-128, one key per cycle.
pub(super) const KEY_SCHEDULE: FpgaResources = logic(2_560, 1_280, 0);

/// AES-128 in one round of hardware, its key schedule included.
pub(super) const AES_ITERATIVE: FpgaResources = logic(1_359, 269, 0);

/// Cycles of a Montgomery multiplication: three products of three cycles, a difference, a correction.
pub(super) const MULTIPLIER_LATENCY: u64 = 11;

/// Widths of Montgomery multipliers and butterflies that were synthesised, in bits.
pub const WORD_BITS: [u64; 6] = [28, 32, 36, 54, 60, 64];

/// Montgomery multipliers by width.
const MULTIPLIERS: [(u64, FpgaResources); 6] = [
    (28, logic(317, 505, 11)),
    (32, logic(381, 577, 11)),
    (36, logic(528, 649, 17)),
    (54, logic(1_232, 973, 33)),
    (60, logic(1_415, 1_081, 33)),
    (64, logic(1_785, 1_153, 42)),
];

/// Multiply-accumulate cells by width. Products of 8 bits are made of LUTs.
const RING_MACS: [(u64, FpgaResources); 4] =
    [(8, logic(61, 37, 0)), (16, logic(16, 69, 1)), (32, logic(61, 133, 3)), (64, logic(303, 321, 10))];

const fn logic(lut: u64, ff: u64, dsp: u64) -> FpgaResources {
    FpgaResources { lut, ff, dsp, bram36: 0, uram: 0 }
}

/// A Montgomery multiplier.
pub(super) fn multiplier(width: u64) -> Option<FpgaResources> {
    of_width(&MULTIPLIERS, width)
}

/// A multiply-accumulate cell.
pub(super) fn ring_mac(width: u64) -> Option<FpgaResources> {
    of_width(&RING_MACS, width)
}

fn of_width(table: &[(u64, FpgaResources)], width: u64) -> Option<FpgaResources> {
    table.iter().find(|(bits, _)| *bits == width).map(|(_, resources)| *resources)
}

/// One LUT for each bit: an XOR of up to six inputs, a bit of an adder, a choice between two.
pub(super) fn xored(bits: u64) -> FpgaResources {
    logic(bits, 0, 0)
}

/// One flip-flop for each bit.
pub(super) fn registered(bits: u64) -> FpgaResources {
    logic(0, bits, 0)
}

/// Bits that wait 3 to 32 cycles in shift registers of one LUT each.
pub(super) fn delayed(bits: u64) -> FpgaResources {
    logic(bits, 0, 0)
}

/// Bits that wait some cycles: synthesis takes flip-flops for up to two, a shift register of one LUT for each 32
/// beyond.
pub(super) fn shift_register(bits: u64, cycles: u64) -> FpgaResources {
    if cycles < 3 { registered(bits * cycles) } else { delayed(bits * cycles.div_ceil(32)) }
}
