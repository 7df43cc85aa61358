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

/// An evaluator when memory does not limit it.
fn unbounded(engine: &GcEngine, program: &gc::Program) -> Result<gc::Detailed, ValidateError> {
    Ok(engine.run(program, Role::Evaluate, MemoryPort::UNBOUNDED)?)
}

/// Its cycles.
pub(super) fn computing(engine: &GcEngine, program: &gc::Program) -> Result<f64, ValidateError> {
    Ok(unbounded(engine, program)?.cycles as f64)
}

/// Cycles when moving is decoupled from computing, as HAAC's published times are: from its knee on, a program's published speeds on
/// DDR4 are equal in all digits, which queues of 64 KiB do not reach where ANDs and XORs alternate.
fn decoupled(computing: f64, bytes: u64, port: MemoryPort) -> f64 {
    computing.max(bytes as f64 / port.bytes_per_cycle)
}

/// An evaluator's cycles of a program.
pub(super) struct Runs {
    /// Its gates, without those that read public constants.
    pub gates: f64,
    /// On HBM2 with 1 to 16 engines, full order, decoupled.
    pub hbm2: Vec<f64>,
    /// Joules of engines and on-chip memory, full order.
    pub energy_j: f64,
    /// On DDR4 with 1 to 16 engines, the better of both orders, decoupled.
    pub ddr4: Vec<f64>,
    /// On DDR4 with 16 engines and the engine's queues, the better of both orders: with tables as published, and of half gates.
    pub stepped: [f64; 2],
    /// On DDR4 with 16 engines, decoupled: the circuit's order, full order, full order without spent wires.
    pub passes: [f64; 3],
}

/// A circuit in the orders that matter.
struct Orders {
    full: gc::Program,
    full_bytes: u64,
    /// In segments, when that moves fewer bytes: full order has all parallelism.
    segment: Option<(gc::Program, u64)>,
}

impl Orders {
    fn of(netlist: &Netlist, engine: &GcEngine) -> Result<Self, ValidateError> {
        let compiled = |order| {
            let program = engine.with_order(order).compile(netlist)?;
            let bytes = engine.streamed_bytes(&program);
            Ok::<_, ValidateError>((program, bytes))
        };
        let ((full, full_bytes), segment) = (compiled(Order::Full)?, compiled(Order::Segment)?);
        Ok(Self { full, full_bytes, segment: Some(segment).filter(|(_, bytes)| *bytes < full_bytes) })
    }

    /// Cycles of computing in full order, those on DDR4 in the better order, decoupled, and joules in full order.
    fn decoupled(&self, engine: &GcEngine) -> Result<[f64; 3], ValidateError> {
        let gc::Detailed { cycles, energy_j, .. } = unbounded(engine, &self.full)?;
        let in_full = cycles as f64;
        let on_ddr4 = decoupled(in_full, self.full_bytes, DDR4);
        let Some((segment, bytes)) = &self.segment else { return Ok([in_full, on_ddr4, energy_j]) };
        Ok([in_full, on_ddr4.min(decoupled(computing(engine, segment)?, *bytes, DDR4)), energy_j])
    }

    /// Cycles on DDR4 in the better order, with the engine's queues.
    fn stepped(&self, engine: &GcEngine) -> Result<f64, ValidateError> {
        let on = |program| Ok::<_, ValidateError>(engine.run(program, Role::Evaluate, DDR4)?.cycles as f64);
        let in_segments = self.segment.as_ref().map(|(program, _)| on(program)).transpose()?;
        Ok(on(&self.full)?.min(in_segments.unwrap_or(f64::INFINITY)))
    }
}

fn runs(program: &Program) -> Result<Runs, ValidateError> {
    let netlist = netlist(program.circuit)?;
    let published = published_tables(16)?;
    let orders = Orders::of(&netlist, &published)?;
    let on = |engines: &u64| orders.decoupled(&published_tables(*engines)?);
    let cycles = GE.par_iter().map(on).collect::<Result<Vec<_>, _>>()?;
    let [in_full, _, energy_j] = cycles.last().copied().unwrap_or([f64::NAN; 3]);
    let kept = GcEngine { esw: false, ..published.clone() };
    let baseline = kept.with_order(Order::Baseline).compile(&netlist)?;
    Ok(Runs {
        gates: orders.full.counts().total() as f64,
        hbm2: cycles.iter().map(|[in_full, _, _]| decoupled(*in_full, orders.full_bytes, HBM2)).collect(),
        energy_j,
        ddr4: cycles.iter().map(|[_, on_ddr4, _]| *on_ddr4).collect(),
        stepped: [orders.stepped(&published)?, orders.stepped(&engine(16)?)?],
        passes: [
            decoupled(computing(&kept, &baseline)?, kept.streamed_bytes(&baseline), DDR4),
            decoupled(in_full, kept.streamed_bytes(&orders.full), DDR4),
            decoupled(in_full, orders.full_bytes, DDR4),
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
