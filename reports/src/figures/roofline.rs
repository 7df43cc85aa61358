//! Accelerators against their peak and their memory.

use super::breakdown::empty;
use super::{Category, Data, Figure, Origin, slug};
use crate::draw::axis::Axis;
use crate::draw::curve::{Dash, Entry, Marker, curve, legend};
use crate::draw::plot::{Across, Plot};
use crate::draw::scene::{Anchor, Area, Scene, Text};
use crate::draw::style::{Columns, FAINT_INK, INK, SMALL_PT, TITLE_PT, inches, phase, points};
use crate::draw::{font, style};
use crate::format::Quantity;
use pisim_sim::analysis::{Roof, RoofStep};

/// A panel for every accelerator: each step's operations per second against its operations per byte, below the ceilings of the
/// unit and of its memory.
pub fn roofline(roofs: &[Roof], network: &str, hardware: &str, columns: Columns) -> Figure {
    let shown: Vec<&Roof> = roofs.iter().filter(|roof| !roof.steps.is_empty()).collect();
    let mut data = Data::new(&[
        "unit",
        "operation",
        "layer",
        "kind",
        "phase",
        "operations",
        "bytes",
        "seconds",
        "operations_per_byte",
        "operations_per_s",
        "peak_per_s",
        "memory_bytes_per_s",
    ]);
    for (roof, step) in shown.iter().flat_map(|roof| roof.steps.iter().map(move |step| (roof, step))) {
        let words = [roof.unit, roof.operation, &step.layer, step.kind, step.phase].map(str::to_owned);
        let own = [step.operations, step.bytes, step.seconds, step.intensity(), step.rate_per_s()];
        let ceilings = [roof.peak_per_s, roof.memory_bytes_per_s];
        data.push(words.into_iter().chain(own.into_iter().chain(ceilings).map(|number| number.to_string())));
    }
    Figure {
        name: slug(&format!("roofline-{network}-{hardware}")),
        title: format!("{network} on {hardware}: rooflines of the accelerators"),
        caption: "Performance: operations per second of every step; intensity: its operations per byte of off-chip \
                  memory. Operations are AND and XOR gates, modular products (of butterflies too) and \
                  multiply-accumulates. Solid: the unit's peak and its memory's streaming bandwidth; dotted: the \
                  intensity at which they meet."
            .to_owned(),
        origin: Origin::Modelled,
        scene: scene(&shown, columns),
        data,
    }
}

/// Kinds of steps, for markers.
fn kinds<'a>(roofs: &[&'a Roof]) -> Vec<(&'a str, &'a str)> {
    let mut kinds = Vec::new();
    for step in roofs.iter().flat_map(|roof| &roof.steps) {
        if !kinds.contains(&(step.kind, step.phase)) {
            kinds.push((step.kind, step.phase));
        }
    }
    kinds
}

fn scene(roofs: &[&Roof], columns: Columns) -> Scene {
    let mut scene = Scene::new(columns.width_in());
    if roofs.is_empty() {
        return empty(scene, "no accelerator moves bytes for its operations");
    }
    let margin = points(3.0);
    let right = scene.width - points(8.0);
    let kinds = kinds(roofs);
    let mark = |number: usize| Marker::ALL.get(number % Marker::ALL.len()).copied().unwrap_or(Marker::Square);
    let entry = |(number, (kind, phase)): (usize, &(&str, &str))| Entry {
        name: format!("{kind} ({phase})"),
        color: color(kind, phase),
        dash: Dash::None,
        marker: Some(mark(number)),
    };
    let entries: Vec<Entry> = kinds.iter().enumerate().map(entry).collect();
    let mut top = legend(&mut scene, (margin, right), margin, &entries) + points(12.0);
    let across = if columns == Columns::One { 1 } else { roofs.len().min(3) };
    let gap = points(6.0);
    let width = (right - margin - gap * (across as i32 - 1)) / across as i32;
    let height = inches(if across == 1 { 1.6 } else { 1.9 });
    let mut bottom = top;
    for (number, roof) in roofs.iter().enumerate() {
        let column = (number % across) as i32;
        if number > 0 && column == 0 {
            top = bottom + points(13.0);
        }
        let x0 = margin + column * (width + gap);
        let place = ((x0, x0 + width), top, height);
        let number_of = |step: &RoofStep| kinds.iter().position(|kind| *kind == (step.kind, step.phase)).unwrap_or(0);
        bottom = panel(&mut scene, roof, place, &|step| (mark(number_of(step)), color(step.kind, step.phase)));
    }
    scene.height = bottom + margin;
    scene
}

