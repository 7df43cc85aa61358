//! The evaluated points of a sweep, by network and by axis.

use super::axes::StudyAxis;
use crate::results::{Cell, Frame, FrameError};
use pisim_sim::analysis::{knee, pareto_front};
use pisim_sim::sweep::{FIRST_COLUMNS, NAME_COLUMNS};
use thiserror::Error;

/// Why results cannot be studied.
#[derive(Debug, Error)]
pub enum StudyError {
    /// They are no results of a sweep.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// No point was evaluated and fits.
    #[error(
        "none of {points} points can be compared: {failed} could not be evaluated{first}, {unfit} do not fit their boards"
    )]
    Nothing {
        /// Rows.
        points: usize,
        /// Rows with an error.
        failed: usize,
        /// Rows that do not fit.
        unfit: usize,
        /// The first error, in brackets, or nothing.
        first: String,
    },
}

/// The points of a sweep that were evaluated and fit their boards.
#[derive(Debug, Clone)]
pub struct Study {
    /// Their rows, with all columns.
    pub frame: Frame,
    /// All rows of the sweep.
    pub points: usize,
    /// Rows with an error.
    pub failed: usize,
    /// Rows that do not fit their boards.
    pub unfit: usize,
    /// The axes that have more than one level among these points and do not just follow another one, in the sweep's order.
    pub axes: Vec<StudyAxis>,
    /// Networks, with the protocol and the platform where several are compared.
    pub groups: Vec<String>,
    /// The group of every point.
    pub group: Vec<usize>,
    /// Seconds of all phases.
    pub latency_s: Vec<f64>,
    /// Joules of all phases.
    pub energy_j: Vec<f64>,
    /// The Pareto front of latency and energy of every group.
    pub fronts: Vec<Vec<usize>>,
    /// The knee of every front, a point.
    pub knees: Vec<Option<usize>>,
}

impl Study {
    /// Studies a table with a sweep's columns.
    ///
    /// # Errors
    /// A column is not there, or no point can be compared.
    pub fn new(all: &Frame) -> Result<Self, StudyError> {
        let errors = all.texts("error")?;
        // A CSV file in which every point has failed does not say what an empty column would hold.
        let empty = |name: &str| all.has(name) && (0..all.rows()).all(|row| all.cell(row, name).to_string().is_empty());
        let fits: &[Option<bool>] = if empty("fits") { &[] } else { all.flags("fits")? };
        let none = || Ok(vec![f64::NAN; all.rows()].into());
        let latency = if empty("latency_total_s") { none() } else { all.numbers("latency_total_s") }?;
        let is_error = |row: usize| {
            errors.get(row).is_some_and(|error| !error.is_empty()) || !latency.get(row).is_some_and(|s| s.is_finite())
        };
        let is_unfit = |row: usize| !is_error(row) && fits.get(row).copied().flatten() == Some(false);
        let count = |of: &dyn Fn(usize) -> bool| (0..all.rows()).filter(|row| of(*row)).count();
        let (failed, unfit) = (count(&is_error), count(&is_unfit));
        let frame = all.filter(|row| !is_error(row) && !is_unfit(row));
        if frame.rows() == 0 {
            let first = errors.iter().flatten().find(|error| !error.is_empty());
            let first = first.map(|error| format!(" ({error})")).unwrap_or_default();
            return Err(StudyError::Nothing { points: all.rows(), failed, unfit, first });
        }
        let (groups, group) = groups(&frame);
        let (latency_s, energy_j) =
            (frame.numbers("latency_total_s")?.into_owned(), frame.numbers("energy_total_j")?.into_owned());
        let fronts: Vec<Vec<usize>> = (0..groups.len()).map(|own| front(&group, own, &latency_s, &energy_j)).collect();
        let knee_of = |front: &Vec<usize>| front.get(knee(&[&latency_s, &energy_j], front)?).copied();
        let knees = fronts.iter().map(knee_of).collect();
        let axes = axis_names(&frame).into_iter().filter_map(|name| StudyAxis::new(name, frame.column(name).ok()?));
        let axes = independent(axes.collect(), frame.rows());
        Ok(Self { points: all.rows(), failed, unfit, axes, groups, group, latency_s, energy_j, fronts, knees, frame })
    }

