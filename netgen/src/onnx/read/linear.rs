//! Convolutions and fully connected layers.

use std::rc::Rc;

use super::constant::{Constant, Data};
use super::draft::{Activation, Draft};
use super::{Node, Result};
use crate::{Conv, FloatLayer, Op};

/// `Conv`.
pub(super) fn conv<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&["auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"])?;
    let x = draft.activation(node, 0)?;
    let from = draft.shape(x.layer);
    if x.flat {
        return Err(node.error("its input is flattened; expected [batch, channels, height, width]"));
    }
    if let Some(dilations) = node.ints("dilations")?.filter(|dilations| dilations.iter().any(|&dilation| dilation != 1))
    {
        return Err(node.error(format!("dilations = {dilations:?} are not supported; supported are 1 and 1")));
    }
    node.check_int("group", 1)?;
    let (dims, constant) = draft.floats(node, 1)?;
    let &[out_channels, in_channels, rows, columns] = dims.as_slice() else {
        return Err(node.error(format!("its weights have dimensions {dims:?}; expected [out, in, rows, columns]")));
    };
    if in_channels != from.channels {
        return Err(
            node.error(format!("its weights are for {in_channels} channels, but its input has {}", from.channels))
        );
    }
    let kernel = node.square("kernel_shape", &[rows as i64, columns as i64])?;
    if let Some(stated) = node.ints("kernel_shape")?
        && stated != [rows as i64, columns as i64]
    {
        return Err(
            node.error(format!("kernel_shape = {stated:?}, but its weights have {rows} rows and {columns} columns"))
        );
    }
    let stride = node.ints("strides")?.map_or(Ok(1), |strides| node.square("strides", strides))?;
    let padding = padding(node, &x, [from.height, from.width], kernel, stride)?;
    let mut weights = floats(&constant);
    if let Some(scale) = &x.scale {
        let taps = kernel * kernel;
        for (filter, factor) in weights.chunks_mut(taps.max(1)).zip(scale.iter().cycle()) {
            filter.iter_mut().for_each(|weight| *weight = (f64::from(*weight) * factor) as f32);
        }
    }
    let has_bias = node.input(2).is_some();
    let bias = if has_bias { bias(draft, node, out_channels)? } else { vec![0.0; out_channels] };
    let conv = Conv { out_channels, kernel, stride, padding, norm: false, bias: has_bias };
    draft.add(node, Op::Conv(conv), vec![x.layer], Some(FloatLayer { weights, bias }), false, None)
}

/// The zeros on each side: the node's own and those of a `Pad` before it.
fn padding(node: &Node<'_>, x: &Activation, size: [usize; 2], kernel: usize, stride: usize) -> Result<usize> {
    let auto = node.string("auto_pad")?.unwrap_or("NOTSET");
    let own = match auto {
        "NOTSET" | "" => node.ints("pads")?.map_or(Ok([0; 4]), |pads| four(node, pads))?,
        "VALID" => [0; 4],
        "SAME_UPPER" | "SAME_LOWER" => {
            let [top, left, bottom, right] = x.pads;
            let padded = |size: usize, before: usize, after: usize| size.saturating_add(before).saturating_add(after);
            let size = [padded(size[0], top, bottom), padded(size[1], left, right)];
            same(node, size, kernel, stride, auto == "SAME_UPPER")?
        }
        _ => return Err(node.error(format!("auto_pad = {auto} is not known"))),
    };
    let mut total = [0; 4];
    for (sum, (own, before)) in total.iter_mut().zip(own.into_iter().zip(x.pads)) {
        *sum = usize::checked_add(own, before).ok_or_else(|| node.error("its padding is absurd"))?;
    }
    match total {
        [top, left, bottom, right] if top == left && top == bottom && top == right => Ok(top),
        _ => Err(node.error(format!(
            "padding by {total:?} (above, left, below, right) is not supported; supported is the same on all four sides"
        ))),
    }
}

/// Padding so that windows `stride` apart give one output per `stride` inputs, rounded up.
fn same(node: &Node<'_>, size: [usize; 2], kernel: usize, stride: usize, upper: bool) -> Result<[usize; 4]> {
    if stride == 0 {
        return Err(node.error("a stride of 0 is not possible"));
    }
    let [(top, bottom), (left, right)] = size.map(|size| {
        let total = ((size.div_ceil(stride).saturating_sub(1)).saturating_mul(stride).saturating_add(kernel))
            .saturating_sub(size);
        let (less, more) = (total / 2, total - total / 2);
        if upper { (less, more) } else { (more, less) }
    });
    Ok([top, left, bottom, right])
}

