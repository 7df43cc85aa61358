//! Which value is at which coefficient of which polynomial.

use super::ConvPlan;

impl ConvPlan {
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

    /// Whether output pixel (y, x) is computed.
    pub fn computes(&self, y: usize, x: usize) -> bool {
        self.kept.as_ref().is_none_or(|kept| kept.contains(y * self.shape.out_width() + x))
    }
}
