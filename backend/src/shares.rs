//! Arithmetic on shares, whatever they are: numbers modulo 2^k or modulo a prime.

use crate::counter::Counter;
use crate::error::{BackendError, Result};
use crate::field::Field;
use crate::random::{Seed, ring_mask};
use crate::ring::{self, Pixels};
use pisim_protocol::{ConvShape, Protocol, Shares, WireFormat, Work};

/// The arithmetic of a protocol's shares, and their form on the wire.
#[derive(Debug, Clone, Copy)]
pub struct Arithmetic {
    kind: Kind,
    format: WireFormat,
    /// Bytes of one share on the wire.
    width: usize,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Ring { bits: u32 },
    Prime(Field),
}

impl Arithmetic {
    /// The arithmetic of a protocol.
    ///
    /// # Errors
    /// A modulus that no [`Field`] has.
    pub fn new(protocol: &Protocol) -> Result<Self> {
        let kind = match protocol.shares {
            Shares::Ring { bits } => Kind::Ring { bits },
            Shares::Prime { modulus } => Kind::Prime(Field::new(modulus)?),
        };
        let width = protocol.shares.element_bytes(protocol.wire) as usize;
        Ok(Self { kind, format: protocol.wire, width })
    }

    /// Bytes of one share on the wire.
    pub fn element_bytes(&self) -> usize {
        self.width
    }

    /// `count` uniform shares from a seed.
    pub fn elements(&self, seed: &Seed, count: usize) -> Vec<u64> {
        match &self.kind {
            Kind::Ring { bits } => seed.ring_elements(count, *bits),
            Kind::Prime(field) => field.elements(seed, count),
        }
    }

    /// The share that is a signed value.
    pub fn of_signed(&self, value: i64) -> u64 {
        match &self.kind {
            Kind::Ring { .. } => value as u64,
            Kind::Prime(field) => field.of_signed(value),
        }
    }

    /// The signed value of the sum of all shares.
    pub fn signed(&self, sum: u64) -> i64 {
        match &self.kind {
            Kind::Ring { bits } => ((sum & ring_mask(*bits)) << (64 - bits)) as i64 >> (64 - bits),
            Kind::Prime(field) => field.signed(sum),
        }
    }

    /// The least number that stands for a share: what goes onto garbled wires.
    pub fn reduce(&self, share: u64) -> u64 {
        match &self.kind {
            Kind::Ring { bits } => share & ring_mask(*bits),
            Kind::Prime(_) => share,
        }
    }

    /// The reduced number of −a − b, for shares a and b.
    pub fn minus(&self, a: u64, b: u64) -> u64 {
        match &self.kind {
            Kind::Ring { .. } => self.reduce(a.wrapping_add(b).wrapping_neg()),
            Kind::Prime(field) => field.neg(field.add(a, b)),
        }
    }

    /// −a of every share.
    pub fn negated(&self, shares: &[u64]) -> Vec<u64> {
        shares.iter().map(|share| self.minus(*share, 0)).collect()
    }

    /// Every share moved by a public constant.
    pub fn moved(&self, shares: &[u64], by: u64) -> Vec<u64> {
        shares.iter().map(|share| self.plus(*share, by)).collect()
    }

    /// a + b.
    #[inline]
    pub fn plus(&self, a: u64, b: u64) -> u64 {
        match &self.kind {
            Kind::Ring { .. } => a.wrapping_add(b),
            Kind::Prime(field) => field.add(a, b),
        }
    }

    /// A share times a public factor.
    #[inline]
    pub fn times(&self, share: u64, factor: u64) -> u64 {
        match &self.kind {
            Kind::Ring { .. } => share.wrapping_mul(factor),
            Kind::Prime(field) => field.mul(share, factor),
        }
    }

    /// `a + b`, element by element.
    pub fn add(&self, a: &[u64], b: &[u64], counter: &Counter) -> Vec<u64> {
        match &self.kind {
            Kind::Ring { .. } => ring::add(a, b, counter),
            Kind::Prime(field) => combine(a, b, counter, |a, b| field.add(a, b)),
        }
    }

    /// `a − b`, element by element.
    pub fn sub(&self, a: &[u64], b: &[u64], counter: &Counter) -> Vec<u64> {
        match &self.kind {
            Kind::Ring { .. } => ring::sub(a, b, counter),
            Kind::Prime(field) => combine(a, b, counter, |a, b| field.sub(a, b)),
        }
    }

