//! What a party keeps from the offline to the online phase: in memory up to a budget, then in a file.
//!
//! Garbled tables dominate it (2.7 kB for a ReLU), so records are written and read chunk by chunk, in order, and a chunk in
//! memory is released as soon as it is read.
//!
//! A temporary file has no name (others cannot open it), is its owner's alone (mode 0600 where it has a name for a moment)
//! and is not encrypted: its blocks are in the temporary folder's file system in plain, also after it is gone. Secrets in
//! memory are wiped.

use crate::buffer::{Buffer, keep_spare};
use crate::error::{BackendError, Result};
use pisim_netgen::LayerId;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

/// What a record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kept {
    /// A seed of the layer's secrets.
    Secret,
    /// The seed of all of a client's masks.
    Masks,
    /// A share of the answer.
    Share,
    /// Garbling's Δ.
    Delta,
    /// The evaluator's labels.
    Labels,
    /// Garbled tables.
    Tables,
    /// Zero labels of garbled circuits with Δ and the outputs' masks.
    Encoders,
    /// The keys of base transfers.
    Transfers,
}

impl Kept {
    /// Whether its memory is wiped: all but tables, which the peer has sent.
    fn is_secret(self) -> bool {
        self != Self::Tables
    }
}

type Key = (LayerId, Kept);

/// Records of one inference, each a sequence of chunks.
pub struct Storage {
    chunks: HashMap<Key, VecDeque<Chunk>>,
    /// Bytes that memory may still take; none if all goes to the file.
    memory_left: Option<u64>,
    file: Option<File>,
    file_end: u64,
}

enum Chunk {
    Memory(Buffer),
    File(Extent),
}

/// A part of the file.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Extent {
    offset: u64,
    bytes: u64,
}

/// Where the records are in the file.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct StorageIndex(Vec<(Key, Vec<Extent>)>);

impl StorageIndex {
    /// Whether two chunks share bytes of the file.
    fn has_overlaps(&self) -> bool {
        let mut extents: Vec<&Extent> = self.0.iter().flat_map(|(_, extents)| extents).collect();
        extents.retain(|extent| extent.bytes > 0);
        extents.sort_by_key(|extent| extent.offset);
        extents.windows(2).any(|pair| match pair {
            [first, second] => first.offset.saturating_add(first.bytes) > second.offset,
            _ => false,
        })
    }
}

impl Storage {
    /// Storage in memory. What exceeds `memory_bytes` goes to a temporary file that has no name and vanishes with the
    /// storage. The process keeps the memory for its next inference.
    pub fn in_memory(memory_bytes: u64) -> Self {
        keep_spare(memory_bytes);
        Self { chunks: HashMap::new(), memory_left: Some(memory_bytes), file: None, file_end: 0 }
    }

    /// Storage in an empty file, which must be open for reading and writing.
    pub fn in_file(file: File) -> Self {
        Self { chunks: HashMap::new(), memory_left: None, file: Some(file), file_end: 0 }
    }

    /// Opens what [`Storage::in_file`] wrote.
    ///
    /// Opening it a second time makes the same labels, masks and seeds usable again, and using them twice reveals Δ or the
    /// difference of inputs and shares ([`Prepared`](crate::Prepared)). Nothing here notices; [`store`](crate::store) lets
    /// a precompute be taken once.
    ///
    /// # Errors
    /// A file that is shorter than its index says; an index that names a record twice, or a part of the file for two chunks.
    pub fn open(file: File, index: StorageIndex) -> Result<Self> {
        let file_end = file.metadata().map_err(BackendError::Storage)?.len();
        if index.has_overlaps() {
            return Err(BackendError::program("the storage's index uses a part of the file twice"));
        }
        let mut chunks = HashMap::new();
        for (key, extents) in index.0 {
            if extents.iter().any(|extent| extent.offset.checked_add(extent.bytes).is_none_or(|end| end > file_end)) {
                return Err(BackendError::program("the storage is shorter than its index says"));
            }
            if chunks.insert(key, extents.into_iter().map(Chunk::File).collect()).is_some() {
                return Err(BackendError::program("the storage's index has a record twice"));
            }
        }
        Ok(Self { chunks, memory_left: None, file: Some(file), file_end })
    }

    /// Where the records are, once all of them are safely in the file.
    ///
    /// # Errors
    /// Records in memory, or a file that cannot be written.
    pub fn finish(&mut self) -> Result<StorageIndex> {
        if let Some(file) = &mut self.file {
            file.flush().and_then(|()| file.sync_all()).map_err(BackendError::Storage)?;
        }
        let in_file = |chunk: &Chunk| match chunk {
            Chunk::File(extent) => Ok(*extent),
            Chunk::Memory(_) => Err(BackendError::program("this storage is in memory and cannot be kept")),
        };
        let record = |(key, chunks): (&Key, &VecDeque<Chunk>)| -> Result<_> {
            Ok((*key, chunks.iter().map(in_file).collect::<Result<Vec<Extent>>>()?))
        };
        Ok(StorageIndex(self.chunks.iter().map(record).collect::<Result<_>>()?))
    }

