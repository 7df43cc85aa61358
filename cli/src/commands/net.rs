//! `pisim net`.

use crate::Outcome;
use crate::args::{NetArgs, NetCommand, NetworkOptions};
use crate::output::{Output, table};
use crate::select;
use anyhow::Result;
use pisim_netgen::{Design, Equalization, FAMILIES, NetworkSpec, shipped_networks};
use pisim_reports::tables;
use serde::Serialize;

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
        NetCommand::Equalize { depths, order, max, base_channels, input } => {
            equalize(&Equalization::new(depths, order, *max), *base_channels, *input, output)?;
        }
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
        format!("{text}\nAny hrn-AxBxCx is a network too; --input, --classes, --base-channels, --cull and --thin change each.")
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

fn equalize(question: &Equalization, base_channels: usize, input: usize, output: Output) -> Result<()> {
    let answer = question.solve()?;
    if output.json {
        return output.print(&answer, String::new);
    }
    let designs = question.designs(&answer.minimal, base_channels, input)?;
    let name = |design: &Design| design.multipliers.iter().map(|m| format!("{m}x")).collect::<String>();
    let rows = designs.iter().map(|design| {
        let stages: Vec<String> = design.stage_relus.iter().map(|relus| exact(*relus)).collect();
        [name(design), exact(design.params), exact(design.macs), exact(design.relus), stages.join(" / ")]
    });
    let header = ["multipliers", "parameters", "MACs", "ReLUs", "ReLUs by stage"];
    let text = table(&header, &[1, 2, 3], rows);
    let count = format!("{} solutions, {} of them minimal", answer.solutions, answer.minimal.len());
    output
        .print(&answer, || format!("{text}\n{count} (counts for {base_channels} base channels, input {input}×{input})"))
}

fn exact(count: u64) -> String {
    pisim_reports::format::exact(count)
}
