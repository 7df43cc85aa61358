//! The homomorphic-encryption engine: transform units, modular multipliers, automorphism lanes, an optional key-switch
//! pipeline and a scratchpad.

mod edges;
mod flow;
mod ntt;
mod overlap;
mod passes;
mod phases;
mod reference;
mod silicon;
mod traffic;
mod units;
mod work;

pub use ntt::NttUnit;
pub(crate) use ntt::butterflies_of;
pub use reference::HeReference;
pub use silicon::HeArea;
pub use traffic::{HeTraffic, LoopOrder};
pub use work::{HeTiling, HeWork};

use crate::cost::{Cost, product};
use crate::technology::Technology;
use edges::Edges;
use serde::Serialize;
use units::{Amounts, Units};

/// A homomorphic-encryption engine.
#[derive(Debug, Clone, PartialEq)]
pub struct HeEngine {
    /// Clock in hertz.
    pub clock_hz: f64,
    /// Width of the datapath in bits: wider limbs take several narrower ones.
    pub word_bits: u64,
    /// Number-theoretic transform units; each works on one limb at a time.
    pub ntt_units: u64,
    /// Butterflies of radix 2 in one transform unit.
    pub butterflies: u64,
    /// Pointwise modular multipliers.
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
    /// How its units are built, where that is not the plainest way.
    pub design: HeDesign,
}

/// How the units of an HE engine are built. The default is the plainest way: iterative radix-2 transforms, multipliers that
/// start a product every cycle, limbs in any order, a scratchpad that keeps up, and key switches on the shared units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeDesign {
    /// The transform units.
    pub ntt: NttUnit,
    /// Cycles between two products of one multiplier, those of butterflies included.
    pub multiplier_interval: u64,
    /// Limbs that are worked on at once, each by its share of the units; `None` for any number.
    pub limbs_at_once: Option<u64>,
    /// Bytes per cycle of one scratchpad bank; `None` if the scratchpad never bounds the units.
    pub bank_port_bytes: Option<u64>,
    /// Butterflies of the slowest stage of a pipeline that does key switches and nothing else; `None` if they are done on
    /// the shared units.
    pub key_switch_butterflies: Option<u64>,
    /// The MAC array's cells, where they are the pointwise multipliers.
    pub products_on: Option<CellProducts>,
}

impl Default for HeDesign {
    fn default() -> Self {
        Self {
            ntt: NttUnit::default(),
            multiplier_interval: 1,
            limbs_at_once: None,
            bank_port_bytes: None,
            key_switch_butterflies: None,
            products_on: None,
        }
    }
}

/// Pointwise products on the cells of a MAC array.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CellProducts {
    /// Cells that one modular product takes for one cycle.
    pub cells: u64,
    /// Joules of one modular product.
    pub energy_j: f64,
}

/// Cycles that each kind of unit needs for a piece of work, as if it were alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct HeBusy {
    /// Transform units.
    pub ntt: u64,
    /// Pointwise multipliers.
    pub multiply: u64,
    /// Automorphism lanes.
    pub automorphism: u64,
    /// Key-switch pipeline.
    pub key_switch: u64,
    /// Scratchpad ports.
    pub scratchpad: u64,
}

impl HeBusy {
    /// The cycles of the unit that needs most.
    pub fn most(&self) -> u64 {
        self.ntt.max(self.multiply).max(self.automorphism).max(self.key_switch).max(self.scratchpad)
    }
}

impl HeEngine {
    /// Runs homomorphic work with a memory that keeps up: see [`HeEngine::run_at`].
    pub fn run(&self, work: &HeWork) -> Cost {
        self.run_at(work, f64::INFINITY)
    }

    /// Runs homomorphic work with a memory of `bytes_per_s`.
    ///
    /// All units are pipelines that overlap, so a round takes as long as the unit that needs most ([`HeEngine::busy`]), but
    /// at least the pipeline latency, because the next needs its results: cycles = (rounds − 1) × max(busy, latency) + busy +
    /// latency (for programmable bootstrapping as in Zama's HPU). Most work is one round.
    ///
    /// A tiled layer's steps load and compute side by side; passes that wait for memory and passes that do not follow each other
    /// ([`Cost::starved`]). Before them the first weight and its ciphertext are loaded, and after them follow the chain of the last
    /// weight and the store of the last output, or of the last group if memory is what the layer ends with. Sums that are spilled
    /// and come back at once wait for both. Of the loop orders it takes the fastest one.
    ///
    /// Of layers with many weights and any bandwidth, half are within 0.3 % of [`HeEngine::reference`], nine in ten within 3 %,
    /// and all that were tried within 18 %: the worst spill all sums with hardly any products to hide it behind.
    ///
    /// More bandwidth is never slower, nor is more scratchpad, but for small layers in which other keys stay then (1.4 % in the
    /// worst of thousands). Faster transforms hold fewer weights under way, so that less is loaded ahead: in one of 200 random
    /// layers more units made the layer slower, by up to 15 %; where sums are spilled, by up to a third in rare cases.
    pub fn run_at(&self, work: &HeWork, bytes_per_s: f64) -> Cost {
        let bytes_per_cycle = bytes_per_s / self.clock_hz;
        if let Some(tiled) = self.fastest(work, bytes_per_cycle) {
            return tiled.cost(self, bytes_per_cycle, self.energy_j(work, &tiled.traffic));
        }
        let traffic = self.traffic(work);
        let cycles = self.cycles(work, &traffic);
        Cost::of_cycles(cycles, self.clock_hz, traffic.total(), self.energy_j(work, &traffic))
    }

