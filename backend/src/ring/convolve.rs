//! Convolutions on shares: gathered inputs times weights, in blocks that stay in vector registers.

use crate::counter::Counter;
use crate::simd::Path;
use pisim_protocol::{ConvShape, Work};
use rayon::prelude::*;
use std::num::Wrapping;
use std::ops::{AddAssign, Mul, Range};

/// Output channels whose sums are in registers at once, and which one thread takes at a time.
pub(crate) const GROUP: usize = 8;

/// Taps of one pass over a strip: its inputs stay in the second-level cache while the passes of other groups read them.
const TAPS_PER_PASS: usize = 512;

/// Applies weights `[out][in][ky][kx]` to a share `[channel][y][x]`; correct modulo 2^bits.
pub fn convolve(shape: &ConvShape, weights: &[i32], input: &[u64], bits: u32, counter: &Counter) -> Vec<u64> {
    convolve_pixels(shape, weights, input, bits, Pixels::All, counter)
}

/// As [`convolve`], but computes only some pixels of the output: `[channel][pixel]`.
pub fn convolve_pixels(
    shape: &ConvShape,
    weights: &[i32],
    input: &[u64],
    bits: u32,
    pixels: Pixels<'_>,
    counter: &Counter,
) -> Vec<u64> {
    let few = pixels.count(shape) <= 16;
    // Half the width is twice the lanes.
    if bits <= 32 {
        let output: Vec<Wrapping<u32>> = match Path::current() {
            _ if few => convolve_words::<_, 16>(shape, weights, input, pixels, counter),
            Path::Avx512 => convolve_words::<_, 32>(shape, weights, input, pixels, counter),
            _ => convolve_words::<_, 128>(shape, weights, input, pixels, counter),
        };
        return output.into_iter().map(|value| u64::from(value.0)).collect();
    }
    let output: Vec<Wrapping<u64>> = match few {
        true => convolve_words::<_, 16>(shape, weights, input, pixels, counter),
        false => convolve_words::<_, 128>(shape, weights, input, pixels, counter),
    };
    output.into_iter().map(|value| value.0).collect()
}

/// An element of a ring.
trait Word: Copy + Default + Send + Sync + AddAssign + Mul<Output = Self> {
    fn of_share(share: u64) -> Self;
    fn of_weight(weight: i32) -> Self;
    /// [`accumulate`], by the fastest kernel of the machine.
    fn accumulate<const W: usize, const R: usize>(
        sums: &mut [[Self; W]; R],
        weights: &[&[i32]; R],
        patches: &[[Self; W]],
    );
}

/// The portable kernel, at every vector width that the machine has.
fn dispatch<T: Word, const W: usize, const R: usize>(
    sums: &mut [[T; W]; R],
    weights: &[&[i32]; R],
    patches: &[[T; W]],
) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || accumulate(sums, weights, patches),
    );
}

impl Word for Wrapping<u32> {
    fn of_share(share: u64) -> Self {
        Self(share as u32)
    }

    #[inline(always)]
    fn of_weight(weight: i32) -> Self {
        Self(weight as u32)
    }

    fn accumulate<const W: usize, const R: usize>(
        sums: &mut [[Self; W]; R],
        weights: &[&[i32]; R],
        patches: &[[Self; W]],
    ) {
        #[cfg(target_arch = "x86_64")]
        if W <= 32 && Path::current() == Path::Avx512 && is_x86_feature_detected!("avx512f") {
            // SAFETY: the path was found on this processor.
            return unsafe { accumulate_avx512(sums, weights, patches) };
        }
        dispatch(sums, weights, patches);
    }
}

impl Word for Wrapping<u64> {
    fn of_share(share: u64) -> Self {
        Self(share)
    }

    #[inline(always)]
    fn of_weight(weight: i32) -> Self {
        Self(i64::from(weight) as u64)
    }

    fn accumulate<const W: usize, const R: usize>(
        sums: &mut [[Self; W]; R],
        weights: &[&[i32]; R],
        patches: &[[Self; W]],
    ) {
        dispatch(sums, weights, patches);
    }
}

