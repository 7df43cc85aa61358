//! The choice of fraction bits: what the samples ask for, lowered until nothing can leave the ring.

use super::bounds::{Interval, hull, layer_bounds};
use super::knobs::Knobs;
use super::samples::{Range, Samples, on_plan, ranges};
use super::{Calibrated, Headroom, bounds};
use crate::float::round_layer;
use crate::{FixedNetwork, FixedPoint, LayerId, LayerWeights, Model, NetworkError, Weights};
use std::sync::Arc;

/// The widest ring that a format can have.
const WIDEST: u32 = 64;

/// As [`super::quantise`].
pub(super) fn plan(
    model: &Model,
    format: FixedPoint,
    samples: &Samples,
    headroom: Headroom,
) -> Result<Calibrated, NetworkError> {
    format.check()?;
    samples.check(&model.network)?;
    let planner = Planner::new(model, format, samples, headroom)?;
    let full = planner.clone().unlimited()?;
    match planner.clone().fitted(format.ring_bits) {
        Ok(planner) => planner.refined()?.finish(full),
        Err(Stuck::Wrong(error)) => Err(error),
        Err(Stuck::TooSmall(layer)) => Err(planner.too_small(model, samples, layer, full)),
    }
}

/// Why a network has no plan in a ring.
enum Stuck {
    /// For another reason.
    Wrong(NetworkError),
    /// This layer does not fit at any useful precision.
    TooSmall(LayerId),
}

impl From<NetworkError> for Stuck {
    fn from(error: NetworkError) -> Self {
        Self::Wrong(error)
    }
}

/// A plan in the making: what is chosen, and what follows from it for the layers up to some point.
#[derive(Clone)]
struct Planner {
    /// The model on the planned network.
    model: Arc<Model>,
    /// The planned network; its fraction bits are those of the knobs.
    net: FixedNetwork,
    headroom: Headroom,
    input: Range,
    ranges: Vec<Range>,
    knobs: Knobs,
    weights: Vec<Option<LayerWeights>>,
    bounds: Vec<Vec<Interval>>,
}

impl Planner {
    fn new(model: &Model, format: FixedPoint, samples: &Samples, headroom: Headroom) -> Result<Self, NetworkError> {
        // Only where rescales stand is kept of this plan; a ring that it does not fit may hold a better one.
        let widest = FixedPoint { ring_bits: WIDEST, ..format };
        let net = FixedNetwork::new(&model.network, format).or_else(|_| FixedNetwork::new(&model.network, widest))?;
        let net = FixedNetwork { format, ..net };
        let model = on_plan(model, &net.network)?;
        let ranges = ranges(&model, samples)?;
        let knobs = Knobs::new(&net, &model, &ranges);
        Ok(Self {
            model: Arc::new(model),
            net,
            headroom,
            input: samples.range,
            ranges,
            knobs,
            weights: Vec::new(),
            bounds: Vec::new(),
        })
    }

    /// The ring that keeps everything that the samples ask for, bits.
    fn unlimited(mut self) -> Result<u32, NetworkError> {
        self.net.format.ring_bits = WIDEST;
        self.knobs.apply(&mut self.net);
        let mut most = 0;
        for index in 0..self.net.network.layers.len() {
            most = most.max(self.advance(LayerId(index))?);
        }
        Ok(most)
    }

    /// Goes through the layers, and back to the first one that changes where one does not fit.
    fn fitted(mut self, ring_bits: u32) -> Result<Self, Stuck> {
        self.net.format.ring_bits = ring_bits;
        self.knobs.apply(&mut self.net);
        while self.bounds.len() < self.net.network.layers.len() {
            let id = LayerId(self.bounds.len());
            let excess = self.advance(id)?.saturating_sub(ring_bits);
            let mut first = self.bounds.len();
            for _ in 0..excess {
                let changed = self.knobs.lower(&self.net, id).ok_or(Stuck::TooSmall(id))?;
                self.knobs.apply(&mut self.net);
                first = first.min(changed.0);
            }
            self.bounds.truncate(first);
            self.weights.truncate(first);
        }
        Ok(self)
    }

    /// Gives bits back where what was lowered later left room for them: to the first layers first, as long as all fit.
    fn refined(mut self) -> Result<Self, NetworkError> {
        for id in (0..self.net.network.layers.len()).map(LayerId) {
            while self.knobs.gave_up(id) > 0 {
                let mut trial = self.clone();
                trial.knobs.raise(id);
                trial.knobs.apply(&mut trial.net);
                trial.bounds.truncate(id.0);
                trial.weights.truncate(id.0);
                if !trial.fits()? {
                    break;
                }
                self = trial;
            }
        }
        Ok(self)
    }

