//! Colour as a scale: one hue from light to dark, so that grey prints and colour-blind readers lose nothing.

use super::axis::Axis;
use super::font;
use super::frame;
use super::scene::{Anchor, Area, Scene};
use super::style::{INK, LABEL_PT, PAPER, TITLE_PT, points};
use crate::format::Quantity;
use plotters::style::RGBColor;

/// From the least to the most, each darker than the one before: a sequential blue with even steps of lightness.
const STOPS: [(u8, u8, u8); 6] = [
    (0xf2, 0xf6, 0xfb),
    (0xc9, 0xdc, 0xee),
    (0x93, 0xbb, 0xdc),
    (0x56, 0x92, 0xc4),
    (0x26, 0x62, 0x9c),
    (0x08, 0x2f, 0x5a),
];

/// Ranges wider than this are drawn by their logarithm.
const WIDE: f64 = 4.0;

/// Colours for values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColorScale {
    quantity: Quantity,
    low: f64,
    high: f64,
    log: bool,
}

impl ColorScale {
    /// A scale over all positive `values`.
    pub fn new(quantity: Quantity, values: impl Iterator<Item = f64>) -> Self {
        let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
        for value in values.filter(|value| value.is_finite() && *value > 0.0) {
            (low, high) = (low.min(value), high.max(value));
        }
        if high == 0.0 {
            (low, high) = (1.0, 1.0);
        }
        Self { quantity, low, high, log: high / low > WIDE }
    }

    /// From 0 (least) to 1 (most).
    fn position(&self, value: f64) -> f64 {
        let raw = if self.log {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        if raw.is_finite() { raw.clamp(0.0, 1.0) } else { 0.0 }
    }

    fn value(&self, position: f64) -> f64 {
        if self.log {
            self.low * (self.high / self.low).powf(position)
        } else {
            self.low + (self.high - self.low) * position
        }
    }

    /// The colour of a value.
    pub fn color(&self, value: f64) -> RGBColor {
        let along = self.position(value) * (STOPS.len() - 1) as f64;
        let from = (along.floor() as usize).min(STOPS.len() - 2);
        let (Some(&low), Some(&high)) = (STOPS.get(from), STOPS.get(from + 1)) else { return PAPER };
        let mix = |low: u8, high: u8| {
            (f64::from(low) + (f64::from(high) - f64::from(low)) * (along - from as f64)).round() as u8
        };
        RGBColor(mix(low.0, high.0), mix(low.1, high.1), mix(low.2, high.2))
    }

    /// What the scale takes at the right of its bar: ticks, labels and title.
    pub fn margin(&self) -> i32 {
        points(5.0 + TITLE_PT * 1.3) + self.label_width()
    }

    fn label_width(&self) -> i32 {
        let widths = self.ticks().into_iter().map(|value| font::width(&self.quantity.format(value), LABEL_PT));
        widths.max().unwrap_or(0)
    }

    /// Draws the scale in `area`, from the foot up, with its title and ticks at the right.
    pub fn draw(&self, scene: &mut Scene, area: Area, title: &str) {
        const STEPS: i32 = 64;
        let height = area.y1 - area.y0;
        let at = |position: f64| area.y1 - frame::along(position, height);
        for step in 0..STEPS {
            let (from, to) = (f64::from(step) / f64::from(STEPS), f64::from(step + 1) / f64::from(STEPS));
            let color = self.color(self.value(from.midpoint(to)));
            scene.rectangle(Area { y0: at(to), y1: at(from), ..area }, color);
        }
        scene.frame(area, INK, 2);
        let mut last = i32::MAX;
        for value in self.ticks() {
            let y = at(self.position(value));
            // Ticks that would touch the one before are left out.
            if last - y < points(LABEL_PT * 1.3) {
                continue;
            }
            last = y;
            scene.line((area.x1, y), (area.x1 + points(2.0), y), INK, 2);
            let label = self.quantity.format(value);
            scene.text((area.x1 + points(3.5), y + points(LABEL_PT * 0.35)), label, LABEL_PT, Anchor::Start, INK);
        }
        let x = area.x1 + points(5.0) + self.label_width() + points(TITLE_PT * 0.9);
        let title = format!("{title} ({})", if self.log { "log scale" } else { "linear" });
        let title = font::fit(&title, TITLE_PT, height + points(6.0));
        scene.text_up((x, (area.y0 + area.y1) / 2), title, TITLE_PT, Anchor::Middle, INK);
    }

    /// Both ends, and round values between them.
    fn ticks(&self) -> Vec<f64> {
        let mut ticks = vec![self.low];
        // A hair from an end, a round value would hide it.
        let inside = |value: &f64| (0.12..=0.88).contains(&self.position(*value));
        if self.log {
            let decades = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
            let round = decades.flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(power)));
            ticks.extend(round.filter(inside));
        } else if let Axis::Linear { step, .. } = Axis::linear(self.quantity, self.high - self.low, 4) {
            let first = (self.low / step).ceil() as i64;
            ticks.extend((first..first + 12).map(|number| number as f64 * step).filter(inside));
        }
        if self.high > self.low {
            ticks.push(self.high);
        }
        ticks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::style::{Fill, Hatch};

    fn lightness(color: RGBColor) -> f64 {
        let RGBColor(r, g, b) = color;
        Fill::new(u32::from(r) << 16 | u32::from(g) << 8 | u32::from(b), Hatch::Plain).lightness()
    }

    #[test]
    fn more_is_darker_everywhere() {
        for values in [vec![1.0, 1000.0], vec![1.0, 2.0], vec![5.0]] {
            let scale = ColorScale::new(Quantity::Seconds, values.iter().copied());
            let mut last = 2.0;
            for step in 0..=20 {
                let value = scale.value(f64::from(step) / 20.0);
                let light = lightness(scale.color(value));
                assert!(light <= last, "{value}");
                last = light;
            }
        }
    }

    #[test]
    fn a_wide_range_is_logarithmic_and_ticks_lie_within() {
        for (values, log) in [([0.01, 3.0], true), ([1.0, 1.5], false)] {
            let scale = ColorScale::new(Quantity::Joules, values.into_iter());
            assert_eq!(scale.log, log);
            let ticks = scale.ticks();
            assert!(ticks.len() >= 3 && ticks.windows(2).all(|pair| pair[0] < pair[1]), "{ticks:?}");
            assert!(ticks.iter().all(|tick| (values[0]..=values[1]).contains(tick)));
        }
    }

    #[test]
    fn nothing_sensible_still_has_colours() {
        let scale = ColorScale::new(Quantity::Seconds, [f64::NAN, 0.0, -1.0, f64::INFINITY].into_iter());
        assert_eq!(lightness(scale.color(f64::NAN)), lightness(scale.color(1.0)));
        assert_eq!(scale.ticks().len(), 1);
    }
}
