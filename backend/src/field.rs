//! Arithmetic on shares modulo a prime: Delphi's shares are integers modulo p = 15·2^37 + 1, of 41 bits.
//!
//! Elements are numbers below the modulus. A number above half of it stands for a negative value.

use crate::counter::Counter;
use crate::error::{BackendError, Result};
use crate::random::{Seed, ring_mask};
use crate::ring::{self, Pixels};
use pisim_protocol::ConvShape;
use rand_core::Rng;

/// Bits of the lower part of a share when a convolution works on two parts.
const LOW_BITS: u32 = 21;

/// The integers modulo an odd number of at most 42 bits; Delphi's is a prime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    modulus: u64,
    /// ⌊2^64 / p⌋, for reductions without division: shares are secrets, and a division's time depends on its operands.
    reciprocal: u64,
    /// 2^63 modulo p, which makes signed words positive.
    offset: u64,
}

impl Field {
    /// The integers modulo `modulus`.
    ///
    /// # Errors
    /// An even modulus, one below 3, or one of more than 42 bits (so that parts of an element have at most 21).
    pub fn new(modulus: u64) -> Result<Self> {
        if modulus < 3 || modulus.is_multiple_of(2) || modulus >> (2 * LOW_BITS) != 0 {
            return Err(BackendError::program(format!("shares modulo {modulus} are not possible")));
        }
        // 2^64 is no multiple of an odd number, so this is the quotient of 2^64, too.
        Ok(Self { modulus, reciprocal: u64::MAX / modulus, offset: (1 << 63) % modulus })
    }

    /// The number of elements.
    pub fn modulus(&self) -> u64 {
        self.modulus
    }

    /// `a + b` of two elements.
    #[inline(always)]
    pub fn add(&self, a: u64, b: u64) -> u64 {
        let sum = a.wrapping_add(b);
        // Without a branch: below the modulus, the difference has wrapped and is the larger number.
        sum.min(sum.wrapping_sub(self.modulus))
    }

    /// `a − b` of two elements.
    #[inline(always)]
    pub fn sub(&self, a: u64, b: u64) -> u64 {
        let difference = a.wrapping_sub(b);
        difference.min(difference.wrapping_add(self.modulus))
    }

    /// `−a` of an element.
    pub fn neg(&self, a: u64) -> u64 {
        self.sub(0, a)
    }

    /// Any number modulo p.
    #[inline(always)]
    fn reduce(&self, number: u64) -> u64 {
        let estimate = ((u128::from(self.reciprocal) * u128::from(number)) >> 64) as u64;
        // The estimate is the quotient, or one less: rest is below 2p.
        let rest = number.wrapping_sub(estimate.wrapping_mul(self.modulus));
        rest.min(rest.wrapping_sub(self.modulus))
    }

    /// `a · b`, for any two numbers.
    pub fn mul(&self, a: u64, b: u64) -> u64 {
        let (a, b) = (self.reduce(a), self.reduce(b));
        // An element has at most 42 bits, a part of one 21: products with a part fit a word.
        let (low, high) = (b & ring_mask(LOW_BITS), b >> LOW_BITS);
        let high = self.reduce(self.reduce(a * high) << LOW_BITS);
        self.add(self.reduce(a * low), high)
    }

    /// The element that stands for a signed number.
    pub fn of_signed(&self, value: i64) -> u64 {
        self.sub(self.reduce(value as u64 ^ 1 << 63), self.offset)
    }

    /// The signed number nearest to zero that an element stands for.
    pub fn signed(&self, element: u64) -> i64 {
        let (element, half) = (element as i64, (self.modulus / 2) as i64);
        // All ones for the upper half: no branch shows a share's sign.
        let negative = half.wrapping_sub(element) >> 63;
        element.wrapping_sub(self.modulus as i64 & negative)
    }

    /// `count` uniform elements from a seed, by rejection: words are cut to the modulus' bits, and numbers that are no elements
    /// (one in sixteen for Delphi's prime) are left out.
    pub fn elements(&self, seed: &Seed, count: usize) -> Vec<u64> {
        let (mut rng, mask) = (seed.rng(), ring_mask(self.modulus.ilog2() + 1));
        let words = std::iter::repeat_with(|| rng.next_u64() & mask);
        words.filter(|word| *word < self.modulus).take(count).collect()
    }

