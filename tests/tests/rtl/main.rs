//! The reference RTL of `hw-models/rtl` against the backend, and the model's table of cores against the RTL.
//!
//! Verilator runs every core on vectors that the backend, the `aes` crate and the NTT library make; Yosys counts what
//! it takes of an FPGA. Where a tool is absent its test skips and says so. `PISIM_RTL=require` makes that a failure,
//! `PISIM_RTL=skip` skips both, and `PISIM_RTL=write` prints the tables that were measured and writes them to `hw-models/rtl`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests may fail and tell"
)]

mod aes;
mod arithmetic;
mod bench;
mod cores;
mod engines;
mod gates;
mod tables;
mod tile;
mod tools;
mod words;
mod wrap;
mod yosys;

use bench::Bench;
use cores::{Vectors, vectors};
use pisim_hw_models::rtl::{self, Core};
use tables::Cycles;

/// The largest interval between operations that is tried.
const SLOWEST: u64 = 16;

/// What a core's runs say.
struct Measured {
    interval: u64,
    latency: u64,
    /// Cycles from the first operand to the last result.
    elapsed: u64,
}

/// Runs a core on its vectors at ever larger intervals until it is right, then with idle cycles in between.
fn measure(bench: &Bench, number: usize, vectors: &Vectors) -> Result<Measured, String> {
    let mut last_error = String::new();
    for interval in 1..=SLOWEST {
        let results = bench.run(number, vectors, interval)?;
        match vectors.latency(&results, interval) {
            Ok(latency) => {
                let paused = bench.run(number, &vectors.with_pauses(), interval)?;
                vectors.check(&paused).map_err(|error| format!("with idle cycles, {error}"))?;
                let elapsed = results.last().map_or(0, |result| result.cycle);
                return Ok(Measured { interval, latency, elapsed });
            }
            Err(error) => last_error = error,
        }
    }
    Err(format!("wrong even with an operation every {SLOWEST} cycles: {last_error}"))
}

/// What was measured otherwise than modelled.
fn misses(core: &Core, vectors: &Vectors, found: &Measured) -> Vec<String> {
    let engine = engines::elapsed_cycles(core, vectors).unwrap_or(found.elapsed);
    let rows = [
        ("interval", found.interval, core.interval_cycles),
        ("latency", found.latency, core.latency_cycles),
        ("time of all operations", found.elapsed, engine),
    ];
    let miss = |(what, found, modelled): (&str, u64, u64)| {
        (found != modelled).then(|| format!("{}: {what} of {found} cycles, {modelled} in the model", core.name))
    };
    rows.into_iter().filter_map(miss).collect()
}

#[test]
fn verilated_cores_compute_what_the_backend_does_in_the_cycles_of_the_model() {
    if tools::found("verilator", tools::verilator()).is_none() {
        return;
    }
    let cores = rtl::cores();
    let vectors: Vec<_> = cores.iter().map(vectors).collect();
    let bench = Bench::build(&cores, &vectors).unwrap();
    let (mut measured, mut wrong) = (Vec::new(), Vec::new());
    for (number, (core, vectors)) in cores.iter().zip(&vectors).enumerate() {
        match measure(&bench, number, vectors) {
            Ok(found) => {
                wrong.extend(misses(core, vectors, &found));
                let Measured { interval, latency, .. } = found;
                measured.push(Cycles { core: core.name.clone(), interval, latency });
            }
            Err(error) => wrong.push(format!("{}: {error}", core.name)),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    tables::compare_or_write("cycles.csv", &measured);
}

/// The most that another version of Yosys than the pinned one may differ: 0.23 and 0.70 do by 3 % on other RTL of AES.
const OTHER_VERSION_PCT: f64 = 10.0;

#[test]
fn synthesised_cores_take_what_the_model_says_within_five_per_cent() {
    let Some(yosys) = tools::found("yosys", tools::yosys()) else { return };
    let cores = rtl::cores();
    let measured = yosys::synthesise(&yosys, &cores).unwrap();
    let limit_pct = if yosys.pinned() { 5.0 } else { OTHER_VERSION_PCT };
    let wrong: Vec<_> = cores.iter().zip(&measured).flat_map(|(core, found)| found.misses(core, limit_pct)).collect();
    println!("{measured:#?}");
    assert!(wrong.is_empty(), "{}:\n{}", yosys.version, wrong.join("\n"));
    if yosys.pinned() {
        tables::compare_or_write("resources.csv", &measured);
    }
}
