//! Synthesises every core for UltraScale+ and counts what it takes.

use super::tables::Resources;
use super::tools::{Yosys, run, sources};
use super::wrap;
use pisim_hw_models::rtl::Core;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use tempfile::TempDir;

/// What `stat -json` says of every module: its own cells, and modules in it, by type.
#[derive(Deserialize)]
struct Statistics {
    modules: BTreeMap<String, Module>,
}

#[derive(Deserialize)]
struct Module {
    num_cells_by_type: BTreeMap<String, u64>,
}

impl Statistics {
    /// Adds what `count` of a module, or of a cell, are made of.
    fn add(&self, kind: &str, count: u64, cells: &mut BTreeMap<String, u64>) {
        let module = self.modules.get(kind).or_else(|| self.modules.get(&format!("\\{kind}")));
        let Some(module) = module else {
            *cells.entry(kind.to_owned()).or_default() += count;
            return;
        };
        module.num_cells_by_type.iter().for_each(|(kind, each)| self.add(kind, count * each, cells));
    }
}

/// What every core takes. Cores that share modules (an S-box, a round, a multiplier) are synthesised in one run with
/// their hierarchy, so that each module is synthesised once; then each core is counted by itself. Not all in one run:
/// the time of Yosys' ABC9 grows with modules times cells.
pub fn synthesise(yosys: &Yosys, cores: &[Core]) -> Result<Vec<Resources>, String> {
    let mut measured = Vec::new();
    for together in cores.chunk_by(|one, next| family(one) == family(next)) {
        measured.extend(run_together(yosys, together)?);
    }
    Ok(measured)
}

/// What is synthesised together: all that is made of AES, narrow and wide modular arithmetic, cells.
fn family(core: &Core) -> (&'static str, bool) {
    let width = core.parameters.iter().find(|(name, _)| *name == "WIDTH").map_or(0, |(_, width)| *width);
    match core.module {
        "mod_multiplier" | "mod_butterfly" => ("modular", width > 40),
        "ring_mac" | "mac_tile" => ("ring", false),
        _ => ("gates", false),
    }
}

fn run_together(yosys: &Yosys, cores: &[Core]) -> Result<Vec<Resources>, String> {
    let folder = TempDir::new().map_err(|error| error.to_string())?;
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).map_err(|error| error.to_string());
    // The WebAssembly build sees the current folder only.
    let mut script = "read_verilog all.v".to_owned();
    for file in sources() {
        let name = file.file_name().ok_or("a file without a name")?;
        fs::copy(&file, folder.path().join(name)).map_err(|error| error.to_string())?;
        script += &format!(" {}", name.display());
    }
    script += "\nsynth_xilinx -family xcup -top all -run begin:check\ntee -q -o all.json stat -json\n";
    write("all.v", &wrap::unconnected(cores))?;
    write("cores.ys", &script)?;
    run(Command::new(&yosys.program).args(["-q", "-s", "cores.ys"]).current_dir(folder.path()))?;
    let text = fs::read_to_string(folder.path().join("all.json")).map_err(|error| error.to_string())?;
    let statistics: Statistics = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let counted = |core: &Core| {
        let mut cells = BTreeMap::new();
        statistics.add(&format!("core_{}", core.name), 1, &mut cells);
        counted(&core.name, &cells)
    };
    Ok(cores.iter().map(counted).collect())
}

/// Cells as the model counts them: shift registers are made of LUTs, and two small block RAMs are a large one.
fn counted(core: &str, cells: &BTreeMap<String, u64>) -> Resources {
    let sum = |wanted: &[&str]| cells.iter().filter(|(name, _)| wanted.contains(&name.as_str())).map(|(_, n)| n).sum();
    let shift: u64 = sum(&["SRL16E", "SRLC16E", "SRLC32E"]);
    let logic: u64 = sum(&["LUT1", "LUT2", "LUT3", "LUT4", "LUT5", "LUT6", "INV"]);
    let small: u64 = sum(&["RAMB18E2"]);
    Resources {
        core: core.to_owned(),
        lut: logic + shift,
        ff: sum(&["FDRE", "FDSE", "FDCE", "FDPE"]),
        dsp: sum(&["DSP48E2"]),
        bram36: sum(&["RAMB36E2"]) + small.div_ceil(2),
    }
}
