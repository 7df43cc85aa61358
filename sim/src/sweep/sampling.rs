//! Which points of the axes a sweep evaluates.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// Points of the longest Sobol sequence that the generator has; further points come from sequences scrambled anew.
const SOBOL_LENGTH: u64 = 1 << 16;

/// Where on one axis a point lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum At {
    /// At one of its listed values.
    Level(usize),
    /// At a part of the way, 0 to below 1.
    Part(f64),
}

/// Chosen points. The same seed gives the same points; every point is found without those before it.
#[derive(Debug, Clone)]
pub(super) enum Sampling {
    /// Every combination of the axes' values, the last axis fastest.
    Grid {
        /// Values of each axis.
        levels: Vec<usize>,
    },
    /// Independent and uniform.
    Random {
        /// How many.
        points: u64,
        /// What the streams follow from.
        seed: u64,
        /// The key of all streams.
        stream: Box<ChaCha8Rng>,
    },
    /// Latin hypercube (McKay, Beckman, Conover 1979): each axis is cut into as many strata as there are points, and each
    /// stratum holds one.
    LatinHypercube {
        /// How many.
        points: u64,
        /// What the streams follow from.
        seed: u64,
        /// The key of all streams.
        stream: Box<ChaCha8Rng>,
        /// The stratum of every point, by axis.
        strata: Vec<Vec<u32>>,
    },
    /// A Sobol sequence with Owen scrambling (Burley 2020): even in every projection.
    Sobol {
        /// How many.
        points: u64,
        /// The scrambling.
        seed: u64,
        /// Dimensions.
        axes: u32,
    },
}

impl Sampling {
    /// Independent points.
    pub fn random(points: u64, seed: u64) -> Self {
        Self::Random { points, seed, stream: Box::new(ChaCha8Rng::seed_from_u64(seed)) }
    }

    /// A Latin hypercube over `axes` axes.
    pub fn latin_hypercube(points: u64, seed: u64, axes: usize) -> Self {
        let stream = ChaCha8Rng::seed_from_u64(seed);
        let permutation = |axis: usize| {
            let mut random = stream.clone();
            // Streams of points count from 0, those of axes from the other end.
            random.set_stream(u64::MAX - axis as u64);
            let mut order: Vec<u32> = (0..points as u32).collect();
            for last in (1..order.len()).rev() {
                let other = (uniform(&mut random) * (last + 1) as f64) as usize;
                order.swap(last, other.min(last));
            }
            order
        };
        let strata = (0..axes).map(permutation).collect();
        Self::LatinHypercube { points, seed, stream: Box::new(stream), strata }
    }

    /// The same sampling with another number of points.
    pub fn resized(&self, points: u64, axes: usize) -> Self {
        match self {
            Self::Grid { levels } => Self::Grid { levels: levels.clone() },
            Self::Random { seed, .. } => Self::random(points, *seed),
            Self::LatinHypercube { seed, .. } => Self::latin_hypercube(points, *seed, axes),
            Self::Sobol { seed, axes, .. } => Self::Sobol { points, seed: *seed, axes: *axes },
        }
    }

    /// Its name in files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Grid { .. } => "grid",
            Self::Random { .. } => "random",
            Self::LatinHypercube { .. } => "latin-hypercube",
            Self::Sobol { .. } => "sobol",
        }
    }

    /// Its seed, if it has one.
    pub fn seed(&self) -> Option<u64> {
        match self {
            Self::Grid { .. } => None,
            Self::Random { seed, .. } | Self::LatinHypercube { seed, .. } | Self::Sobol { seed, .. } => Some(*seed),
        }
    }

    /// How many points.
    pub fn points(&self) -> u64 {
        match self {
            Self::Grid { levels } => levels.iter().fold(1, |product, levels| product.saturating_mul(*levels as u64)),
            Self::Random { points, .. } | Self::LatinHypercube { points, .. } | Self::Sobol { points, .. } => *points,
        }
    }

    /// Where point `point` lies on every axis.
    pub fn at(&self, point: u64, axes: usize) -> Vec<At> {
        match self {
            Self::Grid { levels } => {
                let mut rest = point;
                let mut at: Vec<At> = levels
                    .iter()
                    .rev()
                    .map(|levels| {
                        let levels = (*levels as u64).max(1);
                        let level = rest % levels;
                        rest /= levels;
                        At::Level(level as usize)
                    })
                    .collect();
                at.reverse();
                at
            }
            Self::Random { stream, .. } => {
                let mut random = of_point(stream, point);
                (0..axes).map(|_| At::Part(uniform(&mut random))).collect()
            }
            Self::LatinHypercube { points, stream, strata, .. } => {
                let mut random = of_point(stream, point);
                let inside = |order: &Vec<u32>| {
                    let stratum = order.get(point as usize).copied().unwrap_or_default();
                    At::Part((f64::from(stratum) + uniform(&mut random)) / *points as f64)
                };
                strata.iter().map(inside).collect()
            }
            Self::Sobol { seed, axes, .. } => {
                let index = (point % SOBOL_LENGTH) as u32;
                // Both halves of the seed count, and every further sequence is scrambled differently.
                let scramble = (*seed as u32) ^ ((*seed >> 32) as u32).rotate_left(16) ^ (point / SOBOL_LENGTH) as u32;
                let dimension = |axis| At::Part(f64::from(sobol_burley::sample(index, axis, scramble)));
                (0..*axes).map(dimension).collect()
            }
        }
    }
}

