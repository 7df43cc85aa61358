//! A figure as a list of shapes on a grid of [`DPI`](super::style::DPI) pixels per inch: layout is done before anything is drawn.

use super::font;
use super::style::{Fill, Hatch, INK, inches, points};
use plotters::style::RGBColor;

/// Which end of a text its position is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The first letter.
    Start,
    /// The middle.
    Middle,
    /// The last letter.
    End,
}

/// A piece of text.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// Where the anchor is, on the baseline.
    pub at: (i32, i32),
    /// The letters.
    pub text: String,
    /// Type size, points.
    pub size_pt: f64,
    /// What `at` is.
    pub anchor: Anchor,
    /// Whether it reads upwards.
    pub upwards: bool,
    /// Colour.
    pub color: RGBColor,
}

/// A rectangle, from the upper left to the lower right corner, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// Left.
    pub x0: i32,
    /// Top.
    pub y0: i32,
    /// Right.
    pub x1: i32,
    /// Bottom.
    pub y1: i32,
}

impl Area {
    /// Whether two areas share any pixel.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.x0 < other.x1 && other.x0 < self.x1 && self.y0 < other.y1 && other.y0 < self.y1
    }

    /// Whether `other` lies within this area.
    pub fn contains(&self, other: &Self) -> bool {
        self.x0 <= other.x0 && self.y0 <= other.y0 && self.x1 >= other.x1 && self.y1 >= other.y1
    }
}

impl Text {
    /// The area that the text covers: from the cap height to the descenders.
    pub fn area(&self) -> Area {
        let width = font::width(&self.text, self.size_pt);
        let (up, down) = ((font::em(self.size_pt) * 0.73) as i32, (font::em(self.size_pt) * 0.21) as i32);
        let before = match self.anchor {
            Anchor::Start => 0,
            Anchor::Middle => width / 2,
            Anchor::End => width,
        };
        let (x, y) = self.at;
        if self.upwards {
            Area { x0: x - up, y0: y + before - width, x1: x + down, y1: y + before }
        } else {
            Area { x0: x - before, y0: y - up, x1: x - before + width, y1: y + down }
        }
    }
}

/// One shape.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A filled rectangle.
    Rectangle(Area, RGBColor),
    /// A filled polygon.
    Polygon(Vec<(i32, i32)>, RGBColor),
    /// A line through points, with its width in pixels.
    Line(Vec<(i32, i32)>, RGBColor, u32),
    /// Text.
    Text(Text),
}

/// A laid-out figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// Width, pixels.
    pub width: i32,
    /// Height, pixels.
    pub height: i32,
    /// The shapes, in the order in which they are drawn.
    pub shapes: Vec<Shape>,
}

impl Scene {
    /// An empty figure of `width_in` inches; its height is set when the layout is known.
    pub fn new(width_in: f64) -> Self {
        Self { width: inches(width_in), height: inches(0.5), shapes: Vec::new() }
    }

    /// Adds a plain rectangle; an empty or reversed one is left out.
    pub fn rectangle(&mut self, area: Area, color: RGBColor) {
        if area.x1 > area.x0 && area.y1 > area.y0 {
            self.shapes.push(Shape::Rectangle(area, color));
        }
    }

    /// Adds a straight line.
    pub fn line(&mut self, from: (i32, i32), to: (i32, i32), color: RGBColor, width: u32) {
        self.shapes.push(Shape::Line(vec![from, to], color, width));
    }

    /// Adds text with its baseline at `at`.
    pub fn text(&mut self, at: (i32, i32), text: impl Into<String>, size_pt: f64, anchor: Anchor, color: RGBColor) {
        self.push_text(at, text.into(), size_pt, anchor, color, false);
    }

    /// Adds text that reads upwards, its baseline a vertical line through `at`.
    pub fn text_up(&mut self, at: (i32, i32), text: impl Into<String>, size_pt: f64, anchor: Anchor, color: RGBColor) {
        self.push_text(at, text.into(), size_pt, anchor, color, true);
    }