    /// The number of a point in its sweep.
    pub fn number(&self, point: usize) -> i64 {
        match self.frame.cell(point, "point") {
            Cell::Integer(number) => number,
            _ => point as i64,
        }
    }

    /// What tells a point from the others: its value on every axis that does not just name its group.
    pub fn label(&self, point: usize) -> String {
        let value = |axis: &&StudyAxis| !self.names_groups(axis);
        let text = |axis: &StudyAxis| {
            let level = axis.level.get(point).and_then(|level| axis.levels.get(*level))?;
            Some(format!("{} {level}", axis.title().rsplit(' ').next().unwrap_or_default()))
        };
        self.axes.iter().filter(value).filter_map(text).collect::<Vec<_>>().join(", ")
    }

    /// Whether an axis says the same as the group, such as the axis of networks.
    pub fn names_groups(&self, axis: &StudyAxis) -> bool {
        let mut group_of = vec![None; axis.levels.len()];
        self.groups.len() > 1
            && axis.level.iter().zip(&self.group).all(|(level, group)| match group_of.get_mut(*level) {
                Some(known) => *known.get_or_insert(*group) == *group,
                None => false,
            })
    }
}

/// The names of a sweep's axes: its columns between the point's number and the names of what was evaluated.
pub fn axis_names(frame: &Frame) -> Vec<&str> {
    let names = frame.names().skip_while(|name| FIRST_COLUMNS.contains(name));
    names.take_while(|name| !NAME_COLUMNS.contains(name)).collect()
}

/// The axes without those that only follow another one, such as derived values and the later ones of a zip: every level of
/// the other one goes with a single level. Where nearly every point has a level of its own, that says nothing.
fn independent(all: Vec<StudyAxis>, rows: usize) -> Vec<StudyAxis> {
    let mut kept: Vec<bool> = vec![true; all.len()];
    for (number, axis) in all.iter().enumerate() {
        let leads = |(other, leader): (usize, &StudyAxis)| {
            other != number
                && kept.get(other) == Some(&true)
                && 2 * leader.levels.len() <= rows
                && follows(axis, leader)
                // Of two that say the same, the first one stays.
                && (other < number || !follows(leader, axis))
        };
        let follower = all.iter().enumerate().any(leads);
        if let Some(kept) = kept.get_mut(number) {
            *kept = !follower;
        }
    }
    all.into_iter().zip(kept).filter(|(_, kept)| *kept).map(|(axis, _)| axis).collect()
}

/// Whether each level of `leader` goes with a single level of `axis`.
fn follows(axis: &StudyAxis, leader: &StudyAxis) -> bool {
    let mut level_of = vec![None; leader.levels.len()];
    leader.level.iter().zip(&axis.level).all(|(leader, own)| {
        level_of.get_mut(*leader).is_some_and(|known: &mut Option<usize>| *known.get_or_insert(*own) == *own)
    })
}

/// The groups, and the group of every row.
fn groups(frame: &Frame) -> (Vec<String>, Vec<usize>) {
    let word = |row: usize, column: &str| frame.cell(row, column).to_string();
    let several = |column: &str| (1..frame.rows()).any(|row| word(row, column) != word(0, column));
    let shown: Vec<&str> = ["protocol", "hardware"].into_iter().filter(|column| several(column)).collect();
    let (mut groups, mut group): (Vec<String>, Vec<usize>) = (Vec::new(), Vec::with_capacity(frame.rows()));
    for row in 0..frame.rows() {
        let mut name = word(row, "network");
        for column in &shown {
            name = format!("{name}, {}", word(row, column));
        }
        let number = groups.iter().position(|known| *known == name).unwrap_or_else(|| {
            groups.push(name);
            groups.len() - 1
        });
        group.push(number);
    }
    (groups, group)
}

/// The front of one group's points.
fn front(group: &[usize], own: usize, latency_s: &[f64], energy_j: &[f64]) -> Vec<usize> {
    let members: Vec<usize> = (0..group.len()).filter(|point| group.get(*point) == Some(&own)).collect();
    let of = |values: &[f64]| -> Vec<f64> { members.iter().filter_map(|point| values.get(*point).copied()).collect() };
    let found = pareto_front(&[&of(latency_s), &of(energy_j)]);
    found.into_iter().filter_map(|position| members.get(position).copied()).collect()
}
