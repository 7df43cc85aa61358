//! The figures of a study.

use super::axes::{StudyAxis, title};
use super::found::{Findings, Iso, at};
use super::study::Study;
use crate::draw::style::{series_fill, unit};
use crate::figures::{
    BarRow, Bars, Base, Columns, Figure, HeatCell, HeatMap, Kind, Lines, Objective, Scatter, Series, bars, heat, lines,
    pareto, phases, slug,
};
use crate::format::{Quantity, joules, percent, seconds};
use pisim_sim::{ByPhase, Energy, Simulation};
use std::cmp::Reverse;

/// Levels of an axis of a map; more are grouped.
const MAP_LEVELS: usize = 32;

/// Networks that have a map of their own.
const MAPS: usize = 6;

impl Study {
    /// All figures that these points make sense for.
    pub fn figures(&self, found: &Findings, columns: Columns) -> Vec<Figure> {
        let mut figures = vec![self.pareto_figure(None, columns)];
        figures.extend(self.phases());
        if self.frame.has("area_mm2") {
            let areas = self.frame.numbers("area_mm2").map(|areas| areas.into_owned()).unwrap_or_default();
            let known = areas.iter().filter(|area| area.is_finite()).count();
            if known > 0 && areas.iter().any(|area| area.is_finite() && *area != at(&areas, 0)) {
                figures.push(self.pareto_figure(Some(&areas), columns));
            }
        }
        for axis in self.axes.iter().filter(|axis| !self.names_groups(axis)) {
            for (quantity, what, values) in self.quantities() {
                figures.push(self.scaling(axis, (quantity, what, values), columns));
            }
        }
        figures.extend(self.maps(found, columns));
        figures.push(bottlenecks(found, columns));
        if !found.axes.is_empty() {
            figures.push(effects(found, columns));
        }
        if self.groups.len() > 1 {
            figures.push(iso(&found.iso_latency, true, columns));
            figures.push(iso(&found.iso_energy, false, columns));
        }
        figures
    }

    /// Latency and energy by phase at the knee of every group, or at its fastest point if it has none.
    fn phases(&self) -> Option<Figure> {
        let by_phase = |point: usize, quantity: &str, unit: &str| -> Option<ByPhase> {
            let of =
                |phase: &str| self.frame.numbers(&format!("{quantity}_{phase}_{unit}")).ok().map(|all| at(&all, point));
            Some(ByPhase::new([of("setup")?, of("offline")?, of("online")?]))
        };
        let one = |group: usize| -> Option<Simulation> {
            let point = self.best(group)?;
            let energy_j = Energy { phases: by_phase(point, "energy", "j")?, ..Energy::default() };
            let network = self.groups.get(group).cloned().unwrap_or_default();
            let (latency_s, hardware) = (by_phase(point, "latency", "s")?, self.label(point));
            Some(Simulation { network, hardware, latency_s, energy_j, ..Simulation::default() })
        };
        let chosen: Vec<Simulation> = (0..self.groups.len()).map(one).collect::<Option<_>>()?;
        let mut figure = phases(&chosen);
        figure.caption =
            format!("At the knee of each network, or at its fastest point if its front has none. {}", figure.caption);
        Some(figure)
    }

