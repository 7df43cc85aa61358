//! Grouped horizontal bars: rows with a few bars each, in groups with headings, every bar with its value at its end.

use super::breakdown::empty;
use super::{Data, Figure, Origin, sane};
use crate::draw::axis::Axis;
use crate::draw::scene::{Anchor, Area, Scene};
use crate::draw::style::{BAND, Columns, FAINT_INK, Fill, INK, LABEL_PT, SMALL_PT, TITLE_PT, inches, points};
use crate::draw::{font, frame, legend};
use crate::format::Quantity;

/// What the bars of every row are.
#[derive(Debug, Clone, PartialEq)]
pub struct Kind {
    /// Its name in the legend, and in the data.
    pub name: String,
    /// How it is drawn.
    pub fill: Fill,
}

/// One row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BarRow {
    /// The heading that it stands under; rows under one heading follow each other.
    pub group: String,
    /// Its name.
    pub name: String,
    /// A line below the name, or nothing.
    pub note: String,
    /// A value for each kind; a bar is left out where there is none.
    pub values: Vec<Option<f64>>,
}

/// A figure of bars.
#[derive(Debug, Clone, PartialEq)]
pub struct Bars {
    /// The figure's file name.
    pub name: String,
    /// A line that says what it shows.
    pub title: String,
    /// What a reader needs to know besides.
    pub caption: String,
    /// The axis' title.
    pub across: String,
    /// What is measured.
    pub quantity: Quantity,
    /// Whether lengths are logarithms: for values that differ by orders of magnitude.
    pub log: bool,
    /// The bars of a row.
    pub kinds: Vec<Kind>,
    /// The rows.
    pub rows: Vec<BarRow>,
    /// What is written where there is no row.
    pub nothing: &'static str,
}

/// Draws bars.
pub fn bars(all: &Bars, columns: Columns) -> Figure {
    let mut data = Data::new(&["group", "row", "note", "bar", "value"]);
    for row in &all.rows {
        for (kind, value) in all.kinds.iter().zip(&row.values) {
            if let Some(value) = value {
                let words = [&row.group, &row.name, &row.note, &kind.name].map(String::clone);
                data.push(words.into_iter().chain([value.to_string()]));
            }
        }
    }
    Figure {
        name: all.name.clone(),
        title: all.title.clone(),
        caption: all.caption.clone(),
        origin: Origin::Modelled,
        scene: scene(all, columns),
        data,
    }
}

fn scene(all: &Bars, columns: Columns) -> Scene {
    let mut scene = Scene::new(columns.width_in());
    if all.rows.is_empty() {
        return empty(scene, all.nothing);
    }
    let margin = points(3.0);
    let limit = inches(if columns == Columns::One { 1.2 } else { 2.0 });
    let names = all.rows.iter().flat_map(|row| [font::width(&row.name, LABEL_PT), font::width(&row.note, SMALL_PT)]);
    let names = names.max().unwrap_or(0).min(limit);
    let values = all.rows.iter().flat_map(|row| &row.values).flatten();
    let widest = values.clone().map(|value| font::width(&all.quantity.format(*value), SMALL_PT)).max().unwrap_or(0);
    let x0 = margin + names + points(5.0);
    let x1 = (scene.width - margin - widest - points(4.0)).max(x0 + points(20.0));
    let entries: Vec<(&str, Fill)> = all.kinds.iter().map(|kind| (kind.name.as_str(), kind.fill)).collect();
    let shown = if entries.len() > 1 { entries.as_slice() } else { &[] };
    let right = scene.width - margin;
    let top = legend::draw(&mut scene, (margin, right), margin, shown) + points(4.0);
    let bar = points(if all.kinds.len() > 2 { 6.5 } else { 7.5 });
    let notes = all.rows.iter().any(|row| !row.note.is_empty());
    let least = if notes { points(15.0) } else { points(9.5) };
    let row_height = (bar * all.kinds.len() as i32).max(least) + points(3.0);
    let headed = |number: usize| {
        let group = |number: usize| all.rows.get(number).map_or("", |row| row.group.as_str());
        !group(number).is_empty() && (number == 0 || group(number) != group(number - 1))
    };
    let heading = points(11.0);
    let headings = (0..all.rows.len()).filter(|number| headed(*number)).count() as i32;
    let area = Area { x0, y0: top, x1, y1: top + row_height * all.rows.len() as i32 + heading * headings };
    let mut y = top;
    let mut places = Vec::with_capacity(all.rows.len());
    for number in 0..all.rows.len() {
        if headed(number) {
            scene.rectangle(Area { x0: 0, x1: scene.width, y0: y, y1: y + heading }, BAND);
            y += heading;
        }
        places.push(y);
        y += row_height;
    }
    let axis = if all.log {
        Axis::log(all.quantity, values.copied())
    } else {
        Axis::linear(all.quantity, values.copied().map(sane).fold(0.0, f64::max), 4)
    };
    let bottom = frame::value_axis_below(&mut scene, area, &axis, &all.across);
    scene.line((area.x0, area.y0), (area.x0, area.y1), INK, 2);
    for ((number, row), y) in all.rows.iter().enumerate().zip(places) {
        if headed(number) {
            let text = font::fit(&row.group, TITLE_PT, scene.width - 2 * margin);
            // On a band of its own, over the grid and the axis.
            scene.rectangle(Area { x0: x0 - 2, x1: scene.width, y0: y - heading, y1: y }, BAND);
            scene.text((margin, y - points(3.0)), text, TITLE_PT, Anchor::Start, INK);
        }
        draw_row(&mut scene, all, row, &axis, (area, y, row_height, bar, limit, margin));
    }
    scene.height = bottom + margin;
    scene
}

/// One row's name and bars.
fn draw_row(
    scene: &mut Scene,
    all: &Bars,
    row: &BarRow,
    axis: &Axis,
    (area, y, height, bar, limit, margin): (Area, i32, i32, i32, i32, i32),
) {
    let middle = y + height / 2;
    let name = font::fit(&row.name, LABEL_PT, limit);
    if row.note.is_empty() {
        scene.text((margin, middle + points(LABEL_PT * 0.35)), name, LABEL_PT, Anchor::Start, INK);
    } else {
        scene.text((margin, middle - points(1.0)), name, LABEL_PT, Anchor::Start, INK);
        let note = font::fit(&row.note, SMALL_PT, limit);
        scene.text((margin, middle + points(6.5)), note, SMALL_PT, Anchor::Start, FAINT_INK);
    }
    let first = middle - bar * all.kinds.len() as i32 / 2;
    for (number, (kind, value)) in all.kinds.iter().zip(&row.values).enumerate() {
        let Some(value) = value else { continue };
        let y0 = first + number as i32 * bar;
        let end = area.x0 + frame::along(axis.position(sane(*value)), area.x1 - area.x0);
        scene.bar(Area { x0: area.x0, x1: end, y0: y0 + points(0.6), y1: y0 + bar - points(0.6) }, kind.fill);
        let text = all.quantity.format(*value);
        let at = (end + points(2.5), y0 + bar / 2 + points(SMALL_PT * 0.35));
        scene.text(at, text, SMALL_PT, Anchor::Start, INK);
    }
}
