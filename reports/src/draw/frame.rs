//! The frame of one panel: its title, grid, ticks and axis titles, and the bars in it.

use super::axis::Axis;
use super::scene::{Anchor, Area, Scene};
use super::style::{BAND, FAINT_INK, Fill, GRID, INK, LABEL_PT, TITLE_PT, points};
use super::{font, style};

/// Draws the grid and ticks of a horizontal value axis at the foot of `area`, with `title` below, and returns the lowest pixel used.
pub fn value_axis_below(scene: &mut Scene, area: Area, axis: &Axis, title: &str) -> i32 {
    let widest = axis.ticks(50).iter().map(|t| font::width(&t.label, LABEL_PT)).max().unwrap_or(0) + points(5.0);
    let room = ((area.x1 - area.x0) / widest.max(1)).max(2) as usize;
    let mut end = i32::MIN;
    for tick in axis.ticks(room) {
        let x = area.x0 + along(tick.position, area.x1 - area.x0);
        scene.line((x, area.y0), (x, area.y1), GRID, 1);
        scene.line((x, area.y1), (x, area.y1 + points(2.0)), INK, 2);
        // Round values are not at equal distances on every axis: a label that would touch the one before is left out.
        // So is one that would leave the figure, by the very pixels that it covers.
        let width = font::width(&tick.label, LABEL_PT);
        let left = x - width / 2;
        if !tick.label.is_empty() && left >= 0 && left + width <= scene.width && left > end {
            end = left + width + points(2.0);
            scene.text((x, area.y1 + points(9.0)), tick.label, LABEL_PT, Anchor::Middle, INK);
        }
    }
    scene.line((area.x0, area.y1), (area.x1, area.y1), INK, 2);
    scene.text(((area.x0 + area.x1) / 2, area.y1 + points(18.5)), axis.title(title), TITLE_PT, Anchor::Middle, INK);
    area.y1 + points(21.0)
}

/// Draws the grid and ticks of a vertical value axis at the left of `area`, with `title` at its left reading upwards.
pub fn value_axis_left(scene: &mut Scene, area: Area, axis: &Axis, title: Option<&str>) {
    let room = ((area.y1 - area.y0) / points(LABEL_PT * 1.5)).max(2) as usize;
    let mut last = i32::MAX;
    for tick in axis.ticks(room) {
        let y = area.y1 - along(tick.position, area.y1 - area.y0);
        scene.line((area.x0, y), (area.x1, y), GRID, 1);
        scene.line((area.x0 - points(2.0), y), (area.x0, y), INK, 2);
        if !tick.label.is_empty() && last.saturating_sub(y) > points(LABEL_PT * 1.1) {
            last = y;
            scene.text((area.x0 - points(3.5), y + points(LABEL_PT * 0.35)), tick.label, LABEL_PT, Anchor::End, INK);
        }
    }
    scene.line((area.x0, area.y0), (area.x0, area.y1), INK, 2);
    scene.line((area.x0, area.y1), (area.x1, area.y1), INK, 2);
    if let Some(title) = title {
        let label = font::fit(&axis.title(title), TITLE_PT, area.y1 - area.y0 + points(20.0));
        scene.text_up((area.x0 - points(25.0), (area.y0 + area.y1) / 2), label, TITLE_PT, Anchor::Middle, INK);
    }
}

/// Draws `parts` as one horizontal stacked bar over the width of `area`, which stands for `whole`.
pub fn stack_right(scene: &mut Scene, area: Area, whole: f64, parts: impl Iterator<Item = (Fill, f64)>) {
    let mut sum = 0.0;
    for (fill, value) in parts.filter(|(_, v)| *v > 0.0) {
        let from = area.x0 + along(sum / whole, area.x1 - area.x0);
        sum += value;
        let to = area.x0 + along(sum / whole, area.x1 - area.x0);
        scene.bar(Area { x0: from, x1: to, ..area }, fill);
    }
}

/// Draws `parts` as one vertical stacked bar in `area`, on `axis` from the foot up.
pub fn stack_up(scene: &mut Scene, area: Area, axis: &Axis, parts: impl Iterator<Item = (Fill, f64)>) {
    let mut sum = 0.0;
    for (fill, value) in parts.filter(|(_, v)| *v > 0.0) {
        let from = area.y1 - along(axis.position(sum), area.y1 - area.y0);
        sum += value;
        let to = area.y1 - along(axis.position(sum), area.y1 - area.y0);
        scene.bar(Area { y0: to, y1: from, ..area }, fill);
    }
}

