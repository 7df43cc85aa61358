//! Random circuits.
#![allow(dead_code, reason = "every test file uses a part of it")]

pub mod outputs;
pub mod shipped;

use pisim_hw_models::gc::{Gate, GcError, MemoryPort, Netlist, Op, Order, Tables};
use pisim_hw_models::{GcEngine, Technology};

/// A small generator of its own: circuits must be the same on every machine.
pub struct Random(pub u64);

impl Random {
    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((u128::from(self.0 >> 1) * u128::from(limit)) >> 63) as u64
    }
}

/// A circuit whose gates read mostly what was made at most `reach` wires before: small reaches make deep circuits.
pub fn circuit(seed: u64, inputs: u32, gates: u32, and_percent: u64, reach: u64) -> Netlist {
    let mut random = Random(seed);
    let mut list = Vec::with_capacity(gates as usize);
    for wires in inputs..inputs + gates {
        let operand = |random: &mut Random| {
            let back = if random.below(8) == 0 { u64::from(wires) } else { reach.min(u64::from(wires)) };
            wires - 1 - random.below(back) as u32
        };
        let (a, b) = (operand(&mut random), operand(&mut random));
        let op = match random.below(100) {
            dice if dice < and_percent => Op::And,
            dice if dice < 97 => Op::Xor,
            _ => Op::Inv,
        };
        list.push(Gate { op, a, b });
    }
    let outputs = (inputs + gates - gates.min(8)..inputs + gates).collect();
    Netlist { inputs, gates: list, outputs, ..Netlist::default() }
}

/// HAAC's engine with `engines` gate engines.
pub fn haac(engines: u64) -> GcEngine {
    GcEngine {
        engines,
        clock_hz: 1e9,
        garble_latency: 20,
        evaluate_latency: 17,
        xor_latency: 3,
        wire_memory_bytes: 2 << 20,
        wire_banks: 64,
        queue_memory_bytes: 64 << 10,
        table_queue_bytes: 21_845,
        wire_queue_bytes: 21_845,
        order: Order::Full,
        rename: true,
        esw: true,
        tables: Tables::HalfGates,
        instruction_bits: 37,
        ot_cycles: None,
        technology: Technology { node_nm: 16, supply_v: 0.8, fpga: false },
    }
}

/// HAAC's DDR4 at 1 GHz.
pub const DDR4: MemoryPort = MemoryPort { bytes_per_cycle: 35.2, latency_cycles: 47.0 };

/// HAAC's HBM2 at 1 GHz.
pub const HBM2: MemoryPort = MemoryPort { bytes_per_cycle: 512.0, latency_cycles: 47.0 };

/// Compiles and runs.
pub fn detailed(
    engine: &GcEngine,
    netlist: &Netlist,
    role: pisim_hw_models::gc::Role,
    port: MemoryPort,
) -> Result<pisim_hw_models::gc::Detailed, GcError> {
    engine.run(&engine.compile(netlist)?, role, port)
}
