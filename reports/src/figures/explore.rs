//! A design space as heat maps: latency and energy against gate engines and HE lanes, one column of panels for each memory,
//! with the regions that one unit binds outlined and named.

use super::breakdown::empty;
use super::cells::{Cells, cell, every, letter};
use super::{Data, Figure, Origin};
use crate::draw::scale::ColorScale;
use crate::draw::scene::{Anchor, Area, Scene};
use crate::draw::style::{INK, LABEL_PT, TITLE_PT, TWO_COLUMNS_IN, inches, points};
use crate::draw::{font, frame};
use crate::format::Quantity;
use pisim_sim::Level;
use pisim_sim::explore::{DesignPoint, Exploration};

/// Memories of one figure; more would make panels that nobody can read.
pub const MEMORIES_PER_FIGURE: usize = 4;

/// A quantity of a design.
type Value = fn(&DesignPoint) -> f64;

/// The rows of panels: what they show, its quantity, its value at a point.
const ROWS: [(&str, Quantity, Value); 2] = [
    ("Latency", Quantity::Seconds, |point| point.latency_s.total),
    ("Energy", Quantity::Joules, |point| point.energy_j.total),
];

/// Latency and energy of one inference over a design space.
pub fn explore(exploration: &Exploration) -> Figure {
    let level = match exploration.level {
        Level::Event => "event-driven",
        Level::ClosedForm => "closed form",
    };
    let whose = if exploration.space.both { "both parties" } else { "the server" };
    Figure {
        name: "explore".to_owned(),
        title: format!("{} on designs around {}", exploration.network, exploration.hardware),
        caption: format!(
            "One inference of {} under {}, setup included, on {} with the gate engines, HE lanes and memory of {whose} varied \
             ({level}). Outlined regions are bound by the unit that they name: the one whose own work is nearest to the latency. \
             Diamond: the least of all panels of a row. Hatched: does not fit the board.",
            exploration.network, exploration.protocol, exploration.hardware
        ),
        origin: Origin::Modelled,
        scene: scene(exploration),
        data: data(exploration),
    }
}

fn data(exploration: &Exploration) -> Data {
    let mut data = Data::new(&[
        "memory",
        "memory_bytes_per_s",
        "engines",
        "he_lanes",
        "ntt_units",
        "latency_setup_s",
        "latency_offline_s",
        "latency_online_s",
        "latency_s",
        "energy_setup_j",
        "energy_offline_j",
        "energy_online_j",
        "energy_j",
        "bottleneck",
        "bottleneck_share",
        "area_mm2",
        "fits",
    ]);
    for point in &exploration.points {
        let counts = [point.engines, point.he_lanes, point.ntt_units].map(|count| count.to_string());
        let latency = point.latency_s.phases().into_iter().chain([point.latency_s.total]);
        let energy = point.energy_j.phases().into_iter().chain([point.energy_j.total]);
        let mut row = vec![point.memory.clone(), point.memory_bytes_per_s.to_string()];
        row.extend(counts);
        row.extend(latency.chain(energy).map(|value| value.to_string()));
        row.extend([point.bottleneck.unit.to_owned(), point.bottleneck.share.to_string()]);
        row.extend([point.area_mm2.map_or_else(String::new, |area| area.to_string()), point.fits.to_string()]);
        data.push(row);
    }
    data
}

/// The units that bind designs, in the order of their first: regions are keyed by a letter each.
fn units(exploration: &Exploration) -> Vec<&'static str> {
    let mut units: Vec<&'static str> = Vec::new();
    for point in &exploration.points {
        if !point.bottleneck.unit.is_empty() && !units.contains(&point.bottleneck.unit) {
            units.push(point.bottleneck.unit);
        }
    }
    units
}

/// Where things are, in pixels of the grid.
struct Frame {
    x0: i32,
    panel: i32,
    gap: i32,
    height: i32,
    columns: usize,
}

impl Frame {
    fn area(&self, column: usize, top: i32) -> Area {
        let x0 = self.x0 + column as i32 * (self.panel + self.gap);
        Area { x0, y0: top, x1: x0 + self.panel, y1: top + self.height }
    }

