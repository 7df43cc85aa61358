//! `pisim net ladder`: a network's ReLU optimisations in order of criticality.

use super::{check_folder, exact, steps, write_networks};
use crate::args::LadderArgs;
use crate::output::{Output, table};
use crate::select;
use anyhow::Result;
use pisim_netgen::{Ladder, Rungs};

pub fn run(args: &LadderArgs, output: Output) -> Result<()> {
    check_folder(args.out.as_deref())?;
    let spec = select::network_spec(&args.network, &args.options)?;
    let rungs = if args.all { Rungs::All } else { Rungs::Published };
    let ladder = Ladder::of(&spec, &args.order, rungs)?;
    let written =
        args.out.as_ref().map(|folder| write_networks(folder, args.onnx, ladder.rungs.iter().map(|rung| &rung.spec)));
    let written = written.transpose()?.unwrap_or_default();
    output.print(&ladder, || {
        let rows = ladder.rungs.iter().map(|rung| {
            let mark = if rung.published { "yes" } else { "" };
            let ratio = format!("{:.0}", rung.macs_per_relu);
            [exact(rung.counts.relus), exact(rung.counts.macs), ratio, mark.to_owned(), steps(&rung.transforms)]
        });
        let header = ["ReLUs", "MACs", "MACs per ReLU", "in DeepReDuce", "transforms"];
        let title = format!(
            "{}, input {}: {} ReLUs, {} MACs; criticality {:?}",
            ladder.network,
            ladder.input,
            exact(ladder.full.relus),
            exact(ladder.full.macs),
            ladder.order
        );
        format!("{title}\n{}{written}", table(&header, &[0, 1, 2], rows))
    })
}
