//! Precomputes on disk: what one party keeps from the offline to the online phase, used at most once.
//!
//! ```text
//! DIR/key                  32 random bytes, for the seals
//! DIR/lock                 held while entries are made or cleaned up
//! DIR/ID.PARTY/            a finished precompute
//!     lock                 held by the process that wants to use it
//!     seal                 what it belongs to, its lengths, and the MAC of everything
//!     index                the party's small state
//!     records              garbled tables and labels
//! DIR/ID.PARTY.part/       a precompute that is being made
//! DIR/ID.PARTY.used/       a precompute that was taken; never used again, removed
//! ```
//! **At most once.** An entry appears under its final name by one rename after everything in it is on the disk, and is taken by
//! one rename to `.used`, which is on the disk before a byte that depends on the input is sent. Of two processes that want the
//! same entry, one gets the lock, and only one rename can succeed. After a crash an entry is either there, whole, or was
//! taken; what is left of `.part` and `.used` entries without a living process is removed by the next [`Store::open`].
//!
//! **Tampering.** A keyed BLAKE3 over header and files, under `key`, is compared in constant time before anything is used. All
//! files are readable by their owner only, and a `key` that others can read is refused.
//!
//! **Limits.** Who can read `key` can forge an entry, and who can read entries has the secrets of their inferences: the
//! folder must be as safe as the process itself. Restoring a *copy* of a used entry (a backup, a snapshot of the machine)
//! cannot be noticed by one party; it does harm only if both parties do it, as the peer no longer has its half. Entries are
//! not encrypted. Deleting unlinks files; whether the medium still holds their bytes is up to the file system.

mod draft;
mod entry;
mod error;
mod files;
mod seal;
#[cfg(test)]
mod tests;

pub use draft::{Draft, Ready};
pub use entry::{Held, Taken};
pub use error::StoreError;
pub use seal::Label;

use crate::random::Seed;
use pisim_protocol::Party;
use std::fmt;
use std::path::{Path, PathBuf};
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The result of anything in this module.
pub type Result<T> = std::result::Result<T, StoreError>;

/// A precompute's number, drawn at random by the server.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PrecomputeId(pub(crate) [u8; 16]);

impl fmt::Display for PrecomputeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PrecomputeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrecomputeId({self})")
    }
}

/// The secret that shows that a client may use a precompute; compared in constant time.
#[derive(Clone, Default, Zeroize, ZeroizeOnDrop)]
pub struct Claim(pub(crate) [u8; 32]);

impl ConstantTimeEq for Claim {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl PartialEq for Claim {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for Claim {}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claim(..)")
    }
}

/// One party's folder of precomputes. Any number of processes may use it at once.
pub struct Store {
    folder: PathBuf,
    party: Party,
    key: Seed,
}

impl Store {
    /// Opens a folder, made if it is not there, and removes what crashed processes left unfinished or used.
    ///
    /// # Errors
    /// A folder that cannot be made, read or written, or a key that others can read.
    pub fn open(folder: &Path, party: Party) -> Result<Self> {
        files::make_folder(folder)?;
        let key = files::read_or_make_key(folder)?;
        let store = Self { folder: folder.to_owned(), party, key };
        store.clean()?;
        Ok(store)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A secret of this folder for one purpose, the same after every start.
    pub(crate) fn secret(&self, purpose: &str) -> Seed {
        self.key.derive(purpose, 0)
    }

    /// The finished precomputes, by their labels; entries that cannot be read are left out. Their seals are not verified here.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn list(&self) -> Result<Vec<Label>> {
        let ids = files::names(&self.folder)?.into_iter().filter_map(|name| self.id_of(&name, ""));
        let mut labels: Vec<Label> =
            ids.filter_map(|id| seal::read(&self.entry(id)).ok().map(|seal| seal.label)).collect();
        labels.sort_by_key(|label| label.id);
        Ok(labels)
    }

    /// Number of finished precomputes, readable or not.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn count(&self) -> Result<usize> {
        Ok(files::names(&self.folder)?.iter().filter(|name| self.id_of(name, "").is_some()).count())
    }

    fn entry(&self, id: PrecomputeId) -> PathBuf {
        self.folder.join(format!("{id}.{}", party_name(self.party)))
    }

    /// The number in the name of one of this party's entries with this ending.
    fn id_of(&self, name: &str, ending: &str) -> Option<PrecomputeId> {
        let digits = name.strip_suffix(ending)?.strip_suffix(party_name(self.party))?.strip_suffix('.')?;
        let mut id = PrecomputeId::default();
        if digits.len() != 2 * id.0.len() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        for (index, byte) in id.0.iter_mut().enumerate() {
            *byte = u8::from_str_radix(digits.get(2 * index..2 * index + 2)?, 16).ok()?;
        }
        Some(id)
    }

    /// Removes unfinished and used entries that no living process holds.
    fn clean(&self) -> Result<()> {
        let _guard = files::lock_folder(&self.folder)?;
        for name in files::names(&self.folder)? {
            if self.id_of(&name, PART).is_some() || self.id_of(&name, USED).is_some() {
                let path = self.folder.join(&name);
                if files::is_abandoned(&path)? {
                    tracing::info!(path = %path.display(), "removing what a stopped process left");
                    files::remove_entry(&path)?;
                }
            }
        }
        Ok(())
    }
}

/// Endings of entries that are not finished, or no longer usable.
const PART: &str = ".part";
const USED: &str = ".used";

fn party_name(party: Party) -> &'static str {
    match party {
        Party::Client => "client",
        Party::Server => "server",
    }
}
