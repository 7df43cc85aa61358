//! `pisim net`.

mod budget;
mod equalize;
mod ladder;

use super::export::random_onnx;
use crate::Outcome;
use crate::args::{NetArgs, NetCommand, NetworkOptions};
use crate::files::write_whole;
use crate::output::{Output, table};
use crate::select;
use anyhow::{Context, Result, bail};
use pisim_netgen::{FAMILIES, NetworkSpec, Transform, shipped_networks};
use pisim_reports::tables;
use serde::Serialize;
use std::fs;
use std::path::Path;

/// Seed of the random weights of ONNX files that are written beside others, the default of `net export`.
const WEIGHT_SEED: u64 = 0;

#[derive(Serialize)]
struct Listed {
    name: String,
    description: String,
    params: u64,
    macs: u64,
    relus: u64,
}

pub fn run(args: &NetArgs, output: Output) -> Result<Outcome> {
    match &args.command {
        NetCommand::List => list(output)?,
        NetCommand::Export(args) => super::export::run(args, output)?,
        NetCommand::Show { network, options, layers } => show(network, options, *layers, output)?,
        NetCommand::Quantise(args) => return super::quantise::run(args, output),
        NetCommand::Equalize(args) => equalize::run(args, output)?,
        NetCommand::Ladder(args) => ladder::run(args, output)?,
        NetCommand::Fit(args) => budget::run(args, output)?,
    }
    Ok(Outcome::Done)
}

fn list(output: Output) -> Result<()> {
    let families = FAMILIES.iter().map(|family| (family.name.to_owned(), Some(family.description.to_owned())));
    let files = shipped_networks().into_iter().map(|file| (file.name, None));
    let mut networks = Vec::new();
    for (name, description) in families.chain(files) {
        // A family with parameters in its name (hrn-AxBxCx) is a pattern and has no counts of its own.
        let Ok(spec) = NetworkSpec::named(&name) else { continue };
        let counts = spec.build()?.counts();
        let description = description.unwrap_or(spec.description);
        networks.push(Listed { name, description, params: counts.params, macs: counts.macs, relus: counts.relus });
    }
    let row = |network: &Listed| {
        [
            network.name.clone(),
            exact(network.params),
            exact(network.macs),
            exact(network.relus),
            network.description.clone(),
        ]
    };
    output.print(&networks, || {
        let rows = networks.iter().map(row);
        let text = table(&["network", "parameters", "MACs", "ReLUs", "what it is"], &[1, 2, 3], rows);
        format!("{text}\nAny hrn-AxBxCx is a network too; --input, --classes, --base-channels, --cull, --thin and --transform change each.")
    })
}

fn show(name: &str, options: &NetworkOptions, layers: bool, output: Output) -> Result<()> {
    let schedule = select::network(name, options)?.schedule();
    output.print(&schedule, || {
        let notes: String = schedule.notes.iter().map(|note| format!("\n{note}")).collect();
        let title = format!("{}, input {}, {} classes", schedule.name, schedule.input, schedule.classes);
        format!("{title}\n{}{notes}", tables::schedule(&schedule, layers))
    })
}

fn exact(count: u64) -> String {
    pisim_reports::format::exact(count)
}

/// Transforms as one would write them.
fn steps(transforms: &[Transform]) -> String {
    let steps: Vec<String> = transforms.iter().map(Transform::to_string).collect();
    if steps.is_empty() { "–".to_owned() } else { steps.join(", ") }
}

/// A folder that does not stand in the way of files to be written into it: found before the work, not after.
fn check_folder(folder: Option<&Path>) -> Result<()> {
    match folder {
        Some(folder) if folder.exists() && !folder.is_dir() => {
            bail!("--out {}: is a file; expected a folder, or a new name", folder.display())
        }
        _ => Ok(()),
    }
}

/// Writes networks as files of their names, numbered where two have the same, and with `as_onnx` as ONNX files with random weights
/// beside them; says how many.
fn write_networks<'a>(
    folder: &Path,
    as_onnx: bool,
    networks: impl IntoIterator<Item = &'a NetworkSpec>,
) -> Result<String> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let mut written: Vec<String> = Vec::new();
    for spec in networks {
        let same = written.iter().filter(|name| **name == spec.name).count();
        let number = if same == 0 { String::new() } else { format!("-{}", same + 1) };
        let name = format!("{}{number}", spec.name);
        write_whole(&folder.join(format!("{name}.toml")), spec.to_toml().as_bytes())?;
        if as_onnx {
            write_whole(&folder.join(format!("{name}.onnx")), &random_onnx(spec.build()?, WEIGHT_SEED)?)?;
        }
        written.push(spec.name.clone());
    }
    Ok(format!("\n{} networks written to {}", written.len(), folder.display()))
}
