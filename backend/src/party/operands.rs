//! What the parties feed into a layer's garbled circuits, in the order of their wires: shares of the values that each circuit
//! reads, the slopes of a parametric ReLU, and masks.
//!
//! A max pool's circuit reads all values of its window. Where windows overlap, a value's share is fed into each of their
//! circuits, under labels of its own.

use super::session::Session;
use crate::error::{BackendError, Result};
use crate::random::{Seed, ring_mask};
use pisim_netgen::{LayerId, Op};
use pisim_protocol::{NonLinear, Step, nonlinear_of};
use zeroize::Zeroizing;

impl Session {
    /// What a layer's circuits compute.
    pub(super) fn nonlinear(&self, layer: LayerId) -> Result<NonLinear> {
        let linear = || BackendError::program(format!("layer {} has no circuit", layer.0));
        nonlinear_of(&self.program.network, layer).ok_or_else(linear)
    }

    /// Shares that the circuits of all of a layer's output values read, from those of its input.
    pub(super) fn operands(&self, layer: LayerId, input: Vec<u64>) -> Result<Vec<u64>> {
        let network = &self.program.network.network;
        let Some(window) = self.op(layer).max_window() else { return Ok(input) };
        let short = || BackendError::program(format!("the input of layer {} has too few values", layer.0));
        let positions = window.positions(network.input_shape(layer), network.layer(layer).output);
        positions
            .into_iter()
            .map(|position| input.get(position as usize).copied())
            .collect::<Option<_>>()
            .ok_or_else(short)
    }

    /// Values that one of a layer's circuits reads.
    pub(super) fn taps(&self, layer: LayerId) -> Result<usize> {
        Ok(self.nonlinear(layer)?.taps)
    }

    /// Bits of each number that the server feeds in: a share, with the slope above it if there is a secret one and the server
    /// evaluates.
    pub(super) fn server_bits(&self, layer: LayerId) -> Result<u32> {
        Ok(self.nonlinear(layer)?.server_bits(self.program.protocol.garbler, self.wires()))
    }

    /// Random numbers as wide as those of [`Session::server_bits`], as many as all circuits of a layer take: the choices of
    /// transfers that are made before the server has its shares.
    pub(super) fn choices(&self, layer: LayerId, secret: &Seed) -> Result<Vec<u64>> {
        let count = self.elements(layer) * self.taps(layer)?;
        Ok(secret.derive("mask", layer.0 as u64).ring_elements(count, self.server_bits(layer)?))
    }

    /// Serialises the numbers of [`Session::server_bits`] in whole bytes, lowest first.
    pub(super) fn write_numbers(&self, layer: LayerId, numbers: &[u64]) -> Result<Vec<u8>> {
        let bits = self.server_bits(layer)?;
        let bytes = numbers
            .iter()
            .flat_map(|number| (number & ring_mask(bits)).to_le_bytes().into_iter().take(bits.div_ceil(8) as usize));
        Ok(bytes.collect())
    }

    /// Receives what [`Session::write_numbers`] wrote. Surplus bits of a number's last byte are dropped.
    pub(super) fn receive_numbers(&mut self, step: &Step) -> Result<Vec<u64>> {
        let layer = step.layer;
        let (bits, count) = (self.server_bits(layer)?, self.elements(layer) * self.taps(layer)?);
        let width = bits.div_ceil(8) as usize;
        let payload = self.channel.receive(step.id, (count * width) as u64)?;
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        Ok(payload.bytes().chunks(width.max(1)).map(|bytes| number(bytes) & ring_mask(bits)).collect())
    }

    /// The server's slope of each of a layer's output values, as the bits of two's complement; empty if there are none.
    pub(super) fn slopes(&self, layer: LayerId, weights: Option<&[i32]>) -> Result<Zeroizing<Vec<u64>>> {
        if self.op(layer) != Op::PRelu {
            return Ok(Zeroizing::default());
        }
        let none = || BackendError::program(format!("layer {} has no slopes", layer.0));
        let mask = ring_mask(self.nonlinear(layer)?.slope_bits() as u32);
        let pixels = self.program.network.network.layer(layer).output.pixels();
        let slopes = weights.ok_or_else(none)?.iter();
        Ok(Zeroizing::new(
            slopes.flat_map(|slope| std::iter::repeat_n(i64::from(*slope) as u64 & mask, pixels)).collect(),
        ))
    }
}

/// Packs the garbler's offline inputs of each circuit into words of 128 bits, as many as `bits` in all need: numbers of which each
/// has its own width, lowest bit first.
pub(super) fn pack_offline(
    bits: usize,
    instances: impl ExactSizeIterator<Item = impl Iterator<Item = (u64, u32)>>,
) -> Zeroizing<Vec<u128>> {
    let words = bits.div_ceil(128).max(1);
    let mut packed = Zeroizing::new(vec![0; instances.len() * words]);
    for (words, numbers) in packed.chunks_mut(words).zip(instances) {
        let mut place = 0;
        for (number, width) in numbers {
            let number = u128::from(number & ring_mask(width));
            if let Some(word) = words.get_mut(place / 128) {
                *word |= number << (place % 128);
            }
            if place % 128 + width as usize > 128
                && let Some(word) = words.get_mut(place / 128 + 1)
            {
                *word |= number >> (128 - place % 128);
            }
            place += width as usize;
        }
    }
    packed
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_bit_is_that_of_its_number(
            instances in 0usize..4, numbers in proptest::collection::vec((any::<u64>(), 1u32..=64), 0..12),
        ) {
            let bits: usize = numbers.iter().map(|(_, width)| *width as usize).sum();
            let each = |instance: usize| numbers.iter().map(move |(number, width)| (number.rotate_left(instance as u32), *width));
            let packed = pack_offline(bits, (0..instances).map(each));
            let words = bits.div_ceil(128).max(1);
            prop_assert_eq!(packed.len(), instances * words);
            for instance in 0..instances {
                let expected = each(instance).flat_map(|(number, width)| (0..width).map(move |bit| number >> bit & 1));
                let expected: Vec<u64> = expected.chain(std::iter::repeat(0)).take(words * 128).collect();
                for (place, bit) in expected.into_iter().enumerate() {
                    let word = packed[instance * words + place / 128];
                    prop_assert_eq!((word >> (place % 128) & 1) as u64, bit);
                }
            }
        }
    }
}
