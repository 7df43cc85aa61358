//! Fixed point: how many fraction bits each layer's output has, and where a value must be rescaled without a ReLU.
//!
//! Values are integers in Z_2^k, signed as two's complement. The input has `f` fraction bits, weights have `f`, so a
//! convolution's output has `f` more than its input; every non-linear operation and [`Op::Rescale`] brings them back to `f` by
//! an arithmetic shift (floor) before it does anything else: ReLUs of all kinds and max pools ([`Op::rescales`]). A leaky ReLU
//! then multiplies negative values by its slope and floors again, a parametric ReLU does so with a weight of `f` fraction
//! bits. A max pool and the ReLU beside it become one layer ([`Op::MaxPoolThen`]); nothing else changes the order. Averages
//! over 2^s values are exact sums with `s` more fraction bits; over any other number `n`, the sum is multiplied by
//! round(2^f / n) and has `f` more.
//!
//! That is the plan of [`FixedNetwork::new`]. [`FixedNetwork::with_fractions`] takes any other number of fraction bits of
//! each layer's output, for example those that [`crate::quantise`] finds from sample inputs; all else follows from them.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::mask::{postpone, zeros_after};
use crate::nonlinear::Pointwise;
use crate::{Layer, LayerId, LayerMask, Network, NetworkBuilder, NetworkError, Op};

/// Integer bits that every value keeps besides its sign; fewer cannot hold the activations of a real network.
const INTEGER_BITS: u32 = 4;

/// The same for values whose rescale was postponed: two more, because postponing is a saving and not a need.
const POSTPONED_INTEGER_BITS: u32 = 6;

/// A fixed-point format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixedPoint {
    /// Signed bits that every value must fit, 8 to 64: k of the ring Z_2^k, or what a prime field holds.
    pub ring_bits: u32,
    /// Fraction bits f of inputs, weights and rescaled activations, at least 1.
    pub fraction_bits: u32,
    /// Bits of a quantised weight with its sign, 2 to 32 and no more than the ring's.
    pub weight_bits: u32,
    /// The largest value that a [`Op::Relu`] returns, in whole units: 6 makes every ReLU a ReLU6. None returns any value.
    #[serde(default)]
    pub relu_max: Option<u32>,
}

impl FixedPoint {
    /// Checks the format by itself.
    ///
    /// # Errors
    /// A number of bits outside the range stated at the field.
    pub fn check(&self) -> Result<(), NetworkError> {
        let check = |key, value, min: u32, max: u32| {
            if (min..=max).contains(&value) {
                return Ok(());
            }
            Err(NetworkError::Format { key, value, expected: format!("a whole number from {min} to {max}") })
        };
        check("ring_bits", self.ring_bits, 8, 64)?;
        check("weight_bits", self.weight_bits, 2, self.ring_bits.min(32))?;
        check("fraction_bits", self.fraction_bits, 1, self.ring_bits - INTEGER_BITS - 1)?;
        let most = (1u64 << (self.ring_bits - 1 - self.fraction_bits)) - 1;
        self.relu_max.map_or(Ok(()), |max| check("relu_max", max, 1, u32::try_from(most).unwrap_or(u32::MAX)))
    }

    /// What a ReLU makes of a value that is rescaled already.
    pub fn relu(&self, value: i128) -> i128 {
        let most = self.relu_max.map_or(i128::MAX, |max| i128::from(max) << self.fraction_bits);
        value.clamp(0, most)
    }

    /// Wraps an exact value into the ring, as a signed number.
    pub const fn wrap(&self, value: i128) -> i64 {
        let unused = 128 - self.ring_bits;
        ((value << unused) >> unused) as i64
    }

    /// Whether a value lies in the ring's signed range.
    pub const fn holds(&self, value: i128) -> bool {
        self.wrap(value) as i128 == value
    }
}

/// A network with its fixed-point plan: rescales inserted, fraction bits of every layer known and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixedNetwork {
    /// The network, with [`Op::Rescale`] layers inserted and max pools joined with their activations.
    pub network: Network,
    /// The format.
    pub format: FixedPoint,
    /// Fraction bits of each layer's output, by layer id.
    pub fraction: Vec<u32>,
}

