//! The inputs that were answered privately, each with the answer; wrong ones are marked.

use super::{Data, Figure, Origin, slug};
use crate::AccuracySummary;
use crate::accuracy::Answer;
use crate::draw::font;
use crate::draw::scene::{Anchor, Area, Scene};
use crate::draw::style::{FAINT_INK, INK, LABEL_PT, SMALL_PT, TITLE_PT, TWO_COLUMNS_IN, points};
use crate::format::{exact, percent};
use pisim_netgen::Shape;
use plotters::style::RGBColor;

/// Pictures of one figure; more would be too small.
const MOST: usize = 160;
/// Pictures in a row.
const COLUMNS: usize = 20;
/// Wrong answers.
const WRONG: RGBColor = RGBColor(0xc0, 0x26, 0x1c);

/// A grid of a network's pictures with the classes that the client learned. Wrong answers come first.
pub fn answers(run: &AccuracySummary) -> Figure {
    let mut data = Data::new(&["index", "label", "float", "integer", "private", "exact"]);
    for answer in &run.answers {
        let numbers = [answer.index, answer.label, answer.float, answer.integer, answer.private];
        data.push(numbers.iter().map(u64::to_string).chain([answer.exact.to_string()]));
    }
    let wrong = run.answers.iter().filter(|answer| answer.private != answer.label).count();
    let shown = run.answers.len().min(MOST);
    let rest = match run.answers.len() - shown {
        0 => String::new(),
        left => format!(" {} more are in the data.", exact(left as u64)),
    };
    Figure {
        name: format!("answers-{}", slug(&run.network)),
        title: format!("Private answers of {}", run.network),
        caption: format!(
            "Below each image the class that the client learned; {} wrong (framed in red, with the right class behind it), \
             {} right of {}.{rest}",
            if wrong == 1 { "one is".to_owned() } else { format!("{} are", exact(wrong as u64)) },
            percent(run.private_accuracy()),
            exact(run.images),
        ),
        origin: Origin::Measured,
        scene: scene(run, shown),
        data,
    }
}

fn scene(run: &AccuracySummary, shown: usize) -> Scene {
    let mut scene = Scene::new(TWO_COLUMNS_IN);
    let title = format!("{}, {}", run.network, run.protocol);
    scene.text(
        (scene.width / 2, points(10.0)),
        font::fit(&title, TITLE_PT, scene.width),
        TITLE_PT,
        Anchor::Middle,
        INK,
    );
    let mut order: Vec<&Answer> = run.answers.iter().collect();
    order.sort_by_key(|answer| answer.private == answer.label);
    let (cell, gap) = (scene.width / COLUMNS as i32, points(3.0));
    let (top, height) = (points(16.0), cell + points(9.0));
    for (place, answer) in order.into_iter().take(shown).enumerate() {
        let (column, row) = ((place % COLUMNS) as i32, (place / COLUMNS) as i32);
        let (x0, y0) = (column * cell + gap, top + row * height);
        let area = Area { x0, y0, x1: x0 + cell - 2 * gap, y1: y0 + cell - 2 * gap };
        picture(&mut scene, area, run.shape, &answer.pixels);
        let right = answer.private == answer.label;
        let (color, width) = if right { (FAINT_INK, 1) } else { (WRONG, 5) };
        scene.frame(area, color, width);
        let (text, size, color) = match right {
            true => (answer.private.to_string(), LABEL_PT, INK),
            false => (format!("{} ({})", answer.private, answer.label), SMALL_PT, WRONG),
        };
        let text = font::fit(&text, size, cell - gap / 2);
        scene.text(((area.x0 + area.x1) / 2, area.y1 + points(8.0)), text, size, Anchor::Middle, color);
    }
    scene.height = top + shown.div_ceil(COLUMNS).max(1) as i32 * height + points(2.0);
    scene
}

/// The picture's pixels; neighbours of one colour in a row become one rectangle. One channel is drawn as ink on paper, three are
/// red, green and blue.
fn picture(scene: &mut Scene, area: Area, shape: Shape, pixels: &[u8]) {
    let at = |channel: usize, row: usize, column: usize| {
        pixels.get((channel * shape.height + row) * shape.width + column).copied().unwrap_or_default()
    };
    let color = |row: usize, column: usize| match shape.channels {
        3 => RGBColor(at(0, row, column), at(1, row, column), at(2, row, column)),
        _ => {
            let paper = 255 - at(0, row, column);
            RGBColor(paper, paper, paper)
        }
    };
    let edge = |from: i32, to: i32, part: usize, parts: usize| from + (to - from) * part as i32 / parts.max(1) as i32;
    for row in 0..shape.height {
        let (y0, y1) = (edge(area.y0, area.y1, row, shape.height), edge(area.y0, area.y1, row + 1, shape.height));
        let mut start = 0;
        for column in 0..shape.width {
            if column + 1 < shape.width && color(row, column + 1) == color(row, start) {
                continue;
            }
            let (x0, x1) =
                (edge(area.x0, area.x1, start, shape.width), edge(area.x0, area.x1, column + 1, shape.width));
            scene.rectangle(Area { x0, y0, x1, y1 }, color(row, start));
            start = column + 1;
        }
    }
}
