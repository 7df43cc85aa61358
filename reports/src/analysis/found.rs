//! The answer to a study, as JSON has it.

use super::study::Study;
use crate::results::Cell;
use pisim_sim::analysis::{cheapest, main_effect, one_at_a_time};
use serde::Serialize;
use serde_json::{Map, Value};

/// Levels of an axis in a main effect: more are grouped, so that the estimate has many points for each.
const LEVELS: usize = 16;

/// Limits of comparisons at one latency or energy, over the least that every group can reach.
const MULTIPLES: [f64; 3] = [1.0, 2.0, 5.0];

/// All findings. Latencies and energies are of one inference, all phases (modelled).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Findings {
    /// Rows of the sweep.
    pub points: usize,
    /// Rows that could not be evaluated.
    pub failed: usize,
    /// Rows that do not fit their boards.
    pub unfit: usize,
    /// Networks, with protocol and platform where several are compared.
    pub groups: Vec<Group>,
    /// The points on the fronts of latency and energy, group by group.
    pub pareto: Vec<ParetoPoint>,
    /// How much each axis matters.
    pub axes: Vec<AxisEffect>,
    /// What binds the points.
    pub bottlenecks: Vec<Bound>,
    /// The point with the least energy of each group within a latency.
    pub iso_latency: Vec<Iso>,
    /// The point with the least latency of each group within an energy.
    pub iso_energy: Vec<Iso>,
}

/// One network.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its points.
    pub points: usize,
    /// How many of them are on the front.
    pub front: usize,
    /// The number of the knee in the sweep; none if the front has none.
    pub knee: Option<i64>,
    /// The least latency, seconds.
    pub least_latency_s: f64,
    /// The least energy, joules.
    pub least_energy_j: f64,
}

/// A point on a front.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ParetoPoint {
    /// Its number in the sweep.
    pub point: i64,
    /// Its group's name.
    pub group: String,
    /// Its value on every axis.
    pub axes: Map<String, Value>,
    /// Seconds.
    pub latency_total_s: f64,
    /// Joules.
    pub energy_total_j: f64,
    /// The unit that binds it.
    pub bottleneck: String,
    /// Whether it is its front's knee.
    pub knee: bool,
}

/// How much one axis matters.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AxisEffect {
    /// The axis.
    pub axis: String,
    /// Its levels.
    pub levels: usize,
    /// The share of the variance of ln(latency) within groups that the axis makes by itself: its first-order Sobol index over
    /// the points of the sweep, exact for a full grid. None if all latencies are equal, and for an axis that just names the groups.
    pub latency: Option<f64>,
    /// The same of ln(energy).
    pub energy: Option<f64>,
    /// What the shares of an axis without any influence would be on average, were the points random.
    pub chance: f64,
    /// The latency along this axis alone, around the knee of each group (around its fastest point if it has none).
    pub one_at_a_time: Vec<Varied>,
}

/// The latency along one axis, all others at one point.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Varied {
    /// The group.
    pub group: String,
    /// The point in the middle.
    pub point: i64,
    /// Points along the axis.
    pub points: usize,
    /// The largest latency over the least.
    pub ratio: f64,
    /// The slope of ln(latency) over ln(axis), where the axis has positive values.
    pub elasticity: Option<f64>,
}

/// What binds points.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bound {
    /// The unit whose own lower bound is nearest to the latency.
    pub unit: String,
    /// Points that it binds.
    pub points: usize,
    /// Of all points.
    pub share: f64,
    /// Its lower bound over the latency, mean over these points: about the most that removing it could give. From bounds; one
    /// simulation's report evaluates again without each unit ([`pisim_sim::analysis::without_each`]).
    pub mean_share: f64,
    /// The least and the largest latency of these points, seconds.
    pub latency_s: [f64; 2],
}

/// Groups at one limit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Iso {
    /// The limit: seconds or joules.
    pub limit: f64,
    /// The best point of every group that has one.
    pub rows: Vec<IsoRow>,
}

