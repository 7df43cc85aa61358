//! Memory for messages and stored labels: aligned to blocks, and on huge pages where it is large.
//!
//! A private inference writes gigabytes once and reads them once; getting that memory from the operating system, page by page
//! and zeroed, would cost more than the cryptography. Large buffers therefore lie on huge pages, and their memory is used again,
//! by any session of the process: a buffer of secrets ([`Buffer::secret`]) is wiped before that.

use crate::gc::Block;
use memmap2::MmapMut;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use zeroize::Zeroize;

/// From this size on, a buffer gets its own mapping.
const LARGE_BYTES: usize = 1 << 20;

/// Mappings above this size are whole huge pages: the rest of one would be hundreds of small ones.
const HUGE_PAGE_BYTES: usize = 2 << 20;

/// Mappings that are kept for later buffers.
static SPARE: Mutex<Spare> = Mutex::new(Spare { mappings: BTreeMap::new(), bytes: 0, limit: 512 << 20 });

/// Mappings by their length, and how many bytes they have and may have in all.
struct Spare {
    mappings: BTreeMap<usize, Vec<MmapMut>>,
    bytes: usize,
    limit: usize,
}

impl Spare {
    /// The smallest mapping that is large enough and not more than four times too large.
    fn take(&mut self, bytes: usize) -> Option<MmapMut> {
        let mut fitting = self.mappings.range_mut(bytes..=bytes.saturating_mul(4));
        let mapping = fitting.find_map(|(_, mappings)| mappings.pop())?;
        self.bytes -= mapping.len();
        Some(mapping)
    }

    /// Keeps a mapping, or gives it back to the operating system if there are enough.
    fn put(&mut self, mapping: MmapMut) {
        if self.bytes.saturating_add(mapping.len()) <= self.limit {
            self.bytes += mapping.len();
            self.mappings.entry(mapping.len()).or_default().push(mapping);
        }
    }
}

/// Lets the process keep at least `bytes` bytes of memory that no buffer uses any more for later ones, instead of giving it
/// back to the operating system: as much as one inference keeps, so that the next one finds it there.
pub fn keep_spare(bytes: u64) {
    let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
    spare.limit = spare.limit.max(usize::try_from(bytes).unwrap_or(usize::MAX));
}

/// What every byte of a new buffer is in builds with debug assertions, so that a producer that leaves some unwritten fails
/// its tests.
const UNWRITTEN: u8 = 0xa5;

/// Memory of a fixed length. Its first content is unspecified: whoever makes one writes all of it.
pub struct Buffer {
    memory: Memory,
    bytes: usize,
    /// Whether it is wiped when dropped.
    secret: bool,
}

enum Memory {
    Small(Vec<Block>),
    Large(MmapMut),
}

impl Buffer {
    /// `bytes` bytes of any content.
    pub fn new(bytes: usize) -> Self {
        let page = if bytes > HUGE_PAGE_BYTES { HUGE_PAGE_BYTES } else { size_of::<Block>() };
        let padded = bytes.next_multiple_of(page);
        let mapping = if bytes >= LARGE_BYTES { take_spare(padded).or_else(|| map(padded)) } else { None };
        let memory = match mapping {
            Some(mapping) => Memory::Large(mapping),
            None => Memory::Small(vec![0; bytes.div_ceil(size_of::<Block>())]),
        };
        let mut buffer = Self { memory, bytes, secret: false };
        if cfg!(debug_assertions) {
            buffer.bytes_mut().fill(UNWRITTEN);
        }
        buffer
    }

    /// `bytes` bytes of any content, for secrets: wiped when dropped.
    pub fn secret(bytes: usize) -> Self {
        let mut buffer = Self::new(bytes);
        buffer.secret = true;
        buffer
    }

    /// `count` blocks of any content, for secrets: wiped when dropped.
    pub fn secret_blocks(count: usize) -> Self {
        Self::secret(count * size_of::<Block>())
    }

    /// A copy of secret bytes, wiped when dropped.
    pub fn secret_copy(bytes: &[u8]) -> Self {
        let mut buffer = Self::secret(bytes.len());
        buffer.bytes_mut().copy_from_slice(bytes);
        buffer
    }

    /// `count` blocks of any content.
    pub fn of_blocks(count: usize) -> Self {
        Self::new(count * size_of::<Block>())
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        let all: &[u8] = match &self.memory {
            Memory::Small(blocks) => bytemuck::cast_slice(blocks),
            Memory::Large(mapping) => mapping,
        };
        &all[..self.bytes]
    }

    /// The bytes, to change.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        let all: &mut [u8] = match &mut self.memory {
            Memory::Small(blocks) => bytemuck::cast_slice_mut(blocks),
            Memory::Large(mapping) => mapping,
        };
        &mut all[..self.bytes]
    }

    /// The whole blocks.
    pub fn blocks(&self) -> &[Block] {
        let whole = self.bytes - self.bytes % size_of::<Block>();
        // The memory starts at a block's alignment, so the cast cannot fail.
        bytemuck::cast_slice(&self.bytes()[..whole])
    }

    /// The whole blocks, to change.
    pub fn blocks_mut(&mut self) -> &mut [Block] {
        let whole = self.bytes - self.bytes % size_of::<Block>();
        bytemuck::cast_slice_mut(&mut self.bytes_mut()[..whole])
    }

    /// Drops what lies behind the first `count` blocks.
    pub fn truncate_blocks(&mut self, count: usize) {
        self.bytes = self.bytes.min(count * size_of::<Block>());
    }
}