    /// Cycles of work without a tiling.
    fn cycles(&self, work: &HeWork, traffic: &HeTraffic) -> u64 {
        let rounds = work.rounds.max(1);
        let busy = self.busy_with(work, rounds, traffic).most();
        if busy == 0 {
            return 0;
        }
        product(&[rounds - 1, busy.max(self.pipeline_latency)])
            .saturating_add(busy)
            .saturating_add(self.pipeline_latency)
    }

    /// Cycles that each kind of unit needs for one round of a piece of work.
    ///
    /// - transforms: ⌈transforms / units⌉ × [`HeEngine::ntt_cycles`];
    /// - multiplications: ⌈multiplications × interval / lanes⌉;
    /// - automorphisms: ⌈automorphisms × 2 × limbs × N / lanes⌉;
    /// - key-switch pipeline: key switches × limbs × the transform's cycles on its slowest stage (HEAX, ASPLOS'20); what it
    ///   does is taken from the other units;
    /// - scratchpad: what transforms and memory move, over the bytes of all ports.
    ///
    /// Limbs wider than the word are done as ⌈limb / word⌉ narrower limbs. If only some limbs are worked on at once, each gets
    /// its share of the units, and the work goes in ⌈limbs / at once⌉ equal waves.
    pub fn busy(&self, work: &HeWork) -> HeBusy {
        self.busy_with(work, work.rounds.max(1), &self.traffic(work))
    }

    fn busy_with(&self, work: &HeWork, rounds: u64, traffic: &HeTraffic) -> HeBusy {
        let busy = Units::of(self, work).busy(&Amounts::of(work), rounds);
        HeBusy { scratchpad: self.port_cycles(work, work.ntts, rounds, traffic), ..busy }
    }

    /// Cycles of the scratchpad's ports for one of so many equal rounds of work that has `ntts` transforms.
    fn port_cycles(&self, work: &HeWork, ntts: u64, rounds: u64, traffic: &HeTraffic) -> u64 {
        let Some(port) = self.design.bank_port_bytes else { return 0 };
        let bytes = product(&[port, self.scratchpad_banks]).max(1);
        (self.scratchpad_bytes_moved(work, ntts, traffic) / bytes as f64 / rounds as f64).ceil() as u64
    }

    /// Cycles of one key switch on a pipeline for it: limbs × a transform on its slowest stage.
    fn piped_switch_cycles(&self, work: &HeWork) -> Option<u64> {
        let butterflies = self.design.key_switch_butterflies?;
        let one = self.design.ntt.cycles(work.degree, butterflies, self.design.multiplier_interval.max(1));
        Some(product(&[work.limbs, self.narrow(work), one]))
    }

    /// Weights whose loads, transforms and products overlap: as many as cover the chain of one, and the transforms that finish a
    /// group of outputs in between, with what the busiest unit needs for each; or as many as all transform units hold.
    fn steps_in_flight(&self, units: &Units<'_>, tiling: &HeTiling, edges: &Edges) -> usize {
        // Of many weights, so that one that leaves units idle does not count as if it filled them.
        const MANY: u64 = 1 << 10;
        let per_weight = tiling.inputs_per_group.div_ceil(tiling.weights_per_sum.max(1));
        let many = Amounts {
            ntts: product(&[MANY, tiling.ntts_per_weight]),
            mod_muls: product(&[MANY, per_weight, 2, units.limbs, units.degree]),
            ..Amounts::default()
        };
        let busy = units.busy(&many, 1);
        let period = busy.ntt.max(busy.multiply) / MANY;
        let covered = edges.head.saturating_add(edges.last).saturating_add(edges.burst);
        let held = self.ntt_units.checked_div(tiling.ntts_per_weight).unwrap_or(0);
        2 + usize::try_from(covered.div_ceil(period.max(1)).max(held)).unwrap_or(usize::MAX / 2)
    }

    /// Narrower limbs to one of the work's.
    fn narrow(&self, work: &HeWork) -> u64 {
        work.limb_bits.div_ceil(self.word_bits).max(1)
    }
}
