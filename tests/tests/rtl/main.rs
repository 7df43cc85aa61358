//! The reference RTL of `hw-models/rtl` against the backend, and the model's table of cores against the RTL.
//!
//! Verilator runs every core on vectors that the backend, the `aes` crate and the NTT library make; Yosys counts what it
//! takes of an FPGA. Where a tool is absent its test skips and says so. `PISIM_RTL=require` makes that a failure, and
//! `PISIM_RTL=write` prints the tables that were measured and writes them to `hw-models/rtl`.

mod aes;
mod arithmetic;
mod bench;
mod cores;
mod gates;
mod tables;
mod tile;
mod tools;
mod words;
mod wrap;
mod yosys;

use bench::Bench;
use cores::{Vectors, vectors};
use pisim_hw_models::rtl;
use tables::Cycles;

/// The largest interval between operations that is tried.
const SLOWEST: u64 = 16;

/// Runs a core on its vectors at ever larger intervals until it is right, then with idle cycles in between: the interval and
/// the latency.
fn measure(bench: &Bench, number: usize, vectors: &Vectors) -> Result<(u64, u64), String> {
    let mut last_error = String::new();
    for interval in 1..=SLOWEST {
        match vectors.latency(&bench.run(number, vectors, interval)?, interval) {
            Ok(latency) => {
                let results = bench.run(number, &vectors.with_pauses(), interval)?;
                vectors.check(&results).map_err(|error| format!("with idle cycles, {error}"))?;
                return Ok((interval, latency));
            }
            Err(error) => last_error = error,
        }
    }
    Err(format!("wrong even with an operation every {SLOWEST} cycles: {last_error}"))
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
            Ok((interval, latency)) => {
                if (interval, latency) != (core.interval_cycles, core.latency_cycles) {
                    wrong.push(format!("{}: {interval} and {latency} cycles measured, {core:?} modelled", core.name));
                }
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
    let vectors: Vec<_> = cores.iter().map(vectors).collect();
    let measured = yosys::synthesise(&yosys, &cores, &vectors).unwrap();
    let limit_pct = if yosys.pinned() { 5.0 } else { OTHER_VERSION_PCT };
    let wrong: Vec<_> = cores.iter().zip(&measured).flat_map(|(core, found)| found.misses(core, limit_pct)).collect();
    println!("{measured:#?}");
    assert!(wrong.is_empty(), "{}:\n{}", yosys.version, wrong.join("\n"));
    if yosys.pinned() {
        tables::compare_or_write("resources.csv", &measured);
    }
}
