//! Pictures as inputs of networks.

use ::image::imageops::FilterType;
use anyhow::{Context, Result, bail};
use include_dir::{Dir, include_dir};
use pisim_netgen::{FixedPoint, Shape};
use std::path::{Path, PathBuf};

static SHIPPED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../configs/images");

/// Where an input comes from.
#[derive(Debug, Clone)]
pub enum Picture {
    /// A file of the user's.
    File(PathBuf),
    /// A picture that pisim ships: its file name and content.
    Shipped(String, &'static [u8]),
}

impl Picture {
    /// A shipped picture by file name.
    pub fn shipped(name: &str) -> Result<Self> {
        let file = SHIPPED.get_file(name).filter(|_| name.ends_with(".png"));
        let file = file.with_context(|| {
            format!("no file of this name exists and no picture `{name}` is shipped; expected a file or `cat.png`")
        })?;
        Ok(Self::Shipped(name.to_owned(), file.contents()))
    }

    /// How reports name it.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Shipped(name, _) => format!("configs/images/{name}"),
        }
    }

    /// The picture's values from 0 to 1 in fixed point, `[channel][y][x]`; its centre is cut to a square and resized. A network of
    /// one channel sees the brightness.
    pub fn values(&self, shape: Shape, format: FixedPoint) -> Result<Vec<i64>> {
        let bytes = match self {
            Self::File(path) => read(path)?,
            Self::Shipped(_, content) => content.to_vec(),
        };
        if !matches!(shape.channels, 1 | 3) || shape.height != shape.width {
            bail!("a picture has 3 channels, or 1 if it is grey, and is cut to a square; the network takes {shape}");
        }
        let picture = ::image::load_from_memory(&bytes)
            .with_context(|| format!("{}: cannot read the picture; expected a PNG or JPEG", self.name()))?;
        let side = picture.width().min(picture.height());
        let (left, top) = ((picture.width() - side) / 2, (picture.height() - side) / 2);
        let size = u32::try_from(shape.width)?;
        let square = picture.crop_imm(left, top, side, side).resize_exact(size, size, FilterType::Triangle);
        let pixels = if shape.channels == 1 { square.to_luma8().into_raw() } else { square.to_rgb8().into_raw() };
        let scale = (1i64 << format.fraction_bits) as f64 / 255.0;
        // The picture's channels stand side by side, the network's one behind the other.
        let channel = |channel: usize| pixels.iter().skip(channel).step_by(shape.channels);
        let values = (0..shape.channels).flat_map(channel).map(|value| f64::from(*value) * scale);
        Ok(values.map(|value| value.round() as i64).collect())
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{}: cannot read the picture", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grey_network_sees_the_brightness_of_a_picture() {
        let format = FixedPoint { ring_bits: 32, fraction_bits: 8, weight_bits: 11, relu_max: None };
        let cat = Picture::shipped("cat.png").unwrap();
        let values = |channels: usize| cat.values(Shape::new(channels, 8, 8), format);
        let (colour, grey) = (values(3).unwrap(), values(1).unwrap());
        assert_eq!((colour.len(), grey.len()), (192, 64));
        for (pixel, value) in grey.iter().enumerate() {
            let channels = [0, 64, 128].map(|channel| colour[channel + pixel]);
            let (least, most) = (channels.iter().min().unwrap(), channels.iter().max().unwrap());
            assert!((least - 1..=most + 1).contains(value), "{value} is outside of {channels:?}");
        }
        assert!(values(2).unwrap_err().to_string().contains("1 if it is grey"));
    }
}