fn of_point(stream: &ChaCha8Rng, point: u64) -> ChaCha8Rng {
    let mut random = stream.clone();
    random.set_stream(point);
    random
}

/// A number from 0 to below 1 with the 53 bits that a double holds.
pub(super) fn uniform(random: &mut ChaCha8Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn parts(sampling: &Sampling, axes: usize) -> Vec<Vec<f64>> {
        let part = |at: At| match at {
            At::Part(part) => part,
            At::Level(level) => level as f64,
        };
        (0..sampling.points()).map(|point| sampling.at(point, axes).into_iter().map(part).collect()).collect()
    }

    #[test]
    fn a_grid_has_every_combination_once_and_the_last_axis_is_fastest() {
        let grid = Sampling::Grid { levels: vec![2, 1, 3] };
        let points = parts(&grid, 3);
        assert_eq!(points.len(), 6);
        assert_eq!(points[0..4], [[0.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 2.0], [1.0, 0.0, 0.0]]);
        assert_eq!(Sampling::Grid { levels: vec![] }.points(), 1, "no axis is one point");
    }

    /// The largest difference between the share of points below a part and the part itself, on one axis.
    fn discrepancy(points: &[Vec<f64>], axis: usize) -> f64 {
        let mut sorted: Vec<f64> = points.iter().map(|point| point[axis]).collect();
        sorted.sort_by(f64::total_cmp);
        let step = 1.0 / sorted.len() as f64;
        sorted.iter().enumerate().map(|(at, part)| (part - at as f64 * step).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn sobol_is_more_even_than_random_and_goes_on_beyond_its_sequence() {
        let sobol = parts(&Sampling::Sobol { points: 1024, seed: 3, axes: 4 }, 4);
        let random = parts(&Sampling::random(1024, 3), 4);
        for axis in 0..4 {
            assert!(discrepancy(&sobol, axis) < 0.2 * discrepancy(&random, axis), "{axis}");
        }
        let long = Sampling::Sobol { points: 1 << 17, seed: 3, axes: 2 };
        assert_ne!(long.at(5, 2), long.at(5 + SOBOL_LENGTH, 2));
    }

    proptest! {
        #[test]
        fn a_latin_hypercube_hits_each_stratum_once(points in 1_u64..300, seed: u64, axes in 1_usize..5) {
            let sample = parts(&Sampling::latin_hypercube(points, seed, axes), axes);
            for axis in 0..axes {
                let hit: BTreeSet<u64> = sample.iter().map(|point| (point[axis] * points as f64) as u64).collect();
                prop_assert_eq!(hit.len() as u64, points);
            }
        }

        #[test]
        fn parts_are_inside_and_repeat_with_the_seed(seed: u64, point in 0_u64..100_000) {
            for sampling in [
                Sampling::random(100_000, seed),
                Sampling::Sobol { points: 100_000, seed, axes: 3 },
            ] {
                let at = sampling.at(point, 3);
                prop_assert_eq!(&at, &sampling.at(point, 3));
                prop_assert_eq!(at.len(), 3);
                prop_assert!(at.iter().all(|at| matches!(at, At::Part(part) if (0.0..1.0).contains(part))));
            }
            prop_assert_ne!(Sampling::random(9, seed).at(0, 2), Sampling::random(9, seed ^ 1).at(0, 2));
        }
    }
}