/// One group's best point at a limit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IsoRow {
    /// The group.
    pub group: String,
    /// The point's number in the sweep.
    pub point: i64,
    /// Seconds.
    pub latency_total_s: f64,
    /// Joules.
    pub energy_total_j: f64,
}

/// Limits of the comparisons; where none are named, the least that every group can reach, twice and five times that.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Limits {
    /// Seconds.
    pub latency_s: Vec<f64>,
    /// Joules.
    pub energy_j: Vec<f64>,
}

impl Study {
    /// Everything that can be found.
    pub fn findings(&self, limits: &Limits) -> Findings {
        Findings {
            points: self.points,
            failed: self.failed,
            unfit: self.unfit,
            groups: self.group_summaries(),
            pareto: self.fronts.iter().flatten().map(|point| self.pareto_point(*point)).collect(),
            axes: (0..self.axes.len()).map(|axis| self.effect(axis)).collect(),
            bottlenecks: self.bound(),
            iso_latency: self.iso(&limits.latency_s, &self.latency_s, &self.energy_j),
            iso_energy: self.iso(&limits.energy_j, &self.energy_j, &self.latency_s),
        }
    }

    /// The least of a quantity in a group.
    fn least(&self, group: usize, values: &[f64]) -> f64 {
        let own = self.group.iter().zip(values).filter(|(own, _)| **own == group);
        own.map(|(_, value)| *value).fold(f64::INFINITY, f64::min)
    }

    fn group_summaries(&self) -> Vec<Group> {
        let one = |(group, name): (usize, &String)| Group {
            name: name.clone(),
            points: self.group.iter().filter(|own| **own == group).count(),
            front: self.fronts.get(group).map_or(0, Vec::len),
            knee: self.knees.get(group).copied().flatten().map(|point| self.number(point)),
            least_latency_s: self.least(group, &self.latency_s),
            least_energy_j: self.least(group, &self.energy_j),
        };
        self.groups.iter().enumerate().map(one).collect()
    }

    /// The knee of a group, or its fastest point if it has none.
    pub(super) fn best(&self, group: usize) -> Option<usize> {
        let own = |point: &usize| self.group.get(*point) == Some(&group);
        let fastest = || {
            let points = (0..self.group.len()).filter(own);
            points.min_by(|a, b| at(&self.latency_s, *a).total_cmp(&at(&self.latency_s, *b)))
        };
        self.knees.get(group).copied().flatten().or_else(fastest)
    }

    fn group_name(&self, point: usize) -> String {
        self.group.get(point).and_then(|group| self.groups.get(*group)).cloned().unwrap_or_default()
    }

    fn pareto_point(&self, point: usize) -> ParetoPoint {
        let json = |name: &str| match self.frame.cell(point, name) {
            Cell::Missing => Value::Null,
            Cell::Integer(value) => value.into(),
            Cell::Number(value) => value.into(),
            Cell::Text(value) => value.into(),
            Cell::Flag(value) => value.into(),
        };
        ParetoPoint {
            point: self.number(point),
            group: self.group_name(point),
            axes: self.axes.iter().map(|axis| (axis.name.clone(), json(&axis.name))).collect(),
            latency_total_s: at(&self.latency_s, point),
            energy_total_j: at(&self.energy_j, point),
            bottleneck: self.frame.cell(point, "bottleneck_total").to_string(),
            knee: self.knees.contains(&Some(point)),
        }
    }

    /// ln of a quantity less its mean in the point's group, so that networks of different size do not hide the axes.
    fn centred(&self, values: &[f64]) -> Vec<f64> {
        let logs: Vec<f64> = values.iter().map(|value| value.ln()).collect();
        let mut sums = vec![(0.0, 0.0); self.groups.len()];
        for (group, log) in self.group.iter().zip(&logs).filter(|(_, log)| log.is_finite()) {
            if let Some(sum) = sums.get_mut(*group) {
                *sum = (sum.0 + log, sum.1 + 1.0);
            }
        }
        let mean = |group: usize| sums.get(group).map_or(0.0, |(sum, count)| sum / count);
        logs.iter().zip(&self.group).map(|(log, group)| log - mean(*group)).collect()
    }

