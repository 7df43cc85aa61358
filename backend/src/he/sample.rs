//! Sampling of uniform, ternary and error polynomials from a CSPRNG.

use pisim_protocol::he::ERROR_ETA;
use rand_core::Rng;

/// `count` uniform numbers below `modulus`, by rejection: exactly uniform.
pub(super) fn uniform(rng: &mut impl Rng, modulus: u64, count: usize) -> impl Iterator<Item = u64> {
    let mask = u64::MAX >> modulus.leading_zeros();
    let draw = move || {
        loop {
            let value = rng.next_u64() & mask;
            if value < modulus {
                return value;
            }
        }
    };
    std::iter::repeat_with(draw).take(count)
}

/// A polynomial with uniform coefficients in −1, 0, 1.
pub(super) fn ternary(rng: &mut impl Rng, count: usize) -> Vec<i64> {
    let mut coefficients = Vec::with_capacity(count);
    while coefficients.len() < count {
        let mut bits = rng.next_u64();
        for _ in 0..32 {
            // Two bits give 0, 1, 2 or (rejected) 3.
            let value = (bits & 3) as i64;
            if value != 3 && coefficients.len() < count {
                coefficients.push(value - 1);
            }
            bits >>= 2;
        }
    }
    coefficients
}

/// One error coefficient: centred binomial, at most 21 in size.
pub(super) fn error(rng: &mut impl Rng) -> i64 {
    let bits = rng.next_u64();
    let mask = (1u64 << ERROR_ETA) - 1;
    i64::from((bits & mask).count_ones()) - i64::from((bits >> ERROR_ETA & mask).count_ones())
}

/// A uniform integer in [−2^bits, 2^bits), for bits up to 126.
pub(super) fn flooding(rng: &mut impl Rng, bits: u32) -> i128 {
    let draw = u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64());
    let bits = bits.min(126);
    (draw >> (127 - bits)) as i128 - (1i128 << bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;

    #[test]
    fn errors_are_small_and_spread_as_a_centred_binomial() {
        let mut rng = Seed::reproducible(1).rng();
        let samples: Vec<i64> = (0..100_000).map(|_| error(&mut rng)).collect();
        let mean = samples.iter().sum::<i64>() as f64 / samples.len() as f64;
        let variance = samples.iter().map(|x| (x * x) as f64).sum::<f64>() / samples.len() as f64;
        assert!(samples.iter().all(|x| x.abs() <= i64::from(ERROR_ETA)));
        assert!(mean.abs() < 0.05 && (variance - 10.5).abs() < 0.2, "mean {mean}, variance {variance}");
    }

    #[test]
    fn ternary_values_are_balanced_and_uniform_values_stay_below_the_modulus() {
        let mut rng = Seed::reproducible(2).rng();
        let samples = ternary(&mut rng, 90_000);
        for value in -1..=1 {
            let count = samples.iter().filter(|x| **x == value).count();
            assert!((28_500..31_500).contains(&count), "{value}: {count}");
        }
        assert!(uniform(&mut rng, 97, 10_000).all(|x| x < 97));
    }

    #[test]
    fn flooding_fills_its_range_on_both_sides() {
        let mut rng = Seed::reproducible(3).rng();
        let samples: Vec<i128> = (0..1000).map(|_| flooding(&mut rng, 70)).collect();
        let bound = 1i128 << 70;
        assert!(samples.iter().all(|x| (-bound..bound).contains(x)));
        assert!(samples.iter().any(|x| *x > bound / 2) && samples.iter().any(|x| *x < -bound / 2));
    }
}
