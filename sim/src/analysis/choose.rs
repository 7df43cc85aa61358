//! Single points out of many: the knee of a front, and the cheapest of each group within a limit.

/// The knee of a front: the position in `front` of the point at which giving up a little of one objective stops to gain much of
/// another. `objectives` are columns as of [`super::pareto_front`].
///
/// Every objective is normalised over the front, on a logarithmic scale if all its values are positive: 0 at its least, 1 at its
/// most. The knee is the point farthest below the chord between the ends of the front (of more objectives: the plane on which
/// the normalised objectives sum to 1), the first of equal ones. A front of fewer than three different points has none, and
/// neither has one that bends the other way everywhere.
pub fn knee(objectives: &[&[f64]], front: &[usize]) -> Option<usize> {
    let normal: Vec<Vec<f64>> = objectives.iter().map(|column| normalised(column, front)).collect::<Option<_>>()?;
    if normal.len() < 2 {
        return None;
    }
    let sum = |position: usize| normal.iter().filter_map(|column| column.get(position)).sum::<f64>();
    // What rounding leaves of a straight front is no knee.
    let mut best = (1.0 - 1e-9, None);
    for position in 0..front.len() {
        if sum(position) < best.0 {
            best = (sum(position), Some(position));
        }
    }
    best.1
}

/// The values of the front from 0 to 1; nothing if they are all the same.
fn normalised(column: &[f64], front: &[usize]) -> Option<Vec<f64>> {
    let mut values: Vec<f64> = front.iter().filter_map(|point| column.get(*point).copied()).collect();
    if values.iter().all(|value| *value > 0.0) {
        values.iter_mut().for_each(|value| *value = value.ln());
    }
    let (low, high) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
    (high > low).then(|| values.iter().map(|value| (value - low) / (high - low)).collect())
}

/// For each of `groups` groups, the point with the least `cost` among those whose `limited` value is at most `limit`; the first
/// of equal ones. `group` has each point's group. This is how networks are compared at one latency or one energy.
pub fn cheapest(groups: usize, group: &[usize], limited: &[f64], limit: f64, cost: &[f64]) -> Vec<Option<usize>> {
    let mut best: Vec<Option<usize>> = vec![None; groups];
    for (point, ((group, limited), own)) in group.iter().zip(limited).zip(cost).enumerate() {
        let Some(slot) = best.get_mut(*group) else { continue };
        let least = slot.and_then(|known| cost.get(known)).copied().unwrap_or(f64::INFINITY);
        if *limited <= limit && *own < least {
            *slot = Some(point);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::pareto_front;
    use proptest::prelude::*;

    #[test]
    fn the_corner_of_a_front_is_its_knee() {
        let (x, y) = ([1.0, 2.0, 4.0, 30.0], [100.0, 10.0, 9.0, 8.0]);
        assert_eq!(knee(&[&x, &y], &[0, 1, 2, 3]), Some(1));
    }

    #[test]
    fn straight_short_and_flat_fronts_have_none() {
        let (x, y) = ([1.0, 10.0, 100.0], [100.0, 10.0, 1.0]);
        assert_eq!(knee(&[&x, &y], &[0, 1, 2]), None);
        assert_eq!(knee(&[&x, &y], &[0, 2]), None);
        assert_eq!(knee(&[&[1.0, 1.0], &[1.0, 1.0]], &[0, 1]), None);
        assert_eq!(knee(&[&x], &[0, 1, 2]), None);
        assert_eq!(knee(&[&x, &y], &[]), None);
    }

    #[test]
    fn the_cheapest_of_every_group_is_within_the_limit() {
        let (latency, energy) = ([5.0, 1.0, 2.0, f64::NAN, 1.0], [1.0, 7.0, 3.0, 0.5, 7.0]);
        assert_eq!(cheapest(3, &[0, 0, 0, 1, 1], &latency, 2.0, &energy), [Some(2), Some(4), None]);
    }

    proptest! {
        /// A change of units of an objective does not move the knee.
        #[test]
        fn the_knee_does_not_depend_on_units(
            points in prop::collection::vec((0.1..1e3_f64, 0.1..1e3_f64), 3..40),
            factor in 1e-6..1e6_f64,
        ) {
            let (x, y): (Vec<f64>, Vec<f64>) = points.into_iter().unzip();
            let scaled: Vec<f64> = x.iter().map(|x| x * factor).collect();
            let front = pareto_front(&[&x, &y]);
            let (one, other) = (knee(&[&x, &y], &front), knee(&[&scaled, &y], &front));
            // Two points may be equally far from the chord but for rounding.
            let depth = |position: usize| {
                let of = |column: &[f64]| normalised(column, &front).unwrap()[position];
                of(&x) + of(&y)
            };
            prop_assert_eq!(one.is_some(), other.is_some());
            if let (Some(one), Some(other)) = (one, other) {
                prop_assert!((depth(one) - depth(other)).abs() < 1e-9);
                prop_assert!((0..front.len()).all(|position| depth(one) <= depth(position) + 1e-12));
            }
        }
    }
}
