//! Quantised weights, and seeded random ones for networks that come without.

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use rayon::prelude::*;

use crate::nonlinear::Pointwise;
use crate::{FixedNetwork, Layer, LayerId, Network, NetworkError, Op};

/// Weights of one layer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayerWeights {
    /// Signed integers with f fraction bits: `[out][in][row][column]`, or `[out][in]`; one slope per channel for a parametric
    /// ReLU; empty for a channel bias.
    pub weights: Vec<i32>,
    /// One signed integer per output channel, with the fraction bits of the layer's output; zeros without a bias, and none for
    /// a parametric ReLU.
    pub bias: Vec<i64>,
}

/// Weights of a network by layer id; none for layers without any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights(pub Vec<Option<LayerWeights>>);

impl Weights {
    /// Seeded random weights, the same on every machine. Batch norms count as folded in, with a small random bias.
    ///
    /// He-normal in spirit: the standard deviation makes each convolution's outputs have variance 1, given the
    /// variance of its inputs, as a batch norm would. The last convolution of a residual branch is scaled by
    /// 1/√(number of residual additions), so that activations keep their range through deep networks. Dropping a
    /// ReLU or inserting a rescale does not change which random numbers a layer gets.
    ///
    /// Needs four bytes per weight: gigabytes for the largest networks that can be counted.
    pub fn random(net: &FixedNetwork, seed: u64) -> Self {
        let limit = (1i64 << (net.format.weight_bits - 1)) as f64;
        Self(random_layers(&net.network, seed, |random, id, spread| {
            let scale = (1u64 << net.weight_fraction(id)) as f64;
            let weight = |value: f64| (value * scale).round().clamp(-limit, limit - 1.0) as i32;
            let bias_scale = (1u64 << net.fraction(id)) as f64;
            let bias = |value: f64| (value * bias_scale).round() as i64;
            let (weights, bias) = random.layer(&net.network, id, spread, weight, bias);
            LayerWeights { weights, bias }
        }))
    }

    /// The weights of a layer that must have some.
    pub(crate) fn of(&self, net: &FixedNetwork, id: LayerId) -> Result<&LayerWeights, NetworkError> {
        let missing = || NetworkError::Weights {
            layer: net.network.layer(id).name.clone(),
            expected: net.network.weight_count(id) + bias_count(&net.network, id),
            found: 0,
        };
        self.0.get(id.0).and_then(Option::as_ref).ok_or_else(missing)
    }

    /// Checks that the weights belong to the network: their number, and that each fits the format's weight width.
    ///
    /// # Errors
    /// The first layer that is wrong.
    pub fn check(&self, net: &FixedNetwork) -> Result<(), NetworkError> {
        let bits = net.format.weight_bits;
        let range = -(1i64 << (bits - 1))..1i64 << (bits - 1);
        for (id, layer) in net.network.iter() {
            if !layer.op.has_weights() {
                continue;
            }
            let own = self.of(net, id)?;
            let sizes = [
                (net.network.weight_count(id), own.weights.len() as u64),
                (bias_count(&net.network, id), own.bias.len() as u64),
            ];
            if let Some(&(expected, found)) = sizes.iter().find(|(expected, found)| expected != found) {
                return Err(NetworkError::Weights { layer: layer.name.clone(), expected, found });
            }
            if let Some(&value) = own.weights.iter().find(|&&weight| !range.contains(&i64::from(weight))) {
                return Err(NetworkError::WeightValue { layer: layer.name.clone(), value, weight_bits: bits });
            }
        }
        Ok(())
    }
}

/// What `make` draws for each layer that has weights, in parallel; none for others. It gets the layer's own random
/// numbers and the standard deviation of its weights.
pub(crate) fn random_layers<L: Send>(
    network: &Network,
    seed: u64,
    make: impl Fn(&mut Random, LayerId, f64) -> L + Sync,
) -> Vec<Option<L>> {
    let spreads = spreads(network);
    let (mut ordinal, mut slopes) = (0, 0);
    let layers: Vec<(LayerId, Option<u64>)> = network
        .iter()
        .map(|(id, layer)| {
            if layer.op == Op::PRelu {
                slopes += 1;
                return (id, Some(SLOPE_STREAMS + slopes));
            }
            let stream = layer.op.has_weights().then_some(ordinal);
            ordinal += u64::from(stream.is_some());
            (id, stream)
        })
        .collect();
    let draw = |&(id, stream): &(LayerId, Option<u64>)| {
        Some(make(&mut Random::new(seed, stream?), id, spreads.get(id.0).copied().unwrap_or_default()))
    };
    layers.par_iter().map(draw).collect()
}