    /// Applies weights `[out][in][ky][kx]` to a share `[channel][y][x]`, at some pixels of the output: `[channel][pixel]`.
    ///
    /// Exact: convolutions modulo 2^64 do not overflow on shares that are centred around zero as long as the weights of
    /// one output add up to less than 2^64 / p, and beyond that on both halves of a share by themselves. Either way one
    /// product of elements counts as one multiply-accumulate.
    ///
    /// # Errors
    /// Weights of one output whose magnitudes add up to 2^42 or more.
    pub fn convolve(
        &self,
        shape: &ConvShape,
        weights: &[i32],
        input: &[u64],
        pixels: Pixels<'_>,
        counter: &Counter,
    ) -> Result<Vec<u64>> {
        let magnitude = |row: &[i32]| row.iter().map(|weight| u64::from(weight.unsigned_abs())).sum::<u64>();
        let largest = weights.chunks(shape.taps().max(1)).map(magnitude).max().unwrap_or(0);
        let centred = input.iter().map(|element| self.signed(*element));
        if u128::from(largest) * u128::from(self.modulus / 2) < 1 << 63 {
            let input: Vec<u64> = centred.map(|value| value as u64).collect();
            let sums = ring::convolve_pixels(shape, weights, &input, 64, pixels, counter);
            return Ok(sums.into_iter().map(|sum| self.of_signed(sum as i64)).collect());
        }
        if largest >= 1 << (63 - LOW_BITS) {
            return Err(BackendError::program("the weights of one output are too large for shares modulo a prime"));
        }
        let (low, high): (Vec<u64>, Vec<u64>) =
            centred.map(|value| (value as u64 & ring_mask(LOW_BITS), (value >> LOW_BITS) as u64)).unzip();
        let low = ring::convolve_pixels(shape, weights, &low, 64, pixels, counter);
        // The same products' other half.
        let high = ring::convolve_pixels(shape, weights, &high, 64, pixels, &Counter::default());
        let join = |(low, high): (u64, u64)| {
            let high = self.mul(self.of_signed(high as i64), 1 << LOW_BITS);
            self.add(self.of_signed(low as i64), high)
        };
        Ok(low.into_iter().zip(high).map(join).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pisim_protocol::Work;
    use proptest::prelude::*;

    /// Delphi's prime.
    const P: u64 = 2_061_584_302_081;

    fn field() -> Field {
        Field::new(P).unwrap()
    }

    /// Elements with the edges among them.
    fn element() -> impl Strategy<Value = u64> {
        prop_oneof![0..P, Just(0), Just(1), Just(P - 1), Just(P / 2), Just(P / 2 + 1)]
    }

    fn modulo(value: i128) -> u64 {
        value.rem_euclid(i128::from(P)) as u64
    }

    /// The convolution's definition over the integers, modulo p at the end.
    fn definition(shape: &ConvShape, weights: &[i32], input: &[u64]) -> Vec<u64> {
        let mut output = Vec::new();
        for out in 0..shape.out_channels {
            for y in 0..shape.out_height() {
                for x in 0..shape.out_width() {
                    let mut sum = 0i128;
                    for tap in 0..shape.taps() {
                        let (channel, place) = (tap / shape.kernel.pow(2), tap % shape.kernel.pow(2));
                        let row = (y * shape.stride + place / shape.kernel).wrapping_sub(shape.padding);
                        let column = (x * shape.stride + place % shape.kernel).wrapping_sub(shape.padding);
                        if row < shape.in_height && column < shape.in_width {
                            let at = (channel * shape.in_height + row) * shape.in_width + column;
                            sum += i128::from(weights[out * shape.taps() + tap]) * i128::from(input[at]);
                        }
                    }
                    output.push(modulo(sum));
                }
            }
        }
        output
    }

    #[test]
    fn only_odd_moduli_of_at_most_42_bits_are_taken() {
        for modulus in [0, 1, 2, P + 1, 1 << 42, (1 << 42) + 1, u64::MAX] {
            assert!(Field::new(modulus).is_err(), "{modulus}");
        }
        assert_eq!(Field::new(P).unwrap().modulus(), 15 * (1 << 37) + 1);
        assert!(Field::new(3).is_ok() && Field::new((1 << 42) - 1).is_ok());
    }

    #[test]
    fn masks_are_uniform_elements_and_the_same_for_the_same_seed() {
        let masks = field().elements(&Seed::reproducible(1), 64_000);
        assert_eq!(masks.len(), 64_000);
        assert!(masks.iter().all(|mask| *mask < P));
        assert_eq!(masks[..100], field().elements(&Seed::reproducible(1), 100));
        // Every sixty-fourth of the field has 1000 masks but for six standard deviations.
        let mut counts = [0i32; 64];
        masks.iter().for_each(|mask| counts[(u128::from(*mask) * 64 / u128::from(P)) as usize] += 1);
        assert!(counts.iter().all(|count| (count - 1000).abs() < 190), "{counts:?}");
    }

    #[test]
    fn full_convolutions_of_the_largest_shares_and_weights_are_exact() {
        let shape = |in_channels| ConvShape {
            in_channels,
            in_height: 1,
            in_width: 1,
            out_channels: 2,
            kernel: 1,
            stride: 1,
            padding: 0,
        };
        for (channels, weight) in [(4096, -1024), (4096, 1 << 23), (4, i32::MIN), (1000, i32::MAX)] {
            let weights = vec![weight; 2 * channels];
            for share in [P - 1, P / 2, P / 2 + 1, 0] {
                let input = vec![share; channels];
                let output =
                    field().convolve(&shape(channels), &weights, &input, Pixels::All, &Counter::default()).unwrap();
                let expected = modulo(i128::from(weight) * i128::from(share) * channels as i128);
                assert_eq!(output, [expected; 2], "{channels} × {weight} × {share}");
            }
        }
        let refused = field().convolve(&shape(2048), &[i32::MIN; 4096], &[1; 2048], Pixels::All, &Counter::default());
        assert!(matches!(refused, Err(BackendError::Program(_))));
    }

    proptest! {
        #[test]
        fn sums_differences_and_products_are_those_of_integers(a in element(), b in element(), value: i64) {
            let field = field();
            let (x, y) = (i128::from(a), i128::from(b));
            prop_assert_eq!(field.add(a, b), modulo(x + y));
            prop_assert_eq!(field.sub(a, b), modulo(x - y));
            prop_assert_eq!(field.neg(a), modulo(-x));
            prop_assert_eq!(field.mul(a, b), modulo(x * y));
            prop_assert_eq!(field.of_signed(value), modulo(i128::from(value)));
            let signed = field.signed(a);
            prop_assert_eq!(field.of_signed(signed), a);
            prop_assert!(signed.unsigned_abs() <= P / 2);
        }

        #[test]
        fn field_convolution_equals_its_definition_whatever_the_weights_and_counts_every_product_once(
            (in_channels, out_channels) in (1usize..6, 1usize..10), (height, width) in (1usize..7, 1usize..7),
            kernel in 1usize..4, stride in 1usize..3, padding in 0usize..2, bits in 1u32..32, seed: u64,
            edge in prop_oneof![Just(None), element().prop_map(Some)],
        ) {
            let shape = ConvShape { in_channels, in_height: height, in_width: width, out_channels, kernel, stride, padding };
            prop_assume!(height + 2 * padding >= kernel && width + 2 * padding >= kernel);
            let mut rng = Seed::reproducible(seed).rng();
            let weights: Vec<i32> = (0..out_channels * shape.taps()).map(|_| rng.next_u64() as i32 >> (32 - bits)).collect();
            let random = field().elements(&Seed::reproducible(!seed), in_channels * height * width);
            let input: Vec<u64> = random.into_iter().map(|share| edge.unwrap_or(share)).collect();
            let counter = Counter::default();
            let output = field().convolve(&shape, &weights, &input, Pixels::All, &counter).unwrap();
            prop_assert_eq!(output, definition(&shape, &weights, &input));
            prop_assert_eq!(counter.take(), Work { ring_macs: shape.macs(), ..Work::default() });
        }
    }
}
