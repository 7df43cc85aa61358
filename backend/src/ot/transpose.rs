//! Transposition of 128×128 bit blocks: with AVX-512 and GFNI where the processor has them, otherwise in any vectors.

use crate::gc::Block;
use crate::simd::Path;
use pulp::{Arch, Simd, WithSimd};

/// A bit matrix: bit c of row r.
pub(super) type Matrix = [Block; 128];

/// A way to transpose that this processor has.
#[derive(Clone, Copy)]
pub(super) struct Transposer(Kernel);

#[derive(Clone, Copy)]
enum Kernel {
    Portable(Arch),
    /// Only made after the processor was found to have the instructions.
    #[cfg(target_arch = "x86_64")]
    Gfni,
}

impl Transposer {
    /// The fastest way.
    pub(super) fn fastest() -> Self {
        #[cfg(target_arch = "x86_64")]
        if Path::current() == Path::Avx512 && super::transpose_gfni::available() {
            return Self(Kernel::Gfni);
        }
        Self::portable()
    }

    /// The way that every processor has.
    pub(super) fn portable() -> Self {
        Self(Kernel::Portable(Arch::new()))
    }

    /// Transposes: bit c of row r of `from` becomes bit r of row c of `to`.
    #[inline]
    pub(super) fn transpose(self, from: &Matrix, to: &mut Matrix) {
        match self.0 {
            Kernel::Portable(arch) => {
                *to = *from;
                arch.dispatch(Exchange(to));
            }
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this variant exists only where `available` found the instructions.
            Kernel::Gfni => unsafe { super::transpose_gfni::transpose(from, to) },
        }
    }
}

/// Recursive exchange of off-diagonal quadrants in place (Hacker's Delight, §7-3): seven rounds of 64 exchanges. From the
/// second round on, loops run over 64-bit halves, which vectorise.
struct Exchange<'a>(&'a mut Matrix);

impl WithSimd for Exchange<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let (upper, lower) = self.0.split_at_mut(64);
        for (upper, lower) in upper.iter_mut().zip(lower) {
            let low = Block::from(u64::MAX);
            (*upper, *lower) = (*upper & low | *lower << 64, *upper >> 64 | *lower & !low);
        }
        let halves: &mut [u64] = bytemuck::cast_slice_mut(self.0);
        round::<32>(halves, 0x0000_0000_ffff_ffff);
        round::<16>(halves, 0x0000_ffff_0000_ffff);
        round::<8>(halves, 0x00ff_00ff_00ff_00ff);
        round::<4>(halves, 0x0f0f_0f0f_0f0f_0f0f);
        round::<2>(halves, 0x3333_3333_3333_3333);
        round::<1>(halves, 0x5555_5555_5555_5555);
    }
}

/// Exchanges the bits outside `mask` of every row with those in it of the row `WIDTH` further.
#[inline(always)]
fn round<const WIDTH: usize>(halves: &mut [u64], mask: u64) {
    for rows in halves.chunks_exact_mut(4 * WIDTH) {
        let (upper, lower) = rows.split_at_mut(2 * WIDTH);
        for (upper, lower) in upper.iter_mut().zip(lower) {
            let swap = ((*upper >> WIDTH) ^ *lower) & mask;
            *upper ^= swap << WIDTH;
            *lower ^= swap;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_way_of_transposition_swaps_row_and_column(rows in proptest::collection::vec(any::<u128>(), 128)) {
            let rows: Matrix = rows.try_into().unwrap();
            for transposer in [Transposer::portable(), Transposer::fastest()] {
                let mut transposed = [u128::MAX; 128];
                transposer.transpose(&rows, &mut transposed);
                for (r, row) in rows.iter().enumerate() {
                    for (c, column) in transposed.iter().enumerate() {
                        prop_assert_eq!(row >> c & 1, column >> r & 1);
                    }
                }
            }
        }
    }
}
