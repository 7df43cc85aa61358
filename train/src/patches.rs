//! The patches that a convolution multiplies its weights with, as one matrix for a whole batch.
//!
//! candle convolves image by image, which for pictures of 8×8 is mostly overhead, forwards and backwards. Here
//! activations lie as `[channels][batch][rows][columns]`, the patches of a batch are gathered into one matrix, and a
//! convolution is one matrix product. Gathering is linear; its gradient is its transpose, which scatters.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

/// A window that slides over activations `[channels, batch, height, width]`, with zeros around them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patches {
    /// Channels.
    pub channels: usize,
    /// Images.
    pub batch: usize,
    /// Rows of a feature map.
    pub height: usize,
    /// Columns of a feature map.
    pub width: usize,
    /// Rows and columns of the window.
    pub kernel: usize,
    /// Step between two windows.
    pub stride: usize,
    /// Zeros on each side.
    pub padding: usize,
}

impl Patches {
    /// Rows and columns of windows.
    pub fn windows(&self) -> (usize, usize) {
        let count = |size: usize| (size + 2 * self.padding).saturating_sub(self.kernel) / self.stride.max(1) + 1;
        (count(self.height), count(self.width))
    }

    /// The matrix `[channels · kernel², batch · windows]`: each column holds one window, `[channel][row][column]`.
    ///
    /// # Errors
    /// Activations of another shape.
    pub fn gather(self, activations: &Tensor) -> Result<Tensor> {
        let (height, width) = self.windows();
        if (self.kernel, self.stride, self.padding) == (1, 1, 0) {
            return activations.reshape((self.channels, self.batch * height * width));
        }
        activations.contiguous()?.apply_op1(self)
    }

    /// For every window the value of a feature map that lies at one place of it; none in the padding.
    fn places(&self, row: usize, column: usize) -> Vec<Option<usize>> {
        let inside = |at: usize, offset: usize, size: usize| {
            (at * self.stride + offset).checked_sub(self.padding).filter(|place| *place < size)
        };
        let (height, width) = self.windows();
        let place = |(y, x)| Some(inside(y, row, self.height)? * self.width + inside(x, column, self.width)?);
        (0..height).flat_map(|y| (0..width).map(move |x| (y, x))).map(place).collect()
    }

    /// The places of all values of a window, row by row.
    fn table(&self) -> Vec<Vec<Option<usize>>> {
        let places = (0..self.kernel).flat_map(|row| (0..self.kernel).map(move |column| (row, column)));
        places.map(|(row, column)| self.places(row, column)).collect()
    }

    /// Values of all maps of one channel, and of a row of the matrix.
    fn sizes(&self) -> (usize, usize) {
        let (height, width) = self.windows();
        (self.batch * self.height * self.width, self.batch * height * width)
    }

    fn gathered(&self, values: &[f32]) -> Vec<f32> {
        let (channel, row) = self.sizes();
        let table = self.table();
        let mut matrix = Vec::with_capacity(self.channels * table.len() * row);
        for maps in values.chunks(channel.max(1)) {
            for places in &table {
                for map in maps.chunks(self.height * self.width) {
                    let value = |place: &Option<usize>| place.and_then(|at| map.get(at)).copied().unwrap_or(0.0);
                    matrix.extend(places.iter().map(value));
                }
            }
        }
        matrix
    }

    fn scattered(&self, matrix: &[f32]) -> Vec<f32> {
        let (channel, row) = self.sizes();
        let table = self.table();
        let mut values = vec![0.0; self.channels * channel];
        let rows_of_channel = (table.len() * row).max(1);
        for (maps, rows) in values.chunks_mut(channel.max(1)).zip(matrix.chunks(rows_of_channel)) {
            for (places, row) in table.iter().zip(rows.chunks(row.max(1))) {
                let images = maps.chunks_mut(self.height * self.width).zip(row.chunks(places.len().max(1)));
                for (map, windows) in images {
                    for (place, value) in places.iter().zip(windows) {
                        if let Some(slot) = place.and_then(|at| map.get_mut(at)) {
                            *slot += value;
                        }
                    }
                }
            }
        }
        values
    }
}

/// The values of a tensor that lies in one piece.
pub(crate) fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let all = storage.as_slice::<f32>()?;
    let piece = layout.contiguous_offsets().and_then(|(from, to)| all.get(from..to));
    piece.ok_or_else(|| candle_core::Error::Msg("values that do not lie in one piece".into()))
}

