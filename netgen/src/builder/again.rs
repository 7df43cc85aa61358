//! Networks built after others: layers left out, replaced, or with other masks.

use super::NetworkBuilder;
use crate::{Layer, LayerId, LayerMask, Network, NetworkError, Op, Shape};

impl NetworkBuilder {
    /// Builds the same network again, leaving out the layers for which `keep` is false: whoever read a left-out layer
    /// reads that layer's first input instead.
    pub(crate) fn rebuild(network: &Network, keep: impl Fn(LayerId) -> bool) -> Result<Network, NetworkError> {
        Self::rebuild_with(network, network.input, |builder, id, inputs| match (keep(id), inputs.first()) {
            (false, Some(&input)) => Ok(input),
            _ => builder.add_like(network.layer(id), network.layer(id).op, inputs),
        })
    }

    /// Builds a network layer by layer after another one, on an input of this shape. `add` adds what stands for a layer of
    /// `network`, whose stage is open, given its new inputs, and returns the layer that its readers are to read.
    pub(crate) fn rebuild_with(
        network: &Network,
        input: Shape,
        mut add: impl FnMut(&mut Self, LayerId, &[LayerId]) -> Result<LayerId, NetworkError>,
    ) -> Result<Network, NetworkError> {
        let mut builder = Self::start_like(&Network { input, ..network.clone() })?;
        let mut new_ids = vec![builder.input()];
        for (id, layer) in network.iter().skip(1) {
            let inputs = builder.map_inputs(layer, &new_ids)?;
            builder.open_stage_of(network, layer)?;
            new_ids.push(add(&mut builder, id, &inputs)?);
        }
        builder.finish()
    }

    /// Builds the same network again with other masks: `mask` gives each layer's.
    pub(crate) fn rebuild_masked(
        network: &Network,
        mut mask: impl FnMut(LayerId, &Layer) -> Option<LayerMask>,
    ) -> Result<Network, NetworkError> {
        let mut builder = Self::start_like(network)?;
        for (id, layer) in network.iter().skip(1) {
            builder.open_stage_of(network, layer)?;
            builder.add_masked(layer.name.clone(), layer.op, &layer.inputs, mask(id, layer))?;
        }
        builder.finish()
    }

    /// An empty builder with another network's name, input, stages and notes.
    pub(crate) fn start_like(network: &Network) -> Result<Self, NetworkError> {
        let mut builder = Self::new(network.name.clone(), network.input)?;
        builder.network.stages.clone_from(&network.stages);
        builder.network.notes.clone_from(&network.notes);
        Ok(builder)
    }

    /// The new ids of a layer's inputs.
    pub(crate) fn map_inputs(&self, layer: &Layer, new_ids: &[LayerId]) -> Result<Vec<LayerId>, NetworkError> {
        let map = |input: &LayerId| {
            new_ids.get(input.0).copied().ok_or_else(|| NetworkError::Layer {
                layer: layer.name.clone(),
                problem: format!("input {} comes later or nowhere", input.0),
            })
        };
        layer.inputs.iter().map(map).collect()
    }

    /// Adds a copy of another network's layer to the open stage, with the operation changed. Its mask stays,
    /// so the shape must, too.
    pub(crate) fn add_like(&mut self, layer: &Layer, op: Op, inputs: &[LayerId]) -> Result<LayerId, NetworkError> {
        self.add_masked(layer.name.clone(), op, inputs, layer.mask.clone())
    }

    /// Opens the stage that a layer has in another network.
    pub(crate) fn open_stage_of(&mut self, from: &Network, layer: &Layer) -> Result<(), NetworkError> {
        let stage = from.stages.get(layer.stage).ok_or_else(|| NetworkError::Layer {
            layer: layer.name.clone(),
            problem: format!("there is no stage {}", layer.stage),
        })?;
        self.stage(stage);
        Ok(())
    }
}
