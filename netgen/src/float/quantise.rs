//! Weights from floating point to fixed point: each rounded to the nearest of the format's numbers.

use std::collections::HashMap;

use crate::{FixedNetwork, FloatLayer, LayerId, LayerWeights, Model, NetworkError, Weights};

impl Weights {
    /// Rounds a model's weights to the plan's fraction bits and its biases to those of their layers' outputs, ties away
    /// from zero. The fixed network must be the model's, with any rescales inserted; layers are matched by name.
    ///
    /// # Errors
    /// A layer that the model does not have or has with another number of weights; a weight beyond the format's
    /// weight width or a bias beyond the ring, instead of saturating it silently.
    pub fn from_float(net: &FixedNetwork, model: &Model) -> Result<Self, NetworkError> {
        model.check()?;
        let ids: HashMap<&str, LayerId> = model.network.iter().map(|(id, layer)| (layer.name.as_str(), id)).collect();
        let mut layers = Vec::with_capacity(net.network.layers.len());
        for (id, layer) in net.network.iter() {
            if !layer.op.has_weights() {
                layers.push(None);
                continue;
            }
            let own = ids.get(layer.name.as_str()).and_then(|id| model.weights.0.get(id.0)?.as_ref());
            layers.push(Some(round_layer(net, id, own.unwrap_or(&FloatLayer::default()))?));
        }
        let weights = Self(layers);
        weights.check(net)?;
        Ok(weights)
    }
}

/// One layer's weights and biases, rounded to the plan's fraction bits.
pub(crate) fn round_layer(net: &FixedNetwork, id: LayerId, own: &FloatLayer) -> Result<LayerWeights, NetworkError> {
    let format = net.format;
    let round = |kind: &'static str, value: f32, bits: u32, fraction: u32| {
        let limit = 2f64.powi(bits as i32 - 1);
        let step = 2f64.powi(-(fraction as i32));
        let rounded = (f64::from(value) / step).round();
        if (-limit..limit).contains(&rounded) {
            return Ok(rounded as i64);
        }
        Err(NetworkError::FloatValue {
            layer: net.network.layer(id).name.clone(),
            kind,
            value: value.to_string(),
            expected: format!(
                "{} to {}, which {bits} signed bits with {fraction} fraction bits hold",
                -limit * step,
                (limit - 1.0) * step
            ),
        })
    };
    // A weight has 32 bits at most (`FixedPoint::check`), so the conversion is exact.
    let weight = |&value: &f32| round("weight", value, format.weight_bits, net.weight_fraction(id)).map(|w| w as i32);
    let bias = |&value: &f32| round("bias", value, format.ring_bits, net.fraction(id));
    Ok(LayerWeights {
        weights: own.weights.iter().map(weight).collect::<Result<_, _>>()?,
        bias: own.bias.iter().map(bias).collect::<Result<_, _>>()?,
    })
}
