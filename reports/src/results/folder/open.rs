//! Opening a folder: whether it is empty, that of the same sweep, or somebody else's.

use super::{CHUNKS, LAYERS, MANIFEST, POINTS, POINTS_CSV, RUN};
use crate::results::ResultsError;
use crate::results::files::{LOCK, PARTIAL, lock, names, remove, write_whole};
use crate::results::manifest::Manifest;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

/// What happens to results that are in the folder already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Those of the same sweep are kept and completed, others are refused.
    Resume,
    /// They are removed. Files that are not results are refused all the same.
    Replace,
}

/// Locks the folder; its manifest is `manifest` afterwards, or the one that is there already if it means the same.
pub(super) fn open(path: &Path, manifest: Manifest, existing: Existing) -> Result<(Manifest, File), ResultsError> {
    check(path)?;
    fs::create_dir_all(path).map_err(ResultsError::io("make", path))?;
    let lock = lock(path)?;
    for name in names(path)?.iter().filter(|name| name.ends_with(PARTIAL)) {
        remove(&path.join(name))?;
    }
    let there = if existing == Existing::Replace { clear(path).map(|()| None) } else { read_manifest(path) }?;
    let Some(there) = there else {
        write_manifest(path, &manifest)?;
        return Ok((manifest, lock));
    };
    if let Some(difference) = there.difference(&manifest) {
        return Err(ResultsError::Another { path: path.to_owned(), difference });
    }
    if there.shard != manifest.shard {
        let shown = |manifest: &Manifest| {
            manifest.shard.map_or_else(|| "all of it".to_owned(), |shard| format!("shard {shard}"))
        };
        let difference = format!("{} of this sweep, and now it is {}", shown(&there), shown(&manifest));
        return Err(ResultsError::Another { path: path.to_owned(), difference });
    }
    Ok((there, lock))
}

/// Refuses a folder with files that are not results, so that none are ever mixed with them or removed.
fn check(path: &Path) -> Result<(), ResultsError> {
    let entries = match path.metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(ResultsError::io("read", path)(error)),
        Ok(meta) if !meta.is_dir() => {
            return Err(ResultsError::folder(path, "it is a file; expected a folder for results"));
        }
        Ok(_) => names(path)?,
    };
    let strange = entries.iter().find(|name| *name != LOCK && !name.ends_with(PARTIAL));
    match strange {
        Some(name) if !entries.iter().any(|name| name == MANIFEST) => Err(ResultsError::folder(
            path,
            format!("it holds `{name}` and no {MANIFEST}; expected a new folder, an empty one, or one with results"),
        )),
        _ => Ok(()),
    }
}

/// Removes all results, the manifest last.
fn clear(path: &Path) -> Result<(), ResultsError> {
    [CHUNKS, POINTS, POINTS_CSV, LAYERS, RUN, MANIFEST].iter().try_for_each(|name| remove(&path.join(name)))
}

/// The manifest of a folder; nothing if there is none.
pub(in crate::results) fn read_manifest(path: &Path) -> Result<Option<Manifest>, ResultsError> {
    let file = path.join(MANIFEST);
    let content = match fs::read(&file) {
        Ok(content) => content,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ResultsError::io("read", &file)(error)),
    };
    let damaged = |error| format!("not the manifest of a sweep: {error}; expected one that `pisim sweep` wrote");
    serde_json::from_slice(&content).map(Some).map_err(|error| ResultsError::folder(&file, damaged(error)))
}

pub(super) fn write_manifest(path: &Path, manifest: &Manifest) -> Result<(), ResultsError> {
    let file = path.join(MANIFEST);
    let mut content =
        serde_json::to_vec_pretty(manifest).map_err(|error| ResultsError::folder(&file, error.to_string()))?;
    content.push(b'\n');
    write_whole(&file, &content)
}
