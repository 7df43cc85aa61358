//! A plain netlist: what the detailed engine compiles and steps.

use super::GcError;

/// What a gate computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// Logical and: a garbled table.
    And,
    /// Exclusive or: free under FreeXOR, but a slot of an engine.
    Xor,
    /// Negation: a slot of an engine and one read of the window. As in EMP it is an XOR with a public constant's label, which every
    /// engine holds: it takes the read and the write of an XOR, and no cycle between them.
    Inv,
}

/// A gate; its output is the wire of its position, after the inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Gate {
    /// What it computes.
    pub op: Op,
    /// Its first operand.
    pub a: u32,
    /// Its second operand; of a negation, not read.
    pub b: u32,
}

/// A Boolean circuit: gate `i` drives wire `inputs + i`, and reads only wires below.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Netlist {
    /// Input wires.
    pub inputs: u32,
    /// Inputs that are public constants, with their values.
    pub constants: Vec<(u32, bool)>,
    /// Gates, each after those that it reads.
    pub gates: Vec<Gate>,
    /// Output wires.
    pub outputs: Vec<u32>,
}

/// Gates by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GateCounts {
    /// AND gates.
    pub and: u64,
    /// XOR gates.
    pub xor: u64,
    /// Negations.
    pub inv: u64,
}

impl GateCounts {
    /// All gates.
    pub fn total(&self) -> u64 {
        self.and + self.xor + self.inv
    }

    pub(super) fn add(&mut self, op: Op) {
        match op {
            Op::And => self.and += 1,
            Op::Xor => self.xor += 1,
            Op::Inv => self.inv += 1,
        }
    }
}

impl Gate {
    /// The wires that it reads.
    pub(super) fn operands(self) -> [u32; 2] {
        if self.op == Op::Inv { [self.a, self.a] } else { [self.a, self.b] }
    }
}

impl Netlist {
    /// Wires: inputs and gate outputs.
    pub fn wires(&self) -> u64 {
        u64::from(self.inputs) + self.gates.len() as u64
    }

    /// Gates by kind.
    pub fn counts(&self) -> GateCounts {
        self.gates.iter().fold(GateCounts::default(), |mut counts, gate| {
            counts.add(gate.op);
            counts
        })
    }

    /// Checks that every wire is driven before it is read.
    ///
    /// # Errors
    /// A gate reads a wire that is not there yet (so that cycles are refused too), or an output does not exist.
    pub fn check(&self) -> Result<(), GcError> {
        for (gate, limit) in self.gates.iter().zip(u64::from(self.inputs)..) {
            if let Some(wire) = gate.operands().into_iter().find(|wire| u64::from(*wire) >= limit) {
                let gate = (limit - u64::from(self.inputs)) as usize;
                return Err(GcError::Undriven { gate, wire, limit });
            }
        }
        let wires = self.wires();
        match self.outputs.iter().enumerate().find(|(_, wire)| u64::from(**wire) >= wires) {
            Some((output, wire)) => Err(GcError::NoSuchOutput { output, wire: *wire, wires }),
            None => Ok(()),
        }
    }

    /// The level of every gate: one more than its operands', inputs at zero.
    pub fn levels(&self) -> Vec<u32> {
        self.depths(|_| 1)
    }

    /// Longest chain of AND gates.
    pub fn and_depth(&self) -> u32 {
        self.depths(|op| u32::from(op == Op::And)).into_iter().max().unwrap_or(0)
    }

    fn depths(&self, cost: impl Fn(Op) -> u32) -> Vec<u32> {
        let mut depths: Vec<u32> = Vec::with_capacity(self.gates.len());
        for gate in &self.gates {
            let before = gate.operands().map(|wire| {
                let position = wire.checked_sub(self.inputs);
                position.and_then(|position| depths.get(position as usize)).copied().unwrap_or(0)
            });
            depths.push(before[0].max(before[1]) + cost(gate.op));
        }
        depths
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(op: Op, a: u32, b: u32) -> Gate {
        Gate { op, a, b }
    }

    #[test]
    fn levels_count_gates_and_depth_counts_ands() {
        let gates = vec![gate(Op::And, 0, 1), gate(Op::Xor, 2, 0), gate(Op::Inv, 3, 3), gate(Op::And, 4, 1)];
        let netlist = Netlist { inputs: 2, gates, outputs: vec![5], ..Netlist::default() };
        assert_eq!(netlist.check(), Ok(()));
        assert_eq!((netlist.levels(), netlist.and_depth()), (vec![1, 2, 3, 4], 2));
        assert_eq!(netlist.counts(), GateCounts { and: 2, xor: 1, inv: 1 });
    }

    #[test]
    fn a_wire_that_is_not_there_yet_is_named() {
        let cycle = Netlist { inputs: 1, gates: vec![gate(Op::Xor, 0, 2), gate(Op::Inv, 1, 0)], ..Netlist::default() };
        assert_eq!(cycle.check(), Err(GcError::Undriven { gate: 0, wire: 2, limit: 1 }));
        let itself = Netlist { gates: vec![gate(Op::Inv, 0, 0)], ..Netlist::default() };
        assert!(itself.check().unwrap_err().to_string().contains("gate 0 reads wire 0"));
        let output = Netlist { inputs: 1, outputs: vec![0, 1], ..Netlist::default() };
        assert_eq!(output.check(), Err(GcError::NoSuchOutput { output: 1, wire: 1, wires: 1 }));
    }
}
