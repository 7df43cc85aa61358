//! Masks: an activation that passes some elements on as they are, and values of which some elements are always zero.

use std::rc::Rc;

use super::constant::{Constant, Data};
use super::draft::{Activation, Draft, Value};
use super::{Node, Result};
use crate::{Cell, LayerMask, Op};

/// `Where` with a known condition that chooses, element by element, between an activation and what it was computed from.
pub(super) fn choose<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&[])?;
    let unlike = "supported is a known choice between an activation and its own input";
    let (first, second) = (draft.unpadded(node, 1)?, draft.unpadded(node, 2)?);
    let computed_from = |value: &Activation, other: &Activation| {
        let layer = draft.layers.get(value.layer.0);
        layer.is_some_and(|layer| layer.op.is_activation() && layer.inputs == [other.layer]) && !value.shared
    };
    let (active, when) = match (computed_from(&first, &second), computed_from(&second, &first)) {
        (true, _) => (first, true),
        (_, true) => (second, false),
        _ => return Err(node.error(unlike)),
    };
    if active.scale.is_some() {
        return Err(node.error("the factors of a batch norm cannot move through it"));
    }
    let condition = draft.constant(node, 0)?;
    let Data::Ints(chosen) = &condition.data else {
        return Err(node.error("its condition has floats; expected bool"));
    };
    if !is_whole(draft, &active, &condition) {
        return Err(node.error(format!(
            "a condition of dimensions {:?}; expected one element for each of the value",
            condition.dims
        )));
    }
    let cell = |index: usize| {
        let kept = chosen.get(index).is_some_and(|&chosen| (chosen != 0) == when);
        if kept { Cell::Kept } else { Cell::Linear }
    };
    let mask = LayerMask::from_fn(draft.shape(active.layer), cell);
    set(draft, node, active, mask)
}

/// `Mul` of a convolution or an activation with a known zero or one for each element. No, and nothing done, if it is another
/// product.
pub(super) fn silence<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<bool> {
    let (x, known) = match (draft.value(node, 0)?, draft.value(node, 1)?) {
        (Value::Activation(x), Value::Constant(known)) | (Value::Constant(known), Value::Activation(x)) => (x, known),
        _ => return Ok(false),
    };
    let Data::Floats(factors) = &known.data else { return Ok(false) };
    let Some(layer) = draft.layers.get(x.layer.0) else { return Ok(false) };
    let maskable = layer.op.is_activation() || matches!(layer.op, Op::Conv(_));
    let silences = factors.contains(&0.0) && factors.iter().all(|&factor| factor == 0.0 || factor == 1.0);
    let plain = x.scale.is_none() && x.pads == [0; 4] && !x.shared;
    if !(maskable && silences && plain && is_whole(draft, &x, &known)) {
        return Ok(false);
    }
    let before = layer.mask.clone();
    let cell = |index: usize| match factors.get(index) {
        Some(&factor) if factor != 0.0 => {
            before.as_ref().and_then(|mask| mask.cells().get(index)).copied().unwrap_or(Cell::Kept)
        }
        _ => Cell::Zero,
    };
    let mask = LayerMask::from_fn(draft.shape(x.layer), cell);
    set(draft, node, x, mask)?;
    Ok(true)
}

/// Whether a constant has one element for each element of a value.
fn is_whole(draft: &Draft<'_>, x: &Activation, constant: &Rc<Constant>) -> bool {
    let dims: Vec<usize> = draft.dims(x).into_iter().filter_map(|dim| usize::try_from(dim).ok()).collect();
    let batch = dims.len().saturating_sub(constant.dims.len());
    // The batch may be left out.
    batch <= 1 && dims.get(batch..) == Some(constant.dims.as_slice())
}

fn set<'a>(draft: &mut Draft<'a>, node: &Node<'a>, x: Activation, mask: LayerMask) -> Result<()> {
    let shared = draft.graph().is_shared(node.output());
    draft.mask(x.layer, mask);
    draft.set(node, Value::Activation(Activation { shared, ..x }));
    Ok(())
}
