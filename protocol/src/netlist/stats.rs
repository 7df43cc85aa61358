//! Counts and depths of a circuit, taken in one pass over its gates.

use crate::circuit::{Circuit, Gate};
use serde::Serialize;

/// Counts and depths of a circuit or of a circuit file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Stats {
    /// All gates: AND, XOR, INV, and copies.
    pub gates: u64,
    /// Wires: inputs and outputs of gates.
    pub wires: u64,
    /// AND gates.
    pub and: u64,
    /// XOR gates.
    pub xor: u64,
    /// INV gates.
    pub inv: u64,
    /// Constants and copies of a circuit file (EQ, EQW): wires by another name, no work. None in a [`Circuit`].
    pub copies: u64,
    /// Longest chain of AND gates.
    pub and_depth: u64,
    /// Longest chain of gates, every gate counted as one.
    pub levels: u64,
    /// Gates that could run at once on average: gates / levels.
    pub ilp: f64,
    /// Gates of the fullest level, every gate at its earliest level.
    pub max_level_width: u64,
}

impl Stats {
    /// The counts and depths of `circuit`.
    pub fn of(circuit: &Circuit) -> Self {
        let inputs = circuit.inputs.total();
        let mut meter = Meter::new(inputs + circuit.gates.len());
        for (output, gate) in (inputs..).zip(&circuit.gates) {
            match *gate {
                Gate::And(a, b) => meter.gate(Kind::And, [a as usize, b as usize], output),
                Gate::Xor(a, b) => meter.gate(Kind::Xor, [a as usize, b as usize], output),
                Gate::Inv(a) => meter.gate(Kind::Inv, [a as usize; 2], output),
            }
        }
        meter.finish(circuit.wires())
    }
}

/// What a gate of a circuit or of a circuit file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    And,
    Xor,
    Inv,
    /// The output is the input.
    Copy,
    /// The output is a constant; the inputs mean nothing.
    Constant(bool),
}

/// How far a wire is from the inputs.
#[derive(Debug, Clone, Copy, Default)]
struct Depth {
    levels: u32,
    ands: u32,
}

/// Counts gates that come in topological order.
pub(super) struct Meter {
    depths: Vec<Depth>,
    widths: Vec<u64>,
    stats: Stats,
}

impl Meter {
    /// For wires below `wires`.
    pub fn new(wires: usize) -> Self {
        Self { depths: vec![Depth::default(); wires], widths: Vec::new(), stats: Stats::default() }
    }

    /// Counts one gate.
    pub fn gate(&mut self, kind: Kind, inputs: [usize; 2], output: usize) {
        let depth = |wire: usize| self.depths.get(wire).copied().unwrap_or_default();
        let [a, b] = inputs.map(depth);
        let mut before = Depth { levels: a.levels.max(b.levels), ands: a.ands.max(b.ands) };
        match kind {
            Kind::And => {
                self.stats.and += 1;
                before.ands += 1;
            }
            Kind::Xor => self.stats.xor += 1,
            Kind::Inv => self.stats.inv += 1,
            Kind::Copy => self.stats.copies += 1,
            Kind::Constant(_) => {
                self.stats.copies += 1;
                before = Depth::default();
            }
        }
        let level = before.levels as usize;
        before.levels += 1;
        if let Some(depth) = self.depths.get_mut(output) {
            *depth = before;
        }
        if self.widths.len() <= level {
            self.widths.resize(level + 1, 0);
        }
        if let Some(width) = self.widths.get_mut(level) {
            *width += 1;
        }
        self.stats.and_depth = self.stats.and_depth.max(u64::from(before.ands));
    }

    /// The counts of a circuit with so many wires.
    pub fn finish(self, wires: u64) -> Stats {
        let Stats { and, xor, inv, copies, .. } = self.stats;
        let (gates, levels) = (and + xor + inv + copies, self.widths.len() as u64);
        Stats {
            gates,
            wires,
            levels,
            ilp: if levels == 0 { 0.0 } else { gates as f64 / levels as f64 },
            max_level_width: self.widths.into_iter().max().unwrap_or(0),
            ..self.stats
        }
    }
}
