//! Coefficient packing of convolutions into ring polynomials, with no rotations (Cheetah, USENIX Security 2022, §3.1.1).
//!
//! A tile of the padded input with C channels of H×W values is the polynomial with coefficient `c·HW + y·W + x`; a kernel
//! for M output channels is the polynomial with coefficient `O − m·C·HW − c·HW − ky·W − kx`, where
//! `O = HW·(M·C − 1) + W·(κ − 1) + κ − 1`. Their product modulo X^N + 1 holds output (m, y, x) at `O − m·C·HW + y·s·W + x·s`
//! whenever `M·C·HW ≤ N`: products that wrap around stay below the lowest of these positions.
//! A fully connected layer is a 1×1 convolution on one pixel; a strided 1×1 convolution first drops the pixels it skips.

use crate::he::HeParams;
use crate::noise::{NoiseMargin, ReplyFormat};
use crate::pixels::{KeptPixels, computed_pixels};
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

/// Why no packing of a convolution exists.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PackingFault {
    /// One kernel window alone has more pixels than a ciphertext has coefficients.
    Pixels,
    /// One image has more pixels than a row has slots.
    Row,
    /// The noise of every packing is too large; the bound of the one with the least noise.
    Noise(NoiseMargin),
}

impl ConvPlan {
    /// The plan with the least modelled cost ([`planning_cost_ns`]) among those whose noise bounds hold for weights of
    /// `weight_bits` bits.
    ///
    /// # Errors
    /// None fits one ciphertext, or none has little enough noise.
    pub fn choose(shape: ConvShape, he: &HeParams, weight_bits: u32) -> Result<Self, PackingFault> {
        let template = Self {
            shape,
            degree: he.degree,
            limbs: he.limb_bits.len(),
            response_limbs: he.response_limbs,
            limb_bits: he.limb_bits.clone(),
            subsample: if shape.kernel == 1 && shape.padding == 0 { shape.stride } else { 1 },
            tile_out_height: shape.out_height(),
            tile_out_width: shape.out_width(),
            channels_in: 1,
            channels_out: 1,
            reply: ReplyFormat::default(),
            prepared: false,
            kept: None,
        };
        let (mut best, mut broken): (Option<(f64, Self)>, Option<NoiseMargin>) = (None, None);
        for tiled in template.tilings() {
            for mut plan in tiled.channel_choices() {
                plan.reply = he.reply_format(&plan, weight_bits);
                let cost = planning_cost_ns(&plan);
                if best.as_ref().is_some_and(|(least, _)| *least <= cost) {
                    continue;
                }
                match he.noise_margins(&plan, weight_bits).into_iter().find(|margin| !margin.holds()) {
                    None => best = Some((cost, plan)),
                    Some(margin) if broken.is_none_or(|least| margin.noise < least.noise) => broken = Some(margin),
                    Some(_) => {}
                }
            }
        }
        best.map(|(_, plan)| plan).ok_or(broken.map_or(PackingFault::Pixels, PackingFault::Noise))
    }

    /// This plan in every tiling worth trying.
    fn tilings(&self) -> Vec<Self> {
        let (height, width) = (self.shape.out_height(), self.shape.out_width());
        let rows = splits(height);
        let tiling = |columns: usize, rows: usize| Self {
            tile_out_height: height.div_ceil(rows),
            tile_out_width: width.div_ceil(columns),
            ..self.clone()
        };
        splits(width)
            .into_iter()
            .flat_map(|columns| rows.iter().map(move |rows| (columns, *rows)))
            .map(|(columns, rows)| tiling(columns, rows))
            .collect()
    }

    /// The plans of this tiling that differ in how channels share a polynomial.
    fn channel_choices(&self) -> Vec<Self> {
        let channels_per_polynomial = self.degree / self.tile_len();
        let mut choices = Vec::new();
        let mut last_groups = 0;
        for limit in 1..=channels_per_polynomial.min(self.shape.in_channels) {
            let groups = self.shape.in_channels.div_ceil(limit);
            if groups == last_groups {
                continue;
            }
            last_groups = groups;
            let channels_in = self.shape.in_channels.div_ceil(groups);
            let fitting = (channels_per_polynomial / channels_in).min(self.shape.out_channels);
            let channels_out = self.shape.out_channels.div_ceil(self.shape.out_channels.div_ceil(fitting));
            choices.push(Self { channels_in, channels_out, ..self.clone() });
        }
        choices
    }

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

