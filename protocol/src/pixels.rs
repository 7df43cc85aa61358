//! The pixels of its output that a masked convolution computes.

use crate::packing::ConvShape;
use pisim_netgen::{LayerId, Network};
use serde::Serialize;
use std::sync::Arc;

/// The computed pixels of a convolution's output, in order; all other pixels are zero in all channels.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(into = "Vec<usize>")]
pub struct KeptPixels {
    /// For every pixel of the output, how many kept ones come before it; last, how many there are.
    before: Arc<[usize]>,
}

impl From<KeptPixels> for Vec<usize> {
    fn from(kept: KeptPixels) -> Self {
        kept.iter().collect()
    }
}

impl KeptPixels {
    /// Those of a masked layer; `None` for one that computes all of its pixels, or whose mask is not the same in all channels.
    pub fn of(network: &Network, layer: LayerId) -> Option<Self> {
        let layer = network.layers.get(layer.0)?;
        let pixels = layer.mask.as_ref()?.kept_pixels()?;
        Some(Self::new(&pixels, layer.output.pixels()))
    }

    /// The pixels `kept`, ascending, of `pixels` pixels.
    pub fn new(kept: &[usize], pixels: usize) -> Self {
        let mut next = kept.iter().peekable();
        let mut count = 0;
        let mut before = Vec::with_capacity(pixels + 1);
        for pixel in 0..pixels {
            before.push(count);
            if next.next_if(|kept| **kept == pixel).is_some() {
                count += 1;
            }
        }
        before.push(count);
        Self { before: before.into() }
    }

    /// Number of kept pixels.
    pub fn count(&self) -> usize {
        self.before.last().copied().unwrap_or(0)
    }

    /// Whether a pixel, counted row by row, is computed.
    pub fn contains(&self, pixel: usize) -> bool {
        self.before.get(pixel..pixel + 2).is_some_and(|pair| pair.first() != pair.last())
    }

    /// Kept pixels of a range of pixels of one row.
    pub fn count_in(&self, pixels: std::ops::Range<usize>) -> usize {
        let before = |pixel: usize| self.before.get(pixel).copied().unwrap_or(0);
        before(pixels.end).saturating_sub(before(pixels.start))
    }

    /// The kept pixels, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.before.windows(2).enumerate().filter(|(_, pair)| pair.first() != pair.last()).map(|(pixel, _)| pixel)
    }
}

/// Output pixels that a convolution of `shape` computes.
pub fn computed_pixels(shape: &ConvShape, kept: Option<&KeptPixels>) -> usize {
    kept.map_or(shape.out_height() * shape.out_width(), KeptPixels::count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_pixels_are_counted_and_found() {
        let kept = KeptPixels::new(&[1, 2, 6], 8);
        assert_eq!(kept.iter().collect::<Vec<_>>(), [1, 2, 6]);
        assert_eq!((0..9).filter(|pixel| kept.contains(*pixel)).collect::<Vec<_>>(), [1, 2, 6]);
        assert_eq!([kept.count(), kept.count_in(0..4), kept.count_in(4..8), kept.count_in(7..8)], [3, 2, 1, 0]);
        assert_eq!(serde_json::to_string(&kept).unwrap(), "[1,2,6]");
        let none = KeptPixels::new(&[], 0);
        assert!(none.count() == 0 && !none.contains(0) && none.iter().next().is_none());
    }
}
