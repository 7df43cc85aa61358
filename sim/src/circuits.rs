//! From the protocol's circuits to the netlists that the garbled-circuit engine steps.

use crate::error::SimError;
use crate::units::{PARTIES, hardware_of, party_name};
use pisim_hw_models::gc::{Gate, MemoryPort, Netlist, Op};
use pisim_hw_models::{GcEngine, LABEL_BYTES, Memory, Platform};
use pisim_protocol::Program;
use pisim_protocol::circuit::{self, Bit, Circuit};

/// The netlist of a circuit whose last inputs are public constants.
pub fn with_constants(circuit: &Circuit, constants: &[bool]) -> Netlist {
    let netlist = netlist(circuit);
    let first = netlist.inputs.saturating_sub(u32::try_from(constants.len()).unwrap_or(u32::MAX));
    Netlist { constants: (first..netlist.inputs).zip(constants.iter().copied()).collect(), ..netlist }
}

/// The netlist of a circuit; outputs that are constants have no wire.
pub fn netlist(circuit: &Circuit) -> Netlist {
    let gate = |gate: &circuit::Gate| match *gate {
        circuit::Gate::And(a, b) => Gate { op: Op::And, a, b },
        circuit::Gate::Xor(a, b) => Gate { op: Op::Xor, a, b },
        circuit::Gate::Inv(a) => Gate { op: Op::Inv, a, b: a },
    };
    let wire = |bit: &Bit| match *bit {
        Bit::Wire(wire) => Some(wire),
        Bit::Const(_) => None,
    };
    Netlist {
        inputs: u32::try_from(circuit.inputs.total()).unwrap_or(u32::MAX),
        constants: Vec::new(),
        gates: circuit.gates.iter().map(gate).collect(),
        outputs: circuit.outputs.iter().filter_map(wire).collect(),
    }
}

/// Whether the platform's engines can run the program's circuits.
///
/// # Errors
/// One of them cannot.
pub(crate) fn check(program: &Program, platform: &Platform) -> Result<(), SimError> {
    for party in PARTIES {
        // With a queue for labels that come back, any circuit runs.
        let engine = hardware_of(platform, party).gc_engine.as_ref();
        let Some(engine) = engine.filter(|engine| engine.wire_queue_bytes < LABEL_BYTES) else { continue };
        for (layer, circuit) in program.network.network.layers.iter().zip(&program.circuits) {
            // A circuit that fits as a whole need not be compiled to see that no label leaves.
            let Some(circuit) = circuit.as_ref().filter(|circuit| circuit.wires() >= engine.compiler().window) else {
                continue;
            };
            let refused = |why| SimError::Circuit {
                hardware: platform.name.clone(),
                party: party_name(party),
                layer: layer.name.clone(),
                why,
            };
            engine.check_circuit(&netlist(circuit)).map_err(refused)?;
        }
    }
    Ok(())
}

/// A memory as an engine sees it that has it for itself: what long streams reach, in the engine's cycles.
pub fn memory_port(engine: &GcEngine, memory: &Memory) -> MemoryPort {
    MemoryPort {
        bytes_per_cycle: memory.streaming_bytes_per_s() / engine.clock_hz,
        latency_cycles: memory.latency_s * engine.clock_hz,
    }
}

#[cfg(test)]
mod tests {
    use pisim_protocol::netlist;

    #[test]
    fn a_netlist_has_the_gates_and_depths_of_its_circuit() {
        for name in ["add:16", "greater:8", "hamming:50", "relu:32"] {
            let named = netlist::circuit(name).unwrap();
            let converted = super::netlist(&named.netlist.circuit);
            let (counts, stats) = (converted.counts(), named.stats);
            assert_eq!((counts.and, counts.xor, counts.inv), (stats.and, stats.xor, stats.inv), "{name}");
            assert_eq!(u64::from(converted.and_depth()), stats.and_depth, "{name}");
            assert_eq!(converted.levels().into_iter().max().map(u64::from), Some(stats.levels), "{name}");
            assert_eq!((converted.wires(), converted.check()), (stats.wires, Ok(())), "{name}");
        }
    }
}
