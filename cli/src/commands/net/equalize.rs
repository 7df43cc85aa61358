//! `pisim net equalize`: the channel multipliers that put ReLUs in order of their criticality.

use super::{check_folder, exact, write_networks};
use crate::args::{EqualizeArgs, NetworkOptions};
use crate::output::{Output, table};
use crate::select;
use anyhow::Result;
use pisim_netgen::{Design, Equalization, Equalize, NetworkSpec, Transform, criticality};

pub fn run(args: &EqualizeArgs, output: Output) -> Result<()> {
    check_folder(args.out.as_deref())?;
    let Some(name) = &args.network else { return from_depths(args, output) };
    let options = NetworkOptions { input: args.input, ..NetworkOptions::default() };
    let spec = select::network_spec(name, &options)?;
    let question = Equalization::of(&spec.build()?, &args.order, args.max)?;
    let answer = question.solve()?;
    let specs =
        answer.minimal.iter().map(|multipliers| equalized(&spec, args, multipliers)).collect::<Result<Vec<_>>>()?;
    let written =
        args.out.as_ref().map(|folder| write_networks(folder, false, &specs)).transpose()?.unwrap_or_default();
    let mut designs = Vec::new();
    for (spec, multipliers) in specs.iter().zip(&answer.minimal) {
        designs.push(Design::of(&spec.build()?, multipliers));
    }
    designs.sort_by_key(|design| design.macs);
    output.print(&answer, || {
        let count = format!("{} solutions, {} of them minimal", answer.solutions, answer.minimal.len());
        let base = format!("{} with {} base channels, input {}", spec.name, args.base_channels, spec.input_size);
        format!("{}\n{count} (counts for {base}){written}", rows(&designs))
    })
}

/// The network with the channels of one solution.
fn equalized(spec: &NetworkSpec, args: &EqualizeArgs, multipliers: &[u64]) -> Result<NetworkSpec> {
    let mut equalized = spec.clone();
    equalized.transforms.push(Transform::Equalize(Equalize {
        multipliers: multipliers.to_vec(),
        order: args.order.clone(),
        max: args.max,
        base_channels: Some(args.base_channels),
    }));
    let label: String = multipliers.iter().map(|multiplier| format!("{multiplier}x")).collect();
    equalized.name = format!("{}-equalized-{label}", spec.name);
    equalized.description = format!("{} equalized with the multipliers {label}", spec.name);
    Ok(equalized)
}

fn from_depths(args: &EqualizeArgs, output: Output) -> Result<()> {
    let order = if args.order.is_empty() { criticality(args.depths.len()) } else { args.order.clone() };
    let question = Equalization::new(&args.depths, &order, args.max);
    let answer = question.solve()?;
    if output.json {
        return output.print(&answer, String::new);
    }
    let input = args.input.unwrap_or(32);
    let designs = question.designs(&answer.minimal, args.base_channels, input)?;
    let count = format!("{} solutions, {} of them minimal", answer.solutions, answer.minimal.len());
    output.print(&answer, || {
        format!("{}\n{count} (counts for {} base channels, input {input}×{input})", rows(&designs), args.base_channels)
    })
}

fn rows(designs: &[Design]) -> String {
    let name = |design: &Design| design.multipliers.iter().map(|m| format!("{m}x")).collect::<String>();
    let rows = designs.iter().map(|design| {
        let stages: Vec<String> = design.stage_relus.iter().map(|relus| exact(*relus)).collect();
        [name(design), exact(design.params), exact(design.macs), exact(design.relus), stages.join(" / ")]
    });
    let header = ["multipliers", "parameters", "MACs", "ReLUs", "ReLUs by stage"];
    table(&header, &[1, 2, 3], rows)
}
