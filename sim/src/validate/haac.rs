//! HAAC (Mo, Gopinath, Reagen, ISCA'23) against the detailed garbled-circuit engine of the platform `haac-hbm2`.
//!
//! Figures are as reproduced in a published review of the paper (tables), in its authors' DISCC'23 summary (Fig. 2, read from the
//! vector drawing) and in bitmaps of its figures (within 2 %). Circuits are the generators of `pisim_protocol::netlist`, in the manner
//! of EMP. The paper's table of programs (gates, AND share, levels) was not at hand, so sizes are those that its times imply.
//!
//! Latencies (20 and 17 cycles for an AND, 3 for an XOR, 6 at the start) are fitted to the Add and Million rows alone.

use super::haac_data::{
    EFFICIENCY, GE, MEMORY_MW, MICROBENCHMARKS, PASS_SPEEDUPS, PHY_MW, PROGRAMS, Program, SHARES as PUBLISHED_SHARES,
    WINDOWS,
};
use super::model::Model;
use super::targets::{About, Compare, about, case};
use super::{Case, Limits, Set, Target, ValidateError};
use crate::circuits::with_constants;
use pisim_hw_models::gc::{self, MemoryPort, Netlist, Order, Role};
use pisim_hw_models::{GcEngine, Platform};
use pisim_protocol::netlist::circuit;
use rayon::prelude::*;
use std::sync::OnceLock;

const TABLE5: &str = "HAAC (ISCA'23), Table 5, 16 engines";
const FIG2: &str = "HAAC summary (DISCC'23), Fig. 2";
const TABLE4: &str = "HAAC (ISCA'23), Table 4";

pub(super) const MICRO: (About, Compare) =
    (about("haac-microbenchmarks", "garbler's time (cycles at 1 GHz)", TABLE5), micro);
pub(super) const SCALING: (About, Compare) =
    (about("haac-scaling", "speed over 1 engine, HBM2, 2 to 16 engines", FIG2), scaling);
pub(super) const PLATEAU: (About, Compare) =
    (about("haac-ddr4-plateau", "bytes per gate that bound 16 engines on DDR4", FIG2), plateau);
pub(super) const KNEE: (About, Compare) = (about("haac-ddr4-knee", "engines that saturate DDR4", FIG2), knee);
pub(super) const PASSES: (About, Compare) = (
    about("haac-passes", "speed over the pass before, 16 engines, DDR4", "HAAC (ISCA'23), compiler figure (bitmap)"),
    passes,
);
pub(super) const WINDOW: (About, Compare) = (
    about(
        "haac-window",
        "wire traffic and compute over those at 2 MiB, full order",
        "HAAC (ISCA'23), wire-traffic figure (bitmap)",
    ),
    window,
);
pub(super) const SILICON: (About, Compare) =
    (about("haac-silicon", "area (mm2) and power (W) of 16 engines", TABLE4), silicon);
pub(super) const SHARES: (About, Compare) = (
    about(
        "haac-energy-shares",
        "shares of energy, 100 + difference in points",
        "HAAC (ISCA'23), energy figure (bitmap)",
    ),
    shares,
);

/// DDR4-4400 and HBM2 as the paper assumes them, in bytes per cycle at 1 GHz. Streams hide the latency.
const DDR4: MemoryPort = MemoryPort { bytes_per_cycle: 35.2, latency_cycles: 47.0 };
const HBM2: MemoryPort = MemoryPort { bytes_per_cycle: 512.0, latency_cycles: 47.0 };

/// Four banks for each engine, as HAAC's 64 for 16.
const BANKS_PER_ENGINE: u64 = 4;

fn engine(engines: u64) -> Result<GcEngine, ValidateError> {
    let platform = Platform::builtin("haac-hbm2")?;
    let missing = || ValidateError::Data { table: "haac-hbm2.toml", problem: "there is no `server.gc_engine`".into() };
    let engine = platform.server.gc_engine.ok_or_else(missing)?;
    Ok(GcEngine { engines, wire_banks: BANKS_PER_ENGINE * engines, ..engine })
}

