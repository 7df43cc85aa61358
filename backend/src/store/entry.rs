//! Using a precompute: held by one process, verified, taken, gone.

use super::draft::with_ending;
use super::seal::{self, Label, Seal};
use super::{PrecomputeId, Result, Store, StoreError, USED, files};
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// A verified precompute that no other process can hold. Dropped, it is free again and unused.
pub struct Held<'a> {
    store: &'a Store,
    path: PathBuf,
    seal: Seal,
    lock: files::Lock,
}

/// A precompute that is used up, whatever happens now. Dropped, its files are removed.
pub struct Taken {
    path: PathBuf,
    _lock: files::Lock,
}

impl Store {
    /// Holds a precompute and verifies its seal.
    ///
    /// # Errors
    /// [`StoreError::Gone`] if it is not there, [`StoreError::InUse`] if another process holds it, [`StoreError::Tampered`] if
    /// it is not as it was sealed.
    pub fn hold(&self, id: PrecomputeId) -> Result<Held<'_>> {
        let path = self.entry(id);
        let Some(lock) = files::try_lock(&path.join("lock"))? else {
            return Err(if path.exists() { StoreError::InUse { id } } else { StoreError::Gone { id } });
        };
        match seal::verify(&path, id, self.party, &self.key) {
            Ok(seal) => Ok(Held { store: self, path, seal, lock }),
            // Taken by its last holder between the name and the lock.
            Err(_) if !path.exists() => Err(StoreError::Gone { id }),
            Err(error) => Err(error),
        }
    }
}

impl Held<'_> {
    /// What it belongs to.
    pub fn label(&self) -> &Label {
        &self.seal.label
    }

    /// The party's small state.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn index(&self) -> Result<Zeroizing<Vec<u8>>> {
        let path = self.path.join("index");
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.seal.index_bytes as usize));
        let file = files::open(&path)?.take(self.seal.index_bytes);
        { file }.read_to_end(&mut bytes).map_err(StoreError::io("read", &path))?;
        Ok(bytes)
    }

    /// The file with garbled tables and labels, open for reading.
    ///
    /// # Errors
    /// A file that cannot be opened.
    pub fn records(&self) -> Result<File> {
        files::open(&self.path.join("records"))
    }

    /// Uses it up: on the disk before this returns.
    ///
    /// # Errors
    /// [`StoreError::Gone`] if somebody was faster, or a folder that cannot be written.
    pub fn take(self) -> Result<Taken> {
        let used = with_ending(&self.path, USED);
        match files::rename(&self.path, &used, self.store.folder()) {
            Ok(()) => Ok(Taken { path: used, _lock: self.lock }),
            Err(StoreError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                Err(StoreError::Gone { id: self.seal.label.id })
            }
            Err(error) => Err(error),
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        // What cannot be removed now is removed when the store is opened next.
        let _ = files::remove_entry(&self.path);
    }
}
