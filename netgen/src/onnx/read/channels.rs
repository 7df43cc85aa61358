//! Concatenations of channels, and picks of some.

use super::constant::{self, Data};
use super::draft::{Draft, Value};
use super::{Node, Result};
use crate::onnx::channels::{as_groups, as_slice};
use crate::{LayerId, Op};

/// `Concat` of activations along their channels, or of known numbers.
pub(super) fn concat<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&["axis"])?;
    if matches!(draft.value(node, 0)?, Value::Constant(_)) {
        return constant::concat(draft, node);
    }
    let mut inputs: Vec<LayerId> = Vec::with_capacity(node.inputs().len());
    let mut flat = false;
    for index in 0..node.inputs().len() {
        let x = draft.unpadded(node, index)?;
        check_axis(draft, node, index, if x.flat { 2 } else { 4 })?;
        if x.scale.is_some() {
            return Err(node.error("the factors of a batch norm cannot move through it"));
        }
        if x.flat && draft.shape(x.layer).pixels() != 1 || index > 0 && x.flat != flat {
            return Err(
                node.error("flattened inputs are not supported; supported are [batch, channels, height, width]")
            );
        }
        flat = x.flat;
        inputs.push(x.layer);
    }
    let op = Op::Concat { groups: 1, inputs: inputs.len() };
    draft.add(node, op, inputs, None, flat, None)
}

fn check_axis<'a>(draft: &Draft<'a>, node: &Node<'a>, index: usize, rank: i64) -> Result<()> {
    match node.int("axis")? {
        Some(axis) if axis == 1 || axis == 1 - rank => Ok(()),
        axis => {
            let dims = draft.dims(&draft.unpadded(node, index)?);
            Err(node.error(format!(
                "axis = {} of dimensions {dims:?} is not supported; supported is 1, the channels",
                axis.map_or_else(|| "nothing".into(), |axis| axis.to_string())
            )))
        }
    }
}

/// `Gather` of channels by a known list, or from known numbers.
pub(super) fn gather<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&["axis"])?;
    if matches!(draft.value(node, 0)?, Value::Constant(_)) {
        return constant::gather(draft, node);
    }
    let x = draft.unpadded(node, 0)?;
    check_axis(draft, node, 0, if x.flat { 2 } else { 4 })?;
    let own = draft.shape(x.layer).channels;
    let channel = |&index: &i64| {
        let index = if index < 0 { index.checked_add(own as i64) } else { Some(index) };
        index.and_then(|index| usize::try_from(index).ok()).filter(|&index| index < own)
    };
    let picked = match &draft.constant(node, 1)?.data {
        Data::Ints(indices) => indices.iter().map(channel).collect::<Option<Vec<usize>>>(),
        Data::Floats(_) => None,
    };
    let picked = picked.ok_or_else(|| node.error(format!("its indices are not channels from 0 to {}", own - 1)))?;
    pick(draft, node, &picked)
}

/// `Slice` of channels, or of known numbers.
pub(super) fn slice<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&["axes", "ends", "starts"])?;
    let list = |draft: &Draft<'a>, name: &str, index: usize| match node.ints(name)? {
        Some(values) => Ok(values.to_vec()),
        None => draft.known_ints(node, index),
    };
    let (starts, ends) = (list(draft, "starts", 1)?, list(draft, "ends", 2)?);
    let has_axes = node.ints("axes")?.is_some() || node.input(3).is_some();
    let axes = if has_axes { list(draft, "axes", 3)? } else { vec![0] };
    let steps = if node.input(4).is_some() { draft.known_ints(node, 4)? } else { vec![1] };
    let is_constant = matches!(draft.value(node, 0)?, Value::Constant(_));
    let (length, axis) = if is_constant {
        (draft.known_ints(node, 0)?.len(), 0)
    } else {
        let x = draft.unpadded(node, 0)?;
        (draft.shape(x.layer).channels, 1)
    };
    let (&[start], &[end], &[1]) = (starts.as_slice(), ends.as_slice(), steps.as_slice()) else {
        return Err(node
            .error(format!("steps {steps:?} along axes {axes:?} are not supported; supported is step 1 on one axis")));
    };
    if axes != [axis] {
        return Err(node.error(format!("axes {axes:?} are not supported; supported is {axis} here")));
    }
    let bound = |value: i64| {
        if value < 0 { value.saturating_add(length as i64) } else { value }.clamp(0, length as i64) as usize
    };
    let range = bound(start)..bound(end);
    if is_constant {
        let values = draft.known_ints(node, 0)?.get(range).unwrap_or_default().to_vec();
        draft.set(node, Value::Constant(std::rc::Rc::new(constant::Constant::ints(values))));
        return Ok(());
    }
    pick(draft, node, &range.collect::<Vec<_>>())
}

/// A slice; or, right behind a concatenation, its order.
fn pick<'a>(draft: &mut Draft<'a>, node: &Node<'a>, picked: &[usize]) -> Result<()> {
    let x = draft.unpadded(node, 0)?;
    let own = draft.shape(x.layer).channels;
    if x.flat && draft.shape(x.layer).pixels() != 1 {
        return Err(node.error("its input is flattened; supported is picking channels"));
    }
    if x.scale.is_some() {
        return Err(node.error("the factors of a batch norm cannot move through it"));
    }
    if let Some(op) = as_slice(own, picked) {
        return draft.add(node, op, vec![x.layer], None, x.flat, None);
    }
    let parts = draft.layers.get(x.layer.0).filter(|_| !x.shared).and_then(|layer| match layer.op {
        Op::Concat { groups: 1, inputs } => {
            let channels: Vec<usize> = layer.inputs.iter().map(|&input| draft.shape(input).channels).collect();
            Some((inputs, as_groups(&channels, picked)?))
        }
        _ => None,
    });
    let Some((inputs, groups)) = parts else {
        return Err(node.error(
            "these channels are not supported; supported are a range, the same range of equal groups, or groups of \
             concatenated inputs in turn",
        ));
    };
    draft.become_layer(node, x.layer, Op::Concat { groups, inputs });
    draft.alias(node, Value::Activation(x));
    Ok(())
}
