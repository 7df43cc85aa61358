//! Sums of products of transformed polynomials, without a reduction for each product.
//!
//! Products are added up in two words per coefficient and reduced once, at the end. With AVX-512 IFMA the words are the
//! sums of the products' low and high 52 bits; the portable kernel adds whole 128-bit products. Sums that would outgrow
//! their words are reduced in between.

use super::context::HeContext;
use super::limb::{Factor, Limb};
use pisim_protocol::Work;

/// Products that one pass over the sums adds: few enough for their operands to stay in the second-level cache.
pub(super) const TERMS_PER_PASS: usize = 4;

/// How products are added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kernel {
    /// 128-bit sums.
    Portable,
    /// Sums of 52-bit halves, eight coefficients at a time.
    #[cfg(target_arch = "x86_64")]
    Ifma,
}

/// A factor and the two halves of a ciphertext that it multiplies, in one limb or in all.
#[derive(Clone, Copy)]
pub(super) struct Term<'a> {
    pub(super) factor: &'a [u64],
    pub(super) masked: &'a [u64],
    pub(super) uniform: &'a [u64],
}

/// Unreduced sums Σ factor·masked and Σ factor·uniform in all limbs.
#[derive(Default)]
pub(super) struct Sums {
    /// For every limb, the words of the masked and of the uniform half: the low ones of all coefficients, then the high ones.
    words: Vec<u64>,
    terms: u64,
}

impl Kernel {
    /// The fastest kernel of this machine for a modulus.
    pub(super) fn fastest(modulus: u64) -> Self {
        #[cfg(target_arch = "x86_64")]
        if modulus < 1 << 52 && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma") {
            return Self::Ifma;
        }
        let _ = modulus;
        Self::Portable
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

