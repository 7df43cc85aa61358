//! Values on their way to the bench and back: hexadecimal, as wide as their port.

use pisim_backend::Seed;

/// One value.
pub type Word = String;

/// The values of all operands, or of all results, of one operation.
pub type Row = Vec<Word>;

/// A number on a port.
pub fn word(value: impl Into<u128>, bits: usize) -> Word {
    format!("{:0digits$x}", value.into(), digits = bits.div_ceil(4))
}

/// Values of equal width on one port, the first in the lowest bits. Widths are whole digits.
pub fn packed(values: impl DoubleEndedIterator<Item = Word>) -> Word {
    values.rev().collect()
}

/// Random numbers that are the same in every run.
pub struct Numbers(std::vec::IntoIter<u64>);

impl Numbers {
    /// `count` numbers of 64 bits, other ones for every purpose.
    pub fn new(purpose: &str, count: usize) -> Self {
        Self(Seed::reproducible(5).derive(purpose, 0).ring_elements(count, 64).into_iter())
    }

    /// 64 random bits.
    pub fn next(&mut self) -> u64 {
        self.0.next().expect("enough numbers")
    }

    /// 128 random bits.
    pub fn block(&mut self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }
}