impl FixedNetwork {
    /// Plans a network in a format. A rescale named `<layer>.rescale` follows each layer whose output has 2f or more
    /// fraction bits and is read by a convolution or fully connected layer, or concatenated with one that has fewer: one
    /// rescale before beats one behind, which would have all channels to do. It belongs to the stage of its first
    /// reader, and further readers share it. A max pool takes in the ReLU before it or after it that nobody else reads.
    ///
    /// A masked ReLU `relu` becomes the selection `relu.kept`, the ReLU `relu` on it, the selection `relu.linear`, the rescale
    /// `relu.rescale` of that (unless the shift is zero), and `relu.merge`. It keeps its input's fraction bits where that
    /// saves rescales and all values keep six integer bits.
    ///
    /// # Errors
    /// An impossible format, a malformed network, or a layer that would keep fewer than four integer bits.
    pub fn new(network: &Network, format: FixedPoint) -> Result<Self, NetworkError> {
        format.check()?;
        let fused = crate::nonlinear::fuse(network)?;
        let network = fused.as_ref().unwrap_or(network);
        postpone(network, |postponed| Self::plan(network, format, postponed))
    }

    /// The plan in which the layers `postponed` of `network` keep their inputs' fraction bits.
    fn plan(network: &Network, format: FixedPoint, postponed: &HashSet<LayerId>) -> Result<Self, NetworkError> {
        let mut plan = Planner {
            builder: NetworkBuilder::start_like(network)?,
            format,
            fraction: vec![format.fraction_bits],
            rescaled: vec![None],
            zeros: vec![None],
            relaxed: vec![false],
        };
        let mut new_ids = vec![plan.builder.input()];
        for (id, layer) in network.iter().skip(1) {
            plan.builder.open_stage_of(network, layer)?;
            let mut inputs = plan.builder.map_inputs(layer, &new_ids)?;
            if matches!(layer.op, Op::Conv(_) | Op::Linear { .. }) || plan.joins_unequal(layer.op, &inputs) {
                for input in &mut inputs {
                    *input = plan.rescaled(*input)?;
                }
            }
            new_ids.push(plan.layer(layer, &inputs, postponed.contains(&id))?);
        }
        Ok(Self { network: plan.builder.finish()?, format, fraction: plan.fraction })
    }

    /// A plan with given fraction bits of every layer's output, for a network that has its rescales.
    ///
    /// # Errors
    /// An impossible format, or the first layer whose fraction bits do not follow from its inputs': fewer than they are
    /// behind a layer that cannot shift right, more behind one that cannot shift left, or as many as the ring has.
    pub fn with_fractions(network: Network, format: FixedPoint, fraction: Vec<u32>) -> Result<Self, NetworkError> {
        format.check()?;
        let plan = Self { network, format, fraction };
        for (id, layer) in plan.network.iter() {
            if let Some(problem) = plan.problem(id) {
                return Err(NetworkError::Layer { layer: layer.name.clone(), problem });
            }
        }
        Ok(plan)
    }

    /// What is wrong with a layer's fraction bits.
    fn problem(&self, id: LayerId) -> Option<String> {
        let layer = self.network.layer(id);
        let Some(&own) = self.fraction.get(id.0) else { return Some("its fraction bits are not given".into()) };
        let incoming = layer.inputs.iter().map(|&input| self.fraction(input)).max().unwrap_or(own);
        let possible = match layer.op {
            Op::Input => own == self.format.fraction_bits,
            op if op.rescales() => own <= incoming,
            Op::Add | Op::ChannelBias { .. } | Op::Select { .. } | Op::Merge { .. } => own == incoming,
            Op::Conv(_) | Op::Linear { .. } => (incoming..incoming + 32).contains(&own),
            _ => own >= incoming && self.pool_factor(id) > 0,
        };
        if !possible {
            return Some(format!("{own} fraction bits cannot follow {incoming}"));
        }
        let ring_bits = self.format.ring_bits;
        let clamp = clamp_of(layer.op).map_or(0, |max| u32::BITS - max.leading_zeros());
        (own + clamp >= ring_bits).then(|| format!("{own} fraction bits leave too little of ring_bits = {ring_bits}"))
    }

    /// Fraction bits of a layer's output; f for an id of another network.
    pub fn fraction(&self, id: LayerId) -> u32 {
        self.fraction.get(id.0).copied().unwrap_or(self.format.fraction_bits)
    }

    /// Fraction bits of a layer's weights: what its output has more than its input. f for layers that are not linear.
    pub fn weight_fraction(&self, id: LayerId) -> u32 {
        let layer = self.network.layer(id);
        match (layer.op, layer.inputs.first()) {
            (Op::Conv(_) | Op::Linear { .. }, Some(&input)) => self.fraction(id).saturating_sub(self.fraction(input)),
            _ => self.format.fraction_bits,
        }
    }

    /// The format with the fraction bits of one layer's output: what the values of that layer are numbers of.
    pub fn format_at(&self, id: LayerId) -> FixedPoint {
        FixedPoint { fraction_bits: self.fraction(id), ..self.format }
    }

