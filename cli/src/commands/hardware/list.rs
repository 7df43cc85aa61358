//! `pisim hardware list`: platforms, and FPGA boards.

use super::show::resources;
use crate::Outcome;
use crate::args::{ListArgs, MadeOf};
use crate::output::{Output, table};
use anyhow::Result;
use pisim_hw_models::{BOARDS, Board, Fabric, PartyHardware, Platform};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Listed {
    name: String,
    description: String,
    parties: BTreeMap<&'static str, Party>,
}

#[derive(Serialize)]
struct Party {
    /// `asic`, `fpga` or `cpu`.
    kind: &'static str,
    /// The node or the board.
    made_of: Option<String>,
    /// Of the accelerators and their memory interfaces.
    area_mm2: Option<f64>,
    /// Of the same, at peak.
    accelerator_power_w: Option<f64>,
    /// Of the whole machine at peak: host, memory and accelerators.
    peak_power_w: f64,
}

pub fn run(args: &ListArgs, output: Output) -> Result<Outcome> {
    let wanted = args.filter.as_deref().unwrap_or_default().to_lowercase();
    let matches = |texts: &[&str]| texts.iter().any(|text| text.to_lowercase().contains(&wanted));
    if args.boards {
        let found = BOARDS.iter().filter(|board| matches(&[board.name, board.part]));
        boards(&found.map(ListedBoard::new).collect::<Vec<_>>(), output)?;
        return Ok(Outcome::Done);
    }
    let names = Platform::builtin_names();
    let mut platforms: Vec<Listed> =
        names.iter().map(|name| Ok(listed(Platform::builtin(name)?))).collect::<Result<_>>()?;
    platforms.retain(|platform| matches(&[&platform.name, &platform.description]));
    if let Some(kind) = args.kind {
        let is = |party: &Party| party.kind == kind_name(kind);
        platforms.retain(|platform| match kind {
            MadeOf::Cpu => platform.parties.values().all(is),
            MadeOf::Asic | MadeOf::Fpga => platform.parties.values().any(is),
        });
    }
    output.print(&platforms, || {
        let rows = platforms.iter().map(|platform| {
            let of = |party: &str| platform.parties.get(party).map(short).unwrap_or_default();
            [platform.name.clone(), of("client"), of("server"), platform.description.clone()]
        });
        let listed = table(&["platform", "client", "server", "what it is"], &[], rows);
        format!("{listed}\nmm2 and W: accelerators with their memory interfaces; in all: with host, memory and an FPGA's card. Modelled, at peak.")
    })?;
    Ok(Outcome::Done)
}

fn listed(platform: Platform) -> Listed {
    let parties = BTreeMap::from([("client", party(&platform.client)), ("server", party(&platform.server))]);
    Listed { name: platform.name, description: platform.description, parties }
}

fn kind_name(kind: MadeOf) -> &'static str {
    match kind {
        MadeOf::Asic => "asic",
        MadeOf::Fpga => "fpga",
        MadeOf::Cpu => "cpu",
    }
}

fn party(hardware: &PartyHardware) -> Party {
    let (kind, made_of) = match hardware.fabric {
        Some(Fabric::Silicon { node_nm, .. }) => (MadeOf::Asic, Some(format!("{node_nm} nm"))),
        Some(Fabric::Fpga(board)) => (MadeOf::Fpga, Some(board.name.to_owned())),
        None => (MadeOf::Cpu, None),
    };
    let (kind, area_mm2) = (kind_name(kind), hardware.area_mm2());
    let (accelerator_power_w, peak_power_w) = (hardware.accelerator_power_w(), hardware.peak_power_w());
    Party { kind, made_of, area_mm2, accelerator_power_w, peak_power_w }
}

/// One party in a cell: `asic, 14 nm: 151 mm2, 180 W (in all 256 W)`.
fn short(party: &Party) -> String {
    let made_of = party.made_of.as_ref().map(|made_of| format!(", {made_of}")).unwrap_or_default();
    let area = party.area_mm2.map(|area| format!("{area:.0} mm2, ")).unwrap_or_default();
    match party.accelerator_power_w {
        Some(own) => format!("{}{made_of}: {area}{own:.0} W (in all {:.0} W)", party.kind, party.peak_power_w),
        None => format!("{}: in all {:.0} W", party.kind, party.peak_power_w),
    }
}

#[derive(Serialize)]
struct ListedBoard {
    name: &'static str,
    part: &'static str,
    node_nm: u32,
    slrs: usize,
    user_region: BTreeMap<&'static str, u64>,
    /// What a design can fill.
    budget: BTreeMap<&'static str, u64>,
    memories: Vec<ListedMemory>,
    static_power_w: f64,
    /// Of a design that fills the budget of some resource, and of one that uses next to nothing.
    clock_hz: [f64; 2],
}

#[derive(Serialize)]
struct ListedMemory {
    kind: String,
    channels: u64,
    bandwidth_bytes_per_s: f64,
}

impl ListedBoard {
    fn new(board: &Board) -> Self {
        let memory = |memory: &pisim_hw_models::BoardMemory| ListedMemory {
            kind: format!("{:?}", memory.kind).to_lowercase(),
            channels: memory.channels,
            bandwidth_bytes_per_s: memory.bytes_per_s(),
        };
        Self {
            name: board.name,
            part: board.part,
            node_nm: board.node_nm,
            slrs: board.slrs.len(),
            user_region: resources(&board.user_region),
            budget: resources(&board.available()),
            memories: board.memories.iter().map(memory).collect(),
            static_power_w: board.static_power_w,
            clock_hz: [board.available(), Default::default()].map(|used| board.achievable_clock_hz(&used)),
        }
    }
}

fn boards(boards: &[ListedBoard], output: Output) -> Result<()> {
    output.print(&boards, || {
        let rows = boards.iter().map(|board| {
            let of = |name: &str| board.budget.get(name).map(u64::to_string).unwrap_or_default();
            let memories = board.memories.iter().map(|memory| {
                format!("{} {:.0} GB/s", memory.kind.to_uppercase(), memory.bandwidth_bytes_per_s / 1e9)
            });
            let memories = memories.collect::<Vec<_>>().join(", ");
            let clock = format!("{:.0}–{:.0}", board.clock_hz[0] / 1e6, board.clock_hz[1] / 1e6);
            let slrs = board.slrs.to_string();
            let [lut, ff, dsp, bram36, uram] = ["lut", "ff", "dsp", "bram36", "uram"].map(of);
            [board.name.to_owned(), board.part.to_owned(), slrs, lut, ff, dsp, bram36, uram, memories, clock]
        });
        let header = ["board", "part", "SLRs", "lut", "ff", "dsp", "bram36", "uram", "memory", "MHz"];
        let budgets = table(&header, &[2, 3, 4, 5, 6, 7, 9], rows);
        format!("{budgets}\nWhat a design can fill: 70 % of the LUTs, 50 % of the FFs, 80 % of the rest. MHz: a design that fills one of them – one that\nfills none to one half (the fastest published of the family).")
    })
}