/// Random numbers of slopes use the streams from here up, so that a parametric ReLU in the place of another one does not change
/// what other layers get.
const SLOPE_STREAMS: u64 = 1 << 32;

/// Biases that a layer with weights has.
pub(crate) fn bias_count(network: &Network, id: LayerId) -> u64 {
    let layer = network.layer(id);
    if layer.op == Op::PRelu { 0 } else { layer.output.channels as u64 }
}

/// Standard deviation of the random biases: enough to shift ReLUs, small beside the weights' effect.
const BIAS_SPREAD: f64 = 0.1;

/// Mean of the random slopes of parametric ReLUs, the value at which their training usually starts (He et al., ICCV 2015).
const MEAN_SLOPE: f64 = 0.25;

/// Expected square of a tensor's values, split into a part that is never negative (behind a ReLU) and one that is
/// symmetric about zero.
#[derive(Clone, Copy, Debug, Default)]
struct Moment {
    positive: f64,
    symmetric: f64,
}

impl Moment {
    fn total(self) -> f64 {
        self.positive + self.symmetric
    }
}

/// Standard deviation of the weights of each convolution and fully connected layer, by id; zero for others.
fn spreads(network: &Network) -> Vec<f64> {
    let additions = network.layers.iter().filter(|layer| layer.op == Op::Add).count().max(1) as f64;
    let consumers = network.consumers();
    // Variance that a convolution's output should have.
    let target = |id: LayerId| match added_to(network, &consumers, id) {
        Some(add) if add.inputs.iter().all(|&input| is_linear(network, input)) => 0.5,
        Some(_) => 1.0 / additions,
        None => 1.0,
    };
    let mut moments: Vec<Moment> = Vec::with_capacity(network.layers.len());
    let mut spreads = Vec::with_capacity(network.layers.len());
    for (id, layer) in network.iter() {
        let of =
            |index: usize| layer.inputs.get(index).and_then(|input| moments.get(input.0)).copied().unwrap_or_default();
        let input = of(0);
        let mut spread = 0.0;
        let moment = match layer.op {
            // Uniform in [0, 1): the mean square is a third.
            Op::Input => Moment { positive: 1.0 / 3.0, symmetric: 0.0 },
            Op::Conv(_) | Op::Linear { .. } => {
                let fan_in = network.weight_count(id) as f64 / layer.output.channels as f64;
                spread = (target(id) / (fan_in * input.total())).sqrt();
                Moment { positive: 0.0, symmetric: target(id) + BIAS_SPREAD * BIAS_SPREAD }
            }
            Op::ChannelBias { .. } => Moment { symmetric: input.symmetric + BIAS_SPREAD * BIAS_SPREAD, ..input },
            // Half of a symmetric value's square survives; riding on a positive part, more of it does.
            Op::Relu | Op::ClampedRelu { .. } => {
                let survives = 0.5 * (1.0 + input.positive / input.total());
                Moment { positive: input.positive + survives * input.symmetric, symmetric: 0.0 }
            }
            Op::Add => {
                Moment { positive: input.positive + of(1).positive, symmetric: input.symmetric + of(1).symmetric }
            }
            // The larger one: what passed no ReLU.
            Op::Merge { .. } => {
                let (first, second) = (input, of(1));
                if first.total() > second.total() { first } else { second }
            }
            Op::Concat { .. } => {
                let channels = layer.output.channels as f64;
                let share = |index: usize, &input: &LayerId| {
                    (of(index), network.layer(input).output.channels as f64 / channels)
                };
                let shares = layer.inputs.iter().enumerate().map(|(index, input)| share(index, input));
                shares.fold(Moment::default(), |sum, (moment, share)| Moment {
                    positive: sum.positive + share * moment.positive,
                    symmetric: sum.symmetric + share * moment.symmetric,
                })
            }
            Op::LeakyRelu { slope } => leaky(input, slope.value()),
            Op::PRelu => leaky(input, MEAN_SLOPE),
            Op::MaxPool { kernel, .. } => maximum(input, kernel),
            Op::MaxPoolThen { kernel, then, .. } => match then {
                Pointwise::LeakyRelu { slope } => maximum(leaky(input, slope.value()), kernel),
                Pointwise::Relu | Pointwise::ClampedRelu { .. } => maximum(leaky(input, 0.0), kernel),
            },
            Op::Rescale | Op::Select { .. } | Op::AvgPool { .. } | Op::GlobalAvgPool | Op::Slice { .. } => input,
        };
        moments.push(moment);
        spreads.push(spread);
    }
    spreads
}