    fn quantities(&self) -> [(Quantity, &'static str, &[f64]); 2] {
        [(Quantity::Seconds, "Latency", &self.latency_s), (Quantity::Joules, "Energy", &self.energy_j)]
    }

    /// Latency against energy, or against an area.
    fn pareto_figure(&self, areas: Option<&[f64]>, columns: Columns) -> Figure {
        let across = match areas {
            None => Objective { title: "Energy", quantity: Quantity::Joules, values: &self.energy_j },
            Some(values) => Objective { title: "Area", quantity: Quantity::Area, values },
        };
        let own = areas.map(|areas| self.fronts_of(areas));
        let (fronts, knees) = own.as_ref().map_or((&self.fronts, &self.knees), |(fronts, knees)| (fronts, knees));
        let label = |point: usize| self.label(point);
        let scatter = Scatter {
            name: if areas.is_some() { "pareto-area" } else { "pareto-energy" },
            across,
            up: Objective { title: "Latency", quantity: Quantity::Seconds, values: &self.latency_s },
            groups: &self.groups,
            group: &self.group,
            fronts,
            knees,
            label: &label,
        };
        pareto(&scatter, columns)
    }

    /// The least of a quantity at every level of an axis, over all other axes: a line for each group.
    fn scaling(
        &self,
        axis: &StudyAxis,
        (quantity, what, values): (Quantity, &str, &[f64]),
        columns: Columns,
    ) -> Figure {
        let (level, count) = axis.grouped(MAP_LEVELS);
        let grouped = count < axis.levels.len();
        let series = |(group, name): (usize, &String)| {
            let mut least = vec![(f64::NAN, f64::INFINITY); count];
            for (point, level) in level.iter().enumerate().filter(|(point, _)| self.group.get(*point) == Some(&group)) {
                let place = axis.level.get(point).and_then(|own| axis.values.as_ref()?.get(*own).copied());
                if let Some(slot) = least.get_mut(*level)
                    && at(values, point) < slot.1
                {
                    *slot = (place.unwrap_or(*level as f64), at(values, point));
                }
            }
            let points = least.into_iter().filter(|(_, value)| value.is_finite()).collect();
            Series { name: name.clone(), points, published: false }
        };
        let base = match axis.values {
            Some(_) => Base::Values(axis.quantity),
            None => Base::Names(axis.levels.clone()),
        };
        let others = if grouped { format!(", and over every {count}th of its values") } else { String::new() };
        let all = Lines {
            name: slug(&format!("scaling-{}-{}", what.to_lowercase(), axis.name)),
            title: format!("{what} against {}", axis.title()),
            caption: format!(
                "Least {} of one inference at each value of {}, over all other axes of the sweep{others}.",
                what.to_lowercase(),
                axis.name
            ),
            across: sentence(&axis.title()),
            base,
            up: what.to_owned(),
            quantity,
            series: self.groups.iter().enumerate().map(series).collect(),
            mark_least: false,
        };
        lines(&all, columns)
    }

    /// For every group a map over the two axes that matter most.
    fn maps(&self, found: &Findings, columns: Columns) -> Vec<Figure> {
        let mut order: Vec<usize> = (0..self.axes.len())
            .filter(|axis| self.axes.get(*axis).is_some_and(|axis| !self.names_groups(axis)))
            .collect();
        let effect = |axis: &usize| found.axes.get(*axis).and_then(|effect| effect.latency).unwrap_or(0.0);
        order.sort_by(|a, b| effect(b).total_cmp(&effect(a)));
        let mut two: Vec<usize> = order.into_iter().take(2).collect();
        two.sort_unstable();
        let axes: Vec<&StudyAxis> = two.iter().filter_map(|axis| self.axes.get(*axis)).collect();
        let [across, up] = axes.as_slice() else { return Vec::new() };
        (0..self.groups.len().min(MAPS)).map(|group| self.map(group, (across, up), columns)).collect()
    }

    fn map(&self, group: usize, (across, up): (&StudyAxis, &StudyAxis), columns: Columns) -> Figure {
        let ((across_of, width), (up_of, height)) = (across.grouped(MAP_LEVELS), up.grouped(MAP_LEVELS));
        let mut best: Vec<Option<usize>> = vec![None; width * height];
        for (point, (column, row)) in across_of.iter().zip(&up_of).enumerate() {
            if self.group.get(point) != Some(&group) {
                continue;
            }
            let Some(slot) = best.get_mut(column * height + row) else { continue };
            if slot.is_none_or(|known| at(&self.latency_s, point) < at(&self.latency_s, known)) {
                *slot = Some(point);
            }
        }
        let cell = |point: usize| HeatCell {
            value: at(&self.latency_s, point),
            unit: self.frame.cell(point, "bottleneck_total").to_string(),
            point: usize::try_from(self.number(point)).unwrap_or(point),
        };
        let name = self.groups.get(group).cloned().unwrap_or_default();
        let map = HeatMap {
            name: slug(&format!("map-{name}")),
            title: format!("{name}: latency and what binds it"),
            caption: format!(
                "Least latency of one inference of {name} over all other axes, by {} (x) and {} (y). Outlined \
                 regions are bound by the unit that they name: the one whose own work is nearest to the latency. \
                 Diamond: the least.",
                across.name, up.name
            ),
            across: (sentence(&across.title()), level_names(across, &across_of, width)),
            up: (sentence(&up.title()), level_names(up, &up_of, height)),
            quantity: Quantity::Seconds,
            what: "Latency".to_owned(),
            cells: best.into_iter().map(|point| point.map(cell)).collect(),
        };
        heat(&map, columns)
    }

    /// Fronts and knees of latency against another quantity.
    fn fronts_of(&self, values: &[f64]) -> (Vec<Vec<usize>>, Vec<Option<usize>>) {
        use pisim_sim::analysis::{knee, pareto_front};
        let of_group = |group: usize| -> Vec<usize> {
            let members: Vec<usize> = (0..self.group.len()).filter(|p| self.group.get(*p) == Some(&group)).collect();
            let of = |all: &[f64]| -> Vec<f64> { members.iter().map(|point| at(all, *point)).collect() };
            let found = pareto_front(&[&of(values), &of(&self.latency_s)]);
            found.into_iter().filter_map(|position| members.get(position).copied()).collect()
        };
        let fronts: Vec<Vec<usize>> = (0..self.groups.len()).map(of_group).collect();
        let knee = |front: &Vec<usize>| front.get(knee(&[values, &self.latency_s], front)?).copied();
        let knees = fronts.iter().map(knee).collect();
        (fronts, knees)
    }
}

/// The names of an axis' levels; of groups of levels the first of each.
fn level_names(axis: &StudyAxis, grouped: &[usize], count: usize) -> Vec<String> {
    let mut names = vec![(usize::MAX, String::new()); count];
    for (own, group) in axis.level.iter().zip(grouped) {
        if let Some(slot) = names.get_mut(*group)
            && *own < slot.0
        {
            *slot = (*own, axis.levels.get(*own).cloned().unwrap_or_default());
        }
    }
    names.into_iter().map(|(_, name)| name).collect()
}

/// With a capital letter.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Which units bind how many points.
fn bottlenecks(found: &Findings, columns: Columns) -> Figure {
    let row = |bound: &super::Bound| BarRow {
        name: if bound.unit.is_empty() { "nothing".to_owned() } else { bound.unit.clone() },
        note: format!("{} points, {}", bound.points, percent(bound.mean_share)),
        values: vec![Some(100.0 * bound.share)],
        ..BarRow::default()
    };
    let fill = found.bottlenecks.first().map_or(series_fill(0), |bound| unit(&bound.unit));
    let all = Bars {
        name: "bottlenecks".to_owned(),
        title: "What binds the points".to_owned(),
        caption: "Points by the unit whose own lower bound of all phases is nearest to the latency; below each \
                  name, how many, and the mean of that bound over the latency: about the most that a faster unit \
                  could gain. From bounds; `pisim report -n` evaluates a point again without each unit's time."
            .to_owned(),
        across: "Points (%)".to_owned(),
        quantity: Quantity::Plain,
        log: false,
        kinds: vec![Kind { name: "share".to_owned(), fill }],
        rows: found.bottlenecks.iter().map(row).collect(),
        nothing: "no point was evaluated",
    };
    bars(&all, columns)
}

/// How much each axis matters.
fn effects(found: &Findings, columns: Columns) -> Figure {
    let varies = |axis: &&super::AxisEffect| axis.latency.is_some() || axis.energy.is_some();
    let mut axes: Vec<&super::AxisEffect> = found.axes.iter().filter(varies).collect();
    axes.sort_by_key(|axis| Reverse((axis.latency.unwrap_or(0.0) * 1e9) as u64));
    let row = |axis: &&super::AxisEffect| BarRow {
        name: title(&axis.axis),
        note: format!("{} levels", axis.levels),
        values: vec![axis.latency, axis.energy],
        ..BarRow::default()
    };
    let all = Bars {
        name: "axes".to_owned(),
        title: "How much each axis matters".to_owned(),
        caption: "First-order share of each axis in the variance of the logarithm of latency and of energy within \
                  networks: variance of the means of its levels over the variance of all points. Exact for a full \
                  grid; what is missing to 1 is interaction."
            .to_owned(),
        across: "Share of the variance".to_owned(),
        quantity: Quantity::Plain,
        log: false,
        kinds: vec![
            Kind { name: "latency".to_owned(), fill: series_fill(0) },
            Kind { name: "energy".to_owned(), fill: series_fill(1) },
        ],
        rows: axes.iter().map(row).collect(),
        nothing: "no axis varies",
    };
    bars(&all, columns)
}

/// Networks at one latency or energy.
fn iso(found: &[Iso], of_latency: bool, columns: Columns) -> Figure {
    let (limit, cost): (fn(f64) -> String, Quantity) =
        if of_latency { (seconds, Quantity::Joules) } else { (joules, Quantity::Seconds) };
    let (limited, costs) = if of_latency { ("latency", "Energy") } else { ("energy", "Latency") };
    let rows = found.iter().flat_map(|iso| {
        iso.rows.iter().map(move |row| BarRow {
            group: format!("at most {}", limit(iso.limit)),
            name: row.group.clone(),
            note: format!("point {}", row.point),
            values: vec![Some(if of_latency { row.energy_total_j } else { row.latency_total_s })],
        })
    });
    let all = Bars {
        name: format!("iso-{limited}"),
        title: format!("Networks at one {limited}"),
        caption: format!(
            "The least {} of one inference of each network among the points within a limit of {limited}.",
            costs.to_lowercase()
        ),
        across: costs.to_owned(),
        quantity: cost,
        log: true,
        kinds: vec![Kind { name: costs.to_lowercase(), fill: series_fill(0) }],
        rows: rows.collect(),
        nothing: "no network reaches the limit",
    };
    bars(&all, columns)
}
