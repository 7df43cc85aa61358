//! Operators that only change how a value is laid out, or nothing at all.

use super::constant::Data;
use super::draft::{Activation, Draft, Value};
use super::{Node, Result};

/// `Identity`.
pub(super) fn identity<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&[])?;
    let value = draft.value(node, 0)?;
    draft.alias(node, value);
    Ok(())
}

/// `Dropout`, which does nothing at inference.
pub(super) fn dropout<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&["ratio", "seed", "is_test"])?;
    if node.input(2).is_some() && draft.known_ints(node, 2)?.iter().any(|&training| training != 0) {
        return Err(node.error("training_mode = true is not supported; export the network for inference"));
    }
    let value = draft.value(node, 0)?;
    draft.alias(node, value);
    Ok(())
}

/// `Flatten` of all but the batch.
pub(super) fn flatten<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&["axis"])?;
    let x = draft.unpadded(node, 0)?;
    let rank = if x.flat { 2 } else { 4 };
    let axis = node.int("axis")?.unwrap_or(1);
    if axis != 1 && axis != 1 - rank {
        return Err(node.error(format!("axis = {axis} is not supported; supported is 1")));
    }
    draft.alias(node, Value::Activation(Activation { flat: true, ..x }));
    Ok(())
}

/// `Reshape` to `[batch, features]`, or back to the value's own channels, rows and columns.
pub(super) fn reshape<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&["allowzero"])?;
    if let Value::Constant(constant) = draft.value(node, 0)? {
        // Shapes: lists of numbers stay lists, whatever they are called.
        let dims = draft.known_ints(node, 1)?;
        if matches!(constant.data, Data::Ints(_)) && dims.len() <= 1 {
            draft.alias(node, Value::Constant(constant));
            return Ok(());
        }
        return Err(node.error("reshaping a constant is not supported; fold it when the network is exported"));
    }
    let x = draft.unpadded(node, 0)?;
    let target = draft.known_ints(node, 1)?;
    let current = draft.dims(&x);
    let elements: i64 = current.iter().product();
    let mut wanted = target.clone();
    if node.int("allowzero")?.unwrap_or(0) == 0 {
        for (dim, own) in wanted.iter_mut().zip(&current).filter(|(dim, _)| **dim == 0) {
            *dim = *own;
        }
    }
    // A batch of one is -1 where the rest is known, and one where it is not.
    let known = wanted.iter().filter(|&&dim| dim != -1).try_fold(1i64, |product, &dim| product.checked_mul(dim));
    let rest = known.and_then(|known| elements.checked_rem(known).filter(|rest| *rest == 0).map(|_| elements / known));
    for dim in wanted.iter_mut().filter(|dim| **dim == -1) {
        *dim = rest.unwrap_or(-1);
    }
    let shape = draft.shape(x.layer);
    let own = [1, shape.channels as i64, shape.height as i64, shape.width as i64];
    let flat = match wanted.as_slice() {
        [1, features] if *features == elements => true,
        dims if dims == own => false,
        _ => {
            return Err(node.error(format!(
                "reshaping {current:?} to {target:?} is not supported; supported is flattening to [batch, {elements}]"
            )));
        }
    };
    draft.alias(node, Value::Activation(Activation { flat, ..x }));
    Ok(())
}

/// `Squeeze` of rows and columns behind a global pool.
pub(super) fn squeeze<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&["axes"])?;
    let axes = axes(draft, node)?;
    if let Value::Constant(constant) = draft.value(node, 0)? {
        draft.alias(node, Value::Constant(constant));
        return Ok(());
    }
    let x = draft.unpadded(node, 0)?;
    let positive: Vec<i64> = axes.iter().map(|&axis| if axis < 0 { axis.saturating_add(4) } else { axis }).collect();
    if x.flat || draft.shape(x.layer).pixels() != 1 || !matches!(positive.as_slice(), [2, 3] | [3, 2]) {
        let dims = draft.dims(&x);
        return Err(node.error(format!(
            "axes {axes:?} of {dims:?} are not supported; supported are 2 and 3 where both have size 1"
        )));
    }
    draft.alias(node, Value::Activation(Activation { flat: true, ..x }));
    Ok(())
}

/// `Unsqueeze` of known numbers, or of features into channels of one pixel.
pub(super) fn unsqueeze<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&["axes"])?;
    let axes = axes(draft, node)?;
    if let Value::Constant(constant) = draft.value(node, 0)? {
        let Data::Ints(values) = &constant.data else {
            return Err(
                node.error("unsqueezing constant floats is not supported; fold it when the network is exported")
            );
        };
        let constant = super::constant::Constant::ints(values.clone());
        draft.alias(node, Value::Constant(std::rc::Rc::new(constant)));
        return Ok(());
    }
    let x = draft.unpadded(node, 0)?;
    if !x.flat
        || draft.shape(x.layer).pixels() != 1
        || !matches!(axes.as_slice(), [2, 3] | [3, 2] | [-1, -2] | [-2, -1])
    {
        return Err(node.error(format!("axes {axes:?} are not supported; supported are 2 and 3, behind features")));
    }
    draft.alias(node, Value::Activation(Activation { flat: false, ..x }));
    Ok(())
}

/// Axes as an attribute (to version 12) or as the second input.
fn axes<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<Vec<i64>> {
    match node.ints("axes")? {
        Some(axes) => Ok(axes.to_vec()),
        None if node.input(1).is_some() => draft.known_ints(node, 1),
        None => Ok(Vec::new()),
    }
}

/// `Pad` with zeros around rows and columns; the convolution behind it takes it over.
pub(super) fn pad<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&["mode", "pads", "value"])?;
    let mode = node.string("mode")?.unwrap_or("constant");
    if !matches!(mode, "constant" | "") {
        return Err(node.error(format!("mode = {mode} is not supported; supported is constant")));
    }
    let value = match node.float("value")? {
        Some(value) => value,
        None if node.input(2).is_some() => match draft.floats(node, 2)?.1.data {
            Data::Floats(ref values) => values.first().copied().unwrap_or(0.0),
            Data::Ints(_) => 0.0,
        },
        None => 0.0,
    };
    let pads = match node.ints("pads")? {
        Some(pads) => pads.to_vec(),
        None => draft.known_ints(node, 1)?,
    };
    let axes = if node.input(3).is_some() { draft.known_ints(node, 3)? } else { vec![0, 1, 2, 3] };
    let mut x = draft.activation(node, 0)?;
    let supported = "supported are zeros around the rows and columns of [batch, channels, height, width]";
    if value != 0.0 || x.flat || pads.len() != 2 * axes.len() {
        return Err(node.error(format!("pads = {pads:?} with value {value} are not supported; {supported}")));
    }
    for (position, pad) in pads.iter().enumerate() {
        let axis = axes.get(position % axes.len()).map(|&axis| if axis < 0 { axis.saturating_add(4) } else { axis });
        let end = position / axes.len();
        let slot = match (axis, end) {
            (Some(2), 0) => x.pads.get_mut(0),
            (Some(3), 0) => x.pads.get_mut(1),
            (Some(2), _) => x.pads.get_mut(2),
            (Some(3), _) => x.pads.get_mut(3),
            _ => None,
        };
        let sum = slot.as_ref().and_then(|slot| usize::try_from(*pad).ok()?.checked_add(**slot));
        match (slot, sum) {
            (Some(slot), Some(sum)) => *slot = sum,
            (None, _) if *pad == 0 => {}
            _ => return Err(node.error(format!("pads = {pads:?} are not supported; {supported}"))),
        }
    }
    draft.alias(node, Value::Activation(x));
    Ok(())
}