    /// Appends a chunk to a record.
    ///
    /// # Errors
    /// A file that cannot be written: a full disk, for example.
    pub fn put(&mut self, layer: LayerId, kept: Kept, chunk: Buffer) -> Result<()> {
        let bytes = chunk.bytes().len() as u64;
        let chunk = match self.memory_left.as_mut().filter(|left| bytes <= **left) {
            Some(left) => {
                *left -= bytes;
                Chunk::Memory(chunk)
            }
            None => Chunk::File(self.append(chunk.bytes()).map_err(BackendError::Storage)?),
        };
        self.chunks.entry((layer, kept)).or_default().push_back(chunk);
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> std::io::Result<Extent> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => tempfile::tempfile()?,
        };
        let extent = Extent { offset: self.file_end, bytes: bytes.len() as u64 };
        let written = file.seek(SeekFrom::Start(extent.offset)).and_then(|_| file.write_all(bytes));
        self.file = Some(file);
        self.file_end += extent.bytes;
        written.map(|()| extent)
    }

    /// Takes the next chunk of a record, which must have exactly `bytes` bytes.
    ///
    /// # Errors
    /// A record that is not there or is read already, another length, or a file that cannot be read.
    pub fn take(&mut self, layer: LayerId, kept: Kept, bytes: usize) -> Result<Buffer> {
        let missing = || BackendError::program(format!("{kept:?} of layer {} was not prepared offline", layer.0));
        let chunk = self.chunks.get_mut(&(layer, kept)).and_then(VecDeque::pop_front).ok_or_else(missing)?;
        let buffer = match chunk {
            Chunk::Memory(buffer) => {
                self.memory_left = self.memory_left.map(|left| left + buffer.bytes().len() as u64);
                buffer
            }
            Chunk::File(extent) if extent.bytes == bytes as u64 => {
                let file = self.file.as_mut().ok_or_else(missing)?;
                let mut buffer = if kept.is_secret() { Buffer::secret(bytes) } else { Buffer::new(bytes) };
                let read = file.seek(SeekFrom::Start(extent.offset)).and_then(|_| file.read_exact(buffer.bytes_mut()));
                read.map_err(BackendError::Storage)?;
                buffer
            }
            Chunk::File(_) => return Err(missing()),
        };
        if buffer.bytes().len() == bytes { Ok(buffer) } else { Err(missing()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn buffer(bytes: &[u8]) -> Buffer {
        Buffer::from(bytes.to_vec())
    }

    proptest! {
        #[test]
        fn records_come_back_in_order_from_memory_from_a_file_and_from_both(
            chunks in proptest::collection::vec((0usize..3, proptest::collection::vec(any::<u8>(), 0..50)), 0..20),
            memory in 0u64..300,
        ) {
            let reopened = {
                let mut storage = Storage::in_file(tempfile::tempfile().unwrap());
                for (layer, bytes) in &chunks {
                    storage.put(LayerId(*layer), Kept::Tables, buffer(bytes)).unwrap();
                }
                let index = storage.finish().unwrap();
                Storage::open(storage.file.take().unwrap(), index).unwrap()
            };
            let mut mixed = Storage::in_memory(memory);
            for (layer, bytes) in &chunks {
                mixed.put(LayerId(*layer), Kept::Tables, buffer(bytes)).unwrap();
            }
            for mut storage in [reopened, mixed] {
                for (layer, bytes) in &chunks {
                    let taken = storage.take(LayerId(*layer), Kept::Tables, bytes.len()).unwrap();
                    prop_assert_eq!(taken.bytes(), bytes.as_slice());
                }
                prop_assert!(storage.take(LayerId(0), Kept::Tables, 0).is_err(), "nothing is read twice");
            }
        }
    }

    #[test]
    fn a_truncated_file_or_another_length_is_an_error() {
        let mut storage = Storage::in_file(tempfile::tempfile().unwrap());
        storage.put(LayerId(0), Kept::Labels, buffer(&[1; 40])).unwrap();
        assert!(storage.take(LayerId(0), Kept::Labels, 39).is_err());
        storage.put(LayerId(0), Kept::Labels, buffer(&[1; 40])).unwrap();
        let index = storage.finish().unwrap();
        let file = storage.file.take().unwrap();
        file.set_len(79).unwrap();
        assert!(Storage::open(file, index).is_err());
    }

    #[test]
    fn an_index_with_a_record_twice_or_overlapping_chunks_is_an_error() {
        let key = |layer| (LayerId(layer), Kept::Labels);
        let extent = |offset, bytes| Extent { offset, bytes };
        let open = |index| {
            let file = tempfile::tempfile().unwrap();
            file.set_len(100).unwrap();
            Storage::open(file, StorageIndex(index)).is_ok()
        };
        assert!(open(vec![
            (key(0), vec![extent(50, 50), extent(0, 20)]),
            (key(1), vec![extent(20, 30), extent(30, 0)])
        ]));
        assert!(!open(vec![(key(0), vec![extent(0, 20)]), (key(1), vec![extent(19, 1)])]));
        assert!(!open(vec![(key(0), vec![extent(0, 20), extent(0, 20)])]));
        assert!(!open(vec![(key(0), vec![extent(0, 20)]), (key(0), vec![extent(20, 20)])]));
        assert!(!open(vec![(key(0), vec![extent(0, 101)])]));
        assert!(!open(vec![(key(0), vec![extent(u64::MAX, 2)])]));
    }

    #[test]
    fn storage_in_memory_cannot_be_kept() {
        let mut storage = Storage::in_memory(100);
        storage.put(LayerId(0), Kept::Share, buffer(&[1])).unwrap();
        assert!(storage.finish().is_err());
    }
}
