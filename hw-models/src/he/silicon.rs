//! Energy, area and FPGA resources of the HE engine, scaled from F1's synthesis.

use super::ntt::butterflies_of;
use super::units::permuted;
use super::{HeEngine, HeTraffic, HeWork};
use crate::breakdown::Part;
use crate::cost::product;
use crate::fpga::{
    FpgaResources, memory_blocks, modular_adder, modular_multiplier, multiplexer, ntt_butterfly, switching_network,
};
use crate::sram::{Sram, sram_energy_per_byte_j};
use std::sync::LazyLock;

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

/// Silicon area of an HE engine by part, in mm².
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeArea {
    /// Butterflies of the transform units, with the registers of their blocks.
    pub ntt_mm2: f64,
    /// Pointwise multipliers; 0 where they are the MAC array's.
    pub multiply_mm2: f64,
    /// Automorphism lanes.
    pub automorphism_mm2: f64,
    /// The key-switch pipeline.
    pub key_switch_mm2: f64,
    /// Register files, adders and network between the lanes.
    pub network_mm2: f64,
    /// Scratchpad.
    pub scratchpad_mm2: f64,
}

impl HeEngine {
    /// Joules of a piece of work, on-chip data movement included: every operation at F1's energy, every operand through
    /// register files and network, and the words of transforms and of memory traffic through the scratchpad.
    pub(super) fn energy_j(&self, work: &HeWork, traffic: &HeTraffic) -> f64 {
        let narrow = self.narrow(work);
        let (ntts, mod_muls) = (product(&[work.ntts, narrow]) as f64, product(&[work.mod_muls, narrow]) as f64);
        let permuted = permuted(work.automorphisms, [work.limbs, narrow, work.degree]) as f64;
        let moved = ntts * 2.0 * work.degree as f64 + 3.0 * mod_muls + 2.0 * permuted;
        let joules = self.joules();
        ntts * butterflies_of(work.degree) * joules.butterfly
            + mod_muls * self.design.products_on.map_or(joules.multiply, |cells| cells.energy_j)
            + permuted * joules.automorphism
            + moved * joules.moved_word
            + self.scratchpad_bytes_moved(work, work.ntts, traffic) * joules.scratchpad_byte
    }

    /// Bytes through the scratchpad: what `ntts` transforms of the work's size read and write, and memory traffic. Products take
    /// their operands from the register files.
    pub(super) fn scratchpad_bytes_moved(&self, work: &HeWork, ntts: u64, traffic: &HeTraffic) -> f64 {
        let rounds = self.design.ntt.rounds_through_scratchpad(work.degree) as f64;
        let words = product(&[ntts, self.narrow(work)]) as f64 * 2.0 * rounds * work.degree as f64;
        words * self.word_bits as f64 / 8.0 + traffic.total() as f64
    }

    /// Silicon area in mm²; `None` on an FPGA.
    pub fn area_mm2(&self) -> Option<f64> {
        self.parts().into_iter().map(|part| part.area_mm2).sum()
    }

    /// Silicon area by part; `None` on an FPGA. A multiplier that starts a product every i cycles is taken to be 1/i of one
    /// that starts one every cycle; a key-switch pipeline has a multiplier beside each of its butterflies, as HEAX's.
    pub fn area(&self) -> Option<HeArea> {
        let node = self.technology.area(f1::NODE_NM)?;
        let (word, interval) = (self.word(), self.design.multiplier_interval as f64);
        let multiplier = node * word * word / interval;
        let block = self.design.ntt.block.unwrap_or(0) as f64 * self.word_bits as f64 / 8.0;
        let registers = node * self.ntt_units as f64 * 2.0 * block * f1::SCRATCHPAD_MM2_PER_BYTE;
        let lanes = self.modmul_lanes as f64;
        let own = if self.design.products_on.is_some() { 0.0 } else { lanes };
        let switching = self.design.key_switch_butterflies.unwrap_or(0) as f64;
        Some(HeArea {
            ntt_mm2: self.all_butterflies() * f1::BUTTERFLY_MM2 * multiplier + registers,
            multiply_mm2: own * f1::MULTIPLY_MM2 * multiplier,
            automorphism_mm2: self.automorphism_lanes as f64 * f1::AUTOMORPHISM_MM2 * word * node,
            key_switch_mm2: switching * (f1::BUTTERFLY_MM2 + f1::MULTIPLY_MM2) * multiplier,
            network_mm2: lanes * f1::MOVE_MM2 * word * node,
            scratchpad_mm2: self.scratchpad_bytes as f64 * f1::SCRATCHPAD_MM2_PER_BYTE * node,
        })
    }