    /// Applies weights `[out][in][ky][kx]` to a share `[channel][y][x]`, at some pixels of the output: `[channel][pixel]`.
    ///
    /// # Errors
    /// As [`Field::convolve`].
    pub fn convolve(
        &self,
        shape: &ConvShape,
        weights: &[i32],
        input: &[u64],
        pixels: Pixels<'_>,
        counter: &Counter,
    ) -> Result<Vec<u64>> {
        match &self.kind {
            Kind::Ring { bits } => Ok(ring::convolve_pixels(shape, weights, input, *bits, pixels, counter)),
            Kind::Prime(field) => field.convolve(shape, weights, input, pixels, counter),
        }
    }

    /// Serialises shares: in whole bytes, lowest first, or as Delphi does, a tag of zero and eight bytes.
    pub fn write(&self, shares: &[u64]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(shares.len() * self.width);
        for share in shares {
            if self.format == WireFormat::Delphi {
                bytes.push(0);
            }
            let left = self.width - usize::from(self.format == WireFormat::Delphi);
            bytes.extend(self.reduce(*share).to_le_bytes().into_iter().take(left));
        }
        bytes
    }

    /// Reads shares. Surplus bits of a ring element's last byte are dropped.
    ///
    /// # Errors
    /// A number that is no element of the field, or one without Delphi's tag: a protocol error at `step`.
    pub fn read(&self, bytes: &[u8], step: usize) -> Result<Vec<u64>> {
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        let tagless = |bytes| match self.format {
            WireFormat::Packed => Some(bytes),
            WireFormat::Delphi => <[u8]>::strip_prefix(bytes, &[0]),
        };
        let element = |bytes| {
            let value = number(tagless(bytes)?);
            match &self.kind {
                Kind::Ring { bits } => Some(value & ring_mask(*bits)),
                Kind::Prime(field) => Some(value).filter(|value| *value < field.modulus()),
            }
        };
        let elements = bytes.chunks(self.width.max(1)).map(element).collect::<Option<_>>();
        elements.ok_or_else(|| BackendError::protocol(step, "received bytes that are no shares"))
    }
}

fn combine(a: &[u64], b: &[u64], counter: &Counter, with: impl Fn(u64, u64) -> u64) -> Vec<u64> {
    counter.add(Work { ring_adds: a.len() as u64, ..Work::default() });
    a.iter().zip(b).map(|(a, b)| with(*a, *b)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pisim_protocol::DELPHI_PRIME;
    use proptest::prelude::*;

    fn all() -> [Arithmetic; 4] {
        let ring = |bits: u32| Arithmetic {
            kind: Kind::Ring { bits },
            format: WireFormat::Packed,
            width: bits.div_ceil(8) as usize,
        };
        let field = Kind::Prime(Field::new(DELPHI_PRIME).unwrap());
        [ring(32), ring(64), ring(13), Arithmetic { kind: field, format: WireFormat::Delphi, width: 9 }]
    }

    #[test]
    fn shares_of_the_field_have_nine_bytes_and_everything_else_is_a_protocol_error() {
        let [.., field] = all();
        let bytes = field.write(&[0, DELPHI_PRIME - 1]);
        assert_eq!(bytes.len(), 18);
        assert_eq!(field.read(&bytes, 3).unwrap(), [0, DELPHI_PRIME - 1]);
        for wrong in [field.write(&[DELPHI_PRIME]), field.write(&[u64::MAX]), vec![1; 9], vec![]] {
            match field.read(&wrong, 3) {
                Err(BackendError::Protocol { step: 3, .. }) => assert!(!wrong.is_empty()),
                other => assert!(other.unwrap().is_empty() && wrong.is_empty()),
            }
        }
    }

    proptest! {
        #[test]
        fn two_shares_of_a_value_add_up_to_it_also_after_the_wire(value in -2000i64..2000, seed: u64) {
            for arithmetic in all() {
                let (mask, counter) = (arithmetic.elements(&Seed::reproducible(seed), 3), Counter::default());
                let values = [value, -value, 0].map(|value| arithmetic.of_signed(value));
                let other = arithmetic.sub(&values, &mask, &counter);
                let other = arithmetic.read(&arithmetic.write(&other), 0).unwrap();
                let mask = arithmetic.read(&arithmetic.write(&mask), 0).unwrap();
                let sum = arithmetic.add(&other, &mask, &counter);
                let signed: Vec<i64> = sum.into_iter().map(|sum| arithmetic.signed(sum)).collect();
                prop_assert_eq!(signed, [value, -value, 0]);
                prop_assert_eq!(counter.take(), Work { ring_adds: 6, ..Work::default() });
                let moved = arithmetic.moved(&mask, arithmetic.of_signed(5));
                for (moved, mask) in moved.iter().zip(&mask) {
                    let back = arithmetic.minus(*moved, arithmetic.minus(*mask, 0));
                    prop_assert_eq!(arithmetic.signed(back), -5);
                }
                prop_assert_eq!(arithmetic.negated(&mask)[0], arithmetic.minus(mask[0], 0));
            }
        }
    }
}
