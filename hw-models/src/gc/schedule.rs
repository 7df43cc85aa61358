//! What the closed form knows of a circuit: the longest paths through its schedule.
//!
//! Instances are laid out as [`Program::of_instances`](super::Program::of_instances) does: waves of equal size that fit the window,
//! and inside a wave every gate for all of its instances before the next gate. With g cycles to issue one gate for a whole wave,
//! gate k issues at t(k) = max(t(k−1) + g, t(a) + latency(a), t(b) + latency(b)): the longest path over operands and over
//! neighbours in the program. It is a sum of gates' latencies and issue slots, so that the wave's time is the maximum
//! of such sums: a convex function of the engine's quantities, of which a handful of its paths are kept. Each was the longest for
//! some ratio of them.

use super::order::sequence;
use super::step::Latencies;
use super::{Netlist, Op, Order};

/// A path: so many latencies of each kind of gate and issue slots one after the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Path {
    /// AND gates on it.
    pub ands: u32,
    /// XOR gates on it.
    pub xors: u32,
    /// Negations on it.
    pub invs: u32,
    /// Steps from a gate to the next one in the program.
    pub slots: u32,
}

impl Path {
    fn cycles(self, latencies: Latencies, slot: f64) -> f64 {
        let [ands, xors, invs] = [(self.ands, latencies.and), (self.xors, latencies.xor), (self.invs, latencies.inv)]
            .map(|(gates, cycles)| f64::from(gates) * cycles as f64);
        ands + xors + invs + f64::from(self.slots) * slot
    }
}

/// Cycles of an XOR, and of a negation, over those of an AND at which paths are taken …
const XORS: [f64; 4] = [0.05, 0.15, 0.4, 1.0];

/// … and cycles of an issue slot over those of an AND.
const SLOTS: [f64; 10] = [0.03, 0.06, 0.09, 0.12, 0.16, 0.2, 0.27, 0.36, 0.5, 0.7];

/// The paths kept: one per pair of ratios, and that of issue slots alone.
const PATHS: usize = XORS.len() * SLOTS.len() + 1;

/// Paths, of which the longest counts.
type Paths = [Path; PATHS];

/// One order of a circuit's gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// To the end of the last gate's issue.
    issue: Paths,
    /// To the last label.
    finish: Paths,
    /// Gates that are made before their number's turn and read, which matters without renaming; no outputs of the circuit.
    pub(super) early: u32,
    /// Operands that read them.
    pub(super) early_reads: u32,
}

impl Default for Schedule {
    fn default() -> Self {
        let none = [Path::default(); PATHS];
        Self { issue: none, finish: none, early: 0, early_reads: 0 }
    }
}

impl Schedule {
    fn of(netlist: &Netlist, order: Order) -> Self {
        let order = sequence(netlist, order, u64::MAX);
        let gates = netlist.gates.len();
        let place_of =
            |gate: usize| order.as_ref().and_then(|order| order.get(gate)).map_or(gate, |gate| *gate as usize);
        let sequence: Vec<usize> = (0..gates).map(place_of).collect();
        let mut schedule = Self::default();
        let slots = Path { slots: u32::try_from(gates).unwrap_or(u32::MAX), ..Path::default() };
        schedule.issue.fill(slots);
        schedule.finish.fill(Path { slots: slots.slots.saturating_sub(1), ..slots });
        let paths = schedule.issue.iter_mut().zip(&mut schedule.finish);
        let ratios = XORS.into_iter().flat_map(|xor| SLOTS.into_iter().map(move |slot| (xor, slot)));
        for ((issue, finish), (xor, slot)) in paths.zip(ratios) {
            (*issue, *finish) = longest(netlist, &sequence, xor, slot);
        }
        let mut places = vec![0; gates];
        for (place, gate) in sequence.iter().enumerate() {
            if let Some(slot) = places.get_mut(*gate) {
                *slot = place;
            }
        }
        // Outputs are written in any case.
        let mut read = outputs(netlist);
        for gate in &netlist.gates {
            for wire in gate.operands().into_iter().take(if gate.op == Op::Inv { 1 } else { 2 }) {
                let maker = wire.checked_sub(netlist.inputs).map(|maker| maker as usize);
                if maker.is_some_and(|maker| places.get(maker).is_some_and(|place| *place < maker)) {
                    schedule.early_reads = schedule.early_reads.saturating_add(1);
                    if let Some(read) = maker.and_then(|maker| read.get_mut(maker)) {
                        schedule.early += u32::from(!*read);
                        *read = true;
                    }
                }
            }
        }
        schedule
    }

    /// Whether it is of a circuit at all.
    pub(super) fn is_known(&self) -> bool {
        self.issue.last().is_some_and(|path| path.slots > 0)
    }

    /// Cycles from a wave's first issue to the next wave's.
    pub(super) fn period(&self, latencies: Latencies, slot: f64) -> f64 {
        maximum(&self.issue, latencies, slot)
    }

    /// Cycles from a wave's first issue to its last label.
    pub(super) fn finish(&self, latencies: Latencies, slot: f64) -> f64 {
        maximum(&self.finish, latencies, slot) + slot
    }
}