    fn effect(&self, number: usize) -> AxisEffect {
        let Some(axis) = self.axes.get(number) else {
            return AxisEffect {
                axis: String::new(),
                levels: 0,
                latency: None,
                energy: None,
                chance: 0.0,
                one_at_a_time: vec![],
            };
        };
        let (levels, count) = axis.grouped(LEVELS);
        // An axis that names the network has nothing within networks.
        let apart = self.names_groups(axis);
        let effect =
            |values: &[f64]| main_effect(&levels, &self.centred(values)).filter(|effect| !apart && effect.is_finite());
        // Networks that no axis names differ in their group, which stays the same, too.
        let axes = self.axes.iter().map(|axis| axis.level.as_slice());
        let columns: Vec<&[usize]> = axes.chain([self.group.as_slice()]).collect();
        let positions = axis.positions();
        let varied = |(group, name): (usize, &String)| {
            let base = self.best(group)?;
            let found = one_at_a_time(&columns, number, positions.as_deref(), &self.latency_s, base)?;
            Some(Varied {
                group: name.clone(),
                point: self.number(base),
                points: found.points.len(),
                ratio: found.ratio,
                elasticity: found.elasticity,
            })
        };
        AxisEffect {
            axis: axis.name.clone(),
            levels: axis.levels.len(),
            latency: effect(&self.latency_s),
            energy: effect(&self.energy_j),
            chance: (count as f64 - 1.0) / (self.group.len() as f64 - 1.0).max(1.0),
            one_at_a_time: if apart { Vec::new() } else { self.groups.iter().enumerate().filter_map(varied).collect() },
        }
    }

    /// Units by the points that they bind, most first.
    fn bound(&self) -> Vec<Bound> {
        let mut bounds: Vec<Bound> = Vec::new();
        let shares = self.frame.numbers("bottleneck_total_share");
        for point in 0..self.frame.rows() {
            let unit = self.frame.cell(point, "bottleneck_total").to_string();
            let (latency, share) = (at(&self.latency_s, point), shares.as_ref().map_or(f64::NAN, |all| at(all, point)));
            match bounds.iter_mut().find(|bound| bound.unit == unit) {
                Some(bound) => {
                    bound.points += 1;
                    bound.mean_share += share;
                    bound.latency_s = [bound.latency_s[0].min(latency), bound.latency_s[1].max(latency)];
                }
                None => bounds.push(Bound { unit, points: 1, share: 0.0, mean_share: share, latency_s: [latency; 2] }),
            }
        }
        for bound in &mut bounds {
            bound.share = bound.points as f64 / self.frame.rows() as f64;
            bound.mean_share /= bound.points as f64;
        }
        bounds.sort_by_key(|bound| std::cmp::Reverse(bound.points));
        bounds
    }

    fn iso(&self, limits: &[f64], limited: &[f64], cost: &[f64]) -> Vec<Iso> {
        let reachable = (0..self.groups.len()).map(|group| self.least(group, limited)).fold(0.0, f64::max);
        let own: Vec<f64> = MULTIPLES.iter().map(|multiple| multiple * reachable).collect();
        let limits = if limits.is_empty() { &own } else { limits };
        let row = |point: usize| IsoRow {
            group: self.group_name(point),
            point: self.number(point),
            latency_total_s: at(&self.latency_s, point),
            energy_total_j: at(&self.energy_j, point),
        };
        let iso = |limit: &f64| {
            let best = cheapest(self.groups.len(), &self.group, limited, *limit, cost);
            Iso { limit: *limit, rows: best.into_iter().flatten().map(row).collect() }
        };
        limits.iter().map(iso).collect()
    }
}

pub(super) fn at(values: &[f64], point: usize) -> f64 {
    values.get(point).copied().unwrap_or(f64::NAN)
}
