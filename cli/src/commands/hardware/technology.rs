//! `pisim hardware technology`: energies and areas at a node.

use crate::Outcome;
use crate::args::TechnologyArgs;
use crate::output::{Output, table};
use anyhow::Result;
use pisim_hw_models::{MOVEMENTS, OPERATIONS, Sram, Technology, nominal_supply_v};
use pisim_settings::Bytes;
use serde::Serialize;

#[derive(Serialize)]
struct Answer {
    node_nm: u32,
    supply_v: f64,
    operations: Vec<Operation>,
    memories: Vec<Memory>,
    movements: Vec<Movement>,
}

#[derive(Serialize)]
struct Operation {
    name: &'static str,
    energy_j: f64,
    area_mm2: Option<f64>,
    /// The same on an FPGA of the node.
    fpga_energy_j: f64,
    published_node_nm: u32,
    source: &'static str,
}

#[derive(Serialize)]
struct Memory {
    bytes: u64,
    banks: u64,
    ports: u64,
    read_j_per_byte: f64,
    write_j_per_byte: f64,
    leakage_w: f64,
    area_mm2: Option<f64>,
}

#[derive(Serialize)]
struct Movement {
    name: &'static str,
    energy_per_bit_j: f64,
    source: &'static str,
}

/// The sizes of memories that are shown when none is asked for.
const SIZES: [u64; 6] = [4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 2 << 20];

pub fn run(args: &TechnologyArgs, output: Output) -> Result<Outcome> {
    let supply_v = args.supply.unwrap_or_else(|| nominal_supply_v(args.node));
    let silicon = Technology { node_nm: args.node, supply_v, fpga: false };
    let fpga = Technology { fpga: true, ..silicon };
    let operation = |operation: &pisim_hw_models::Operation| Operation {
        name: operation.name,
        energy_j: operation.energy_in(&silicon),
        area_mm2: operation.area_in(&silicon),
        fpga_energy_j: operation.energy_in(&fpga),
        published_node_nm: operation.node_nm,
        source: operation.source,
    };
    let memory = |bytes: u64| {
        let (banks, ports) = (args.banks, args.ports);
        let costs = Sram { bytes, banks, ports }.costs(&silicon);
        Memory {
            bytes,
            banks,
            ports,
            read_j_per_byte: costs.read_j_per_byte,
            write_j_per_byte: costs.write_j_per_byte,
            leakage_w: costs.leakage_w,
            area_mm2: costs.area_mm2,
        }
    };
    let sizes = args.sram.map_or(SIZES.to_vec(), |bytes| vec![bytes.bytes()]);
    let movement = |movement: &pisim_hw_models::Movement| Movement {
        name: movement.name,
        energy_per_bit_j: movement.energy_per_bit_j,
        source: movement.source,
    };
    let answer = Answer {
        node_nm: args.node,
        supply_v,
        operations: OPERATIONS.iter().map(operation).collect(),
        memories: sizes.into_iter().map(memory).collect(),
        movements: MOVEMENTS.iter().map(movement).collect(),
    };
    output.print(&answer, || text(&answer))?;
    Ok(Outcome::Done)
}

fn text(answer: &Answer) -> String {
    let picojoules = |joules: f64| format!("{:.4}", joules * 1e12);
    let um2 = |area: Option<f64>| area.map(|mm2| format!("{:.1}", mm2 * 1e6)).unwrap_or_default();
    let operations = answer.operations.iter().map(|operation| {
        let (energy, fpga) = (picojoules(operation.energy_j), picojoules(operation.fpga_energy_j));
        let source = format!("{} ({} nm)", operation.source, operation.published_node_nm);
        [operation.name.to_owned(), energy, um2(operation.area_mm2), fpga, source]
    });
    let operations = table(&["operation", "pJ", "µm2", "pJ on an FPGA", "source"], &[1, 2, 3], operations);
    let memories = answer.memories.iter().map(|memory| {
        let area = memory.area_mm2.map(|area| format!("{area:.4}")).unwrap_or_default();
        let (read, write) = (picojoules(memory.read_j_per_byte), picojoules(memory.write_j_per_byte));
        let (banks, ports) = (memory.banks.to_string(), memory.ports.to_string());
        [
            Bytes::new(memory.bytes).to_string(),
            banks,
            ports,
            read,
            write,
            format!("{:.3}", memory.leakage_w * 1e3),
            area,
        ]
    });
    let header = ["on-chip memory", "banks", "ports", "pJ/B read", "pJ/B write", "leaks mW", "mm2"];
    let memories = table(&header, &[0, 1, 2, 3, 4, 5, 6], memories);
    let movements = answer.movements.iter().map(|movement| {
        [movement.name.to_owned(), format!("{:.2}", movement.energy_per_bit_j * 1e12), movement.source.to_owned()]
    });
    let movements = table(&["moving one bit over", "pJ", "source"], &[1], movements);
    format!("{} nm at {} V\n{operations}\n{memories}\n{movements}", answer.node_nm, answer.supply_v)
}
