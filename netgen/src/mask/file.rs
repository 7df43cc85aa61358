//! Masks and score maps from files: NumPy arrays, as PyTorch and NumPy write them, and grey images.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

use crate::{NetworkError, ScoreMap};

/// More numbers than this are no mask of a network that can be built.
const MAX_NUMBERS: u64 = 1 << 32;

/// Digits of all numbers in a header: sizes of together 18 digits have a product below 2^60.
const MAX_DIGITS: usize = 18;

/// The truth values of a `.npy` array of zeros and ones, in C order, whatever its shape.
///
/// # Errors
/// A file that cannot be read, is no such array, or has another number than 0 and 1.
pub fn read_bitmap(path: &Path) -> Result<Vec<bool>, NetworkError> {
    let wrong = |problem: String| NetworkError::MaskFile { path: path.into(), problem };
    let (_, numbers) = read_array(path)?;
    let bit = |(index, number): (usize, &f64)| match *number {
        0.0 => Ok(false),
        1.0 => Ok(true),
        other => Err(wrong(format!("element {index} is {other}; a mask has only 0 (linear) and 1 (ReLU)"))),
    };
    numbers.iter().enumerate().map(bit).collect()
}

/// The scores of a two-dimensional `.npy` array, or the brightness of a grey `.png` of 8 or 16 bits.
///
/// # Errors
/// A file that cannot be read, or is neither.
pub fn read_scores(path: &Path) -> Result<ScoreMap, NetworkError> {
    let wrong = |problem: String| NetworkError::MaskFile { path: path.into(), problem };
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png")) {
        return read_png(path);
    }
    let (shape, numbers) = read_array(path)?;
    let &[height, width] = shape.as_slice() else {
        return Err(wrong(format!("an array of {} dimensions; expected two: rows and columns", shape.len())));
    };
    let size = usize::try_from(height).ok().zip(usize::try_from(width).ok());
    let (height, width) = size.ok_or_else(|| wrong("an array that is too large".into()))?;
    ScoreMap::new(height, width, numbers).map_err(|error| wrong(error.to_string()))
}

/// A `.npy` array's shape and its numbers, in C order.
fn read_array(path: &Path) -> Result<(Vec<u64>, Vec<f64>), NetworkError> {
    let wrong = |problem: String| NetworkError::MaskFile { path: path.into(), problem };
    let broken = |error: std::io::Error| wrong(format!("no NumPy array: {error}"));
    let mut file = File::open(path).map_err(|error| wrong(error.to_string()))?;
    if claims_too_much(&mut file).map_err(broken)? {
        return Err(wrong("its header claims an array that is no mask of a network".into()));
    }
    let array = npyz::NpyFile::new(BufReader::new(file)).map_err(broken)?;
    let shape = array.shape().to_vec();
    let numbers = shape.iter().try_fold(1u64, |product, &size| product.checked_mul(size));
    if numbers.is_none_or(|numbers| numbers > MAX_NUMBERS) {
        return Err(wrong(format!("an array of shape {shape:?} is no mask of a network")));
    }
    if array.order() == npyz::Order::Fortran && shape.len() > 1 {
        return Err(wrong("the array is in Fortran order; save numpy.ascontiguousarray(…) of it".into()));
    }
    let kind = array.dtype().descr();
    let array = match array.try_data::<bool>() {
        Ok(bits) => return collect(bits, |bit| f64::from(u8::from(bit))).map(|data| (shape, data)).map_err(broken),
        Err(array) => array,
    };
    // Each attempt gives the array back if it has another type of number.
    macro_rules! numbers {
        ($array:expr, $($number:ty),*) => {{
            let array = $array;
            $(let array = match array.try_data::<$number>() {
                Ok(data) => return collect(data, |number| number as f64).map(|data| (shape, data)).map_err(broken),
                Err(array) => array,
            };)*
            drop(array);
        }};
    }
    numbers!(array, u8, i8, u16, i16, u32, i32, u64, i64, f32, f64);
    Err(wrong(format!("an array of {kind}; expected truth values or real numbers")))
}

/// Whether a header is longer than those of format version 1 or has so many digits that the number of elements might not fit a
/// word, which the reader of the format does not check.
fn claims_too_much(file: &mut File) -> std::io::Result<bool> {
    // Magic string, version and length: 10 bytes; then at most 2^16 - 1 of the header.
    let mut start = Vec::new();
    file.by_ref().take(10 + (1 << 16)).read_to_end(&mut start)?;
    file.rewind()?;
    let Some(&[version, _, low, high, ref header @ ..]) = start.strip_prefix(b"\x93NUMPY") else { return Ok(false) };
    let header = header.iter().take(usize::from(u16::from_le_bytes([low, high])));
    Ok(version > 1 || header.filter(|byte| byte.is_ascii_digit()).count() > MAX_DIGITS)
}

/// All numbers of an array; one that ends early is an error. Nothing is reserved for what a header only claims.
fn collect<T>(
    numbers: impl Iterator<Item = std::io::Result<T>>,
    number: impl Fn(T) -> f64,
) -> std::io::Result<Vec<f64>> {
    numbers.map(|read| read.map(&number)).collect()
}

/// The brightness of a grey image.
fn read_png(path: &Path) -> Result<ScoreMap, NetworkError> {
    let wrong = |problem: String| NetworkError::MaskFile { path: path.into(), problem };
    let broken = |error: png::DecodingError| wrong(format!("no PNG image: {error}"));
    let file = File::open(path).map_err(|error| wrong(error.to_string()))?;
    let mut decoder = png::Decoder::new(BufReader::new(file));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(broken)?;
    let (height, width) = (reader.info().height as usize, reader.info().width as usize);
    let (colour, depth) = reader.output_color_type();
    let bytes = match (colour, depth) {
        (png::ColorType::Grayscale, png::BitDepth::Eight) => 1,
        (png::ColorType::Grayscale, png::BitDepth::Sixteen) => 2,
        _ => return Err(wrong(format!("a {colour:?} image; expected a grey one without transparency"))),
    };
    let mut pixels = vec![0; reader.output_buffer_size()];
    reader.next_frame(&mut pixels).map_err(broken)?;
    let score = |bytes: &[u8]| bytes.iter().fold(0.0, |score, &byte| score * 256.0 + f64::from(byte));
    let scores = pixels.chunks(bytes).map(score).collect();
    ScoreMap::new(height, width, scores).map_err(|error| wrong(error.to_string()))
}
