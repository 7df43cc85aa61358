//! The homomorphic-encryption engine: transform units, modular multipliers, automorphism lanes and a scratchpad.

use crate::breakdown::Part;
use crate::cost::{Cost, product};
use crate::fpga::{FpgaResources, memory_blocks, modular_multiplier, ntt_butterfly};
use crate::sram::{Sram, sram_energy_per_byte_j};
use crate::technology::Technology;

/// F1's synthesis in 14/12 nm at 1 GHz for 32-bit words (F1, MICRO'21, area and power table; as recalled, its sums
/// check): 16 clusters of one transform unit (7 × 128 = 896 butterflies), two multiply units and one automorphism unit
/// of 128 lanes.
mod f1 {
    pub const NODE_NM: u32 = 14;
    /// Nominal for 14 nm (assumed).
    pub const SUPPLY_V: f64 = 0.8;
    pub const WORD_BITS: f64 = 32.0;
    /// Transform unit: 2.27 mm², 4.80 W.
    pub const BUTTERFLY_MM2: f64 = 2.27 / 896.0;
    pub const BUTTERFLY_J: f64 = 4.80 / 896e9;
    /// Multiply unit of 128 lanes: 0.25 mm², 0.60 W.
    pub const MULTIPLY_MM2: f64 = 0.25 / 128.0;
    pub const MULTIPLY_J: f64 = 0.60 / 128e9;
    /// Automorphism unit of 128 lanes: 0.58 mm², 0.99 W.
    pub const AUTOMORPHISM_MM2: f64 = 0.58 / 128.0;
    pub const AUTOMORPHISM_J: f64 = 0.99 / 128e9;
    /// Register files (16 × 0.56 mm², 16 × 1.67 W), add units (32 × 0.03 mm², 32 × 0.05 W) and network (10.02 mm²,
    /// 19.65 W), shared out over the 4,096 multiplier lanes.
    pub const MOVE_MM2: f64 = (16.0 * 0.56 + 32.0 * 0.03 + 10.02) / 4096.0;
    /// The same power over the words that the units of all 16 clusters move in a cycle: 2 × 128 at the transform and
    /// automorphism units, 3 × 128 at each multiply unit, 20,480 in all.
    pub const MOVE_J_PER_WORD: f64 = (16.0 * 1.67 + 32.0 * 0.05 + 19.65) / 20_480e9;
    /// Scratchpad of 64 MiB: 48.09 mm².
    pub const SCRATCHPAD_MM2_PER_BYTE: f64 = 48.09 / 67_108_864.0;
    /// Its 20.35 W over 16 banks × 512 bytes per cycle.
    pub const SCRATCHPAD_J_PER_BYTE: f64 = 20.35 / 8_192e9;
    pub const SCRATCHPAD_BANK_BYTES: f64 = 4_194_304.0;
    pub const SCRATCHPAD_BANK_PORT_BYTES: f64 = 512.0;
}

/// A homomorphic-encryption engine.
#[derive(Debug, Clone, PartialEq)]
pub struct HeEngine {
    /// Clock in hertz.
    pub clock_hz: f64,
    /// Width of the datapath in bits: wider limbs take several narrower ones.
    pub word_bits: u64,
    /// Number-theoretic transform units; each works on one limb at a time.
    pub ntt_units: u64,
    /// Butterflies per cycle of one transform unit.
    pub butterflies: u64,
    /// Pointwise modular multiplications per cycle.
    pub modmul_lanes: u64,
    /// Coefficients per cycle of the automorphism (rotation) unit.
    pub automorphism_lanes: u64,
    /// Cycles to fill and drain a pipeline.
    pub pipeline_latency: u64,
    /// On-chip memory in bytes.
    pub scratchpad_bytes: u64,
    /// Banks of the on-chip memory.
    pub scratchpad_banks: u64,
    /// What it is made in.
    pub technology: Technology,
}

/// Homomorphic work in primitives. Encryption and decryption appear as their transforms and multiplications; the
/// engine's random-number generators are taken to keep up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeWork {
    /// Ring degree N.
    pub degree: u64,
    /// Limbs of a ciphertext polynomial.
    pub limbs: u64,
    /// Bits of a limb; 0 when it fits the engine's word.
    pub limb_bits: u64,
    /// Transforms of one limb, forward or inverse, those of key switches included.
    pub ntts: u64,
    /// Pointwise modular multiplications of coefficients, those of key switches included, those of transforms not.
    pub mod_muls: u64,
    /// Automorphisms of a ciphertext (two polynomials).
    pub automorphisms: u64,
    /// Key switches: they add the traffic of the switching key.
    pub key_switches: u64,
    /// Bytes of ciphertexts read from memory.
    pub input_bytes: u64,
    /// Bytes of ciphertexts written to memory.
    pub output_bytes: u64,
    /// Bytes of encoded weights read from memory.
    pub weight_bytes: u64,
    /// Bytes that should stay on chip during the work.
    pub working_set_bytes: u64,
}

