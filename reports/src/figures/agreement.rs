//! Every compared figure of the hardware models, modelled against published, on logarithmic scales.

use super::breakdown::empty;
use super::{Data, Figure, Origin};
use crate::draw::axis::Axis;
use crate::draw::curve::{Dash, Entry, Marker, curve, legend};
use crate::draw::plot::{Across, Plot};
use crate::draw::scene::{Anchor, Scene};
use crate::draw::style::{Columns, FAINT_INK, INK, LABEL_PT, SMALL_PT, TITLE_PT, inches, points, series};
use crate::format::Quantity;
use pisim_sim::validate::{Case, Set, Target};
use plotters::style::RGBColor;

/// A panel: its title, and how the names of its targets begin.
struct Family {
    title: &'static str,
    prefixes: &'static [&'static str],
}

const FAMILIES: [Family; 4] = [
    Family { title: "Garbled circuits", prefixes: &["haac-", "maxelerator", "fase"] },
    Family { title: "HE accelerators", prefixes: &["zama-", "heax", "cofhee", "rpu-", "f1-", "craterlake-", "bts-"] },
    Family { title: "Memory", prefixes: &["memory-"] },
    Family { title: "RTL", prefixes: &["rtl-"] },
];

impl Family {
    fn of(&self, target: &Target) -> bool {
        self.prefixes.iter().any(|prefix| target.target.starts_with(prefix))
    }
}

/// One point: a case of a target.
struct Point<'a> {
    target: &'a Target,
    case: &'a Case,
}

impl Point<'_> {
    /// A case that has a place on logarithmic scales.
    fn is_shown(&self) -> bool {
        [self.case.published, self.case.modelled].into_iter().all(|value| value.is_finite() && value > 0.0)
    }
}

/// All cases of the hardware targets, one panel for each family.
pub fn agreement(targets: &[Target], columns: Columns) -> Figure {
    let header = ["family", "target", "part", "set", "verdict", "case", "published", "modelled", "error_pct", "drawn"];
    let mut data = Data::new(&header);
    let mut panels = Vec::new();
    for family in &FAMILIES {
        let of_family = targets.iter().filter(|target| family.of(target));
        let all: Vec<Point> =
            of_family.flat_map(|target| target.details.iter().map(move |case| Point { target, case })).collect();
        for point in &all {
            let Point { target, case } = point;
            let words = [family.title, target.target, target.network, target.set.name(), target.verdict.name()];
            let numbers = [case.published, case.modelled, case.error_pct()].map(|number| number.to_string());
            let words = words.map(str::to_owned).into_iter().chain([case.case.clone()]);
            data.push(words.chain(numbers).chain([point.is_shown().to_string()]));
        }
        panels.push((family, all));
    }
    Figure {
        name: "published-agreement".to_owned(),
        title: "Hardware models: modelled against published".to_owned(),
        caption: "Every case of the hardware targets of `pisim validate`, in the unit of its target, on logarithmic scales. On the \
                  line the model agrees; dashed: 25 % more and less, the most that a pass may be off. Predicted cases were not \
                  looked at when the model was made; those fitted, seen or true by definition are pale. Figures for RTL and \
                  memory are of tools (Verilator, Yosys, DRAM simulators). Cases of zero have no place: see the CSV file."
            .to_owned(),
        origin: Origin::Modelled,
        scene: draw(&panels, columns),
        data,
    }
}

fn draw(panels: &[(&Family, Vec<Point<'_>>)], columns: Columns) -> Scene {
    let mut scene = Scene::new(columns.width_in());
    let panels: Vec<_> = panels.iter().filter(|(_, all)| all.iter().any(Point::is_shown)).collect();
    if panels.is_empty() {
        return empty(scene, "no hardware target was compared");
    }
    let margin = points(3.0);
    let entry = |name: &str, color, marker, dash| Entry { name: name.to_owned(), color, dash, marker };
    let entries = [
        entry("predicted", INK, Some(Marker::Square), Dash::None),
        entry("fitted, seen or identity", FAINT_INK, Some(Marker::Square), Dash::None),
        entry("equal", INK, None, Dash::Solid),
        entry("± 25 %", FAINT_INK, None, Dash::Dashed),
    ];
    let across = if columns == Columns::One { 1 } else { 2 };
    let (gap, height) = (points(14.0), inches(2.1));
    let width = (scene.width - 2 * margin - points(6.0) - gap * (across - 1)) / across;
    let right = scene.width - margin;
    let mut top = legend(&mut scene, (margin, right), margin, &entries) + points(4.0);
    let mut lowest = top;
    for (number, (family, all)) in panels.iter().enumerate() {
        let column = number as i32 % across;
        if column == 0 {
            top = lowest + points(4.0);
        }
        let x0 = margin + column * (width + gap);
        lowest = lowest.max(panel(&mut scene, ((x0, x0 + width), top, height), family, all));
    }
    scene.height = lowest + margin;
    scene
}

/// Draws one panel and returns the lowest pixel used.
fn panel(
    scene: &mut Scene,
    ((x0, x1), top, height): ((i32, i32), i32, i32),
    family: &Family,
    all: &[Point<'_>],
) -> i32 {
    let shown: Vec<&Point> = all.iter().filter(|point| point.is_shown()).collect();
    let values = shown.iter().flat_map(|point| [point.case.published, point.case.modelled]);
    let axis = Axis::log_span(Quantity::Plain, values.clone());
    scene.text((x0, top + points(8.0)), family.title, TITLE_PT, Anchor::Start, INK);
    let (plot, bottom) = Plot::new(
        scene,
        ((x0, x1), top + points(16.0), height),
        (Across::Values(axis), "Published"),
        (axis, "Modelled"),
    );
    let (low, high) = values.fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    for (factor, color, dash) in
        [(1.0, INK, Dash::Solid), (1.25, FAINT_INK, Dash::Dashed), (0.75, FAINT_INK, Dash::Dashed)]
    {
        let ends = [low, high].into_iter().filter_map(|value| plot.place((value, factor * value)));
        curve(scene, &ends.collect::<Vec<_>>(), color, dash);
    }
    let color = series(FAMILIES.iter().position(|other| other.title == family.title).unwrap_or(0));
    // Predictions on top of the others.
    for predicted in [false, true] {
        for point in shown.iter().filter(|point| (point.target.set == Set::Predicted) == predicted) {
            if let Some(place) = plot.place((point.case.published, point.case.modelled)) {
                let color = if predicted { color } else { pale(color) };
                Marker::Square.draw_sized(scene, place, color, 1.5);
            }
        }
    }
    let predicted = shown.iter().filter(|point| point.target.set == Set::Predicted).count();
    let count = format!("{} cases, {predicted} predicted", shown.len());
    scene.text((x1 - points(2.0), top + points(8.0)), count, SMALL_PT.max(LABEL_PT - 1.0), Anchor::End, INK);
    bottom
}

/// The same hue, two thirds of the way to white.
fn pale(RGBColor(r, g, b): RGBColor) -> RGBColor {
    let light = |part: u8| 255 - (255 - part) / 3;
    RGBColor(light(r), light(g), light(b))
}
