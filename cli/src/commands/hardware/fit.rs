//! `pisim hardware fit`: what a design uses of a board, and the largest of its kind that the board holds.

use super::show::breakdown;
use crate::Outcome;
use crate::args::FitArgs;
use crate::output::{Output, table};
use anyhow::{Context, Result};
use pisim_hw_models::{Fitting, Largest, PartyHardware, Platform, fit};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Answer {
    platform: String,
    party: &'static str,
    board: &'static str,
    part: &'static str,
    /// Whether the design can be built as it is.
    fits: bool,
    problems: Vec<Problem>,
    design: Design,
    /// How much of each budget the largest configuration may use.
    fill_percent: u64,
    /// Watts of static power that the file gives for another board, and that the result keeps.
    kept_static_w: Option<f64>,
    largest: Option<Proposal>,
    output: Option<String>,
}

#[derive(Serialize)]
struct Problem {
    key: String,
    message: String,
}

/// What a design uses of its board.
#[derive(Serialize)]
struct Design {
    resources: Vec<Resource>,
    /// The resource that is used up first.
    limit: &'static str,
    /// The fastest clock that it reaches.
    achievable_clock_hz: f64,
}

#[derive(Serialize)]
struct Resource {
    resource: &'static str,
    used: u64,
    budget: u64,
    /// Used over budget; nothing where the board has none of it.
    share: Option<f64>,
    by_unit: BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct Proposal {
    /// What the counts of units were multiplied with.
    factor: f64,
    /// What the sizes of memories were multiplied with.
    memory_factor: f64,
    changes: Vec<Changed>,
    design: Design,
    toml: String,
}

#[derive(Serialize)]
struct Changed {
    key: String,
    from: Option<String>,
    to: String,
}

pub fn run(args: &FitArgs, output: Output) -> Result<Outcome> {
    let source = Platform::source(&args.hardware)?;
    let fitting = fit(&source, &args.options())?;
    if let Some((path, largest)) = args.output.as_ref().zip(fitting.largest.as_ref()) {
        std::fs::write(path, &largest.toml).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let answer = answer(args, fitting);
    output.print(&answer, || text(&answer))?;
    Ok(if answer.largest.is_some() { Outcome::Done } else { Outcome::CheckFailed })
}

fn answer(args: &FitArgs, fitting: Fitting) -> Answer {
    let Fitting { side, board, given, kept_static_w, largest } = fitting;
    let misfits = given.misfits().into_iter();
    let problems: Vec<Problem> = misfits.map(|misfit| Problem { key: misfit.key, message: misfit.message }).collect();
    let written = largest.is_some();
    let proposal = |Largest { party, factor, memory_factor, changes, toml }| {
        let changes = changes.into_iter().map(|change: pisim_hw_models::Change| Changed {
            key: format!("{}.{}", side.key(), change.key),
            from: change.from,
            to: change.to,
        });
        Proposal { factor, memory_factor, changes: changes.collect(), design: design(&party), toml }
    };
    Answer {
        platform: args.hardware.clone(),
        party: side.key(),
        board: board.name,
        part: board.part,
        fits: problems.is_empty(),
        problems,
        design: design(&given),
        fill_percent: args.max,
        kept_static_w,
        largest: largest.map(proposal),
        output: args.output.as_ref().filter(|_| written).map(|path| path.display().to_string()),
    }
}

fn design(party: &PartyHardware) -> Design {
    let all = party.fpga_use();
    let rows = breakdown(party);
    let by_unit = |resource: &str| {
        let mut sums = BTreeMap::new();
        for row in rows.iter().filter(|row| !matches!(row.unit, "static" | "cpu")) {
            *sums.entry(row.unit).or_insert(0) += row.fpga.get(resource).copied().unwrap_or_default();
        }
        sums
    };
    let pairs = all.into_iter().flat_map(|all| all.used.named().into_iter().zip(all.available.named()));
    let resources = pairs.map(|((resource, used), (_, budget))| Resource {
        resource,
        used,
        budget,
        share: (budget > 0).then(|| used as f64 / budget as f64),
        by_unit: by_unit(resource),
    });
    Design {
        resources: resources.collect(),
        limit: all.map_or("lut", |all| all.tightest().0),
        achievable_clock_hz: party.achievable_clock_hz().unwrap_or_default(),
    }
}

fn text(answer: &Answer) -> String {
    let verdict = if answer.fits { "can be built" } else { "cannot be built as it is" };
    let mut text =
        format!("{} of {} on the {} ({}): {verdict}\n", answer.party, answer.platform, answer.board, answer.part);
    text += &shown(&answer.design);
    for problem in &answer.problems {
        text += &format!("\n{}.{}: {}", answer.party, problem.key, problem.message);
    }
    let Some(largest) = &answer.largest else {
        return text + "\n\nNot even the smallest configuration fits.";
    };
    text += &format!("\n\nLargest that fits: counts × {:.3}", rounded_down(largest.factor));
    if largest.memory_factor != 1.0 {
        text += &format!(", memories × {:.3}", rounded_down(largest.memory_factor));
    }
    text += "\n";
    let rows = largest
        .changes
        .iter()
        .map(|change| [change.key.clone(), change.from.clone().unwrap_or_default(), change.to.clone()]);
    match largest.changes.is_empty() {
        true => text += "nothing changes\n",
        false => text += &(table(&["key", "from", "to"], &[1, 2], rows) + "\n"),
    }
    text += &shown(&largest.design);
    if let Some(watts) = answer.kept_static_w {
        text += &format!("\n{}.static_power stays at {watts} W, which is of the file's own board", answer.party);
    }
    if let Some(path) = &answer.output {
        text += &format!("\n{path} written");
    }
    text
}

/// Bars of this many letters show a full budget.
const BAR: usize = 20;

fn shown(design: &Design) -> String {
    let rows = design.resources.iter().map(|resource| {
        let of = |unit: &str| resource.by_unit.get(unit).map(u64::to_string).unwrap_or_default();
        let share = resource.share.map(|share| format!("{:.1} %", 100.0 * share)).unwrap_or_default();
        let [gc, he, mac, memory] = ["gc_engine", "he_engine", "mac_array", "memory"].map(of);
        let (used, budget) = (resource.used.to_string(), resource.budget.to_string());
        [resource.resource.to_owned(), gc, he, mac, memory, used, budget, share, bar(resource)]
    });
    let header =
        ["resource", "gc_engine", "he_engine", "mac_array", "memory", "used", "budget", "share", "of the budget"];
    let table = table(&header, &[1, 2, 3, 4, 5, 6, 7], rows);
    let clock = (design.achievable_clock_hz / 1e6).floor();
    format!("{table}\n{} is used up first; clocks reach {clock:.0} MHz", design.limit)
}

fn bar(resource: &Resource) -> String {
    let share = resource.share.unwrap_or(if resource.used > 0 { f64::INFINITY } else { 0.0 });
    let filled = ((share * BAR as f64).round() as usize).min(BAR);
    let over = if share > 1.0 { " too much" } else { "" };
    format!("{}{}{over}", "█".repeat(filled), "░".repeat(BAR - filled))
}

/// To three decimals, and never up: a factor that is not reached is not printed.
fn rounded_down(factor: f64) -> f64 {
    (factor * 1e3).floor() / 1e3
}
