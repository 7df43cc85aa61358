//! All cores under Verilator: one build, and runs of single cores.

use super::cores::{Arrival, Vectors};
use super::tools::{rtl_folder, run, sources};
use super::words::Row;
use super::wrap::{self, digits};
use pisim_hw_models::rtl::Core;
use std::fs;
use std::process::Command;
use tempfile::TempDir;

/// The cores, built for simulation.
pub struct Bench {
    folder: TempDir,
}

impl Bench {
    /// Translates the cores to C++ and compiles them with the harness.
    pub fn build(cores: &[Core], vectors: &[Vectors]) -> Result<Self, String> {
        let folder = TempDir::new().map_err(|error| error.to_string())?;
        let top = folder.path().join("bench.v");
        fs::write(&top, wrap::bench(cores, vectors)).map_err(|error| error.to_string())?;
        let mut verilator = Command::new("verilator");
        // The AES pipelines, of which there are twenty, are translated and compiled once each (`hier_block` in their sources).
        verilator.args(["--cc", "--exe", "--build", "--hierarchical", "-j", "2"]);
        verilator.args(["--x-initial", "unique", "--top-module", "bench"]);
        // Vectors are few: optimised C++ would take longer to compile than to run.
        verilator.args(["-CFLAGS", "-O0"]).arg("--Mdir").arg(folder.path().join("build"));
        run(verilator.arg(top).args(sources()).arg(rtl_folder().join("harness.cpp")))?;
        Ok(Self { folder })
    }

    /// Runs the operations of one core, one every `interval` cycles; what came out, in order.
    pub fn run(&self, core: usize, vectors: &Vectors, interval: u64) -> Result<Vec<Arrival>, String> {
        let file = self.folder.path().join(format!("vectors-{core}"));
        let line = |row: &Row| if row.is_empty() { "-".to_owned() } else { row.concat() };
        let first =
            format!("{core} {}", if vectors.statics.is_empty() { "0".into() } else { vectors.statics.concat() });
        let lines: Vec<_> = std::iter::once(first).chain(vectors.operations.iter().map(line)).collect();
        fs::write(&file, lines.join("\n") + "\n").map_err(|error| error.to_string())?;
        let mut bench = Command::new(self.folder.path().join("build/Vbench"));
        // Registers start with random values, the same in every run.
        bench.arg(&file).arg(interval.to_string()).args(["+verilator+rand+reset+2", "+verilator+seed+7"]);
        run(&mut bench)?.lines().map(|line| arrival(line, vectors)).collect()
    }
}

/// A printed result: its cycle, and a number of which the ports are the last digits.
fn arrival(line: &str, vectors: &Vectors) -> Result<Arrival, String> {
    let parts = line.split_once(' ').and_then(|(cycle, value)| Some((cycle.parse().ok()?, value)));
    let (cycle, value) = parts.ok_or_else(|| format!("`{line}` is no result"))?;
    let mut rest = value;
    let mut values = Vec::new();
    for (_, bits) in vectors.ports.outputs.iter().rev() {
        let (before, port) = rest.split_at(rest.len() - digits(*bits));
        values.insert(0, port.to_owned());
        rest = before;
    }
    Ok(Arrival { cycle, values })
}
