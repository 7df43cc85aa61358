//! The engines' closed forms for the very operations that the RTL is given.

use super::cores::Vectors;
use pisim_hw_models::rtl::{self, Core};
use pisim_hw_models::{Dataflow, GcEngine, GcWork, Gemm, MacArray, Platform};

/// Cycles from the first operand to the last result as the engine model of a core has them, if there is one.
pub fn elapsed_cycles(core: &Core, vectors: &Vectors) -> Option<u64> {
    let parameter = |name: &str| core.parameters.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    let (operations, platform) = (vectors.operations.len() as u64, Platform::builtin("fpga-u280").unwrap());
    match core.module {
        "half_gate_garbler" | "half_gate_evaluator" => {
            let engine = platform.server.gc_engine?;
            let latency = core.latency_cycles;
            let engine = GcEngine { engines: 1, garble_latency: latency, evaluate_latency: latency, ..engine };
            // Gates that do not wait for each other.
            let work = GcWork { and_gates: operations, and_depth: 1, instances: operations, ..GcWork::default() };
            let garbles = core.module == "half_gate_garbler";
            Some(if garbles { engine.garble(&work) } else { engine.evaluate(&work) }.cycles)
        }
        "mac_tile" => {
            let (rows, columns, word_bits) = (parameter("ROWS")?, parameter("COLUMNS")?, parameter("WIDTH")?);
            let dataflow = Dataflow::OutputStationary;
            let array = MacArray { rows, columns, word_bits, dataflow, ..platform.server.mac_array? };
            // Tiles below each other: as many rows as there are results.
            let gemm = Gemm {
                m: vectors.expected.len() as u64,
                k: vectors.group.0 as u64,
                n: columns,
                word_bits,
                ..Gemm::default()
            };
            // The array's cells take one cycle, the RTL's are pipelined.
            Some(array.gemm(&gemm).cycles + rtl::mac_latency(word_bits) - 1)
        }
        _ => None,
    }
}
