//! Published measurements next to the model's: homomorphic evaluation by layer, one inference's latency, its storage.

use super::breakdown::empty;
use super::{Category, Data, Figure, Origin, sane};
use crate::draw::axis::Axis;
use crate::draw::scene::{Anchor, Area, Scene};
use crate::draw::style::{self, Columns, Fill, Hatch, INK, LABEL_PT, SMALL_PT, TITLE_PT, inches, points};
use crate::draw::{font, frame, legend};
use crate::format::Quantity;
use pisim_sim::validate::{Breakdown, Target};

const PUBLISHED: Fill = Fill::new(0xcf_cf_cf, Hatch::Rising);
const MODELLED: Fill = Fill::new(0x0b_3c_6f, Hatch::Plain);
/// The mark of a published total.
const MARK: Fill = Fill { color: INK, hatch: Hatch::Plain };
const CLIENT: Fill = Fill::new(0xf1_c2_7d, Hatch::Rising);
const SERVER: Fill = Fill::new(0x6a_3d_9a, Hatch::Plain);

/// The target whose cases are layers.
const LAYER_TARGET: &str = "he-evaluation";

/// Homomorphic evaluation of every linear layer, published and modelled, one panel for each network.
pub fn published_layers(targets: &[Target], columns: Columns) -> Figure {
    let shown: Vec<&Target> = targets.iter().filter(|target| target.target == LAYER_TARGET).collect();
    let mut data = Data::new(&["network", "layer", "published_s", "modelled_s", "error_pct"]);
    for (target, case) in shown.iter().flat_map(|target| target.details.iter().map(move |case| (target, case))) {
        let numbers = [case.published, case.modelled, case.error_pct()].map(|number| number.to_string());
        data.push([target.network.to_owned(), case.case.clone()].into_iter().chain(numbers));
    }
    Figure {
        name: "published-layers".to_owned(),
        title: "Homomorphic evaluation by layer, published and modelled".to_owned(),
        caption:
            "Server time of every linear layer under Delphi on one thread of an AMD EPYC 7502. Constants are fitted on \
                  ResNet-18; ResNet-32 is predicted. Published: Garimella et al., ASPLOS 2023."
                .to_owned(),
        origin: Origin::Modelled,
        scene: layers_scene(&shown, columns),
        data,
    }
}

fn layers_scene(targets: &[&Target], columns: Columns) -> Scene {
    let mut scene = Scene::new(columns.width_in());
    if targets.iter().all(|target| target.details.is_empty()) {
        return empty(scene, "no layer was compared");
    }
    let (x0, x1) = (inches(0.46), scene.width - points(4.0));
    let mut y = legend::draw(&mut scene, (x0, x1), points(3.0), &[("published", PUBLISHED), ("modelled", MODELLED)]);
    for target in targets {
        let most = target.details.iter().flat_map(|case| [case.published, case.modelled]).fold(0.0, f64::max);
        let axis = Axis::linear(Quantity::Seconds, sane(most), 4);
        let set = target.set.name();
        let (mean, max) = (target.mean_abs_error_pct, target.max_abs_error_pct);
        let title = format!("{} ({set}): mean error {mean:.1} %, largest {max:.1} %", target.network);
        scene.text((x0, y + points(11.0)), title, TITLE_PT, Anchor::Start, INK);
        let area = Area { x0, y0: y + points(16.0), x1, y1: y + points(16.0) + inches(1.2) };
        frame::value_axis_left(&mut scene, area, &axis, Some("HE time"));
        for (slot, case) in target.details.iter().enumerate() {
            let (from, to) = frame::slot(area, target.details.len(), slot);
            let (space, middle) = ((to - from) / 8, (from + to) / 2);
            let halves =
                [(from + space, middle, case.published, PUBLISHED), (middle, to - space, case.modelled, MODELLED)];
            for (x0, x1, seconds, fill) in halves {
                frame::stack_up(&mut scene, Area { x0, x1, ..area }, &axis, std::iter::once((fill, sane(seconds))));
            }
        }
        frame::slot_numbers(&mut scene, (x0, x1), area.y1, target.details.len());
        y = area.y1 + points(12.0);
    }
    let title = "Linear layer, in execution order (names in the CSV file)";
    scene.text(((x0 + x1) / 2, y + points(9.0)), title, TITLE_PT, Anchor::Middle, INK);
    scene.height = y + points(13.0);
    scene
}

