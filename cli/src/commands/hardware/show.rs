//! `pisim hardware show`: a platform's file, and what it is made of.

use crate::Outcome;
use crate::output::{Output, table};
use anyhow::Result;
use pisim_hw_models::{Accelerator, Component, FpgaResources, PartyHardware, Platform};
use serde::Serialize;
use std::collections::BTreeMap;

/// What a platform's parties are made of.
#[derive(Serialize)]
struct Shown {
    name: String,
    description: String,
    toml: String,
    parties: BTreeMap<&'static str, Party>,
}

#[derive(Serialize)]
struct Party {
    area_mm2: Option<f64>,
    /// Of the accelerators and their memory interfaces, at peak.
    accelerator_power_w: Option<f64>,
    /// Of the whole machine at peak.
    peak_power_w: f64,
    static_power_w: f64,
    /// The host's part of it; all of it where the file does not tell them apart.
    host_static_power_w: f64,
    /// What the accelerators leak while idle, beside the static power.
    idle_leakage_w: f64,
    board: Option<&'static str>,
    /// The fastest clock of this design on its board, or of a published ASIC.
    achievable_clock_hz: Option<f64>,
    /// Used and available, by resource.
    fpga: BTreeMap<&'static str, [u64; 2]>,
    breakdown: Vec<Row>,
}

/// One kind of part.
#[derive(Serialize)]
pub struct Row {
    pub unit: &'static str,
    part: &'static str,
    count: u64,
    area_mm2: Option<f64>,
    power_w: f64,
    leakage_w: f64,
    /// Used, by resource; empty but on an FPGA.
    pub fpga: BTreeMap<&'static str, u64>,
}

pub fn run(name: &str, output: Output) -> Result<Outcome> {
    let source = Platform::source(name)?;
    let platform = Platform::from_source(&source)?;
    let parties = BTreeMap::from([("client", party(&platform.client)), ("server", party(&platform.server))]);
    let shown = Shown { name: platform.name, description: platform.description, toml: source.text, parties };
    output.print(&shown, || {
        let about = shown.parties.iter().map(|(name, party)| commented(&about(name, party)));
        std::iter::once(shown.toml.trim_end().to_owned()).chain(about).collect::<Vec<_>>().join("\n")
    })?;
    Ok(Outcome::Done)
}

fn party(hardware: &PartyHardware) -> Party {
    let on_board = hardware.fpga_use().map(|all| {
        let pairs = all.used.named().into_iter().zip(all.available.named());
        pairs.map(|((name, used), (_, available))| (name, [used, available])).collect()
    });
    let board = hardware.board();
    Party {
        area_mm2: hardware.area_mm2(),
        accelerator_power_w: hardware.accelerator_power_w(),
        peak_power_w: hardware.peak_power_w(),
        static_power_w: hardware.static_power_w,
        host_static_power_w: hardware.host_static_power_w,
        idle_leakage_w: Accelerator::ALL.iter().map(|unit| hardware.idle_leakage_w(*unit)).sum(),
        board: board.map(|board| board.name),
        achievable_clock_hz: hardware.achievable_clock_hz(),
        fpga: on_board.unwrap_or_default(),
        breakdown: breakdown(hardware),
    }
}

/// The parts of a party's hardware.
pub fn breakdown(hardware: &PartyHardware) -> Vec<Row> {
    let board = hardware.board();
    let row = |Component { unit, part }: Component| Row {
        unit,
        part: part.name,
        count: part.count,
        area_mm2: part.area_mm2,
        power_w: part.power_w,
        leakage_w: part.leakage_w,
        fpga: board.map(|board| resources(&board.in_blocks(part.fpga))).unwrap_or_default(),
    };
    hardware.breakdown().into_iter().map(row).collect()
}

/// Resources by name.
pub fn resources(resources: &FpgaResources) -> BTreeMap<&'static str, u64> {
    resources.named().into_iter().collect()
}

fn about(name: &str, party: &Party) -> String {
    let area = party.area_mm2.map(|area| format!("{area:.1} mm2 and ")).unwrap_or_default();
    let own = party.accelerator_power_w.map(|own| format!("{area}{own:.1} W of accelerators, ")).unwrap_or_default();
    let mut text =
        format!("{name}: {own}{:.1} W in all at peak, {:.1} W static", party.peak_power_w, party.static_power_w);
    if party.idle_leakage_w > 0.0 {
        text += &format!(", {:.2} W leaked by idle accelerators", party.idle_leakage_w);
    }
    for (resource, [used, available]) in &party.fpga {
        text += &format!("\n  {resource}: {used} of {available}");
    }
    if let Some(clock_hz) = party.achievable_clock_hz {
        text += &format!("\n  clock: at most {:.0} MHz", (clock_hz / 1e6).floor());
    }
    if party.area_mm2.is_some() || party.board.is_some() {
        text += &format!("\n{}", parts(party));
    }
    text
}

/// Area and power, or resources and power, by part.
fn parts(party: &Party) -> String {
    let power = |row: &Row| format!("{:.4}", row.power_w);
    let label = |row: &Row| [row.unit.to_owned(), row.part.to_owned(), row.count.to_string()];
    if party.board.is_some() {
        let rows = party.breakdown.iter().map(|row| {
            let of = |name: &str| row.fpga.get(name).filter(|used| **used > 0).map(u64::to_string).unwrap_or_default();
            let ([unit, part, count], power) = (label(row), power(row));
            let [lut, ff, dsp, bram36, uram] = ["lut", "ff", "dsp", "bram36", "uram"].map(of);
            [unit, part, count, lut, ff, dsp, bram36, uram, power]
        });
        let header = ["unit", "part", "count", "lut", "ff", "dsp", "bram36", "uram", "peak W"];
        return table(&header, &[2, 3, 4, 5, 6, 7, 8], rows);
    }
    let rows = party.breakdown.iter().map(|row| {
        let [unit, part, count] = label(row);
        let area = row.area_mm2.map(|area| format!("{area:.4}")).unwrap_or_default();
        [unit, part, count, area, power(row), format!("{:.4}", row.leakage_w)]
    });
    table(&["unit", "part", "count", "mm2", "peak W", "leaks W"], &[2, 3, 4, 5], rows)
}

/// Each line as a comment of a platform file, so that what is shown can be loaded.
fn commented(text: &str) -> String {
    text.lines().map(|line| format!("# {line}")).collect::<Vec<_>>().join("\n")
}
