//! Values of any width, packed without gaps, least significant bit first.

/// Packs values behind each other.
#[derive(Default)]
pub struct BitWriter {
    bytes: Vec<u8>,
    pending: u128,
    filled: u32,
}

impl BitWriter {
    /// Appends values below 2^bits (at most 64 bits each), then fills up to a whole byte.
    pub fn write(&mut self, values: impl IntoIterator<Item = u64>, bits: u32) {
        for value in values {
            self.pending |= u128::from(value) << self.filled;
            self.filled += bits;
            while self.filled >= 8 {
                self.bytes.push(self.pending as u8);
                self.pending >>= 8;
                self.filled -= 8;
            }
        }
        if self.filled > 0 {
            self.bytes.push(self.pending as u8);
            (self.pending, self.filled) = (0, 0);
        }
    }

    /// Appends bytes.
    pub fn write_bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// What was packed.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Reads what [`BitWriter`] packed. Bytes that are missing read as zero: lengths are checked by the channel.
pub struct BitReader<'a> {
    bytes: std::slice::Iter<'a, u8>,
}

impl<'a> BitReader<'a> {
    /// Reads from the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes: bytes.iter() }
    }

    /// The next `count` values of `bits` bits, and the rest of the last byte is dropped.
    pub fn read(&mut self, count: usize, bits: u32) -> Vec<u64> {
        let (mut pending, mut filled) = (0u128, 0);
        let mask = u128::from(u64::MAX >> (64 - bits.clamp(1, 64)));
        let mut next = || {
            while filled < bits {
                pending |= u128::from(self.bytes.next().copied().unwrap_or(0)) << filled;
                filled += 8;
            }
            let value = (pending & mask) as u64;
            pending >>= bits;
            filled -= bits;
            value
        };
        (0..count).map(|_| next()).collect()
    }

    /// The next `N` bytes.
    pub fn read_bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.bytes.next().copied().unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pisim_protocol::packed;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn packed_values_read_back_and_have_the_predicted_length(
            values in proptest::collection::vec(any::<u64>(), 0..50), bits in 1u32..=64, then in proptest::collection::vec(any::<u64>(), 0..5),
        ) {
            let mask = u64::MAX >> (64 - bits);
            let mut writer = BitWriter::default();
            writer.write(values.iter().map(|value| value & mask), bits);
            writer.write_bytes(b"xy");
            writer.write(then.iter().copied(), 64);
            let bytes = writer.finish();
            prop_assert_eq!(bytes.len() as u64, packed(values.len(), bits) + 2 + 8 * then.len() as u64);
            let mut reader = BitReader::new(&bytes);
            prop_assert_eq!(reader.read(values.len(), bits), values.iter().map(|value| value & mask).collect::<Vec<_>>());
            prop_assert_eq!(&reader.read_bytes::<2>(), b"xy");
            prop_assert_eq!(reader.read(then.len(), 64), then);
        }
    }
}
