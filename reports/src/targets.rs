//! Tables of a validation for a terminal: every target, what it misses and why, and its cases.

use crate::tables::table;
use comfy_table::{Cell, Color};
use pisim_sim::validate::{ErrorUnit, PASS_MAX_PCT, PASS_MEAN_PCT, Set, Target, Verdict};

/// The quantities and how near the model comes, the least telling ones first; then what misses, and what is left out.
pub fn targets(targets: &[Target]) -> String {
    let header =
        ["target", "network or part", "what is compared", "set", "cases", "mean error", "largest", "limits", "result"];
    let mut table = table(&header, 4);
    for set in Set::ALL {
        for target in targets.iter().filter(|target| target.set == set) {
            let words = [target.target, target.network, target.metric, set.name()].map(Cell::new);
            let numbers = [target.cases.to_string()].into_iter().chain(errors(target)).chain([limits(target)]);
            let result = Cell::new(target.verdict.name());
            let result = match target.verdict {
                Verdict::Pass => result,
                Verdict::KnownMiss => result.fg(Color::Yellow),
                Verdict::Fail => result.fg(Color::Red),
            };
            table.add_row(words.into_iter().chain(numbers.map(Cell::new)).chain([result]));
        }
    }
    let parts = [table.to_string(), summary(targets), remarks(targets)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The mean error and the largest; of cases with bands, how many are inside, and how far the farthest is from the middle of its own.
fn errors(target: &Target) -> [String; 2] {
    let unit = unit(target);
    match target.bands {
        Some(bands) => [
            format!("{} of {} inside", bands.inside, target.cases),
            format!("{:.1} off middle", bands.farthest_from_middle),
        ],
        None => [target.mean_abs_error_pct, target.max_abs_error_pct].map(|error| format!("{error:.2} {unit}")),
    }
}

fn unit(target: &Target) -> &'static str {
    let in_points = |case: &pisim_sim::validate::Case| case.error_in == ErrorUnit::Points;
    if target.details.iter().any(in_points) { "points" } else { "%" }
}

fn limits(target: &Target) -> String {
    let unit = unit(target);
    match (target.limit_pct, target.max_limit_pct) {
        _ if target.bands.is_some() => format!("{} {unit} outside", target.max_limit_pct),
        (_, max) if max < 1e-6 => "exact".to_owned(),
        (mean, max) if mean == max => format!("{mean} {unit}"),
        (mean, max) => format!("{mean} / {max} {unit}"),
    }
}

/// How many pass, miss and fail.
fn summary(targets: &[Target]) -> String {
    let count = |verdict| targets.iter().filter(|target| target.verdict == verdict).count();
    let [pass, missed, failed] = [Verdict::Pass, Verdict::KnownMiss, Verdict::Fail].map(count);
    format!(
        "{} comparisons: pass {pass}, known miss {missed}, FAIL {failed}. A known miss has a mean error above {PASS_MEAN_PCT} %, one above \
         {PASS_MAX_PCT} %, or says that it misses; it is within its limits, which guard against worse.",
        targets.len()
    )
}

/// What targets say of themselves: misses, words on their figures, what is not modelled.
fn remarks(targets: &[Target]) -> String {
    let name = |target: &Target| match target.network {
        "-" => target.target.to_owned(),
        part => format!("{} ({part})", target.target),
    };
    let notes = |missed: bool| {
        let of_kind = targets.iter().filter(move |target| (target.verdict == Verdict::KnownMiss) == missed);
        of_kind.filter_map(|target| Some((name(target), target.note?)))
    };
    let left_out = targets.iter().filter_map(|target| Some((target.target.to_owned(), target.not_modelled?)));
    let lists = [
        ("known misses:", grouped(notes(true))),
        ("notes:", grouped(notes(false))),
        ("not modelled:", grouped(left_out)),
    ];
    let said = lists.into_iter().filter(|(_, lines)| !lines.is_empty());
    said.map(|(title, lines)| format!("{title}\n{lines}")).collect::<Vec<_>>().join("\n")
}

/// One line for each text, with all who say it.
fn grouped(said: impl Iterator<Item = (String, &'static str)>) -> String {
    let mut groups: Vec<(Vec<String>, &str)> = Vec::new();
    for (name, text) in said {
        match groups.iter_mut().find(|(_, other)| *other == text) {
            Some((names, _)) if names.contains(&name) => {}
            Some((names, _)) => names.push(name),
            None => groups.push((vec![name], text)),
        }
    }
    groups.iter().map(|(names, text)| format!("  {}: {text}", names.join(", "))).collect::<Vec<_>>().join("\n")
}

/// Every case of a target: its reference, the model's figure, the error.
pub fn cases(target: &Target) -> String {
    let mut table = table(&["case", target.reference, "modelled", "error"], 1);
    for case in &target.details {
        let error = match (case.band, case.error_in) {
            (Some(_), _) if case.error_pct() == 0.0 => {
                format!("inside, {:+.1} off middle", case.modelled - case.published)
            }
            (Some(_), _) => format!("{:+.2} points outside", case.error_pct()),
            (None, ErrorUnit::Points) => format!("{:+.2} points", case.error_pct()),
            (None, ErrorUnit::Percent) => format!("{:+.2} %", case.error_pct()),
        };
        let reference = match case.band {
            Some([least, most]) => format!("{least:.1} to {most:.1}"),
            None => plain(case.published),
        };
        table.add_row([case.case.clone(), reference, plain(case.modelled), error]);
    }
    let title = format!("{} {}: {}\nsource: {}", target.target, target.network, target.metric, target.source);
    let note = target.note.map(|note| format!("\n{}: {note}", target.verdict.name())).unwrap_or_default();
    format!("{title}{note}\n{table}")
}

/// A number as published tables have it: whole ones whole, others with six digits.
fn plain(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value}") } else { format!("{value:.6}") }
}
