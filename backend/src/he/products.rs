//! Sums of products of transformed polynomials, without a reduction for each product.
//!
//! Products are added up in two words per coefficient and reduced once, at the end. With AVX-512 IFMA the words are the
//! sums of the products' low and high 52 bits; the portable kernel adds whole 128-bit products. Sums that would outgrow
//! their words are reduced in between. Both halves of a ciphertext lie side by side, and so do the words of eight
//! coefficients: a pass then reads and writes few streams at once, which the caches follow.

use super::limb::{Factor, Limb};
use crate::simd::Path;

/// Coefficients that lie side by side.
const LANES: usize = 8;

/// How products are added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kernel {
    /// 128-bit sums.
    Portable,
    /// Sums of 52-bit halves, eight coefficients at a time.
    #[cfg(target_arch = "x86_64")]
    Ifma,
}

/// Unreduced sums of one limb: Σ factor·masked and Σ factor·uniform.
#[derive(Default, Clone)]
pub(super) struct Sums {
    /// For every eight coefficients: low and high words of the masked, then of the uniform half.
    words: Vec<u64>,
    terms: u64,
}

/// Both halves of a ciphertext, in one limb, eight coefficients of each in turn.
pub(super) fn interleave(masked: &[u64], uniform: &[u64]) -> Vec<u64> {
    let mut pair = Vec::with_capacity(masked.len() + uniform.len());
    for (masked, uniform) in masked.chunks(LANES).zip(uniform.chunks(LANES)) {
        pair.extend_from_slice(masked);
        pair.extend_from_slice(uniform);
    }
    pair
}

impl Kernel {
    /// The fastest kernel for a modulus on the path in use; the portable one below AVX-512.
    pub(super) fn fastest(modulus: u64) -> Self {
        #[cfg(target_arch = "x86_64")]
        if modulus < 1 << 51 && Path::current() == Path::Avx512 && Self::has_ifma() {
            return Self::Ifma;
        }
        let _ = modulus;
        Self::Portable
    }

    /// Whether this processor has the instructions that the transforms need for products of 52 bits, which are more than
    /// this file's.
    pub(super) fn has_ifma() -> bool {
        #[cfg(target_arch = "x86_64")]
        return is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512cd")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512ifma");
        #[cfg(not(target_arch = "x86_64"))]
        false
    }

    /// Bits of the low word that its high word counts up from.
    fn radix_bits(self) -> u32 {
        match self {
            Self::Portable => 64,
            #[cfg(target_arch = "x86_64")]
            Self::Ifma => 52,
        }
    }

    /// Products of numbers below 2^bits that may be added to one reduced number.
    fn most_terms(self, bits: u32) -> u64 {
        match self {
            Self::Portable => u64::MAX >> (2 * bits).saturating_sub(64),
            #[cfg(target_arch = "x86_64")]
            Self::Ifma => (1 << 12) - 1,
        }
    }
}

impl Sums {
    /// Starts again from zero.
    pub(super) fn clear(&mut self, degree: usize) {
        self.words.clear();
        self.words.resize(4 * degree, 0);
        self.terms = 0;
    }
}

impl Limb {
    /// Adds to every sum the ciphertexts' halves times that sum's factors: `factors` has, for one sum after the other, one
    /// transformed polynomial for each of `pairs` ([`interleave`]).
    pub(super) fn add_products(&self, sums: &mut [&mut Sums], factors: &[&[u64]], pairs: &[&[u64]]) {
        let terms = pairs.len();
        for (sums, factors) in sums.iter_mut().zip(factors.chunks(terms.max(1))) {
            sums.terms += terms as u64;
            if sums.terms > self.kernel.most_terms(self.bits) {
                self.fold(sums);
                sums.terms = terms as u64;
            }
            if self.kernel == Kernel::Portable {
                factors.iter().zip(pairs).for_each(|(factor, pair)| add_portable(&mut sums.words, factor, pair));
            }
        }
        #[cfg(target_arch = "x86_64")]
        if self.kernel == Kernel::Ifma {
            let mut words: Vec<&mut [u64]> = sums.iter_mut().map(|sums| sums.words.as_mut_slice()).collect();
            // SAFETY: `Kernel::fastest` found both features.
            unsafe { add_ifma(&mut words, factors, pairs) }
        }
    }

    /// Appends the sums themselves to the masked and the uniform half, transformed as the factors were.
    pub(super) fn reduce(&self, sums: &Sums, masked: &mut Vec<u64>, uniform: &mut Vec<u64>) {
        #[cfg(target_arch = "x86_64")]
        if self.kernel == Kernel::Ifma {
            let radices = [0, 52, 104].map(|bits| ((1u128 << bits) % u128::from(self.modulus)) as u64);
            let room = sums.words.len() / 4;
            let grow = |half: &mut Vec<u64>| {
                half.resize(half.len() + room, 0);
                half.len() - room
            };
            let (first, second) = (grow(masked), grow(uniform));
            // SAFETY: `Kernel::fastest` found both features, and that the modulus is below 2^51.
            unsafe { reduce_ifma(&sums.words, self.modulus, radices, &mut masked[first..], &mut uniform[second..]) }
            return;
        }
        let radix = self.radix();
        for words in sums.words.chunks_exact(4 * LANES) {
            let (first, second) = words.split_at(2 * LANES);
            for (half, words) in [(&mut *masked, first), (&mut *uniform, second)] {
                let (low, high) = words.split_at(LANES);
                half.extend(low.iter().zip(high).map(|(low, high)| self.reduce_words(radix, *low, *high)));
            }
        }
    }

