//! Shares of masked layers: gathered before an activation, scattered behind it. What a mask leaves out is zero in both shares.

use crate::counter::Counter;
use crate::shares::Arithmetic;
use pisim_netgen::{Cell, FixedNetwork, Layer, LayerId, LayerMask};
use pisim_protocol::Work;

/// The elements of a share that are `cell`, one behind the other.
pub(crate) fn select(layer: &Layer, cell: Cell, input: &[u64], counter: &Counter) -> Vec<u64> {
    let cells = layer.mask.iter().flat_map(LayerMask::cells);
    let selected: Vec<u64> =
        input.iter().zip(cells).filter(|(_, other)| **other == cell).map(|(value, _)| *value).collect();
    counter.add(Work { moved_shares: selected.len() as u64, ..Work::default() });
    selected
}

/// Puts selected shares back to their places, aligned to the same number of fraction bits.
pub(crate) fn merge(
    arithmetic: &Arithmetic,
    network: &FixedNetwork,
    layer: LayerId,
    inputs: &[&[u64]],
    counter: &Counter,
) -> Vec<u64> {
    let shifts = network.alignment(layer);
    let mut moved = 0;
    let mut share = |(index, place): (usize, usize)| {
        let value = *inputs.get(index)?.get(place)?;
        // No value has as many fraction bits as a word.
        let shift = shifts.get(index).copied().unwrap_or_default();
        moved += 1;
        Some(if shift == 0 { value } else { arithmetic.times(value, 1 << shift) })
    };
    let mask = network.network.layer(layer).mask.as_ref();
    let sources = mask.into_iter().flat_map(LayerMask::merge_sources);
    let merged = sources.map(|source| source.and_then(&mut share).unwrap_or_default()).collect();
    counter.add(Work { moved_shares: moved, ..Work::default() });
    merged
}

/// Of values `[channel][pixel]` with `pixels` pixels those at the `kept` ones.
pub(crate) fn at_pixels(values: &[u64], pixels: usize, kept: &[usize]) -> Vec<u64> {
    let channels = values.chunks(pixels.max(1));
    channels.flat_map(|channel| kept.iter().map(|pixel| channel.get(*pixel).copied().unwrap_or_default())).collect()
}

/// The inverse: values at the `kept` pixels of every channel, and zeros elsewhere.
pub(crate) fn spread(values: &[u64], pixels: usize, kept: &[usize]) -> Vec<u64> {
    let channels = values.chunks(kept.len().max(1));
    let mut all = vec![0; channels.len() * pixels];
    for (all, values) in all.chunks_mut(pixels.max(1)).zip(channels) {
        for (pixel, value) in kept.iter().zip(values) {
            if let Some(place) = all.get_mut(*pixel) {
                *place = *value;
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_that_are_picked_and_spread_again_are_where_they_were() {
        let values: Vec<u64> = (1..=8).collect();
        let picked = at_pixels(&values, 4, &[1, 3]);
        assert_eq!(picked, [2, 4, 6, 8]);
        assert_eq!(spread(&picked, 4, &[1, 3]), [0, 2, 0, 4, 0, 6, 0, 8]);
    }
}