    /// Adds the products of one limb to its words.
    fn add(self, words: &mut [u64], terms: &[Term<'_>]) {
        let degree = words.len() / 4;
        match self {
            Self::Portable => {
                let (masked, uniform) = words.split_at_mut(2 * degree);
                for term in terms {
                    add_portable(masked, term.factor, term.masked);
                    add_portable(uniform, term.factor, term.uniform);
                }
            }
            #[cfg(target_arch = "x86_64")]
            Self::Ifma => {
                let short = |poly: &[u64]| poly.len() < degree;
                if !terms.iter().any(|term| short(term.factor) || short(term.masked) || short(term.uniform)) {
                    // SAFETY: `fastest` found both features, and every polynomial has at least `degree` coefficients.
                    unsafe { add_ifma(words, terms) }
                }
            }
        }
    }
}

/// Adds one product to 128-bit sums.
fn add_portable(words: &mut [u64], a: &[u64], b: &[u64]) {
    let (low, high) = words.split_at_mut(words.len() / 2);
    for ((low, high), (a, b)) in low.iter_mut().zip(high).zip(a.iter().zip(b)) {
        let sum = (u128::from(*high) << 64 | u128::from(*low)) + u128::from(*a) * u128::from(*b);
        (*low, *high) = (sum as u64, (sum >> 64) as u64);
    }
}

/// Adds the products' low and high 52 bits to four words per coefficient.
///
/// # Safety
/// The processor has AVX-512 F and IFMA. With four words for each of `degree` coefficients, all terms have `degree`
/// coefficients.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512ifma")]
unsafe fn add_ifma(words: &mut [u64], terms: &[Term<'_>]) {
    use std::arch::x86_64::{_mm512_loadu_si512, _mm512_madd52hi_epu64, _mm512_madd52lo_epu64, _mm512_storeu_si512};
    const LANES: usize = 8;
    let degree = words.len() / 4;
    let words = words.as_mut_ptr();
    // Ring degrees are powers of two, at least 1024.
    for first in (0..degree - degree % LANES).step_by(LANES) {
        // SAFETY: `first + LANES <= degree`; words have 4·degree and terms `degree` coefficients. Loads are unaligned.
        unsafe {
            let word = |index: usize| words.add(index * degree + first);
            let load = |poly: &[u64]| _mm512_loadu_si512(poly.as_ptr().add(first).cast());
            let mut sums = [0, 1, 2, 3].map(|index| _mm512_loadu_si512(word(index).cast()));
            for term in terms {
                let (factor, masked, uniform) = (load(term.factor), load(term.masked), load(term.uniform));
                sums[0] = _mm512_madd52lo_epu64(sums[0], factor, masked);
                sums[1] = _mm512_madd52hi_epu64(sums[1], factor, masked);
                sums[2] = _mm512_madd52lo_epu64(sums[2], factor, uniform);
                sums[3] = _mm512_madd52hi_epu64(sums[3], factor, uniform);
            }
            for (index, sum) in sums.into_iter().enumerate() {
                _mm512_storeu_si512(word(index).cast(), sum);
            }
        }
    }
}

impl Sums {
    /// Starts again from zero.
    pub(super) fn clear(&mut self, context: &HeContext) {
        self.words.clear();
        self.words.resize(4 * context.limbs.len() * context.degree(), 0);
        self.terms = 0;
    }

    /// Adds ciphertexts times transformed factors, in all limbs.
    pub(super) fn add(&mut self, context: &HeContext, terms: &[Term<'_>]) {
        let degree = context.degree();
        for terms in terms.chunks(TERMS_PER_PASS) {
            self.terms += terms.len() as u64;
            let most = context.limbs.iter().map(|limb| limb.kernel.most_terms(limb.bits)).min().unwrap_or(0);
            if self.terms > most {
                self.reduce_words(context);
                self.terms = terms.len() as u64;
            }
            for (index, (limb, words)) in context.limbs.iter().zip(self.words.chunks_mut(4 * degree)).enumerate() {
                let of_limb = |poly: &'_ [u64]| -> std::ops::Range<usize> {
                    let start = (index * degree).min(poly.len());
                    start..(start + degree).min(poly.len())
                };
                let mut parts = [Term { factor: &[], masked: &[], uniform: &[] }; TERMS_PER_PASS];
                for (part, term) in parts.iter_mut().zip(terms) {
                    let Term { factor, masked, uniform } = *term;
                    *part = Term {
                        factor: &factor[of_limb(factor)],
                        masked: &masked[of_limb(masked)],
                        uniform: &uniform[of_limb(uniform)],
                    };
                }
                limb.kernel.add(words, &parts[..terms.len()]);
            }
            let products = 2 * (terms.len() * context.limbs.len() * degree) as u64;
            context.counter.add(Work { mod_muls: products, ..Work::default() });
        }
    }

    /// The sums themselves: the masked and the uniform half, transformed as the terms were.
    pub(super) fn reduced(&self, context: &HeContext) -> [Vec<u64>; 2] {
        let degree = context.degree();
        let mut halves = [0, 1].map(|_| Vec::with_capacity(context.limbs.len() * degree));
        for (limb, words) in context.limbs.iter().zip(self.words.chunks(4 * degree)) {
            for (half, words) in halves.iter_mut().zip(words.chunks(2 * degree)) {
                let (low, high) = words.split_at(degree);
                let radix = limb.radix();
                half.extend(low.iter().zip(high).map(|(low, high)| limb.reduce(radix, *low, *high)));
            }
        }
        halves
    }

    fn reduce_words(&mut self, context: &HeContext) {
        let degree = context.degree();
        for (limb, words) in context.limbs.iter().zip(self.words.chunks_mut(4 * degree)) {
            let radix = limb.radix();
            for words in words.chunks_mut(2 * degree) {
                let (low, high) = words.split_at_mut(degree);
                for (low, high) in low.iter_mut().zip(high) {
                    (*low, *high) = (limb.reduce(radix, *low, *high), 0);
                }
            }
        }
    }
}

impl Limb {
    /// What one unit of the high word counts.
    fn radix(&self) -> Factor {
        let radix = (1u128 << self.kernel.radix_bits()) % u128::from(self.modulus);
        Factor::new(radix as u64, self.modulus)
    }

    #[inline(always)]
    fn reduce(&self, radix: Factor, low: u64, high: u64) -> u64 {
        self.add(self.one.times(low), radix.times(high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::he::limb::mul_mod;
    use pisim_protocol::he::HeParams;
    use std::sync::Arc;

    /// Sums of `terms` products of the largest residues, by every kernel of this machine.
    fn check(limb_bits: Vec<u32>, terms: usize) {
        let params = HeParams::new(1024, limb_bits, 1, 16, 40).unwrap();
        let mut context = HeContext::new(&params, Arc::default()).unwrap();
        let largest: Vec<u64> = context.limbs.iter().flat_map(|limb| vec![limb.modulus - 1; 1024]).collect();
        let mixed: Vec<u64> = largest.iter().enumerate().map(|(index, most)| most / (index as u64 % 7 + 1)).collect();
        let term = Term { factor: &largest, masked: &largest, uniform: &mixed };
        let fastest: Vec<Kernel> = context.limbs.iter().map(|limb| limb.kernel).collect();
        for kernels in [fastest, vec![Kernel::Portable; context.limbs.len()]] {
            for (limb, kernel) in context.limbs.iter_mut().zip(&kernels) {
                limb.kernel = *kernel;
            }
            let mut sums = Sums::default();
            sums.clear(&context);
            sums.add(&context, &vec![term; terms]);
            let [masked, uniform] = sums.reduced(&context);
            for (index, residue) in masked.iter().enumerate() {
                // (−1)² · terms.
                assert_eq!(*residue, terms as u64, "{kernels:?}");
                let modulus = context.limbs[index / 1024].modulus;
                let product = mul_mod(modulus - 1, mixed[index], modulus);
                assert_eq!(uniform[index], mul_mod(product, terms as u64, modulus), "{kernels:?}");
            }
            assert_eq!(context.counter.take().mod_muls, (2 * terms * mixed.len()) as u64);
        }
    }

    #[test]
    fn sums_of_the_largest_products_are_exact_at_any_length() {
        for terms in [0, 1, 3, 4, 5, 4094, 4095, 4096, 8200] {
            check(vec![50, 50], terms);
        }
        for terms in [0, 1, 100, 254, 255, 256, 257, 600] {
            check(vec![60, 60, 36], terms);
        }
        check(vec![20, 30, 52], 5000);
    }
}
