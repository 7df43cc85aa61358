//! The points that no other one beats, kept while a sweep runs.

use super::constraint::column;
use super::nsga2::dominates;
use super::row::PointRow;

/// The Pareto front of the rows seen so far, of each network and protocol by itself.
#[derive(Debug, Clone, Default)]
pub struct Front {
    objectives: Vec<String>,
    members: Vec<(Vec<f64>, PointRow)>,
}

impl Front {
    /// An empty front of columns that are to be small.
    pub fn new(objectives: Vec<String>) -> Self {
        Self { objectives, members: Vec::new() }
    }

    /// The columns that are to be small.
    pub fn objectives(&self) -> &[String] {
        &self.objectives
    }

    /// Takes a row into account. A row without one of the values is on no front.
    pub fn add(&mut self, row: &PointRow) {
        let Ok(metrics) = &row.outcome else { return };
        let values: Option<Vec<f64>> = self.objectives.iter().map(|name| column(metrics, name)).collect();
        let Some(values) = values else { return };
        let alike = |other: &PointRow| other.network == row.network && other.protocol == row.protocol;
        // Of equal points the first one stays.
        if self.members.iter().any(|(known, other)| alike(other) && (dominates(known, &values) || *known == values)) {
            return;
        }
        self.members.retain(|(known, other)| !(alike(other) && dominates(&values, known)));
        self.members.push((values, row.clone()));
    }

    /// The front, by network and protocol as they came, then by the first objective.
    pub fn rows(&self) -> Vec<&PointRow> {
        let mut names: Vec<(&str, &str)> = Vec::new();
        let mut sorted: Vec<(usize, &Vec<f64>, &PointRow)> = Vec::new();
        for (values, row) in &self.members {
            let name = (row.network.as_str(), row.protocol.as_str());
            let at = names.iter().position(|known| *known == name).unwrap_or_else(|| {
                names.push(name);
                names.len() - 1
            });
            sorted.push((at, values, row));
        }
        let first = |values: &Vec<f64>| values.first().copied().unwrap_or(0.0);
        sorted.sort_by(|a, b| a.0.cmp(&b.0).then(first(a.1).total_cmp(&first(b.1))));
        sorted.into_iter().map(|(_, _, row)| row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::PointMetrics;
    use super::*;

    fn row(point: u64, network: &str, latency_s: f64, power_w: f64) -> PointRow {
        let mut metrics = PointMetrics { power_w, ..Default::default() };
        metrics.latency_s.total = latency_s;
        PointRow {
            point,
            axes: vec![],
            network: network.into(),
            protocol: "p".into(),
            hardware: "h".into(),
            outcome: Ok(metrics),
        }
    }

    #[test]
    fn a_front_holds_what_nothing_beats() {
        let mut front = Front::new(vec!["latency_total_s".into(), "power_w".into()]);
        for row in [
            row(0, "a", 2.0, 2.0),
            row(1, "a", 1.0, 3.0),
            row(2, "a", 3.0, 3.0),
            row(3, "b", 9.0, 9.0),
            row(4, "a", 2.0, 1.0),
            row(5, "a", 2.0, 1.0),
            PointRow { outcome: Err("no".into()), ..row(6, "a", 0.0, 0.0) },
        ] {
            front.add(&row);
        }
        assert_eq!(front.rows().iter().map(|row| row.point).collect::<Vec<_>>(), [1, 4, 3]);
        let mut unknown = Front::new(vec!["area_mm2".into()]);
        unknown.add(&row(0, "a", 1.0, 1.0));
        assert!(unknown.rows().is_empty(), "no area");
    }
}