/// With `W` output pixels at a time: a strip.
fn convolve_words<T: Word, const W: usize>(
    shape: &ConvShape,
    weights: &[i32],
    input: &[u64],
    pixels: Pixels<'_>,
    counter: &Counter,
) -> Vec<T> {
    let patches: Vec<[T; W]> = gather(shape, input, pixels);
    let (taps, pixels) = (shape.taps(), pixels.count(shape));
    let mut output = vec![T::default(); shape.out_channels * pixels];
    let groups = output.par_chunks_mut((GROUP * pixels).max(1)).zip(weights.par_chunks((GROUP * taps).max(1)));
    groups.for_each(|(output, weights)| {
        multiply(output, weights, &patches, taps, pixels);
        let macs = (weights.len() * pixels) as u64;
        counter.add(Work { ring_macs: macs, ..Work::default() });
    });
    output
}

/// The rows of some output channels: as many at once as there are, in powers of two.
fn multiply<T: Word, const W: usize>(
    output: &mut [T],
    weights: &[i32],
    patches: &[[T; W]],
    taps: usize,
    pixels: usize,
) {
    let rows = weights.len() / taps.max(1);
    let mut first = 0;
    while first < rows {
        let (output, weights) = (&mut output[first * pixels..], &weights[first * taps..]);
        first += match rows - first {
            8.. => rows_of::<T, W, 8>(output, weights, patches, taps, pixels),
            4.. => rows_of::<T, W, 4>(output, weights, patches, taps, pixels),
            2.. => rows_of::<T, W, 2>(output, weights, patches, taps, pixels),
            _ => rows_of::<T, W, 1>(output, weights, patches, taps, pixels),
        };
    }
}

/// `R` rows of the output; returns `R`.
fn rows_of<T: Word, const W: usize, const R: usize>(
    output: &mut [T],
    weights: &[i32],
    patches: &[[T; W]],
    taps: usize,
    pixels: usize,
) -> usize {
    for (strip, patches) in patches.chunks_exact(taps.max(1)).enumerate() {
        let first = strip * W;
        let lanes = W.min(pixels - first);
        let mut sums = [[T::default(); W]; R];
        for tap in (0..taps).step_by(TAPS_PER_PASS) {
            let patches = &patches[tap..(tap + TAPS_PER_PASS).min(taps)];
            let rows: [&[i32]; R] = std::array::from_fn(|row| &weights[row * taps + tap..][..patches.len()]);
            T::accumulate(&mut sums, &rows, patches);
        }
        for (row, sums) in sums.iter().enumerate() {
            output[row * pixels + first..][..lanes].copy_from_slice(&sums[..lanes]);
        }
    }
    R
}

/// `sums[row] += Σ weights[row][tap] · patches[tap]`, one row after the other.
#[inline(always)]
fn accumulate<T: Word, const W: usize, const R: usize>(
    sums: &mut [[T; W]; R],
    weights: &[&[i32]; R],
    patches: &[[T; W]],
) {
    for (sums, weights) in sums.iter_mut().zip(weights) {
        for (weight, patch) in weights.iter().zip(patches) {
            let weight = T::of_weight(*weight);
            for (sum, value) in sums.iter_mut().zip(patch) {
                *sum += weight * *value;
            }
        }
    }
}

