//! Writes circuits as Bristol Fashion files.

use crate::circuit::{Bit, Gate, Wire};
use crate::netlist::Netlist;
use std::io::{self, Write};

/// The file's number of a wire that has none yet.
const UNNAMED: Wire = Wire::MAX;

impl Netlist {
    /// Writes the circuit in Bristol Fashion. Constants become EQ gates; outputs that are inputs, constants or other
    /// outputs become EQW or EQ gates, because the format's outputs are the last wires. Reading the file gives the same
    /// gates again.
    ///
    /// # Errors
    /// The groups do not have the sizes of the circuit's inputs and outputs; writing fails.
    pub fn write_bristol(&self, to: &mut impl Write) -> io::Result<()> {
        let circuit = &self.circuit;
        let inputs = circuit.inputs.total().saturating_sub(self.constants.len());
        if self.inputs.iter().sum::<usize>() != inputs || self.outputs.iter().sum::<usize>() != circuit.outputs.len() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "groups that do not have the circuit's sizes"));
        }
        let (names, copies) = self.file_wires(inputs);
        let gates = self.constants.len() + circuit.gates.len() + copies.len();
        writeln!(to, "{gates} {}", inputs + gates)?;
        for groups in [&self.inputs, &self.outputs] {
            write!(to, "{}", groups.len())?;
            groups.iter().try_for_each(|size| write!(to, " {size}"))?;
            writeln!(to)?;
        }
        writeln!(to)?;
        let name = |wire: Wire| names.get(wire as usize).copied().unwrap_or(UNNAMED);
        let first = (inputs + self.constants.len()) as Wire;
        for (wire, constant) in (inputs as Wire..).zip(&self.constants) {
            writeln!(to, "1 1 {} {} EQ", u8::from(*constant), name(wire))?;
        }
        for (wire, gate) in (first..).zip(&circuit.gates) {
            match *gate {
                Gate::And(a, b) => writeln!(to, "2 1 {} {} {} AND", name(a), name(b), name(wire)),
                Gate::Xor(a, b) => writeln!(to, "2 1 {} {} {} XOR", name(a), name(b), name(wire)),
                Gate::Inv(a) => writeln!(to, "1 1 {} {} INV", name(a), name(wire)),
            }?;
        }
        copies.iter().try_for_each(|(bit, output)| match *bit {
            Bit::Wire(wire) => writeln!(to, "1 1 {} {output} EQW", name(wire)),
            Bit::Const(value) => writeln!(to, "1 1 {} {output} EQ", u8::from(value)),
        })
    }

    /// The file's number of each wire, and the outputs that must be copied to theirs.
    fn file_wires(&self, inputs: usize) -> (Vec<Wire>, Vec<(Bit, Wire)>) {
        let circuit = &self.circuit;
        let wires = circuit.inputs.total() + circuit.gates.len();
        let mut names = vec![UNNAMED; wires];
        for (name, wire) in names.iter_mut().take(inputs).zip(0..) {
            *name = wire;
        }
        // A wire's first use as an output makes it one of the last wires: a position from the end, until their number
        // is known.
        let mut outputs = vec![None; circuit.outputs.len()];
        let mut copies = Vec::new();
        let mut is_output = vec![false; wires];
        for (position, bit) in circuit.outputs.iter().enumerate() {
            let fresh = match *bit {
                Bit::Wire(wire) if wire as usize >= inputs => {
                    is_output.get_mut(wire as usize).filter(|output| !**output)
                }
                _ => None,
            };
            match (fresh, outputs.get_mut(position)) {
                (Some(output), Some(slot)) => {
                    *output = true;
                    *slot = Some(*bit);
                }
                _ => copies.push((*bit, position as Wire)),
            }
        }
        let first_output = (wires + copies.len() - outputs.len()) as Wire;
        for (number, bit) in (first_output..).zip(&outputs) {
            if let Some(Bit::Wire(wire)) = bit
                && let Some(name) = names.get_mut(*wire as usize)
            {
                *name = number;
            }
        }
        let unnamed = names.iter_mut().filter(|name| **name == UNNAMED);
        for (name, next) in unnamed.zip(inputs as Wire..) {
            *name = next;
        }
        copies.iter_mut().for_each(|(_, position)| *position += first_output);
        (names, copies)
    }
}
