//! Which gate drives which wire, and an order in which every gate comes after those that it reads.

use super::gates::FileGate;
use super::header::Header;
use crate::netlist::stats::Kind;
use pisim_settings::ConfigError;

/// The wiring of a file whose every wire is driven exactly once.
pub(super) struct Wiring<'a> {
    file: &'a str,
    gates: &'a [FileGate],
    inputs: usize,
    /// The gate that drives each wire after the inputs.
    drivers: Vec<u32>,
}

/// No gate, in a table of drivers.
const NONE: u32 = u32::MAX;

impl<'a> Wiring<'a> {
    /// Finds the drivers.
    pub fn new(file: &'a str, header: &Header<'_>, gates: &'a [FileGate]) -> Result<Self, ConfigError> {
        let inputs: usize = header.inputs.iter().sum();
        // With one wire more than gates one wire has no driver, so that more wires need no table, whatever is declared.
        let wires = (header.wires - inputs as u64).min(gates.len() as u64 + 1) as usize;
        let mut wiring = Self { file, gates, inputs, drivers: vec![NONE; wires] };
        for (index, gate) in gates.iter().enumerate() {
            let Some(wire) = (gate.output as usize).checked_sub(inputs) else {
                let message = format!("wire {} is an input; expected a wire from {inputs} on as output", gate.output);
                return Err(wiring.fault(gate, message));
            };
            match wiring.drivers.get_mut(wire) {
                Some(driver) if *driver == NONE => *driver = index as u32,
                Some(driver) => {
                    let first = gates.get(*driver as usize).map_or(0, |gate| gate.line);
                    let message = format!(
                        "wire {} is driven twice; expected only the gate of line {first} to drive it",
                        gate.output
                    );
                    return Err(wiring.fault(gate, message));
                }
                None => {}
            }
        }
        match wiring.drivers.iter().position(|driver| *driver == NONE) {
            Some(wire) => Err(wiring.undriven(header, inputs + wire)),
            None => Ok(wiring),
        }
    }

    fn fault(&self, gate: &FileGate, message: String) -> ConfigError {
        ConfigError::at_position(self.file, gate.line as usize, 1, message)
    }

    fn undriven(&self, header: &Header<'_>, wire: usize) -> ConfigError {
        let reads = |gate: &&FileGate| gate.reads().any(|input| input as usize == wire);
        if let Some(gate) = self.gates.iter().find(reads) {
            return self.fault(gate, format!("wire {wire} is not driven; expected a gate whose output it is"));
        }
        let (declared, found) = (header.wires, self.inputs + self.gates.len());
        let message =
            format!("{declared} wires, but nothing drives wire {wire}; expected {found}: inputs and outputs of gates");
        header.wires_at.fault(message)
    }

    /// The gate that drives `wire`, `None` for an input.
    fn driver(&self, wire: u32) -> Option<usize> {
        let wire = (wire as usize).checked_sub(self.inputs)?;
        self.drivers.get(wire).map(|gate| *gate as usize)
    }

    fn driver_of_input(&self, gate: usize, input: usize) -> Option<usize> {
        let wire = self.gates.get(gate)?.reads().nth(input)?;
        self.driver(wire)
    }

    /// An order of the gates in which every gate comes after those that it reads: the file's own, `None`, if it is one.
    ///
    /// # Errors
    /// Gates that read each other in a cycle, which is named.
    pub fn order(&self) -> Result<Option<Vec<u32>>, ConfigError> {
        let in_order = |(index, gate): (usize, &FileGate)| {
            gate.reads().all(|wire| self.driver(wire).is_none_or(|driver| driver < index))
        };
        if self.gates.iter().enumerate().all(in_order) {
            return Ok(None);
        }
        let mut states = vec![State::New; self.gates.len()];
        let mut order = Vec::with_capacity(self.gates.len());
        // Depth first without recursion: a gate and how many of its inputs were looked at.
        let mut path: Vec<(usize, usize)> = Vec::new();
        for start in 0..self.gates.len() {
            path.push((start, 0));
            while let Some((gate, input)) = path.last_mut() {
                let (gate, looked_at) = (*gate, *input);
                *input += 1;
                let Some(state) = states.get_mut(gate) else { break };
                if *state == State::Done {
                    path.pop();
                } else if looked_at < 2 {
                    *state = State::Open;
                    let before = self.driver_of_input(gate, looked_at);
                    match before.and_then(|before| Some((before, *states.get(before)?))) {
                        Some((before, State::New)) => path.push((before, 0)),
                        Some((before, State::Open)) => return Err(self.cycle(&path, before)),
                        _ => {}
                    }
                } else {
                    *state = State::Done;
                    order.push(gate as u32);
                    path.pop();
                }
            }
        }
        Ok(Some(order))
    }

    /// The fault that the gates of `path` from `first` on read each other in a cycle.
    fn cycle(&self, path: &[(usize, usize)], first: usize) -> ConfigError {
        const SHOWN: usize = 8;
        let start = path.iter().position(|(gate, _)| *gate == first).unwrap_or(0);
        let gates: Vec<&FileGate> = path.iter().skip(start).filter_map(|(gate, _)| self.gates.get(*gate)).collect();
        let mut names: Vec<String> =
            gates.iter().take(SHOWN).map(|gate| format!("{} (line {})", gate.output, gate.line)).collect();
        if gates.len() > SHOWN {
            names.push(format!("… ({} more)", gates.len() - SHOWN));
        }
        names.extend(gates.first().map(|gate| gate.output.to_string()));
        let message = format!("a cycle: wire {}; expected no gate to need its own output", names.join(" needs "));
        let line = gates.first().map_or(1, |gate| gate.line as usize);
        ConfigError::at_position(self.file, line, 1, message)
    }
}

/// How far the search is with a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Done,
}

impl FileGate {
    /// The wires that it reads.
    fn reads(&self) -> impl Iterator<Item = u32> {
        let reads = match self.kind {
            Kind::Constant(_) => 0,
            Kind::Inv | Kind::Copy => 1,
            Kind::And | Kind::Xor => 2,
        };
        self.inputs.into_iter().take(reads)
    }
}
