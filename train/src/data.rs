//! Pictures and their classes, from NumPy arrays.

use crate::TrainError;
use candle_core::{Device, Tensor};
use npyz::NpyFile;
use pisim_netgen::Shape;
use rand_chacha::ChaCha12Rng;
use rand_core::Rng;
use std::path::{Path, PathBuf};

/// Larger files are no data set of small pictures.
const MAX_BYTES: u64 = 1 << 28;

/// Digits in a header: more are sizes whose product no word holds, which the reader of the format does not check.
const MAX_DIGITS: usize = 18;

/// Labelled pictures of one shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Pictures {
    /// The shape of each.
    pub shape: Shape,
    /// All values from 0 to 1, `[picture][channel][row][column]`.
    values: Vec<f32>,
    /// The class of each.
    pub labels: Vec<u32>,
}

/// Some pictures as tensors.
pub struct Batch {
    /// `[channels, batch, rows, columns]`.
    pub inputs: Tensor,
    /// `[batch]`.
    pub labels: Tensor,
}

/// The training and the test pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct DataSet {
    /// Pictures to learn from.
    pub train: Pictures,
    /// Pictures that nothing is chosen by.
    pub test: Pictures,
    /// Number of classes.
    pub classes: usize,
}

impl DataSet {
    /// Reads `train-images.npy`, `train-labels.npy`, `test-images.npy` and `test-labels.npy`: from one folder, or
    /// without one the digits that the project ships.
    ///
    /// # Errors
    /// A file that is missing or no such array, and pictures or classes of both parts that do not fit each other.
    pub fn load(folder: Option<&Path>) -> Result<Self, TrainError> {
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        let shipped = [project.join("data"), project.join("../configs/digits")];
        let [train, test] = folder.map_or(shipped, |folder| [folder.to_owned(), folder.to_owned()]);
        let read = |folder: &Path, part: &str| {
            Pictures::read(&folder.join(format!("{part}-images.npy")), &folder.join(format!("{part}-labels.npy")))
        };
        let (test_images, train, test) = (test.join("test-images.npy"), read(&train, "train")?, read(&test, "test")?);
        if train.shape != test.shape {
            let problem = format!("pictures of shape {}; the training pictures have {}", test.shape, train.shape);
            return Err(TrainError::Data { path: test_images, problem });
        }
        let classes = |pictures: &Pictures| pictures.labels.iter().max().map_or(0, |most| *most as usize + 1);
        let classes = classes(&train).max(classes(&test));
        Ok(Self { train, test, classes })
    }
}

impl Pictures {
    /// Reads pictures `uint8 [n, channels, rows, columns]` and their classes `uint8 [n]`.
    ///
    /// # Errors
    /// A file that is missing or no such array.
    pub fn read(images: &Path, labels: &Path) -> Result<Self, TrainError> {
        let wrong = |path: &Path, problem: String| TrainError::Data { path: path.to_owned(), problem };
        let (shape, pixels) = array(images)?;
        let &[count, channels, height, width] = shape.as_slice() else {
            return Err(wrong(images, format!("an array of shape {shape:?}; expected [n, channels, rows, columns]")));
        };
        if pixels.is_empty() {
            return Err(wrong(images, "an array without pictures".into()));
        }
        let (label_shape, classes) = array(labels)?;
        if label_shape != [count] {
            return Err(wrong(
                labels,
                format!("an array of shape {label_shape:?}; {count} pictures have labels [{count}]"),
            ));
        }
        Ok(Self {
            shape: Shape::new(channels, height, width),
            values: pixels.into_iter().map(|pixel| f32::from(pixel) / 255.0).collect(),
            labels: classes.into_iter().map(u32::from).collect(),
        })
    }

    /// Number of pictures.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none; read ones have some.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The pictures one by one, as netgen reads them.
    pub fn each(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks(self.shape.len().max(1))
    }

    /// The first `count` pictures.
    #[must_use]
    pub fn first(&self, count: usize) -> Self {
        let count = count.min(self.len());
        let values = self.each().take(count).flatten().copied().collect();
        Self { shape: self.shape, values, labels: self.labels.iter().take(count).copied().collect() }
    }

