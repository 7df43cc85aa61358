//! Names of marks in a plot, where they cover the least of what it shows.

use crate::draw::font;
use crate::draw::plot::Plot;
use crate::draw::scene::{Anchor, Area, Scene, Text};
use crate::draw::style::{FAINT_INK, INK, PAPER, SMALL_PT, points};

/// Rows of text by which a name may be above or below its mark.
const ROWS: i32 = 16;

/// Points by which it may be to the left or right of it.
const AWAY_PT: [f64; 5] = [7.0, 25.0, 50.0, 90.0, 140.0];

/// The area around a line that goes along an axis.
pub(super) fn along((x0, y0): (i32, i32), (x1, y1): (i32, i32)) -> Area {
    Area { x0: x0.min(x1) - 1, y0: y0.min(y1) - 1, x1: x0.max(x1) + 1, y1: y0.max(y1) + 1 }
}

/// Pixels that it may be farther away to cover one point less.
const COVERED: usize = 2;

/// Writes every name in a box to the left or right of its mark: near it, where it covers little of what is `shown` (each with its
/// weight) and nothing of other names and marks. A line ties it to its mark if it is not right beside it. One for which there is no
/// place is left out.
pub(super) fn callouts(scene: &mut Scene, plot: &Plot, shown: &[(Area, usize)], marks: &[((i32, i32), String)]) {
    let reach = points(5.0);
    let mut taken: Vec<Area> =
        marks.iter().map(|((x, y), _)| Area { x0: x - reach, y0: y - reach, x1: x + reach, y1: y + reach }).collect();
    // From the right, so that the places beside a mark are not those of names further to the left.
    let mut marks: Vec<_> = marks.iter().collect();
    marks.sort_by_key(|((x, y), _)| (-x, *y));
    let mut placed = Vec::new();
    for (mark, name) in marks {
        if let Some((text, around)) = place(plot, shown, &taken, (*mark, name)) {
            taken.push(around);
            placed.push((*mark, text, around));
        }
    }
    for ((x, y), text, around) in &placed {
        let end = (if text.anchor == Anchor::Start { around.x0 } else { around.x1 }, (around.y0 + around.y1) / 2);
        if (end.0 - x).abs() > 2 * reach || (end.1 - y).abs() > 2 * reach {
            scene.line((*x, *y), end, FAINT_INK, 2);
        }
    }
    for (_, text, around) in placed {
        scene.rectangle(around, PAPER);
        scene.frame(around, FAINT_INK, 1);
        scene.text(text.at, text.text, text.size_pt, text.anchor, text.color);
    }
}

/// The best place of a mark's name, and the box around it.
fn place(
    plot: &Plot,
    shown: &[(Area, usize)],
    taken: &[Area],
    (mark, name): ((i32, i32), &str),
) -> Option<(Text, Area)> {
    let name = font::fit(name, SMALL_PT, (plot.area.x1 - plot.area.x0) * 3 / 5);
    let rows = (-ROWS..=ROWS).flat_map(|row| [(row, Anchor::Start), (row, Anchor::End)]);
    let places = rows.flat_map(|(row, anchor)| AWAY_PT.map(|away| (row, points(away), anchor)));
    let boxes = places.filter_map(|(row, away, anchor)| {
        let text = beside(mark, &name, (row, away), anchor);
        let around = framed(&text);
        let free = plot.area.contains(&around) && !taken.iter().any(|other| other.overlaps(&around));
        let covered = |(area, weight): &(Area, usize)| if area.overlaps(&around) { *weight } else { 0 };
        let covered: usize = shown.iter().map(covered).sum();
        let distance = away.unsigned_abs() + row.unsigned_abs() * points(SMALL_PT).unsigned_abs();
        free.then_some((COVERED * covered + distance as usize, text, around))
    });
    boxes.min_by_key(|(cost, ..)| *cost).map(|(_, text, around)| (text, around))
}

/// A name so many rows below and so many pixels beside its mark.
fn beside((x, y): (i32, i32), name: &str, (row, away): (i32, i32), anchor: Anchor) -> Text {
    let down = points(3.0) + row * points(SMALL_PT);
    let x = if anchor == Anchor::Start { x + away } else { x - away };
    Text { at: (x, y + down), text: name.to_owned(), size_pt: SMALL_PT, anchor, upwards: false, color: INK }
}

fn framed(text: &Text) -> Area {
    let Area { x0, y0, x1, y1 } = text.area();
    Area { x0: x0 - 3, y0: y0 - 3, x1: x1 + 3, y1: y1 + 3 }
}
