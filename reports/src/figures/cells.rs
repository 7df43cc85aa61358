//! Heat maps: cells coloured by a value, with the regions that one unit binds outlined and named.

use crate::draw::regions::{Place, Region, regions};
use crate::draw::scale::ColorScale;
use crate::draw::scene::{Anchor, Area, Scene};
use crate::draw::style::{FAINT_INK, INK, LABEL_PT, PAPER, SMALL_PT, points};
use crate::draw::{font, frame};

/// The letter by which a key names the unit at a position.
pub fn letter(position: usize) -> char {
    char::from_u32('A' as u32 + (position % 26) as u32).unwrap_or('A')
}

/// Which labels of `count` have room, when each takes `each` of `length`.
pub fn every(count: usize, length: i32, each: i32) -> usize {
    let room = (length / each.max(1)).max(1) as usize;
    count.div_ceil(room).max(1)
}

/// The cell of a column and a row from the foot up.
pub fn cell(area: Area, (columns, rows): (usize, usize), (column, row): (usize, usize)) -> Area {
    let (x0, x1) = frame::slot(area, columns, column);
    let at = |row: usize| area.y1 - frame::along(row as f64 / rows.max(1) as f64, area.y1 - area.y0);
    Area { x0, y0: at(row + 1), x1, y1: at(row) }
}

/// One heat map.
pub struct Cells<'a> {
    /// Where it is.
    pub area: Area,
    /// Columns and rows.
    pub size: (usize, usize),
    /// A cell's value and whether it counts; nothing where there is no point.
    pub value: &'a dyn Fn(Place) -> Option<(f64, bool)>,
    /// The unit that binds a cell; empty for none.
    pub unit: &'a dyn Fn(Place) -> &'a str,
    /// All units, in the order of their letters.
    pub units: &'a [&'a str],
    /// The colours.
    pub scale: &'a ColorScale,
    /// The value that is marked as the best.
    pub least: f64,
}

impl Cells<'_> {
    fn places(&self) -> impl Iterator<Item = Place> + use<> {
        let size = self.size;
        (0..size.0).flat_map(move |column| (0..size.1).map(move |row| (column, row)))
    }

    /// Draws the cells, their regions and the mark of the best.
    pub fn draw(&self, scene: &mut Scene) {
        for place in self.places() {
            let area = cell(self.area, self.size, place);
            let Some((value, fits)) = (self.value)(place) else { continue };
            scene.rectangle(area, self.scale.color(value));
            if !fits {
                scene.cross_out(area, PAPER);
            }
        }
        let least = self.least();
        let all = regions(self.size, self.unit, least);
        for region in &all {
            self.outline(scene, region);
        }
        scene.frame(self.area, INK, 3);
        let mut taken = Vec::new();
        for region in &all {
            self.name(scene, region, (self.unit)(region.first), &mut taken);
        }
        if let Some(place) = least {
            mark(scene, cell(self.area, self.size, place));
        }
    }

    /// Lines between the region and others: dark in light, so that they show on every shade.
    fn outline(&self, scene: &mut Scene, region: &Region) {
        for (half, color) in [(5, PAPER), (2, INK)] {
            for edge in &region.edges {
                let Area { x0, y0, x1, y1 } = cell(self.area, self.size, edge.cell);
                scene.rectangle(
                    match edge.upper {
                        true => Area { x0: x0 - half, y0: y0 - half, x1: x1 + half, y1: y0 + half },
                        false => Area { x0: x1 - half, y0: y0 - half, x1: x1 + half, y1: y1 + half },
                    },
                    color,
                );
            }
        }
    }

    /// Names the region in its widest free rectangle, by its letter alone where the name has no room, and not at all where another
    /// name is.
    fn name(&self, scene: &mut Scene, region: &Region, unit: &str, taken: &mut Vec<Area>) {
        let Some(position) = self.units.iter().position(|known| *known == unit) else { return };
        let (low, high) = region.widest;
        let (one, other) = (cell(self.area, self.size, low), cell(self.area, self.size, high));
        let (width, height) = (other.x1 - one.x0 - points(6.0), one.y1 - other.y0 - points(3.0));
        let at = ((one.x0 + other.x1) / 2, (other.y0 + one.y1) / 2);
        let (party, kind) = unit.split_once('.').unwrap_or(("", unit));
        let key = letter(position).to_string();
        let full = vec![format!("{key}  {unit}")];
        let broken = vec![format!("{key}  {party}"), kind.to_owned()];
        let candidates = [(full.clone(), LABEL_PT), (broken.clone(), LABEL_PT), (full, SMALL_PT), (broken, SMALL_PT)];
        let fits = |(lines, size): &&(Vec<String>, f64)| {
            let widest = lines.iter().map(|line| font::width(line, *size)).max().unwrap_or(0);
            widest <= width && lines.len() as i32 * points(size * 1.2) <= height
        };
        let alone = (vec![key], SMALL_PT);
        let (lines, size) = candidates.iter().find(fits).unwrap_or(&alone);
        // On paper of its own: a name may lie on several shades.
        let widest = lines.iter().map(|line| font::width(line, *size)).max().unwrap_or(0);
        let (step, count) = (points(size * 1.2), lines.len() as i32);
        let (half_width, half_height) = (widest / 2 + points(2.0), step * count / 2 + points(1.0));
        let label =
            Area { x0: at.0 - half_width, y0: at.1 - half_height, x1: at.0 + half_width, y1: at.1 + half_height };
        if taken.iter().any(|other| other.overlaps(&label)) {
            return;
        }
        taken.push(label);
        scene.rectangle(label, PAPER);
        scene.frame(label, FAINT_INK, 1);
        let first = at.1 + points(size * 0.35) - step * (count - 1) / 2;
        for (number, line) in lines.iter().enumerate() {
            scene.text((at.0, first + step * number as i32), line.clone(), *size, Anchor::Middle, INK);
        }
    }

    /// The best cell, if it is in this map: of equals the first.
    fn least(&self) -> Option<Place> {
        self.places().find(|place| (self.value)(*place).is_some_and(|(value, fits)| fits && value <= self.least))
    }
}

/// Marks a cell as the best: a diamond, dark in light.
fn mark(scene: &mut Scene, cell: Area) {
    let at = ((cell.x0 + cell.x1) / 2, (cell.y0 + cell.y1) / 2);
    for (radius, color) in [(points(4.2), PAPER), (points(3.0), INK)] {
        for y in -radius..radius {
            let half = radius - y.abs();
            scene.rectangle(Area { x0: at.0 - half, y0: at.1 + y, x1: at.0 + half, y1: at.1 + y + 1 }, color);
        }
    }
}
