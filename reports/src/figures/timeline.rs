//! The timeline: which unit does what when, one row per unit, one column per phase with its own time axis.

use super::breakdown::empty;
use super::{Category, Data, Figure, Origin, by_phase, slug};
use crate::draw::axis::Axis;
use crate::draw::scene::{Anchor, Area, Scene};
use crate::draw::style::{BAND, Columns, FAINT_INK, INK, LABEL_PT, TITLE_PT, inches, points};
use crate::draw::{font, frame, legend};
use crate::format::{self, Quantity};
use pisim_sim::{Interval, Simulation};

/// The least share of the width that a phase with any step gets: the online phase may be a thousandth of the offline phase.
const LEAST_SHARE: f64 = 0.22;

/// When each unit works on what.
pub fn timeline(simulation: &Simulation, columns: Columns) -> Figure {
    let mut data = Data::new(&["unit", "phase", "step", "layer", "kind", "activity", "start_s", "end_s", "bound"]);
    for interval in &simulation.timeline {
        data.push([
            interval.unit.clone(),
            interval.phase.clone(),
            interval.step.to_string(),
            interval.layer.clone(),
            interval.kind.clone(),
            Category::of(interval).key().to_owned(),
            interval.start_s.to_string(),
            interval.end_s.to_string(),
            interval.bound.clone(),
        ]);
    }
    Figure {
        name: slug(&format!("timeline-{}-{}", simulation.network, simulation.hardware)),
        title: format!("{} on {}: what each unit does when", simulation.network, simulation.hardware),
        caption: "One row per unit. Every phase has its own time axis, from its own start; the widths of the phases do not compare."
            .to_owned(),
        origin: Origin::Modelled,
        scene: scene(simulation, columns),
        data,
    }
}

/// One phase's column.
struct Column {
    name: &'static str,
    start_s: f64,
    latency_s: f64,
    area: Area,
}

fn scene(simulation: &Simulation, width: Columns) -> Scene {
    let mut scene = Scene::new(width.width_in());
    let mut units: Vec<&str> = simulation.timeline.iter().map(|i| i.unit.as_str()).collect();
    units.sort_by_key(|unit| (order(unit), *unit));
    units.dedup();
    if units.is_empty() || by_phase(&simulation.latency_s).iter().all(|(_, s)| *s == 0.0) {
        return empty(scene, "no step takes any time");
    }
    let used: Vec<_> = Category::ALL
        .iter()
        .filter(|a| simulation.timeline.iter().any(|i| Category::of(i) == **a))
        .map(|a| (a.name(), a.fill()))
        .collect();
    let margin = points(3.0);
    let right = scene.width - margin;
    let top = legend::draw(&mut scene, (margin, right), margin, &used) + points(14.0);
    let limit = inches(if width == Columns::One { 0.85 } else { 1.1 });
    let x0 = margin + units.iter().map(|u| font::width(u, LABEL_PT)).max().unwrap_or(0).min(limit) + points(4.0);
    let height = ROW_PT * units.len() as f64;
    let area = Area { x0, y0: top, x1: scene.width - points(10.0), y1: top + points(height) };
    let mut columns = columns(simulation, area);
    if width == Columns::One {
        // Below each other, each as wide as there is room.
        let step = points(height + 21.0 + 15.0);
        for (number, column) in columns.iter_mut().enumerate() {
            let down = step * number as i32;
            column.area = Area { y0: area.y0 + down, y1: area.y1 + down, ..area };
        }
    }
    let mut labelled = None;
    for column in &columns {
        if labelled != Some(column.area.y0) {
            unit_names(&mut scene, &units, Area { x0, x1: area.x1, ..column.area }, limit);
            labelled = Some(column.area.y0);
        }
    }
    columns.iter().for_each(|column| draw(&mut scene, simulation, &units, column));
    scene.height = columns.iter().map(|column| column.area.y1).max().unwrap_or(area.y1) + points(21.0) + margin;
    scene
}

/// Height of a unit's row, points.
const ROW_PT: f64 = 14.0;