    /// Bytes of all transformed weights in memory: a word for every coefficient of every limb.
    pub fn prepared_bytes(&self) -> u64 {
        8 * self.weight_polys() * (self.limbs * self.degree) as u64
    }

    /// Ciphertext × plaintext multiplications.
    pub fn plain_muls(&self) -> u64 {
        self.tiles() as u64 * self.weight_polys()
    }

    /// The coefficient of input value (channel within its group, y, x within the tile).
    pub fn input_position(&self, channel: usize, y: usize, x: usize) -> usize {
        channel * self.tile_len() + y * self.tile_width() + x
    }

    /// The coefficient of weight (output channel in its group, input channel in its group, ky, kx).
    pub fn weight_position(&self, out_channel: usize, in_channel: usize, ky: usize, kx: usize) -> usize {
        self.output_base(out_channel) - in_channel * self.tile_len() - ky * self.tile_width() - kx
    }

    /// The coefficient of output value (output channel in its group, y, x within the tile).
    pub fn output_position(&self, out_channel: usize, y: usize, x: usize) -> usize {
        self.output_base(out_channel) + (y * self.tile_width() + x) * self.packed_stride()
    }

    fn output_base(&self, out_channel: usize) -> usize {
        let reach = self.shape.kernel - 1;
        let channel_len = self.channels_in * self.tile_len();
        let top = channel_len * self.channels_out - self.tile_len() + self.tile_width() * reach + reach;
        top - out_channel * channel_len
    }

    /// The channels of input group `group`.
    pub fn input_channels(&self, group: usize) -> std::ops::Range<usize> {
        let start = group * self.channels_in;
        start..(start + self.channels_in).min(self.shape.in_channels)
    }

    /// The channels of output group `group`.
    pub fn output_channels(&self, group: usize) -> std::ops::Range<usize> {
        let start = group * self.channels_out;
        start..(start + self.channels_out).min(self.shape.out_channels)
    }

