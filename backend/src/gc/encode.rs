//! The garbler's labels of its online inputs.

use super::hash::Block;
use super::labels::LabelSource;
use crate::counter::Counter;
use rayon::prelude::*;

/// Values that one thread encodes at a time.
const PART: usize = 512;

/// Writes the active labels of the lowest `bits` bits of every value, lowest first, as they cross the wire: the zero label
/// of each online input, plus Δ where the bit is set. The zero labels are numbered from `first`; `labels` has `bits` places
/// for every value.
pub fn encode_labels(
    source: &LabelSource,
    first: u64,
    delta: Block,
    values: &[u64],
    bits: usize,
    labels: &mut [Block],
    counter: &Counter,
) {
    let bits = bits.max(1);
    let parts = labels.par_chunks_mut(PART * bits).zip(values.par_chunks(PART));
    parts.enumerate().for_each(|(part, (labels, values))| {
        source.fill(first + (part * PART * bits) as u64, labels, counter);
        for (labels, value) in labels.chunks_mut(bits).zip(values) {
            for (bit, label) in labels.iter_mut().enumerate() {
                *label = (*label ^ (Block::from(value >> bit & 1).wrapping_neg() & delta)).to_le();
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn every_label_is_the_zero_label_plus_bit_times_delta_wherever_threads_divide_the_values(
            seed: u64, delta: u128, values in proptest::collection::vec(any::<u64>(), 0..1100), bits in 1usize..=64,
            first in 0u64..1 << 40,
        ) {
            let source = LabelSource::new(&Seed::reproducible(seed));
            let (counter, mut zeros) = (Counter::default(), vec![0; values.len() * bits]);
            source.fill(first, &mut zeros, &Counter::default());
            let mut labels = vec![0; values.len() * bits];
            encode_labels(&source, first, delta, &values, bits, &mut labels, &counter);
            prop_assert_eq!(counter.take().labels, labels.len() as u64);
            for (position, (label, zero)) in labels.iter().zip(&zeros).enumerate() {
                let bit = values[position / bits] >> (position % bits) & 1;
                prop_assert_eq!(u128::from_le(*label), zero ^ if bit == 1 { delta } else { 0 });
            }
        }
    }
}