/// HE is blue and garbling orange as everywhere; what is both offline and online differs by its marker.
fn color(kind: &str, of_phase: &str) -> plotters::style::RGBColor {
    match kind {
        "garble" | "encode-labels" => Category::Garble.fill().color,
        "evaluate" => style::series(4),
        "ring-linear" => Category::RingLinear.fill().color,
        "he-linear" => Category::HeEvaluate.fill().color,
        "encrypt" | "decrypt" | "he-keygen" => Category::Decrypt.fill().color,
        _ => phase(of_phase).color,
    }
}

fn panel(
    scene: &mut Scene,
    roof: &Roof,
    place: ((i32, i32), i32, i32),
    look: &dyn Fn(&RoofStep) -> (Marker, plotters::style::RGBColor),
) -> i32 {
    let ridge = roof.peak_per_s / roof.memory_bytes_per_s;
    let intensities = || roof.steps.iter().map(RoofStep::intensity);
    let x_axis = Axis::log_span(Quantity::Intensity, intensities().chain([ridge / 2.0, ridge * 2.0]));
    let rates = roof.steps.iter().map(RoofStep::rate_per_s);
    // The top of the axis is above the peak, so that the roof is seen, and its foot below the memory's slope.
    let y_axis = Axis::log_span(Quantity::OperationRate, rates.chain([roof.peak_per_s * 1.5, roof.peak_per_s / 4.0]));
    let (plot, bottom) = Plot::new(scene, place, (Across::Values(x_axis), "Intensity"), (y_axis, "Performance"));
    let Area { x0, x1, y0, y1 } = plot.area;
    // The word that fits above a panel.
    let operation = if roof.operation == "multiply-accumulates" { "MACs" } else { roof.operation };
    let title = font::fit(&format!("{}: {operation}", roof.unit), TITLE_PT, x1 - x0 + points(30.0));
    let half = font::width(&title, TITLE_PT) / 2;
    scene.text((((x0 + x1) / 2).min(scene.width - half - 1), y0 - points(4.0)), title, TITLE_PT, Anchor::Middle, INK);
    let Axis::Span { low: first, high: last, .. } = x_axis else { return bottom };
    // Below the foot of the axis the memory's ceiling cannot be seen: begin where it comes in.
    let Axis::Span { low: foot, .. } = y_axis else { return bottom };
    let start = first.max(foot / roof.memory_bytes_per_s);
    let roofline = [start, ridge.clamp(start, last), last].map(|intensity| (intensity, roof.ceiling_per_s(intensity)));
    let line: Vec<(i32, i32)> = roofline.into_iter().filter_map(|point| plot.place(point)).collect();
    curve(scene, &line, INK, Dash::Solid);
    let memory = format!("{} {}", roof.memory, Quantity::ByteRate.format(roof.memory_bytes_per_s));
    let memory = Text {
        at: (x1 - points(2.0), y1 - points(3.0)),
        text: font::fit(&memory, SMALL_PT, x1 - x0 - points(4.0)),
        size_pt: SMALL_PT,
        anchor: Anchor::End,
        upwards: false,
        color: FAINT_INK,
    };
    if let Some((x, y)) = plot.place((ridge, roof.peak_per_s)) {
        // Down to the axis, or to the name of the memory where that is in the way.
        let name = memory.area();
        let foot = if (name.x0..name.x1).contains(&x) { name.y0 - points(1.0) } else { y1 };
        curve(scene, &[(x, y), (x, foot)], FAINT_INK, Dash::Dotted);
        let peak = format!("peak {}", Quantity::OperationRate.format(roof.peak_per_s));
        let at = (x1 - points(2.0), y - points(2.5));
        scene.text(at, font::fit(&peak, SMALL_PT, x1 - x0 - points(4.0)), SMALL_PT, Anchor::End, INK);
    }
    scene.text(memory.at, memory.text, SMALL_PT, memory.anchor, memory.color);
    for step in &roof.steps {
        if let Some(at) = plot.place((step.intensity(), step.rate_per_s())) {
            let (marker, color) = look(step);
            marker.draw_sized(scene, at, color, 1.8);
        }
    }
    bottom
}
