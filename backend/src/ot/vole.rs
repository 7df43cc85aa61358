//! Subfield vector OLEs, tile by tile: from the leaves' streams to rows of the correlated transfers' matrix.

use super::transpose::Transposer;
use super::tree::{DEPTH, LEAVES};
use crate::gc::Block;
use crate::random::BlockStream;
use pulp::{Arch, Simd, WithSimd};
use std::array::from_fn;
use zeroize::Zeroizing;

/// Blocks of 128 transfers in one tile: the 16 streams of one vector OLE stay in the first-level cache (16 KiB), the matrix
/// (128 KiB) in the second, and AES runs on whole batches.
pub(super) const TILE: usize = 64;

/// Transfers in one block, and columns of the matrix.
pub(super) const ROWS: usize = 128;

/// The streams of one vector OLE: of all leaves at the receiver, of all but leaf 0 at the sender.
pub(super) type Streams = Vec<BlockStream>;

/// The sums of one vector OLE over a tile, one block per 128 transfers.
pub(super) struct Sums<'a> {
    /// u, the sum of all streams; of no use at the sender, whose first stream is missing.
    pub(super) sum: &'a [Block],
    /// v or w: column b is the sum of the streams of the leaves whose number has bit b.
    pub(super) columns: [&'a mut [Block]; DEPTH],
}

/// The memory in which one thread works; wiped when dropped.
pub(super) struct Tile {
    leaves: Zeroizing<Vec<Block>>,
    sums: Zeroizing<Vec<Block>>,
    matrix: Zeroizing<Vec<[Block; ROWS]>>,
    arch: Arch,
    transposer: Transposer,
}

impl Tile {
    pub(super) fn new() -> Self {
        Self {
            leaves: Zeroizing::new(vec![0; LEAVES * TILE]),
            sums: Zeroizing::new(vec![0; (1 + DEPTH) * TILE]),
            matrix: Zeroizing::new(vec![[0; ROWS]; TILE]),
            arch: Arch::new(),
            transposer: Transposer::fastest(),
        }
    }

    /// Writes the rows of at most [`TILE`] blocks of transfers, numbered from block `first`, after `correct` has seen and
    /// changed the sums of every vector OLE.
    pub(super) fn rows(
        &mut self,
        voles: &[Streams],
        first: u64,
        rows: &mut [Block],
        mut correct: impl FnMut(usize, &mut Sums<'_>),
    ) {
        let blocks = rows.len().div_ceil(ROWS).min(TILE);
        let Self { leaves, sums, matrix, arch, transposer } = self;
        for (vole, streams) in voles.iter().enumerate() {
            let mut sums = expand(*arch, streams, first, blocks, leaves, sums);
            correct(vole, &mut sums);
            for (block, matrix) in matrix.iter_mut().take(blocks).enumerate() {
                let columns: [Block; DEPTH] = from_fn(|bit| sums.columns[bit][block]);
                matrix[vole * DEPTH..][..DEPTH].copy_from_slice(&columns);
            }
        }
        let (whole, rest) = rows.as_chunks_mut::<ROWS>();
        for (columns, rows) in matrix.iter().zip(whole) {
            transposer.transpose(columns, rows);
        }
        if let Some(columns) = matrix.get(blocks.wrapping_sub(1)).filter(|_| !rest.is_empty()) {
            let mut last = Zeroizing::new([0; ROWS]);
            transposer.transpose(columns, &mut last);
            rest.copy_from_slice(&last[..rest.len()]);
        }
    }
}

/// The sums of one vector OLE over at most [`TILE`] blocks, numbered from `first`.
fn expand<'a>(
    arch: Arch,
    streams: &[BlockStream],
    first: u64,
    blocks: usize,
    leaves: &mut [Block],
    sums: &'a mut [Block],
) -> Sums<'a> {
    // The sender's streams are those of the last leaves; leaf 0 stays zero.
    let missing = LEAVES - streams.len();
    for (stream, leaf) in streams.iter().zip(leaves.chunks_exact_mut(TILE).skip(missing)) {
        stream.fill(first, &mut leaf[..blocks]);
    }
    arch.dispatch(Fold { leaves, sums, blocks });
    let (sum, columns) = sums.split_at_mut(TILE);
    let mut columns = columns.chunks_exact_mut(TILE);
    Sums { sum: &sum[..blocks], columns: from_fn(|_| columns.next().map_or(&mut [][..], |c| &mut c[..blocks])) }
}

/// Sums the leaves and their numbers' multiples: leaves fold pairwise, and what folds away carries its number's lowest bit.
/// 26 additions for 16 leaves.
struct Fold<'a> {
    leaves: &'a [Block],
    sums: &'a mut [Block],
    blocks: usize,
}

impl WithSimd for Fold<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let vectors = (2 * self.blocks).div_ceil(S::U64_LANES);
        let leaves: [&[S::u64s]; LEAVES] =
            from_fn(|leaf| &S::as_simd_u64s(bytemuck::cast_slice(&self.leaves[leaf * TILE..][..TILE])).0[..vectors]);
        let mut rows = self.sums.chunks_exact_mut(TILE);
        let mut row = || match rows.next() {
            Some(row) => &mut S::as_mut_simd_u64s(bytemuck::cast_slice_mut(row)).0[..vectors],
            None => &mut [],
        };
        let sum = row();
        let mut columns: [&mut [S::u64s]; DEPTH] = from_fn(|_| row());
        for at in 0..vectors {
            let mut nodes: [S::u64s; LEAVES] = from_fn(|leaf| leaves[leaf][at]);
            for (bit, columns) in columns.iter_mut().enumerate() {
                let pairs = LEAVES >> (bit + 1);
                let mut column = nodes[1];
                for pair in 1..pairs {
                    column = simd.xor_u64s(column, nodes[2 * pair + 1]);
                }
                columns[at] = column;
                for pair in 0..pairs {
                    nodes[pair] = simd.xor_u64s(nodes[2 * pair], nodes[2 * pair + 1]);
                }
            }
            sum[at] = nodes[0];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;

    #[test]
    fn sums_are_those_of_the_streams_and_of_their_numbers_multiples() {
        let seed = Seed::reproducible(5);
        let streams: Streams = (0..LEAVES as u64).map(|leaf| BlockStream::new(&seed.derive("leaf", leaf))).collect();
        let mut tile = Tile::new();
        for blocks in [1, 2, 3, 31, TILE] {
            let mut leaves = vec![vec![0; blocks]; LEAVES];
            streams.iter().zip(&mut leaves).for_each(|(stream, leaf)| stream.fill(77, leaf));
            let sums = expand(tile.arch, &streams, 77, blocks, &mut tile.leaves, &mut tile.sums);
            for block in 0..blocks {
                assert_eq!(sums.sum[block], leaves.iter().fold(0, |sum, leaf| sum ^ leaf[block]));
                for bit in 0..DEPTH {
                    let numbered = leaves.iter().enumerate().filter(|(leaf, _)| leaf >> bit & 1 == 1);
                    assert_eq!(sums.columns[bit][block], numbered.fold(0, |sum, (_, leaf)| sum ^ leaf[block]));
                }
            }
        }
    }
}
