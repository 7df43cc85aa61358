//! What can be chosen in a plan: the fraction bits of each linear layer's weights, and of the values behind each ReLU or
//! rescale. Everything else follows.

use super::samples::Range;
use crate::fixed::clamp_of;
use crate::{FixedNetwork, LayerId, Model, Op};

/// Bits more than f that the largest sample of a tensor gets. The plan without calibration keeps four integer bits.
const SAMPLE_BITS: i32 = 4;

/// A tensor's largest value keeps at least this many bits; fewer are of no use.
const USEFUL_BITS: f64 = 4.0;

/// One choice.
#[derive(Clone, Copy, Debug)]
struct Knob {
    /// Fraction bits.
    fraction: u32,
    /// Those that the samples, or the weights, ask for.
    wanted: u32,
    /// Base-2 logarithm of the tensor's largest magnitude.
    magnitude_log2: f64,
}

impl Knob {
    /// Bits of the tensor's largest magnitude.
    fn precision(&self) -> f64 {
        self.magnitude_log2 + f64::from(self.fraction)
    }

    fn can_fall(&self) -> bool {
        self.fraction > 0 && self.precision() - 1.0 >= USEFUL_BITS
    }
}

/// All choices of a plan, by layer id: none for layers that have nothing to choose.
#[derive(Clone, Debug)]
pub(super) struct Knobs {
    knobs: Vec<Option<Knob>>,
    /// Fraction bits that each pool adds.
    pool_gains: Vec<u32>,
}

impl Knobs {
    /// What the samples and the weights ask for, in a network that is planned in some way.
    pub fn new(net: &FixedNetwork, model: &Model, ranges: &[Range]) -> Self {
        let knob = |(id, op): (LayerId, Op)| match op {
            Op::Conv(_) | Op::Linear { .. } => Some(weight_knob(net, model, id)),
            op if op.rescales() => Some(scale_knob(net, op, ranges.get(id.0).copied().unwrap_or_default())),
            _ => None,
        };
        let gain = |id: LayerId| {
            let input = net.network.layer(id).inputs.first();
            input.map_or(0, |&input| net.fraction(id).saturating_sub(net.fraction(input)))
        };
        Self {
            knobs: net.network.iter().map(|(id, layer)| knob((id, layer.op))).collect(),
            pool_gains: net.network.iter().map(|(id, _)| gain(id)).collect(),
        }
    }

    fn get(&self, id: LayerId) -> Option<&Knob> {
        self.knobs.get(id.0).and_then(Option::as_ref)
    }

    /// Gives every layer of a plan the fraction bits that follow from the choices.
    pub fn apply(&self, net: &mut FixedNetwork) {
        let mut fractions: Vec<u32> = Vec::with_capacity(net.network.layers.len());
        for (id, layer) in net.network.iter() {
            let of = |input: &LayerId| fractions.get(input.0).copied().unwrap_or_default();
            let incoming = layer.inputs.iter().map(of).max().unwrap_or(net.format.fraction_bits);
            let chosen = self.get(id).map(|knob| knob.fraction);
            fractions.push(match (layer.op, chosen) {
                (Op::Conv(_) | Op::Linear { .. }, Some(weights)) => incoming + weights,
                // A shift goes right only.
                (_, Some(values)) => values.min(incoming),
                (Op::AvgPool { .. } | Op::GlobalAvgPool, None) => {
                    incoming + self.pool_gains.get(id.0).copied().unwrap_or_default()
                }
                (_, None) => incoming,
            });
        }
        net.fraction = fractions;
    }

    /// Lowers by one bit the most precise of the choices that a layer's fraction bits come from; the layer of that choice.
    /// None if all are as low as is useful.
    pub fn lower(&mut self, net: &FixedNetwork, id: LayerId) -> Option<LayerId> {
        // A choice that its input's fraction bits keep from being reached is as good as lower.
        let effective =
            |id: LayerId| self.get(id).map(|knob| Knob { fraction: knob.fraction.min(net.fraction(id)), ..*knob });
        let able = self.path(net, id).into_iter().filter_map(|id| Some((id, effective(id).filter(Knob::can_fall)?)));
        let (chosen, knob) = able.max_by(|(_, a), (_, b)| a.precision().total_cmp(&b.precision()))?;
        if let Some(slot) = self.knobs.get_mut(chosen.0) {
            *slot = Some(Knob { fraction: knob.fraction - 1, ..knob });
        }
        Some(chosen)
    }

    /// The choices that a layer's fraction bits are the sum of: from the layer back to a shift, along the inputs with the
    /// most fraction bits.
    fn path(&self, net: &FixedNetwork, mut id: LayerId) -> Vec<LayerId> {
        let mut path = Vec::new();
        loop {
            let layer = net.network.layer(id);
            if self.get(id).is_some() {
                path.push(id);
            }
            let Some(next) = layer.inputs.iter().copied().max_by_key(|input| net.fraction(*input)) else { break };
            if layer.op.rescales() {
                break;
            }
            id = next;
        }
        path
    }

    /// Fraction bits that a layer's choice has lost; 0 where there is none.
    pub fn gave_up(&self, id: LayerId) -> u32 {
        self.get(id).map_or(0, |knob| knob.wanted.saturating_sub(knob.fraction))
    }

    /// Gives one bit back.
    pub fn raise(&mut self, id: LayerId) {
        if let Some(Some(knob)) = self.knobs.get_mut(id.0) {
            knob.fraction += 1;
        }
    }

    /// Fraction bits that each layer's choice has lost.
    pub fn given_up(&self) -> Vec<u32> {
        (0..self.knobs.len()).map(|id| self.gave_up(LayerId(id))).collect()
    }
}

/// The weights of a layer get all bits of the format: as many fraction bits as its largest weight leaves.
fn weight_knob(net: &FixedNetwork, model: &Model, id: LayerId) -> Knob {
    let own = model.weights.0.get(id.0).and_then(Option::as_ref);
    let range = Range::of(own.iter().flat_map(|own| &own.weights));
    let limit = 2f64.powi(net.format.weight_bits as i32 - 1);
    let fits = |fraction: u32| {
        let one = 2f64.powi(fraction as i32);
        (range.low * one).round() >= -limit && (range.high * one).round() < limit
    };
    // Weights that are all zero, or next to it, gain nothing from more.
    let most = net.format.fraction_bits + net.format.weight_bits;
    let wanted = (0..=most.min(31)).rev().find(|fraction| fits(*fraction)).unwrap_or(0);
    Knob { fraction: wanted, wanted, magnitude_log2: magnitude_log2(range) }
}

/// The values behind a shift: the largest sample gets [`SAMPLE_BITS`] more than f.
fn scale_knob(net: &FixedNetwork, op: Op, range: Range) -> Knob {
    let f = net.format.fraction_bits as i32;
    let magnitude_log2 = magnitude_log2(range);
    // The ring keeps a sign and what a clamp's largest result needs.
    let clamp = net.format.relu_max.max(clamp_of(op)).map_or(1, |max| (u32::BITS - max.leading_zeros()) as i32);
    let most = (net.format.ring_bits as i32 - 1 - clamp).max(0);
    let wanted = (f + SAMPLE_BITS - magnitude_log2.ceil() as i32).clamp(0, most) as u32;
    Knob { fraction: wanted, wanted, magnitude_log2 }
}

/// Base-2 logarithm of a range's largest magnitude; 0 for nothing but zeros, which any scale holds.
fn magnitude_log2(range: Range) -> f64 {
    let magnitude = range.magnitude();
    if magnitude > 0.0 { magnitude.log2() } else { 0.0 }
}
