//! Boolean circuits: AND, XOR and INV gates over numbered wires, and a builder that folds constants.
//!
//! Wires are numbered in the order `garbler online | evaluator | garbler offline | gates`, one wire per gate.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A wire's number.
pub type Wire = u32;

/// A gate; its output is the wire of its position (after the inputs).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Gate {
    /// Logical and: the gate that garbling pays for.
    And(Wire, Wire),
    /// Exclusive or: free under FreeXOR.
    Xor(Wire, Wire),
    /// Negation: free (the garbler swaps the labels' meaning).
    Inv(Wire),
}

/// A bit while a circuit is built, and an output of a finished circuit: a constant or a wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Bit {
    /// Constant.
    Const(bool),
    /// Value of a wire.
    Wire(Wire),
}

/// Who feeds the inputs, in wires.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// The garbler's inputs that become known online.
    pub garbler_online: usize,
    /// The evaluator's inputs.
    pub evaluator: usize,
    /// The garbler's inputs that are known when it garbles.
    pub garbler_offline: usize,
}

impl Inputs {
    /// All input wires.
    pub fn total(&self) -> usize {
        self.garbler_online + self.evaluator + self.garbler_offline
    }
}

/// A finished circuit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Circuit {
    /// Its inputs.
    pub inputs: Inputs,
    /// Its gates in topological order.
    pub gates: Vec<Gate>,
    /// Its outputs.
    pub outputs: Vec<Bit>,
}

impl Circuit {
    /// Number of AND gates.
    pub fn and_gates(&self) -> u64 {
        self.gates.iter().filter(|gate| matches!(gate, Gate::And(..))).count() as u64
    }

    /// Number of XOR gates.
    pub fn xor_gates(&self) -> u64 {
        self.gates.iter().filter(|gate| matches!(gate, Gate::Xor(..))).count() as u64
    }

    /// Number of INV gates.
    pub fn inv_gates(&self) -> u64 {
        self.gates.iter().filter(|gate| matches!(gate, Gate::Inv(..))).count() as u64
    }

    /// Wires of one instance: inputs and gate outputs.
    pub fn wires(&self) -> u64 {
        (self.inputs.total() + self.gates.len()) as u64
    }

    /// Longest chain of AND gates.
    pub fn and_depth(&self) -> u64 {
        self.longest_path(|gate| u64::from(matches!(gate, Gate::And(..))))
    }

    /// Longest chain of gates, every gate counted as one.
    pub fn levels(&self) -> u64 {
        self.longest_path(|_| 1)
    }

    fn longest_path(&self, cost: impl Fn(&Gate) -> u64) -> u64 {
        let mut depth = vec![0u64; self.inputs.total()];
        depth.reserve(self.gates.len());
        let at = |depth: &[u64], wire: &Wire| depth.get(*wire as usize).copied().unwrap_or(0);
        for gate in &self.gates {
            let before = match gate {
                Gate::And(a, b) | Gate::Xor(a, b) => at(&depth, a).max(at(&depth, b)),
                Gate::Inv(a) => at(&depth, a),
            };
            depth.push(before + cost(gate));
        }
        depth.into_iter().max().unwrap_or(0)
    }

    /// The outputs for plain inputs, in the order of the wires. Missing inputs count as zero.
    pub fn evaluate(&self, inputs: &[bool]) -> Vec<bool> {
        let mut values = vec![false; self.inputs.total()];
        for (value, input) in values.iter_mut().zip(inputs) {
            *value = *input;
        }
        let at = |values: &[bool], wire: Wire| values.get(wire as usize).copied().unwrap_or(false);
        for gate in &self.gates {
            let value = match *gate {
                Gate::And(a, b) => at(&values, a) & at(&values, b),
                Gate::Xor(a, b) => at(&values, a) ^ at(&values, b),
                Gate::Inv(a) => !at(&values, a),
            };
            values.push(value);
        }
        self.outputs
            .iter()
            .map(|bit| match *bit {
                Bit::Const(value) => value,
                Bit::Wire(wire) => at(&values, wire),
            })
            .collect()
    }
}

/// Builds a circuit gate by gate. Gates with a constant input, or with the same wire twice, are folded away; a gate that is
/// there already is not built again.
#[derive(Debug, Clone)]
pub struct Builder {
    inputs: Inputs,
    gates: Vec<Gate>,
    built: HashMap<Gate, Wire>,
}

impl Builder {
    /// A circuit without gates.
    pub fn new(inputs: Inputs) -> Self {
        Self { inputs, gates: Vec::new(), built: HashMap::new() }
    }

    /// The garbler's online inputs, least significant first.
    pub fn garbler_online(&self) -> Vec<Bit> {
        Self::wires(0, self.inputs.garbler_online)
    }

