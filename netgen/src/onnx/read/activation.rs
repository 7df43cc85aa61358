//! Activations.

use super::affine::per_channel;
use super::constant::Data;
use super::draft::Draft;
use super::{Node, Result};
use crate::onnx::OnnxError;
use crate::{FloatLayer, Op, Slope};

/// Most binary digits of a slope that an operation can have.
const SLOPE_BITS: u32 = 16;

/// The largest bound of a clipped ReLU that single precision holds exactly.
const LARGEST_CLAMP: f32 = 16_777_216.0;

/// `Relu`.
pub(super) fn relu<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&[])?;
    let x = draft.unpadded(node, 0)?;
    draft.add(node, Op::Relu, vec![x.layer], None, x.flat, x.scale)
}

/// `Clip` from 0 on: a ReLU, or one with a largest result such as ReLU6.
pub(super) fn clip<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&["min", "max"])?;
    let least = bound(draft, node, "min", 1, f32::NEG_INFINITY)?;
    let most = bound(draft, node, "max", 2, f32::INFINITY)?;
    let x = draft.unpadded(node, 0)?;
    if x.scale.is_some() {
        return Err(node.error("the factors of a batch norm cannot move through it"));
    }
    // Exporters write the largest float where there is no bound.
    let op = if most >= f32::MAX {
        Op::Relu
    } else if most >= 1.0 && most.fract() == 0.0 && most <= LARGEST_CLAMP {
        Op::ClampedRelu { max: most as u32 }
    } else {
        return Err(not_supported(node, least, most));
    };
    if least != 0.0 {
        return Err(not_supported(node, least, most));
    }
    draft.add(node, op, vec![x.layer], None, x.flat, None)
}

fn not_supported(node: &Node<'_>, least: f32, most: f32) -> OnnxError {
    node.error(format!(
        "clipping to {least} … {most} is not supported; supported is 0 … a whole number, or no upper bound"
    ))
}

/// `LeakyRelu`, its slope rounded to 16 binary digits.
pub(super) fn leaky_relu<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&["alpha"])?;
    let alpha = node.float("alpha")?.unwrap_or(0.01);
    let slope = Slope::nearest(alpha.into(), SLOPE_BITS).map_err(|error| node.error(error.to_string()))?;
    let x = draft.unpadded(node, 0)?;
    draft.add(node, Op::LeakyRelu { slope }, vec![x.layer], None, x.flat, x.scale)
}

/// `PRelu` with known slopes.
pub(super) fn prelu<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&[])?;
    let x = draft.unpadded(node, 0)?;
    let weights = per_channel(draft, node, &x, 1)?.into_iter().map(|slope| slope as f32).collect();
    if x.flat && draft.shape(x.layer).pixels() != 1 {
        return Err(node.error("its input is flattened; supported is one slope per channel"));
    }
    let own = FloatLayer { weights, bias: Vec::new() };
    draft.add(node, Op::PRelu, vec![x.layer], Some(own), x.flat, x.scale)
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
