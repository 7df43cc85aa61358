//! Files that are there whole or not at all, and the lock of a folder.

use super::ResultsError;
use super::manifest::FileInfo;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// The end of the name of a file that is being written. What is left of a killed process is removed.
pub(super) const PARTIAL: &str = ".partial";

/// The file whose lock says that a process works in the folder.
pub(super) const LOCK: &str = ".lock";

/// Writes a file so that a kill at any moment leaves the old one or the new one.
pub(super) fn write_whole(path: &Path, content: &[u8]) -> Result<(), ResultsError> {
    let mut file = Partial::create(path)?;
    file.put(content)?;
    file.commit().map(|_| ())
}

/// A file on its way to its name: dropped before [`Partial::commit`] it is removed.
pub(super) struct Partial {
    path: PathBuf,
    partial: PathBuf,
    out: BufWriter<File>,
    hash: blake3::Hasher,
    bytes: u64,
    whole: bool,
}

impl Partial {
    /// Starts a file.
    pub(super) fn create(path: &Path) -> Result<Self, ResultsError> {
        let mut partial = path.as_os_str().to_owned();
        partial.push(PARTIAL);
        let partial = PathBuf::from(partial);
        let out = BufWriter::new(File::create(&partial).map_err(ResultsError::io("write", path))?);
        Ok(Self { path: path.to_owned(), partial, out, hash: blake3::Hasher::new(), bytes: 0, whole: false })
    }

    /// Adds to it.
    pub(super) fn put(&mut self, content: &[u8]) -> Result<(), ResultsError> {
        self.write_all(content).map_err(ResultsError::io("write", &self.path))
    }

    /// Brings it to the disk and gives it its name.
    pub(super) fn commit(mut self) -> Result<FileInfo, ResultsError> {
        self.out.flush().map_err(ResultsError::io("write", &self.path))?;
        self.out.get_ref().sync_all().map_err(ResultsError::io("write", &self.path))?;
        fs::rename(&self.partial, &self.path).map_err(ResultsError::io("write", &self.path))?;
        self.whole = true;
        sync_folder(&self.path)?;
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(FileInfo { name, bytes: self.bytes, blake3: self.hash.finalize().to_hex().to_string() })
    }
}

impl Write for Partial {
    fn write(&mut self, content: &[u8]) -> io::Result<usize> {
        let written = self.out.write(content)?;
        self.hash.update(content.get(..written).unwrap_or(content));
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.whole {
            // Nobody to tell: the next run removes what is left.
            let _ = fs::remove_file(&self.partial);
        }
    }
}

/// Makes sure that the names in the folder of `path` are on the disk too. Not all systems can open a folder.
fn sync_folder(path: &Path) -> Result<(), ResultsError> {
    let Some(folder) = path.parent().filter(|_| cfg!(unix)) else { return Ok(()) };
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(ResultsError::io("write", folder))
}

/// Takes the lock of a folder until the file is dropped, which the system does for a killed process too.
pub(super) fn lock(folder: &Path) -> Result<File, ResultsError> {
    let path = folder.join(LOCK);
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(ResultsError::io("write", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ResultsError::Busy { path: folder.to_owned() }),
        Err(TryLockError::Error(error)) => Err(ResultsError::io("lock", &path)(error)),
    }
}

/// Removes a file or folder that may be missing.
pub(super) fn remove(path: &Path) -> Result<(), ResultsError> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(ResultsError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// The names in a folder.
pub(super) fn names(folder: &Path) -> Result<Vec<String>, ResultsError> {
    let entries = fs::read_dir(folder).map_err(ResultsError::io("read", folder))?;
    let name = |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
    entries.map(name).collect::<io::Result<_>>().map_err(ResultsError::io("read", folder))
}