    /// The right shift of a non-linear layer or rescale: its input's fraction bits less its own. Zero for other layers.
    pub fn shift(&self, id: LayerId) -> u32 {
        let layer = self.network.layer(id);
        match layer.inputs.first() {
            Some(&input) if layer.op.rescales() => self.fraction(input).saturating_sub(self.fraction(id)),
            _ => 0,
        }
    }

    /// The left shift of each input of an addition, concatenation or merge, which brings all to the largest number of fraction bits. Zeros
    /// for other layers.
    pub fn alignment(&self, id: LayerId) -> Vec<u32> {
        let layer = self.network.layer(id);
        let shift = |&input: &LayerId| match layer.op {
            Op::Add | Op::Concat { .. } | Op::Merge { .. } => self.fraction(id).saturating_sub(self.fraction(input)),
            _ => 0,
        };
        layer.inputs.iter().map(shift).collect()
    }

    /// The public integer that multiplies a pool's window sum: round(2^g / n) where the output has g more fraction bits than
    /// the input, so 1 when the window has 2^g values, which only moves the binary point. One for other layers.
    pub fn pool_factor(&self, id: LayerId) -> u64 {
        let input = self.network.layer(id).inputs.first();
        let gained = input.map_or(0, |&input| self.fraction(id).saturating_sub(self.fraction(input)));
        pool_window(&self.network, id).map_or(1, |window| pool_factor(window, gained))
    }
}

/// Fraction bits that a pool over a window of 2^s values adds, s; over any other number of values f.
fn pool_gain(window: u64, fraction_bits: u32) -> u32 {
    if window.is_power_of_two() { window.ilog2() } else { fraction_bits }
}

/// round(2^gained / window).
fn pool_factor(window: u64, gained: u32) -> u64 {
    // Half a unit up, then floor: round to nearest. No ring has as many bits.
    let doubled = 2u128.checked_shl(gained).unwrap_or(u128::MAX / 2);
    u64::try_from((doubled + u128::from(window)) / (2 * u128::from(window))).unwrap_or(u64::MAX)
}

/// The largest result of an operation that clamps, in whole units.
pub(crate) fn clamp_of(op: Op) -> Option<u32> {
    match op {
        Op::ClampedRelu { max } | Op::MaxPoolThen { then: Pointwise::ClampedRelu { max }, .. } => Some(max),
        _ => None,
    }
}

/// Number of values in the window of a pooling layer.
pub(crate) fn pool_window(network: &Network, id: LayerId) -> Option<u64> {
    match network.layer(id).op {
        Op::AvgPool { kernel, .. } => Some((kernel * kernel) as u64),
        Op::GlobalAvgPool => Some(network.input_shape(id).pixels() as u64),
        _ => None,
    }
}

pub(crate) struct Planner {
    builder: NetworkBuilder,
    pub(crate) format: FixedPoint,
    fraction: Vec<u32>,
    /// The rescale of each layer, once it has one.
    rescaled: Vec<Option<LayerId>>,
    /// The elements of each layer that are known to be zero.
    zeros: Vec<Option<LayerMask>>,
    /// Whether a layer's fraction bits come from a postponed rescale.
    relaxed: Vec<bool>,
}

impl Planner {
    /// A layer of the network; `postponed` if it is masked and keeps its input's fraction bits.
    fn layer(&mut self, layer: &Layer, inputs: &[LayerId], postponed: bool) -> Result<LayerId, NetworkError> {
        match (layer.op, &layer.mask, inputs) {
            (op, Some(mask), &[input]) if op.is_activation() => self.masked_activation(layer, mask, input, postponed),
            _ => self.add_masked(layer.name.clone(), layer.op, inputs, layer.mask.clone()),
        }
    }

    /// Whether this is a concatenation of tensors with different numbers of fraction bits.
    fn joins_unequal(&self, op: Op, inputs: &[LayerId]) -> bool {
        let fraction = |id: &LayerId| self.fraction.get(id.0);
        matches!(op, Op::Concat { .. })
            && inputs.windows(2).any(|pair| pair.first().map(fraction) != pair.last().map(fraction))
    }

    /// The layer itself, or its rescale when it has too many fraction bits to be multiplied again.
    fn rescaled(&mut self, id: LayerId) -> Result<LayerId, NetworkError> {
        let fraction = self.fraction_of(id);
        let (f, relaxed) = (self.format.fraction_bits, self.is_relaxed(id));
        let room = relaxed && fraction + f + POSTPONED_INTEGER_BITS < self.format.ring_bits;
        if fraction < 2 * f || room {
            return Ok(id);
        }
        if let Some(Some(rescale)) = self.rescaled.get(id.0) {
            return Ok(*rescale);
        }
        let name = format!("{}.rescale", self.builder.so_far().layer(id).name);
        let rescale = self.rescale_nonzeros(name, id)?;
        if let Some(slot) = self.rescaled.get_mut(id.0) {
            *slot = Some(rescale);
        }
        Ok(rescale)
    }

