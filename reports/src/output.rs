//! Writing a folder of files so that an error leaves the old folder as it was.

use crate::ReportError;
use crate::figures::Figure;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Files on their way into a folder: they are written into a temporary sibling and moved into place by [`Staging::commit`].
/// Dropped before that, the sibling is removed and the folder is untouched.
pub struct Staging {
    target: PathBuf,
    folder: PathBuf,
    files: Vec<PathBuf>,
}

impl Staging {
    /// Makes the temporary sibling of `target`, and thereby checks that one can write there.
    pub fn new(target: &Path) -> Result<Self, ReportError> {
        if target.exists() && !target.is_dir() {
            let error = std::io::Error::new(std::io::ErrorKind::NotADirectory, "it exists and is not a folder");
            return Err(ReportError::io(target, error));
        }
        // A folder without write permission must fail now and not after its sibling is full.
        if target.metadata().is_ok_and(|meta| meta.permissions().readonly()) {
            return Err(ReportError::io(target, std::io::ErrorKind::PermissionDenied.into()));
        }
        let absolute = std::path::absolute(target).map_err(|error| ReportError::io(target, error))?;
        let name = absolute.file_name().map_or_else(|| "report".into(), |name| name.to_string_lossy().into_owned());
        let parent = absolute.parent().unwrap_or(&absolute).to_path_buf();
        fs::create_dir_all(&parent).map_err(|error| ReportError::io(target, error))?;
        let folder = parent.join(format!(".{name}.writing-{}", std::process::id()));
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|error| ReportError::io(&folder, error))?;
        }
        fs::create_dir(&folder).map_err(|error| ReportError::io(target, error))?;
        Ok(Self { target: absolute, folder, files: Vec::new() })
    }

    /// Writes one file, named relative to the folder.
    pub fn file(&mut self, name: impl Into<PathBuf>, content: &[u8]) -> Result<(), ReportError> {
        let name = name.into();
        let path = self.folder.join(&name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|error| ReportError::io(parent, error))?;
        }
        let mut file = fs::File::create(&path).map_err(|error| ReportError::io(&path, error))?;
        file.write_all(content).map_err(|error| ReportError::io(&path, error))?;
        self.files.push(name);
        Ok(())
    }

    /// Moves every file into the folder, over older ones of the same name; other files there stay.
    pub fn commit(mut self) -> Result<Vec<PathBuf>, ReportError> {
        let files = std::mem::take(&mut self.files);
        if !self.target.exists() {
            fs::rename(&self.folder, &self.target).map_err(|error| ReportError::io(&self.target, error))?;
            return Ok(files.into_iter().map(|name| self.target.join(name)).collect());
        }
        let mut written = Vec::with_capacity(files.len());
        for name in files {
            let path = self.target.join(&name);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(|error| ReportError::io(parent, error))?;
            }
            fs::rename(self.folder.join(&name), &path).map_err(|error| ReportError::io(&path, error))?;
            written.push(path);
        }
        Ok(written)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Nothing to report to: the folder is gone after a commit by renaming, and a left-over one harms nobody.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Writes figures into a folder, each as PNG, SVG, PDF and CSV under its own name, and returns the files. An error leaves the
/// folder as it was.
///
/// # Errors
/// The folder cannot be written, or a figure cannot be drawn.
pub fn write_figures(folder: &Path, figures: &[Figure]) -> Result<Vec<PathBuf>, ReportError> {
    write_folder(folder, figures, &[])
}

/// As [`write_figures`], with other files (name and content) beside them.
///
/// # Errors
/// The folder cannot be written, or a figure cannot be drawn.
pub fn write_folder(
    folder: &Path,
    figures: &[Figure],
    others: &[(&str, Vec<u8>)],
) -> Result<Vec<PathBuf>, ReportError> {
    let mut staging = Staging::new(folder)?;
    for figure in figures {
        let fault = |source| ReportError::Draw { name: figure.name.clone(), source };
        staging.file(format!("{}.png", figure.name), &figure.png().map_err(fault)?)?;
        staging.file(format!("{}.svg", figure.name), figure.svg().map_err(fault)?.as_bytes())?;
        staging.file(format!("{}.pdf", figure.name), &figure.pdf().map_err(fault)?)?;
        staging.file(format!("{}.csv", figure.name), &figure.data.to_csv()?)?;
    }
    for (name, content) in others {
        staging.file(*name, content)?;
    }
    staging.commit()
}
