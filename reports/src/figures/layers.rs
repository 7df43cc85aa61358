//! One simulation by layer: time by activity, bytes on the wire and energy.

use super::breakdown::empty;
use super::{Category, Data, Figure, Origin, sane, slug};
use crate::draw::axis::Axis;
use crate::draw::scene::{Anchor, Area, Scene};
use crate::draw::style::{self, Columns, Fill, INK, SMALL_PT, TITLE_PT, inches, points};
use crate::draw::{font, frame, legend};
use crate::format::Quantity;
use pisim_sim::{LayerCost, Simulation};

/// The columns that tell a layer's costs, as [`layer_cells`] fills them.
pub const LAYER_COLUMNS: &[&str] = &[
    "layer",
    "kind",
    "stage",
    "he_eval_s",
    "encrypt_s",
    "decrypt_s",
    "garble_s",
    "ot_s",
    "evaluate_s",
    "ring_linear_s",
    "transfer_s",
    "storage_s",
    "other_s",
    "up_bytes",
    "down_bytes",
    "energy_j",
];

/// A layer's cells under [`LAYER_COLUMNS`].
pub fn layer_cells(layer: &LayerCost) -> impl Iterator<Item = String> {
    [&layer.id, &layer.kind, &layer.stage]
        .map(String::clone)
        .into_iter()
        .chain(Category::of_layers().map(|category| category.seconds(layer).to_string()))
        .chain([layer.up_bytes.to_string(), layer.down_bytes.to_string(), sane(layer.energy_j).to_string()])
}

/// Time, bytes and energy of every layer that has any.
pub fn layers(simulation: &Simulation, columns: Columns) -> Figure {
    let shown: Vec<&LayerCost> = simulation.layers.iter().filter(|layer| has_cost(layer)).collect();
    let mut data = Data::new(&[&["number"], LAYER_COLUMNS].concat());
    for (i, layer) in shown.iter().enumerate() {
        data.push(std::iter::once((i + 1).to_string()).chain(layer_cells(layer)));
    }
    Figure {
        name: slug(&format!("layers-{}-{}", simulation.network, simulation.hardware)),
        title: format!("{} on {}: time, bytes and energy by layer", simulation.network, simulation.hardware),
        caption: "(a) Sums of the durations of each layer's steps over all phases; steps of different units overlap, so the sum of \
                  all bars is more than the latency. (b) Bytes on the wire, message headers included. (c) Dynamic energy."
            .to_owned(),
        origin: Origin::Modelled,
        scene: scene(&shown, columns),
        data,
    }
}

fn has_cost(layer: &LayerCost) -> bool {
    Category::of_layers().any(|c| c.seconds(layer) > 0.0)
        || layer.up_bytes + layer.down_bytes > 0
        || sane(layer.energy_j) > 0.0
}

/// The parts of one layer's bar.
type Parts = Vec<(Fill, f64)>;