fn netlist(name: &str) -> Result<Netlist, ValidateError> {
    let named = circuit(name)?;
    Ok(with_constants(&named.netlist.circuit, &named.netlist.constants))
}

fn cycles(engine: &GcEngine, program: &gc::Program, role: Role, port: MemoryPort) -> Result<f64, ValidateError> {
    Ok(engine.run(program, role, port)?.cycles as f64)
}

fn micro(_: &Model, about: &About) -> Result<Vec<Target>, ValidateError> {
    let engine = engine(16)?;
    let sets = [(Set::Fitted, Limits { mean: 1.0, max: 2.0 }), (Set::Seen, Limits { mean: 10.0, max: 20.0 })];
    let target = |(set, limits)| {
        let rows = MICROBENCHMARKS.iter().filter(|row| row.fitted == (set == Set::Fitted));
        let compared = rows.map(|row| {
            let program = engine.compile(&netlist(row.circuit)?)?;
            Ok(case(row.name, row.cycles, cycles(&engine, &program, Role::Garble, HBM2)?))
        });
        Ok(Target::new(about, "-", set, limits, compared.collect::<Result<_, ValidateError>>()?))
    };
    sets.into_iter().map(target).collect()
}

/// An evaluator's cycles of a program on 1 to 16 engines. On DDR4, the better of both orders.
struct Scaled {
    hbm2: Vec<f64>,
    ddr4: Vec<f64>,
    gates: f64,
    /// Bytes of tables and instructions.
    streams: f64,
}

fn scaled(program: &Program) -> Result<Scaled, ValidateError> {
    let netlist = netlist(program.circuit)?;
    let first = engine(1)?;
    let [full, segment] = [Order::Full, Order::Segment].map(|order| first.with_order(order).compile(&netlist));
    let (full, segment) = (full?, segment?);
    let on = |engines: &u64| {
        let engine = engine(*engines)?;
        let on = |program, port| cycles(&engine, program, Role::Evaluate, port);
        Ok::<_, ValidateError>((on(&full, HBM2)?, on(&full, DDR4)?.min(on(&segment, DDR4)?)))
    };
    let (hbm2, ddr4) = GE.par_iter().map(on).collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
    let traffic = first.traffic(&full);
    Ok(Scaled {
        hbm2,
        ddr4,
        gates: full.counts().total() as f64,
        streams: (traffic.tables + traffic.instructions) as f64,
    })
}

/// All programs, which three targets share.
fn all_scaled() -> Result<&'static [(&'static Program, Scaled)], ValidateError> {
    static ALL: OnceLock<Vec<(&'static Program, Scaled)>> = OnceLock::new();
    if let Some(all) = ALL.get() {
        return Ok(all);
    }
    let all =
        PROGRAMS.par_iter().map(|program| Ok((program, scaled(program)?))).collect::<Result<_, ValidateError>>()?;
    Ok(ALL.get_or_init(|| all))
}

fn over_first(values: &[f64]) -> impl Iterator<Item = f64> + '_ {
    let first = values.first().copied().unwrap_or(f64::NAN);
    values.iter().skip(1).map(move |value| value / first)
}

fn scaling(_: &Model, about: &About) -> Result<Vec<Target>, ValidateError> {
    let all = all_scaled()?;
    let of = |sort: bool| {
        let programs = all.iter().filter(move |(program, _)| (program.name == "BubbSt") == sort);
        let cases = programs.flat_map(|(program, scaled)| {
            let modelled = over_first(&scaled.hbm2).map(|ratio| 1.0 / ratio);
            let pairs = over_first(&program.hbm2).zip(modelled).zip(GE.iter().skip(1));
            pairs.map(|((published, modelled), engines)| {
                case(format!("{}, {engines}", program.name), published, modelled)
            })
        });
        cases.collect::<Vec<_>>()
    };
    Ok(vec![
        Target::new(about, "-", Set::Seen, Limits { mean: 5.0, max: 15.0 }, of(false)),
        // The published program has less parallelism than neighbours' swaps in EMP's gates; its circuit is not known.
        Target::new(about, "BubbSt", Set::Seen, Limits { mean: 20.0, max: 35.0 }, of(true)),
    ])
}