    /// Power in watts with every unit busy in every cycle, fed from the scratchpad as far as its banks reach (512 bytes
    /// each per cycle, as in F1, unless their ports are given). Multipliers of a MAC array count there.
    pub fn peak_power_w(&self) -> f64 {
        self.parts().iter().map(|part| part.power_w).sum()
    }

    /// FPGA resources: butterflies with two buffers for each unit's block, multipliers, the key-switch pipeline, the
    /// automorphism's switching network, what lies between the units, and the scratchpad.
    pub fn fpga_resources(&self) -> FpgaResources {
        self.parts().into_iter().map(|part| part.fpga).sum()
    }

    /// Its parts, each with its area, its power when busy and its FPGA resources.
    pub(crate) fn parts(&self) -> Vec<Part> {
        let (design, area, permuted) = (&self.design, self.area(), self.automorphism_lanes);
        let joules = self.joules();
        let (interval, switching) = (design.multiplier_interval.max(1), design.key_switch_butterflies.unwrap_or(0));
        let own = if design.products_on.is_some() { 0 } else { self.modmul_lanes };
        let butterflies = product(&[self.ntt_units, self.butterflies]);
        let (butterfly, multiplier) = (ntt_butterfly(self.word_bits), modular_multiplier(self.word_bits));
        let made = |count: u64, part: FpgaResources| part.times(count.div_ceil(interval));
        let logic = |name, count: u64, mm2: fn(&HeArea) -> f64, joules_per_cycle: f64, fpga| {
            let power_w = self.clock_hz * joules_per_cycle;
            Part::logic((name, count), &self.technology, area.as_ref().map(mm2), power_w, fpga)
        };
        let per_cycle = |count: u64, joules: f64| count as f64 / interval as f64 * joules;
        let switched_j = per_cycle(switching, joules.butterfly + joules.multiply);
        let mut parts = vec![
            logic(
                "butterflies",
                butterflies,
                |area| area.ntt_mm2,
                per_cycle(butterflies, joules.butterfly),
                made(butterflies, butterfly) + self.block_buffers(),
            ),
            logic(
                "modular multipliers",
                own,
                |area| area.multiply_mm2,
                per_cycle(own, joules.multiply),
                made(own, multiplier),
            ),
            logic(
                "automorphism",
                permuted,
                |area| area.automorphism_mm2,
                permuted as f64 * joules.automorphism,
                switching_network(permuted, self.word_bits),
            ),
            logic(
                "key switching",
                switching,
                |area| area.key_switch_mm2,
                switched_j,
                made(switching, butterfly) + made(switching, multiplier),
            ),
            logic(
                "registers, adders, network",
                self.modmul_lanes,
                |area| area.network_mm2,
                self.words_per_cycle() * joules.moved_word,
                self.glue(),
            ),
        ];
        parts.retain(|part| part.count > 0);
        parts.push(self.scratchpad_part(area.map(|area| area.scratchpad_mm2), joules.scratchpad_byte));
        parts
    }

