//! NumPy arrays (`.npy`, versions 1 to 3) as inputs of networks.

use anyhow::{Context, Result, bail, ensure};
use pisim_netgen::{FixedPoint, Shape};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Longer headers are of structured arrays, which are no pictures.
const MAX_HEADER_BYTES: usize = 4096;

/// An array's values in fixed point, `[channel][row][column]`. Floating-point values are the network's input as it is (0 to 1
/// for a picture); `uint8` is a picture from 0 to 255; wider integers are fixed-point values already.
///
/// # Errors
/// Another shape (a leading 1 is allowed), a type that is not a number, a file that is too short or too long, and values that
/// are not finite or leave the ring.
pub fn values(path: &Path, shape: Shape, format: FixedPoint) -> Result<Vec<i64>> {
    let at = || path.display().to_string();
    let mut file = File::open(path).with_context(|| format!("{}: cannot read the array", at()))?;
    // Nothing longer than the expected array of the widest type is ever read.
    let longest = MAX_HEADER_BYTES as u64 + 16 + 8 * shape.len() as u64;
    let mut bytes = Vec::new();
    file.by_ref().take(longest + 1).read_to_end(&mut bytes).with_context(at)?;
    parse(&bytes, shape, format).with_context(at)
}

fn parse(bytes: &[u8], shape: Shape, format: FixedPoint) -> Result<Vec<i64>> {
    let (header, data) = split(bytes).context("this is not a NumPy array (.npy)")?;
    let array = Header::parse(header).context("cannot understand the array's header")?;
    let expected = [shape.channels, shape.height, shape.width];
    let found =
        if array.shape.len() == 4 && array.shape.first() == Some(&1) { &array.shape[1..] } else { &array.shape[..] };
    ensure!(found == expected, "the array has shape {:?}; the network takes {expected:?}", array.shape);
    ensure!(!array.fortran, "the array is stored in Fortran order; save it by np.ascontiguousarray");
    let (width, read) = reader(&array.kind, format)?;
    let wanted = width * shape.len();
    ensure!(data.len() == wanted, "the array needs {wanted} bytes of values and has {}", data.len());
    let ring = 1i128 << (format.ring_bits - 1);
    let value = |chunk: &[u8]| {
        let value = read(chunk).context("the array has a value that is not finite")?;
        ensure!((-ring..ring).contains(&value), "{value} does not fit the ring of {} bits", format.ring_bits);
        Ok(value as i64)
    };
    data.chunks_exact(width).map(value).collect()
}

/// The header's text and what follows it.
pub(crate) fn split(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let rest = bytes.strip_prefix(b"\x93NUMPY")?;
    let (version, rest) = rest.split_first_chunk::<2>()?;
    let (length, rest) = match version {
        [1, _] => rest.split_first_chunk::<2>().map(|(length, rest)| (u32::from(u16::from_le_bytes(*length)), rest))?,
        [2 | 3, _] => rest.split_first_chunk::<4>().map(|(length, rest)| (u32::from_le_bytes(*length), rest))?,
        _ => return None,
    };
    let (header, data) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    (header.len() <= MAX_HEADER_BYTES).then_some(())?;
    Some((std::str::from_utf8(header).ok()?, data))
}

/// What a header says: `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 32, 32), }`.
#[derive(Debug, PartialEq)]
pub(crate) struct Header {
    /// `<f4`, `|u1`, …
    pub kind: String,
    /// Whether the first index moves fastest.
    pub fortran: bool,
    /// Number of values along each index.
    pub shape: Vec<usize>,
}

impl Header {
    /// Reads a header; none if it is not of a plain array.
    pub fn parse(text: &str) -> Option<Self> {
        let after = |key: &str| text.split_once(key).map(|(_, rest)| rest.trim_start());
        let kind = after("'descr':")?.strip_prefix('\'')?.split_once('\'')?.0.to_owned();
        let order = after("'fortran_order':")?;
        let fortran = order.starts_with("True");
        (fortran || order.starts_with("False")).then_some(())?;
        let shape = after("'shape':")?.strip_prefix('(')?.split_once(')')?.0;
        let numbers = shape.split(',').map(str::trim).filter(|number| !number.is_empty());
        Some(Self { kind, fortran, shape: numbers.map(|number| number.parse().ok()).collect::<Option<_>>()? })
    }
}

/// Reads one value as fixed point; none if it is not finite.
type Read1 = Box<dyn Fn(&[u8]) -> Option<i128>>;