fn plateau(_: &Model, about: &About) -> Result<Vec<Target>, ValidateError> {
    let all = all_scaled()?;
    // 35.2 bytes per nanosecond over the published speed of 16 engines on DDR4, in gates of one engine on HBM2.
    let published = |program: &Program| match (program.hbm2.first(), program.ddr4.last()) {
        (Some(one), Some(bound)) => DDR4.bytes_per_cycle * one / bound,
        _ => f64::NAN,
    };
    let whole = |scaled: &Scaled| DDR4.bytes_per_cycle * scaled.ddr4.last().copied().unwrap_or(f64::NAN) / scaled.gates;
    let cases = |names: &[&str], bytes: &dyn Fn(&Scaled) -> f64| {
        let programs = all.iter().filter(|(program, _)| names.contains(&program.name));
        programs.map(|(program, scaled)| case(program.name, published(program), bytes(scaled))).collect::<Vec<Case>>()
    };
    let (near, far): (&[&str], &[&str]) = (&["ReLU", "MatMult", "DotProd"], &["BubbSt", "Hamm"]);
    Ok(vec![
        // The published plateaus of these are filled by tables and instructions alone …
        Target::new(
            about,
            "streams",
            Set::Predicted,
            Limits { mean: 10.0, max: 15.0 },
            cases(near, &|s| s.streams / s.gates),
        ),
        // … so that the wires which leave the window come on top.
        Target::new(about, "all", Set::Predicted, Limits { mean: 30.0, max: 45.0 }, cases(near, &whole)),
        // These imply fewer ANDs per gate than EMP's circuits have.
        Target::new(about, "other circuits", Set::Predicted, Limits { mean: 65.0, max: 75.0 }, cases(far, &whole)),
    ])
}

/// The fewest engines that reach the plateau, to 0.2 %.
fn saturates(speeds: &[f64]) -> f64 {
    let most = speeds.iter().copied().fold(0.0, f64::max);
    let found = speeds.iter().zip(GE).find(|(speed, _)| **speed >= 0.998 * most);
    found.map_or(f64::NAN, |(_, engines)| engines as f64)
}

fn knee(_: &Model, about: &About) -> Result<Vec<Target>, ValidateError> {
    let cases = all_scaled()?.iter().map(|(program, scaled)| {
        let speeds: Vec<f64> = scaled.ddr4.iter().map(|cycles| 1.0 / cycles).collect();
        case(program.name, saturates(&program.ddr4), saturates(&speeds))
    });
    // To a doubling: engines are doubled from row to row, and 64 elements of BubbSt are less parallel than 256.
    Ok(vec![Target::new(about, "-", Set::Predicted, Limits { mean: 50.0, max: 100.0 }, cases.collect())])
}

