//! `pisim hardware`.

use crate::Outcome;
use crate::args::{HardwareArgs, HardwareCommand};
use crate::commands::explore;
use crate::output::{Output, table};
use anyhow::{Context, Result};
use pisim_hw_models::{PartyHardware, Platform};
use pisim_settings::Source;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Listed {
    name: String,
    description: String,
}

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
    peak_power_w: f64,
    fpga: BTreeMap<String, [u64; 2]>,
}

pub fn run(args: &HardwareArgs, output: Output) -> Result<Outcome> {
    match &args.command {
        HardwareCommand::List => list(output)?,
        HardwareCommand::Show { hardware } => show(hardware, output)?,
        HardwareCommand::Explore(args) => return explore::run(args, output),
    }
    Ok(Outcome::Done)
}

fn list(output: Output) -> Result<()> {
    let names = Platform::builtin_names();
    let listed = |name: &&str| {
        let platform = Platform::builtin(name)?;
        Ok(Listed { name: platform.name, description: platform.description })
    };
    let platforms: Vec<Listed> = names.iter().map(listed).collect::<Result<_>>()?;
    output.print(&platforms, || {
        let rows = platforms.iter().map(|platform| [platform.name.clone(), platform.description.clone()]);
        table(&["platform", "what it is"], &[], rows)
    })
}

fn show(name: &str, output: Output) -> Result<()> {
    let platform = Platform::named_or_file(name)?;
    let toml = match Platform::builtin_text(name) {
        Some(text) => text.to_owned(),
        None => Source::read(name).context("cannot show the platform")?.text,
    };
    let parties = BTreeMap::from([("client", party(&platform.client)), ("server", party(&platform.server))]);
    let shown = Shown { name: platform.name, description: platform.description, toml, parties };
    output.print(&shown, || {
        let mut text = shown.toml.clone();
        for (name, party) in &shown.parties {
            let area = party.area_mm2.map(|area| format!("{area:.1} mm2 of accelerators, ")).unwrap_or_default();
            text += &format!("\n# {name}: {area}{:.1} W at peak", party.peak_power_w);
            for (resource, [used, available]) in &party.fpga {
                text += &format!("\n#   {resource}: {used} of {available}");
            }
        }
        text
    })
}

fn party(hardware: &PartyHardware) -> Party {
    let fpga = hardware.fpga_use().map(|fpga| {
        let available: BTreeMap<String, u64> =
            fpga.available.named().into_iter().map(|(name, count)| (name.to_string(), count)).collect();
        let row =
            |(name, used): (&str, u64)| (name.to_owned(), [used, available.get(name).copied().unwrap_or_default()]);
        fpga.used.named().into_iter().map(|(name, used)| row((name, used))).collect()
    });
    Party { area_mm2: hardware.area_mm2(), peak_power_w: hardware.peak_power_w(), fpga: fpga.unwrap_or_default() }
}