    pub(crate) fn fraction_of(&self, id: LayerId) -> u32 {
        self.fraction.get(id.0).copied().unwrap_or(self.format.fraction_bits)
    }

    pub(crate) fn zeros_of(&self, id: LayerId) -> Option<LayerMask> {
        self.zeros.get(id.0).cloned().flatten()
    }

    fn is_relaxed(&self, id: LayerId) -> bool {
        self.relaxed.get(id.0).is_some_and(|relaxed| *relaxed)
    }

    /// Notes that a layer's fraction bits come from a postponed rescale.
    pub(crate) fn relax(&mut self, id: LayerId) {
        if let Some(relaxed) = self.relaxed.get_mut(id.0) {
            *relaxed = true;
        }
    }

    pub(crate) fn add_masked(
        &mut self,
        name: String,
        op: Op,
        inputs: &[LayerId],
        mask: Option<LayerMask>,
    ) -> Result<LayerId, NetworkError> {
        let f = self.format.fraction_bits;
        let id = self.builder.add_masked(name.clone(), op, inputs, mask)?;
        let incoming = inputs.iter().filter_map(|input| self.fraction.get(input.0).copied()).max().unwrap_or(f);
        let fraction = match op {
            Op::Conv(_) | Op::Linear { .. } => incoming + f,
            Op::Add
            | Op::ChannelBias { .. }
            | Op::Slice { .. }
            | Op::Concat { .. }
            | Op::Select { .. }
            | Op::Merge { .. } => incoming,
            Op::AvgPool { .. } | Op::GlobalAvgPool => {
                let window = pool_window(self.builder.so_far(), id).unwrap_or(1);
                let gained = pool_gain(window, f);
                if pool_factor(window, gained) == 0 {
                    let problem = format!("an average over {window} values is always 0 with {f} fraction bits");
                    return Err(NetworkError::Layer { layer: name, problem });
                }
                incoming + gained
            }
            // The input, and all that rescales.
            _ => f,
        };
        self.check_clamp(&name, op, fraction)?;
        self.note(id, op, inputs, fraction)
    }

    /// A ReLU or rescale to `fraction` fraction bits.
    pub(crate) fn add_with_fraction(
        &mut self,
        name: String,
        op: Op,
        input: LayerId,
        fraction: u32,
    ) -> Result<LayerId, NetworkError> {
        self.check_clamp(&name, op, fraction)?;
        let id = self.builder.add(name, op, &[input])?;
        self.note(id, op, &[input], fraction)
    }

    /// Notes what is known of a new layer, and checks that it fits the ring.
    fn note(&mut self, id: LayerId, op: Op, inputs: &[LayerId], fraction: u32) -> Result<LayerId, NetworkError> {
        let relaxed = !op.rescales() && inputs.iter().any(|input| self.is_relaxed(*input));
        let ring_bits = self.format.ring_bits;
        let needed_bits = fraction + if relaxed { POSTPONED_INTEGER_BITS } else { INTEGER_BITS } + 1;
        let layer = self.builder.so_far().layer(id);
        if needed_bits > ring_bits {
            return Err(NetworkError::DoesNotFitRing { layer: layer.name.clone(), fraction, needed_bits, ring_bits });
        }
        let zeros: Vec<Option<LayerMask>> = inputs.iter().map(|input| self.zeros_of(*input)).collect();
        self.zeros.push(zeros_after(op, layer.mask.as_ref(), &zeros));
        self.fraction.push(fraction);
        self.rescaled.push(None);
        self.relaxed.push(relaxed);
        Ok(id)
    }

    /// Refuses a largest result that no value of the ring reaches.
    fn check_clamp(&self, name: &str, op: Op, fraction_bits: u32) -> Result<(), NetworkError> {
        let FixedPoint { ring_bits, relu_max, .. } = self.format;
        let most = 1u64.checked_shl((ring_bits - 1).saturating_sub(fraction_bits)).unwrap_or(u64::MAX) - 1;
        let largest = clamp_of(op).into_iter().chain(relu_max.filter(|_| op.is_activation())).max();
        let Some(max) = largest.filter(|max| u64::from(*max) > most) else { return Ok(()) };
        let problem = format!(
            "a largest result of {max} does not fit ring_bits = {ring_bits} with {fraction_bits} fraction bits, which hold \
             {most} at most; use a plain ReLU or raise ring_bits"
        );
        Err(NetworkError::Layer { layer: name.into(), problem })
    }
}
