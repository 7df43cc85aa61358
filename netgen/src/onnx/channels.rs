//! Which channels of its input each output channel of a slice or a concatenation is.

use crate::Op;

/// The channels that an [`Op::Slice`] takes of `own` channels, in order.
pub(super) fn sliced(own: usize, groups: usize, start: usize, channels: usize) -> Vec<usize> {
    let size = own / groups.max(1);
    (0..groups).flat_map(|group| (0..channels).map(move |channel| group * size + start + channel)).collect()
}

/// The slice that takes these channels, if there is one.
pub(super) fn as_slice(own: usize, picked: &[usize]) -> Option<Op> {
    let start = *picked.first()?;
    let channels = in_a_row(picked);
    let whole = |groups: usize, channels: usize| {
        let fits = groups > 0 && own.is_multiple_of(groups) && start + channels <= own / groups;
        (fits && sliced(own, groups, start, channels) == picked).then_some(Op::Slice { groups, start, channels })
    };
    let groups = picked.len() / channels;
    whole(1, picked.len()).or_else(|| whole(groups, channels))
}

/// Channels of inputs behind each other, in the order of an [`Op::Concat`] with groups.
pub(super) fn interleaved(inputs: &[usize], groups: usize) -> Vec<usize> {
    let mut order = Vec::with_capacity(inputs.iter().sum());
    for group in 0..groups {
        let mut first = 0;
        for &channels in inputs {
            let size = channels / groups.max(1);
            order.extend(first + group * size..first + (group + 1) * size);
            first += channels;
        }
    }
    order
}

/// The number of groups in whose order the inputs' channels are picked, if there is one.
pub(super) fn as_groups(inputs: &[usize], picked: &[usize]) -> Option<usize> {
    // The first group of the first input is followed by that of the second.
    let groups = inputs.first()?.checked_div(in_a_row(picked))?;
    let fits = groups > 1 && inputs.iter().all(|channels| channels.is_multiple_of(groups));
    (fits && interleaved(inputs, groups) == picked).then_some(groups)
}

/// How many channels at the beginning follow each other.
fn in_a_row(picked: &[usize]) -> usize {
    let pairs = picked.windows(2).take_while(|pair| matches!(pair, [a, b] if a.checked_add(1) == Some(*b)));
    picked.len().min(pairs.count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picked_channels_are_recognised_as_what_they_were_made_of() {
        for (own, groups, start, channels) in [(8, 1, 2, 3), (8, 2, 1, 2), (8, 4, 1, 1), (9, 3, 0, 2), (6, 1, 0, 6)] {
            let picked = sliced(own, groups, start, channels);
            assert_eq!(as_slice(own, &picked), Some(Op::Slice { groups, start, channels }));
        }
        for picked in [&[1, 0][..], &[0, 0], &[0, 2, 3], &[]] {
            assert_eq!(as_slice(4, picked), None, "{picked:?}");
        }
        for (inputs, groups) in [(&[4, 4][..], 2), (&[2, 4, 6], 2), (&[3, 6], 3)] {
            assert_eq!(as_groups(inputs, &interleaved(inputs, groups)), Some(groups));
        }
        assert_eq!(as_groups(&[2, 2], &[0, 1, 3, 2]), None);
    }
}