    /// The evaluator's inputs, least significant first.
    pub fn evaluator(&self) -> Vec<Bit> {
        Self::wires(self.inputs.garbler_online, self.inputs.evaluator)
    }

    /// The garbler's offline inputs, least significant first.
    pub fn garbler_offline(&self) -> Vec<Bit> {
        Self::wires(self.inputs.garbler_online + self.inputs.evaluator, self.inputs.garbler_offline)
    }

    fn wires(start: usize, count: usize) -> Vec<Bit> {
        (start..start + count).map(|wire| Bit::Wire(wire as Wire)).collect()
    }

    fn push(&mut self, gate: Gate) -> Bit {
        let gate = match gate {
            Gate::And(a, b) => Gate::And(a.min(b), a.max(b)),
            Gate::Xor(a, b) => Gate::Xor(a.min(b), a.max(b)),
            inverter => inverter,
        };
        let next = (self.inputs.total() + self.gates.len()) as Wire;
        let wire = *self.built.entry(gate).or_insert(next);
        if wire == next {
            self.gates.push(gate);
        }
        Bit::Wire(wire)
    }

    /// `a ∧ b`.
    pub fn and(&mut self, a: Bit, b: Bit) -> Bit {
        match (a, b) {
            (Bit::Const(false), _) | (_, Bit::Const(false)) => Bit::Const(false),
            (Bit::Const(true), other) | (other, Bit::Const(true)) => other,
            (Bit::Wire(x), Bit::Wire(y)) if x == y => a,
            (Bit::Wire(x), Bit::Wire(y)) => self.push(Gate::And(x, y)),
        }
    }

    /// `a ⊕ b`.
    pub fn xor(&mut self, a: Bit, b: Bit) -> Bit {
        match (a, b) {
            (Bit::Const(x), Bit::Const(y)) => Bit::Const(x ^ y),
            (Bit::Const(false), other) | (other, Bit::Const(false)) => other,
            (Bit::Const(true), other) | (other, Bit::Const(true)) => self.not(other),
            (Bit::Wire(x), Bit::Wire(y)) if x == y => Bit::Const(false),
            (Bit::Wire(x), Bit::Wire(y)) => self.push(Gate::Xor(x, y)),
        }
    }

    /// `¬a`.
    pub fn not(&mut self, a: Bit) -> Bit {
        match a {
            Bit::Const(value) => Bit::Const(!value),
            Bit::Wire(wire) => self.push(Gate::Inv(wire)),
        }
    }

    /// The finished circuit with all its gates, also those that no output needs.
    pub fn finish_whole(self, outputs: Vec<Bit>) -> Circuit {
        Circuit { inputs: self.inputs, gates: self.gates, outputs }
    }

    /// The finished circuit, without the gates that no output needs.
    pub fn finish(self, outputs: Vec<Bit>) -> Circuit {
        let inputs = self.inputs.total();
        let mut needed = vec![false; inputs + self.gates.len()];
        let need = |wire: Wire, needed: &mut Vec<bool>| {
            if let Some(needed) = needed.get_mut(wire as usize) {
                *needed = true;
            }
        };
        for bit in &outputs {
            if let Bit::Wire(wire) = bit {
                need(*wire, &mut needed);
            }
        }
        for (position, gate) in self.gates.iter().enumerate().rev() {
            if needed.get(inputs + position).copied().unwrap_or(false) {
                match *gate {
                    Gate::And(a, b) | Gate::Xor(a, b) => {
                        need(a, &mut needed);
                        need(b, &mut needed);
                    }
                    Gate::Inv(a) => need(a, &mut needed),
                }
            }
        }
        // Inputs keep their numbers; gates that are kept get the next ones.
        let mut renamed: Vec<Wire> = (0..inputs as Wire).collect();
        let mut gates = Vec::with_capacity(self.gates.len());
        for (gate, needed) in self.gates.iter().zip(needed.iter().skip(inputs)) {
            renamed.push((inputs + gates.len()) as Wire);
            let name = |wire: Wire| renamed.get(wire as usize).copied().unwrap_or(wire);
            if *needed {
                gates.push(match *gate {
                    Gate::And(a, b) => Gate::And(name(a), name(b)),
                    Gate::Xor(a, b) => Gate::Xor(name(a), name(b)),
                    Gate::Inv(a) => Gate::Inv(name(a)),
                });
            }
        }
        let name = |bit: &Bit| match *bit {
            Bit::Wire(wire) => Bit::Wire(renamed.get(wire as usize).copied().unwrap_or(wire)),
            constant => constant,
        };
        let outputs = outputs.iter().map(name).collect();
        Circuit { inputs: self.inputs, gates, outputs }
    }
}
