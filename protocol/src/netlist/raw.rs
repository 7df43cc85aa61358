//! A builder that keeps every gate it is asked for: nothing is folded and nothing shared, as in EMP-toolkit's circuits.

use crate::circuit::{Bit, Circuit, Gate, Inputs, Wire};
use std::ops::Range;

/// Builds a circuit gate by gate. Constants are input wires that the garbler feeds offline: whoever evaluates the
/// circuit gets a public label for them, and gates that read them are built like any other.
#[derive(Debug, Clone)]
pub struct RawBuilder {
    inputs: Inputs,
    constants: Vec<bool>,
    gates: Vec<Gate>,
}

impl RawBuilder {
    /// A circuit without gates, for `garbler` and `evaluator` online inputs and the constants that it may use, with
    /// room for `gates` gates.
    pub fn new(garbler: usize, evaluator: usize, constants: &[bool], gates: usize) -> Self {
        let inputs = Inputs { garbler_online: garbler, evaluator, garbler_offline: constants.len() };
        Self { inputs, constants: constants.to_vec(), gates: Vec::with_capacity(gates) }
    }

    /// The garbler's online inputs.
    pub fn garbler(&self) -> Vec<Wire> {
        wires(0..self.inputs.garbler_online)
    }

    /// The evaluator's inputs.
    pub fn evaluator(&self) -> Vec<Wire> {
        let first = self.inputs.garbler_online;
        wires(first..first + self.inputs.evaluator)
    }

    /// The wire of the constant at `position` among those that the builder was made with.
    pub fn constant(&self, position: usize) -> Wire {
        (self.inputs.garbler_online + self.inputs.evaluator + position) as Wire
    }

    fn push(&mut self, gate: Gate) -> Wire {
        let wire = (self.inputs.total() + self.gates.len()) as Wire;
        self.gates.push(gate);
        wire
    }

    /// `a ∧ b`.
    pub fn and(&mut self, a: Wire, b: Wire) -> Wire {
        self.push(Gate::And(a, b))
    }

    /// `a ⊕ b`.
    pub fn xor(&mut self, a: Wire, b: Wire) -> Wire {
        self.push(Gate::Xor(a, b))
    }

    /// `¬a`.
    pub fn not(&mut self, a: Wire) -> Wire {
        self.push(Gate::Inv(a))
    }

    /// `a ⊕ b`, bit by bit.
    pub fn xor_all(&mut self, a: &[Wire], b: &[Wire]) -> Vec<Wire> {
        a.iter().zip(b).map(|(a, b)| self.xor(*a, *b)).collect()
    }

    /// The finished circuit with all its gates, and the values of its constants.
    pub fn finish(self, outputs: &[Wire]) -> (Circuit, Vec<bool>) {
        let outputs = outputs.iter().map(|wire| Bit::Wire(*wire)).collect();
        (Circuit { inputs: self.inputs, gates: self.gates, outputs }, self.constants)
    }
}

fn wires(range: Range<usize>) -> Vec<Wire> {
    range.map(|wire| wire as Wire).collect()
}
