//! HAAC's programs on the detailed engine: every run that its figures are compared with, once for all targets.

use super::ValidateError;
use super::haac_data::{GE, PROGRAMS, Program};
use crate::circuits::with_constants;
use pisim_hw_models::gc::{self, MemoryPort, Netlist, Order, Role, Tables};
use pisim_hw_models::{GcEngine, Platform};
use pisim_protocol::netlist::circuit;
use rayon::prelude::*;
use std::sync::OnceLock;

/// DDR4-4400 and HBM2 as the paper assumes them, in bytes per cycle at 1 GHz. Streams hide the latency.
pub(super) const DDR4: MemoryPort = MemoryPort { bytes_per_cycle: 35.2, latency_cycles: 47.0 };
pub(super) const HBM2: MemoryPort = MemoryPort { bytes_per_cycle: 512.0, latency_cycles: 47.0 };

/// Four banks for each engine, as HAAC's 64 for 16.
const BANKS_PER_ENGINE: u64 = 4;

/// The engine of `haac-hbm2` with so many gate engines.
pub(super) fn engine(engines: u64) -> Result<GcEngine, ValidateError> {
    let platform = Platform::builtin("haac-hbm2")?;
    let missing = || ValidateError::Data { table: "haac-hbm2.toml", problem: "there is no `server.gc_engine`".into() };
    let engine = platform.server.gc_engine.ok_or_else(missing)?;
    Ok(GcEngine { engines, wire_banks: BANKS_PER_ENGINE * engines, ..engine })
}

/// The same with one ciphertext per AND gate, as which HAAC's published times on DDR4 count a table.
///
/// Half gates have two ciphertexts, 32 bytes. But of MatMult's published time on DDR4 (16 engines, the better order), its published
/// time for wires leaves 9.2 bytes per gate for everything else, and 34 % of its gates are ANDs: 32 bytes each would be 11 already.
/// With 16 bytes, instructions of 37 bits and outputs written back, all five programs' published bytes per gate follow; with 32, four
/// of five are missed by 40 %. What the authors counted is not known.
pub(super) fn published_tables(engines: u64) -> Result<GcEngine, ValidateError> {
    Ok(GcEngine { tables: Tables::OneCiphertext, ..engine(engines)? })
}

/// A generator's circuit.
pub(super) fn netlist(name: &str) -> Result<Netlist, ValidateError> {
    let named = circuit(name)?;
    Ok(with_constants(&named.netlist.circuit, &named.netlist.constants))
}

/// Cycles of a program.
pub(super) fn cycles(
    engine: &GcEngine,
    program: &gc::Program,
    role: Role,
    port: MemoryPort,
) -> Result<f64, ValidateError> {
    Ok(engine.run(program, role, port)?.cycles as f64)
}

/// An evaluator's cycles of a program.
pub(super) struct Runs {
    /// Its gates, without those that read public constants.
    pub gates: f64,
    /// On HBM2 with 1 to 16 engines, full order.
    pub hbm2: Vec<f64>,
    /// On DDR4 with 1 to 16 engines, the better of both orders.
    pub ddr4: Vec<f64>,
    /// On DDR4 with 16 engines and the 32 bytes of half gates' tables, the better of both orders.
    pub half_gates: f64,
    /// On DDR4 with 16 engines: the circuit's order, full order, full order without spent wires.
    pub passes: [f64; 3],
}

fn runs(program: &Program) -> Result<Runs, ValidateError> {
    let netlist = netlist(program.circuit)?;
    let compiler = engine(16)?;
    let of = |order| Ok::<_, ValidateError>(compiler.with_order(order).compile(&netlist)?);
    let (full, segment) = (of(Order::Full)?, of(Order::Segment)?);
    // Full order has all parallelism: an order with as much traffic is no better.
    let segment = (compiler.traffic(&segment).total() < compiler.traffic(&full).total()).then_some(segment);
    let better = |engine: &GcEngine| {
        let full = cycles(engine, &full, Role::Evaluate, DDR4)?;
        let segment = segment.as_ref().map(|program| cycles(engine, program, Role::Evaluate, DDR4)).transpose()?;
        Ok::<_, ValidateError>(segment.map_or(full, |segment| full.min(segment)))
    };
    let on = |engines: &u64| {
        let engine = published_tables(*engines)?;
        Ok::<_, ValidateError>((cycles(&engine, &full, Role::Evaluate, HBM2)?, better(&engine)?))
    };
    let (hbm2, ddr4) = GE.par_iter().map(on).collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
    let published = published_tables(16)?;
    let kept = GcEngine { esw: false, ..published.clone() };
    Ok(Runs {
        gates: full.counts().total() as f64,
        hbm2,
        ddr4,
        half_gates: better(&compiler)?,
        passes: [
            cycles(&kept, &of(Order::Baseline)?, Role::Evaluate, DDR4)?,
            cycles(&kept, &full, Role::Evaluate, DDR4)?,
            cycles(&published, &full, Role::Evaluate, DDR4)?,
        ],
    })
}

/// All programs, which four targets share.
pub(super) fn all() -> Result<&'static [(&'static Program, Runs)], ValidateError> {
    static ALL: OnceLock<Vec<(&'static Program, Runs)>> = OnceLock::new();
    if let Some(all) = ALL.get() {
        return Ok(all);
    }
    let all = PROGRAMS.par_iter().map(|program| Ok((program, runs(program)?))).collect::<Result<_, ValidateError>>()?;
    Ok(ALL.get_or_init(|| all))
}
