//! `pisim simulate`.

use super::report::trace_of;
use super::row;
use crate::Outcome;
use crate::args::SimulateArgs;
use crate::output::Output;
use crate::select;
use crate::trained::has_weights;
use anyhow::{Context, Result, bail};
use pisim_hw_models::Platform;
use pisim_protocol::{Program, Protocol};
use pisim_reports::tables;
use pisim_sim::sweep::{changed_network, changed_platform, changed_protocol, metrics_of};
use pisim_sim::{Level, Prepared, Workspace};
use std::fs;
use std::sync::Arc;

pub fn run(args: &SimulateArgs, output: Output) -> Result<Outcome> {
    let (program, platform) = chosen(args)?;
    let level = Level::from(args.level);
    if args.row {
        let metrics = metrics_of(&Prepared::new(&program), &platform, level, &mut Workspace::default())?;
        row::print(&metrics, &program, &platform.name, output)?;
        return Ok(Outcome::Done);
    }
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

/// What is simulated on what: the named files, with the keys that `--set` changes and then the options.
fn chosen(args: &SimulateArgs) -> Result<(Arc<Program>, Platform)> {
    if args.set.is_empty() {
        let network = select::choose(&args.network, &args.options)?;
        let platform = args.changes.platform(&args.hardware)?;
        return Ok((network.prepare(&Protocol::load(&args.protocol)?, &args.protocol)?.program, platform));
    }
    let changes = &args.set.set;
    let protocol = changed_protocol(&args.protocol, changes)?;
    let mut platform = changed_platform(&args.hardware, changes)?;
    args.changes.change(&mut platform)?;
    let parties = [("client", &platform.client), ("server", &platform.server)];
    let misfit = parties.into_iter().find_map(|(name, party)| Some((name, party.misfits().into_iter().next()?)));
    if let Some((party, misfit)) = misfit.filter(|_| !args.set.any_size) {
        bail!("{}: key `{party}.{}`: {}; or --any-size", args.hardware, misfit.key, misfit.message);
    }
    let mut network = changed_network(&args.network, changes)?;
    if has_weights(&args.network) {
        let network = select::choose(&args.network, &args.options)?;
        return Ok((network.prepare(&protocol, &args.protocol)?.program, platform));
    }
    args.options.apply(&mut network);
    Ok((Arc::new(select::program(&network.build()?, &protocol, &args.protocol)?), platform))
}
