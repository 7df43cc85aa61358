//! What can be wrong with a folder of results.

use super::FrameError;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why results cannot be kept, resumed, merged or shown.
#[derive(Debug, Error)]
pub enum ResultsError {
    /// A file or folder cannot be read or written. What was finished before stays, and the run can be resumed.
    #[error("cannot {action} {}: {cause}{}", path.display(), advice(cause))]
    Io {
        /// `read`, `write`, `remove`, …
        action: &'static str,
        /// Which one.
        path: PathBuf,
        /// Why. It stands in the message and is therefore no `source`, whose text would follow again.
        cause: std::io::Error,
    },
    /// A table cannot be read or written.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The folder holds no results of a sweep, or damaged ones.
    #[error("{}: {message}", path.display())]
    Folder {
        /// Which one.
        path: PathBuf,
        /// What is wrong and what was expected.
        message: String,
    },
    /// The folder belongs to another sweep, or to another version.
    #[error("{} holds the results of another run: {difference}; expected another folder, or `--force` to replace them",
        path.display())]
    Another {
        /// Which one.
        path: PathBuf,
        /// The first difference.
        difference: String,
    },
    /// Another process works in the folder.
    #[error("{} is in use by another process; expected another folder, or wait until that one has ended", path.display())]
    Busy {
        /// Which one.
        path: PathBuf,
    },
    /// Rows that are not those of the sweep.
    #[error("point {point}: {message}")]
    Row {
        /// Which point.
        point: u64,
        /// What is wrong.
        message: String,
    },
    /// Folders that are not the shards of one sweep.
    #[error("cannot merge: {0}")]
    Shards(String),
}

fn advice(cause: &std::io::Error) -> &'static str {
    match cause.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded | std::io::ErrorKind::FileTooLarge => {
            "; what was finished is kept: make room and run the same command again"
        }
        _ => "",
    }
}

impl ResultsError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |cause| Self::Io { action, path: path.to_owned(), cause }
    }

    pub(crate) fn folder(path: &Path, message: impl Into<String>) -> Self {
        Self::Folder { path: path.to_owned(), message: message.into() }
    }
}