/// As [`accumulate`] for 32-bit rings and strips of 16 or 32 pixels, with the sums of all rows in registers.
///
/// # Safety
/// The processor has AVX-512 F.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn accumulate_avx512<const W: usize, const R: usize>(
    sums: &mut [[Wrapping<u32>; W]; R],
    weights: &[&[i32]; R],
    patches: &[[Wrapping<u32>; W]],
) {
    use std::arch::x86_64::{
        __m512i, _mm512_add_epi32, _mm512_loadu_si512, _mm512_mullo_epi32, _mm512_set1_epi32, _mm512_setzero_si512,
        _mm512_storeu_si512,
    };
    const LANES: usize = 16;
    let weights = weights.map(|row| row.get(..patches.len()).unwrap_or_default());
    if weights.iter().any(|row| row.len() < patches.len()) || !(W == LANES || W == 2 * LANES) {
        return;
    }
    // SAFETY: W is one or two times LANES, and every `words` below points to W numbers; loads and stores are unaligned.
    let load = |words: &[Wrapping<u32>; W]| unsafe {
        let low = _mm512_loadu_si512(words.as_ptr().cast());
        let high =
            if W > LANES { _mm512_loadu_si512(words.as_ptr().add(LANES).cast()) } else { _mm512_setzero_si512() };
        [low, high]
    };
    let mut local: [[__m512i; 2]; R] = std::array::from_fn(|row| load(&sums[row]));
    for (tap, patch) in patches.iter().enumerate() {
        let [low, high] = load(patch);
        for row in 0..R {
            // SAFETY: every row has as many weights as there are patches.
            let weight = _mm512_set1_epi32(unsafe { *weights[row].get_unchecked(tap) });
            local[row][0] = _mm512_add_epi32(local[row][0], _mm512_mullo_epi32(weight, low));
            if W > LANES {
                local[row][1] = _mm512_add_epi32(local[row][1], _mm512_mullo_epi32(weight, high));
            }
        }
    }
    for (sums, [low, high]) in sums.iter_mut().zip(local) {
        // SAFETY: as above.
        unsafe {
            _mm512_storeu_si512(sums.as_mut_ptr().cast(), low);
            if W > LANES {
                _mm512_storeu_si512(sums.as_mut_ptr().add(LANES).cast(), high);
            }
        }
    }
}

/// The inputs of the output pixels, `[strip][tap][lane]`, zero in the padding and in the lanes behind the last pixel.
fn gather<T: Word, const W: usize>(shape: &ConvShape, input: &[u64], pixels: Pixels<'_>) -> Vec<[T; W]> {
    let padded = pad::<T>(shape, input);
    let (width, plane) = (shape.in_width + 2 * shape.padding, padded_plane(shape));
    let (kernel, count) = (shape.kernel, pixels.count(shape));
    let window = kernel * kernel;
    let strips: Vec<Vec<Run>> =
        (0..count.div_ceil(W)).map(|strip| pixels.runs(shape, strip * W..((strip + 1) * W).min(count))).collect();
    let mut patches = vec![[T::default(); W]; strips.len() * shape.taps()];
    // One item is a strip of one channel.
    patches.par_chunks_mut(window.max(1)).with_min_len(16).enumerate().for_each(|(item, patches)| {
        let (strip, channel) = (item / shape.in_channels, item % shape.in_channels);
        let channel = &padded[channel * plane..][..plane];
        for &Run { pixel, lane, len } in &strips[strip] {
            let first = pixel % shape.out_width() * shape.stride + pixel / shape.out_width() * shape.stride * width;
            for (tap, patch) in patches.iter_mut().enumerate() {
                let source = &channel[first + tap / kernel * width + tap % kernel..];
                let target = &mut patch[lane..lane + len];
                match shape.stride {
                    1 => target.copy_from_slice(&source[..len]),
                    stride => target.iter_mut().zip(source.iter().step_by(stride)).for_each(|(to, from)| *to = *from),
                }
            }
        }
    });
    patches
}

/// Which pixels of the output are computed, counted row by row.
#[derive(Debug, Clone, Copy)]
pub enum Pixels<'a> {
    /// All of them.
    All,
    /// These, ascending.
    Some(&'a [usize]),
}

/// Pixels of one row that follow each other: the first, its lane in the strip, and how many.
struct Run {
    pixel: usize,
    lane: usize,
    len: usize,
}

impl Pixels<'_> {
    /// How many are computed.
    fn count(self, shape: &ConvShape) -> usize {
        match self {
            Self::All => shape.out_height() * shape.out_width(),
            Self::Some(pixels) => pixels.len(),
        }
    }

    /// The computed pixels with these numbers, in runs.
    fn runs(self, shape: &ConvShape, numbers: Range<usize>) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for (lane, number) in numbers.enumerate() {
            let pixel = match self {
                Self::All => number,
                Self::Some(pixels) => pixels[number],
            };
            match runs.last_mut().filter(|run| run.pixel + run.len == pixel && pixel % shape.out_width() != 0) {
                Some(run) => run.len += 1,
                None => runs.push(Run { pixel, lane, len: 1 }),
            }
        }
        runs
    }
}

