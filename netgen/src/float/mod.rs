//! Networks with weights in floating point: what is trained, what files of other tools hold, and what the fixed-point
//! network approximates.

mod infer;
mod quantise;

use std::collections::HashMap;

pub use infer::{FloatTensor, infer};
pub(crate) use quantise::round_layer;

use crate::weights::{bias_count, random_layers};
use crate::{LayerId, Network, NetworkError};

/// Weights of one layer in floating point, in the layouts of [`crate::LayerWeights`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FloatLayer {
    /// `[out][in][row][column]`, or `[out][in]`; empty for a channel bias.
    pub weights: Vec<f32>,
    /// One number per output channel; zeros without a bias.
    pub bias: Vec<f32>,
}

/// Weights of a network by layer id; none for layers without any. Batch norms are folded in.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatWeights(pub Vec<Option<FloatLayer>>);

/// A network with its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The network, without any [`crate::Op::Rescale`].
    pub network: Network,
    /// Its weights, by the network's layer ids.
    pub weights: FloatWeights,
}

impl Model {
    /// A network with the weights that [`crate::Weights::random`] gives for the same seed, before they are rounded.
    pub fn random(network: Network, seed: u64) -> Self {
        let single = |value: f64| value as f32;
        let layers = random_layers(&network, seed, |random, id, spread| {
            let (weights, bias) = random.layer(&network, id, spread, single, single);
            FloatLayer { weights, bias }
        });
        Self { network, weights: FloatWeights(layers) }
    }

    /// The same weights in a network that was made of this one, by dropping ReLUs for instance; layers are matched by name.
    ///
    /// # Errors
    /// A layer that needs other weights than this model has.
    pub fn onto(&self, network: Network) -> Result<Self, NetworkError> {
        let ids: HashMap<&str, LayerId> = self.network.iter().map(|(id, layer)| (layer.name.as_str(), id)).collect();
        let own = |name: &str| ids.get(name).and_then(|id| self.weights.0.get(id.0)?.clone());
        let layers = network.layers.iter().map(|layer| own(&layer.name).filter(|_| layer.op.has_weights())).collect();
        let model = Self { network, weights: FloatWeights(layers) };
        model.check()?;
        Ok(model)
    }

    /// The weights of a layer that must have some.
    pub(crate) fn of(&self, id: LayerId) -> Result<&FloatLayer, NetworkError> {
        let layer = self.network.layer(id);
        let missing = || NetworkError::Weights {
            layer: layer.name.clone(),
            expected: self.network.weight_count(id) + bias_count(&self.network, id),
            found: 0,
        };
        self.weights.0.get(id.0).and_then(Option::as_ref).ok_or_else(missing)
    }

    /// Checks that the weights belong to the network: their number, and that each is finite.
    ///
    /// # Errors
    /// The first layer that is wrong.
    pub fn check(&self) -> Result<(), NetworkError> {
        for (id, layer) in self.network.iter().filter(|(_, layer)| layer.op.has_weights()) {
            let own = self.of(id)?;
            let sizes = [
                (self.network.weight_count(id), own.weights.len() as u64),
                (bias_count(&self.network, id), own.bias.len() as u64),
            ];
            if let Some(&(expected, found)) = sizes.iter().find(|(expected, found)| expected != found) {
                return Err(NetworkError::Weights { layer: layer.name.clone(), expected, found });
            }
            for (kind, values) in [("weight", &own.weights), ("bias", &own.bias)] {
                if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                    let (layer, value) = (layer.name.clone(), value.to_string());
                    return Err(NetworkError::FloatValue { layer, kind, value, expected: "a finite number".into() });
                }
            }
        }
        Ok(())
    }
}
