//! `pisim net fit`: networks for a budget.

use super::{check_folder, exact, steps, write_networks};
use crate::args::{BudgetArgs, NetworkChanges, NetworkOptions};
use crate::output::{Output, table};
use crate::select;
use anyhow::Result;
use pisim_netgen::{bases, candidates};
use pisim_protocol::Protocol;
use pisim_reports::format::Quantity;
use pisim_settings::Count;
use pisim_sim::budget::{Budget, Fit, Setting, fit};

/// The platform that latencies are simulated on when none is named.
const DEFAULT_HARDWARE: &str = "cpu-lan";

pub fn run(args: &BudgetArgs, output: Output) -> Result<()> {
    check_folder(args.out.as_deref())?;
    let budget = Budget {
        relus: args.relus.map(Count::get),
        macs: args.macs.map(Count::get),
        latency_s: args.latency.map(|latency| latency.seconds()),
        timed: args.timed.into(),
    };
    let hardware = args.hardware.as_deref().or(args.latency.map(|_| DEFAULT_HARDWARE));
    let protocol = Protocol::load(&args.protocol)?;
    let platform = hardware.map(|name| args.changes.platform(name)).transpose()?;
    let setting = platform.as_ref().map(|platform| Setting { protocol: &protocol, platform, level: args.level.into() });
    let options = NetworkOptions {
        input: args.input,
        other: NetworkChanges { classes: args.classes, ..NetworkChanges::default() },
    };
    let specs = if args.base.is_empty() {
        bases(args.input.unwrap_or(32), args.classes)?
    } else {
        args.base.iter().map(|name| select::network_spec(name, &options)).collect::<Result<_>>()?
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.threads.map_or(0, usize::from)).build()?;
    let found = pool.install(|| -> Result<Fit> { Ok(fit(candidates(&specs, &args.order)?, &budget, setting)?) })?;
    let specs = found.front.iter().map(|fitting| &fitting.candidate.spec);
    let written =
        args.out.as_ref().map(|folder| write_networks(folder, args.onnx, specs)).transpose()?.unwrap_or_default();
    output.print(&found, || format!("{}{written}", text(&found, args.top)))
}

fn text(found: &Fit, top: usize) -> String {
    let rows = found.front.iter().take(top).map(|fitting| {
        let candidate = &fitting.candidate;
        let latency = fitting.latency_s.as_ref();
        [
            candidate.base.clone(),
            exact(candidate.counts.relus),
            exact(candidate.counts.macs),
            format!("{:.0}", candidate.macs_per_relu),
            if candidate.order_kept { "kept" } else { "" }.to_owned(),
            latency
                .map_or_else(|| "–".to_owned(), |latency_s| Quantity::Seconds.format(found.budget.timed.of(latency_s))),
            steps(&candidate.transforms),
        ]
    });
    let header = ["base", "ReLUs", "MACs", "MACs per ReLU", "order", "latency", "transforms"];
    let table = table(&header, &[1, 2, 3, 5], rows);
    let unfit = if found.unfit == 0 { String::new() } else { format!(" ({} cannot be run)", found.unfit) };
    let shown = found.front.len().min(top);
    let mut text = format!(
        "{table}\n{} networks tried{unfit}, {} meet the budget, {} on the Pareto front, {shown} shown",
        found.candidates,
        found.meeting,
        found.front.len()
    );
    if let (Some(protocol), Some(hardware)) = (&found.protocol, &found.hardware) {
        text += &format!("\nLatencies of {protocol} on {hardware} (modelled)");
    }
    text
}
