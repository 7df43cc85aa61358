//! What the parts of an accelerator use of an FPGA: the cores of [`crate::rtl`], open synthesis (Yosys, `synth_xilinx -family xcup`), without
//! place and route. LUT and FF beside DSPs are upper bounds, since vendor tools put more of an adder into the DSP.

use super::resources::FpgaResources;
use crate::rtl::{self, Core};
use std::sync::LazyLock;

/// Resources by word width, narrowest first.
type Table = LazyLock<Vec<(u64, FpgaResources)>>;

/// Butterflies, multipliers (Montgomery, run-time modulus) and multiply-accumulate cells, one operation per cycle.
static BUTTERFLIES: Table = LazyLock::new(|| table(&rtl::WORD_BITS, rtl::mod_butterfly));
static MULTIPLIERS: Table = LazyLock::new(|| table(&rtl::WORD_BITS, rtl::mod_multiplier));
static MACS: Table = LazyLock::new(|| table(&[8, 16, 32, 64], rtl::ring_mac));

fn table(widths: &[u64], core: fn(u64) -> Option<Core>) -> Vec<(u64, FpgaResources)> {
    widths.iter().filter_map(|width| Some((*width, core(*width)?.resources))).collect()
}

/// A re-keyed half-gate garbler, one AND gate per cycle: `half_gate_garbler_rekeyed` of `rtl/resources.csv`. It evaluates as
/// well.
pub(crate) const HALF_GATE: FpgaResources = logic(35_246, 8_577);

/// A registered 128-bit FreeXOR.
pub(crate) const FREE_XOR: FpgaResources = logic(128, 129);

/// One soft DDR4 controller (FINN, `platforms.py`, `DDR_RESOURCE_REQUIREMENTS`: 199 block RAMs of 18 Kibit).
pub(crate) const DDR_CONTROLLER: FpgaResources =
    FpgaResources { lut: 33_256, ff: 44_889, dsp: 3, bram36: 100, uram: 0 };

/// The logic around the hard HBM controllers, once (FINN, `HBM_RESOURCE_REQUIREMENTS`: 8 block RAMs of 18 Kibit).
pub(crate) const HBM_CONTROLLER: FpgaResources = FpgaResources { lut: 10_718, ff: 21_793, dsp: 0, bram36: 4, uram: 0 };

/// A registered modular adder (y = a + b, less q where it fits): adder, subtractor and choice take a LUT per bit each, the result a
/// flip-flop (Yosys 0.70, `synth_xilinx -family xcup`: 96 LUT and 32 FF at 32 bits, 162 and 54 at 54, 192 and 64 at 64).
pub(crate) fn modular_adder(word_bits: u64) -> FpgaResources {
    logic(3 * word_bits, word_bits)
}

/// A registered multiplexer of `inputs` words: a LUT per bit chooses one of four, and each further LUT takes three more (Yosys: 32
/// LUT and 32 FF for four words of 32 bits).
pub(crate) fn multiplexer(inputs: u64, word_bits: u64) -> FpgaResources {
    logic(inputs.saturating_sub(1).div_ceil(3).saturating_mul(word_bits), word_bits)
}

/// A network that brings any word to any of `ports` places, a power of two of them, conflicts aside: log4(ports) stages of registered
/// 4:1 multiplexers, one for each port. A crossbar needs a multiplexer of all ports at each: too much for wide designs, and the
/// strides of transforms and automorphisms do not conflict.
pub(crate) fn switching_network(ports: u64, word_bits: u64) -> FpgaResources {
    let halvings = u64::from(ports.max(1).next_power_of_two().trailing_zeros());
    multiplexer(4, word_bits).times(ports.saturating_mul(halvings.div_ceil(2)))
}

const fn logic(lut: u64, ff: u64) -> FpgaResources {
    FpgaResources { lut, ff, dsp: 0, bram36: 0, uram: 0 }
}

/// One butterfly of at least `word_bits`.
pub(crate) fn ntt_butterfly(word_bits: u64) -> FpgaResources {
    lookup(&BUTTERFLIES, word_bits)
}

