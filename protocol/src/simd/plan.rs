//! Where a linear layer's values sit in slots, and what the server multiplies and rotates.
//!
//! **Convolutions** (output packing; Gazelle, USENIX Security 2018, as Delphi uses it). An image takes a power of two of
//! slots, so one row holds c = row/image channels and a ciphertext 2c. The client sends every ciphertext k² times, shifted
//! by each tap, with the zero padding in place. For one reply (two *halves* of c output channels) and one input ciphertext
//! the server sums over the k² taps and the c diagonals: diagonal r has, in the block of input channel i, the weights to the
//! output channel r blocks to the left, and its sum is rotated there. A second permutation of diagonals leads each row to
//! the other half, and one column swap brings its sum home. If all output channels fit in one half, there are only as many
//! diagonals as (the next power of two of) output channels; the blocks that hold parts of one output are then added up by
//! rotations by powers of two, and the rows by a column swap if both have inputs.
//!
//! **Fully connected layers** (the hybrid diagonal method of the same papers). The input vector of padded length L repeats
//! in all slots; each copy serves M outputs with M diagonals, and M, 2M, … L/2 rotations add up their parts.
//!
//! Both are one schedule: for every reply, the sum over input groups, permutations, diagonals and taps, and then folds.

use super::{SimdParams, rotation_digits};
use crate::packing::{ConvShape, PackingFault};
use serde::Serialize;

/// How values are laid out in rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum SimdPacking {
    /// One channel after the other.
    Convolution {
        /// Height of the pixels of one channel: of the input, or of what a larger output spans.
        height: usize,
        /// Their width.
        width: usize,
    },
    /// One input vector, over and over.
    FullyConnected {
        /// The padded length L of the vector.
        period: usize,
    },
}

/// Where one linear layer's values go in its slots, and the rotations that bring them there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SimdPlan {
    /// The layer.
    pub shape: ConvShape,
    /// Ring degree N, the number of slots.
    pub degree: usize,
    /// Limbs of a ciphertext.
    pub limbs: usize,
    /// The layout.
    pub packing: SimdPacking,
    /// Slots of one block, in which every slot has the same weight: of one channel, or 1.
    pub block: usize,
    /// Ciphertexts that hold the input once, unshifted.
    pub input_groups: usize,
    /// Shifted copies of each, k².
    pub taps: usize,
    /// 2 if the outputs need both rows and so does every input, otherwise 1.
    pub permutations: usize,
    /// Diagonals of one permutation.
    pub diagonals: usize,
    /// Replies.
    pub replies: usize,
    /// Rotations that each add a reply to itself, in order; powers of two.
    pub folds: Vec<usize>,
    /// Whether the rows of a reply are added up at last.
    pub fold_rows: bool,
    /// Flooding noise is uniform in [−2^bits, 2^bits).
    pub flooding_bits: u32,
}

impl SimdPlan {
    /// The plan of a layer. Plaintexts are as large as the plaintext modulus whatever the weights, so the noise does not
    /// depend on their width; they must be below p/2 in size.
    ///
    /// # Errors
    /// One image is larger than a row of slots, or the noise is too large.
    pub fn choose(shape: ConvShape, params: &SimdParams) -> Result<Self, PackingFault> {
        let is_vector = (shape.in_height, shape.in_width, shape.kernel, shape.padding) == (1, 1, 1, 0);
        let mut plan = if is_vector { Self::fully_connected(shape, params) } else { Self::convolution(shape, params)? };
        plan.flooding_bits = params.flooding_bits(&plan);
        match params.noise_margins(&plan).into_iter().find(|margin| !margin.holds()) {
            None => Ok(plan),
            Some(margin) => Err(PackingFault::Noise(margin)),
        }
    }

    fn convolution(shape: ConvShape, params: &SimdParams) -> Result<Self, PackingFault> {
        // Output (y, x) sits at the slot of pixel (y·stride, x·stride), which may lie behind a small padded input.
        let span = |input: usize, output: usize| input.max((output - 1) * shape.stride + 1);
        let height = span(shape.in_height, shape.out_height());
        let width = span(shape.in_width, shape.out_width());
        let block = height.checked_mul(width).and_then(usize::checked_next_power_of_two).unwrap_or(usize::MAX);
        if block > params.row() {
            return Err(PackingFault::Row);
        }
        let channels = params.row() / block;
        let one_half = shape.out_channels <= channels;
        let diagonals = if one_half { shape.out_channels.next_power_of_two() } else { channels };
        let doublings = |from: usize| std::iter::successors(Some(from), |step| Some(2 * step));
        Ok(Self {
            shape,
            degree: params.degree,
            limbs: params.limb_bits.len(),
            packing: SimdPacking::Convolution { height, width },
            block,
            input_groups: shape.in_channels.div_ceil(2 * channels),
            taps: shape.kernel * shape.kernel,
            permutations: if one_half { 1 } else { 2 },
            diagonals,
            replies: if one_half { 1 } else { shape.out_channels.div_ceil(2 * channels) },
            folds: doublings(diagonals * block).take_while(|step| *step < params.row()).collect(),
            fold_rows: one_half && shape.in_channels > channels,
            flooding_bits: 0,
        })
    }

