//! The ReLU/MAC schedule: both by layer, in order, one column per network.

use super::breakdown::empty;
use super::{Data, Figure, Origin};
use crate::draw::axis::Axis;
use crate::draw::scene::{Anchor, Area, Scene};
use crate::draw::style::{self, Columns, Fill, INK, TITLE_PT, inches, points};
use crate::draw::{font, frame};
use crate::format::Quantity;
use pisim_netgen::{LayerCounts, Schedule};

/// Networks per figure: more columns would be too narrow to read.
pub const NETWORKS_PER_FIGURE: usize = 3;

/// ReLUs and MACs by layer of up to [`NETWORKS_PER_FIGURE`] networks; further ones are left out (draw them in chunks).
pub fn schedule(networks: &[Schedule], columns: Columns) -> Figure {
    let networks = networks.get(..networks.len().min(NETWORKS_PER_FIGURE)).unwrap_or_default();
    let mut data = Data::new(&["network", "number", "layer", "kind", "stage", "relus", "macs"]);
    for network in networks {
        for (i, layer) in counted(network).iter().enumerate() {
            data.push([
                network.name.clone(),
                (i + 1).to_string(),
                layer.name.clone(),
                layer.kind.to_owned(),
                layer.stage.clone(),
                layer.counts.relus.to_string(),
                layer.counts.macs.to_string(),
            ]);
        }
    }
    Figure {
        name: "schedule".to_owned(),
        title: "ReLUs and MACs by layer".to_owned(),
        caption: "Layers in execution order; a layer has either ReLUs or MACs. Shading and names mark the stages."
            .to_owned(),
        origin: Origin::Counted,
        scene: scene(networks, columns),
        data,
    }
}

/// What one panel shows of a layer.
type Count = fn(&LayerCounts) -> u64;

fn counted(network: &Schedule) -> Vec<&LayerCounts> {
    network.layers.iter().filter(|layer| layer.counts.relus + layer.counts.macs > 0).collect()
}

fn axis(values: impl Iterator<Item = u64> + Clone) -> Axis {
    let present = values.filter(|v| *v > 0).map(|v| v as f64);
    let max = present.clone().fold(0.0, f64::max);
    // A linear axis lets a reader compare areas; it fails where many bars would be too low to be seen.
    let (low, all) = (present.clone().filter(|v| *v < max / 100.0).count(), present.clone().count());
    if low * 4 > all { Axis::log(Quantity::Count, present) } else { Axis::linear(Quantity::Count, max, 4) }
}

fn scene(networks: &[Schedule], width: Columns) -> Scene {
    let mut scene = Scene::new(width.width_in());
    let columns: Vec<_> = networks.iter().map(|n| (n, counted(n))).filter(|(_, layers)| !layers.is_empty()).collect();
    if columns.is_empty() {
        return empty(scene, "no network has ReLUs or MACs");
    }
    let panels: [(&str, Fill, Count); 2] =
        [("ReLUs", style::RELUS, |l| l.counts.relus), ("MACs", style::MACS, |l| l.counts.macs)];
    let (first_x, end_x, gap) = (inches(0.48), scene.width - points(4.0), points(10.0));
    let width = (end_x - first_x - gap * (columns.len() as i32 - 1)) / columns.len() as i32;
    let top = points(3.0);
    let mut x = first_x;
    let mut stages = Vec::new();
    for (_, layers) in &columns {
        let runs = frame::runs(layers.iter().map(|l| l.stage.as_str()));
        stages.push((frame::BandNames::new((x, x + width), layers.len(), &runs), runs));
        x += width + gap;
    }
    let mut y = top + points(12.0) + stages.iter().map(|(names, _)| names.height()).max().unwrap_or(0);
    for (row, (title, fill, count)) in panels.into_iter().enumerate() {
        let axis = axis(
            columns.iter().flat_map(|(_, layers)| layers.iter().map(|l| count(l))).collect::<Vec<_>>().into_iter(),
        );
        let mut x = first_x;
        for (column, ((network, layers), (names, runs))) in columns.iter().zip(&stages).enumerate() {
            let area = Area { x0: x, y0: y, x1: x + width, y1: y + inches(1.15) };
            frame::bands(&mut scene, area, layers.len(), runs);
            if row == 0 {
                let name = font::fit(&network.name, TITLE_PT, width);
                scene.text(((area.x0 + area.x1) / 2, top + points(8.0)), name, TITLE_PT, Anchor::Middle, INK);
                names.draw(&mut scene, area.y0);
            }
            // The networks share an axis, which is labelled once, at the left.
            if column == 0 {
                frame::value_axis_left(&mut scene, area, &axis, Some(title));
            } else {
                grid(&mut scene, area, &axis);
            }
            for (i, layer) in layers.iter().enumerate() {
                let (x0, x1) = frame::slot(area, layers.len(), i);
                let height = frame::along(axis.position(count(layer) as f64), area.y1 - area.y0);
                let space = ((x1 - x0) / 10).min(points(2.0));
                scene.bar(
                    Area { x0: x0 + space, y0: area.y1 - height, x1: (x1 - space).max(x0 + space + 1), y1: area.y1 },
                    fill,
                );
            }
            if row == 1 {
                frame::slot_numbers(&mut scene, (area.x0, area.x1), area.y1, layers.len());
            }
            x += width + gap;
        }
        y += inches(1.15) + points(8.0);
    }
    scene.text(((first_x + end_x) / 2, y + points(12.0)), "Layer, in execution order", TITLE_PT, Anchor::Middle, INK);
    scene.height = y + points(15.0);
    scene
}

fn grid(scene: &mut Scene, area: Area, axis: &Axis) {
    for tick in axis.ticks(12) {
        let y = area.y1 - frame::along(tick.position, area.y1 - area.y0);
        scene.line((area.x0, y), (area.x1, y), style::GRID, 1);
    }
    scene.line((area.x0, area.y0), (area.x0, area.y1), INK, 2);
    scene.line((area.x0, area.y1), (area.x1, area.y1), INK, 2);
}
