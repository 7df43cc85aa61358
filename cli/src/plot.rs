//! The figure of `--plot`: its path is judged before the work, its content written after it.

use anyhow::{Context, Result, bail};
use pisim_reports::figures::Figure;
use std::fs;
use std::path::{Path, PathBuf};

/// A figure to be written, once its path has been judged.
pub struct Plot {
    /// Where to.
    pub path: PathBuf,
    bitmap: bool,
}

impl Plot {
    /// Judges a path: its ending tells the format, and its folder must be there.
    pub fn new(path: &Path) -> Result<Self> {
        let extension = path.extension().map(|end| end.to_ascii_lowercase());
        let bitmap = match extension.as_ref().and_then(|end| end.to_str()) {
            Some("svg") => false,
            Some("png") => true,
            _ => bail!("--plot {}: expected a file that ends in .svg or .png", path.display()),
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() || path.is_dir() {
            bail!("--plot {}: cannot be written; expected a file in a folder that exists", path.display());
        }
        Ok(Self { path: path.to_owned(), bitmap })
    }

    /// Where the data beside the figure goes.
    pub fn data_path(&self) -> PathBuf {
        self.path.with_extension("csv")
    }

    /// Writes the figure.
    pub fn write(&self, figure: &Figure) -> Result<()> {
        write(&self.path, if self.bitmap { figure.png()? } else { figure.svg()?.into_bytes() })
    }

    /// Writes the figure, and its data beside it.
    pub fn write_with_data(&self, figure: &Figure) -> Result<()> {
        self.write(figure)?;
        write(&self.data_path(), figure.data.to_csv()?)
    }
}

fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}
