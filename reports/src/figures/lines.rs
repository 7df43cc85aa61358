//! Curves: one quantity against another, a line for every series; published figures as marks without a line.

use super::breakdown::empty;
use super::{Data, Figure, Origin};
use crate::draw::axis::Axis;
use crate::draw::curve::{Dash, Entry, curve, dash, legend, look, star};
use crate::draw::plot::{Across, Plot};
use crate::draw::scene::Scene;
use crate::draw::style::{Columns, INK, inches, points};
use crate::format::Quantity;

/// One series.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Points, in the order of the axis; of a named axis, x is the position of a name.
    pub points: Vec<(f64, f64)>,
    /// Published by others and not computed here: marks without a line.
    pub published: bool,
}

/// What the horizontal axis is.
#[derive(Debug, Clone, PartialEq)]
pub enum Base {
    /// Values of a quantity.
    Values(Quantity),
    /// Per cent, from 0 to 100.
    Percent,
    /// Names in equal steps.
    Names(Vec<String>),
}

/// A figure of curves.
#[derive(Debug, Clone, PartialEq)]
pub struct Lines {
    /// The figure's file name.
    pub name: String,
    /// A line that says what it shows.
    pub title: String,
    /// What a reader needs to know besides.
    pub caption: String,
    /// The horizontal axis' title.
    pub across: String,
    /// What it measures.
    pub base: Base,
    /// The vertical axis' title.
    pub up: String,
    /// What it measures.
    pub quantity: Quantity,
    /// The curves.
    pub series: Vec<Series>,
    /// Mark the least point of every curve.
    pub mark_least: bool,
}

/// Values of a horizontal axis that are labelled themselves, at most.
const LEVELS: usize = 12;

/// Draws curves.
pub fn lines(all: &Lines, columns: Columns) -> Figure {
    let mut data = Data::new(&["series", "origin", "x", "y"]);
    for one in &all.series {
        for (x, y) in &one.points {
            let x = match &all.base {
                Base::Values(_) | Base::Percent => x.to_string(),
                Base::Names(names) => names.get(*x as usize).cloned().unwrap_or_default(),
            };
            let origin = if one.published { "published" } else { "modelled" };
            data.push([one.name.clone(), origin.to_owned(), x, y.to_string()]);
        }
    }
    Figure {
        name: all.name.clone(),
        title: all.title.clone(),
        caption: all.caption.clone(),
        origin: Origin::Modelled,
        scene: scene(all, columns),
        data,
    }
}

fn scene(all: &Lines, columns: Columns) -> Scene {
    let mut scene = Scene::new(columns.width_in());
    let every = || all.series.iter().flat_map(|one| &one.points).filter(|(x, y)| x.is_finite() && y.is_finite());
    if every().next().is_none() {
        return empty(scene, "no point was evaluated");
    }
    let margin = points(3.0);
    let right = scene.width - points(8.0);
    let any_published = all.series.iter().any(|one| one.published);
    let entry = |(index, one): (usize, &Series)| {
        let (color, marker) = look(index);
        let name = match (one.published, any_published) {
            (true, _) => format!("{} (published)", one.name),
            (false, true) => format!("{} (modelled)", one.name),
            (false, false) => one.name.clone(),
        };
        Entry { name, color, dash: if one.published { Dash::None } else { dash(index) }, marker: Some(marker) }
    };
    let entries: Vec<Entry> = all.series.iter().enumerate().map(entry).collect();
    let top = legend(&mut scene, (margin, right), margin, &entries) + points(5.0);
    let base = match &all.base {
        Base::Values(quantity) => {
            let axis = Axis::span(*quantity, every().map(|(x, _)| *x));
            let mut levels: Vec<f64> = every().map(|(x, _)| *x).collect();
            levels.sort_by(f64::total_cmp);
            levels.dedup();
            // A few values label the axis themselves.
            if levels.len() <= LEVELS { Across::Levels(axis, *quantity, levels) } else { Across::Values(axis) }
        }
        Base::Percent => Across::Values(Axis::Linear { quantity: Quantity::Plain, step: 20.0, end: 100.0 }),
        Base::Names(names) => Across::Names(names.clone()),
    };
    let height = inches(if columns == Columns::One { 2.0 } else { 2.7 });
    let axis = Axis::span(all.quantity, every().map(|(_, y)| *y));
    let (plot, bottom) = Plot::new(&mut scene, ((margin, right), top, height), (base, &all.across), (axis, &all.up));
    for (index, one) in all.series.iter().enumerate() {
        let (color, marker) = look(index);
        let places: Vec<Option<(i32, i32)>> = one.points.iter().map(|point| plot.place(*point)).collect();
        for run in places.split(Option::is_none) {
            let run: Vec<(i32, i32)> = run.iter().flatten().copied().collect();
            if !one.published {
                curve(&mut scene, &run, color, dash(index));
            }
            if one.published || run.len() <= 40 {
                run.iter().for_each(|place| marker.draw(&mut scene, *place, color));
            }
        }
        let least = one.points.iter().filter(|(_, y)| y.is_finite()).min_by(|a, b| a.1.total_cmp(&b.1));
        if let Some(place) = least.filter(|_| all.mark_least && !one.published).and_then(|point| plot.place(*point)) {
            star(&mut scene, place, INK);
        }
    }
    scene.height = bottom + margin;
    scene
}
