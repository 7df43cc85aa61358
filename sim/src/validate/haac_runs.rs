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

/// An evaluator's cycles when memory does not limit it.
pub(super) fn computing(engine: &GcEngine, program: &gc::Program) -> Result<f64, ValidateError> {
    Ok(engine.run(program, Role::Evaluate, MemoryPort::UNBOUNDED)?.cycles as f64)
}

/// Bytes that it moves while the engines run.
fn moved(engine: &GcEngine, program: &gc::Program) -> f64 {
    let a_byte_per_cycle = MemoryPort { bytes_per_cycle: 1.0, latency_cycles: 0.0 };
    engine.floors(program, Role::Evaluate, a_byte_per_cycle).memory as f64
}

/// Cycles when moving is decoupled from computing, as HAAC's published times are: from its knee on, a program's published speeds on
/// DDR4 are equal in all digits, which queues of 64 KiB do not reach where ANDs and XORs alternate.
fn decoupled(computing: f64, moved: f64, port: MemoryPort) -> f64 {
    computing.max(moved / port.bytes_per_cycle)
}

/// An evaluator's cycles of a program.
pub(super) struct Runs {
    /// Its gates, without those that read public constants.
    pub gates: f64,
    /// On HBM2 with 1 to 16 engines, full order, decoupled.
    pub hbm2: Vec<f64>,
    /// On DDR4 with 1 to 16 engines, the better of both orders, decoupled.
    pub ddr4: Vec<f64>,
    /// On DDR4 with 16 engines and the engine's queues, the better of both orders: with tables as published, and of half gates.
    pub stepped: [f64; 2],
    /// On DDR4 with 16 engines, decoupled: the circuit's order, full order, full order without spent wires.
    pub passes: [f64; 3],
}

fn runs(program: &Program) -> Result<Runs, ValidateError> {
    let netlist = netlist(program.circuit)?;
    let published = published_tables(16)?;
    let of = |order| Ok::<_, ValidateError>(published.with_order(order).compile(&netlist)?);
    let full = of(Order::Full)?;
    let full_bytes = moved(&published, &full);
    let segment = of(Order::Segment)?;
    let segment_bytes = moved(&published, &segment);
    // Full order has all parallelism: an order that moves as much is no better.
    let segment = (segment_bytes < full_bytes).then_some(segment);
    let better = |of: &dyn Fn(&gc::Program, f64) -> Result<f64, ValidateError>| {
        let other = segment.as_ref().map_or(Ok(f64::INFINITY), |program| of(program, segment_bytes))?;
        Ok::<_, ValidateError>(of(&full, full_bytes)?.min(other))
    };
    let on = |engines: &u64| {
        let engine = published_tables(*engines)?;
        let in_full = computing(&engine, &full)?;
        let on_ddr4 = match &segment {
            Some(segment) => decoupled(computing(&engine, segment)?, segment_bytes, DDR4),
            None => f64::INFINITY,
        };
        let on_ddr4 = on_ddr4.min(decoupled(in_full, full_bytes, DDR4));
        Ok::<_, ValidateError>((decoupled(in_full, full_bytes, HBM2), on_ddr4))
    };
    let both = GE.par_iter().map(on).collect::<Result<Vec<_>, _>>()?;
    let (hbm2, ddr4): (Vec<f64>, Vec<f64>) = both.into_iter().unzip();
    let stepped =
        |engine: &GcEngine| better(&|program, _| Ok(engine.run(program, Role::Evaluate, DDR4)?.cycles as f64));
    let kept = GcEngine { esw: false, ..published.clone() };
    let in_full = computing(&published, &full)?;
    let baseline = of(Order::Baseline)?;
    Ok(Runs {
        gates: full.counts().total() as f64,
        hbm2,
        ddr4,
        stepped: [stepped(&published)?, stepped(&engine(16)?)?],
        passes: [
            decoupled(computing(&kept, &baseline)?, moved(&kept, &baseline), DDR4),
            decoupled(in_full, moved(&kept, &full), DDR4),
            decoupled(in_full, full_bytes, DDR4),
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
