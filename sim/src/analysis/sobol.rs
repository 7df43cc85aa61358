//! Variance-based sensitivity: which share of an answer's variance each axis makes, alone and with all others.

use serde::Serialize;

/// Samples of the two matrices at most: what the low-discrepancy sequence has.
const MOST_SAMPLES: u32 = 1 << 16;

/// Dimensions of the sequence; a plan takes two for each axis.
const DIMENSIONS: usize = 256;

/// Points in the unit cube at which a function of independent, uniform axes is to be evaluated, and what the answers say.
///
/// A and B are two matrices of samples from one scrambled Sobol sequence; for every axis, A with that axis' column of B is a third
/// one (Saltelli's design: n × (axes + 2) evaluations).
///
/// ```
/// use pisim_sim::analysis::SobolPlan;
/// let plan = SobolPlan::new(2, 1024, 1).ok_or("too many axes")?;
/// let answers: Vec<f64> = plan.points().iter().map(|x| 3.0 * x[0] + x[1]).collect();
/// let indices = plan.indices(&answers).ok_or("all answers are equal")?;
/// assert!((indices.first[0] - 0.9).abs() < 0.01 && (indices.total[1] - 0.1).abs() < 0.01);
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SobolPlan {
    axes: usize,
    samples: usize,
    points: Vec<Vec<f64>>,
}

/// Sobol indices of every axis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SobolIndices {
    /// The share of the variance that the axis makes by itself (Saltelli et al. 2010, table 2 (b)).
    pub first: Vec<f64>,
    /// The share that it makes by itself and together with others (Jansen 1999).
    pub total: Vec<f64>,
    /// The mean answer.
    pub mean: f64,
    /// The variance of the answer.
    pub variance: f64,
}

impl SobolPlan {
    /// A plan of `samples` rows in each matrix, a power of two for a balanced sequence. Nothing for no axes or no samples, or for
    /// more than the sequence has: 128 axes, 65,536 samples.
    pub fn new(axes: usize, samples: u32, seed: u32) -> Option<Self> {
        if axes == 0 || 2 * axes > DIMENSIONS || !(2..=MOST_SAMPLES).contains(&samples) {
            return None;
        }
        let row = |sample: u32, first: usize| -> Vec<f64> {
            (first..first + axes).map(|d| f64::from(sobol_burley::sample(sample, d as u32, seed))).collect()
        };
        let a: Vec<Vec<f64>> = (0..samples).map(|sample| row(sample, 0)).collect();
        let b: Vec<Vec<f64>> = (0..samples).map(|sample| row(sample, axes)).collect();
        let mut points = a.clone();
        points.extend(b.iter().cloned());
        for axis in 0..axes {
            points.extend(a.iter().zip(&b).map(|(a, b)| {
                let mut mixed = a.clone();
                if let (Some(slot), Some(other)) = (mixed.get_mut(axis), b.get(axis)) {
                    *slot = *other;
                }
                mixed
            }));
        }
        Some(Self { axes, samples: samples as usize, points })
    }

    /// Where to evaluate, each axis from 0 to 1.
    pub fn points(&self) -> &[Vec<f64>] {
        &self.points
    }

    /// The indices that the answers at [`SobolPlan::points`] give, in their order. Nothing if there are not as many answers as
    /// points, one is not finite, or all are equal.
    pub fn indices(&self, answers: &[f64]) -> Option<SobolIndices> {
        if answers.len() != self.points.len() || !answers.iter().all(|answer| answer.is_finite()) {
            return None;
        }
        let (n, count) = (self.samples as f64, self.samples);
        let (both, mixed) = answers.split_at(2 * count);
        let mean = both.iter().sum::<f64>() / (2.0 * n);
        let variance = both.iter().map(|answer| (answer - mean).powi(2)).sum::<f64>() / (2.0 * n);
        if variance <= 1e-24 * mean * mean {
            return None;
        }
        let (a, b) = both.split_at(count);
        let (mut first, mut total) = (Vec::with_capacity(self.axes), Vec::with_capacity(self.axes));
        for ab in mixed.chunks(count) {
            // The mean is taken off first: the estimate is the same, and its error is smaller.
            let own: f64 = b.iter().zip(ab).zip(a).map(|((b, ab), a)| (b - mean) * (ab - a)).sum();
            let with: f64 = a.iter().zip(ab).map(|(a, ab)| (a - ab).powi(2)).sum();
            first.push(own / n / variance);
            total.push(with / (2.0 * n) / variance);
        }
        Some(SobolIndices { first, total, mean, variance })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    fn indices(axes: usize, samples: u32, function: impl Fn(&[f64]) -> f64) -> Option<SobolIndices> {
        let plan = SobolPlan::new(axes, samples, 7).unwrap();
        plan.indices(&plan.points().iter().map(|point| function(point)).collect::<Vec<_>>())
    }

    /// Ishigami and Homma 1990 with a = 7, b = 0.1: V₁ = (1 + bπ⁴/5)²/2, V₂ = a²/8, V₁₃ = b²π⁸(1/18 − 1/50).
    #[test]
    fn the_ishigami_function_has_its_known_indices() {
        let (a, b) = (7.0_f64, 0.1_f64);
        let found = indices(3, 1 << 13, |x| {
            let [x, y, z] = [x[0], x[1], x[2]].map(|x| PI * (2.0 * x - 1.0));
            x.sin() + a * y.sin().powi(2) + b * z.powi(4) * x.sin()
        })
        .unwrap();
        let (v1, v2) = (0.5 * (1.0 + b * PI.powi(4) / 5.0).powi(2), a * a / 8.0);
        let v13 = b * b * PI.powi(8) * (1.0 / 18.0 - 1.0 / 50.0);
        let v = v1 + v2 + v13;
        assert!((found.variance / v - 1.0).abs() < 0.01, "{found:?}");
        assert!((found.mean - 3.5).abs() < 0.01);
        for (found, known) in found.first.iter().zip([v1 / v, v2 / v, 0.0]) {
            assert!((found - known).abs() < 0.01, "{found} is not {known}");
        }
        for (found, known) in found.total.iter().zip([(v1 + v13) / v, v2 / v, v13 / v]) {
            assert!((found - known).abs() < 0.01, "{found} is not {known}");
        }
    }

    #[test]
    fn an_axis_that_is_not_used_has_no_share() {
        let found = indices(3, 256, |x| x[0] * x[2]).unwrap();
        assert_eq!((found.first[1], found.total[1]), (0.0, 0.0));
        assert!(found.total[0] > found.first[0] && found.first[0] > 0.3);
    }

    #[test]
    fn what_cannot_be_told_is_not() {
        assert_eq!(indices(2, 64, |_| 4.0), None);
        assert_eq!(indices(2, 64, |x| if x[0] > 0.9 { f64::NAN } else { x[1] }), None);
        assert_eq!(SobolPlan::new(0, 64, 0), None);
        assert_eq!(SobolPlan::new(129, 64, 0), None);
        assert_eq!(SobolPlan::new(2, 1, 0), None);
    }
}
