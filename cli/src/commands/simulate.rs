//! `pisim simulate`.

use crate::Outcome;
use crate::args::SimulateArgs;
use crate::output::Output;
use crate::select;
use anyhow::Result;
use pisim_protocol::Protocol;
use pisim_reports::tables;
use pisim_sim::{Level, Prepared, Workspace};

pub fn run(args: &SimulateArgs, output: Output) -> Result<Outcome> {
    let chosen = select::choose(&args.network, &args.options)?;
    let platform = args.changes.platform(&args.hardware)?;
    let program = chosen.prepare(&Protocol::load(&args.protocol)?, &args.protocol)?.program;
    let level = Level::from(args.level);
    let simulation = Prepared::new(&program).simulate(&platform, level, &mut Workspace::default())?;
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
