//! Where channels go: slices and concatenations, and which layers' channels have to stay as many as each other's.

use crate::{LayerId, Network, Op};

impl Network {
    /// For every output channel of a [`Op::Slice`] or [`Op::Concat`], the input and the channel of it that it copies, both
    /// counted from 0. Empty for other layers.
    ///
    /// # Panics
    /// If the id belongs to another, longer network.
    pub fn channel_sources(&self, id: LayerId) -> Vec<(usize, usize)> {
        let layer = self.layer(id);
        match layer.op {
            Op::Slice { groups, start, channels } => {
                let size = self.input_shape(id).channels / groups.max(1);
                let of_group = |group: usize| (0..channels).map(move |channel| (0, group * size + start + channel));
                (0..groups).flat_map(of_group).collect()
            }
            Op::Concat { groups, .. } => {
                let sizes: Vec<usize> =
                    layer.inputs.iter().map(|&input| self.layer(input).output.channels / groups.max(1)).collect();
                let of_group = |group: usize| {
                    let of_input = move |(index, &size): (usize, &usize)| {
                        (group * size..(group + 1) * size).map(move |channel| (index, channel))
                    };
                    sizes.iter().enumerate().flat_map(of_input)
                };
                (0..groups).flat_map(of_group).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Classes of layers whose channels depend on each other, as the smallest id of each layer's class. Only convolutions and
    /// fully connected layers choose a number of channels of their own; every other layer is in the class of its inputs.
    pub(crate) fn channel_classes(&self) -> Vec<LayerId> {
        let mut classes: Vec<LayerId> = Vec::with_capacity(self.layers.len());
        for (id, layer) in self.iter() {
            classes.push(id);
            if matches!(layer.op, Op::Conv(_) | Op::Linear { .. }) {
                continue;
            }
            let joined: Vec<LayerId> =
                layer.inputs.iter().filter_map(|input| classes.get(input.0).copied()).chain([id]).collect();
            let smallest = joined.iter().min().copied().unwrap_or(id);
            classes.iter_mut().filter(|class| joined.contains(class)).for_each(|class| *class = smallest);
        }
        classes
    }
}

/// Where the boundaries between channels go when a group of `from` channels becomes one of `to`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MapChannel {
    /// Channels before.
    pub from: usize,
    /// Channels after.
    pub to: usize,
}

impl MapChannel {
    /// The new place of a boundary, rounded to the nearest; order is kept, and the ends stay ends.
    pub(crate) fn of(self, boundary: usize) -> usize {
        // Both are numbers of channels, at most 2^32.
        let (from, to) = (self.from.max(1) as u128, self.to as u128);
        ((2 * boundary as u128 * to + from) / (2 * from)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Conv, NetworkBuilder, Shape};

    #[test]
    fn slices_and_concatenations_go_group_by_group() {
        let mut net = NetworkBuilder::new("n", Shape::new(6, 1, 1)).unwrap();
        let input = net.input();
        let slice = net.add("slice", Op::Slice { groups: 2, start: 1, channels: 2 }, &[input]).unwrap();
        let rest = net.add("rest", Op::Slice { groups: 2, start: 0, channels: 1 }, &[input]).unwrap();
        let joined = net.add("joined", Op::Concat { groups: 2, inputs: 2 }, &[rest, slice]).unwrap();
        let plain = net.add("plain", Op::Concat { groups: 1, inputs: 2 }, &[slice, joined]).unwrap();
        let net = net.finish().unwrap();
        assert_eq!(net.channel_sources(slice), [(0, 1), (0, 2), (0, 4), (0, 5)]);
        assert_eq!(net.channel_sources(rest), [(0, 0), (0, 3)]);
        assert_eq!(net.channel_sources(joined), [(0, 0), (1, 0), (1, 1), (0, 1), (1, 2), (1, 3)]);
        let expected: Vec<_> = (0..4).map(|c| (0, c)).chain((0..6).map(|c| (1, c))).collect();
        assert_eq!(net.channel_sources(plain), expected);
        assert_eq!(net.channel_sources(input), []);
    }

    #[test]
    fn classes_end_at_convolutions_and_span_additions() {
        let conv =
            |out_channels| Op::Conv(Conv { out_channels, kernel: 1, stride: 1, padding: 0, norm: false, bias: false });
        let mut net = NetworkBuilder::new("n", Shape::new(4, 2, 2)).unwrap();
        let input = net.input();
        let a = net.add("a", conv(4), &[input]).unwrap();
        let b = net.add("b", conv(4), &[a]).unwrap();
        let relu = net.add("relu", Op::Relu, &[b]).unwrap();
        let c = net.add("c", conv(3), &[relu]).unwrap();
        let sum = net.add("sum", Op::Add, &[a, relu]).unwrap();
        let d = net.add("d", conv(3), &[sum]).unwrap();
        net.add("end", Op::Add, &[c, d]).unwrap();
        let net = net.finish().unwrap();
        let classes: Vec<usize> = net.channel_classes().iter().map(|class| class.0).collect();
        assert_eq!(classes, [0, 1, 1, 1, 4, 1, 4, 4]);
    }
}
