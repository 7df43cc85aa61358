//! Bytes of a plan's ciphertexts on the wire, and of its weights in memory.

use super::ConvPlan;
use crate::noise::ReplyFormat;

impl ConvPlan {
    /// Bytes of all transformed weights in memory: a word for every coefficient of every limb.
    pub fn prepared_bytes(&self) -> u64 {
        8 * self.weight_polys() * (self.limbs * self.degree) as u64
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
