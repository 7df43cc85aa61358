//! How much each axis matters in points that are already there.

/// What an answer does along one axis while all other axes stay at a base point.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The points with the base point's other values, in the order of the axis, the base point included.
    pub points: Vec<usize>,
    /// The largest answer over the smallest; 1 if the axis does not matter.
    pub ratio: f64,
    /// The slope of ln(answer) over ln(axis) by least squares, where the axis is positive numbers: −1 for what halves when
    /// the axis doubles.
    pub elasticity: Option<f64>,
}

/// Varies one axis at a time around the point `base`: the points that equal it in every axis but one. `axes` are columns of
/// level numbers, two points having the same number where the axis has the same value for them; `positions` are the axis'
/// values where they are numbers. Nothing for an axis that no other point varies alone.
pub fn one_at_a_time(
    axes: &[&[usize]],
    axis: usize,
    positions: Option<&[f64]>,
    answers: &[f64],
    base: usize,
) -> Option<Response> {
    let level = |axis: &[usize], point: usize| axis.get(point).copied();
    let along = |point: &usize| {
        axes.iter().enumerate().all(|(number, one)| number == axis || level(one, *point) == level(one, base))
    };
    let answer = |point: usize| answers.get(point).copied().filter(|answer| answer.is_finite());
    let mut points: Vec<usize> = (0..answers.len()).filter(along).filter(|point| answer(*point).is_some()).collect();
    let own = axes.get(axis)?;
    let place = |point: &usize| positions.and_then(|all| all.get(*point)).copied();
    points.sort_by(|a, b| match (place(a), place(b)) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => level(own, *a).cmp(&level(own, *b)),
    });
    if points.iter().all(|point| level(own, *point) == level(own, base)) {
        return None;
    }
    let values: Vec<f64> = points.iter().filter_map(|point| answer(*point)).collect();
    let (low, high) = values.iter().fold((f64::INFINITY, 0.0_f64), |(low, high), v| (low.min(*v), high.max(*v)));
    let ratio = if low > 0.0 {
        high / low
    } else if high > 0.0 {
        f64::INFINITY
    } else {
        1.0
    };
    let pairs: Vec<(f64, f64)> = points.iter().filter_map(|point| Some((place(point)?, answer(*point)?))).collect();
    Some(Response { points, ratio, elasticity: slope(&pairs) })
}

/// The least-squares slope of ln y over ln x; nothing unless all are positive and the x differ.
fn slope(pairs: &[(f64, f64)]) -> Option<f64> {
    if pairs.iter().any(|(x, y)| !(*x > 0.0 && *y > 0.0)) {
        return None;
    }
    let count = pairs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|pair| pair.0.ln()), mean(|pair| pair.1.ln()));
    let spread: f64 = pairs.iter().map(|pair| (pair.0.ln() - x).powi(2)).sum();
    let common: f64 = pairs.iter().map(|pair| (pair.0.ln() - x) * (pair.1.ln() - y)).sum();
    (spread > 0.0).then(|| common / spread)
}

