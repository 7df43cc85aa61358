//! Static masks of layers: which elements of a ReLU are kept, and which pixels of a convolution are computed at all.
//!
//! A mask is public and does not depend on the input, so skipping what it leaves out reveals nothing. Two uses:
//! [`mask`](fn@mask) linearises single ReLUs or channels (SNL; Cho et al., ICML 2022), [`spatial_mask`] silences the same pixels in all
//! channels of every layer (semi-structured activation sparsity; Grimaldi et al., ICCV Workshops 2023).

mod expand;
mod file;
mod relu;
mod score;
mod spatial;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Shape;

pub(crate) use expand::{postpone, zeros_after};
pub use file::{read_bitmap, read_scores};
pub use relu::{Granularity, ReluChoice, mask};
pub use score::ScoreMap;
pub use spatial::spatial_mask;

/// What happens to one element of a masked layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cell {
    /// It is computed as the layer says.
    Kept,
    /// It passes as it is, in the output's fraction bits: SNL's α·ReLU(x) + (1 − α)·x for α = 0. Only in activations.
    Linear,
    /// It is zero, known to everybody, and nothing is computed.
    Zero,
}

/// One [`Cell`] for every element of a layer's output, `[channel][row][column]`. Copies share the cells.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Runs", into = "Runs")]
pub struct LayerMask {
    shape: Shape,
    cells: Arc<[Cell]>,
    /// Elements of each kind, in the order of [`Cell`].
    counts: [usize; 3],
}

impl LayerMask {
    /// A mask of `shape` from its cells; none if their number is wrong.
    pub fn new(shape: Shape, cells: impl Into<Arc<[Cell]>>) -> Option<Self> {
        let cells = cells.into();
        if cells.len() != shape.len() {
            return None;
        }
        let count = |cell| cells.iter().filter(|&&other| other == cell).count();
        let counts = [count(Cell::Kept), count(Cell::Linear), count(Cell::Zero)];
        Some(Self { shape, cells, counts })
    }

    /// The mask that says `cell(index)` of every element.
    pub fn from_fn(shape: Shape, cell: impl FnMut(usize) -> Cell) -> Self {
        let cells: Arc<[Cell]> = (0..shape.len()).map(cell).collect();
        let count = |cell| cells.iter().filter(|&&other| other == cell).count();
        let counts = [count(Cell::Kept), count(Cell::Linear), count(Cell::Zero)];
        Self { shape, cells, counts }
    }

    /// Shape of the layer's output.
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// The cells, `[channel][row][column]`.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// Elements of one kind.
    pub const fn count(&self, cell: Cell) -> usize {
        match cell {
            Cell::Kept => self.counts[0],
            Cell::Linear => self.counts[1],
            Cell::Zero => self.counts[2],
        }
    }

    /// Whether it keeps every element, as no mask would.
    pub const fn keeps_all(&self) -> bool {
        self.count(Cell::Kept) == self.shape.len()
    }

    /// The elements of one kind, in order.
    pub fn elements(&self, cell: Cell) -> impl Iterator<Item = usize> + '_ {
        self.cells.iter().enumerate().filter(move |&(_, &other)| other == cell).map(|(index, _)| index)
    }

    /// For every element, which input of a merge it comes from and its place there, both counted from 0; none where it is zero.
    pub fn merge_sources(&self) -> impl Iterator<Item = Option<(usize, usize)>> + '_ {
        // Without kept elements the linear ones are the first input.
        let linear_input = usize::from(self.count(Cell::Kept) > 0);
        let (mut kept, mut linear) = (0..self.count(Cell::Kept), 0..self.count(Cell::Linear));
        self.cells.iter().map(move |cell| match cell {
            Cell::Kept => Some((0, kept.next()?)),
            Cell::Linear => Some((linear_input, linear.next()?)),
            Cell::Zero => None,
        })
    }

    /// Kept elements of one channel, if every channel has as many.
    pub(crate) fn kept_per_channel(&self) -> Option<usize> {
        let each = self.count(Cell::Kept) / self.shape.channels.max(1);
        let mut channels = self.cells.chunks(self.shape.pixels().max(1));
        let kept = |channel: &[Cell]| channel.iter().filter(|cell| **cell == Cell::Kept).count();
        (each > 0 && channels.all(|channel| kept(channel) == each)).then_some(each)
    }

    /// The kept pixels, in order, if every channel has the same cells.
    pub fn kept_pixels(&self) -> Option<Vec<usize>> {
        let mut channels = self.cells.chunks(self.shape.pixels().max(1));
        let first = channels.next()?;
        channels.all(|channel| channel == first).then(|| {
            first.iter().enumerate().filter(|&(_, &cell)| cell == Cell::Kept).map(|(pixel, _)| pixel).collect()
        })
    }

    /// Whether two masks are copies of each other.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.shape == other.shape && Arc::ptr_eq(&self.cells, &other.cells)
    }

    /// Zero where both masks are; kept elsewhere. None where nothing is zero.
    pub(crate) fn common_zeros(&self, other: &Self) -> Option<Self> {
        let both =
            |index: usize| self.cells.get(index) == Some(&Cell::Zero) && other.cells.get(index) == Some(&Cell::Zero);
        let common = Self::from_fn(self.shape, |index| if both(index) { Cell::Zero } else { Cell::Kept });
        (self.shape == other.shape && !common.keeps_all()).then_some(common)
    }
}

