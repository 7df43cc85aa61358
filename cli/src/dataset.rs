//! Labelled pictures and trained networks: files of the user's, or those that pisim ships.

use crate::npy::{Header, split};
use anyhow::{Context, Result, bail, ensure};
use include_dir::{Dir, include_dir};
use pisim_netgen::Shape;
use std::borrow::Cow;
use std::path::Path;

/// What stands in `configs/digits`, so that the binary works alone.
static SHIPPED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../configs/digits");
/// Where it stands in the project.
const SHIPPED_FOLDER: &str = "configs/digits";

/// Larger arrays are no test set for private inference.
const MAX_BYTES: u64 = 1 << 30;

/// A file's bytes: the user's if there is one of that name, otherwise the shipped one under `configs/digits`.
pub fn bytes(name: &str) -> Result<Cow<'static, [u8]>> {
    let path = Path::new(name);
    match std::fs::metadata(path) {
        Ok(file) if file.len() > MAX_BYTES => bail!("{name}: {} bytes are too many; at most {MAX_BYTES}", file.len()),
        Ok(_) => return Ok(Cow::Owned(std::fs::read(path).with_context(|| format!("{name}: cannot read the file"))?)),
        Err(_) => {}
    }
    let shipped = shipped(name);
    let names = || SHIPPED.files().filter_map(|file| file.path().to_str()).collect::<Vec<_>>().join(", ");
    let content = shipped
        .with_context(|| format!("{name}: no such file; {SHIPPED_FOLDER}/ (which is built in) has {}", names()))?;
    Ok(Cow::Borrowed(content))
}

/// A shipped file's content.
pub fn shipped(name: &str) -> Option<&'static [u8]> {
    let inside = Path::new(name).strip_prefix(SHIPPED_FOLDER).ok()?;
    SHIPPED.get_file(inside).map(|file| file.contents())
}

/// Pictures of one shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Pictures {
    /// Values of each picture as a network reads them, `[channel][row][column]`.
    pub values: Vec<Vec<f32>>,
}

impl Pictures {
    /// Reads a NumPy array `[n, channels, rows, columns]`: `uint8` is a picture from 0 to 255 and becomes 0 to 1, floating-point
    /// values are taken as they are.
    ///
    /// # Errors
    /// Another type or shape, a wrong length, no picture at all, and values that are not finite.
    pub fn read(name: &str, shape: Shape) -> Result<Self> {
        parse_pictures(&bytes(name)?, shape).with_context(|| name.to_owned())
    }

    /// A picture's values from 0 to 255, for drawing.
    pub fn pixels(&self, index: usize) -> Vec<u8> {
        let picture = self.values.get(index).map_or(&[][..], Vec::as_slice);
        picture.iter().map(|value| (value.clamp(0.0, 1.0) * 255.0).round() as u8).collect()
    }
}

fn parse_pictures(bytes: &[u8], shape: Shape) -> Result<Pictures> {
    let (array, data) = array(bytes)?;
    let expected = [shape.channels, shape.height, shape.width];
    let count = match array.shape.split_first() {
        Some((count, rest)) if *rest == expected => *count,
        _ => bail!(
            "the array has shape {:?}; the network takes [n, {}, {}, {}]",
            array.shape,
            shape.channels,
            shape.height,
            shape.width
        ),
    };
    ensure!(count > 0, "the array has no pictures");
    type Read = fn(&[u8]) -> Option<f32>;
    let (width, read): (usize, Read) = match array.kind.as_str() {
        "|u1" => (1, |bytes| Some(f32::from(*bytes.first()?) / 255.0)),
        "<f4" => (4, |bytes| Some(f32::from_le_bytes(bytes.try_into().ok()?))),
        "<f8" => (8, |bytes| Some(f64::from_le_bytes(bytes.try_into().ok()?) as f32)),
        other => bail!("the array's type `{other}` is not supported; expected uint8, float32 or float64"),
    };
    let wanted = count.checked_mul(shape.len()).and_then(|values| values.checked_mul(width));
    let wanted = wanted.context("the array's shape is too large")?;
    ensure!(data.len() == wanted, "the array needs {wanted} bytes of values and has {}", data.len());
    let value = |chunk: &[u8]| {
        read(chunk).filter(|value| value.is_finite()).context("the array has a value that is not finite")
    };
    let picture = |chunk: &[u8]| chunk.chunks_exact(width).map(value).collect::<Result<Vec<f32>>>();
    Ok(Pictures { values: data.chunks_exact(width * shape.len()).map(picture).collect::<Result<_>>()? })
}

/// Reads the classes of `count` pictures: a NumPy array `[count]` of `uint8`, `int32` or `int64`.
///
/// # Errors
/// Another type or shape, a wrong length, and a class that the network does not have.
pub fn labels(name: &str, count: usize, classes: usize) -> Result<Vec<usize>> {
    parse_labels(&bytes(name)?, count, classes).with_context(|| name.to_owned())
}