/// The first-order index of an axis from points that are there: the variance of the mean answer of each level over the variance
/// of all answers, `Var(E[y | axis]) / Var(y)`. Exact for a grid in which every combination occurs once; with `n` points at
/// random it is too large by about (levels − 1) / n, so levels must be few. Nothing if all answers are equal.
pub fn main_effect(levels: &[usize], answers: &[f64]) -> Option<f64> {
    let pairs = || levels.iter().zip(answers).filter(|(_, answer)| answer.is_finite());
    let count = pairs().count() as f64;
    let mean = pairs().map(|(_, answer)| answer).sum::<f64>() / count;
    let variance: f64 = pairs().map(|(_, answer)| (answer - mean).powi(2)).sum();
    let mut sums: Vec<(f64, f64)> = Vec::new();
    for (level, answer) in pairs() {
        if sums.len() <= *level {
            sums.resize(level + 1, (0.0, 0.0));
        }
        if let Some(sum) = sums.get_mut(*level) {
            *sum = (sum.0 + answer, sum.1 + 1.0);
        }
    }
    let between: f64 = sums.iter().filter(|sum| sum.1 > 0.0).map(|(sum, n)| n * (sum / n - mean).powi(2)).sum();
    // Answers that differ by rounding alone do not differ.
    (variance > 1e-24 * count * mean * mean && variance > 0.0).then(|| (between / variance).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A full grid of three axes with a product of powers.
    fn grid() -> ([Vec<usize>; 3], [Vec<f64>; 3], Vec<f64>) {
        let (mut levels, mut values, mut answers) = ([vec![], vec![], vec![]], [vec![], vec![], vec![]], vec![]);
        for (a, b, c) in (0..4).flat_map(|a| (0..3).flat_map(move |b| (0..2).map(move |c| (a, b, c)))) {
            for (slot, level) in [a, b, c].into_iter().enumerate() {
                levels[slot].push(level);
                values[slot].push(2_f64.powi(level as i32));
            }
            answers.push(8.0 / 2_f64.powi(a as i32) * 2_f64.powi(b as i32).powf(0.5));
        }
        (levels, values, answers)
    }

    #[test]
    fn one_axis_at_a_time_finds_the_powers() {
        let (levels, values, answers) = grid();
        let axes: Vec<&[usize]> = levels.iter().map(Vec::as_slice).collect();
        let of = |axis: usize| one_at_a_time(&axes, axis, Some(&values[axis]), &answers, 7).unwrap();
        assert!((of(0).elasticity.unwrap() + 1.0).abs() < 1e-12 && (of(0).ratio - 8.0).abs() < 1e-12);
        assert!((of(1).elasticity.unwrap() - 0.5).abs() < 1e-12);
        assert_eq!((of(2).ratio, of(2).points.len()), (1.0, 2));
        // Without numbers there is an order and a ratio, but no slope.
        let named = one_at_a_time(&axes, 0, None, &answers, 7).unwrap();
        assert_eq!((named.points, named.elasticity), (of(0).points, None));
    }

    #[test]
    fn an_axis_that_nothing_varies_alone_has_no_response() {
        assert_eq!(one_at_a_time(&[&[0, 1], &[0, 1]], 0, None, &[1.0, 2.0], 0), None);
        assert_eq!(one_at_a_time(&[&[0]], 0, None, &[1.0], 0), None);
    }

    #[test]
    fn main_effects_of_a_grid_are_exact() {
        // y = a + 2 b with a, b in {0, 1}: variances 1/4 and 1.
        let (a, b) = ([0, 0, 1, 1], [0, 1, 0, 1]);
        let answers = [0.0, 2.0, 1.0, 3.0];
        assert!((main_effect(&a, &answers).unwrap() - 0.2).abs() < 1e-12);
        assert!((main_effect(&b, &answers).unwrap() - 0.8).abs() < 1e-12);
        assert_eq!(main_effect(&a, &[3.0; 4]), None);
        assert_eq!(main_effect(&[], &[]), None);
    }

    proptest! {
        #[test]
        fn main_effects_of_a_sum_on_a_grid_sum_to_one(
            a in prop::collection::vec(-10.0..10.0_f64, 2..5),
            b in prop::collection::vec(-10.0..10.0_f64, 2..5),
        ) {
            let cells: Vec<(usize, usize)> = (0..a.len()).flat_map(|i| (0..b.len()).map(move |j| (i, j))).collect();
            let answers: Vec<f64> = cells.iter().map(|(i, j)| a[*i] + b[*j]).collect();
            let of = |level: fn(&(usize, usize)) -> usize| {
                main_effect(&cells.iter().map(level).collect::<Vec<_>>(), &answers)
            };
            if let (Some(first), Some(second)) = (of(|cell| cell.0), of(|cell| cell.1)) {
                prop_assert!((first + second - 1.0).abs() < 1e-9);
            }
        }
    }
}