/// Whether each gate's output is one of the circuit's.
fn outputs(netlist: &Netlist) -> Vec<bool> {
    let mut outputs = vec![false; netlist.gates.len()];
    for gate in netlist.outputs.iter().filter_map(|wire| wire.checked_sub(netlist.inputs)) {
        if let Some(output) = outputs.get_mut(gate as usize) {
            *output = true;
        }
    }
    outputs
}

fn maximum(paths: &Paths, latencies: Latencies, slot: f64) -> f64 {
    paths.iter().map(|path| path.cycles(latencies, slot)).fold(0.0, f64::max)
}

/// The longest paths to the end of issue and to the last label, an AND taking one cycle.
fn longest(netlist: &Netlist, sequence: &[usize], xor: f64, slot: f64) -> (Path, Path) {
    // Of every gate: when it issues, and along which path.
    let mut issued = vec![(0.0, Path::default()); netlist.gates.len()];
    let mut last = (-slot, Path::default());
    let mut end = (0.0, Path::default());
    let after = |op: Op, (at, path): (f64, Path)| match op {
        Op::And => (at + 1.0, Path { ands: path.ands + 1, ..path }),
        Op::Xor => (at + xor, Path { xors: path.xors + 1, ..path }),
        Op::Inv => (at + xor, Path { invs: path.invs + 1, ..path }),
    };
    for (place, gate) in sequence.iter().enumerate() {
        let Some(this) = netlist.gates.get(*gate) else { continue };
        let next = if place == 0 { 0 } else { 1 };
        let mut best = (last.0 + slot, Path { slots: last.1.slots + next, ..last.1 });
        for wire in this.operands() {
            let maker = wire.checked_sub(netlist.inputs).map(|maker| maker as usize);
            let Some(maker) = maker.and_then(|m| netlist.gates.get(m).zip(issued.get(m))) else { continue };
            let ready = after(maker.0.op, *maker.1);
            if ready.0 > best.0 {
                best = ready;
            }
        }
        if let Some(issued) = issued.get_mut(*gate) {
            *issued = best;
        }
        let done = after(this.op, best);
        if done.0 > end.0 {
            end = done;
        }
        last = best;
    }
    (Path { slots: last.1.slots + 1, ..last.1 }, end.1)
}

/// A circuit's schedules: what a work needs for the closed form, computed once per circuit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Profile {
    baseline: Schedule,
    by_level: Schedule,
    /// Outputs that a gate makes, each once.
    pub(super) outputs: u64,
    /// Input labels.
    pub(super) inputs: u64,
}

impl Profile {
    /// The schedules of a circuit.
    pub fn of(netlist: &Netlist) -> Self {
        let netlist = &netlist.folded();
        Self {
            baseline: Schedule::of(netlist, Order::Baseline),
            by_level: Schedule::of(netlist, Order::Full),
            outputs: outputs(netlist).into_iter().filter(|output| *output).count() as u64,
            inputs: u64::from(netlist.inputs),
        }
    }

    /// Whether it is of a circuit at all.
    pub(super) fn is_known(&self) -> bool {
        self.baseline.is_known()
    }

    /// Gates of the circuit, negations included.
    pub(super) fn gates(&self) -> u64 {
        self.baseline.issue.last().map_or(0, |path| u64::from(path.slots))
    }

    /// The schedule of an order; circuits that fill less than half of the window have one segment.
    pub(super) fn schedule(&self, order: Order) -> &Schedule {
        match order {
            Order::Baseline => &self.baseline,
            Order::Segment | Order::Full => &self.by_level,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gc::Gate;

    #[test]
    fn a_chain_is_bound_by_its_latencies_or_by_its_slots() {
        let gates = (0..10).map(|i| Gate { op: if i % 2 == 0 { Op::And } else { Op::Xor }, a: i, b: i }).collect();
        let profile = Profile::of(&Netlist { inputs: 1, gates, ..Netlist::default() });
        let schedule = profile.schedule(Order::Full);
        // Nine gates in a chain before the last one issues, then a slot.
        let latencies = Latencies { and: 20, xor: 3, inv: 2 };
        assert_eq!(schedule.period(latencies, 1.0), 5.0 * 20.0 + 4.0 * 3.0 + 1.0);
        assert_eq!(schedule.period(latencies, 30.0), 300.0);
        assert_eq!(schedule.finish(latencies, 1.0), 5.0 * 20.0 + 5.0 * 3.0 + 1.0);
        assert!(schedule.is_known() && !Profile::default().schedule(Order::Full).is_known());
    }

    #[test]
    fn gates_made_before_their_turn_are_counted() {
        let gate = |op, a, b| Gate { op, a, b };
        let gates = vec![gate(Op::Xor, 0, 1), gate(Op::Xor, 2, 0), gate(Op::And, 0, 1), gate(Op::And, 4, 3)];
        let profile = Profile::of(&Netlist { inputs: 2, gates, ..Netlist::default() });
        let early = |order| (profile.schedule(order).early, profile.schedule(order).early_reads);
        assert_eq!((early(Order::Full), early(Order::Baseline)), ((1, 1), (0, 0)));
    }
}