/// Where the latency of the published one-inference figures goes, offline and online, with the published total as a mark.
pub fn published_latency(breakdowns: &[Breakdown], columns: Columns) -> Figure {
    let mut data = Data::new(&["network", "garbler", "phase", "activity", "modelled_s", "published_total_s"]);
    for breakdown in breakdowns {
        for (phase, parts, published) in phases(breakdown) {
            for (activity, seconds) in parts {
                let names = [breakdown.network, &breakdown.garbler, phase, activity].map(str::to_owned);
                data.push(names.into_iter().chain([seconds.to_string(), published.to_string()]));
            }
        }
    }
    Figure {
        name: "published-latency".to_owned(),
        title: "Latency of one inference by phase, published and modelled".to_owned(),
        caption: "Delphi with the server and with the client as garbler, Intel Atom client and AMD EPYC 7502 server, 500 Mbit/s \
                  each way, steps one after the other; offline includes keys. Black marks: the published totals (Garimella et \
                  al., ASPLOS 2023)."
            .to_owned(),
        origin: Origin::Modelled,
        scene: latency_scene(breakdowns, columns),
        data,
    }
}

/// One phase: name, modelled parts, published total.
type Phase<'a> = (&'static str, &'a [(String, f64)], f64);

/// Both phases.
fn phases(breakdown: &Breakdown) -> [Phase<'_>; 2] {
    let [offline_s, online_s] = breakdown.published_s;
    [("offline", &breakdown.phases.offline, offline_s), ("online", &breakdown.phases.online, online_s)]
}

fn latency_scene(breakdowns: &[Breakdown], columns: Columns) -> Scene {
    let mut scene = Scene::new(columns.width_in());
    if breakdowns.is_empty() {
        return empty(scene, "no inference was compared");
    }
    let used = |category: &Category| {
        let all = breakdowns.iter().flat_map(|breakdown| phases(breakdown).map(|(_, parts, _)| parts));
        all.flatten().any(|(name, seconds)| Category::of_activity(name) == *category && *seconds > 0.0)
    };
    let categories: Vec<Category> = Category::ALL.into_iter().filter(used).collect();
    let mut keys: Vec<_> = categories.iter().map(|category| (category.name(), category.fill())).collect();
    keys.push(("published", MARK));
    let margin = points(3.0);
    let names: Vec<String> = breakdowns.iter().map(|b| format!("{}, {} garbler", b.network, b.garbler)).collect();
    let label_width = names.iter().map(|name| font::width(name, LABEL_PT)).max().unwrap_or(0);
    let (x0, x1) = (margin + label_width + points(6.0), scene.width - points(12.0));
    let top = legend::draw(&mut scene, (margin, x1), margin, &keys) + points(6.0);
    let (gap, row_height) = (points(16.0), points(16.0));
    // Side by side, or in one column below each other.
    let stacked = columns == Columns::One;
    let width = if stacked { x1 - x0 } else { (x1 - x0 - gap) / 2 };
    let (mut top, mut lowest) = (top, top);
    for (panel, title) in ["Offline latency", "Online latency"].into_iter().enumerate() {
        let left = if stacked { x0 } else { x0 + panel as i32 * (width + gap) };
        let area = Area { x0: left, y0: top, x1: left + width, y1: top + row_height * breakdowns.len() as i32 };
        let bars = || breakdowns.iter().filter_map(move |b| phases(b).into_iter().nth(panel));
        let totals = bars().flat_map(|(_, parts, published)| [parts.iter().map(|(_, s)| s).sum::<f64>(), published]);
        let axis = Axis::linear(Quantity::Seconds, sane(totals.fold(0.0, f64::max)), 5);
        lowest = frame::value_axis_below(&mut scene, area, &axis, title);
        let along = |seconds: f64| area.x0 + frame::along(axis.position(seconds), width);
        for (row, (_, parts, published)) in bars().enumerate() {
            let y0 = top + row as i32 * row_height;
            let bar = Area { y0: y0 + points(3.5), y1: y0 + row_height - points(3.5), ..area };
            let mut sum = 0.0;
            for category in &categories {
                let of = parts.iter().filter(|(name, _)| Category::of_activity(name) == *category);
                let seconds: f64 = of.map(|(_, seconds)| sane(*seconds)).sum();
                scene.bar(Area { x0: along(sum), x1: along(sum + seconds), ..bar }, category.fill());
                sum += seconds;
            }
            let mark = along(sane(published));
            scene.line((mark, bar.y0 - points(2.0)), (mark, bar.y1 + points(2.0)), MARK.color, 6);
        }
        if panel == 0 || stacked {
            for (row, name) in names.iter().enumerate() {
                let middle = top + row as i32 * row_height + row_height / 2 + points(LABEL_PT * 0.35);
                scene.text((margin, middle), name, LABEL_PT, Anchor::Start, INK);
            }
        }
        if stacked {
            top = lowest + points(6.0);
        }
    }
    scene.height = lowest + margin;
    scene
}

