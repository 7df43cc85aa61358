//! Accuracy of trained networks against what their inference costs: a curve for every method, with the spread over
//! repeated trainings.

use super::breakdown::empty;
use super::{Data, Figure, Origin};
use crate::draw::axis::Axis;
use crate::draw::curve::{Dash, Entry, Marker, curve, dash, legend, look};
use crate::draw::plot::{Across, Plot};
use crate::draw::scene::{Area, Scene};
use crate::draw::style::{Columns, FAINT_INK, INK, inches, points};
use crate::format::Quantity;
use plotters::style::RGBColor;

/// One network: what it costs, and its accuracy in repeated trainings.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AccuracyPoint {
    /// ReLUs or seconds.
    pub x: f64,
    /// Mean share of right answers, 0 to 1.
    pub mean: f64,
    /// The least of all trainings; the mean where there was one.
    pub low: f64,
    /// The largest of all trainings; the mean where there was one.
    pub high: f64,
}

/// The networks of one method.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AccuracyCurve {
    /// The method.
    pub name: String,
    /// Its networks, in the order of the line through them.
    pub points: Vec<AccuracyPoint>,
    /// The network that all methods start from: a star, and no colour is used up.
    pub start: bool,
}

/// A figure of accuracies.
#[derive(Debug, Clone, PartialEq)]
pub struct Accuracy {
    /// The figure's file name.
    pub name: String,
    /// A line that says what it shows.
    pub title: String,
    /// What a reader needs to know besides.
    pub caption: String,
    /// Where the numbers come from.
    pub origin: Origin,
    /// The horizontal axis' title.
    pub across: String,
    /// What it measures; logarithmic where costs differ widely.
    pub quantity: Quantity,
    /// The vertical axis' title, without its unit, which is per cent.
    pub up: String,
    /// The curves.
    pub curves: Vec<AccuracyCurve>,
    /// An accuracy with a name, drawn as a level line: of a network whose cost no logarithmic axis has.
    pub level: Option<(String, f64)>,
}

/// Half of the width of the cap of a spread, points.
const CAP_PT: f64 = 1.2;

/// Curves lie so far beside each other, points: methods have networks of the same cost, whose spreads would cover each
/// other.
const ASIDE_PT: f64 = 0.7;

/// Draws accuracies. Only networks of a positive cost have a place.
pub fn accuracy(all: &Accuracy, columns: Columns) -> Figure {
    let mut data = Data::new(&["series", "x", "accuracy_mean", "accuracy_low", "accuracy_high"]);
    for one in &all.curves {
        for point in &one.points {
            let numbers = [point.x, point.mean, point.low, point.high].map(|number| number.to_string());
            data.push(std::iter::once(one.name.clone()).chain(numbers));
        }
    }
    if let Some((name, level)) = &all.level {
        data.push([name.clone(), String::new(), level.to_string(), String::new(), String::new()]);
    }
    Figure {
        name: all.name.clone(),
        title: all.title.clone(),
        caption: all.caption.clone(),
        origin: all.origin,
        scene: scene(all, columns),
        data,
    }
}

fn scene(all: &Accuracy, columns: Columns) -> Scene {
    let mut scene = Scene::new(columns.width_in());
    let fit = |point: &&AccuracyPoint| point.x > 0.0 && point.x.is_finite() && point.mean.is_finite();
    let every = || all.curves.iter().flat_map(|one| &one.points).filter(fit);
    if every().next().is_none() {
        return empty(scene, "no network was trained");
    }
    let margin = points(3.0);
    let right = scene.width - points(8.0);
    let looks = looks(&all.curves);
    let mut entries: Vec<Entry> = all.curves.iter().zip(&looks).map(|(one, look)| look.entry(one)).collect();
    let percent = |share: f64| 100.0 * share;
    if let Some((name, level)) = &all.level {
        let name = format!("{name} ({:.1} %)", percent(*level));
        entries.push(Entry { name, color: FAINT_INK, dash: Dash::Dotted, marker: None });
    }
    let top = legend(&mut scene, (margin, right), margin, &entries) + points(5.0);
    let heights = every().flat_map(|point| [point.low, point.mean, point.high]);
    let heights = heights.chain(all.level.iter().map(|(_, level)| *level)).map(percent);
    let (plot, bottom) = Plot::new(
        &mut scene,
        ((margin, right), top, inches(if columns == Columns::One { 2.2 } else { 3.0 })),
        (Across::Values(Axis::span(all.quantity, every().map(|point| point.x))), &all.across),
        (Axis::span(Quantity::Plain, heights), &format!("{} (%)", all.up)),
    );
    if let Some((_, level)) = &all.level {
        let y = plot.place((1.0, percent(*level))).map_or(plot.area.y1, |(_, y)| y);
        curve(&mut scene, &[(plot.area.x0, y), (plot.area.x1, y)], FAINT_INK, Dash::Dotted);
    }
    let middle = all.curves.len() as f64 / 2.0;
    for (index, (one, look)) in all.curves.iter().zip(&looks).enumerate() {
        let aside = if one.start { 0 } else { points((index as f64 - middle) * ASIDE_PT) };
        let at = |x: f64, share: f64| plot.place((x, percent(share))).map(|(x, y)| (x + aside, y));
        let shown: Vec<&AccuracyPoint> = one.points.iter().filter(fit).collect();
        let places: Vec<(i32, i32)> = shown.iter().filter_map(|point| at(point.x, point.mean)).collect();
        curve(&mut scene, &places, look.color, look.dash);
        for point in shown {
            if let (Some(low), Some(high)) = (at(point.x, point.low), at(point.x, point.high)) {
                spread(&mut scene, (low, high), look.color);
            }
        }
        places.iter().for_each(|place| look.marker.draw(&mut scene, *place, look.color));
    }
    scene.height = bottom + margin;
    scene
}