/// Elements of one channel with its padding.
fn padded_plane(shape: &ConvShape) -> usize {
    (shape.in_height + 2 * shape.padding) * (shape.in_width + 2 * shape.padding)
}

/// The input with zeros around every channel.
fn pad<T: Word>(shape: &ConvShape, input: &[u64]) -> Vec<T> {
    let (padding, width) = (shape.padding, shape.in_width + 2 * shape.padding);
    let mut padded = vec![T::default(); shape.in_channels * padded_plane(shape)];
    let channels = padded.chunks_mut(padded_plane(shape).max(1)).zip(input.chunks(shape.in_height * shape.in_width));
    for (padded, channel) in channels {
        let rows = padded.chunks_mut(width).skip(padding).zip(channel.chunks(shape.in_width));
        for (padded, row) in rows {
            padded[padding..].iter_mut().zip(row).for_each(|(to, from)| *to = T::of_share(*from));
        }
    }
    padded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use proptest::prelude::*;
    use rand_core::Rng;

    /// The definition, one product at a time.
    fn direct(shape: &ConvShape, weights: &[i32], input: &[u64]) -> Vec<u64> {
        let mut output = Vec::new();
        for out in 0..shape.out_channels {
            for y in 0..shape.out_height() {
                for x in 0..shape.out_width() {
                    let mut sum = 0u64;
                    for channel in 0..shape.in_channels {
                        for tap in 0..shape.kernel * shape.kernel {
                            let (ky, kx) = (tap / shape.kernel, tap % shape.kernel);
                            let row = (y * shape.stride + ky) as isize - shape.padding as isize;
                            let column = (x * shape.stride + kx) as isize - shape.padding as isize;
                            let inside = (0..shape.in_height as isize).contains(&row)
                                && (0..shape.in_width as isize).contains(&column);
                            if inside {
                                let at = (channel * shape.in_height + row as usize) * shape.in_width + column as usize;
                                let weight = weights[(out * shape.in_channels + channel) * shape.kernel.pow(2) + tap];
                                sum = sum.wrapping_add((weight as i64 as u64).wrapping_mul(input[at]));
                            }
                        }
                    }
                    output.push(sum);
                }
            }
        }
        output
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn ring_convolution_equals_its_definition_and_counts_every_product(
            (in_channels, out_channels) in (1usize..5, 1usize..20), (in_height, in_width) in (1usize..28, 1usize..28),
            kernel in prop::sample::select(vec![1usize, 3]), stride in 1usize..3, wide: bool, seed: u64,
        ) {
            let padding = kernel / 2;
            let shape = ConvShape { in_channels, in_height, in_width, out_channels, kernel, stride, padding };
            let mut rng = Seed::reproducible(seed).rng();
            let weights: Vec<i32> = (0..out_channels * shape.taps()).map(|_| rng.next_u32() as i32 >> 20).collect();
            let input: Vec<u64> = (0..shape.inputs()).map(|_| rng.next_u64()).collect();
            let (bits, mask) = if wide { (64, u64::MAX) } else { (32, u64::from(u32::MAX)) };
            let counter = Counter::default();
            let output = convolve(&shape, &weights, &input, bits, &counter);
            prop_assert_eq!(counter.take().ring_macs, shape.macs());
            let direct = direct(&shape, &weights, &input);
            for (value, expected) in output.iter().zip(&direct) {
                prop_assert_eq!(value & mask, expected & mask);
            }
            // Some pixels alone: the same values, and only their products.
            let pixels = shape.out_height() * shape.out_width();
            let some: Vec<usize> = (0..pixels).filter(|pixel| *pixel == 0 || rng.next_u32().is_multiple_of(3)).collect();
            let output = convolve_pixels(&shape, &weights, &input, bits, Pixels::Some(&some), &counter);
            prop_assert_eq!(counter.take().ring_macs, (some.len() * out_channels * shape.taps()) as u64);
            let expected = direct.chunks(pixels).flat_map(|channel| some.iter().map(|pixel| channel[*pixel]));
            prop_assert!(output.iter().map(|value| value & mask).eq(expected.map(|value| value & mask)));
        }
    }
}
