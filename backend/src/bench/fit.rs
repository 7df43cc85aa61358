//! Costs of several primitives from measurements in which they come together: weighted least squares with no negative cost.

use nalgebra::{DMatrix, DVector};

/// One measurement: how many of each primitive, and seconds.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub counts: Vec<f64>,
    pub seconds: f64,
}

/// The costs that explain all measurements best.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fit {
    /// Seconds per primitive.
    pub costs: Vec<f64>,
    /// The largest error of any measurement, relative to it.
    pub worst: f64,
}

/// Solves for the costs with the least squares of *relative* errors, by singular values. A cost that comes out negative is
/// noise: the most negative one is set to zero and the others are solved for again.
pub(super) fn fit(samples: &[Sample]) -> Fit {
    let columns = samples.first().map_or(0, |sample| sample.counts.len());
    let mut active: Vec<usize> = (0..columns).collect();
    let mut costs = vec![0.0; columns];
    while !active.is_empty() {
        let solved = solve(samples, &active);
        let lowest = active.iter().zip(&solved).min_by(|a, b| a.1.total_cmp(b.1));
        match lowest {
            Some((&column, &cost)) if cost < 0.0 => active.retain(|other| *other != column),
            _ => {
                for (column, cost) in active.iter().zip(solved) {
                    if let Some(slot) = costs.get_mut(*column) {
                        *slot = cost;
                    }
                }
                break;
            }
        }
    }
    let predicted = |sample: &Sample| sample.counts.iter().zip(&costs).map(|(count, cost)| count * cost).sum::<f64>();
    let error = |sample: &Sample| (predicted(sample) / sample.seconds - 1.0).abs();
    let worst = samples.iter().map(error).fold(0.0, f64::max);
    Fit { costs, worst }
}

/// Least squares over the active columns. Columns are scaled to length one first, because counts differ by many orders.
fn solve(samples: &[Sample], active: &[usize]) -> Vec<f64> {
    let entry = |row: usize, column: usize| {
        let sample = samples.get(row);
        let count = sample.and_then(|sample| sample.counts.get(active.get(column).copied()?).copied());
        count.unwrap_or(0.0) / sample.map_or(1.0, |sample| sample.seconds)
    };
    let mut matrix = DMatrix::from_fn(samples.len(), active.len(), entry);
    let lengths: Vec<f64> = matrix.column_iter().map(|column| column.norm().max(f64::MIN_POSITIVE)).collect();
    for (mut column, length) in matrix.column_iter_mut().zip(&lengths) {
        column /= *length;
    }
    let ones = DVector::from_element(samples.len(), 1.0);
    // Columns that are nearly the same share their cost instead of taking huge ones of opposite sign.
    let solution = matrix.svd(true, true).solve(&ones, 1e-6).unwrap_or_else(|_| DVector::zeros(active.len()));
    solution.iter().zip(&lengths).map(|(cost, length)| cost / length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn exact_measurements_give_back_their_costs(
            costs in prop::array::uniform3(1e-10_f64..1e-6), counts in prop::collection::vec(prop::array::uniform3(1.0_f64..1e6), 3..9),
        ) {
            // Three measurements that tell the primitives apart, and any others.
            let apart = [[1e6, 1.0, 1.0], [1.0, 1e6, 1.0], [1.0, 1.0, 1e6]];
            let seconds = |counts: &[f64; 3]| counts.iter().zip(&costs).map(|(count, cost)| count * cost).sum::<f64>();
            let samples: Vec<Sample> = apart.iter().chain(&counts)
                .map(|counts| Sample { counts: counts.to_vec(), seconds: seconds(counts) }).collect();
            let fit = fit(&samples);
            prop_assert!(fit.worst < 1e-6, "{}", fit.worst);
            for (found, cost) in fit.costs.iter().zip(costs) {
                prop_assert!((found / cost - 1.0).abs() < 1e-3, "{found} for {cost}");
            }
        }

        #[test]
        fn no_cost_is_ever_negative(
            rows in prop::collection::vec((prop::array::uniform3(0.0_f64..1e6), 1e-6..1.0), 1..9),
        ) {
            let samples: Vec<Sample> =
                rows.iter().map(|(counts, seconds)| Sample { counts: counts.to_vec(), seconds: *seconds }).collect();
            let fit = fit(&samples);
            prop_assert!(fit.costs.iter().all(|cost| *cost >= 0.0 && cost.is_finite()), "{:?}", fit.costs);
            prop_assert!(fit.worst.is_finite());
        }
    }

    #[test]
    fn a_fixed_and_a_per_item_part_come_apart() {
        let sample = |items: f64| Sample { counts: vec![1.0, items], seconds: 5e-6 + 2e-9 * items };
        let fit = fit(&[sample(100.0), sample(1e4), sample(1e6)]);
        assert!((fit.costs[0] - 5e-6).abs() < 1e-10 && (fit.costs[1] - 2e-9).abs() < 1e-14, "{fit:?}");
    }
}