/// More cells than any layer of a network that can be built in memory: a few runs must not claim them.
const MAX_CELLS: usize = 1 << 30;

/// A mask as written in a file: runs of equal cells.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Runs {
    shape: Shape,
    runs: Vec<(Cell, usize)>,
}

impl From<LayerMask> for Runs {
    fn from(mask: LayerMask) -> Self {
        let runs = mask.cells.chunk_by(|a, b| a == b).filter_map(|run| Some((*run.first()?, run.len()))).collect();
        Self { shape: mask.shape, runs }
    }
}

impl TryFrom<Runs> for LayerMask {
    type Error = String;

    fn try_from(Runs { shape, runs }: Runs) -> Result<Self, String> {
        let size = [shape.channels, shape.height, shape.width].iter().try_fold(1usize, |n, &size| n.checked_mul(size));
        let total = runs.iter().try_fold(0usize, |total, (_, len)| total.checked_add(*len));
        if total.is_none_or(|total| total > MAX_CELLS) || total != size {
            return Err(format!("the runs of a mask of shape {shape} do not have its number of elements"));
        }
        let cells: Arc<[Cell]> = runs.into_iter().flat_map(|(cell, len)| std::iter::repeat_n(cell, len)).collect();
        Self::new(shape, cells).ok_or_else(|| "a mask without elements".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_survives_its_file_and_a_wrong_number_of_cells_is_refused() {
        let shape = Shape::new(2, 2, 3);
        let mask = LayerMask::from_fn(shape, |index| [Cell::Kept, Cell::Kept, Cell::Linear, Cell::Zero][index % 4]);
        let text = serde_json::to_string(&mask).unwrap();
        assert_eq!(serde_json::from_str::<LayerMask>(&text).unwrap(), mask);
        assert_eq!((mask.count(Cell::Kept), mask.count(Cell::Linear), mask.count(Cell::Zero)), (6, 3, 3));
        let sources: Vec<_> = mask.merge_sources().take(8).collect();
        let (kept, linear) = (|place| Some((0, place)), |place| Some((1, place)));
        assert_eq!(sources, [kept(0), kept(1), linear(0), None, kept(2), kept(3), linear(1), None]);
        let only_linear = LayerMask::from_fn(shape, |_| Cell::Linear);
        assert_eq!(only_linear.merge_sources().last(), Some(Some((0, 11))));
        assert_eq!(LayerMask::new(shape, mask.cells()).unwrap(), mask);
        assert_eq!(LayerMask::new(shape, [Cell::Kept; 11]), None);
        for wrong in [
            r#"{"shape":[2,2,3],"runs":[["kept",11]]}"#,
            r#"{"shape":[2,2,3],"runs":[["kept",18446744073709551615],["zero",13]]}"#,
            r#"{"shape":[4294967296,4294967296,3],"runs":[["kept",0]]}"#,
        ] {
            let error = serde_json::from_str::<LayerMask>(wrong).unwrap_err().to_string();
            assert!(error.contains("number of elements"), "{error}");
        }
    }

    #[test]
    fn pixels_are_kept_only_if_all_channels_agree() {
        let shape = Shape::new(2, 1, 3);
        let same = LayerMask::from_fn(shape, |index| if index % 3 == 1 { Cell::Zero } else { Cell::Kept });
        assert_eq!(same.kept_pixels().unwrap(), [0, 2]);
        let other = LayerMask::from_fn(shape, |index| if index == 1 { Cell::Zero } else { Cell::Kept });
        assert_eq!(other.kept_pixels(), None);
        assert_eq!(same.common_zeros(&other).unwrap(), other);
        // Only zeros matter: what is linear is there.
        let linear = LayerMask::from_fn(shape, |index| if index == 1 { Cell::Zero } else { Cell::Linear });
        assert_eq!(linear.common_zeros(&linear).unwrap(), other);
        let none = LayerMask::from_fn(shape, |_| Cell::Kept);
        assert_eq!(none.common_zeros(&same), None);
    }
}