/// One modular multiplier of at least `word_bits`.
pub(crate) fn modular_multiplier(word_bits: u64) -> FpgaResources {
    lookup(&MULTIPLIERS, word_bits)
}

/// One multiply-accumulate cell of at least `word_bits`.
pub(crate) fn mac_unit(word_bits: u64) -> FpgaResources {
    lookup(&MACS, word_bits)
}

/// The narrowest row that holds the word, or the widest there is.
fn lookup(table: &[(u64, FpgaResources)], word_bits: u64) -> FpgaResources {
    let row = table.iter().find(|row| row.0 >= word_bits).or(table.last());
    row.map(|(_, resources)| *resources).unwrap_or_default()
}

/// Widths in bits and depths in words of a block RAM of 36 Kibit with a port to read and one to write (AMD UG573, as recalled).
const BLOCK_RAM_SHAPES: [(u64, u64); 7] =
    [(72, 512), (36, 1_024), (18, 2_048), (9, 4_096), (4, 8_192), (2, 16_384), (1, 32_768)];

/// The blocks of a memory of `bytes` in `banks`, each with a port of `port_bits`: block RAMs in the shape of which it takes
/// the fewest, or, for banks of 2,048 words or more, Ultra RAMs of 4,096 words of 72 bits.
pub(crate) fn memory_blocks(bytes: u64, banks: u64, port_bits: u64) -> FpgaResources {
    let banks = banks.max(1);
    let words = bytes.div_ceil(banks).saturating_mul(8).div_ceil(port_bits.max(1));
    let of_shape = |(bits, deep): (u64, u64)| words.div_ceil(deep).saturating_mul(port_bits.div_ceil(bits));
    if words >= 2_048 {
        FpgaResources { uram: of_shape((72, 4_096)).saturating_mul(banks), ..FpgaResources::default() }
    } else {
        let one = BLOCK_RAM_SHAPES.into_iter().map(of_shape).min().unwrap_or_default();
        FpgaResources { bram36: one.saturating_mul(banks), ..FpgaResources::default() }
    }
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
        // A block of half the width is twice as deep.
        let of = |words: u64, bits: u64| memory_blocks(words * bits / 8, 1, bits).bram36;
        assert_eq!([of(1_024, 32), of(1_024, 40), of(2_047, 16), of(2_047, 24), of(600, 72)], [1, 2, 1, 2, 2]);
    }

    #[test]
    fn the_gates_are_what_synthesis_counted() {
        for (core, part) in [("half_gate_garbler_rekeyed", HALF_GATE), ("free_xor", FREE_XOR)] {
            let row = format!("{core},{},{},{},{}", part.lut, part.ff, part.dsp, part.bram36);
            assert!(rtl::MEASURED_RESOURCES.lines().any(|line| line == row), "{row}");
        }
    }

    #[test]
    fn glue_is_what_synthesis_counted_and_networks_are_smaller_than_crossbars() {
        let of = |part: FpgaResources| (part.lut, part.ff);
        assert_eq!([32, 54, 64].map(|bits| of(modular_adder(bits))), [(96, 32), (162, 54), (192, 64)]);
        assert_eq!([2, 4, 5, 64].map(|inputs| of(multiplexer(inputs, 32))), [(32, 32), (32, 32), (64, 32), (672, 32)]);
        // 64 ports in three stages.
        assert_eq!(of(switching_network(64, 32)), (64 * 3 * 32, 64 * 3 * 32));
        assert_eq!(of(switching_network(1, 32)), (0, 0));
        for ports in [8, 64, 256] {
            assert!(switching_network(ports, 32).lut < multiplexer(ports, 32).times(ports).lut);
        }
    }

    #[test]
    fn wider_words_never_need_less() {
        for part in [ntt_butterfly, modular_multiplier, mac_unit] {
            let dsps: Vec<u64> = (1..=64).map(|bits| part(bits).dsp).collect();
            assert!(dsps.is_sorted(), "{dsps:?}");
        }
    }
}
