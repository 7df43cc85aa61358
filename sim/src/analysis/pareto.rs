//! The points that no other point beats in everything.

use std::cmp::Ordering;

/// The Pareto front of points whose objectives are to be small: the positions, ascending, of all points that no other point
/// equals or beats in every objective and beats in one. Points that are equal in all objectives are all on the front or none is.
/// `objectives` are columns, one for each objective, with a value for every point; a point with a value that is not finite is
/// left out.
///
/// Two objectives take O(n log n): in the order of the first, a point is on the front if its second is below all before. With
/// more, every point is compared with the front so far, O(n × front); in lexicographic order no later point beats an earlier.
///
/// ```
/// use pisim_sim::analysis::pareto_front;
/// let (latency_s, energy_j) = ([1.0, 2.0, 3.0, 3.0], [9.0, 4.0, 4.0, 1.0]);
/// assert_eq!(pareto_front(&[&latency_s, &energy_j]), [0, 1, 3]);
/// ```
pub fn pareto_front(objectives: &[&[f64]]) -> Vec<usize> {
    let points = objectives.iter().map(|column| column.len()).min().unwrap_or(0);
    let at = |point: usize| objectives.iter().map(move |column| column.get(point).copied().unwrap_or(f64::NAN));
    let mut order: Vec<usize> = (0..points).filter(|point| at(*point).all(f64::is_finite)).collect();
    // Zeros of both signs are one value, which total_cmp does not say.
    let compare = |a: f64, b: f64| a.partial_cmp(&b).unwrap_or(Ordering::Equal);
    order.sort_by(|a, b| at(*a).zip(at(*b)).map(|(a, b)| compare(a, b)).fold(Ordering::Equal, Ordering::then));
    let mut front = match objectives {
        [first, second] => front_of_two(&order, first, second),
        _ => front_of_any(&order, &at),
    };
    front.sort_unstable();
    front
}

fn front_of_two(order: &[usize], first: &[f64], second: &[f64]) -> Vec<usize> {
    let mut best = (f64::NAN, f64::INFINITY);
    let mut front = Vec::new();
    for &point in order {
        let (Some(&x), Some(&y)) = (first.get(point), second.get(point)) else { continue };
        if y < best.1 || (x, y) == best {
            best = (x, y);
            front.push(point);
        }
    }
    front
}

fn front_of_any<I: Iterator<Item = f64>>(order: &[usize], at: &impl Fn(usize) -> I) -> Vec<usize> {
    let mut front: Vec<usize> = Vec::new();
    for &point in order {
        let beaten = |other: &usize| {
            let mut better = false;
            at(*other).zip(at(point)).all(|(theirs, own)| {
                better |= theirs < own;
                theirs <= own
            }) && better
        };
        if !front.iter().any(beaten) {
            front.push(point);
        }
    }
    front
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, pair by pair.
    fn by_definition(objectives: &[Vec<f64>]) -> Vec<usize> {
        let count = objectives.first().map_or(0, Vec::len);
        let row = |point: usize| objectives.iter().map(move |column| column[point]);
        let finite = |point: &usize| row(*point).all(f64::is_finite);
        let beats =
            |a: usize, b: usize| row(a).zip(row(b)).all(|(a, b)| a <= b) && row(a).zip(row(b)).any(|(a, b)| a < b);
        (0..count).filter(finite).filter(|point| !(0..count).filter(finite).any(|other| beats(other, *point))).collect()
    }

    #[test]
    fn ties_and_undefined_points_are_settled_by_the_definition() {
        let x = [2.0, 1.0, 1.0, 1.0, f64::NAN, 0.0, 0.5, -0.0];
        let y = [1.0, 3.0, 3.0, 4.0, 0.0, f64::INFINITY, 3.0, 7.0];
        assert_eq!(pareto_front(&[&x, &y]), [0, 6, 7]);
        assert_eq!(pareto_front(&[&[1.0, 1.0, 2.0]]), [0, 1]);
        assert_eq!(pareto_front(&[&[], &[]]), [0_usize; 0]);
        assert_eq!(pareto_front(&[]), [0_usize; 0]);
    }

    proptest! {
        #[test]
        fn the_front_is_that_of_the_definition(
            // Few different values, so that there are many ties.
            points in prop::collection::vec(
                prop::array::uniform4(prop_oneof![(0..6_i32).prop_map(f64::from), Just(f64::NAN), 0.0..5.0]),
                0..60,
            ),
            objectives in 1..=4_usize,
        ) {
            let column = |k: usize| -> Vec<f64> { points.iter().map(|point| point[k]).collect() };
            let columns: Vec<Vec<f64>> = (0..objectives).map(column).collect();
            let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(pareto_front(&slices), by_definition(&columns));
        }
    }
}