/// Memory from the operating system, if it gives any.
fn map(bytes: usize) -> Option<MmapMut> {
    let mapping = MmapMut::map_anon(bytes).ok()?;
    // Without huge pages the memory is as good, only slower.
    #[cfg(target_os = "linux")]
    let _ = mapping.advise(memmap2::Advice::HugePage);
    Some(mapping)
}

fn take_spare(bytes: usize) -> Option<MmapMut> {
    SPARE.lock().unwrap_or_else(PoisonError::into_inner).take(bytes)
}

impl Buffer {
    /// Ends the buffer: wipes it if it is secret, and returns a mapping that can be used again.
    fn release(&mut self) -> Option<MmapMut> {
        if self.secret {
            self.wipe();
        }
        match std::mem::replace(&mut self.memory, Memory::Small(Vec::new())) {
            Memory::Large(mapping) => Some(mapping),
            Memory::Small(_) => None,
        }
    }

    /// Overwrites everything, also what lies behind the end of a truncated buffer.
    fn wipe(&mut self) {
        match &mut self.memory {
            Memory::Small(blocks) => blocks.as_mut_slice().zeroize(),
            // A mapping of another length would be wiped byte by byte, which is slow; there are none.
            Memory::Large(mapping) => match bytemuck::try_cast_slice_mut::<u8, Block>(mapping) {
                Ok(blocks) => blocks.zeroize(),
                Err(_) => mapping.zeroize(),
            },
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let Some(mapping) = self.release() else { return };
        SPARE.lock().unwrap_or_else(PoisonError::into_inner).put(mapping);
    }
}

impl From<Vec<u8>> for Buffer {
    fn from(bytes: Vec<u8>) -> Self {
        let mut buffer = Self::new(bytes.len());
        buffer.bytes_mut().copy_from_slice(&bytes);
        buffer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_of_every_size_keep_what_is_written_and_start_at_a_block() {
        for bytes in [0, 1, 16, 33, LARGE_BYTES - 1, LARGE_BYTES, LARGE_BYTES + 5, 3 * LARGE_BYTES] {
            for _ in 0..2 {
                let mut buffer = Buffer::new(bytes);
                for (index, byte) in buffer.bytes_mut().iter_mut().enumerate() {
                    *byte = index as u8;
                }
                assert_eq!(buffer.bytes().len(), bytes);
                assert!(buffer.bytes().iter().enumerate().all(|(index, byte)| *byte == index as u8));
                assert_eq!(buffer.blocks().len(), bytes / 16);
                assert_eq!(buffer.blocks_mut().len(), bytes / 16);
                buffer.truncate_blocks(1);
                assert_eq!(buffer.bytes().len(), bytes.min(16));
            }
        }
    }

    #[test]
    fn spare_memory_is_used_by_buffers_that_it_fits_and_given_back_beyond_the_limit() {
        let mut spare = Spare { mappings: BTreeMap::new(), bytes: 0, limit: 3 * LARGE_BYTES };
        for bytes in [2 * LARGE_BYTES, LARGE_BYTES, LARGE_BYTES] {
            spare.put(map(bytes).unwrap());
        }
        assert_eq!(spare.bytes, 3 * LARGE_BYTES);
        assert!(spare.take(LARGE_BYTES / 8).is_none() && spare.take(2 * LARGE_BYTES + 1).is_none());
        assert_eq!(spare.take(LARGE_BYTES / 2).map(|mapping| mapping.len()), Some(LARGE_BYTES));
        assert_eq!(spare.take(LARGE_BYTES / 2).map(|mapping| mapping.len()), Some(2 * LARGE_BYTES));
        assert!(spare.take(LARGE_BYTES / 2).is_none() && spare.bytes == 0);
    }

    #[test]
    fn a_secret_buffer_is_wiped_before_its_memory_is_used_again_and_others_need_not_be() {
        for bytes in [LARGE_BYTES, LARGE_BYTES + 5] {
            let mut buffer = Buffer::secret(bytes);
            buffer.bytes_mut().fill(7);
            buffer.truncate_blocks(2);
            let mapping = buffer.release().unwrap();
            assert!(mapping.iter().all(|byte| *byte == 0));
            let mut buffer = Buffer::new(bytes);
            buffer.bytes_mut().fill(7);
            assert!(buffer.release().unwrap()[..bytes].iter().all(|byte| *byte == 7));
        }
        let mut small = Buffer::secret_copy(&[7; 40]);
        assert_eq!(small.bytes(), [7; 40]);
        small.wipe();
        assert_eq!(small.bytes(), [0; 40]);
    }

    #[test]
    #[cfg(debug_assertions)]
    fn new_buffers_hold_a_pattern_in_tests() {
        for bytes in [40, LARGE_BYTES + 5] {
            for mut buffer in [Buffer::new(bytes), Buffer::secret(bytes)] {
                assert!(buffer.bytes().iter().all(|byte| *byte == UNWRITTEN));
                buffer.bytes_mut().fill(1);
            }
        }
    }
}
