//! A precompute's seal: what it belongs to, and the MAC of all of it.

use super::{Claim, PrecomputeId, Result, StoreError, files};
use crate::net::ModelId;
use crate::random::Seed;
use pisim_protocol::Party;
use std::fs::File;
use std::io::Read;
use std::path::Path;

const MAGIC: [u8; 8] = *b"pisimpre";
/// Raised when the layout of any file of an entry changes.
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 8 + 4 + 4 + 16 + 32 + 32 + 32 + 8 + 8;
const MAC_BYTES: usize = 32;

/// What a precompute belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Its number.
    pub id: PrecomputeId,
    /// The secret that comes with it.
    pub claim: Claim,
    /// The program ([`Agreement::program`](crate::net::Agreement::program)) that it was made for.
    pub program: [u8; 32],
    /// The server's weights.
    pub model: ModelId,
}

/// The content of a seal file.
pub(super) struct Seal {
    pub(super) label: Label,
    pub(super) index_bytes: u64,
    header: [u8; HEADER_BYTES],
    mac: [u8; MAC_BYTES],
}

/// The seal of an entry's files as they are now.
pub(super) fn write(entry: &Path, label: &Label, party: Party, key: &Seed) -> Result<Vec<u8>> {
    let length = |name: &str| {
        let path = entry.join(name);
        path.metadata().map(|metadata| metadata.len()).map_err(StoreError::io("read", &path))
    };
    let mut header = Vec::with_capacity(HEADER_BYTES);
    header.extend(MAGIC);
    header.extend(VERSION.to_le_bytes());
    header.extend(u32::from(party == Party::Server).to_le_bytes());
    header.extend(label.id.0);
    header.extend(label.claim.0);
    header.extend(label.program);
    header.extend(label.model.0);
    header.extend(length("index")?.to_le_bytes());
    header.extend(length("records")?.to_le_bytes());
    let mac = mac(entry, &header, key)?;
    header.extend(mac.as_bytes());
    Ok(header)
}

/// Reads a seal without verifying its MAC.
pub(super) fn read(entry: &Path) -> Result<Seal> {
    let path = entry.join("seal");
    let damaged = |reason: &str| StoreError::Tampered { path: path.clone(), reason: reason.to_owned() };
    let mut bytes = Vec::with_capacity(HEADER_BYTES + MAC_BYTES + 1);
    let limit = (HEADER_BYTES + MAC_BYTES + 1) as u64;
    files::open(&path)?.take(limit).read_to_end(&mut bytes).map_err(StoreError::io("read", &path))?;
    let mut fields = Fields(&bytes);
    if bytes.len() != HEADER_BYTES + MAC_BYTES || fields.take::<8>() != MAGIC {
        return Err(damaged("it is not a seal"));
    }
    if u32::from_le_bytes(fields.take()) != VERSION {
        return Err(damaged("it is of another version of pisim"));
    }
    let _party: [u8; 4] = fields.take();
    let label = Label {
        id: PrecomputeId(fields.take()),
        claim: Claim(fields.take()),
        program: fields.take(),
        model: ModelId(fields.take()),
    };
    let [index_bytes, _] = [(); 2].map(|()| u64::from_le_bytes(fields.take()));
    let mac = fields.take();
    let mut header = [0; HEADER_BYTES];
    header.iter_mut().zip(&bytes).for_each(|(to, from)| *to = *from);
    Ok(Seal { label, index_bytes, header, mac })
}

/// Reads a seal and holds everything in the entry against it.
pub(super) fn verify(entry: &Path, id: PrecomputeId, party: Party, key: &Seed) -> Result<Seal> {
    let seal = read(entry)?;
    // BLAKE3's hashes compare in constant time.
    let intact = mac(entry, &seal.header, key)? == blake3::Hash::from_bytes(seal.mac);
    let mut fields = Fields(&seal.header);
    let _start: [u8; 12] = fields.take();
    let own = fields.take::<4>() == u32::from(party == Party::Server).to_le_bytes() && seal.label.id == id;
    let _names: [u8; 112] = fields.take();
    let lengths = [u64::from_le_bytes(fields.take()), u64::from_le_bytes(fields.take())];
    let whole = ["index", "records"]
        .iter()
        .zip(lengths)
        .all(|(name, bytes)| entry.join(name).metadata().is_ok_and(|metadata| metadata.len() == bytes));
    match (intact, own, whole) {
        (true, true, true) => Ok(seal),
        (true, false, _) => Err(tampered(entry, "its files belong to another precompute")),
        _ => Err(tampered(entry, "its seal does not match its files")),
    }
}

pub(super) fn tampered(path: &Path, reason: &str) -> StoreError {
    StoreError::Tampered { path: path.to_owned(), reason: reason.to_owned() }
}

/// A MAC over the header, which has the lengths of the files, and the files.
fn mac(entry: &Path, header: &[u8], key: &Seed) -> Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new_keyed(&key.derive("seal", 0).0);
    hasher.update(header);
    for name in ["index", "records"] {
        let path = entry.join(name);
        let file: File = files::open(&path)?;
        hasher.update_reader(file).map_err(StoreError::io("read", &path))?;
    }
    Ok(hasher.finalize())
}

/// Fixed-size fields, one after the other; zeros behind the end.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (field, rest) = self.0.split_at_checked(N).unwrap_or_default();
        self.0 = rest;
        field.try_into().unwrap_or([0; N])
    }
}
