//! One panel of points: two axes with their titles, and where values lie in it.

use super::axis::{Axis, short};
use super::font;
use super::frame;
use super::scene::{Anchor, Area, Scene};
use super::style::{GRID, INK, LABEL_PT, TITLE_PT, points};
use crate::format::Quantity;

/// The horizontal axis. On a named one, a value is the position of a name, from 0.
#[derive(Debug, Clone, PartialEq)]
pub enum Across {
    /// Values on an axis.
    Values(Axis),
    /// Values on an axis that is labelled at these: the levels of a sweep.
    Levels(Axis, Quantity, Vec<f64>),
    /// Names; a value is the position of one, from 0.
    Names(Vec<String>),
}

/// A panel whose place and axes are settled.
#[derive(Debug, Clone)]
pub struct Plot {
    /// Inside of the axes.
    pub area: Area,
    across: Across,
    up: Axis,
}

impl Plot {
    /// Draws the axes of a panel between `x0` and `x1`, `height` pixels high, from `top` down; returns it and the lowest pixel used.
    pub fn new(
        scene: &mut Scene,
        ((x0, x1), top, height): ((i32, i32), i32, i32),
        (across, across_title): (Across, &str),
        (up, up_title): (Axis, &str),
    ) -> (Self, i32) {
        let room = (height / points(LABEL_PT * 1.5)).max(2) as usize;
        let labels = up.ticks(room).iter().map(|tick| font::width(&tick.label, LABEL_PT)).max().unwrap_or(0);
        let left = x0 + points(TITLE_PT + 2.0) + labels + points(5.0);
        let area = Area { x0: left.min(x1 - points(20.0)), y0: top, x1, y1: top + height };
        frame::value_axis_left(scene, area, &up, None);
        let title = font::fit(&up.title(up_title), TITLE_PT, height + points(12.0));
        scene.text_up((x0 + points(TITLE_PT), (area.y0 + area.y1) / 2), title, TITLE_PT, Anchor::Middle, INK);
        let bottom = match &across {
            Across::Values(axis) => frame::value_axis_below(scene, area, axis, across_title),
            Across::Levels(axis, quantity, values) => {
                levels_below(scene, area, axis, (*quantity, values), across_title)
            }
            Across::Names(names) => names_below(scene, area, names, across_title),
        };
        (Self { area, across, up }, bottom)
    }

    /// Where a point is drawn; nowhere if it has no finite place.
    pub fn place(&self, (x, y): (f64, f64)) -> Option<(i32, i32)> {
        if !(x.is_finite() && y.is_finite()) {
            return None;
        }
        let share = match &self.across {
            Across::Values(axis) | Across::Levels(axis, ..) => axis.position(x),
            Across::Names(names) => (x + 0.5) / names.len().max(1) as f64,
        };
        let Area { x0, y0, x1, y1 } = self.area;
        Some((x0 + frame::along(share, x1 - x0), y1 - frame::along(self.up.position(y), y1 - y0)))
    }
}

/// Grid lines at the levels, and as many labels as there is room for.
fn levels_below(
    scene: &mut Scene,
    area: Area,
    axis: &Axis,
    (quantity, values): (Quantity, &[f64]),
    title: &str,
) -> i32 {
    let mut end = i32::MIN;
    for value in values {
        let x = area.x0 + frame::along(axis.position(*value), area.x1 - area.x0);
        scene.line((x, area.y0), (x, area.y1), GRID, 1);
        scene.line((x, area.y1), (x, area.y1 + points(2.0)), INK, 2);
        let text = short(quantity, *value);
        let half = font::width(&text, LABEL_PT) / 2;
        if x - half > end && x + half < scene.width {
            end = x + half + points(4.0);
            scene.text((x, area.y1 + points(9.0)), text, LABEL_PT, Anchor::Middle, INK);
        }
    }
    scene.line((area.x0, area.y1), (area.x1, area.y1), INK, 2);
    // Labels carry their own units; the scale is what is left to say.
    let title =
        if matches!(axis, Axis::Span { log: true, .. }) { format!("{title} (log scale)") } else { title.to_owned() };
    let title = font::fit(&title, TITLE_PT, area.x1 - area.x0 + points(20.0));
    scene.text(((area.x0 + area.x1) / 2, area.y1 + points(18.5)), title, TITLE_PT, Anchor::Middle, INK);
    area.y1 + points(21.0)
}

/// Names below equal columns, as many as there is room for.
fn names_below(scene: &mut Scene, area: Area, names: &[String], title: &str) -> i32 {
    let slot = (area.x1 - area.x0) / names.len().max(1) as i32;
    let widest = names.iter().map(|name| font::width(name, LABEL_PT)).max().unwrap_or(0) + points(4.0);
    let limit = widest.min((area.x1 - area.x0) / 2);
    let every = (limit + slot.max(1) - 1) / slot.max(1);
    for (number, name) in names.iter().enumerate().step_by(every.max(1) as usize) {
        let (from, to) = frame::slot(area, names.len(), number);
        let text = font::fit(name, LABEL_PT, limit - points(3.0));
        // A wide name at an end stays within the figure.
        let half = font::width(&text, LABEL_PT) / 2;
        let middle = ((from + to) / 2).min(scene.width - half - 1);
        scene.line(((from + to) / 2, area.y1), ((from + to) / 2, area.y1 + points(2.0)), INK, 2);
        scene.text((middle, area.y1 + points(9.0)), text, LABEL_PT, Anchor::Middle, INK);
    }
    scene.text(((area.x0 + area.x1) / 2, area.y1 + points(18.5)), title, TITLE_PT, Anchor::Middle, INK);
    area.y1 + points(21.0)
}
