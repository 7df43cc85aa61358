//! Weights as polynomials, and those that are transformed once for all inferences of a model.

use super::context::HeContext;
use super::limb::Limb;
use crate::error::{BackendError, Result};
use pisim_netgen::{LayerId, Weights};
use pisim_protocol::{ConvPlan, LinearPlan, Program};
use rayon::prelude::*;
use std::collections::HashMap;

/// The residues of the weights that lead from one input group to one output group.
pub(super) fn weight_polynomial(
    plan: &ConvPlan,
    all: &[i32],
    limb: &Limb,
    input_group: usize,
    output_group: usize,
    poly: &mut Vec<u64>,
) {
    let kernel = plan.shape.kernel;
    let (taps, width) = (kernel * kernel, plan.tile_width());
    poly.clear();
    poly.resize(plan.degree, 0);
    for (local_out, out) in plan.output_channels(output_group).enumerate() {
        let inputs = plan.input_channels(input_group);
        let first = out * plan.shape.in_channels;
        let weights = &all[(first + inputs.start) * taps..(first + inputs.end) * taps];
        for local_in in 0..inputs.len() {
            let channel = &weights[local_in * taps..][..taps];
            let position = plan.weight_position(local_out, local_in, 0, 0);
            for ky in 0..kernel {
                // A row of the kernel lies backwards.
                let start = position - ky * width - (kernel - 1);
                for (residue, kx) in poly[start..start + kernel].iter_mut().zip((0..kernel).rev()) {
                    *residue = limb.weight_residue(channel[ky * kernel + kx]);
                }
            }
        }
    }
}

/// One layer's transformed weights.
pub struct PreparedLayer {
    /// `[output group][input group][limb]` polynomials, one after the other.
    words: Vec<u64>,
}

impl PreparedLayer {
    /// Transforms a layer's weights `[out][in][ky][kx]`.
    ///
    /// # Errors
    /// Weights of another number than the plan's.
    pub fn new(context: &HeContext, plan: &ConvPlan, weights: &[i32]) -> Result<Self> {
        if weights.len() != plan.shape.out_channels * plan.shape.taps() {
            return Err(BackendError::program("the weights do not belong to the layer"));
        }
        let mut words = vec![0; plan.prepared_bytes() as usize / 8];
        words.par_chunks_mut(plan.limbs * plan.degree).enumerate().for_each(|(place, polynomial)| {
            let (output_group, input_group) = (place / plan.input_groups(), place % plan.input_groups());
            let mut residues = Vec::new();
            for (limb, words) in context.split_mut(polynomial) {
                weight_polynomial(plan, weights, limb, input_group, output_group, &mut residues);
                // Not counted: this belongs to no step of any inference.
                limb.plan.fwd(&mut residues);
                words.copy_from_slice(&residues);
            }
        });
        Ok(Self { words })
    }

    /// Whether these may be the weights of a plan.
    pub(super) fn belongs_to(&self, plan: &ConvPlan) -> bool {
        8 * self.words.len() as u64 == plan.prepared_bytes()
    }

    /// One limb of one polynomial.
    pub(super) fn polynomial(&self, plan: &ConvPlan, input_group: usize, output_group: usize, limb: usize) -> &[u64] {
        let place = (output_group * plan.input_groups() + input_group) * plan.limbs + limb;
        &self.words[place * plan.degree..][..plan.degree]
    }
}

/// The weights that a server transforms before all inferences of a model, and shares between them.
#[derive(Default)]
pub struct PreparedWeights(HashMap<LayerId, PreparedLayer>);

impl PreparedWeights {
    /// Transforms the weights of every layer whose plan says so.
    ///
    /// # Errors
    /// Parameters without a transform; weights that do not belong to the network.
    pub fn new(program: &Program, weights: &Weights) -> Result<Self> {
        let Some(he) = program.protocol.linear.coefficient() else { return Ok(Self::default()) };
        let context = HeContext::new(he, Default::default())?;
        let mut layers = HashMap::new();
        for (id, (plan, weights)) in program.plans.iter().zip(&weights.0).enumerate() {
            let (Some(plan), Some(weights)) =
                (plan.as_ref().and_then(LinearPlan::coefficient).filter(|plan| plan.prepared), weights)
            else {
                continue;
            };
            layers.insert(LayerId(id), PreparedLayer::new(&context, plan, &weights.weights)?);
        }
        Ok(Self(layers))
    }

    /// A layer's weights, if they are among them.
    pub fn layer(&self, layer: LayerId) -> Option<&PreparedLayer> {
        self.0.get(&layer)
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        self.0.values().map(|layer| 8 * layer.words.len()).sum()
    }
}
