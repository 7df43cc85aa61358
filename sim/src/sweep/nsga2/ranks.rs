//! Fast non-dominated sorting and crowding distances.

use super::Individual;
use std::cmp::Ordering;

/// The order of the crowded comparison: the lower rank, then the larger distance.
pub(super) fn crowded(ranks: &[usize], distances: &[f64], a: usize, b: usize) -> Ordering {
    let rank = |position: usize| ranks.get(position).copied().unwrap_or(usize::MAX);
    let distance = |position: usize| distances.get(position).copied().unwrap_or(0.0);
    rank(a).cmp(&rank(b)).then(distance(b).total_cmp(&distance(a)))
}

/// The rank of every individual (0 is dominated by none) and its crowding distance within its rank.
pub(super) fn rank(all: &[Individual]) -> (Vec<usize>, Vec<f64>) {
    let mut ranks = vec![usize::MAX; all.len()];
    let mut distances = vec![0.0; all.len()];
    let mut dominated: Vec<Vec<usize>> = vec![Vec::new(); all.len()];
    let mut above = vec![0_usize; all.len()];
    for (a, first) in all.iter().enumerate() {
        for (b, second) in all.iter().enumerate() {
            if first.dominates(second)
                && let (Some(list), Some(count)) = (dominated.get_mut(a), above.get_mut(b))
            {
                list.push(b);
                *count += 1;
            }
        }
    }
    let mut front: Vec<usize> = (0..all.len()).filter(|position| above.get(*position) == Some(&0)).collect();
    let mut number = 0;
    while !front.is_empty() {
        crowd(all, &front, &mut distances);
        let mut next = Vec::new();
        for &position in &front {
            if let Some(rank) = ranks.get_mut(position) {
                *rank = number;
            }
            for &below in dominated.get(position).into_iter().flatten() {
                if let Some(count) = above.get_mut(below) {
                    *count -= 1;
                    if *count == 0 {
                        next.push(below);
                    }
                }
            }
        }
        next.sort_unstable();
        (front, number) = (next, number + 1);
    }
    (ranks, distances)
}

/// Crowding distances of one front: for every objective the distance of both neighbours over the front's extent.
fn crowd(all: &[Individual], front: &[usize], distances: &mut [f64]) {
    let objectives = front.first().and_then(|first| all.get(*first)).map_or(0, |first| first.objectives.len());
    for objective in 0..objectives {
        let value = |position: usize| all.get(position)?.objectives.get(objective).copied();
        let value = |position: usize| value(position).unwrap_or(f64::INFINITY);
        let mut order = front.to_vec();
        order.sort_by(|&a, &b| value(a).total_cmp(&value(b)));
        let (Some(&first), Some(&last)) = (order.first(), order.last()) else { return };
        let extent = value(last) - value(first);
        for (at, &position) in order.iter().enumerate() {
            let Some(distance) = distances.get_mut(position) else { continue };
            let neighbours = (at.checked_sub(1).and_then(|at| order.get(at)), order.get(at + 1));
            *distance += match neighbours {
                (Some(&below), Some(&above)) if extent > 0.0 && extent.is_finite() => {
                    (value(above) - value(below)) / extent
                }
                (Some(_), Some(_)) => 0.0,
                _ => f64::INFINITY,
            };
        }
    }
}
