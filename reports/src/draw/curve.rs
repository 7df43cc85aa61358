//! Curves: lines through points, solid or dashed, with markers that differ without colour, and a legend of them.

use super::font;
use super::scene::{Anchor, Area, Scene, Shape};
use super::style::{INK, LABEL_PT, PAPER, points, series};
use plotters::style::RGBColor;
use std::f64::consts::PI;

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dash {
    /// Without gaps.
    Solid,
    /// Long strokes.
    Dashed,
    /// Short strokes, thin.
    Dotted,
    /// No line, only markers.
    None,
}

impl Dash {
    /// Length of strokes and gaps, and width, in pixels.
    fn lengths(self) -> (f64, f64, u32) {
        let at = |stroke: f64, gap: f64| (f64::from(points(stroke)), f64::from(points(gap)));
        match self {
            Self::Solid => (f64::INFINITY, 0.0, 4),
            Self::Dashed => (at(4.0, 2.5).0, at(4.0, 2.5).1, 4),
            Self::Dotted => (at(1.0, 2.0).0, at(1.0, 2.0).1, 2),
            Self::None => (0.0, f64::INFINITY, 0),
        }
    }
}

/// A mark at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// A filled square.
    Square,
    /// An upright triangle.
    Triangle,
    /// A diamond.
    Diamond,
    /// A slanted cross.
    Cross,
    /// An outlined square.
    Box,
    /// A plus sign.
    Plus,
    /// A star, for the one point that all curves start from; no curve takes it by itself.
    Star,
}

impl Marker {
    /// All markers, in the order in which curves take them.
    pub const ALL: [Self; 6] = [Self::Square, Self::Triangle, Self::Diamond, Self::Cross, Self::Box, Self::Plus];

    /// Draws it around a point.
    pub fn draw(self, scene: &mut Scene, at: (i32, i32), color: RGBColor) {
        self.draw_sized(scene, at, color, 2.2);
    }

    /// Draws it around a point, with half of its side in points.
    pub fn draw_sized(self, scene: &mut Scene, (x, y): (i32, i32), color: RGBColor, half_pt: f64) {
        let r = points(half_pt);
        let width = if half_pt < 2.0 { 2 } else { 4 };
        let mut path = |steps: &[(i32, i32)]| {
            let places = steps.iter().map(|(dx, dy)| (x + dx * r, y + dy * r)).collect();
            scene.shapes.push(Shape::Line(places, color, width));
        };
        match self {
            Self::Square => {
                let side = r * 4 / 5;
                scene.rectangle(Area { x0: x - side, y0: y - side, x1: x + side, y1: y + side }, color);
            }
            Self::Triangle => path(&[(-1, 1), (0, -1), (1, 1), (-1, 1)]),
            Self::Diamond => path(&[(-1, 0), (0, -1), (1, 0), (0, 1), (-1, 0)]),
            Self::Cross => {
                path(&[(-1, -1), (1, 1)]);
                path(&[(-1, 1), (1, -1)]);
            }
            Self::Box => path(&[(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]),
            Self::Plus => {
                path(&[(-1, 0), (1, 0)]);
                path(&[(0, -1), (0, 1)]);
            }
            Self::Star => star(scene, (x, y), color),
        }
    }
}

/// Colour and marker of the `index`-th series.
pub fn look(index: usize) -> (RGBColor, Marker) {
    (series(index), Marker::ALL.get(index % Marker::ALL.len()).copied().unwrap_or(Marker::Square))
}

/// The line of the `index`-th of several curves that no marker tells apart.
pub fn dash(index: usize) -> Dash {
    [Dash::Solid, Dash::Dashed, Dash::Dotted].get(index % 3).copied().unwrap_or(Dash::Solid)
}

/// A star around a point, light at its rim so that it shows on anything: the knee of a front.
pub fn star(scene: &mut Scene, (x, y): (i32, i32), color: RGBColor) {
    for (radius, color) in [(f64::from(points(5.2)), PAPER), (f64::from(points(4.0)), color)] {
        let corner = |number: i32| {
            let (angle, radius) = (f64::from(number) * PI / 5.0, if number % 2 == 0 { radius } else { 0.45 * radius });
            (x + (radius * angle.sin()).round() as i32, y - (radius * angle.cos()).round() as i32)
        };
        scene.shapes.push(Shape::Polygon((0..10).map(corner).collect(), color));
    }
}

/// Draws a line through `places`. Dashes go on around corners, so that they keep their length on any curve.
pub fn curve(scene: &mut Scene, places: &[(i32, i32)], color: RGBColor, dash: Dash) {
    let (stroke, gap, width) = dash.lengths();
    if dash == Dash::None {
        return;
    }
    if dash == Dash::Solid {
        if places.len() > 1 {
            scene.shapes.push(Shape::Line(places.to_vec(), color, width));
        }
        return;
    }
    // How far into the current stroke and its gap the last point was.
    let mut phase = 0.0;
    for pair in places.windows(2) {
        let [from, to] = pair else { continue };
        let (dx, dy) = (f64::from(to.0 - from.0), f64::from(to.1 - from.1));
        let length = dx.hypot(dy);
        let at = |distance: f64| {
            let share = if length > 0.0 { distance / length } else { 0.0 };
            (from.0 + (dx * share).round() as i32, from.1 + (dy * share).round() as i32)
        };
        let mut start = -phase;
        while start < length {
            let (a, b) = (start.max(0.0), (start + stroke).min(length));
            if b > a {
                scene.line(at(a), at(b), color, width);
            }
            start += stroke + gap;
        }
        phase = length - (start - stroke - gap);
    }
}

/// One entry of a legend of curves.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What it says.
    pub name: String,
    /// The curve's colour.
    pub color: RGBColor,
    /// The curve's line.
    pub dash: Dash,
    /// The curve's marker.
    pub marker: Option<Marker>,
}

/// Draws a legend in rows between `x0` and `x1` from `y` down and returns the bottom of its strip.
pub fn legend(scene: &mut Scene, (x0, x1): (i32, i32), y: i32, entries: &[Entry]) -> i32 {
    let (sample, gap, row_height) = (points(18.0), points(3.0), points(10.0));
    let (mut x, mut row) = (x0, 0);
    for entry in entries {
        let name = font::fit(&entry.name, LABEL_PT, (x1 - x0 - sample - gap).max(points(20.0)));
        let needed = sample + gap + font::width(&name, LABEL_PT);
        if x > x0 && x + needed > x1 {
            (x, row) = (x0, row + 1);
        }
        let middle = y + row * row_height + row_height / 2;
        curve(scene, &[(x, middle), (x + sample, middle)], entry.color, entry.dash);
        if let Some(marker) = entry.marker {
            marker.draw(scene, (x + sample / 2, middle), entry.color);
        }
        scene.text((x + sample + gap, middle + points(LABEL_PT * 0.35)), name, LABEL_PT, Anchor::Start, INK);
        x += needed + points(9.0);
    }
    y + if entries.is_empty() { 0 } else { (row + 1) * row_height }
}