impl HeEngine {
    /// Runs homomorphic work.
    ///
    /// Transforms, multiplications and automorphisms are pipelines of their own that overlap: cycles = max(⌈transforms /
    /// units⌉ × ⌈N·log2 N / (2 × butterflies)⌉, ⌈multiplications / lanes⌉, ⌈automorphisms × 2 × limbs × N / lanes⌉) +
    /// pipeline latency (the transform's formula as in HEAX, ASPLOS'20, and Zama's HPU). Limbs wider than the word
    /// are done as ⌈limb / word⌉ narrower limbs.
    ///
    /// Memory traffic = inputs + outputs + weights + switching keys (2 × limbs × (limbs + 1) × N words of 4 or 8 bytes, loaded again for
    /// every key switch as far as the scratchpad cannot keep them) + twice what of the working set does not fit.
    pub fn run(&self, work: &HeWork) -> Cost {
        let narrow = work.limb_bits.div_ceil(self.word_bits).max(1);
        let ntts = product(&[work.ntts, narrow]);
        let mod_muls = product(&[work.mod_muls, narrow]);
        let permuted = product(&[work.automorphisms, 2, work.limbs, narrow, work.degree]);
        let ntt_cycles = product(&[ntts.div_ceil(self.ntt_units), self.ntt_cycles(work.degree)]);
        let busy = ntt_cycles.max(mod_muls.div_ceil(self.modmul_lanes)).max(permuted.div_ceil(self.automorphism_lanes));
        let cycles = if busy == 0 { 0 } else { busy.saturating_add(self.pipeline_latency) };
        let memory_bytes =
            [work.input_bytes, work.output_bytes, work.weight_bytes, self.key_traffic(work), self.spilled(work)]
                .into_iter()
                .fold(0, u64::saturating_add);
        let ntt_words = ntts as f64 * 2.0 * work.degree as f64;
        let butterflies = ntts as f64 * butterflies_of(work.degree);
        let word_bytes = self.word_bits as f64 / 8.0;
        let energy_j = butterflies * self.butterfly_j()
            + mod_muls as f64 * self.multiply_j()
            + permuted as f64 * self.automorphism_j()
            + (ntt_words + 3.0 * mod_muls as f64 + 2.0 * permuted as f64) * self.move_j()
            + (ntt_words * word_bytes + memory_bytes as f64) * self.scratchpad_j_per_byte();
        Cost::of_cycles(cycles, self.clock_hz, memory_bytes, energy_j)
    }

    /// Cycles of one transform of degree `degree` on one unit: ⌈N·log2 N / (2 × butterflies)⌉.
    pub fn ntt_cycles(&self, degree: u64) -> u64 {
        (butterflies_of(degree) / self.butterflies as f64).ceil() as u64
    }

    /// Bytes of switching keys read from memory.
    fn key_traffic(&self, work: &HeWork) -> u64 {
        if work.key_switches == 0 {
            return 0;
        }
        let bits = if work.limb_bits == 0 { self.word_bits } else { work.limb_bits };
        let word_bytes = product(&[bits.div_ceil(32), 4]);
        let key = product(&[2, work.limbs, work.limbs.saturating_add(1), work.degree, word_bytes]);
        let free = self.scratchpad_bytes.saturating_sub(work.working_set_bytes);
        let missing = key.saturating_sub(free);
        key.saturating_add(product(&[work.key_switches - 1, missing]))
    }

    /// Bytes written out and read back because the working set does not fit.
    fn spilled(&self, work: &HeWork) -> u64 {
        product(&[2, work.working_set_bytes.saturating_sub(self.scratchpad_bytes)])
    }

    /// Silicon area in mm²; `None` on an FPGA.
    pub fn area_mm2(&self) -> Option<f64> {
        self.parts().into_iter().map(|part| part.area_mm2).sum()
    }

    /// Power in watts with every unit busy in every cycle, fed from the scratchpad as far as its banks reach (512 bytes
    /// each per cycle, as in F1).
    pub fn peak_power_w(&self) -> f64 {
        self.parts().iter().map(|part| part.power_w).sum()
    }