/// How a curve is drawn.
struct Look {
    color: RGBColor,
    dash: Dash,
    marker: Marker,
}

impl Look {
    fn entry(&self, one: &AccuracyCurve) -> Entry {
        let dash = if one.points.len() > 1 { self.dash } else { Dash::None };
        Entry { name: one.name.clone(), color: self.color, dash, marker: Some(self.marker) }
    }
}

/// The looks of all curves: as everywhere, and a dark star for the start.
fn looks(curves: &[AccuracyCurve]) -> Vec<Look> {
    let mut next = 0;
    let one = |curve: &AccuracyCurve| {
        if curve.start {
            return Look { color: INK, dash: Dash::None, marker: Marker::Star };
        }
        let (color, marker) = look(next);
        next += 1;
        Look { color, dash: dash(next - 1), marker }
    };
    curves.iter().map(one).collect()
}

/// A vertical line between two places with a cap at each end; nothing where they are the same.
fn spread(scene: &mut Scene, ((x, low), (_, high)): ((i32, i32), (i32, i32)), color: RGBColor) {
    if low - high < points(0.5) {
        return;
    }
    let cap = points(CAP_PT);
    scene.line((x, low), (x, high), color, 2);
    for y in [low, high] {
        scene.rectangle(Area { x0: x - cap, y0: y - 1, x1: x + cap, y1: y + 1 }, color);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::well_formed;
    use proptest::prelude::*;

    fn point(x: f64, mean: f64, spread: f64) -> AccuracyPoint {
        AccuracyPoint { x, mean, low: mean - spread, high: mean + spread }
    }

    fn sample(curves: Vec<AccuracyCurve>) -> Accuracy {
        Accuracy {
            name: "accuracy-relus".into(),
            title: "Accuracy against ReLUs".into(),
            caption: String::new(),
            origin: Origin::Measured,
            across: "ReLUs".into(),
            quantity: Quantity::Count,
            up: "Test accuracy".into(),
            curves,
            level: Some(("no ReLU".into(), 0.95)),
        }
    }

    fn curve_of(name: &str, start: bool, points: Vec<AccuracyPoint>) -> AccuracyCurve {
        AccuracyCurve { name: name.into(), points, start }
    }

    #[test]
    fn every_network_is_in_the_data_and_every_method_in_the_legend() {
        let culled = vec![point(576.0, 0.97, 0.01), point(1008.0, 0.99, 0.0)];
        let all = sample(vec![
            curve_of("full", true, vec![point(1584.0, 0.995, 0.002)]),
            curve_of("culled", false, culled),
            curve_of("SNL", false, vec![point(24.0, 0.96, 0.01), point(99.0, 0.98, 0.004), point(0.0, 0.9, 0.0)]),
        ]);
        let figure = accuracy(&all, Columns::Two);
        assert_eq!(figure.data.rows.len(), 7);
        assert!((figure.data.sum("accuracy_mean", |row| row[0] == "culled") - 1.96).abs() < 1e-12);
        let texts = well_formed(&figure.svg().unwrap());
        for word in ["full", "culled", "SNL", "no ReLU (95.0 %)", "ReLUs (log scale)", "Test accuracy (%)", "100"] {
            assert!(texts.iter().any(|text| text == word), "no {word}: {texts:?}");
        }
        figure.png().unwrap();
    }

    #[test]
    fn the_start_takes_no_colour_of_a_method() {
        let curves = [("full", true), ("a", false), ("b", false)].map(|(name, start)| curve_of(name, start, vec![]));
        let looks = looks(&curves);
        assert_eq!((looks[1].color, looks[1].marker), look(0));
        assert_eq!((looks[2].color, looks[2].marker), look(1));
    }

    proptest! {
        #[test]
        fn any_accuracies_can_be_drawn(
            numbers in prop::collection::vec((prop_oneof![0.0f64..1e7, Just(f64::NAN)], 0.0f64..1.0, 0.0f64..0.3), 0..20),
            curves in 1usize..9,
        ) {
            let of = |index: usize| {
                let own = numbers.iter().skip(index).step_by(curves).map(|&(x, mean, spread)| point(x, mean, spread));
                curve_of(&format!("a method with a rather long name, number {index}"), index == 0, own.collect())
            };
            let all = sample((0..curves).map(of).collect());
            for columns in [Columns::One, Columns::Two] {
                let figure = accuracy(&all, columns);
                prop_assert_eq!(figure.text_faults(), Vec::<String>::new());
                prop_assert_eq!(figure.data.rows.len(), numbers.len() + 1);
                well_formed(&figure.svg().unwrap());
            }
        }
    }
}