    /// The right end of the last panel.
    fn x1(&self) -> i32 {
        self.area(self.columns.saturating_sub(1), 0).x1
    }
}

fn scene(exploration: &Exploration) -> Scene {
    let mut scene = Scene::new(TWO_COLUMNS_IN);
    if exploration.points.is_empty() {
        return empty(scene, "no designs");
    }
    let lanes = exploration.space.he_lanes.iter().map(|lanes| font::width(&lanes.to_string(), LABEL_PT)).max();
    let margin = points(3.0);
    let x0 = margin + points(TITLE_PT + 3.0) + lanes.unwrap_or(0) + points(4.0);
    let columns = exploration.space.memories.len().clamp(1, MEMORIES_PER_FIGURE);
    let scales = ROWS.map(|(_, quantity, value)| ColorScale::new(quantity, exploration.points.iter().map(value)));
    let bar = points(19.0) + scales.iter().map(ColorScale::margin).max().unwrap_or(0);
    let gap = points(7.0);
    let panel = (scene.width - x0 - bar - gap * (columns as i32 - 1)) / columns as i32;
    let frame = Frame { x0, panel, gap, height: panel.clamp(inches(1.3), inches(1.75)), columns };
    let title = font::fit(&heading(exploration), TITLE_PT, scene.width - 2 * margin);
    let mut y = margin + points(TITLE_PT);
    scene.text((margin, y), title, TITLE_PT, Anchor::Start, INK);
    y += points(6.0);
    for (row, ((what, _, value), scale)) in ROWS.into_iter().zip(&scales).enumerate() {
        let fitting = exploration.points.iter().filter(|point| point.fits).map(value);
        let least = fitting.filter(|value| value.is_finite()).fold(f64::INFINITY, f64::min);
        let top = y + if row == 0 { points(11.0) } else { 0 };
        for (column, memory) in exploration.space.memories.iter().take(columns).enumerate() {
            let area = frame.area(column, top);
            draw_panel(&mut scene, exploration, (column, value), (area, scale, least));
            if row == 0 {
                let label = format!("{}: {} GB/s", memory.name, three_digits(memory.bytes_per_s / 1e9));
                // A bandwidth is its own name.
                let label = if memory.name.ends_with("GB/s") { memory.name.clone() } else { label };
                let label = font::fit(&label, TITLE_PT, area.x1 - area.x0);
                scene.text(((area.x0 + area.x1) / 2, top - points(3.5)), label, TITLE_PT, Anchor::Middle, INK);
            }
            if row + 1 == ROWS.len() {
                engine_labels(&mut scene, area, &exploration.space.engines);
            }
        }
        lane_labels(&mut scene, frame.area(0, top), &exploration.space.he_lanes);
        let bar = Area { x0: frame.x1() + points(9.0), x1: frame.x1() + points(17.0), ..frame.area(0, top) };
        scale.draw(&mut scene, bar, what);
        y = top + frame.height + points(12.0);
    }
    y -= points(6.0);
    let middle = (frame.x0 + frame.x1()) / 2;
    scene.text((middle, y + points(14.5)), "Gate engines", TITLE_PT, Anchor::Middle, INK);
    let (top, bottom) = (frame.area(0, margin + points(TITLE_PT + 17.0)).y0, y - points(6.0));
    scene.text_up((margin + points(TITLE_PT), (top + bottom) / 2), "HE lanes", TITLE_PT, Anchor::Middle, INK);
    let right = scene.width - margin;
    y = key(&mut scene, exploration, (margin, right), y + points(19.0));
    scene.height = y + margin;
    scene
}

/// What is explored: the network, the platform, whose hardware varies, and the link, which often decides.
fn heading(exploration: &Exploration) -> String {
    let Exploration { network, protocol, hardware, link, .. } = exploration;
    let whose = if exploration.space.both { "both parties" } else { "the server" };
    let rates = [link.up_bits_per_s, link.down_bits_per_s].map(|rate| three_digits(rate / 1e9));
    let link = match rates {
        [up, down] if up == down => format!("{up} Gbit/s each way"),
        [up, down] => format!("{up} Gbit/s up, {down} down"),
    };
    format!("One inference of {network} under {protocol}: {hardware} with other engines and memory at {whose}, {link}")
}