    fn push_text(
        &mut self,
        at: (i32, i32),
        text: String,
        size_pt: f64,
        anchor: Anchor,
        color: RGBColor,
        upwards: bool,
    ) {
        if !text.is_empty() {
            // Control characters cannot stand in XML; a figure's names come from files that anyone can write.
            let text = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            self.shapes.push(Shape::Text(Text { at, text, size_pt, anchor, upwards, color }));
        }
    }

    /// Adds a filled, hatched and outlined bar. Where a bar is too small for lines, it keeps its plain colour.
    pub fn bar(&mut self, area: Area, fill: Fill) {
        self.rectangle(area, fill.color);
        let small = (area.x1 - area.x0).min(area.y1 - area.y0);
        if small >= 10 {
            self.hatch(area, fill);
        }
        if small >= 8 {
            let Area { x0, y0, x1, y1 } = area;
            self.shapes.push(Shape::Line(vec![(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)], INK, 1));
        }
    }

    /// Draws the sides of a rectangle.
    pub fn frame(&mut self, area: Area, color: RGBColor, width: u32) {
        let Area { x0, y0, x1, y1 } = area;
        self.shapes.push(Shape::Line(vec![(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)], color, width));
    }

    /// Hatches a cell that does not count, whatever its colour: falling lines of `color`, each beside a dark one.
    pub fn cross_out(&mut self, area: Area, color: RGBColor) {
        self.hatch_in(area, Hatch::Falling, color, 5);
        self.hatch_in(area, Hatch::Falling, INK, 1);
    }

    fn hatch(&mut self, area: Area, fill: Fill) {
        self.hatch_in(area, fill.hatch, fill.hatch_color(), 2);
    }

    fn hatch_in(&mut self, area: Area, hatch: Hatch, color: RGBColor, width: u32) {
        let step = points(4.0).max(2);
        let Area { x0, y0, x1, y1 } = area;
        // Lines lie on a grid of the whole figure, so that neighbouring bars of one kind join without a seam.
        let grid = |from: i32, to: i32| (from.div_euclid(step) + 1..=(to - 1).div_euclid(step)).map(move |i| i * step);
        let lines: Vec<_> = match hatch {
            Hatch::Plain => Vec::new(),
            Hatch::Level => grid(y0, y1).map(|y| ((x0, y), (x1, y))).collect(),
            Hatch::Rising => grid(x0 + y0, x1 + y1)
                .map(|c| ((x0.max(c - y1), c - x0.max(c - y1)), (x1.min(c - y0), c - x1.min(c - y0))))
                .collect(),
            Hatch::Falling => grid(y0 - x1, y1 - x0)
                .map(|c| ((x0.max(y0 - c), x0.max(y0 - c) + c), (x1.min(y1 - c), x1.min(y1 - c) + c)))
                .collect(),
        };
        for (from, to) in lines {
            self.line(from, to, color, width);
        }
    }

    /// The texts, in drawing order.
    pub fn texts(&self) -> impl Iterator<Item = &Text> {
        self.shapes.iter().filter_map(|shape| if let Shape::Text(text) = shape { Some(text) } else { None })
    }

    /// Pairs of texts that cover each other, and texts that leave the figure: empty for a readable figure.
    pub fn text_faults(&self) -> Vec<String> {
        let page = Area { x0: 0, y0: 0, x1: self.width, y1: self.height };
        let texts: Vec<_> = self.texts().map(|text| (text, text.area())).collect();
        let mut faults = Vec::new();
        for (i, (text, area)) in texts.iter().enumerate() {
            if !page.contains(area) {
                faults.push(format!("“{}” leaves the figure", text.text));
            }
            for (other, other_area) in texts.iter().skip(i + 1) {
                if area.overlaps(other_area) {
                    faults.push(format!("“{}” overlaps “{}”", text.text, other.text));
                }
            }
        }
        faults
    }
}
