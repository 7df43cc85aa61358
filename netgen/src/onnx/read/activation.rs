//! Activations.

use super::constant::Data;
use super::draft::Draft;
use super::{Node, Result};
use crate::Op;

/// `Relu`.
pub(super) fn relu<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&[])?;
    let x = draft.unpadded(node, 0)?;
    draft.add(node, Op::Relu, vec![x.layer], None, x.flat, x.scale)
}

/// `Clip` from 0 on.
pub(super) fn clip<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&["min", "max"])?;
    let least = bound(draft, node, "min", 1, f32::NEG_INFINITY)?;
    let most = bound(draft, node, "max", 2, f32::INFINITY)?;
    // Exporters write the largest float where there is no bound.
    if least != 0.0 || most < f32::MAX {
        return Err(
            node.error(format!("clipping to {least} … {most} is not supported; supported is 0 … without a bound"))
        );
    }
    let x = draft.unpadded(node, 0)?;
    if x.scale.is_some() {
        return Err(node.error("the factors of a batch norm cannot move through it"));
    }
    draft.add(node, Op::Relu, vec![x.layer], None, x.flat, None)
}

/// A bound as an attribute (to version 10) or as an input.
fn bound<'a>(draft: &mut Draft<'a>, node: &Node<'a>, name: &str, index: usize, none: f32) -> Result<f32> {
    if let Some(value) = node.float(name)? {
        return Ok(value);
    }
    if node.input(index).is_none() {
        return Ok(none);
    }
    match &draft.floats(node, index)?.1.data {
        Data::Floats(values) if values.len() == 1 => Ok(values.first().copied().unwrap_or(none)),
        _ => Err(node.error(format!("its {name} is not one number"))),
    }
}