/// Three significant digits without trailing zeros.
fn three_digits(value: f64) -> String {
    if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.1}").trim_end_matches(".0").to_owned() }
}

/// The key of regions: letter, unit, and how much of the latency its own work is.
fn key(scene: &mut Scene, exploration: &Exploration, (x0, x1): (i32, i32), y: i32) -> i32 {
    let (mut x, mut y) = (x0, y + points(LABEL_PT));
    let mut entry = |scene: &mut Scene, text: String| {
        let text = font::fit(&text, LABEL_PT, x1 - x0);
        let width = font::width(&text, LABEL_PT);
        if x > x0 && x + width > x1 {
            (x, y) = (x0, y + points(LABEL_PT * 1.4));
        }
        scene.text((x, y), text, LABEL_PT, Anchor::Start, INK);
        x += width + points(9.0);
        y
    };
    let mut bottom = entry(scene, "Bound by".to_owned());
    for (position, unit) in units(exploration).into_iter().enumerate() {
        let shares = exploration.points.iter().filter(|point| point.bottleneck.unit == unit);
        let shares = shares.map(|point| 100.0 * point.bottleneck.share);
        let (low, high) = shares.fold((100.0_f64, 0.0_f64), |(low, high), share| (low.min(share), high.max(share)));
        let range = if high - low < 1.0 { format!("{high:.0} %") } else { format!("{low:.0}–{high:.0} %") };
        bottom = entry(scene, format!("{}  {unit} ({range} of the latency)", letter(position)));
    }
    bottom = bottom.max(entry(scene, "Diamond: least latency, least energy".to_owned()));
    if exploration.points.iter().any(|point| !point.fits) {
        bottom = entry(scene, "Hatched: does not fit the board".to_owned());
    }
    bottom + points(2.0)
}

fn engine_labels(scene: &mut Scene, area: Area, engines: &[u64]) {
    let widest = engines.iter().map(|count| font::width(&count.to_string(), LABEL_PT)).max().unwrap_or(0);
    let every = every(engines.len(), area.x1 - area.x0, widest + points(2.0));
    for (slot, count) in engines.iter().enumerate().step_by(every) {
        let (from, to) = frame::slot(area, engines.len(), slot);
        let at = ((from + to) / 2, area.y1 + points(LABEL_PT + 1.0));
        scene.text(at, count.to_string(), LABEL_PT, Anchor::Middle, INK);
    }
}

fn lane_labels(scene: &mut Scene, area: Area, lanes: &[u64]) {
    let every = every(lanes.len(), area.y1 - area.y0, points(LABEL_PT * 1.2));
    for (row, count) in lanes.iter().enumerate().step_by(every) {
        let cell = cell(area, (1, lanes.len()), (0, row));
        let at = (area.x0 - points(3.0), (cell.y0 + cell.y1) / 2 + points(LABEL_PT * 0.35));
        scene.text(at, count.to_string(), LABEL_PT, Anchor::End, INK);
    }
}

/// One panel: the designs with the memory of number `memory`.
fn draw_panel(
    scene: &mut Scene,
    exploration: &Exploration,
    (memory, value): (usize, Value),
    (area, scale, least): (Area, &ColorScale, f64),
) {
    let size = (exploration.space.engines.len(), exploration.space.he_lanes.len());
    let points = exploration.of_memory(memory);
    let point = |(column, row): (usize, usize)| points.get(column * size.1 + row);
    let units = units(exploration);
    let cells = Cells {
        area,
        size,
        value: &|place| point(place).map(|point| (value(point), point.fits)),
        unit: &|place| point(place).map_or("", |point| point.bottleneck.unit),
        units: &units,
        scale,
        least,
    };
    cells.draw(scene);
}
