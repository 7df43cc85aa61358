//! Files and folders of a store: private, durable, and moved by atomic renames.

use super::{Result, StoreError};
use crate::random::Seed;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use zeroize::Zeroizing;

#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};

/// Makes a folder that only its owner may enter, unless it is there.
pub(super) fn make_folder(path: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    builder.mode(0o700);
    builder.create(path).map_err(StoreError::io("make the folder", path))
}

/// Makes a new file that only its owner may read.
pub(super) fn create(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    options.open(path).map_err(StoreError::io("make", path))
}

pub(super) fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(StoreError::io("open", path))
}

/// Puts a file or folder on the disk, not only into the operating system's memory.
pub(super) fn sync(path: &Path) -> Result<()> {
    open(path)?.sync_all().map_err(StoreError::io("write to the disk", path))
}

/// Renames within the folder, durably.
pub(super) fn rename(from: &Path, to: &Path, folder: &Path) -> Result<()> {
    fs::rename(from, to).map_err(StoreError::io("rename", from))?;
    sync(folder)
}

pub(super) fn names(folder: &Path) -> Result<Vec<String>> {
    let failed = StoreError::io("read the folder", folder);
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>).map_err(failed)?;
    Ok(entries.into_iter().filter_map(|entry| entry.file_name().into_string().ok()).collect())
}

/// Removes an entry and everything in it; one that is gone already is fine.
pub(super) fn remove_entry(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(StoreError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Holds a lock file; the lock ends with the value, and with the process however it ends.
pub(super) struct Lock(#[allow(dead_code, reason = "open as long as the lock is held")] File);

/// Waits for the folder's lock.
pub(super) fn lock_folder(folder: &Path) -> Result<Lock> {
    let path = folder.join("lock");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    options.mode(0o600);
    let file = options.open(&path).map_err(StoreError::io("make", &path))?;
    file.lock().map_err(StoreError::io("lock", &path))?;
    Ok(Lock(file))
}

/// Takes an entry's lock, if nobody has it.
pub(super) fn try_lock(path: &Path) -> Result<Option<Lock>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io("open", path)(error)),
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(Lock(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(StoreError::io("lock", path)(error)),
    }
}

/// Whether no living process holds an entry. Entries get their lock file under the folder's lock, so one without never had
/// an owner that lives.
pub(super) fn is_abandoned(entry: &Path) -> Result<bool> {
    let lock = entry.join("lock");
    Ok(try_lock(&lock)?.is_some() || !lock.exists())
}

/// The folder's key. Of several processes that find none, one makes it and all read the same.
pub(super) fn read_or_make_key(folder: &Path) -> Result<Seed> {
    let path = folder.join("key");
    let _guard = lock_folder(folder)?;
    if !path.exists() {
        let fresh = Seed::from_system()
            .map_err(|error| StoreError::io("draw a key for", &path)(std::io::Error::other(error.to_string())))?;
        let temporary = folder.join("key.part");
        // What a crash left here was never a key.
        let _ = fs::remove_file(&temporary);
        let mut file = create(&temporary)?;
        file.write_all(&fresh.0).and_then(|()| file.sync_all()).map_err(StoreError::io("write", &temporary))?;
        rename(&temporary, &path, folder)?;
    }
    read_key(&path)
}

fn read_key(path: &Path) -> Result<Seed> {
    let mut file = open(path)?;
    let metadata = file.metadata().map_err(StoreError::io("read", path))?;
    #[cfg(unix)]
    if metadata.mode() & 0o077 != 0 {
        return Err(StoreError::OpenKey { path: path.to_owned() });
    }
    let mut key = Zeroizing::new([0; 32]);
    if metadata.len() != key.len() as u64 {
        let reason = format!("it has {} bytes instead of {}", metadata.len(), key.len());
        return Err(StoreError::Tampered { path: path.to_owned(), reason });
    }
    file.read_exact(&mut *key).map_err(StoreError::io("read", path))?;
    Ok(Seed(*key))
}
