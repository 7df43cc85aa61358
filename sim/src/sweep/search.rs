//! A search: generations of points, each bred from the best before.

use super::axis::Axis;
use super::constraint::column;
use super::evaluate::Evaluation;
use super::nsga2::{Gene, Individual, Nsga2};
use super::plan::{Point, Sweep};
use super::sampling::At;

/// What is searched for.
#[derive(Debug, Clone)]
pub(super) struct Search {
    /// Columns that are to be small.
    pub objectives: Vec<String>,
    pub population: usize,
    pub generations: u64,
    pub seed: u64,
}

impl Search {
    /// The most points of one network, protocol and platform.
    pub fn points(&self) -> u64 {
        (self.population as u64).saturating_mul(self.generations)
    }

    /// The algorithm before the first generation; every network, protocol and platform has a search of its own.
    pub fn start(&self, axes: &[Axis], combination: u64) -> Nsga2 {
        let gene = |axis: &Axis| Gene { levels: axis.levels(), ordered: axis.ordered(), range: axis.range() };
        let genes = axes.iter().map(gene).collect();
        Nsga2::new(genes, self.population, self.seed ^ combination.rotate_left(32))
    }

    /// An evaluated genome. A point without results is worse than every other.
    pub fn individual(&self, genome: Vec<f64>, evaluation: &Evaluation) -> Individual {
        let metrics = evaluation.row.as_ref().and_then(|row| row.outcome.as_ref().ok());
        let failed = metrics.is_none() && evaluation.row.is_some();
        let value = |name: &String| metrics.and_then(|metrics| column(metrics, name)).unwrap_or(f64::INFINITY);
        Individual {
            genome,
            objectives: self.objectives.iter().map(value).collect(),
            violation: if failed { f64::INFINITY } else { evaluation.violation.amount },
        }
    }
}

impl Sweep {
    /// The point of a genome.
    pub(super) fn bred_point(&self, index: u64, combination: u64, genome: &[f64]) -> Point<'_> {
        let at: Vec<At> = genome.iter().map(|part| At::Part(*part)).collect();
        self.point(index, self.combination(combination), &at)
    }
}
