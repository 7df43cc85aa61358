//! A quantity of a sweep over two of its axes, with the regions that one unit binds.

use super::breakdown::empty;
use super::cells::{Cells, cell, every, letter};
use super::{Data, Figure, Origin};
use crate::draw::scale::ColorScale;
use crate::draw::scene::{Anchor, Area, Scene};
use crate::draw::style::{Columns, INK, LABEL_PT, TITLE_PT, inches, points};
use crate::draw::{font, frame};
use crate::format::Quantity;

/// One cell.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HeatCell {
    /// The quantity.
    pub value: f64,
    /// The unit that binds the point; empty for none.
    pub unit: String,
    /// The point's number.
    pub point: usize,
}

/// A map over two axes.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatMap {
    /// The figure's file name.
    pub name: String,
    /// A line that says what it shows; also written above the map.
    pub title: String,
    /// What a reader needs to know besides.
    pub caption: String,
    /// The horizontal axis: its title and the names of its levels.
    pub across: (String, Vec<String>),
    /// The vertical axis, from the foot up.
    pub up: (String, Vec<String>),
    /// What is measured.
    pub quantity: Quantity,
    /// The title of the colour scale.
    pub what: String,
    /// Every cell, column by column; nothing where the sweep has no point.
    pub cells: Vec<Option<HeatCell>>,
}

impl HeatMap {
    fn size(&self) -> (usize, usize) {
        (self.across.1.len(), self.up.1.len())
    }

    fn cell(&self, (column, row): (usize, usize)) -> Option<&HeatCell> {
        self.cells.get(column * self.size().1 + row)?.as_ref()
    }

    /// The units that bind cells, in the order of their first: letters name them.
    fn units(&self) -> Vec<&str> {
        let mut units: Vec<&str> = Vec::new();
        for cell in self.cells.iter().flatten() {
            if !cell.unit.is_empty() && !units.contains(&cell.unit.as_str()) {
                units.push(&cell.unit);
            }
        }
        units
    }
}

/// Draws a map.
pub fn heat(map: &HeatMap, columns: Columns) -> Figure {
    let mut data = Data::new(&["across", "up", "value", "bottleneck", "point"]);
    for (column, across) in map.across.1.iter().enumerate() {
        for (row, up) in map.up.1.iter().enumerate() {
            if let Some(cell) = map.cell((column, row)) {
                let HeatCell { value, unit, point } = cell;
                data.push([across.clone(), up.clone(), value.to_string(), unit.clone(), point.to_string()]);
            }
        }
    }
    Figure {
        name: map.name.clone(),
        title: map.title.clone(),
        caption: map.caption.clone(),
        origin: Origin::Modelled,
        scene: scene(map, columns),
        data,
    }
}

fn scene(map: &HeatMap, columns: Columns) -> Scene {
    let mut scene = Scene::new(columns.width_in());
    let values = || map.cells.iter().flatten().map(|cell| cell.value);
    if !values().any(f64::is_finite) {
        return empty(scene, "no point was evaluated");
    }
    let margin = points(3.0);
    let scale = ColorScale::new(map.quantity, values());
    let limit = inches(if columns == Columns::One { 0.75 } else { 1.2 });
    let names = map.up.1.iter().map(|name| font::width(name, LABEL_PT)).max().unwrap_or(0).min(limit);
    let x0 = margin + points(TITLE_PT + 3.0) + names + points(4.0);
    let x1 = scene.width - points(19.0) - scale.margin();
    let title = font::fit(&map.title, TITLE_PT, scene.width - 2 * margin);
    let top = margin + points(TITLE_PT + 5.0);
    scene.text((margin, margin + points(TITLE_PT)), title, TITLE_PT, Anchor::Start, INK);
    let height = ((x1 - x0) * 3 / 4).min(inches(if columns == Columns::One { 2.1 } else { 3.4 }));
    let area = Area { x0, y0: top, x1, y1: top + height };
    let units = map.units();
    let least = values().filter(|value| value.is_finite()).fold(f64::INFINITY, f64::min);
    let cells = Cells {
        area,
        size: map.size(),
        value: &|place| map.cell(place).map(|cell| (cell.value, true)),
        unit: &|place| map.cell(place).map_or("", |cell| cell.unit.as_str()),
        units: &units,
        scale: &scale,
        least,
    };
    cells.draw(&mut scene);
    let bar = Area { x0: x1 + points(7.0), x1: x1 + points(15.0), ..area };
    scale.draw(&mut scene, bar, &map.what);
    level_names(&mut scene, map, area, limit);
    let y = area.y1 + points(LABEL_PT + 2.0);
    let across = font::fit(&map.across.0, TITLE_PT, scene.width - x0 - margin);
    let half = font::width(&across, TITLE_PT) / 2;
    let middle = ((x0 + x1) / 2).clamp(margin + half, (scene.width - margin - half).max(margin + half));
    scene.text((middle, y + points(TITLE_PT + 1.0)), across, TITLE_PT, Anchor::Middle, INK);
    let up = font::fit(&map.up.0, TITLE_PT, height);
    scene.text_up((margin + points(TITLE_PT), (area.y0 + area.y1) / 2), up, TITLE_PT, Anchor::Middle, INK);
    scene.height = key(&mut scene, &units, (margin, y + points(TITLE_PT + 4.0))) + margin;
    scene
}

/// The names of columns below and of rows at the left, as many as there is room for.
fn level_names(scene: &mut Scene, map: &HeatMap, area: Area, limit: i32) {
    let (across, up) = (&map.across.1, &map.up.1);
    let widest = across.iter().map(|name| font::width(name, LABEL_PT)).max().unwrap_or(0).min(limit);
    for (column, name) in
        across.iter().enumerate().step_by(every(across.len(), area.x1 - area.x0, widest + points(4.0)))
    {
        let (from, to) = frame::slot(area, across.len(), column);
        let at = ((from + to) / 2, area.y1 + points(LABEL_PT + 1.0));
        scene.text(at, font::fit(name, LABEL_PT, limit), LABEL_PT, Anchor::Middle, INK);
    }
    for (row, name) in up.iter().enumerate().step_by(every(up.len(), area.y1 - area.y0, points(LABEL_PT * 1.2))) {
        let place = cell(area, (1, up.len()), (0, row));
        let at = (area.x0 - points(3.0), (place.y0 + place.y1) / 2 + points(LABEL_PT * 0.35));
        scene.text(at, font::fit(name, LABEL_PT, limit), LABEL_PT, Anchor::End, INK);
    }
}

/// Which letter is which unit.
fn key(scene: &mut Scene, units: &[&str], (x0, y): (i32, i32)) -> i32 {
    let (mut x, mut y) = (x0, y + points(LABEL_PT));
    let words = units.iter().enumerate().map(|(number, unit)| format!("{}  {unit}", letter(number)));
    for text in std::iter::once("Bound by".to_owned()).chain(words).chain(["Diamond: the least".to_owned()]) {
        let text = font::fit(&text, LABEL_PT, scene.width - 2 * x0);
        let width = font::width(&text, LABEL_PT);
        if x > x0 && x + width > scene.width - x0 {
            (x, y) = (x0, y + points(LABEL_PT * 1.4));
        }
        scene.text((x, y), text, LABEL_PT, Anchor::Start, INK);
        x += width + points(9.0);
    }
    y + points(2.0)
}