/// The names of the units at the left of their rows, every other one shaded.
fn unit_names(scene: &mut Scene, units: &[&str], area: Area, limit: i32) {
    for (i, unit) in units.iter().enumerate() {
        let y0 = area.y0 + i as i32 * points(ROW_PT);
        if i % 2 == 1 {
            scene.rectangle(Area { y0, y1: y0 + points(ROW_PT), ..area }, BAND);
        }
        let baseline = y0 + points(ROW_PT) / 2 + points(LABEL_PT * 0.35);
        scene.text((area.x0 - points(4.0), baseline), font::fit(unit, LABEL_PT, limit), LABEL_PT, Anchor::End, INK);
    }
}

/// One phase: its heading, its axis, and the bars of every unit.
fn draw(scene: &mut Scene, simulation: &Simulation, units: &[&str], column: &Column) {
    let area = column.area;
    let axis = Axis::until(Quantity::Seconds, column.latency_s, 5);
    let heading = format!("{}, {}", column.name, format::seconds(column.latency_s));
    scene.text(((area.x0 + area.x1) / 2, area.y0 - points(4.0)), heading, TITLE_PT, Anchor::Middle, INK);
    frame::value_axis_below(scene, area, &axis, "Time");
    for (i, unit) in units.iter().enumerate() {
        let y0 = area.y0 + i as i32 * points(ROW_PT);
        let row = Area { y0: y0 + points(2.0), y1: y0 + points(ROW_PT) - points(2.0), ..area };
        let steps = simulation.timeline.iter().filter(|s| s.unit == *unit && s.phase == column.name);
        for (bar, activity) in merged(steps, column, &axis) {
            scene.bar(Area { x0: bar.0, x1: bar.1, ..row }, activity.fill());
        }
    }
    for x in [area.x0, area.x1] {
        scene.line((x, area.y0), (x, area.y1), FAINT_INK, 2);
    }
}

/// Client first, then the link between the parties, then the server.
fn order(unit: &str) -> u8 {
    match unit.split('.').next() {
        Some("client") => 0,
        Some("link") => 1,
        _ => 2,
    }
}

/// Divides `area` among the phases that take time: by their share of the latency, but never less than [`LEAST_SHARE`] each.
fn columns(simulation: &Simulation, area: Area) -> Vec<Column> {
    let total: f64 = by_phase(&simulation.latency_s).iter().map(|(_, s)| s).sum();
    let mut start_s = 0.0;
    let mut phases = Vec::new();
    for (name, latency_s) in by_phase(&simulation.latency_s) {
        if latency_s > 0.0 && simulation.timeline.iter().any(|i| i.phase == name) {
            phases.push((name, start_s, latency_s, (latency_s / total).max(LEAST_SHARE)));
        }
        start_s += latency_s;
    }
    let gap = points(16.0);
    let shares: f64 = phases.iter().map(|p| p.3).sum();
    let width = f64::from(area.x1 - area.x0 - gap * (phases.len().max(1) as i32 - 1));
    let mut x = area.x0;
    phases
        .into_iter()
        .map(|(name, start_s, latency_s, share)| {
            let x0 = x;
            let x1 = x0 + (width * share / shares) as i32;
            x = x1 + gap;
            Column { name, start_s, latency_s, area: Area { x0, x1, ..area } }
        })
        .collect()
}

/// Steps as bars in whole pixels; neighbours of one kind that touch become one bar, so a thousand short steps stay one shape.
fn merged<'a>(steps: impl Iterator<Item = &'a Interval>, column: &Column, axis: &Axis) -> Vec<((i32, i32), Category)> {
    let at = |s: f64| column.area.x0 + frame::along(axis.position(s - column.start_s), column.area.x1 - column.area.x0);
    let mut bars: Vec<_> =
        steps.map(|s| ((at(s.start_s), at(s.end_s).max(at(s.start_s) + 1)), Category::of(s))).collect();
    bars.sort_by_key(|(span, activity)| (*span, *activity));
    let mut merged: Vec<((i32, i32), Category)> = Vec::with_capacity(bars.len());
    for (span, activity) in bars {
        match merged.last_mut() {
            Some((last, kind)) if *kind == activity && span.0 <= last.1 + 1 => last.1 = last.1.max(span.1),
            _ => merged.push((span, activity)),
        }
    }
    merged
}