/// Bytes that one precompute occupies at both parties, for both garblers.
pub fn published_storage(breakdowns: &[Breakdown]) -> Figure {
    let mut data = Data::new(&["network", "garbler", "client_bytes", "server_bytes"]);
    for breakdown in breakdowns {
        let bytes = breakdown.storage_bytes.map(|bytes| bytes.to_string());
        data.push([breakdown.network.to_owned(), breakdown.garbler.clone()].into_iter().chain(bytes));
    }
    Figure {
        name: "published-storage".to_owned(),
        title: "Storage of one precompute".to_owned(),
        caption:
            "Bytes between the offline and the online phase of Delphi, in its own serialisation: the evaluator keeps \
                  the garbled circuits, so the garbler's choice decides who needs the storage."
                .to_owned(),
        origin: Origin::Counted,
        scene: storage_scene(breakdowns),
        data,
    }
}

fn storage_scene(breakdowns: &[Breakdown]) -> Scene {
    let mut scene = Scene::new(style::ONE_COLUMN_IN);
    if breakdowns.is_empty() {
        return empty(scene, "no inference was compared");
    }
    let margin = points(3.0);
    let name = |b: &Breakdown| [b.network.to_owned(), format!("{} garbler", b.garbler)];
    let widths = breakdowns.iter().flat_map(name).map(|line| font::width(&line, LABEL_PT));
    let value_width = font::width("88.8 MB", SMALL_PT) + points(4.0);
    let (x0, x1) = (margin + widths.max().unwrap_or(0) + points(6.0), scene.width - margin - value_width);
    let top = legend::draw(&mut scene, (x0, x1), margin, &[("client", CLIENT), ("server", SERVER)]) + points(4.0);
    let row_height = points(21.0);
    let area = Area { x0, y0: top, x1, y1: top + row_height * breakdowns.len() as i32 };
    let most = breakdowns.iter().flat_map(|b| b.storage_bytes).max().unwrap_or(0);
    let axis = Axis::linear(Quantity::Bytes, most as f64, 4);
    let lowest = frame::value_axis_below(&mut scene, area, &axis, "Storage of one precompute");
    for (row, breakdown) in breakdowns.iter().enumerate() {
        let y0 = top + row as i32 * row_height;
        for (line, text) in name(breakdown).into_iter().enumerate() {
            let baseline = y0 + row_height / 2 - points(1.0) + line as i32 * points(8.0);
            scene.text((margin, baseline), text, LABEL_PT, Anchor::Start, INK);
        }
        for (line, (bytes, fill)) in breakdown.storage_bytes.into_iter().zip([CLIENT, SERVER]).enumerate() {
            let from = y0 + points(2.5) + line as i32 * points(8.0);
            let end = x0 + frame::along(axis.position(bytes as f64), x1 - x0);
            scene.bar(Area { x0, y0: from, x1: end.max(x0 + 1), y1: from + points(8.0) }, fill);
            let value = Quantity::Bytes.format(bytes as f64);
            scene.text((end + points(3.0), from + points(6.2)), value, SMALL_PT, Anchor::Start, INK);
        }
    }
    scene.height = lowest + margin;
    scene
}
