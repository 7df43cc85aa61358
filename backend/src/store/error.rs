//! Why a precompute cannot be kept or used.

use super::PrecomputeId;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A fault of a store. Nothing under a final name was changed by whatever failed.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The file system refused; a full disk, for example.
    #[error("store: cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The key file does not protect anything.
    #[error("store: {path} can be read by others; make it readable by its owner only (chmod 600)")]
    OpenKey {
        /// The key file.
        path: PathBuf,
    },
    /// A file of the store is not what this program wrote.
    #[error("store: {path} was tampered with or damaged: {reason}; it is not used")]
    Tampered {
        /// The entry or file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// There is no such precompute (any more).
    #[error("there is no precompute {id}: it was used, or belongs to another store")]
    Gone {
        /// Its number.
        id: PrecomputeId,
    },
    /// Another process has it.
    #[error("precompute {id} is in use")]
    InUse {
        /// Its number.
        id: PrecomputeId,
    },
    /// There is none for this program and server.
    #[error(
        "{folder} has no precompute for this program and this server ({others} for others or in use); make one with --offline"
    )]
    Nothing {
        /// The store.
        folder: PathBuf,
        /// Precomputes that do not fit.
        others: usize,
    },
}

impl StoreError {
    /// Says what was tried when the file system refused.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}