    fn fully_connected(shape: ConvShape, params: &SimdParams) -> Self {
        let period = shape.in_channels.next_power_of_two().min(params.degree);
        // A vector longer than a row lies in both, whose parts are added up at last.
        let (in_row, copies) = (period.min(params.row()), params.degree / period);
        let most = copies * in_row;
        let diagonals = shape.out_channels.min(most).next_power_of_two().div_ceil(copies);
        let doublings = std::iter::successors(Some(diagonals), |step| Some(2 * step));
        Self {
            shape,
            degree: params.degree,
            limbs: params.limb_bits.len(),
            packing: SimdPacking::FullyConnected { period },
            block: 1,
            input_groups: shape.in_channels.div_ceil(period),
            taps: 1,
            permutations: 1,
            diagonals,
            replies: shape.out_channels.div_ceil(most),
            folds: doublings.take_while(|step| *step < in_row).collect(),
            fold_rows: period > params.row(),
            flooding_bits: 0,
        }
    }

    /// Slots of one row.
    pub fn row(&self) -> usize {
        self.degree / 2
    }

    /// Blocks of one row.
    pub fn row_blocks(&self) -> usize {
        self.row() / self.block
    }

    /// Ciphertexts that the client sends: group by group, all taps of each.
    pub fn input_ciphertexts(&self) -> u64 {
        (self.input_groups * self.taps) as u64
    }

    /// Ciphertexts that the server returns.
    pub fn output_ciphertexts(&self) -> u64 {
        self.replies as u64
    }

    /// Sums over taps, each of which is rotated to its place, in one reply.
    pub(super) fn sums_per_reply(&self) -> u64 {
        (self.input_groups * self.permutations * self.diagonals) as u64
    }

    /// Ciphertext × plaintext multiplications.
    pub fn plain_muls(&self) -> u64 {
        self.output_ciphertexts() * self.sums_per_reply() * self.taps as u64
    }

    /// Rotations and column swaps. One rotation is several key switches where its width is no power of two.
    pub fn rotations(&self) -> u64 {
        let inward = self.input_groups * (self.permutations * (self.diagonals - 1) + self.permutations - 1);
        self.output_ciphertexts() * (inward + self.folds.len() + usize::from(self.fold_rows)) as u64
    }

    /// Key switches of one reply before anything is folded.
    pub(super) fn inward_key_switches(&self) -> u64 {
        let digits = |diagonal: usize| rotation_digits(self.rotation(diagonal), self.row()).len();
        let of_diagonals: usize = (1..self.diagonals).map(digits).sum();
        (self.input_groups * (self.permutations * of_diagonals + self.permutations - 1)) as u64
    }

    /// Key switches.
    pub fn key_switches(&self) -> u64 {
        let folds = self.folds.len() as u64 + u64::from(self.fold_rows);
        self.output_ciphertexts() * (self.inward_key_switches() + folds)
    }

    /// How far the sum of a diagonal is rotated to the left.
    pub fn rotation(&self, diagonal: usize) -> usize {
        diagonal * self.block
    }

    /// Serialised bytes of one fresh ciphertext.
    pub fn fresh_ciphertext_bytes(&self) -> u64 {
        super::CIPHERTEXT_HEADER_BYTES + 16 * (self.limbs * self.degree) as u64
    }

    /// Serialised bytes of all input ciphertexts.
    pub fn input_bytes(&self) -> u64 {
        self.input_ciphertexts() * self.fresh_ciphertext_bytes()
    }

    /// Serialised bytes of all replies, which have the form of fresh ciphertexts.
    pub fn reply_bytes(&self) -> u64 {
        self.output_ciphertexts() * self.fresh_ciphertext_bytes()
    }

