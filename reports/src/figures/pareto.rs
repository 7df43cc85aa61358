//! Points of a sweep by two objectives: the front of every group, and its knee.

use super::breakdown::empty;
use super::callout::{along, callouts};
use super::{Data, Figure, Origin};
use crate::draw::axis::Axis;
use crate::draw::curve::{Dash, Entry, curve, legend, look, star};
use crate::draw::plot::{Across, Plot};
use crate::draw::scene::{Area, Scene};
use crate::draw::style::{Columns, INK, inches, points};
use crate::format::Quantity;
use plotters::style::RGBColor;
use std::collections::BTreeSet;

/// What it weighs to cover a line of a front, over a point that is beaten.
const FRONT: usize = 60;

/// An objective.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Objective<'a> {
    /// The axis' title.
    pub title: &'a str,
    /// What is measured.
    pub quantity: Quantity,
    /// Its value at every point.
    pub values: &'a [f64],
}

/// Points by two objectives, both better when small.
#[derive(Clone, Copy)]
pub struct Scatter<'a> {
    /// The figure's file name.
    pub name: &'a str,
    /// The horizontal objective.
    pub across: Objective<'a>,
    /// The vertical one.
    pub up: Objective<'a>,
    /// Names of the groups: networks.
    pub groups: &'a [String],
    /// The group of every point.
    pub group: &'a [usize],
    /// The front of every group.
    pub fronts: &'a [Vec<usize>],
    /// The knee of every front, a point.
    pub knees: &'a [Option<usize>],
    /// A short text about a point, written at a knee.
    pub label: &'a dyn Fn(usize) -> String,
}

/// Pixels of the grid in which one dominated point of a group is drawn.
const BIN: i32 = 5;

/// The points, with the front of every group as a stair and its knee as a star.
pub fn pareto(points: &Scatter<'_>, columns: Columns) -> Figure {
    let mut data = Data::new(&["point", "group", "x", "y", "front", "knee"]);
    let scene = draw(points, columns, &mut data);
    let (x, y) = (points.across.title.to_lowercase(), points.up.title.to_lowercase());
    Figure {
        name: points.name.to_owned(),
        title: format!("{} against {x}", points.up.title),
        caption: format!(
            "Points of the sweep by {x} (x) and {y} (y). Stairs: the Pareto front of each network; stars: its knee, \
             the point farthest below the chord between the front's ends on logarithmic scales. Small marks: other \
             points, one of those that would cover each other.",
        ),
        origin: Origin::Modelled,
        scene,
        data,
    }
}

fn draw(all: &Scatter<'_>, columns: Columns, data: &mut Data) -> Scene {
    let mut scene = Scene::new(columns.width_in());
    let value = |point: usize| Some((*all.across.values.get(point)?, *all.up.values.get(point)?));
    let finite = |point: &usize| value(*point).is_some_and(|(x, y)| x.is_finite() && y.is_finite());
    let shown: Vec<usize> = (0..all.group.len()).filter(finite).collect();
    if shown.is_empty() {
        return empty(scene, "no point was evaluated");
    }
    let margin = points(3.0);
    let entry = |(index, name): (usize, &String)| {
        let (color, marker) = look(index);
        Entry { name: name.clone(), color, dash: Dash::Solid, marker: Some(marker) }
    };
    let entries: Vec<Entry> = all.groups.iter().enumerate().map(entry).collect();
    let right = scene.width - points(8.0);
    let top = legend(&mut scene, (margin, right), margin, &entries) + points(5.0);
    let axis = |objective: &Objective| {
        Axis::span(objective.quantity, shown.iter().filter_map(|point| objective.values.get(*point)).copied())
    };
    let height = inches(if columns == Columns::One { 2.3 } else { 3.1 });
    let (plot, bottom) = Plot::new(
        &mut scene,
        ((margin, right), top, height),
        (Across::Values(axis(&all.across)), all.across.title),
        (axis(&all.up), all.up.title),
    );
    let on_front: BTreeSet<usize> = all.fronts.iter().flatten().copied().collect();
    let knees: BTreeSet<usize> = all.knees.iter().flatten().copied().collect();
    let mut push = |point: usize, group: usize| {
        let Some((x, y)) = value(point) else { return };
        let name = all.groups.get(group).cloned().unwrap_or_default();
        let flags = [on_front.contains(&point), knees.contains(&point)].map(|flag| flag.to_string());
        data.push([point.to_string(), name, x.to_string(), y.to_string()].into_iter().chain(flags));
    };
    let (mut taken, mut shown_areas) = (BTreeSet::<(usize, i32, i32)>::new(), Vec::new());
    for &point in shown.iter().filter(|point| !on_front.contains(point)) {
        let group = all.group.get(point).copied().unwrap_or(0);
        let Some(place) = value(point).and_then(|value| plot.place(value)) else { continue };
        if taken.insert((group, place.0 / BIN, place.1 / BIN)) {
            let (color, marker) = look(group);
            marker.draw_sized(&mut scene, place, pale(color), 1.2);
            shown_areas.push((along(place, place), 1));
            push(point, group);
        }
    }
    for (group, front) in all.fronts.iter().enumerate() {
        let (color, marker) = look(group);
        let mut places: Vec<(usize, (i32, i32))> =
            front.iter().filter_map(|point| Some((*point, plot.place(value(*point)?)?))).collect();
        places.sort_by_key(|(_, place)| (place.0, -place.1));
        shown_areas.extend(stairs(&mut scene, &places, color).into_iter().map(|line| (line, FRONT)));
        for (point, place) in &places {
            marker.draw_sized(&mut scene, *place, color, if places.len() > 40 { 1.4 } else { 2.2 });
            push(*point, group);
        }
    }
    let knee = |knee: &usize| Some((value(*knee).and_then(|value| plot.place(value))?, (all.label)(*knee)));
    let knees: Vec<((i32, i32), String)> = all.knees.iter().flatten().filter_map(knee).collect();
    callouts(&mut scene, &plot, &shown_areas, &knees);
    for (place, _) in knees {
        star(&mut scene, place, INK);
    }
    scene.height = bottom + margin;
    scene
}

/// Lines between neighbours on a front that only go along the axes: what lies above is beaten.
fn stairs(scene: &mut Scene, places: &[(usize, (i32, i32))], color: RGBColor) -> Vec<Area> {
    let mut lines = Vec::new();
    for pair in places.windows(2) {
        if let [(_, from), (_, to)] = pair {
            let corner = (to.0, from.1);
            curve(scene, &[*from, corner, *to], color, Dash::Solid);
            lines.extend([along(*from, corner), along(corner, *to)]);
        }
    }
    lines
}

/// The same hue, half of the way to white.
fn pale(RGBColor(r, g, b): RGBColor) -> RGBColor {
    let light = |part: u8| 255 - (255 - part) / 2;
    RGBColor(light(r), light(g), light(b))
}
