//! Legends: rows of swatches with names, in a strip of their own, so that they never cover data.

use super::font;
use super::scene::{Anchor, Area, Scene};
use super::style::{Fill, INK, LABEL_PT, points};

/// Height of one row of a legend, pixels.
fn row_height() -> i32 {
    points(10.0)
}

/// Draws a legend in rows between `x0` and `x1` from `y` down and returns the bottom of its strip.
pub fn draw(scene: &mut Scene, (x0, x1): (i32, i32), y: i32, entries: &[(&str, Fill)]) -> i32 {
    let (swatch, gap) = ((points(11.0), points(6.5)), points(3.0));
    let (mut x, mut row) = (x0, 0);
    for (name, fill) in entries {
        let name = font::fit(name, LABEL_PT, (x1 - x0 - swatch.0 - gap).max(points(20.0)));
        let needed = swatch.0 + gap + font::width(&name, LABEL_PT);
        if x > x0 && x + needed > x1 {
            (x, row) = (x0, row + 1);
        }
        let middle = y + row * row_height() + row_height() / 2;
        scene.bar(Area { x0: x, y0: middle - swatch.1 / 2, x1: x + swatch.0, y1: middle + swatch.1 / 2 }, *fill);
        scene.text((x + swatch.0 + gap, middle + points(LABEL_PT * 0.35)), name, LABEL_PT, Anchor::Start, INK);
        x += needed + points(9.0);
    }
    y + if entries.is_empty() { 0 } else { (row + 1) * row_height() }
}
