//! Values of any width, packed without gaps, least significant bit first.

/// Packs values behind each other.
#[derive(Default)]
pub struct BitWriter {
    bytes: Vec<u8>,
}

impl BitWriter {
    /// Appends values below 2^bits (1 to 64 bits each), then fills up to a whole byte.
    pub fn write(&mut self, values: impl ExactSizeIterator<Item = u64>, bits: u32) {
        let (mut pending, mut filled) = (0u128, 0);
        self.bytes.reserve((values.len() * bits as usize).div_ceil(8) + 8);
        for value in values {
            pending |= u128::from(value) << filled;
            filled += bits;
            if filled >= 64 {
                self.bytes.extend_from_slice(&(pending as u64).to_le_bytes());
                pending >>= 64;
                filled -= 64;
            }
        }
        let rest = (pending as u64).to_le_bytes();
        self.bytes.extend(rest.into_iter().take(filled.div_ceil(8) as usize));
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
    bytes: &'a [u8],
}

impl<'a> BitReader<'a> {
    /// Reads from the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Appends the next `count` values of `bits` bits (1 to 64); the rest of the last byte is dropped.
    pub fn read_into(&mut self, values: &mut Vec<u64>, count: usize, bits: u32) {
        let (mask, width) = (u64::MAX >> (64 - bits.clamp(1, 64)), bits as usize);
        let (packed, behind) = self.bytes.split_at((count * width).div_ceil(8).min(self.bytes.len()));
        self.bytes = behind;
        values.reserve(count);
        for index in 0..count {
            let (byte, shift) = (index * width / 8, index * width % 8);
            let window = match packed.get(byte..).and_then(<[u8]>::first_chunk::<16>) {
                Some(chunk) => u128::from_le_bytes(*chunk),
                // Near the end.
                None => {
                    let rest = packed.get(byte..).unwrap_or_default();
                    rest.iter().rev().fold(0, |window, byte| window << 8 | u128::from(*byte))
                }
            };
            values.push((window >> shift) as u64 & mask);
        }
    }

    /// The next `count` values of `bits` bits.
    pub fn read(&mut self, count: usize, bits: u32) -> Vec<u64> {
        let mut values = Vec::new();
        self.read_into(&mut values, count, bits);
        values
    }

    /// The next `N` bytes.
    pub fn read_bytes<const N: usize>(&mut self) -> [u8; N] {
        let (taken, behind) = self.bytes.split_at(N.min(self.bytes.len()));
        self.bytes = behind;
        std::array::from_fn(|index| taken.get(index).copied().unwrap_or(0))
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