/// Pads as ONNX lists them: above, left, below, right.
pub(super) fn four(node: &Node<'_>, pads: &[i64]) -> Result<[usize; 4]> {
    let positive: Option<Vec<usize>> = pads.iter().map(|&pad| usize::try_from(pad).ok()).collect();
    positive.and_then(|pads| <[usize; 4]>::try_from(pads).ok()).ok_or_else(|| {
        node.error(format!("pads = {pads:?} are not supported; supported are four numbers that are not negative"))
    })
}

/// `Gemm`: alpha · A · B + beta · C with known B and C.
pub(super) fn gemm<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&["alpha", "beta", "broadcast", "transA", "transB"])?;
    node.check_int("transA", 0)?;
    let alpha = node.float("alpha")?.unwrap_or(1.0);
    let beta = node.float("beta")?.unwrap_or(1.0);
    let transposed = node.int("transB")?.unwrap_or(0) != 0;
    let (mut weights, outputs) = matrix(draft, node, transposed)?;
    if alpha != 1.0 {
        weights.iter_mut().for_each(|weight| *weight *= alpha);
    }
    let mut bias = if node.input(2).is_some() { bias(draft, node, outputs)? } else { vec![0.0; outputs] };
    if beta != 1.0 {
        bias.iter_mut().for_each(|bias| *bias *= beta);
    }
    fully_connected(draft, node, weights, bias)
}

/// `MatMul` with a known matrix; an `Add` behind it becomes the bias.
pub(super) fn matmul<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&[])?;
    let (weights, outputs) = matrix(draft, node, false)?;
    fully_connected(draft, node, weights, vec![0.0; outputs])
}

/// The second input as rows `[out][in]`, and the number of rows.
fn matrix<'a>(draft: &mut Draft<'a>, node: &Node<'a>, transposed: bool) -> Result<(Vec<f32>, usize)> {
    let x = draft.unpadded(node, 0)?;
    let features = draft.shape(x.layer).len();
    if !x.flat {
        let dims = draft.dims(&x);
        return Err(
            node.error(format!("its input has dimensions {dims:?}; supported is [batch, features], so flatten it"))
        );
    }
    let (dims, constant) = draft.floats(node, 1)?;
    let &[first, second] = dims.as_slice() else {
        return Err(node.error(format!("its weights have dimensions {dims:?}; expected two")));
    };
    let (inputs, outputs) = if transposed { (second, first) } else { (first, second) };
    if inputs != features {
        return Err(node.error(format!("its weights are for {inputs} features, but its input has {features}")));
    }
    let values = floats(&constant);
    if transposed {
        return Ok((values, outputs));
    }
    let row = |output: usize| values.iter().skip(output).step_by(outputs.max(1)).copied();
    Ok(((0..outputs).flat_map(row).collect(), outputs))
}

fn fully_connected<'a>(draft: &mut Draft<'a>, node: &Node<'a>, mut weights: Vec<f32>, bias: Vec<f32>) -> Result<()> {
    let x = draft.unpadded(node, 0)?;
    let from = draft.shape(x.layer);
    if let Some(scale) = &x.scale {
        // Features are channels with their pixels, channel by channel.
        for (map, factor) in weights.chunks_mut(from.pixels().max(1)).zip(scale.iter().cycle()) {
            map.iter_mut().for_each(|weight| *weight = (f64::from(*weight) * factor) as f32);
        }
    }
    let op = Op::Linear { out_features: bias.len() };
    draft.add(node, op, vec![x.layer], Some(FloatLayer { weights, bias }), true, None)
}

/// The third input: one number per output, or one for all.
fn bias<'a>(draft: &mut Draft<'a>, node: &Node<'a>, outputs: usize) -> Result<Vec<f32>> {
    let (dims, constant) = draft.floats(node, 2)?;
    match floats(&constant).as_slice() {
        &[single] => Ok(vec![single; outputs]),
        values if values.len() == outputs && dims.last() == Some(&outputs) => Ok(values.to_vec()),
        _ => Err(node.error(format!("its bias has dimensions {dims:?}; expected {outputs} numbers"))),
    }
}

/// The numbers of a constant that has floats.
pub(super) fn floats(constant: &Rc<Constant>) -> Vec<f32> {
    match &constant.data {
        Data::Floats(values) => values.clone(),
        Data::Ints(_) => Vec::new(),
    }
}
