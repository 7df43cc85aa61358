//! Loading and computing side by side: how long a tiled layer takes when memory bounds some of its passes.
//!
//! A layer is a sequence of steps, one weight each. Memory loads steps in order and computing works on them in order; loads run
//! ahead by at most so many steps as the pipelines hold. Where passes differ (the first one loads what stays, a later one
//! spills), memory bounds some of them and computing others, and what is loaded ahead carries over only as far as it may run
//! ahead. Both are taken as flows that are constant over a [run](super::passes::Run) of equal steps ([`ends`]), which makes the
//! result exact but for the last step.

use super::edges::Edges;
use super::flow::{Ends, ends};
use super::passes::{Computing, Passes};
use super::phases::Phases;
use super::traffic::Residency;
use super::units::{Amounts, Units};
use super::{HeEngine, HeTiling, HeTraffic, HeWork, LoopOrder};
use crate::cost::{Cost, Stretch, product};

/// A tiled layer in one loop order at one memory bandwidth.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tiled {
    pub stays: Residency,
    pub traffic: HeTraffic,
    /// Cycles from the first load to the last store.
    pub cycles: f64,
    /// Cycles that the units take if memory keeps up.
    computing: f64,
    /// Of these, the ones of steps for whose loads computing waits.
    starved: f64,
}

impl Tiled {
    /// The layer's cost. What computing waits for is what memory moves meanwhile, at all its bandwidth; where there is less to
    /// move than that, because sums wait for their return, waiting counts as computing.
    pub fn cost(&self, engine: &HeEngine, bytes_per_cycle: f64, energy_j: f64) -> Cost {
        let total = self.traffic.total();
        let cost = |cycles: f64| Cost::of_cycles(cycles.ceil() as u64, engine.clock_hz, total, energy_j);
        if !bytes_per_cycle.is_finite() {
            return cost(self.computing);
        }
        let waiting = self.cycles - (self.computing - self.starved);
        let idle = (waiting - total as f64 / bytes_per_cycle).max(0.0);
        let memory_bytes = ((waiting - idle) * bytes_per_cycle).min(total as f64) as u64;
        let starved = Stretch { seconds: self.starved / engine.clock_hz, memory_bytes };
        Cost { starved, ..cost(self.computing + idle) }
    }
}

/// A tiled layer and the memory bandwidth that it has.
#[derive(Clone, Copy)]
struct Layer<'a> {
    work: &'a HeWork,
    tiling: &'a HeTiling,
    units: Units<'a>,
    edges: Edges,
    /// Steps that may be under way at once.
    in_flight: f64,
    bytes_per_cycle: f64,
    /// Cycles in which computing waits for the first weight and its ciphertext, and those in which it has given its last output.
    outside: f64,
}

impl<'a> Layer<'a> {
    fn new(engine: &'a HeEngine, work: &'a HeWork, tiling: &'a HeTiling, bytes_per_cycle: f64) -> Self {
        let units = Units::of(engine, work);
        let edges = Edges::of(&units, tiling);
        let in_flight = engine.steps_in_flight(&units, tiling, &edges) as f64;
        let first = work.weight_bytes / tiling.weights().max(1) + work.input_bytes / tiling.inputs().max(1);
        let last = work.output_bytes / tiling.outputs().max(1);
        let outside = moved(first, bytes_per_cycle) + moved(last, bytes_per_cycle);
        Self { work, tiling, units, edges, in_flight, bytes_per_cycle, outside }
    }

    /// Cycles of the chain of one weight from its arrival to the end of the layer.
    fn chain(&self) -> u64 {
        self.edges.head.saturating_add(self.edges.last).saturating_add(self.edges.tail)
    }
}

/// Cycles to move bytes.
fn moved(bytes: u64, bytes_per_cycle: f64) -> f64 {
    (bytes as f64 / bytes_per_cycle).ceil()
}

/// A tiled layer in one loop order.
#[derive(Debug, Clone, Copy)]
struct Ordered {
    stays: Residency,
    traffic: HeTraffic,
    compute: Computing,
    /// Cycles that the units take if memory keeps up.
    computing: f64,
    /// Cycles that it takes at least.
    least: f64,
}

impl HeEngine {
    /// The loops in which a tiled layer takes the least time, and of equally fast ones those with the least traffic.
    pub(super) fn fastest(&self, work: &HeWork, bytes_per_cycle: f64) -> Option<Tiled> {
        let tiling = work.tiling.as_ref().filter(|_| work.rounds <= 1)?;
        let layer = Layer::new(self, work, tiling, bytes_per_cycle);
        let mut all = self.loops(work, tiling).map(|stays| stays.map(|stays| self.in_order(&layer, stays)));
        // Those that may be fastest first: the others need not be timed if they cannot be better.
        let least = |ordered: &Option<Ordered>| ordered.map_or(f64::INFINITY, |ordered| ordered.least);
        all.sort_by(|one, other| least(one).total_cmp(&least(other)));
        // Sums that do not stay have more time to come back where all other outputs are worked on in between.
        let rank =
            |cycles: f64, traffic: &HeTraffic, stays: &Residency| (cycles, traffic.total(), stays.spilled_sums > 0);
        let mut best: Option<Tiled> = None;
        for ordered in all.iter().flatten() {
            let ranks_behind = |cycles: f64| {
                let own = rank(cycles, &ordered.traffic, &ordered.stays);
                best.as_ref().is_some_and(|best| own >= rank(best.cycles, &best.traffic, &best.stays))
            };
            if ranks_behind(ordered.least) {
                continue;
            }
            let timed = self.timed(&layer, ordered);
            if !ranks_behind(timed.cycles) {
                best = Some(timed);
            }
        }
        best
    }

