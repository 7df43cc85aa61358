//! A file's gates in the form of a [`Circuit`]: one wire per gate, copies gone, constants as inputs.

use super::gates::FileGate;
use super::header::Header;
use crate::circuit::{Bit, Circuit, Gate, Inputs, Wire};
use crate::netlist::stats::{Kind, Meter};
use crate::netlist::{Netlist, Stats};

/// The circuit of gates in topological order, and the counts of the file.
pub(super) fn lower<'a>(header: &Header<'_>, gates: impl Iterator<Item = &'a FileGate> + Clone) -> (Netlist, Stats) {
    let online: usize = header.inputs.iter().sum();
    let constants = constants(gates.clone());
    let first = online + constants.len();
    let wires = header.wires as usize;
    let mut meter = Meter::new(wires);
    // The circuit's wire for each of the file's; inputs keep their numbers.
    let mut names: Vec<Wire> = (0..wires as Wire).collect();
    let mut lowered: Vec<Gate> = Vec::new();
    for gate in gates {
        meter.gate(gate.kind, gate.inputs.map(|wire| wire as usize), gate.output as usize);
        let [a, b] = gate.inputs.map(|wire| names.get(wire as usize).copied().unwrap_or_default());
        let next = (first + lowered.len()) as Wire;
        let wire = match gate.kind {
            Kind::Copy => a,
            Kind::Constant(value) => (online + constants.iter().position(|one| *one == value).unwrap_or(0)) as Wire,
            Kind::And | Kind::Xor | Kind::Inv => next,
        };
        match gate.kind {
            Kind::And => lowered.push(Gate::And(a, b)),
            Kind::Xor => lowered.push(Gate::Xor(a, b)),
            Kind::Inv => lowered.push(Gate::Inv(a)),
            Kind::Copy | Kind::Constant(_) => {}
        }
        if let Some(name) = names.get_mut(gate.output as usize) {
            *name = wire;
        }
    }
    let outputs: usize = header.outputs.iter().sum();
    let outputs = names.iter().skip(wires.saturating_sub(outputs)).map(|wire| Bit::Wire(*wire)).collect();
    let garbler_online = header.inputs.first().copied().unwrap_or(0);
    let inputs = Inputs { garbler_online, evaluator: online - garbler_online, garbler_offline: constants.len() };
    let circuit = Circuit { inputs, gates: lowered, outputs };
    let netlist = Netlist { circuit, constants, inputs: header.inputs.clone(), outputs: header.outputs.clone() };
    (netlist, meter.finish(header.wires))
}

/// The constants that the gates use, each once, in the order of their first use.
fn constants<'a>(gates: impl Iterator<Item = &'a FileGate>) -> Vec<bool> {
    let mut constants = Vec::new();
    for gate in gates {
        if let Kind::Constant(value) = gate.kind
            && !constants.contains(&value)
        {
            constants.push(value);
        }
    }
    constants
}
