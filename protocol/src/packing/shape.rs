//! Shapes of convolutions.

use serde::Serialize;

/// A convolution's shape, without packing. Square kernels; zero padding on all sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct ConvShape {
    /// Input channels.
    pub in_channels: usize,
    /// Input height.
    pub in_height: usize,
    /// Input width.
    pub in_width: usize,
    /// Output channels.
    pub out_channels: usize,
    /// Kernel height and width.
    pub kernel: usize,
    /// Stride, both directions.
    pub stride: usize,
    /// Zero padding on each side.
    pub padding: usize,
}

impl ConvShape {
    /// Output height.
    pub fn out_height(&self) -> usize {
        (self.in_height + 2 * self.padding).saturating_sub(self.kernel) / self.stride + 1
    }

    /// Output width.
    pub fn out_width(&self) -> usize {
        (self.in_width + 2 * self.padding).saturating_sub(self.kernel) / self.stride + 1
    }

    /// Input values.
    pub fn inputs(&self) -> usize {
        self.in_channels * self.in_height * self.in_width
    }

    /// Output values.
    pub fn outputs(&self) -> usize {
        self.out_channels * self.out_height() * self.out_width()
    }

    /// Products that add up to one output value.
    pub fn taps(&self) -> usize {
        self.in_channels * self.kernel * self.kernel
    }

    /// Multiply-accumulates, products with padding included.
    pub fn macs(&self) -> u64 {
        self.outputs() as u64 * self.taps() as u64
    }
}
