//! Score maps: how much each pixel of the input matters, from which every layer's spatial mask follows.

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};

use crate::NetworkError;

/// One finite score for every pixel of the network's input; pixels with high scores are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreMap {
    height: usize,
    width: usize,
    scores: Vec<f64>,
}

impl ScoreMap {
    /// A map of `height` rows of `width` scores.
    ///
    /// # Errors
    /// Another number of scores, none at all, or one that is no finite number.
    pub fn new(height: usize, width: usize, scores: Vec<f64>) -> Result<Self, NetworkError> {
        let wrong = |value: String, expected: String| NetworkError::Option { key: "file", value, expected };
        if scores.is_empty() || height.checked_mul(width) != Some(scores.len()) {
            return Err(wrong(format!("{} numbers", scores.len()), format!("one for each of {height}x{width} pixels")));
        }
        match scores.iter().position(|score| !score.is_finite()) {
            Some(pixel) => Err(wrong(format!("{} at pixel {pixel}", scores[pixel]), "finite numbers".into())),
            None => Ok(Self { height, width, scores }),
        }
    }

    /// Scores that fall with the distance from the centre: what photographs of objects show is mostly there.
    pub fn centre(height: usize, width: usize) -> Self {
        let offset = |index: usize, size: usize| (2 * index + 1) as f64 / size.max(1) as f64 - 1.0;
        let score = |(y, x): (usize, usize)| -(offset(y, height).powi(2) + offset(x, width).powi(2));
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (y, x)));
        Self { height, width, scores: pixels.map(score).collect() }
    }

    /// Seeded random scores, uniform in [0, 1).
    pub fn random(height: usize, width: usize, seed: u64) -> Self {
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        let scores = (0..height * width).map(|_| (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64).collect();
        Self { height, width, scores }
    }

    /// Rows of the map.
    pub const fn height(&self) -> usize {
        self.height
    }

    /// Columns of the map.
    pub const fn width(&self) -> usize {
        self.width
    }

    /// The mean scores of a layer with `height`×`width` pixels, each over the area of the input that it stands for.
    fn pooled(&self, height: usize, width: usize) -> Vec<f64> {
        let (rows, columns) = (overlaps(self.height, height), overlaps(self.width, width));
        let mean = |rows: &[(usize, f64)], columns: &[(usize, f64)]| {
            let row = |&(y, weight): &(usize, f64)| {
                let scores = columns.iter().map(|&(x, part)| part * self.at(y, x));
                weight * scores.sum::<f64>()
            };
            rows.iter().map(row).sum::<f64>()
        };
        rows.iter().flat_map(|rows| columns.iter().map(move |columns| mean(rows, columns))).collect()
    }

    fn at(&self, y: usize, x: usize) -> f64 {
        self.scores.get(y * self.width + x).copied().unwrap_or_default()
    }

    /// Which pixels of a layer with `height`×`width` pixels are the `count` ones with the highest scores. Of equal scores the
    /// earlier pixel is kept.
    pub fn kept(&self, height: usize, width: usize, count: usize) -> Vec<bool> {
        let pixels = height * width;
        let dropped = pixels.saturating_sub(count);
        let scores = self.pooled(height, width);
        let mut order: Vec<usize> = (0..pixels).collect();
        order.sort_by(|&a, &b| {
            let score = |pixel: usize| scores.get(pixel).copied().unwrap_or_default();
            score(a).total_cmp(&score(b)).then(b.cmp(&a))
        });
        let mut kept = vec![true; pixels];
        for pixel in order.into_iter().take(dropped) {
            if let Some(kept) = kept.get_mut(pixel) {
                *kept = false;
            }
        }
        kept
    }
}

/// For each of `to` equal parts of a length of `from` cells: the cells that it overlaps, with their shares of the part.
fn overlaps(from: usize, to: usize) -> Vec<Vec<(usize, f64)>> {
    // In units of 1/(from·to), cell i is [i·to, (i + 1)·to), part j [j·from, (j + 1)·from): whole numbers throughout.
    let part = |index: usize| {
        let (start, end) = (index * from, (index + 1) * from);
        let cells = start / to..end.div_ceil(to);
        let overlap = |cell: usize| (end.min((cell + 1) * to) - start.max(cell * to)) as f64 / from.max(1) as f64;
        cells.map(|cell| (cell, overlap(cell))).collect()
    };
    (0..to).map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pooling_takes_the_mean_over_the_area_that_a_pixel_stands_for() {
        let map = ScoreMap::new(2, 4, vec![1.0, 3.0, 5.0, 7.0, 1.0, 3.0, 5.0, 7.0]).unwrap();
        assert_eq!(map.pooled(1, 2), [2.0, 6.0]);
        assert_eq!(map.pooled(2, 4), map.scores);
        // Three parts of four columns: each is one column and a third of the next.
        let thirds = map.pooled(1, 3);
        for (pooled, expected) in thirds.iter().zip([(1.0 * 3.0 + 3.0) / 4.0, 4.0, (5.0 + 7.0 * 3.0) / 4.0]) {
            assert!((pooled - expected).abs() < 1e-12, "{thirds:?}");
        }
    }

    #[test]
    fn the_lowest_scores_go() {
        let map = ScoreMap::new(1, 4, vec![0.1, 0.9, 0.9, 0.4]).unwrap();
        assert_eq!(map.kept(1, 4, 2), [false, true, true, false]);
        assert_eq!(map.kept(1, 4, 1), [false, true, false, false], "of equal scores the first stays");
        assert_eq!([map.kept(1, 4, 4), map.kept(1, 4, 9)], [[true; 4], [true; 4]]);
        assert_eq!([map.kept(1, 1, 1), map.kept(1, 1, 0)], [[true], [false]]);
        let centre = ScoreMap::centre(4, 4).kept(4, 4, 4);
        assert_eq!(
            centre.iter().enumerate().filter(|(_, kept)| **kept).map(|(i, _)| i).collect::<Vec<_>>(),
            [5, 6, 9, 10]
        );
    }

    #[test]
    fn a_map_has_one_finite_score_per_pixel() {
        for (scores, part) in
            [(vec![0.0; 3], "3 numbers"), (vec![0.0, f64::NAN, 1.0, 2.0], "NaN at pixel 1"), (vec![], "0 numbers")]
        {
            let error = ScoreMap::new(2, 2, scores).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        assert_ne!(ScoreMap::random(4, 4, 1), ScoreMap::random(4, 4, 2));
        assert_eq!(ScoreMap::random(4, 4, 1), ScoreMap::random(4, 4, 1));
    }
}
