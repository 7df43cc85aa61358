//! Proof that no value leaves the ring: interval arithmetic through the graph, with the actual integer weights.
//!
//! Every channel of every layer gets an interval that holds all its exact values, whatever the input is within its own
//! interval. A linear layer takes the end of each input channel that a weight's sign asks for, so its bound is reached by
//! some values of its inputs; that those cannot all occur together is what makes bounds of deep networks wide.

use crate::infer::activated;
use crate::nonlinear::prelu;
use crate::{FixedNetwork, LayerId, LayerWeights, NetworkError, Op, Weights};

/// Beyond this magnitude bounds saturate: no ring has half as many bits, and sums of products of such numbers with weights of
/// 32 bits, over as many values as a layer can have, stay within 128.
const SATURATED: i128 = 1 << 90;

/// All integers from `low` to `high`, both included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    /// The least one.
    pub low: i128,
    /// The largest one.
    pub high: i128,
}

impl Interval {
    /// An interval, its ends in any order.
    pub fn new(a: i128, b: i128) -> Self {
        Self { low: a.min(b).max(-SATURATED), high: a.max(b).min(SATURATED) }
    }

    /// The smallest interval that holds both.
    pub fn hull(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// Every number times a factor.
    fn times(self, factor: i128) -> Self {
        Self::new(self.low.saturating_mul(factor), self.high.saturating_mul(factor))
    }

    /// Every sum of a number of each.
    fn plus(self, other: Self) -> Self {
        Self::new(self.low + other.low, self.high + other.high)
    }

    /// A function that never falls, of every number.
    fn through(self, rising: impl Fn(i128) -> i128) -> Self {
        Self::new(rising(self.low), rising(self.high))
    }

    /// Whether it holds a number.
    pub fn contains(self, value: i128) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// Signed bits that hold every number.
    pub fn signed_bits(self) -> u32 {
        signed_bits(self.low).max(signed_bits(self.high))
    }
}

/// Smallest number of bits that hold a value in two's complement.
fn signed_bits(value: i128) -> u32 {
    129 - (value ^ (value >> 127)).leading_zeros()
}

/// The hull of some intervals; that of zero alone if there are none.
pub fn hull(intervals: &[Interval]) -> Interval {
    intervals.iter().copied().reduce(Interval::hull).unwrap_or_default()
}

/// The intervals of every layer's exact values, by layer id and channel, for all inputs within `input`.
///
/// They hold even if a value leaves the ring, as if the ring were wider; a network is safe if all of them fit.
///
/// # Errors
/// Weights that do not belong to the network.
pub fn bounds(net: &FixedNetwork, weights: &Weights, input: Interval) -> Result<Vec<Vec<Interval>>, NetworkError> {
    weights.check(net)?;
    let mut done = Vec::with_capacity(net.network.layers.len());
    for (id, _) in net.network.iter() {
        let own = weights.0.get(id.0).and_then(Option::as_ref);
        let bounds = layer_bounds(net, id, own, &done, input);
        done.push(bounds);
    }
    Ok(done)
}

/// The intervals of one layer's channels, given those of all earlier layers and its weights.
pub(super) fn layer_bounds(
    net: &FixedNetwork,
    id: LayerId,
    own: Option<&LayerWeights>,
    done: &[Vec<Interval>],
    input: Interval,
) -> Vec<Interval> {
    let network = &net.network;
    let layer = network.layer(id);
    let of = |index: usize| layer.inputs.get(index).and_then(|input| done.get(input.0)).map_or(&[][..], Vec::as_slice);
    let (from, first) = (network.input_shape(id), of(0));
    let each = |change: &dyn Fn(Interval) -> Interval| first.iter().map(|interval| change(*interval)).collect();
    match layer.op {
        Op::Input => vec![input; from.channels],
        Op::Conv(conv) => {
            // At the border a weight meets a zero of the padding instead of a value.
            let padded = |x: Interval| if conv.padding > 0 { x.hull(Interval::default()) } else { x };
            let inputs: Vec<Interval> = first.iter().map(|x| padded(*x)).collect();
            let mut outputs = linear(own, &inputs, conv.kernel * conv.kernel);
            if layer.mask.is_some() {
                // Silent pixels are zero.
                outputs.iter_mut().for_each(|output| *output = output.hull(Interval::default()));
            }
            outputs
        }
        Op::Linear { .. } => linear(own, first, from.pixels()),
        // A window's largest value is one of its values.
        Op::Relu
        | Op::ClampedRelu { .. }
        | Op::LeakyRelu { .. }
        | Op::MaxPool { .. }
        | Op::MaxPoolThen { .. }
        | Op::Rescale => {
            let then = match layer.op {
                Op::MaxPoolThen { then, .. } => Some(then),
                op => op.pointwise(),
            };
            each(&|x| x.through(|value| activated(net, id, then, value)))
        }
        Op::PRelu => {
            let slopes = own.map_or(&[][..], |own| &own.weights);
            let act = |(x, &slope): (&Interval, &i32)| {
                let at = |value: i128| prelu(&net.format, slope, value >> net.shift(id));
                // With a negative slope it falls below zero and rises above.
                let ends = Interval::new(at(x.low), at(x.high));
                if x.contains(0) { ends.hull(Interval::default()) } else { ends }
            };
            first.iter().zip(slopes).map(act).collect()
        }
        Op::Add => {
            let shifts = net.alignment(id);
            let aligned = |index: usize, x: Interval| x.times(1 << shifts.get(index).copied().unwrap_or_default());
            first.iter().zip(of(1)).map(|(a, b)| aligned(0, *a).plus(aligned(1, *b))).collect()
        }
        Op::Select { cell } => {
            let elements = layer.mask.iter().flat_map(|mask| mask.elements(cell));
            let of_element = |index: usize| first.get(index / from.pixels().max(1)).copied();
            let channels: Vec<Interval> = elements.filter_map(of_element).collect();
            // Elements of one output channel come from one input channel, or each is a channel of its own.
            channels.chunks(layer.output.pixels().max(1)).filter_map(|channel| channel.first()).copied().collect()
        }
        Op::Merge { .. } => {
            let shifts = net.alignment(id);
            let pixels =
                |index: usize| layer.inputs.get(index).map_or(1, |input| network.layer(*input).output.pixels());
            let value = |(index, place): (usize, usize)| {
                let shift = shifts.get(index).copied().unwrap_or_default();
                Some(of(index).get(place / pixels(index).max(1))?.times(1 << shift))
            };
            let sources = layer.mask.iter().flat_map(|mask| mask.merge_sources());
            let elements: Vec<Interval> = sources.map(|source| source.and_then(value).unwrap_or_default()).collect();
            let channels = elements.chunks(layer.output.pixels().max(1));
            channels.filter_map(|channel| channel.iter().copied().reduce(Interval::hull)).collect()
        }
        Op::Slice { .. } | Op::Concat { .. } => {
            let shifts = net.alignment(id);
            let aligned = |index: usize, x: Interval| x.times(1 << shifts.get(index).copied().unwrap_or_default());
            let source = |(index, channel): (usize, usize)| Some(aligned(index, *of(index).get(channel)?));
            network.channel_sources(id).into_iter().filter_map(source).collect()
        }
        Op::ChannelBias { .. } => {
            let biases = own.map_or(&[][..], |own| &own.bias);
            let plus = |(x, bias): (&Interval, &i64)| x.plus(Interval::new((*bias).into(), (*bias).into()));
            first.iter().zip(biases).map(plus).collect()
        }
        Op::AvgPool { .. } | Op::GlobalAvgPool => {
            let window = crate::fixed::pool_window(network, id).unwrap_or(1);
            let factor = i128::from(window) * i128::from(net.pool_factor(id));
            each(&|x| x.times(factor))
        }
    }
}

/// The intervals of a linear layer's outputs: `taps` weights for each input channel, channel by channel.
fn linear(own: Option<&LayerWeights>, inputs: &[Interval], taps: usize) -> Vec<Interval> {
    let Some(own) = own else { return Vec::new() };
    let rows = own.weights.chunks((inputs.len() * taps).max(1));
    let sum = |(row, bias): (&[i32], &i64)| {
        let products = row.chunks(taps.max(1)).zip(inputs);
        // Of a channel only the sums of its positive and of its negative weights matter.
        let bound = |total: Interval, (weights, x): (&[i32], &Interval)| {
            let positive: i128 = weights.iter().filter(|w| **w > 0).map(|w| i128::from(*w)).sum();
            let negative: i128 = weights.iter().filter(|w| **w < 0).map(|w| i128::from(*w)).sum();
            let low = x.low.saturating_mul(positive).saturating_add(x.high.saturating_mul(negative));
            let high = x.high.saturating_mul(positive).saturating_add(x.low.saturating_mul(negative));
            Interval { low: total.low.saturating_add(low), high: total.high.saturating_add(high) }
        };
        let start = Interval { low: (*bias).into(), high: (*bias).into() };
        let total = products.fold(start, bound);
        Interval::new(total.low, total.high)
    };
    rows.zip(&own.bias).map(sum).collect()
}