fn passes(_: &Model, about: &About) -> Result<Vec<Target>, ValidateError> {
    let steps = |row: &super::haac_data::Passes| {
        let netlist = netlist(row.circuit)?;
        let engine = engine(16)?;
        let run = |order, esw| {
            let engine = GcEngine { esw, ..engine.with_order(order) };
            cycles(&engine, &engine.compile(&netlist)?, Role::Evaluate, DDR4)
        };
        let [baseline, ordered, all] =
            [run(Order::Baseline, false)?, run(Order::Full, false)?, run(Order::Full, true)?];
        let [before, reordered, spent] = row.speedups;
        Ok::<_, ValidateError>([
            case(format!("{}, order and renaming", row.name), reordered / before, baseline / ordered),
            case(format!("{}, spent wires", row.name), spent / reordered, ordered / all),
        ])
    };
    let both = PASS_SPEEDUPS.par_iter().map(steps).collect::<Result<Vec<_>, _>>()?;
    let pick = |index: usize| both.iter().filter_map(|cases| cases.get(index).cloned()).collect::<Vec<Case>>();
    Ok(vec![
        Target::new(about, "order", Set::Predicted, Limits { mean: 20.0, max: 50.0 }, pick(0)),
        Target::new(about, "spent wires", Set::Predicted, Limits { mean: 20.0, max: 40.0 }, pick(1)),
    ])
}

fn window(_: &Model, about: &About) -> Result<Vec<Target>, ValidateError> {
    let netlist = netlist(WINDOWS.circuit)?;
    let at = |(mib_halves, order): (u64, Order)| {
        let engine = GcEngine { wire_memory_bytes: mib_halves << 19, ..engine(16)?.with_order(order) };
        let program = engine.compile(&netlist)?;
        let traffic = engine.traffic(&program);
        let compute = cycles(&engine, &program, Role::Evaluate, MemoryPort::UNBOUNDED)?;
        Ok::<_, ValidateError>(((traffic.wires_read + traffic.wires_written) as f64, compute))
    };
    let runs: Vec<(u64, Order)> =
        [Order::Full, Order::Segment].into_iter().flat_map(|order| [1, 2, 4].map(|size| (size, order))).collect();
    let modelled = runs.into_par_iter().map(at).collect::<Result<Vec<_>, _>>()?;
    let base = modelled.get(2).copied().unwrap_or((f64::NAN, f64::NAN));
    let compared = WINDOWS.rows.iter().zip(modelled).map(|(row, (wires, compute))| {
        [
            case(format!("{}, wires", row.name), row.wire_ms / WINDOWS.full_2mib[0], wires / base.0),
            case(format!("{}, compute", row.name), row.compute_ms / WINDOWS.full_2mib[1], compute / base.1),
        ]
    });
    let cases =
        compared.flatten().filter(|case| case.case != "full 2 MiB, wires" && case.case != "full 2 MiB, compute");
    Ok(vec![Target::new(about, "MatMult", Set::Predicted, Limits { mean: 15.0, max: 35.0 }, cases.collect())])
}

fn silicon(_: &Model, about: &About) -> Result<Vec<Target>, ValidateError> {
    let engine = engine(16)?;
    let cases =
        vec![case("area", 4.33, engine.area_mm2().unwrap_or(f64::NAN)), case("power", 1.502, engine.peak_power_w())];
    Ok(vec![Target::new(about, "-", Set::Fitted, Limits { mean: 1.0, max: 1.0 }, cases)])
}

/// On-chip memory, crossbar and memory interface draw Table 4's power all the time; what is left of a program's power, which
/// follows from its published speed and efficiency, is the half gates'.
fn shares(_: &Model, about: &About) -> Result<Vec<Target>, ValidateError> {
    let cases = PUBLISHED_SHARES.iter().zip(EFFICIENCY).flat_map(|(row, [speedup, efficiency])| {
        let power_mw = 25_000.0 * speedup / efficiency;
        let crossbar = 16.6;
        let parts = [power_mw - MEMORY_MW - PHY_MW - crossbar, crossbar, MEMORY_MW, PHY_MW];
        let names = ["half gates", "crossbar", "SRAM", "PHY"];
        let points =
            parts.into_iter().zip(row.percent).map(move |(part, published)| 100.0 * part / power_mw - published);
        names.into_iter().zip(points).map(|(part, points)| case(format!("{}, {part}", row.name), 100.0, 100.0 + points))
    });
    Ok(vec![Target::new(about, "-", Set::Seen, Limits { mean: 3.0, max: 3.0 }, cases.collect())])
}