    /// Some pictures as tensors; with random numbers half of them move by at most a pixel each way, as writers' hands
    /// do.
    ///
    /// # Errors
    /// None for indices of this set.
    pub fn batch(&self, indices: &[usize], mut moves: Option<&mut ChaCha12Rng>) -> candle_core::Result<Batch> {
        let Shape { channels, height, width } = self.shape;
        let offsets: Vec<[isize; 2]> = indices.iter().map(|_| moves.as_mut().map_or([0, 0], |rng| step(rng))).collect();
        let mut inputs = Vec::with_capacity(indices.len() * self.shape.len());
        for channel in 0..channels {
            for (index, [down, right]) in indices.iter().zip(&offsets) {
                let start = index * self.shape.len() + channel * self.shape.pixels();
                let map = self.values.get(start..start + self.shape.pixels()).unwrap_or_default();
                let at = |y: usize, x: usize| {
                    let (y, x) = (y.checked_add_signed(-down)?, x.checked_add_signed(-right)?);
                    map.get(y * width + x).filter(|_| x < width).copied()
                };
                let places = (0..height).flat_map(|y| (0..width).map(move |x| (y, x)));
                inputs.extend(places.map(|(y, x)| at(y, x).unwrap_or(0.0)));
            }
        }
        let labels: Vec<u32> = indices.iter().filter_map(|index| self.labels.get(*index)).copied().collect();
        let (count, device) = (indices.len(), Device::Cpu);
        let inputs = Tensor::from_vec(inputs, (channels, count, height, width), &device)?;
        Ok(Batch { inputs, labels: Tensor::from_vec(labels, count, &device)? })
    }

    /// All pictures as tensors.
    ///
    /// # Errors
    /// None.
    pub fn all(&self) -> candle_core::Result<Batch> {
        self.batch(&(0..self.len()).collect::<Vec<_>>(), None)
    }
}

/// A move by at most one pixel each way; half of all are none.
fn step(rng: &mut ChaCha12Rng) -> [isize; 2] {
    let bits = rng.next_u64();
    let third = |bits: u64| (((bits & 0xffff) * 3) >> 16) as isize - 1;
    if bits >> 63 == 0 { [0, 0] } else { [third(bits), third(bits >> 16)] }
}

/// The shape and the values of a `uint8` array in C order.
fn array(path: &Path) -> Result<(Vec<usize>, Vec<u8>), TrainError> {
    let wrong = |problem: String| TrainError::Data { path: PathBuf::from(path), problem };
    let length = std::fs::metadata(path).map_err(|error| wrong(format!("cannot read the array: {error}")))?.len();
    if length > MAX_BYTES {
        return Err(wrong(format!("{length} bytes are too many; at most {MAX_BYTES}")));
    }
    let bytes = std::fs::read(path).map_err(|error| wrong(format!("cannot read the array: {error}")))?;
    // Magic string, version, length; the header ends with its line.
    let header = bytes.iter().skip(10).take_while(|byte| **byte != b'\n');
    if header.filter(|byte| byte.is_ascii_digit()).count() > MAX_DIGITS {
        return Err(wrong("its header claims an array that is no data set".into()));
    }
    let file = NpyFile::new(bytes.as_slice()).map_err(|error| wrong(format!("no NumPy array: {error}")))?;
    if file.order() == npyz::Order::Fortran {
        return Err(wrong("the array is in Fortran order; save numpy.ascontiguousarray(…) of it".into()));
    }
    let shape: Vec<usize> = file.shape().iter().filter_map(|size| usize::try_from(*size).ok()).collect();
    let count = shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
    if count.is_none_or(|count| count > bytes.len()) {
        return Err(wrong(format!("the file is shorter than an array of shape {shape:?}")));
    }
    let kind = file.dtype().descr();
    let Ok(values) = file.try_data::<u8>() else {
        return Err(wrong(format!("an array of {kind}; expected uint8")));
    };
    let values = values.collect::<std::io::Result<Vec<u8>>>();
    Ok((shape, values.map_err(|error| wrong(format!("no NumPy array: {error}")))?))
}
