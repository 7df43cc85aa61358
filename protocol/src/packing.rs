//! Coefficient packing of convolutions into ring polynomials, with no rotations (Cheetah, USENIX Security 2022, §3.1.1).
//!
//! A tile of the padded input with C channels of H×W values is the polynomial with coefficient `c·HW + y·W + x`; a kernel
//! for M output channels is the polynomial with coefficient `O − m·C·HW − c·HW − ky·W − kx`, where
//! `O = HW·(M·C − 1) + W·(κ − 1) + κ − 1`. Their product modulo X^N + 1 holds output (m, y, x) at `O − m·C·HW + y·s·W + x·s`
//! whenever `M·C·HW ≤ N`: products that wrap around stay below the lowest of these positions.
//! A fully connected layer is a 1×1 convolution on one pixel; a strided 1×1 convolution first drops the pixels it skips.

mod choice;
mod places;
mod shape;
mod sizes;

pub use choice::PackingFault;
pub use shape::ConvShape;
pub use sizes::packed;

use crate::noise::ReplyFormat;
use crate::pixels::{KeptPixels, computed_pixels};
use serde::Serialize;

/// Where one convolution's values go in its ciphertexts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConvPlan {
    /// The convolution.
    pub shape: ConvShape,
    /// Ring degree N.
    pub degree: usize,
    /// Limbs of a fresh ciphertext.
    pub limbs: usize,
    /// Limbs of a reply.
    pub response_limbs: usize,
    /// Bits of each limb.
    pub limb_bits: Vec<u32>,
    /// Input values that one step of the packed input spans: the stride of a 1×1 convolution, otherwise 1.
    pub subsample: usize,
    /// Height of one tile's output.
    pub tile_out_height: usize,
    /// Width of one tile's output.
    pub tile_out_width: usize,
    /// Input channels in one ciphertext, C.
    pub channels_in: usize,
    /// Output channels in one reply, M.
    pub channels_out: usize,
    /// The noise that a reply gets, and the bits that it leaves out.
    pub reply: ReplyFormat,
    /// Whether the server has transformed the weights before all inferences.
    pub prepared: bool,
    /// The output pixels that replies hold, if not all. Ciphertexts are those of all pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<KeptPixels>,
}

impl ConvPlan {
    /// The stride between outputs in the packed input.
    pub fn packed_stride(&self) -> usize {
        self.shape.stride / self.subsample
    }

    /// Height of one tile of the padded, subsampled input, H.
    pub fn tile_height(&self) -> usize {
        (self.tile_out_height - 1) * self.packed_stride() + self.shape.kernel
    }

    /// Width of one tile of the padded, subsampled input, W.
    pub fn tile_width(&self) -> usize {
        (self.tile_out_width - 1) * self.packed_stride() + self.shape.kernel
    }

    /// Values of one channel of one tile, HW.
    pub fn tile_len(&self) -> usize {
        self.tile_height() * self.tile_width()
    }

    /// Rows of tiles.
    pub fn tile_rows(&self) -> usize {
        self.shape.out_height().div_ceil(self.tile_out_height)
    }

    /// Columns of tiles.
    pub fn tile_columns(&self) -> usize {
        self.shape.out_width().div_ceil(self.tile_out_width)
    }

    /// Spatial tiles.
    pub fn tiles(&self) -> usize {
        self.tile_rows() * self.tile_columns()
    }

    /// Groups of input channels.
    pub fn input_groups(&self) -> usize {
        self.shape.in_channels.div_ceil(self.channels_in)
    }

    /// Groups of output channels.
    pub fn output_groups(&self) -> usize {
        self.shape.out_channels.div_ceil(self.channels_out)
    }

    /// Ciphertexts that the client sends.
    pub fn input_ciphertexts(&self) -> u64 {
        (self.tiles() * self.input_groups()) as u64
    }

    /// Ciphertexts that the server returns.
    pub fn output_ciphertexts(&self) -> u64 {
        (self.tiles() * self.output_groups()) as u64
    }

    /// Distinct weight polynomials (all tiles share them).
    pub fn weight_polys(&self) -> u64 {
        (self.input_groups() * self.output_groups()) as u64
    }

    /// Ciphertext × plaintext multiplications.
    pub fn plain_muls(&self) -> u64 {
        self.tiles() as u64 * self.weight_polys()
    }

    /// Output values that are computed.
    pub fn outputs(&self) -> usize {
        self.shape.out_channels * computed_pixels(&self.shape, self.kept.as_ref())
    }
}