    /// Makes room for further products.
    fn fold(&self, sums: &mut Sums) {
        let radix = self.radix();
        for words in sums.words.chunks_exact_mut(2 * LANES) {
            let (low, high) = words.split_at_mut(LANES);
            for (low, high) in low.iter_mut().zip(high) {
                (*low, *high) = (self.reduce_words(radix, *low, *high), 0);
            }
        }
    }

    /// What one unit of the high word counts.
    fn radix(&self) -> Factor {
        let radix = (1u128 << self.kernel.radix_bits()) % u128::from(self.modulus);
        Factor::new(radix as u64, self.modulus)
    }

    #[inline(always)]
    fn reduce_words(&self, radix: Factor, low: u64, high: u64) -> u64 {
        self.add(self.one.times(low), radix.times(high))
    }
}

/// Adds one ciphertext times one factor to 128-bit sums.
fn add_portable(words: &mut [u64], factor: &[u64], pair: &[u64]) {
    let halves = words.chunks_exact_mut(2 * LANES).zip(pair.chunks_exact(LANES));
    for (index, (words, half)) in halves.enumerate() {
        let factor = factor.iter().skip(index / 2 * LANES);
        let (low, high) = words.split_at_mut(LANES);
        for ((low, high), (a, b)) in low.iter_mut().zip(high).zip(factor.zip(half)) {
            let sum = (u128::from(*high) << 64 | u128::from(*low)) + u128::from(*a) * u128::from(*b);
            (*low, *high) = (sum as u64, (sum >> 64) as u64);
        }
    }
}

/// Adds the products' low and high 52 bits to the words of every sum. Polynomials that are too short add nothing.
///
/// # Safety
/// The processor has AVX-512 F and IFMA.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512ifma")]
unsafe fn add_ifma(sums: &mut [&mut [u64]], factors: &[&[u64]], pairs: &[&[u64]]) {
    use std::arch::x86_64::{_mm512_loadu_si512, _mm512_madd52hi_epu64, _mm512_madd52lo_epu64, _mm512_storeu_si512};
    let degree = sums.iter().map(|words| words.len() / 4).min().unwrap_or(0);
    let enough = factors.iter().all(|factor| factor.len() >= degree)
        && pairs.iter().all(|pair| pair.len() >= 2 * degree)
        && factors.len() >= sums.len() * pairs.len();
    if !enough || pairs.is_empty() {
        return;
    }
    for block in 0..degree / LANES {
        for (words, factors) in sums.iter_mut().zip(factors.chunks_exact(pairs.len())) {
            // SAFETY: block·LANES + LANES ≤ degree; words have 4·degree, pairs 2·degree and factors degree coefficients.
            // Loads and stores are unaligned.
            unsafe {
                let words = words.as_mut_ptr().add(block * 4 * LANES);
                let mut sum = [0, 1, 2, 3].map(|index| _mm512_loadu_si512(words.add(index * LANES).cast()));
                for (factor, pair) in factors.iter().zip(pairs) {
                    let pair = pair.as_ptr().add(block * 2 * LANES);
                    let factor = _mm512_loadu_si512(factor.as_ptr().add(block * LANES).cast());
                    let (masked, uniform) =
                        (_mm512_loadu_si512(pair.cast()), _mm512_loadu_si512(pair.add(LANES).cast()));
                    sum[0] = _mm512_madd52lo_epu64(sum[0], factor, masked);
                    sum[1] = _mm512_madd52hi_epu64(sum[1], factor, masked);
                    sum[2] = _mm512_madd52lo_epu64(sum[2], factor, uniform);
                    sum[3] = _mm512_madd52hi_epu64(sum[3], factor, uniform);
                }
                for (index, sum) in sum.into_iter().enumerate() {
                    _mm512_storeu_si512(words.add(index * LANES).cast(), sum);
                }
            }
        }
    }
}

