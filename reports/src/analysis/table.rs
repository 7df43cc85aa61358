//! Findings for a terminal.

use super::found::{Findings, Iso};
use crate::format::{exact, joules, percent, seconds};
use crate::tables;
use serde_json::Value;

/// Rows of a table of Pareto points; the rest is in the JSON.
const MOST_POINTS: usize = 30;

/// All findings as tables (modelled).
pub fn table(found: &Findings) -> String {
    let mut parts = vec![
        format!(
            "{} points, {} failed, {} do not fit (modelled)",
            exact(found.points as u64),
            exact(found.failed as u64),
            exact(found.unfit as u64)
        ),
        groups(found),
        "Pareto points of latency and energy; ★ is the knee".to_owned(),
        pareto(found),
        "What binds the points".to_owned(),
        bottlenecks(found),
    ];
    if !found.axes.is_empty() {
        parts.extend(["How much each axis matters (share of the variance within networks)".to_owned(), axes(found)]);
    }
    if found.groups.len() > 1 {
        parts.extend(["Networks at one latency".to_owned(), iso(&found.iso_latency, seconds)]);
        parts.extend(["Networks at one energy".to_owned(), iso(&found.iso_energy, joules)]);
    }
    parts.join("\n")
}

fn groups(found: &Findings) -> String {
    let mut table = tables::table(&["network", "points", "on the front", "knee", "least latency", "least energy"], 1);
    for group in &found.groups {
        let knee = group.knee.map_or_else(|| "–".to_owned(), |point| point.to_string());
        let counts = [group.points, group.front].map(|count| exact(count as u64));
        let [points, front] = counts;
        table.add_row([
            group.name.clone(),
            points,
            front,
            knee,
            seconds(group.least_latency_s),
            joules(group.least_energy_j),
        ]);
    }
    table.to_string()
}

fn pareto(found: &Findings) -> String {
    let names: Vec<&str> =
        found.pareto.first().map_or_else(Vec::new, |point| point.axes.keys().map(String::as_str).collect());
    let header = [&["point", "network"][..], &names, &["latency", "energy", "bound by", ""]].concat();
    let mut table = tables::table(&header, 2);
    for point in found.pareto.iter().take(MOST_POINTS) {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut cells = vec![point.point.to_string(), point.group.clone()];
        cells.extend(point.axes.values().map(text));
        let star = if point.knee { "★" } else { "" };
        cells.extend([
            seconds(point.latency_total_s),
            joules(point.energy_total_j),
            point.bottleneck.clone(),
            star.to_owned(),
        ]);
        table.add_row(cells);
    }
    match found.pareto.len().saturating_sub(MOST_POINTS) {
        0 => table.to_string(),
        more => format!("{table}\n… and {more} more (all of them with --json)"),
    }
}

fn bottlenecks(found: &Findings) -> String {
    let mut table = tables::table(&["unit", "points", "of all", "of the latency", "latency"], 1);
    for bound in &found.bottlenecks {
        let [low, high] = bound.latency_s.map(seconds);
        let (points, share) = (exact(bound.points as u64), percent(bound.share));
        table.add_row([bound.unit.clone(), points, share, percent(bound.mean_share), format!("{low} … {high}")]);
    }
    table.to_string()
}

fn axes(found: &Findings) -> String {
    let mut table =
        tables::table(&["axis", "levels", "latency", "energy", "by chance", "alone: latency × ", "elasticity"], 1);
    for axis in &found.axes {
        let share = |share: Option<f64>| share.map_or_else(|| "–".to_owned(), percent);
        let all = |of: &dyn Fn(&super::Varied) -> Option<String>| {
            let mut parts: Vec<String> = axis.one_at_a_time.iter().filter_map(of).collect();
            // What is the same for every network is said once.
            if parts.iter().all(|part| Some(part) == parts.first()) {
                parts.truncate(1);
            }
            if parts.is_empty() { "–".to_owned() } else { parts.join("; ") }
        };
        table.add_row([
            axis.axis.clone(),
            axis.levels.to_string(),
            share(axis.latency),
            share(axis.energy),
            percent(axis.chance),
            all(&|varied| Some(format!("{:.2}", varied.ratio))),
            all(&|varied| varied.elasticity.map(|slope| format!("{slope:.2}"))),
        ]);
    }
    table.to_string()
}

fn iso(found: &[Iso], limit: fn(f64) -> String) -> String {
    let mut table = tables::table(&["at most", "network", "point", "latency", "energy"], 2);
    for (iso, row) in found.iter().flat_map(|iso| iso.rows.iter().map(move |row| (iso, row))) {
        let (point, network) = (row.point.to_string(), row.group.clone());
        table.add_row([limit(iso.limit), network, point, seconds(row.latency_total_s), joules(row.energy_total_j)]);
    }
    table.to_string()
}
