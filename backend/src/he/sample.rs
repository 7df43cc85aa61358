//! Sampling of uniform, ternary, error and flooding coefficients: AES-128 in counter mode, keyed from a seed.

use crate::gc::Block;
use crate::random::{BlockStream, Seed};
use pisim_protocol::he::ERROR_ETA;
use pulp::Arch;
use zeroize::Zeroize;

/// Blocks that are drawn at a time: wide enough for AES to run at full speed.
const BATCH: usize = 256;

/// Draws coefficients, one after the other, from the stream of one seed.
pub(super) struct Sampler {
    stream: BlockStream,
    next: u64,
    batch: [Block; BATCH],
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.batch.zeroize();
    }
}

impl Sampler {
    /// The coefficients of a seed.
    pub(super) fn new(seed: &Seed) -> Self {
        Self { stream: BlockStream::new(seed), next: 0, batch: [0; BATCH] }
    }

    /// Hands over `count` uniform words, batch by batch.
    fn draw(&mut self, count: usize, mut take: impl FnMut(&[u64])) {
        let mut left = count;
        while left > 0 {
            let words = left.min(2 * BATCH);
            let blocks = &mut self.batch[..words.div_ceil(2)];
            self.stream.fill(self.next, blocks);
            self.next += blocks.len() as u64;
            let drawn: &[u64] = bytemuck::cast_slice(blocks);
            take(&drawn[..words]);
            left -= words;
        }
    }

    /// Appends `count` uniform numbers below `modulus`, by rejection: exactly uniform.
    pub(super) fn uniform(&mut self, modulus: u64, count: usize, numbers: &mut Vec<u64>) {
        let mask = u64::MAX >> modulus.leading_zeros();
        let first = numbers.len();
        self.draw(count, |words| numbers.extend(words.iter().map(|word| word & mask)));
        for number in numbers.iter_mut().skip(first) {
            while *number >= modulus {
                self.draw(1, |words| *number = words.first().map_or(0, |word| word & mask));
            }
        }
    }

    /// A polynomial with coefficients −1, 0, 1, each within 2^−62 of uniform.
    pub(super) fn ternary(&mut self, count: usize) -> Vec<i64> {
        let mut coefficients = Vec::with_capacity(count);
        let third = |word: &u64| ((u128::from(*word) * 3) >> 64) as i64 - 1;
        self.draw(count, |words| coefficients.extend(words.iter().map(third)));
        coefficients
    }

    /// A polynomial of errors: centred binomial, at most 21 in size.
    pub(super) fn errors(&mut self, count: usize) -> Vec<i64> {
        let mut coefficients = Vec::with_capacity(count);
        // A coin that is subtracted is distributed as its opposite that is added, less the mean.
        let mask = (1u64 << (2 * ERROR_ETA)) - 1;
        let error = |word: &u64| i64::from((word & mask).count_ones()) - i64::from(ERROR_ETA);
        let arch = Arch::new();
        self.draw(count, |words| arch.dispatch(|| coefficients.extend(words.iter().map(error))));
        coefficients
    }

    /// `count` uniform integers in [−2^bits, 2^bits), for bits up to 126.
    pub(super) fn flooding(&mut self, bits: u32, count: usize) -> Vec<i128> {
        let bits = bits.min(126);
        let wide = |high: u64, low: u64| ((u128::from(high) << 64 | u128::from(low)) >> (127 - bits)) as i128;
        let mut numbers = Vec::with_capacity(count);
        self.draw(2 * count, |words| {
            let pairs = words.as_chunks::<2>().0;
            numbers.extend(pairs.iter().map(|[high, low]| wide(*high, *low) - (1i128 << bits)));
        });
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampler(number: u64) -> Sampler {
        Sampler::new(&Seed::reproducible(number))
    }

    #[test]
    fn errors_are_small_and_spread_as_a_centred_binomial() {
        let samples = sampler(1).errors(100_000);
        let mean = samples.iter().sum::<i64>() as f64 / samples.len() as f64;
        let variance = samples.iter().map(|x| (x * x) as f64).sum::<f64>() / samples.len() as f64;
        assert!(samples.iter().all(|x| x.abs() <= i64::from(ERROR_ETA)));
        assert!(mean.abs() < 0.05 && (variance - 10.5).abs() < 0.2, "mean {mean}, variance {variance}");
    }

    #[test]
    fn ternary_values_are_balanced() {
        let samples = sampler(2).ternary(90_000);
        for value in -1..=1 {
            let count = samples.iter().filter(|x| **x == value).count();
            assert!((29_300..30_700).contains(&count), "{value}: {count}");
        }
    }

    #[test]
    fn uniform_values_fill_the_range_below_any_modulus() {
        for modulus in [1, 2, 97, (1 << 50) - 27, (1 << 59) + 1, u64::MAX] {
            let mut samples = Vec::new();
            sampler(3).uniform(modulus, 10_001, &mut samples);
            assert_eq!(samples.len(), 10_001);
            assert!(samples.iter().all(|x| *x < modulus));
            let mean = samples.iter().map(|x| *x as f64).sum::<f64>() / samples.len() as f64;
            assert!((mean / (modulus - 1).max(1) as f64 - 0.5).abs() < 0.02 || modulus == 1, "{modulus}: {mean}");
        }
    }

    #[test]
    fn flooding_fills_its_range_on_both_sides() {
        let samples = sampler(4).flooding(70, 1000);
        let bound = 1i128 << 70;
        assert!(samples.iter().all(|x| (-bound..bound).contains(x)));
        assert!(samples.iter().any(|x| *x > bound / 2) && samples.iter().any(|x| *x < -bound / 2));
    }

    #[test]
    fn what_is_drawn_does_not_repeat() {
        let mut sampler = sampler(5);
        let (mut first, mut second) = (Vec::new(), Vec::new());
        sampler.uniform(u64::MAX, 3, &mut first);
        sampler.uniform(u64::MAX, 2 * BATCH + 1, &mut second);
        let all: std::collections::HashSet<u64> = first.iter().chain(&second).copied().collect();
        assert_eq!(all.len(), 3 + 2 * BATCH + 1);
    }
}