fn parse_labels(bytes: &[u8], count: usize, classes: usize) -> Result<Vec<usize>> {
    let (array, data) = array(bytes)?;
    ensure!(array.shape == [count], "the array has shape {:?}; {count} pictures have labels [{count}]", array.shape);
    type Read = fn(&[u8]) -> Option<i64>;
    let (width, read): (usize, Read) = match array.kind.as_str() {
        "|u1" => (1, |bytes| Some(i64::from(*bytes.first()?))),
        "<i4" => (4, |bytes| Some(i64::from(i32::from_le_bytes(bytes.try_into().ok()?)))),
        "<i8" => (8, |bytes| Some(i64::from_le_bytes(bytes.try_into().ok()?))),
        other => bail!("the array's type `{other}` is not supported; expected uint8, int32 or int64"),
    };
    ensure!(Some(data.len()) == count.checked_mul(width), "the array's values are {} bytes long", data.len());
    let label = |(index, chunk): (usize, &[u8])| {
        let label = read(chunk).context("the array is cut off")?;
        let class = usize::try_from(label).ok().filter(|class| *class < classes);
        class.with_context(|| format!("label {label} of picture {index} is no class; the network has {classes}"))
    };
    data.chunks_exact(width).enumerate().map(label).collect()
}

/// The header and the values of a NumPy array in C order.
fn array(bytes: &[u8]) -> Result<(Header, &[u8])> {
    let (header, data) = split(bytes).context("this is not a NumPy array (.npy)")?;
    let header = Header::parse(header).context("cannot understand the array's header")?;
    ensure!(!header.fortran, "the array is stored in Fortran order; save it by np.ascontiguousarray");
    Ok((header, data))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::npy::tests::npy;

    const SHAPE: Shape = Shape::new(1, 1, 2);

    #[test]
    fn the_shipped_set_is_what_its_readme_says() {
        let shape = Shape::new(1, 8, 8);
        let images = Pictures::read("configs/digits/test-images.npy", shape).unwrap();
        let labels = labels("configs/digits/test-labels.npy", 360, 10).unwrap();
        assert_eq!((images.values.len(), labels.len()), (360, 360));
        assert_eq!(images.pixels(0).len(), 64);
        let calibration = Pictures::read("configs/digits/calibration-images.npy", shape).unwrap();
        assert_eq!(calibration.values.len(), 128);
        assert!(calibration.values.iter().all(|image| !images.values.contains(image)), "a test image calibrates");
        for class in 0..10 {
            assert!(labels.iter().filter(|label| **label == class).count() >= 34, "{class}");
        }
    }

    #[test]
    fn pictures_and_labels_of_every_type_are_read_and_others_refused_with_the_reason() {
        let bytes = npy("|u1", "False", "(2, 1, 1, 2)", &[0, 255, 51, 0]);
        let pictures = parse_pictures(&bytes, SHAPE).unwrap();
        assert_eq!(pictures.values, [[0.0, 1.0], [0.2, 0.0]]);
        assert_eq!(pictures.pixels(1), [51, 0]);
        let floats = npy("<f4", "False", "(1, 1, 1, 2)", &[0.5f32, -1.0].map(f32::to_le_bytes).concat());
        assert_eq!(parse_pictures(&floats, SHAPE).unwrap().values, [[0.5, -1.0]]);
        for (array, reason) in [
            (npy("|u1", "False", "(2, 1, 2)", &[0; 4]), "shape [2, 1, 2]; the network takes [n, 1, 1, 2]"),
            (npy("|u1", "False", "(0, 1, 1, 2)", &[]), "no pictures"),
            (npy("|u1", "True", "(1, 1, 1, 2)", &[0; 2]), "Fortran"),
            (npy("<i4", "False", "(1, 1, 1, 2)", &[0; 8]), "`<i4` is not supported"),
            (npy("|u1", "False", "(2, 1, 1, 2)", &[0; 3]), "needs 4 bytes of values and has 3"),
            (npy("<f4", "False", "(1, 1, 1, 2)", &[0xff; 8]), "not finite"),
            (npy("|u1", "False", &format!("({}, 1, 1, 2)", usize::MAX), &[0; 3]), "too large"),
            (b"no".to_vec(), "not a NumPy array"),
        ] {
            let error = parse_pictures(&array, SHAPE).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}: expected {reason}");
        }
        let labels = npy("<i8", "False", "(2,)", &[3i64, 0].map(i64::to_le_bytes).concat());
        assert_eq!(parse_labels(&labels, 2, 4).unwrap(), [3, 0]);
        for (count, classes, reason) in [(3, 4, "3 pictures"), (2, 3, "label 3 of picture 0 is no class")] {
            let error = parse_labels(&labels, count, classes).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}: expected {reason}");
        }
        assert!(parse_labels(&npy("<f4", "False", "(1,)", &[0; 4]), 1, 4).is_err());
        assert!(bytes_of("nowhere.npy").contains("hrn.onnx"));
    }

    fn bytes_of(name: &str) -> String {
        bytes(name).unwrap_err().to_string()
    }
}