    /// A layer in a loop order: what its steps compute, and what it takes at least. The first output group waits for all inputs
    /// if outputs are stationary; if inputs are, no output is stored before the last input group. The chain of the last weight comes
    /// after its loads.
    fn in_order(&self, layer: &Layer<'_>, stays: Residency) -> Ordered {
        let Layer { work, tiling, units, edges, bytes_per_cycle, .. } = layer;
        let traffic = self.tiled(work, tiling, &stays);
        let own = Amounts::of(work).without(&edges.tail_work);
        let ports = self.port_cycles(work, own.ntts, 1, &traffic);
        let phases = Phases::of(units, (work, tiling), edges, traffic.order, ports);
        let compute = computing_of(&phases, &traffic, tiling, layer.chain());
        let computing = phases.total() as f64;
        let chain = layer.chain() as f64;
        let waits = match stays.order {
            LoopOrder::InputStationary => phases.early as f64 + work.output_bytes as f64 / bytes_per_cycle,
            _ => {
                let others = tiling.weights() - tiling.weights() / tiling.output_groups.max(1);
                work.input_bytes as f64 / bytes_per_cycle + others as f64 * compute.step + layer.outside + chain
            }
        };
        let moving = traffic.total() as f64 / bytes_per_cycle + chain;
        let least = (computing + layer.outside).max(moving).max(waits);
        Ordered { stays, traffic, compute, computing, least }
    }

    /// How long a layer takes in a loop order.
    fn timed(&self, layer: &Layer<'_>, ordered: &Ordered) -> Tiled {
        let Layer { work, tiling, ref edges, in_flight, bytes_per_cycle, .. } = *layer;
        let Ordered { stays, traffic, compute, computing, least } = *ordered;
        // Of the steps that may be under way, some are in the chain from a weight's arrival to its last product.
        let in_chain = edges.head.saturating_add(edges.last) as f64 / compute.step.max(1.0);
        let ahead = (in_flight - in_chain).max(1.0);
        let runs = Passes::of(self, work, tiling, &stays, (compute, bytes_per_cycle), ahead);
        let Ends { loaded, computed, starved } = ends(&runs, ahead);
        let group = moved(work.output_bytes / tiling.output_groups.max(1), bytes_per_cycle);
        let waiting = waiting_for_spills(tiling, &stays, edges, (in_flight, bytes_per_cycle));
        let computed = computed.ceil().max(waiting) + layer.outside;
        let cycles = computed.max(loaded.ceil() + group) + layer.chain() as f64;
        Tiled { stays, traffic, cycles: cycles.max(least), computing, starved: starved.min(computing) }
    }
}

/// Cycles of the steps of a layer, of the last input group and of the others. `chain` is not in any step.
fn computing_of(phases: &Phases, traffic: &HeTraffic, tiling: &HeTiling, chain: u64) -> Computing {
    let blocks = product(&[tiling.input_groups, tiling.output_groups]).max(1) as f64;
    let steps = blocks * product(&[tiling.sums.max(1), tiling.weights_per_sum.max(1)]) as f64;
    let last_steps = steps / tiling.input_groups.max(1) as f64;
    let late = phases.late.saturating_sub(chain) as f64;
    match traffic.order {
        LoopOrder::InputStationary => {
            let step = phases.early as f64 / (steps - last_steps).max(1.0);
            Computing { step, last: late / last_steps.max(1.0) }
        }
        _ => {
            let step = late * (1.0 - phases.finishing) / steps.max(1.0);
            Computing { step, last: step + late * phases.finishing / last_steps.max(1.0) }
        }
    }
}

/// Cycles of one sum that goes out and comes back for every input group. With outputs stationary, those of one output group
/// follow those of another, except for the steps that are under way at once.
fn waiting_for_spills(
    tiling: &HeTiling,
    stays: &Residency,
    edges: &Edges,
    (in_flight, bytes_per_cycle): (f64, f64),
) -> f64 {
    let spilled = stays.most_spilled(tiling);
    if spilled == 0 {
        return 0.0;
    }
    let beside = spilled.saturating_sub(tiling.outputs_per_group);
    let moved = (product(&[2, 1 + beside, tiling.ciphertext_bytes]) as f64 / bytes_per_cycle).ceil();
    let (one, passes) = (edges.add as f64 + moved, tiling.input_groups.saturating_sub(1));
    let at_once = (in_flight / (tiling.sums.max(1) * tiling.weights_per_sum.max(1)) as f64) as u64;
    let chains = match stays.order {
        LoopOrder::InputStationary => 0,
        _ => product(&[tiling.output_groups.saturating_sub(1), (passes + 2).saturating_sub(at_once.max(1))]),
    };
    passes.saturating_add(chains) as f64 * one
}