    /// Which value of the input `[channel][y][x]` a slot of an input ciphertext holds; `None` is a zero.
    pub fn input_place(&self, ciphertext: usize, slot: usize) -> Option<usize> {
        let (group, tap) = (ciphertext / self.taps, ciphertext % self.taps);
        let ConvShape { in_channels, in_height, in_width, kernel, padding, .. } = self.shape;
        match self.packing {
            SimdPacking::Convolution { height, width } => {
                let channel = self.input_channel(group, slot / self.row(), slot % self.row() / self.block);
                let (y, x) = (slot % self.block / width, slot % self.block % width);
                let (y, x) = (
                    (y < height).then_some(y + tap / kernel)?.checked_sub(padding)?,
                    (x + tap % kernel).checked_sub(padding)?,
                );
                let inside = channel < in_channels && y < in_height && x < in_width;
                inside.then_some((channel * in_height + y) * in_width + x)
            }
            SimdPacking::FullyConnected { period } => {
                let channel = group * period + slot % period;
                (channel < in_channels).then_some(channel)
            }
        }
    }

    fn input_channel(&self, group: usize, row: usize, block: usize) -> usize {
        (2 * group + row) * self.row_blocks() + block
    }

    /// Which weight of `[out][in][ky][kx]` the plaintext of a product has in all slots of a block; `None` is a zero.
    pub fn weight_place(&self, reply: usize, sum: SimdSum, tap: usize, row: usize, block: usize) -> Option<usize> {
        let ConvShape { in_channels, out_channels, .. } = self.shape;
        let target = (block + self.row_blocks() - sum.diagonal) % self.row_blocks();
        let (from, to) = match self.packing {
            SimdPacking::Convolution { .. } => {
                let half = if self.permutations == 2 { 2 * reply + (row ^ sum.permutation) } else { 0 };
                let local = if self.permutations == 2 { target } else { target % self.diagonals };
                (self.input_channel(sum.group, row, block), half * self.row_blocks() + local)
            }
            SimdPacking::FullyConnected { period } => {
                let from = sum.group * period + (row * self.row() + block) % period;
                (from, self.vector_output(period, reply, row, target))
            }
        };
        let inside = from < in_channels && to < out_channels;
        inside.then_some((to * in_channels + from) * self.taps + tap)
    }

    /// The output that a slot's products are parts of, in a fully connected layer.
    fn vector_output(&self, period: usize, reply: usize, row: usize, position: usize) -> usize {
        let in_row = period.min(self.row());
        let copy = if period > self.row() { 0 } else { row * (self.row() / in_row) + position / in_row };
        let copies = self.degree / period;
        // Only a plan with as many diagonals as a copy has slots has several replies.
        (reply * copies + copy) * self.diagonals + position % self.diagonals
    }

    /// Which value of the output `[channel][y][x]` a slot of a reply holds. The other slots hold nothing that anyone may see.
    pub fn output_place(&self, reply: usize, slot: usize) -> Option<usize> {
        let ConvShape { out_channels, stride, .. } = self.shape;
        let (row, position) = (slot / self.row(), slot % self.row());
        match self.packing {
            SimdPacking::Convolution { width, .. } => {
                let block = position / self.block;
                if self.permutations == 1 && (row > 0 || block >= self.diagonals) {
                    return None;
                }
                let channel = (2 * reply + row) * self.row_blocks() + block;
                let (y, x) = (position % self.block / width, position % self.block % width);
                let (height, width) = (self.shape.out_height(), self.shape.out_width());
                let inside = y % stride == 0 && x % stride == 0 && y / stride < height && x / stride < width;
                (inside && channel < out_channels).then_some((channel * height + y / stride) * width + x / stride)
            }
            SimdPacking::FullyConnected { period } => {
                let first_of_copy = position % period.min(self.row()) < self.diagonals;
                let kept = first_of_copy && !(self.fold_rows && row > 0);
                let output = self.vector_output(period, reply, row, position);
                (kept && output < out_channels).then_some(output)
            }
        }
    }

    /// All sums of one reply's inner products, group by group.
    pub fn sums(&self) -> impl Iterator<Item = SimdSum> + use<> {
        let (groups, permutations, diagonals) = (self.input_groups, self.permutations, self.diagonals);
        let count = groups * permutations * diagonals;
        (0..count).map(move |index| SimdSum {
            group: index / (permutations * diagonals),
            permutation: index / diagonals % permutations,
            diagonal: index % diagonals,
        })
    }
}

/// One sum over taps: which input ciphertexts it multiplies, and where it is rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SimdSum {
    /// The input group.
    pub group: usize,
    /// 1 if its rows are swapped at last, otherwise 0.
    pub permutation: usize,
    /// The diagonal.
    pub diagonal: usize,
}