fn scene(layers: &[&LayerCost], columns: Columns) -> Scene {
    let mut scene = Scene::new(columns.width_in());
    if layers.is_empty() {
        return empty(scene, "no layer has any cost");
    }
    let (x0, x1) = (inches(0.46), scene.width - points(4.0));
    let categories: Vec<_> =
        Category::of_layers().filter(|c| layers.iter().any(|layer| c.seconds(layer) > 0.0)).collect();
    let time_keys: Vec<_> = categories.iter().map(|c| (c.name(), c.fill())).collect();
    let time: Vec<Parts> =
        layers.iter().map(|layer| categories.iter().map(|c| (c.fill(), c.seconds(layer))).collect()).collect();
    let bytes: Vec<Parts> =
        layers.iter().map(|l| vec![(style::UP, l.up_bytes as f64), (style::DOWN, l.down_bytes as f64)]).collect();
    let energy: Vec<Parts> = layers.iter().map(|l| vec![(style::ENERGY, sane(l.energy_j))]).collect();
    let runs = frame::runs(layers.iter().map(|layer| layer.stage.as_str()));
    let stages = frame::BandNames::new((x0, x1), layers.len(), &runs);

    let mut y = points(3.0);
    let panels = [
        ("(a) Time", Quantity::Seconds, 1.45, time, time_keys),
        (
            "(b) Bytes",
            Quantity::Bytes,
            0.8,
            bytes,
            vec![("client to server", style::UP), ("server to client", style::DOWN)],
        ),
        ("(c) Energy", Quantity::Joules, 0.8, energy, Vec::new()),
    ];
    for (i, (title, quantity, height_in, bars, keys)) in panels.into_iter().enumerate() {
        let sums = bars.iter().map(|parts| parts.iter().map(|(_, v)| v).sum::<f64>());
        let axis = Axis::linear(quantity, sums.fold(0.0, f64::max), 4);
        let title = axis.title(title);
        scene.text((points(2.0), y + points(7.5)), &title, TITLE_PT, Anchor::Start, INK);
        let from = points(2.0) + font::width(&title, TITLE_PT) + points(12.0);
        y = legend::draw(&mut scene, (from, x1), y, &keys).max(y + points(10.0)) + points(3.0);
        // The stages are named once, above the first panel.
        y += if i == 0 { stages.height() } else { points(1.0) };
        let area = Area { x0, y0: y, x1, y1: y + inches(height_in) };
        frame::bands(&mut scene, area, layers.len(), &runs);
        if i == 0 {
            stages.draw(&mut scene, area.y0);
        }
        frame::value_axis_left(&mut scene, area, &axis, None);
        for (slot, parts) in bars.into_iter().enumerate() {
            frame::stack_up(&mut scene, bar_area(area, layers.len(), slot), &axis, parts.into_iter());
        }
        y = area.y1 + points(4.0);
    }
    let names: Vec<&str> = layers.iter().map(|layer| layer.id.as_str()).collect();
    scene.height = slot_names(&mut scene, (x0, x1), y, &names) + points(3.0);
    scene
}

/// The middle of a slot: bars leave a fifth of it free.
fn bar_area(area: Area, slots: usize, index: usize) -> Area {
    let (x0, x1) = frame::slot(area, slots, index);
    let space = ((x1 - x0) / 10).max(i32::from(x1 - x0 > 3));
    let (x0, x1) = (x0 + space, (x1 - space).max(x0 + space + 1));
    // A few layers must not become walls.
    let excess = ((x1 - x0) - inches(0.35)).max(0) / 2;
    Area { x0: x0 + excess, x1: x1 - excess, ..area }
}

/// Writes the names of the slots below `y`, reading upwards, or numbers where names would not be readable; returns the bottom.
fn slot_names(scene: &mut Scene, (x0, x1): (i32, i32), y: i32, names: &[&str]) -> i32 {
    let area = Area { x0, y0: 0, x1, y1: 1 };
    let middle = |i: usize| {
        let (a, b) = frame::slot(area, names.len(), i);
        (a + b) / 2
    };
    let per_slot = (x1 - x0) / names.len().max(1) as i32;
    if per_slot >= points(SMALL_PT * 1.02) {
        let names: Vec<_> = names.iter().map(|name| font::fit(name, SMALL_PT, inches(0.85))).collect();
        for (i, name) in names.iter().enumerate() {
            scene.text_up((middle(i) + points(SMALL_PT * 0.35), y), name, SMALL_PT, Anchor::End, INK);
        }
        let bottom = y + names.iter().map(|name| font::width(name, SMALL_PT)).max().unwrap_or(0);
        let middle = ((x0 + x1) / 2, bottom + points(11.0));
        scene.text(middle, "Layer, in execution order", TITLE_PT, Anchor::Middle, INK);
        return bottom + points(13.0);
    }
    frame::slot_numbers(scene, (x0, x1), y - points(4.0), names.len());
    scene.text(
        ((x0 + x1) / 2, y + points(16.0)),
        "Layer number (names in the CSV file)",
        TITLE_PT,
        Anchor::Middle,
        INK,
    );
    y + points(18.0)
}