    /// The output rows and columns of tile `tile`.
    pub fn tile_outputs(&self, tile: usize) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
        let (row, column) = (tile / self.tile_columns(), tile % self.tile_columns());
        let (top, left) = (row * self.tile_out_height, column * self.tile_out_width);
        (
            top..(top + self.tile_out_height).min(self.shape.out_height()),
            left..(left + self.tile_out_width).min(self.shape.out_width()),
        )
    }

    /// The value of the unpadded input (y, x) behind position (y, x) of tile `tile`, or `None` in the padding.
    pub fn input_pixel(&self, tile: usize, y: usize, x: usize) -> Option<(usize, usize)> {
        let (rows, columns) = self.tile_outputs(tile);
        let source = |start: usize, offset: usize, len: usize| {
            let padded = (start * self.packed_stride() + offset) * self.subsample;
            padded.checked_sub(self.shape.padding).filter(|position| *position < len)
        };
        Some((source(rows.start, y, self.shape.in_height)?, source(columns.start, x, self.shape.in_width)?))
    }

    /// The tile and the output group of reply `index`: replies follow each other group by group, so that all tiles of a group
    /// are made together.
    pub fn reply_place(&self, index: usize) -> (usize, usize) {
        (index % self.tiles(), index / self.tiles())
    }

    /// Output values that are computed.
    pub fn outputs(&self) -> usize {
        self.shape.out_channels * computed_pixels(&self.shape, self.kept.as_ref())
    }

    /// Whether output pixel (y, x) is computed.
    pub fn computes(&self, y: usize, x: usize) -> bool {
        self.kept.as_ref().is_none_or(|kept| kept.contains(y * self.shape.out_width() + x))
    }

    /// Output pixels of tile `tile` that are computed.
    fn tile_pixels(&self, tile: usize) -> usize {
        let (rows, columns) = self.tile_outputs(tile);
        let Some(kept) = &self.kept else { return rows.len() * columns.len() };
        let row = |y| y * self.shape.out_width();
        rows.map(|y| kept.count_in(row(y) + columns.start..row(y) + columns.end)).sum()
    }

    /// Output values in the reply of tile `tile` and output group `group`.
    pub fn reply_values(&self, tile: usize, group: usize) -> usize {
        self.tile_pixels(tile) * self.output_channels(group).len()
    }

    /// Serialised bytes of one fresh seeded ciphertext.
    pub fn fresh_ciphertext_bytes(&self) -> u64 {
        crate::wire::SEED_BYTES + self.limb_bits.iter().map(|bits| packed(self.degree, *bits)).sum::<u64>()
    }

    /// Serialised bytes of a reply with `values` outputs: the whole second polynomial, and of the first the coefficients
    /// with outputs, each without the bits that the reply leaves out.
    pub fn one_reply_bytes(&self, values: usize) -> u64 {
        let limbs = self.limb_bits.iter().take(self.response_limbs);
        let ReplyFormat { dropped_value_bits, dropped_uniform_bits, .. } = self.reply;
        limbs
            .map(|bits| packed(self.degree, bits - dropped_uniform_bits) + packed(values, bits - dropped_value_bits))
            .sum()
    }

    /// Serialised bytes of all replies.
    pub fn reply_bytes(&self) -> u64 {
        let mut bytes = 0;
        if self.kept.is_some() {
            for pixels in (0..self.tiles()).map(|tile| self.tile_pixels(tile)) {
                for (channels, groups) in parts(self.shape.out_channels, self.channels_out) {
                    bytes += self.one_reply_bytes(pixels * channels) * groups as u64;
                }
            }
            return bytes;
        }
        // All tiles and groups but the last of their kind are alike.
        for (height, rows) in parts(self.shape.out_height(), self.tile_out_height) {
            for (width, columns) in parts(self.shape.out_width(), self.tile_out_width) {
                for (channels, groups) in parts(self.shape.out_channels, self.channels_out) {
                    bytes += self.one_reply_bytes(height * width * channels) * (rows * columns * groups) as u64;
                }
            }
        }
        bytes
    }
}

/// How a length falls into parts: (size, number) of the whole parts and of the rest.
fn parts(len: usize, part: usize) -> [(usize, usize); 2] {
    [(part, len / part), (len % part, usize::from(!len.is_multiple_of(part)))]
}

/// Bytes of `count` values of `bits` bits, packed without gaps.
pub fn packed(count: usize, bits: u32) -> u64 {
    (count as u64 * u64::from(bits)).div_ceil(8)
}

/// Numbers of equal parts worth trying for a length: all small ones, then about each half more.
fn splits(len: usize) -> Vec<usize> {
    let mut splits = Vec::new();
    let mut parts = 1;
    while parts <= len {
        splits.push(parts);
        parts = if parts < 8 { parts + 1 } else { parts * 3 / 2 };
    }
    if splits.last() != Some(&len) {
        splits.push(len);
    }
    splits
}

/// The planner's cost of a plan in nanoseconds of one reference core and a 1 Gbit/s link. It only ranks plans of one layer.
///
/// Rates measured with AVX-512 IFMA: 7 µs per transform at N = 4096, 0.2 ns per lazily reduced product (all other products
/// hardly matter), 1.5 ns per sampled coefficient; 8 ns per byte.
pub fn planning_cost_ns(plan: &ConvPlan) -> f64 {
    let work = crate::he::linear_work(plan);
    let degree = plan.degree as f64;
    let transform_ns = 7000.0 * degree * f64::from(plan.degree.max(1).ilog2()) / (4096.0 * 12.0);
    let bytes = plan.fresh_ciphertext_bytes() * plan.input_ciphertexts() + plan.reply_bytes();
    work.ntts as f64 * transform_ns
        + work.mod_muls as f64 * 0.2
        + work.sampled_coefficients as f64 * 1.5
        + bytes as f64 * 8.0
}
