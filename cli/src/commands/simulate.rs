//! `pisim simulate`.

use super::report::trace_of;
use crate::Outcome;
use crate::args::SimulateArgs;
use crate::output::Output;
use crate::select;
use anyhow::{Context, Result};
use pisim_protocol::Protocol;
use pisim_reports::tables;
use pisim_sim::{Level, Prepared, Workspace};
use std::fs;

pub fn run(args: &SimulateArgs, output: Output) -> Result<Outcome> {
    let chosen = select::choose(&args.network, &args.options)?;
    let platform = args.changes.platform(&args.hardware)?;
    let program = chosen.prepare(&Protocol::load(&args.protocol)?, &args.protocol)?.program;
    let level = Level::from(args.level);
    let simulation = Prepared::new(&program).simulate(&platform, level, &mut Workspace::default())?;
    if let Some(path) = &args.trace {
        let trace = serde_json::to_vec(&trace_of(&simulation, &program))?;
        fs::write(path, trace).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let how = if level == Level::Event { "modelled" } else { "modelled, closed form" };
    output.print(&simulation, || {
        let mut parts = vec![
            format!("{} under {} on {} ({how})", simulation.network, simulation.protocol, simulation.hardware),
            tables::simulations(std::slice::from_ref(&simulation)),
            tables::units(&simulation),
        ];
        if simulation.link.optimal_split {
            parts.push(tables::split(&simulation));
        }
        if args.layers {
            parts.push(tables::layers(&simulation));
        }
        parts.join("\n")
    })?;
    Ok(Outcome::Done)
}
