//! Synthesises every core for UltraScale+ and counts what it takes.

use super::cores::Vectors;
use super::tables::Resources;
use super::tools::{Yosys, run, sources};
use super::wrap;
use pisim_hw_models::rtl::Core;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use tempfile::TempDir;

/// What `stat -json` says of the whole design.
#[derive(Deserialize)]
struct Statistics {
    design: Design,
}

#[derive(Deserialize)]
struct Design {
    num_cells_by_type: BTreeMap<String, u64>,
}

/// What every core takes. One run synthesises the bench of all cores with its hierarchy, so that what they share (an S-box,
/// a round) is synthesised once; then each core is counted by itself.
pub fn synthesise(yosys: &Yosys, cores: &[Core], vectors: &[Vectors]) -> Result<Vec<Resources>, String> {
    let folder = TempDir::new().map_err(|error| error.to_string())?;
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).map_err(|error| error.to_string());
    // The WebAssembly build sees the current folder only.
    let mut script = "read_verilog bench.v".to_owned();
    for file in sources() {
        let name = file.file_name().ok_or("a file without a name")?;
        fs::copy(&file, folder.path().join(name)).map_err(|error| error.to_string())?;
        script += &format!(" {}", name.display());
    }
    script += "\nsynth_xilinx -family xcup -top bench\n";
    for Core { name, .. } in cores {
        script += &format!("tee -q -o {name}.json stat -json -top core_{name}\n");
    }
    write("bench.v", &wrap::bench(cores, vectors))?;
    write("cores.ys", &script)?;
    run(Command::new(&yosys.program).args(["-q", "-s", "cores.ys"]).current_dir(folder.path()))?;
    let read = |core: &Core| {
        let text = fs::read_to_string(folder.path().join(format!("{}.json", core.name)));
        let text = text.map_err(|error| format!("{}: {error}", core.name))?;
        let statistics: Statistics = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", core.name))?;
        Ok(counted(&core.name, &statistics.design.num_cells_by_type))
    };
    cores.iter().map(read).collect()
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