/// Reduces words to Σ low + high·2^52 of both halves. With R = 2^0, 2^52 and 2^104 modulo p, a sum is l·1 + h·R₁ + g·R₂
/// for three parts below 2^52; each product is reduced to below 2p as by [`Factor`], with 52 bits.
///
/// # Safety
/// The processor has AVX-512 F and IFMA; p is below 2^51, and high words are below 2^63.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512ifma")]
unsafe fn reduce_ifma(words: &[u64], modulus: u64, radices: [u64; 3], masked: &mut [u64], uniform: &mut [u64]) {
    use std::arch::x86_64::{
        __m512i, _mm512_add_epi64, _mm512_and_si512, _mm512_loadu_si512, _mm512_madd52hi_epu64, _mm512_madd52lo_epu64,
        _mm512_min_epu64, _mm512_set1_epi64, _mm512_setzero_si512, _mm512_srli_epi64, _mm512_storeu_si512,
        _mm512_sub_epi64,
    };
    let all = |word: u64| _mm512_set1_epi64(word as i64);
    let (zero, low_bits, p) = (_mm512_setzero_si512(), all((1 << 52) - 1), all(modulus));
    let factors = radices.map(|radix| (all(radix), all(((u128::from(radix) << 52) / u128::from(modulus)) as u64)));
    // value·factor mod p, below 2p.
    let times = |value: __m512i, (factor, quotient): (__m512i, __m512i)| {
        let estimate = _mm512_madd52hi_epu64(zero, value, quotient);
        let whole = _mm512_madd52lo_epu64(zero, value, factor);
        _mm512_and_si512(_mm512_sub_epi64(whole, _mm512_madd52lo_epu64(zero, estimate, p)), low_bits)
    };
    // An unsigned minimum: what is below the multiple wraps to something large.
    let below = |value: __m512i, multiple: u64| _mm512_min_epu64(value, _mm512_sub_epi64(value, all(multiple)));
    let outputs = masked.chunks_exact_mut(LANES).zip(uniform.chunks_exact_mut(LANES));
    for (words, (masked, uniform)) in words.chunks_exact(4 * LANES).zip(outputs) {
        for (words, output) in words.chunks_exact(2 * LANES).zip([masked, uniform]) {
            // SAFETY: `words` has two times and `output` once eight numbers. Loads and stores are unaligned.
            let (low, high) = unsafe {
                (_mm512_loadu_si512(words.as_ptr().cast()), _mm512_loadu_si512(words.as_ptr().add(LANES).cast()))
            };
            let high = _mm512_add_epi64(high, _mm512_srli_epi64::<52>(low));
            let parts =
                [_mm512_and_si512(low, low_bits), _mm512_and_si512(high, low_bits), _mm512_srli_epi64::<52>(high)];
            let [a, b, c] = [0, 1, 2].map(|part| times(parts[part], factors[part]));
            let sum = _mm512_add_epi64(_mm512_add_epi64(a, b), c);
            let reduced = below(below(below(sum, 4 * modulus), 2 * modulus), modulus);
            // SAFETY: as above.
            unsafe { _mm512_storeu_si512(output.as_mut_ptr().cast(), reduced) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::he::HeContext;
    use crate::he::limb::mul_mod;
    use pisim_protocol::he::HeParams;
    use std::sync::Arc;

    /// Two sums of `terms` products of the largest residues, by every kernel of this machine.
    fn check(bits: u32, terms: usize) {
        let params = HeParams::new(1024, vec![bits], 1, 16, 40).unwrap();
        let mut context = HeContext::new(&params, Arc::default()).unwrap();
        let limb = &mut context.limbs[0];
        let modulus = limb.modulus;
        let largest = vec![modulus - 1; 1024];
        let mixed: Vec<u64> = (0..1024).map(|index| (modulus - 1) / (index % 7 + 1)).collect();
        let pair = interleave(&largest, &mixed);
        for kernel in [limb.kernel, Kernel::Portable] {
            limb.kernel = kernel;
            let mut sums = [Sums::default(), Sums::default()];
            sums.iter_mut().for_each(|sums| sums.clear(1024));
            for first in (0..terms).step_by(3) {
                let count = (terms - first).min(3);
                // The first sum's factors are −1, the second's differ by coefficient.
                let factors: Vec<&[u64]> =
                    (0..2 * count).map(|i| if i < count { &largest[..] } else { &mixed }).collect();
                let [a, b] = &mut sums;
                limb.add_products(&mut [a, b], &factors, &vec![&pair[..]; count]);
            }
            for (sums, factor) in sums.iter().zip([&largest, &mixed]) {
                let (mut masked, mut uniform) = (Vec::new(), Vec::new());
                limb.reduce(sums, &mut masked, &mut uniform);
                for (index, factor) in factor.iter().enumerate() {
                    let times = |half: u64| mul_mod(mul_mod(*factor, half, modulus), terms as u64, modulus);
                    assert_eq!(
                        [masked[index], uniform[index]],
                        [times(largest[index]), times(mixed[index])],
                        "{kernel:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn sums_of_the_largest_products_are_exact_at_any_length() {
        for terms in [0, 1, 3, 4, 5, 4094, 4095, 4096, 8200] {
            check(50, terms);
        }
        for terms in [0, 1, 100, 254, 255, 256, 257, 600] {
            check(60, terms);
        }
        for bits in [20, 30, 51, 52] {
            check(bits, 4500);
        }
    }
}
