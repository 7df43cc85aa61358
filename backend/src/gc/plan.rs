//! A circuit prepared for garbling side by side: gates over reused slots, so that the live labels of a batch stay in cache.

use crate::error::{BackendError, Result};
use pisim_protocol::circuit::{Bit, Circuit, Gate, Inputs};

/// A gate over slots.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SlotGate {
    And { a: usize, b: usize, out: usize },
    Xor { a: usize, b: usize, out: usize },
    Inv { a: usize, out: usize },
}

/// An output: a constant or a slot.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SlotBit {
    Const(bool),
    Slot(usize),
}

/// A circuit over reused slots. The first slots hold the inputs, in the circuit's order.
#[derive(Debug, Clone)]
pub struct GatePlan {
    pub(crate) inputs: Inputs,
    pub(crate) gates: Vec<SlotGate>,
    pub(crate) outputs: Vec<SlotBit>,
    pub(crate) slots: usize,
    pub(crate) and_gates: usize,
}

impl GatePlan {
    /// Prepares a circuit.
    ///
    /// # Errors
    /// A gate or output that reads a wire before it is computed, or more than 64 outputs.
    pub fn new(circuit: &Circuit) -> Result<Self> {
        if circuit.outputs.len() > 64 {
            return Err(BackendError::program("a garbled circuit has at most 64 outputs"));
        }
        let last_use = last_uses(circuit)?;
        let inputs = circuit.inputs.total();
        let mut slot_of: Vec<usize> = (0..inputs).collect();
        let mut free: Vec<usize> = Vec::new();
        let mut slots = inputs;
        let mut gates = Vec::with_capacity(circuit.gates.len());
        for (position, gate) in circuit.gates.iter().enumerate() {
            let out = free.pop().unwrap_or_else(|| {
                slots += 1;
                slots - 1
            });
            slot_of.push(out);
            let slot = |wire: u32| slot_of[wire as usize];
            gates.push(match *gate {
                Gate::And(a, b) => SlotGate::And { a: slot(a), b: slot(b), out },
                Gate::Xor(a, b) => SlotGate::Xor { a: slot(a), b: slot(b), out },
                Gate::Inv(a) => SlotGate::Inv { a: slot(a), out },
            });
            // Slots are freed after the output got its own, so that no gate writes over what it reads.
            for wire in operands(gate) {
                if last_use[wire as usize] == position {
                    free.push(slot_of[wire as usize]);
                }
            }
        }
        let outputs = circuit.outputs.iter().map(|bit| match *bit {
            Bit::Const(value) => SlotBit::Const(value),
            Bit::Wire(wire) => SlotBit::Slot(slot_of[wire as usize]),
        });
        Ok(Self {
            inputs: circuit.inputs,
            outputs: outputs.collect(),
            gates,
            slots,
            and_gates: circuit.and_gates() as usize,
        })
    }

    /// The same gates for an evaluator that has all input labels in one list.
    pub(crate) fn with_one_list_of_labels(&self) -> Self {
        let inputs = Inputs { garbler_online: self.inputs.total(), evaluator: 0, garbler_offline: 0 };
        Self { inputs, ..self.clone() }
    }

    /// Blocks of one instance's tables: two per AND gate.
    pub fn table_blocks(&self) -> usize {
        2 * self.and_gates
    }

    /// Words of 128 bits in which the garbler's offline inputs of one instance are given, at least one.
    pub fn offline_words(&self) -> usize {
        self.inputs.garbler_offline.div_ceil(128).max(1)
    }

    /// The circuit's inputs.
    pub fn inputs(&self) -> Inputs {
        self.inputs
    }
}

fn operands(gate: &Gate) -> impl Iterator<Item = u32> {
    let (a, b) = match *gate {
        Gate::And(a, b) | Gate::Xor(a, b) => (a, (a != b).then_some(b)),
        Gate::Inv(a) => (a, None),
    };
    std::iter::once(a).chain(b)
}

/// The gate that reads each wire last; outputs are never freed.
fn last_uses(circuit: &Circuit) -> Result<Vec<usize>> {
    let inputs = circuit.inputs.total();
    let mut last_use = vec![usize::MAX; inputs + circuit.gates.len()];
    for (position, gate) in circuit.gates.iter().enumerate() {
        for wire in operands(gate) {
            if wire as usize >= inputs + position {
                return Err(BackendError::program(format!("gate {position} reads wire {wire} before it is computed")));
            }
            last_use[wire as usize] = position;
        }
    }
    for bit in &circuit.outputs {
        if let Bit::Wire(wire) = *bit {
            let last = last_use.get_mut(wire as usize);
            *last.ok_or_else(|| BackendError::program(format!("output reads wire {wire}, which does not exist")))? =
                usize::MAX;
        }
    }
    Ok(last_use)
}
