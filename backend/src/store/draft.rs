//! Making a precompute: everything is written under a temporary name and appears at once.

use super::seal::{self, Label};
use super::{PART, PrecomputeId, Result, Store, StoreError, files};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// An entry that is being made. Dropped, it is removed.
pub struct Draft<'a> {
    store: &'a Store,
    path: PathBuf,
    label: Label,
    finished: bool,
    records: File,
    _lock: Option<files::Lock>,
}

/// An entry that is on the disk whole, still under its temporary name. Dropped, it is removed.
pub struct Ready<'a>(Draft<'a>);

impl Store {
    /// Begins a precompute.
    ///
    /// # Errors
    /// A folder that cannot be written, or a number that is taken.
    pub fn begin(&self, label: Label) -> Result<Draft<'_>> {
        let _guard = files::lock_folder(self.folder())?;
        let path = with_ending(&self.entry(label.id), PART);
        if self.entry(label.id).exists() || path.exists() {
            let exists = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
            return Err(StoreError::io("make the precompute", &path)(exists));
        }
        files::make_folder(&path)?;
        let made = files::create(&path.join("lock"))
            .and_then(|_| Ok((files::try_lock(&path.join("lock"))?, files::create(&path.join("records"))?)));
        match made {
            Ok((_lock, records)) => Ok(Draft { store: self, path, label, finished: false, records, _lock }),
            Err(error) => {
                // The folder is empty, or next to; what cannot be removed now is removed at the next start.
                let _ = files::remove_entry(&path);
                Err(error)
            }
        }
    }
}

impl<'a> Draft<'a> {
    /// The empty file for garbled tables and labels, open for reading and writing.
    ///
    /// # Errors
    /// Too many open files.
    pub fn records(&self) -> Result<File> {
        self.records.try_clone().map_err(StoreError::io("open", &self.path))
    }

    /// Adds the small state, seals everything and puts it on the disk.
    ///
    /// # Errors
    /// A disk that is full or fails; then nothing is left.
    pub fn finish(self, index: &[u8]) -> Result<Ready<'a>> {
        self.write("index", index)?;
        let seal = seal::write(&self.path, &self.label, self.store.party, &self.store.key)?;
        self.write("seal", &seal)?;
        self.records.sync_all().map_err(StoreError::io("write to the disk", &self.path))?;
        files::sync(&self.path)?;
        Ok(Ready(self))
    }

    fn write(&self, name: &str, content: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        let mut file = files::create(&path)?;
        file.write_all(content).and_then(|()| file.sync_all()).map_err(StoreError::io("write", &path))
    }
}

impl Ready<'_> {
    /// Lets the entry appear.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn publish(mut self) -> Result<PrecomputeId> {
        let draft = &mut self.0;
        let id = draft.label.id;
        files::rename(&draft.path, &draft.store.entry(id), draft.store.folder())?;
        draft.finished = true;
        Ok(id)
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if !self.finished {
            // What cannot be removed now is removed when the store is opened next.
            let _ = files::remove_entry(&self.path);
        }
    }
}

/// A path with something after its name.
pub(super) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
