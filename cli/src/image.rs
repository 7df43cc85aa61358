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

    /// The picture's values from 0 to 1 in fixed point, `[channel][y][x]`; its centre is cut to a square and resized.
    pub fn values(&self, shape: Shape, format: FixedPoint) -> Result<Vec<i64>> {
        let bytes = match self {
            Self::File(path) => read(path)?,
            Self::Shipped(_, content) => content.to_vec(),
        };
        if shape.channels != 3 || shape.height != shape.width {
            bail!("a picture has 3 channels and is cut to a square; the network takes {shape}");
        }
        let picture = ::image::load_from_memory(&bytes)
            .with_context(|| format!("{}: cannot read the picture; expected a PNG or JPEG", self.name()))?;
        let side = picture.width().min(picture.height());
        let (left, top) = ((picture.width() - side) / 2, (picture.height() - side) / 2);
        let size = u32::try_from(shape.width)?;
        let pixels = picture.crop_imm(left, top, side, side).resize_exact(size, size, FilterType::Triangle).to_rgb8();
        let scale = (1i64 << format.fraction_bits) as f64 / 255.0;
        let channel = |channel: usize| pixels.pixels().map(move |pixel| f64::from(pixel.0[channel]) * scale);
        Ok((0..3).flat_map(channel).map(|value| value.round() as i64).collect())
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{}: cannot read the picture", path.display()))
}