/// The addition that reads a layer, as it is or as channels of a larger tensor.
fn added_to<'a>(network: &'a Network, consumers: &[Vec<LayerId>], id: LayerId) -> Option<&'a Layer> {
    let readers = consumers.get(id.0).map_or(&[][..], Vec::as_slice);
    readers.iter().find_map(|&reader| match network.layer(reader).op {
        Op::Add => Some(network.layer(reader)),
        Op::Concat { .. } => added_to(network, consumers, reader),
        _ => None,
    })
}

/// Whether a layer gives what convolutions or fully connected layers computed.
fn is_linear(network: &Network, id: LayerId) -> bool {
    let layer = network.layer(id);
    match layer.op {
        Op::Conv(_) | Op::Linear { .. } => true,
        Op::Concat { .. } => layer.inputs.iter().all(|&input| is_linear(network, input)),
        _ => false,
    }
}

/// Behind a leaky ReLU: the part that is lost to a ReLU comes back with the square of the slope.
fn leaky(input: Moment, slope: f64) -> Moment {
    let survives = 0.5 * (1.0 + input.positive / input.total());
    let below = (1.0 - survives) * slope * slope;
    Moment { positive: input.positive + (survives + below) * input.symmetric, symmetric: 0.0 }
}

/// Behind a max pool: as if the squares of a window's values were exponential, where the largest of n is the sum of 1/i.
fn maximum(input: Moment, kernel: usize) -> Moment {
    let growth: f64 = (1..=kernel * kernel).map(|i| 1.0 / i as f64).sum();
    Moment { positive: input.total() * growth, symmetric: 0.0 }
}

/// Random numbers of one layer.
pub(crate) struct Random(ChaCha12Rng);

impl Random {
    fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// A nearly normal number of variance 1: the sum of four uniform ones. Only exact or correctly rounded
    /// operations, so that it does not depend on a machine's mathematics library.
    fn normal(&mut self) -> f64 {
        let bits = self.0.next_u64();
        let sum: i64 = (0..4).map(|i| ((bits >> (16 * i)) & 0xffff) as i64).sum();
        let variance: f64 = (65536.0 * 65536.0 - 1.0) / 3.0;
        (sum - 2 * 0xffff) as f64 / variance.sqrt()
    }

    /// Weights and biases of one layer, each passed through a function that gives it its final form.
    pub(crate) fn layer<W, B>(
        &mut self,
        network: &Network,
        id: LayerId,
        spread: f64,
        weight: impl Fn(f64) -> W,
        bias: impl Fn(f64) -> B,
    ) -> (Vec<W>, Vec<B>) {
        if network.layer(id).op == Op::PRelu {
            let slope = |random: &mut Self| weight(MEAN_SLOPE * (1.0 + random.normal()));
            return ((0..network.weight_count(id)).map(|_| slope(self)).collect(), Vec::new());
        }
        let weights = (0..network.weight_count(id)).map(|_| weight(self.normal() * spread)).collect();
        let layer = network.layer(id);
        let has_bias = match layer.op {
            Op::Conv(conv) => conv.norm || conv.bias,
            _ => true,
        };
        let biases = (0..layer.output.channels)
            .map(|_| bias(if has_bias { self.normal() * BIAS_SPREAD } else { 0.0 }))
            .collect();
        (weights, biases)
    }
}
