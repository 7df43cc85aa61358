//! `pisim validate`.

use crate::Outcome;
use crate::args::ValidateArgs;
use crate::output::{Output, remark};
use anyhow::Result;
use pisim_reports::figures::{self, Columns};
use pisim_reports::{tables, write_figures};
use pisim_sim::validate::{breakdowns, validate};

pub fn run(args: &ValidateArgs, cases: bool, output: Output) -> Result<Outcome> {
    let targets = validate(args.target.as_deref())?;
    if let Some(folder) = &args.plots {
        let breakdowns = breakdowns()?;
        let drawn = [
            figures::published_layers(&targets, Columns::Two),
            figures::published_latency(&breakdowns, Columns::Two),
            figures::published_storage(&breakdowns),
            figures::agreement(&targets, Columns::Two),
        ];
        for path in write_figures(folder, &drawn)? {
            remark(&format!("wrote {}", path.display()));
        }
    }
    output.print(&targets, || {
        let mut parts = vec![tables::targets(&targets)];
        if cases {
            parts.extend(targets.iter().map(tables::cases));
        }
        parts.join("\n")
    })?;
    let failed: Vec<&str> = targets.iter().filter(|target| !target.pass).map(|target| target.target).collect();
    if failed.is_empty() {
        return Ok(Outcome::Done);
    }
    remark(&format!("{} of {} comparisons exceed their limit: {}", failed.len(), targets.len(), failed.join(", ")));
    Ok(Outcome::CheckFailed)
}
