//! Quantised weights, and seeded random ones for networks that come without.

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use rayon::prelude::*;

use crate::{FixedNetwork, Layer, LayerId, Network, NetworkError, Op};

/// Weights of one layer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayerWeights {
    /// Signed integers with f fraction bits: `[out][in][row][column]`, or `[out][in]`; empty for a channel bias.
    pub weights: Vec<i32>,
    /// One signed integer per output channel, with the fraction bits of the layer's output; zeros without a bias.
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
        let spreads = spreads(&net.network);
        let has_weights = |op: Op| matches!(op, Op::Conv(_) | Op::Linear { .. } | Op::ChannelBias { .. });
        let mut ordinal = 0;
        let layers: Vec<(LayerId, Option<u64>)> = net
            .network
            .iter()
            .map(|(id, layer)| {
                let stream = has_weights(layer.op).then_some(ordinal);
                ordinal += u64::from(stream.is_some());
                (id, stream)
            })
            .collect();
        let layer_weights = |&(id, stream): &(LayerId, Option<u64>)| {
            let mut random = Random::new(seed, stream?);
            Some(random.layer(net, id, spreads.get(id.0).copied().unwrap_or_default()))
        };
        Self(layers.par_iter().map(layer_weights).collect())
    }

    /// The weights of a layer that must have some.
    pub(crate) fn of(&self, net: &FixedNetwork, id: LayerId) -> Result<&LayerWeights, NetworkError> {
        let missing = || NetworkError::Weights {
            layer: net.network.layer(id).name.clone(),
            expected: net.network.weight_count(id) + net.network.layer(id).output.channels as u64,
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
            if !matches!(layer.op, Op::Conv(_) | Op::Linear { .. } | Op::ChannelBias { .. }) {
                continue;
            }
            let own = self.of(net, id)?;
            let sizes = [
                (net.network.weight_count(id), own.weights.len() as u64),
                (layer.output.channels as u64, own.bias.len() as u64),
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

/// Standard deviation of the random biases: enough to shift ReLUs, small beside the weights' effect.
const BIAS_SPREAD: f64 = 0.1;

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
            Op::Relu => {
                let survives = 0.5 * (1.0 + input.positive / input.total());
                Moment { positive: input.positive + survives * input.symmetric, symmetric: 0.0 }
            }
            Op::Add => {
                Moment { positive: input.positive + of(1).positive, symmetric: input.symmetric + of(1).symmetric }
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
            Op::Rescale | Op::AvgPool { .. } | Op::GlobalAvgPool | Op::Slice { .. } => input,
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

/// Random numbers of one layer.
struct Random(ChaCha12Rng);

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

    fn layer(&mut self, net: &FixedNetwork, id: LayerId, spread: f64) -> LayerWeights {
        let network = &net.network;
        let limit = (1i64 << (net.format.weight_bits - 1)) as f64;
        let scale = spread * (1u64 << net.format.fraction_bits) as f64;
        let weights = (0..network.weight_count(id))
            .map(|_| (self.normal() * scale).round().clamp(-limit, limit - 1.0) as i32)
            .collect();
        let layer = network.layer(id);
        let has_bias = match layer.op {
            Op::Conv(conv) => conv.norm || conv.bias,
            _ => true,
        };
        let bias_scale = BIAS_SPREAD * (1u64 << net.fraction(id)) as f64;
        let bias = (0..layer.output.channels)
            .map(|_| if has_bias { (self.normal() * bias_scale).round() as i64 } else { 0 })
            .collect();
        LayerWeights { weights, bias }
    }
}
