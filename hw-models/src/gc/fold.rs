//! XOR gates with a public constant, which move nothing.
//!
//! Circuits as EMP makes them carry public constants: the first carry of an adder, the accumulator of a multiplication. A public
//! zero's label is zero, so that an XOR with it is a copy, which renaming makes for free; an XOR with a public one is a negation. AND
//! gates stay: both parties count on their tables.

use super::{Gate, Netlist, Op};
use std::borrow::Cow;

/// What a wire of the circuit is in the folded one.
#[derive(Clone, Copy)]
enum Value {
    Known(bool),
    Wire(u32),
}

impl Netlist {
    /// The circuit without XOR gates and negations of public constants; AND gates and inputs are the same.
    pub fn folded(&self) -> Cow<'_, Self> {
        if self.constants.is_empty() {
            return Cow::Borrowed(self);
        }
        // An input that holds each constant, for gates that still read it.
        let held = |bit: bool| self.constants.iter().find(|(_, value)| *value == bit).map(|(wire, _)| *wire);
        let holders = [held(false), held(true)];
        let holder = |bit: bool| if bit { holders[1] } else { holders[0] };
        let mut values: Vec<Value> = (0..self.inputs).map(Value::Wire).collect();
        for (wire, bit) in &self.constants {
            if let Some(value) = values.get_mut(*wire as usize) {
                *value = Value::Known(*bit);
            }
        }
        let mut gates = Vec::with_capacity(self.gates.len());
        for gate in &self.gates {
            let [a, b] = gate.operands().map(|wire| values.get(wire as usize).copied().unwrap_or(Value::Wire(wire)));
            let simple = match (gate.op, a, b) {
                (Op::Inv, Value::Known(bit), _) => Some(Value::Known(!bit)),
                (Op::Xor, Value::Known(a), Value::Known(b)) => Some(Value::Known(a ^ b)),
                (Op::Xor, Value::Known(false), other) | (Op::Xor, other, Value::Known(false)) => Some(other),
                _ => None,
            };
            // A constant that no input holds is computed.
            let simple = simple.filter(|value| match value {
                Value::Known(bit) => holder(*bit).is_some(),
                Value::Wire(_) => true,
            });
            let wire = |value: Value| match value {
                Value::Wire(wire) => wire,
                Value::Known(bit) => holder(bit).unwrap_or(0),
            };
            values.push(simple.unwrap_or(Value::Wire(self.inputs + gates.len() as u32)));
            if simple.is_none() {
                gates.push(match (gate.op, a, b) {
                    (Op::Xor, Value::Known(true), Value::Wire(other))
                    | (Op::Xor, Value::Wire(other), Value::Known(true)) => Gate { op: Op::Inv, a: other, b: other },
                    (op, a, b) => Gate { op, a: wire(a), b: wire(b) },
                });
            }
        }
        let output = |wire: &u32| match values.get(*wire as usize) {
            Some(Value::Wire(wire)) => *wire,
            Some(Value::Known(bit)) => holder(*bit).unwrap_or(*wire),
            None => *wire,
        };
        let outputs = self.outputs.iter().map(output).collect();
        Cow::Owned(Self { inputs: self.inputs, constants: self.constants.clone(), gates, outputs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn evaluate(netlist: &Netlist, inputs: &[bool]) -> Vec<bool> {
        let mut values = inputs.to_vec();
        for (wire, bit) in &netlist.constants {
            values[*wire as usize] = *bit;
        }
        for gate in &netlist.gates {
            let (a, b) = (values[gate.a as usize], values[gate.b as usize]);
            values.push(match gate.op {
                Op::And => a & b,
                Op::Xor => a ^ b,
                Op::Inv => !a,
            });
        }
        netlist.outputs.iter().map(|wire| values[*wire as usize]).collect()
    }

    #[test]
    fn an_xor_with_zero_is_a_copy_and_one_with_one_a_negation() {
        let gate = |op, a, b| Gate { op, a, b };
        // Inputs: x, zero, one.
        let gates = vec![
            gate(Op::Xor, 0, 1),
            gate(Op::Xor, 3, 2),
            gate(Op::And, 3, 1),
            gate(Op::Inv, 1, 1),
            gate(Op::And, 6, 4),
        ];
        let netlist = Netlist { inputs: 3, constants: vec![(1, false), (2, true)], gates, outputs: vec![3, 7, 6] };
        let folded = netlist.folded();
        assert_eq!(folded.gates, vec![gate(Op::Inv, 0, 0), gate(Op::And, 0, 1), gate(Op::And, 2, 3)]);
        assert_eq!(folded.outputs, vec![0, 5, 2]);
    }

    proptest! {
        #[test]
        fn folding_keeps_outputs_and_tables(
            dice in prop::collection::vec((0u8..3, any::<u32>(), any::<u32>()), 1..60),
            known in prop::collection::vec((0u32..6, any::<bool>()), 0..4),
            values in prop::array::uniform6(any::<bool>()),
        ) {
            let mut constants: Vec<(u32, bool)> = Vec::new();
            for (wire, bit) in known {
                if constants.iter().all(|(other, _)| *other != wire) {
                    constants.push((wire, bit));
                }
            }
            let gates = dice.iter().zip(6u32..).map(|((op, a, b), wires)| {
                let op = [Op::And, Op::Xor, Op::Inv][usize::from(*op)];
                Gate { op, a: a % wires, b: b % wires }
            });
            let gates: Vec<Gate> = gates.collect();
            let netlist = Netlist { inputs: 6, constants, outputs: (0..6 + gates.len() as u32).collect(), gates };
            let folded = netlist.folded();
            prop_assert_eq!(folded.check(), Ok(()));
            prop_assert_eq!(evaluate(&folded, &values), evaluate(&netlist, &values));
            prop_assert_eq!(folded.counts().and, netlist.counts().and);
            prop_assert!(folded.gates.len() <= netlist.gates.len());
        }
    }
}