    /// Goes through the layers that are left; whether all fit the ring.
    fn fits(&mut self) -> Result<bool, NetworkError> {
        while self.bounds.len() < self.net.network.layers.len() {
            if self.advance(LayerId(self.bounds.len()))? > self.net.format.ring_bits {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Rounds the next layer's weights and bounds its values; the signed bits that it needs.
    fn advance(&mut self, id: LayerId) -> Result<u32, NetworkError> {
        let fraction = self.net.fraction(id);
        // A number of one bit needs a sign besides.
        let mut needed = fraction + 1;
        let own = self.model.weights.0.get(id.0).and_then(Option::as_ref);
        let bias = Range::of(own.iter().flat_map(|own| &own.bias)).magnitude();
        needed = needed.max(real_bits(bias, fraction));
        // Numbers of more bits cannot even be rounded.
        let rounds = needed <= self.net.format.ring_bits;
        let rounded = own.filter(|_| rounds).map(|own| round_layer(&self.net, id, own)).transpose()?;
        let bounds = match rounds {
            true => layer_bounds(&self.net, id, rounded.as_ref(), &self.bounds, self.integer_input()),
            false => vec![Interval::new(i128::MIN, i128::MAX); self.net.network.layer(id).output.channels],
        };
        needed = needed.max(match self.headroom {
            Headroom::Proven if rounds => hull(&bounds).signed_bits(),
            Headroom::Sampled { margin_bits } => {
                let range = self.ranges.get(id.0).copied().unwrap_or_default();
                real_bits(range.magnitude(), fraction) + margin_bits
            }
            Headroom::Proven => 0,
        });
        self.bounds.push(bounds);
        self.weights.push(rounded);
        Ok(needed)
    }

    /// All numbers that an input may be rounded to.
    fn integer_input(&self) -> Interval {
        let one = 2f64.powi(self.net.format.fraction_bits as i32);
        Interval::new((self.input.low * one).round() as i128, (self.input.high * one).round() as i128)
    }

    fn finish(self, full_precision_bits: u32) -> Result<Calibrated, NetworkError> {
        let input = self.integer_input();
        let given_up = self.knobs.given_up();
        let net = FixedNetwork::with_fractions(self.net.network, self.net.format, self.net.fraction)?;
        let weights = Weights(self.weights);
        let bounds = bounds(&net, &weights, input)?;
        Ok(Calibrated { net, weights, input: self.input, bounds, full_precision_bits, given_up })
    }

    /// The error of a ring that is too small, with what would do.
    fn too_small(&self, model: &Model, samples: &Samples, layer: LayerId, full_precision_bits: u32) -> NetworkError {
        let FixedPoint { ring_bits, fraction_bits, .. } = self.net.format;
        // More bits never make it harder; the first number that does is found by halving.
        let enough = partition(ring_bits + 1..WIDEST + 1, |bits| self.clone().fitted(bits).is_ok());
        let fits = |fraction_bits: &u32| {
            let format = FixedPoint { fraction_bits: *fraction_bits, ..self.net.format };
            let planner = Self::new(model, format, samples, self.headroom);
            planner.is_ok_and(|planner| planner.fitted(ring_bits).is_ok())
        };
        let fewer = (1..fraction_bits).rev().find(fits);
        NetworkError::RingTooSmall {
            layer: self.net.network.layer(layer).name.clone(),
            ring_bits,
            needed_bits: enough,
            full_precision_bits,
            fraction_bits: fewer,
        }
    }
}

/// The first number of a range for which a predicate holds that holds for all further ones.
fn partition(range: std::ops::Range<u32>, holds: impl Fn(u32) -> bool) -> Option<u32> {
    let (mut low, mut high) = (range.start, range.end);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(low).filter(|low| *low < range.end)
}

/// Signed bits of a magnitude that is rounded to some fraction bits.
fn real_bits(magnitude: f64, fraction: u32) -> u32 {
    let rounded = (magnitude * 2f64.powi(fraction as i32)).round();
    // A power of two needs one bit more than its logarithm, and a sign.
    if rounded < 1.0 { 1 } else { (rounded.log2().floor() as u32).saturating_add(2) }
}