    /// FPGA resources: butterflies, multipliers, the automorphism's switching network (log2(lanes) stages of 2:1
    /// multiplexers, two to a LUT) and the scratchpad.
    pub fn fpga_resources(&self) -> FpgaResources {
        self.parts().into_iter().map(|part| part.fpga).sum()
    }

    /// Its parts, each with its area, its power when busy and its FPGA resources.
    pub(crate) fn parts(&self) -> Vec<Part> {
        let (made_in, word) = (&self.technology, self.word());
        let (units, lanes, permuted) =
            (product(&[self.ntt_units, self.butterflies]), self.modmul_lanes, self.automorphism_lanes);
        let area = |mm2: f64| made_in.area(f1::NODE_NM).map(|factor| factor * mm2);
        let logic = |name, count: u64, mm2: f64, joules: f64, fpga| {
            let (mm2, power_w) = (count as f64 * mm2, self.clock_hz * count as f64 * joules);
            Part::logic((name, count), made_in, area(mm2), power_w, fpga)
        };
        let stages = u64::from(permuted.max(1).next_power_of_two().trailing_zeros());
        let network = FpgaResources {
            lut: product(&[permuted, stages, self.word_bits]).div_ceil(2),
            ff: product(&[permuted, self.word_bits]),
            ..FpgaResources::default()
        };
        let (butterflies, multipliers) =
            (ntt_butterfly(self.word_bits).times(units), modular_multiplier(self.word_bits).times(lanes));
        // A transform unit of seven butterflies per coefficient moves two words per coefficient, as in F1.
        let words = units as f64 / 7.0 * 2.0 + 3.0 * lanes as f64 + 2.0 * permuted as f64;
        let most_bytes = self.scratchpad_banks as f64 * f1::SCRATCHPAD_BANK_PORT_BYTES;
        let scratchpad_w =
            self.clock_hz * most_bytes.min(words * self.word_bits as f64 / 8.0) * self.scratchpad_j_per_byte();
        let scratchpad = Sram::banked(self.scratchpad_bytes, self.scratchpad_banks);
        let scratchpad_mm2 = area(self.scratchpad_bytes as f64 * f1::SCRATCHPAD_MM2_PER_BYTE);
        let blocks = memory_blocks(self.scratchpad_bytes, self.scratchpad_banks, self.word_bits);
        let moved = Part::logic(
            ("registers, adders, network", lanes),
            made_in,
            area(lanes as f64 * f1::MOVE_MM2 * word),
            self.clock_hz * words * self.move_j(),
            FpgaResources::default(),
        );
        vec![
            logic("butterflies", units, f1::BUTTERFLY_MM2 * word * word, self.butterfly_j(), butterflies),
            logic("modular multipliers", lanes, f1::MULTIPLY_MM2 * word * word, self.multiply_j(), multipliers),
            logic("automorphism", permuted, f1::AUTOMORPHISM_MM2 * word, self.automorphism_j(), network),
            moved,
            Part::memory("scratchpad", made_in, scratchpad, scratchpad_mm2, scratchpad_w, blocks),
        ]
    }

    fn factor(&self) -> f64 {
        self.technology.dsp_energy(f1::NODE_NM, f1::SUPPLY_V)
    }

    /// Multipliers grow with the square of the word, everything else in proportion to it.
    fn word(&self) -> f64 {
        self.word_bits as f64 / f1::WORD_BITS
    }

    fn butterfly_j(&self) -> f64 {
        f1::BUTTERFLY_J * self.word() * self.word() * self.factor()
    }

    fn multiply_j(&self) -> f64 {
        f1::MULTIPLY_J * self.word() * self.word() * self.factor()
    }

    fn automorphism_j(&self) -> f64 {
        f1::AUTOMORPHISM_J * self.word() * self.factor()
    }

    fn move_j(&self) -> f64 {
        f1::MOVE_J_PER_WORD * self.word() * self.factor()
    }

    fn scratchpad_j_per_byte(&self) -> f64 {
        let bank = self.scratchpad_bytes as f64 / self.scratchpad_banks as f64;
        let size = sram_energy_per_byte_j(bank) / sram_energy_per_byte_j(f1::SCRATCHPAD_BANK_BYTES);
        f1::SCRATCHPAD_J_PER_BYTE * size * self.factor()
    }
}

/// Butterflies of one transform: N·log2 N / 2.
pub(crate) fn butterflies_of(degree: u64) -> f64 {
    let n = degree.max(1) as f64;
    n * n.log2() / 2.0
}