impl CustomOp1 for Patches {
    fn name(&self) -> &'static str {
        "patches"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let matrix = self.gathered(slice(storage, layout)?);
        let (_, columns) = self.sizes();
        Ok((CpuStorage::F32(matrix), (self.channels * self.kernel * self.kernel, columns).into()))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        gradient.contiguous()?.apply_op1_no_bwd(&Scatter(*self)).map(Some)
    }
}

/// The transpose of gathering: every value of the matrix is added to where it came from.
struct Scatter(Patches);

impl CustomOp1 for Scatter {
    fn name(&self) -> &'static str {
        "scattered-patches"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let Patches { channels, batch, height, width, .. } = self.0;
        let values = self.0.scattered(slice(storage, layout)?);
        Ok((CpuStorage::F32(values), (channels, batch, height, width).into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};
    use proptest::prelude::*;

    fn numbers(count: usize, seed: u64) -> Vec<f32> {
        let next = |state: &mut u64| {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            Some(((*state >> 40) as f32 / (1u32 << 24) as f32) - 0.5)
        };
        std::iter::successors(Some(seed), |state| Some(state + 1))
            .take(count)
            .scan(seed, |state, _| next(state))
            .collect()
    }

    fn tensor(values: Vec<f32>, shape: impl Into<Shape>) -> Tensor {
        Tensor::from_vec(values, shape.into(), &Device::Cpu).unwrap()
    }

    fn total(tensor: &Tensor) -> f32 {
        tensor.sum_all().unwrap().to_scalar().unwrap()
    }

    proptest! {
        #[test]
        fn weights_times_patches_are_the_convolution(
            (channels, batch, out) in (1usize..4, 1usize..4, 1usize..4),
            (height, width) in (1usize..8, 1usize..8),
            (kernel, stride, padding) in (1usize..4, 1usize..4, 0usize..3),
            seed in any::<u64>(),
        ) {
            prop_assume!(kernel <= height.min(width) + 2 * padding);
            let window = Patches { channels, batch, height, width, kernel, stride, padding };
            let values = numbers(channels * batch * height * width, seed);
            let weights = numbers(out * channels * kernel * kernel, seed ^ 1);
            let (rows, columns) = window.windows();
            let activations = tensor(values.clone(), (channels, batch, height, width));
            let matrix = tensor(weights.clone(), (out, channels * kernel * kernel));
            let found = matrix.matmul(&window.gather(&activations).unwrap()).unwrap();
            let found = found.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let value = |channel: usize, image: usize, y: usize, x: usize| {
                let (y, x) = (y.checked_sub(padding)?, x.checked_sub(padding)?);
                let inside = y < height && x < width;
                inside.then(|| values[((channel * batch + image) * height + y) * width + x])
            };
            let mut expected = Vec::new();
            for (o, image) in (0..out).flat_map(|o| (0..batch).map(move |image| (o, image))) {
                for (y, x) in (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x))) {
                    let mut sum = 0.0;
                    for (tap, weight) in weights.chunks(channels * kernel * kernel).nth(o).unwrap().iter().enumerate() {
                        let (channel, ky, kx) = (tap / (kernel * kernel), tap / kernel % kernel, tap % kernel);
                        sum += weight * value(channel, image, y * stride + ky, x * stride + kx).unwrap_or(0.0);
                    }
                    expected.push(sum);
                }
            }
            prop_assert_eq!(found.len(), expected.len());
            for (a, b) in found.iter().zip(&expected) {
                prop_assert!((a - b).abs() < 1e-5, "{a} {b}");
            }
        }

        #[test]
        fn the_gradient_is_the_transpose_on_maps_of_any_shape(
            (channels, batch) in (1usize..4, 1usize..4),
            (height, width) in (1usize..8, 1usize..8),
            (kernel, stride, padding) in (1usize..4, 1usize..4, 0usize..3),
            seed in any::<u64>(),
        ) {
            prop_assume!(kernel <= height.min(width) + 2 * padding);
            let window = Patches { channels, batch, height, width, kernel, stride, padding };
            let values = numbers(channels * batch * height * width, seed);
            let activations = Var::from_tensor(&tensor(values, (channels, batch, height, width))).unwrap();
            let gathered = window.gather(&activations).unwrap();
            let other = tensor(numbers(gathered.elem_count(), seed ^ 2), gathered.shape().clone());
            let product = (&gathered * &other).unwrap();
            let gradients = product.sum_all().unwrap().backward().unwrap();
            let back = (gradients.get(&activations).unwrap() * activations.as_tensor()).unwrap();
            prop_assert!((total(&product) - total(&back)).abs() < 1e-3);
        }
    }
}
