//! The layout that latency and energy share: for every simulation a bar per phase on a logarithmic axis, because platforms differ
//! by orders of magnitude, and next to it what the time or the energy consists of, as stacked shares. In one column there are only
//! the shares, with the values written beside them.

use crate::draw::axis::Axis;
use crate::draw::scene::{Anchor, Area, Scene};
use crate::draw::style::{BAND, Columns, FAINT_INK, Fill, INK, LABEL_PT, SMALL_PT, TITLE_PT, inches, phase, points};
use crate::draw::{font, frame, legend};
use crate::format::Quantity;

/// As wide as a value with its unit gets.
pub const LONGEST_VALUE: &str = "8.88e8 MJ";

/// One phase of one simulation, or its total.
pub struct Row {
    /// The phase's name, or `total`.
    pub label: &'static str,
    /// Seconds or joules.
    pub value: f64,
}

/// One stacked bar: the rows that it spans, from the group's first row, and its parts as indices into the keys with their values.
pub struct Stack {
    /// First row.
    pub first: usize,
    /// Number of rows.
    pub rows: usize,
    /// Parts.
    pub parts: Vec<(usize, f64)>,
}

/// One simulation.
pub struct Group {
    /// The network's name.
    pub network: String,
    /// The platform's name.
    pub platform: String,
    /// Its phases.
    pub rows: Vec<Row>,
    /// Its stacked bars.
    pub stacks: Vec<Stack>,
}

/// What the layout needs besides the data.
pub struct Words<'a> {
    /// What is measured.
    pub quantity: Quantity,
    /// Title of the left axis: `Latency`.
    pub left: &'a str,
    /// Title of the right axis.
    pub right: &'a str,
    /// What the parts are.
    pub keys: &'a [(String, Fill)],
}

/// Lays the figure out.
pub fn scene(groups: &[Group], words: &Words<'_>, columns: Columns) -> Scene {
    let mut scene = Scene::new(columns.width_in());
    let margin = points(3.0);
    if groups.iter().all(|g| g.rows.is_empty()) {
        return empty(scene, "no simulation has any time or energy to show");
    }
    let used: Vec<(&str, Fill)> = words
        .keys
        .iter()
        .enumerate()
        .filter(|(i, _)| groups.iter().flat_map(|g| &g.stacks).flat_map(|s| &s.parts).any(|(k, v)| k == i && *v > 0.0))
        .map(|(_, (name, fill))| (name.as_str(), *fill))
        .collect();

    let narrow = columns == Columns::One;
    let label_limit = inches(if narrow { 0.8 } else { 1.35 });
    let label_width = groups
        .iter()
        .flat_map(|g| [font::width(&g.network, LABEL_PT), font::width(&g.platform, SMALL_PT)])
        .max()
        .unwrap_or(0)
        .min(label_limit);
    let left_x0 = margin + label_width + points(8.0) + font::width("offline", LABEL_PT) + points(4.0);
    let value_width = font::width(LONGEST_VALUE, LABEL_PT) + points(3.0);
    let right_x1 = scene.width - if narrow { value_width + points(4.0) } else { points(10.0) };
    let left_x1 = left_x0 + (right_x1 - left_x0 - value_width - points(10.0)) * 42 / 100;
    let right_x0 = if narrow { left_x0 } else { left_x1 + value_width + points(10.0) };
    let values_x = if narrow { right_x1 } else { left_x1 } + points(4.0);

    let right = scene.width - points(10.0);
    let top = legend::draw(&mut scene, (margin, right), margin, &used) + points(5.0);
    let (row_height, gap) = (points(10.5), points(5.0));
    let height = |group: &Group| (group.rows.len().max(2) as i32) * row_height;
    let bottom = top + groups.iter().map(|g| height(g) + gap).sum::<i32>();

    let mut y = top;
    for (i, group) in groups.iter().enumerate() {
        if i % 2 == 1 {
            scene.rectangle(Area { x0: 0, y0: y, x1: scene.width, y1: y + height(group) + gap }, BAND);
        }
        y += height(group) + gap;
    }
    let left = Area { x0: left_x0, y0: top, x1: left_x1, y1: bottom };
    let right = Area { x0: right_x0, y0: top, x1: right_x1, y1: bottom };
    let axis = Axis::log(words.quantity, groups.iter().flat_map(|g| &g.rows).map(|r| r.value));
    let share = Axis::Linear { quantity: Quantity::Count, step: 20.0, end: 100.0 };
    let lowest = frame::value_axis_below(&mut scene, right, &share, words.right);
    if !narrow {
        frame::value_axis_below(&mut scene, left, &axis, words.left);
    }

    let mut y = top + gap / 2;
    for group in groups {
        let middle = y + height(group) / 2;
        scene.text(
            (margin, middle - points(1.0)),
            font::fit(&group.network, LABEL_PT, label_limit),
            LABEL_PT,
            Anchor::Start,
            INK,
        );
        let platform = font::fit(&group.platform, SMALL_PT, label_limit);
        scene.text((margin, middle + points(6.5)), platform, SMALL_PT, Anchor::Start, FAINT_INK);
        let offset = (height(group) - group.rows.len() as i32 * row_height) / 2;
        let bar = |first: usize, rows: usize| {
            let y0 = y + offset + first as i32 * row_height;
            (y0 + points(1.2), y0 + rows as i32 * row_height - points(1.2))
        };
        for (i, row) in group.rows.iter().enumerate() {
            let (y0, y1) = bar(i, 1);
            let baseline = (y0 + y1) / 2 + points(LABEL_PT * 0.35);
            scene.text((left.x0 - points(4.0), baseline), row.label, LABEL_PT, Anchor::End, INK);
            if !narrow {
                let end = left.x0 + frame::along(axis.position(row.value), left.x1 - left.x0);
                scene.bar(Area { x0: left.x0, y0, x1: end, y1 }, phase(row.label));
            }
            scene.text((values_x, baseline), words.quantity.format(row.value), LABEL_PT, Anchor::Start, INK);
        }
        for stack in &group.stacks {
            let whole: f64 = stack.parts.iter().map(|(_, v)| v).sum();
            if whole > 0.0 {
                let (y0, y1) = bar(stack.first, stack.rows);
                let parts = stack.parts.iter().filter_map(|(key, value)| Some((words.keys.get(*key)?.1, *value)));
                frame::stack_right(&mut scene, Area { y0, y1, ..right }, whole, parts);
            }
        }
        y += height(group) + gap;
    }
    scene.height = lowest + margin;
    scene
}

/// A figure that says why there is nothing to see.
pub fn empty(mut scene: Scene, why: &str) -> Scene {
    scene.text((scene.width / 2, scene.height / 2), why, TITLE_PT, Anchor::Middle, FAINT_INK);
    scene
}