    fn scratchpad_part(&self, area_mm2: Option<f64>, joules_per_byte: f64) -> Part {
        let port = self.design.bank_port_bytes.map_or(f1::SCRATCHPAD_BANK_PORT_BYTES, |bytes| bytes as f64);
        let most_bytes = self.scratchpad_banks as f64 * port;
        let bytes = most_bytes.min(self.words_per_cycle() * self.word_bits as f64 / 8.0);
        let power_w = self.clock_hz * bytes * joules_per_byte;
        let sram = Sram::banked(self.scratchpad_bytes, self.scratchpad_banks);
        let blocks = memory_blocks(self.scratchpad_bytes, self.scratchpad_banks, self.port_bits());
        Part::memory("scratchpad", &self.technology, sram, area_mm2, power_w, blocks)
    }

    /// Words that busy units move in a cycle. A transform unit of seven butterflies per coefficient moves two words per
    /// coefficient, as in F1.
    fn words_per_cycle(&self) -> f64 {
        let interval = self.design.multiplier_interval.max(1) as f64;
        let switching = self.design.key_switch_butterflies.unwrap_or(0) as f64 / interval;
        let butterflies = self.all_butterflies() / interval + switching;
        let multiplies = self.modmul_lanes as f64 / interval + switching;
        butterflies / 7.0 * 2.0 + 3.0 * multiplies + 2.0 * self.automorphism_lanes as f64
    }

    /// Two buffers for each transform unit's block.
    fn block_buffers(&self) -> FpgaResources {
        match product(&[self.design.ntt.block.unwrap_or(0), self.word_bits.div_ceil(8), 2]) {
            0 => FpgaResources::default(),
            block => memory_blocks(block, self.butterflies, self.word_bits).times(self.ntt_units),
        }
    }

    /// What lies between the units on an FPGA, of the parts that F1 lists: for each multiplier lane a modular adder (F1 has as many
    /// add units as multiply units), a register file of 512 words (512 KiB for the 256 lanes of a cluster) and, for both operands, a
    /// choice between it, the scratchpad, the transforms and the automorphism; from the banks to the units and back, a network.
    fn glue(&self) -> FpgaResources {
        const REGISTERS: u64 = 512;
        let file = product(&[REGISTERS, self.word_bits]).div_ceil(8);
        let lane = modular_adder(self.word_bits)
            + multiplexer(4, self.word_bits).times(2)
            + memory_blocks(file, 1, self.word_bits);
        lane.times(self.modmul_lanes) + switching_network(self.scratchpad_banks, self.port_bits()).times(2)
    }

    /// Bits that a bank of the scratchpad moves in a cycle: a word, unless its port is given.
    fn port_bits(&self) -> u64 {
        self.design.bank_port_bytes.map_or(self.word_bits, |bytes| bytes.saturating_mul(8))
    }

    fn all_butterflies(&self) -> f64 {
        self.ntt_units as f64 * self.butterflies as f64
    }

    /// Multipliers grow with the square of the word, everything else in proportion to it.
    fn word(&self) -> f64 {
        self.word_bits as f64 / f1::WORD_BITS
    }

    fn joules(&self) -> Joules {
        let (word, factor) = (self.word(), self.technology.dsp_energy(f1::NODE_NM, f1::SUPPLY_V));
        let bank = self.scratchpad_bytes as f64 / self.scratchpad_banks as f64;
        Joules {
            butterfly: f1::BUTTERFLY_J * word * word * factor,
            multiply: f1::MULTIPLY_J * word * word * factor,
            automorphism: f1::AUTOMORPHISM_J * word * factor,
            moved_word: f1::MOVE_J_PER_WORD * word * factor,
            scratchpad_byte: f1::SCRATCHPAD_J_PER_BYTE * sram_energy_per_byte_j(bank) / *F1_BANK_J_PER_BYTE * factor,
        }
    }
}

/// Joules of one of each operation.
struct Joules {
    butterfly: f64,
    /// A product on a multiplier of the engine.
    multiply: f64,
    automorphism: f64,
    /// A word through register files and network.
    moved_word: f64,
    scratchpad_byte: f64,
}

/// What CACTI's runs say of a bank of F1's scratchpad.
static F1_BANK_J_PER_BYTE: LazyLock<f64> = LazyLock::new(|| sram_energy_per_byte_j(f1::SCRATCHPAD_BANK_BYTES));
