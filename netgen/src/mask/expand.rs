//! How a fixed-point plan treats masked activations: they become selections, plain activations on what was selected, and a merge.
//!
//! A ReLU layer also rescales, so its linear elements must be rescaled too, exactly, and that takes a circuit of its own
//! ([`Op::Rescale`]) unless the layer's shift is zero. The planner therefore lets a masked layer keep its input's fraction bits
//! (it *postpones* the rescale to a later layer, whose shift grows) where the ring has room: then linear elements need nothing.
//! Elements that are known to be zero never need anything.

use std::collections::HashSet;

use crate::fixed::Planner;
use crate::{Cell, FixedNetwork, Layer, LayerId, LayerMask, Network, NetworkError, Op};

/// The layers of `network` that `plan` should be told to postpone: greedily from the input to the output, every masked layer
/// whose postponed rescale leaves fewer elements to be rescaled in the whole network.
pub(crate) fn postpone(
    network: &Network,
    plan: impl Fn(&HashSet<LayerId>) -> Result<FixedNetwork, NetworkError>,
) -> Result<FixedNetwork, NetworkError> {
    let mut postponed = HashSet::new();
    let mut best = plan(&postponed);
    for (id, layer) in network.iter() {
        if layer.mask.as_ref().is_none_or(|mask| mask.count(Cell::Linear) == 0) {
            continue;
        }
        postponed.insert(id);
        match plan(&postponed) {
            Ok(other) if best.as_ref().is_ok_and(|best| rescaled(&other) < rescaled(best)) => best = Ok(other),
            _ => {
                postponed.remove(&id);
            }
        }
    }
    best
}

/// Elements that a plan rescales without a ReLU.
fn rescaled(plan: &FixedNetwork) -> usize {
    plan.network.layers.iter().filter(|layer| layer.op == Op::Rescale).map(|layer| layer.output.len()).sum()
}

impl Planner {
    /// A masked activation on `input`; returns the layer with the output. If `keeps` holds, the output has the input's
    /// fraction bits.
    pub(crate) fn masked_activation(
        &mut self,
        layer: &Layer,
        mask: &LayerMask,
        input: LayerId,
        keeps: bool,
    ) -> Result<LayerId, NetworkError> {
        let mask = self.known_zeros(mask, input);
        let name = |part: &str| format!("{}.{part}", layer.name);
        let fraction = if keeps { self.fraction_of(input) } else { self.format.fraction_bits };
        let mut parts = Vec::new();
        if mask.count(Cell::Kept) > 0 {
            let select = Op::Select { cell: Cell::Kept };
            let selected = self.add_masked(name("kept"), select, &[input], Some(mask.clone()))?;
            parts.push(self.add_with_fraction(layer.name.clone(), layer.op, selected, fraction)?);
        }
        if mask.count(Cell::Linear) > 0 {
            let select = Op::Select { cell: Cell::Linear };
            let mut linear = self.add_masked(name("linear"), select, &[input], Some(mask.clone()))?;
            if fraction != self.fraction_of(input) {
                linear = self.add_with_fraction(name("rescale"), Op::Rescale, linear, fraction)?;
            }
            parts.push(linear);
        }
        let merged = self.add_masked(name("merge"), Op::Merge { sources: parts.len() }, &parts, Some(mask))?;
        if keeps {
            self.relax(merged);
        }
        Ok(merged)
    }

    /// A rescale of `input` that leaves out the elements that are known to be zero.
    pub(crate) fn rescale_nonzeros(&mut self, name: String, input: LayerId) -> Result<LayerId, NetworkError> {
        let Some(mask) = self.zeros_of(input) else {
            return self.add_masked(name, Op::Rescale, &[input], None);
        };
        let (select, merge) = (Op::Select { cell: Cell::Kept }, Op::Merge { sources: 1 });
        let selected = self.add_masked(format!("{name}.kept"), select, &[input], Some(mask.clone()))?;
        let rescaled = self.add_masked(name.clone(), Op::Rescale, &[selected], None)?;
        self.add_masked(format!("{name}.merge"), merge, &[rescaled], Some(mask))
    }

    /// The mask with linear elements that are known to be zero made zero: the identity of zero.
    fn known_zeros(&self, mask: &LayerMask, input: LayerId) -> LayerMask {
        let zeros = self.zeros_of(input).filter(|_| mask.count(Cell::Linear) > 0);
        let Some(zeros) = zeros else { return mask.clone() };
        let cells = mask.cells().iter().zip(zeros.cells());
        let mut cells =
            cells.map(|(&cell, &zero)| if (cell, zero) == (Cell::Linear, Cell::Zero) { zero } else { cell });
        LayerMask::from_fn(mask.shape(), |_| cells.next().unwrap_or(Cell::Zero))
    }
}

/// The elements of a new layer that are zero whatever the input is, as the zero cells of a mask; none if there are none.
pub(crate) fn zeros_after(op: Op, mask: Option<&LayerMask>, inputs: &[Option<LayerMask>]) -> Option<LayerMask> {
    match (op, inputs) {
        (Op::Conv(_) | Op::Merge { .. }, _) => mask.and_then(|mask| mask.common_zeros(mask)),
        // An activation of zero is zero, but one that is not masked still counts and runs for every element.
        (op, [Some(zeros)]) if op.is_activation() || op == Op::Rescale => Some(zeros.clone()),
        (Op::Add, [Some(left), Some(right)]) if left.same(right) => Some(left.clone()),
        (Op::Add, [Some(left), Some(right)]) => left.common_zeros(right),
        _ => None,
    }
}