/// The bytes of a value of this type, and how it is read.
fn reader(kind: &str, format: FixedPoint) -> Result<(usize, Read1)> {
    let one = (1i64 << format.fraction_bits.min(62)) as f64;
    // Values beyond 128 bits saturate, and are refused for the ring.
    let fixed = move |value: f64| value.is_finite().then(|| (value * one).round() as i128);
    Ok(match kind {
        "<f4" => (4, Box::new(move |bytes| fixed(f64::from(f32::from_le_bytes(bytes.try_into().ok()?))))),
        "<f8" => (8, Box::new(move |bytes| fixed(f64::from_le_bytes(bytes.try_into().ok()?)))),
        "|u1" => (1, Box::new(move |bytes| fixed(f64::from(*bytes.first()?) / 255.0))),
        "<i4" => (4, Box::new(|bytes| Some(i128::from(i32::from_le_bytes(bytes.try_into().ok()?))))),
        "<i8" => (8, Box::new(|bytes| Some(i128::from(i64::from_le_bytes(bytes.try_into().ok()?))))),
        _ => bail!("the array's type `{kind}` is not supported; expected float32, float64, uint8, int32 or int64"),
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    const SHAPE: Shape = Shape::new(1, 1, 2);
    const FORMAT: FixedPoint = FixedPoint { ring_bits: 32, fraction_bits: 8, weight_bits: 11, relu_max: None };

    /// As NumPy writes it: the header padded with spaces to a multiple of 64, a newline at its end.
    pub fn npy(kind: &str, order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let mut header = format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': {shape}, }}");
        while !(header.len() + 11).is_multiple_of(64) {
            header.push(' ');
        }
        header.push('\n');
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
    }

    fn floats(values: [f32; 2]) -> Vec<u8> {
        npy("<f4", "False", "(1, 1, 2)", &values.map(f32::to_le_bytes).concat())
    }

    #[test]
    fn every_supported_type_gives_the_same_picture() {
        let doubles = npy("<f8", "False", "(1, 1, 1, 2)", &[1.0f64, 0.0].map(f64::to_le_bytes).concat());
        let pixels = npy("|u1", "False", "(1, 1, 2)", &[255, 0]);
        let fixed = npy("<i4", "False", "(1, 1, 2)", &[256i32, 0].map(i32::to_le_bytes).concat());
        let wide = npy("<i8", "False", "(1, 1, 2)", &[256i64, 0].map(i64::to_le_bytes).concat());
        for array in [floats([1.0, 0.0]), doubles, pixels, fixed, wide] {
            assert_eq!(parse(&array, SHAPE, FORMAT).unwrap(), [256, 0]);
        }
        assert_eq!(parse(&floats([-0.5, 0.001]), SHAPE, FORMAT).unwrap(), [-128, 0]);
    }

    #[test]
    fn what_is_not_such_an_array_is_refused_with_the_reason() {
        let eight = [0; 8];
        for (array, reason) in [
            (b"PNG".to_vec(), "not a NumPy array"),
            (npy("<f4", "False", "(1, 2, 2)", &[0; 16]), "shape [1, 2, 2]; the network takes [1, 1, 2]"),
            (npy("<f4", "False", "(99999999999999999999,)", &eight), "cannot understand"),
            (npy("<f4", "True", "(1, 1, 2)", &eight), "Fortran"),
            (npy("<c8", "False", "(1, 1, 2)", &[0; 16]), "`<c8` is not supported"),
            (npy("<f4", "False", "(1, 1, 2)", &[0; 7]), "needs 8 bytes of values and has 7"),
            (npy("<f4", "False", "(1, 1, 2)", &[0; 9]), "needs 8 bytes of values and has 9"),
            (floats([f32::NAN, 0.0]), "not finite"),
            (floats([f32::MAX, 0.0]), "does not fit the ring of 32 bits"),
            (npy("<i8", "False", "(1, 1, 2)", &[i64::MIN, 0].map(i64::to_le_bytes).concat()), "does not fit"),
        ] {
            let error = format!("{:#}", parse(&array, SHAPE, FORMAT).unwrap_err());
            assert!(error.contains(reason), "{error}: expected {reason}");
        }
        let edges = npy("<i4", "False", "(1, 1, 2)", &[i32::MIN, i32::MAX].map(i32::to_le_bytes).concat());
        assert_eq!(parse(&edges, SHAPE, FORMAT).unwrap(), [i64::from(i32::MIN), i64::from(i32::MAX)]);
    }

    proptest! {
        #[test]
        fn no_file_panics(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            position in 0usize..200,
            byte in any::<u8>(),
        ) {
            let mut array = floats([0.25, 0.5]);
            let position = position % array.len();
            array[position] = byte;
            let _ = parse(&array, SHAPE, FORMAT);
            let _ = parse(&[b"\x93NUMPY\x02\x00", &bytes[..]].concat(), SHAPE, FORMAT);
            let _ = parse(&bytes, SHAPE, FORMAT);
        }
    }
}