/// A run of neighbouring slots with one name, for stage bands: `(first slot, slots, name)`.
pub fn runs<'a>(names: impl Iterator<Item = &'a str>) -> Vec<(usize, usize, &'a str)> {
    let mut runs: Vec<(usize, usize, &str)> = Vec::new();
    for (i, name) in names.enumerate() {
        match runs.last_mut() {
            Some((_, count, last)) if *last == name => *count += 1,
            _ => runs.push((i, 1, name)),
        }
    }
    runs
}

/// Shades every other run of `slots` equal columns of `area`.
pub fn bands(scene: &mut Scene, area: Area, slots: usize, runs: &[(usize, usize, &str)]) {
    for (first, count, _) in runs.iter().skip(1).step_by(2) {
        let (x0, x1) = (slot(area, slots, *first).0, slot(area, slots, first + count - 1).1);
        scene.rectangle(Area { x0, x1, ..area }, BAND);
    }
}

/// Where the names of runs stand above their columns: in rows upwards, as many as the names need to stay apart.
pub struct BandNames<'a> {
    names: Vec<(i32, usize, &'a str)>,
    rows: usize,
}

impl<'a> BandNames<'a> {
    /// Finds places for the names of the runs of `slots` equal columns between `x0` and `x1`. A name that would need a fourth row is
    /// left out.
    pub fn new((x0, x1): (i32, i32), slots: usize, runs: &[(usize, usize, &'a str)]) -> Self {
        let area = Area { x0, y0: 0, x1, y1: 1 };
        let (mut taken, mut names) = ([i32::MIN; 3], Vec::new());
        for (first, count, name) in runs {
            let (from, to) = (slot(area, slots, *first).0, slot(area, slots, first + count - 1).1);
            let width = font::width(name, style::SMALL_PT);
            let left = ((from + to) / 2 - width / 2).clamp(x0, (x1 - width).max(x0));
            let free = taken.iter_mut().enumerate().find(|(_, end)| left > **end && left + width <= x1);
            if let Some((row, end)) = free {
                names.push((left, row, *name));
                *end = left + width + points(2.0);
            }
        }
        let rows = names.iter().map(|(_, row, _)| row + 1).max().unwrap_or(0);
        Self { names, rows }
    }

    /// Height of the strip.
    pub fn height(&self) -> i32 {
        self.rows as i32 * points(7.5) + points(2.0)
    }

    /// Writes the names above `bottom`.
    pub fn draw(&self, scene: &mut Scene, bottom: i32) {
        for (left, row, name) in &self.names {
            let y = bottom - points(2.5) - *row as i32 * points(7.5);
            scene.text((*left, y), *name, style::SMALL_PT, Anchor::Start, FAINT_INK);
        }
    }
}

/// Left and right of the `index`-th of `slots` equal columns of `area`.
pub fn slot(area: Area, slots: usize, index: usize) -> (i32, i32) {
    let at = |i: usize| area.x0 + along(i as f64 / slots.max(1) as f64, area.x1 - area.x0);
    (at(index), at(index + 1))
}

/// Numbers `count` equal columns between `x0` and `x1` from 1 below `y`, as many as there is room for, at round distances.
pub fn slot_numbers(scene: &mut Scene, (x0, x1): (i32, i32), y: i32, count: usize) {
    let area = Area { x0, y0: 0, x1, y1: 1 };
    let widest = font::width(&count.to_string(), LABEL_PT) + points(6.0);
    let room = ((x1 - x0) / widest.max(1)).clamp(1, 12) as usize;
    let every = [1, 2, 5, 10, 20, 50, 100, 200, 500].into_iter().find(|n| count / n <= room).unwrap_or(count.max(1));
    for number in (every..=count).step_by(every) {
        let (from, to) = slot(area, count, number - 1);
        let (middle, text) = ((from + to) / 2, number.to_string());
        scene.line((middle, y), (middle, y + points(2.0)), INK, 2);
        if middle + font::width(&text, LABEL_PT) / 2 < x1 + points(3.0) {
            scene.text((middle, y + points(9.0)), text, LABEL_PT, Anchor::Middle, INK);
        }
    }
}

/// A fraction of a length, in whole pixels.
pub fn along(fraction: f64, length: i32) -> i32 {
    (fraction.clamp(0.0, 1.0) * f64::from(length)).round() as i32
}
