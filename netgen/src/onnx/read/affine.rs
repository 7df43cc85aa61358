//! Operations that give each channel a factor and a constant: batch norms, and sums and products with constants.
//!
//! Where only a convolution (or fully connected layer) computes the value, both go into that layer. Otherwise (in
//! pre-activation networks, behind a sum) the constant becomes a channel bias, and the factor moves on through ReLUs and
//! pools into the layers that read the value: s · x + t = s · (x + t/s). Where that is impossible, because a factor is not
//! positive or some reader is no convolution, the operation becomes a 1x1 convolution of its own, with a note.

use std::rc::Rc;

use super::constant::Data;
use super::draft::{Activation, Draft, Value};
use super::linear::floats;
use super::{Node, Result, mask};
use crate::{Conv, FloatLayer, Op};

/// Operators through which a positive factor per channel may move.
const TRANSPARENT: &[&str] = &[
    "AveragePool",
    "Dropout",
    "Flatten",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "Identity",
    "LeakyRelu",
    "MaxPool",
    "PRelu",
    "Pad",
    "ReduceMean",
    "Relu",
    "Reshape",
    "Squeeze",
    "Unsqueeze",
];

/// Operators that take a factor of their first input into their weights.
const ABSORBING: &[&str] = &["Conv", "Gemm", "MatMul"];

/// Largest |t/s| for which a channel bias is used: beyond, the factor is as good as zero.
const LARGEST_BIAS: f64 = 1024.0;

/// Most channels of an operation that becomes a 1x1 convolution, whose weights grow with their square.
const MOST_CHANNELS: usize = 4096;

struct Affine {
    scale: Vec<f64>,
    shift: Vec<f64>,
    /// A batch norm, which counts two parameters per channel.
    norm: bool,
}

/// `BatchNormalization` with the statistics of training.
pub(super) fn batch_norm<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&["epsilon", "momentum", "training_mode", "spatial", "is_test"])?;
    node.check_int("spatial", 1)?;
    if node.int("training_mode")?.unwrap_or(0) != 0 {
        return Err(node.error("training_mode = 1 is not supported; export the network for inference"));
    }
    let x = draft.unpadded(node, 0)?;
    let channels = draft.shape(x.layer).channels;
    let epsilon = f64::from(node.float("epsilon")?.unwrap_or(1e-5));
    let mut statistics = Vec::with_capacity(4);
    for (index, what) in [(1, "scale"), (2, "bias"), (3, "mean"), (4, "variance")] {
        let (_, constant) = draft.floats(node, index)?;
        let values = floats(&constant);
        if values.len() != channels {
            return Err(
                node.error(format!("its {what} has {} numbers, but its input has {channels} channels", values.len()))
            );
        }
        statistics.push(values);
    }
    let [gamma, beta, mean, variance] = statistics.as_slice() else {
        return Err(node.error("it has no statistics"));
    };
    let (mut scale, mut shift) = (Vec::with_capacity(channels), Vec::with_capacity(channels));
    for (((&gamma, &beta), &mean), &variance) in gamma.iter().zip(beta).zip(mean).zip(variance) {
        let deviation = (f64::from(variance) + epsilon).sqrt();
        if !deviation.is_finite() || deviation <= 0.0 {
            return Err(node.error(format!("a variance of {variance} with epsilon = {epsilon} is not possible")));
        }
        let factor = f64::from(gamma) / deviation;
        scale.push(factor);
        shift.push(f64::from(beta) - f64::from(mean) * factor);
    }
    apply(draft, node, x, Affine { scale, shift, norm: true })
}

/// `Add` of two activations, or of an activation and a constant.
pub(super) fn add<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&["axis", "broadcast"])?;
    if let (Value::Activation(_), Value::Activation(_)) = (draft.value(node, 0)?, draft.value(node, 1)?) {
        return sum(draft, node);
    }
    let (x, values) = with_constant(draft, node)?;
    let scale = vec![1.0; values.len()];
    apply(draft, node, x, Affine { scale, shift: values, norm: false })
}

fn sum<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    let (left, right) = (draft.unpadded(node, 0)?, draft.unpadded(node, 1)?);
    if draft.dims(&left) != draft.dims(&right) {
        let (left, right) = (draft.dims(&left), draft.dims(&right));
        return Err(node.error(format!("cannot add dimensions {left:?} and {right:?}")));
    }
    if left.scale.is_some() || right.scale.is_some() {
        return Err(node.error("the factors of a batch norm cannot move through a sum"));
    }
    draft.add(node, Op::Add, vec![left.layer, right.layer], None, left.flat, None)
}

/// `Sub` with a constant on either side.
pub(super) fn sub<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&["axis", "broadcast"])?;
    let constant_first = matches!(draft.value(node, 0)?, Value::Constant(_));
    let (x, values) = with_constant(draft, node)?;
    let sign = if constant_first { -1.0 } else { 1.0 };
    let scale = vec![sign; values.len()];
    let shift = values.iter().map(|value| -sign * value).collect();
    apply(draft, node, x, Affine { scale, shift, norm: false })
}

/// `Mul` with a constant: factors, or a mask of what is not zero.
pub(super) fn mul<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&["axis", "broadcast"])?;
    if mask::silence(draft, node)? {
        return Ok(());
    }
    let (x, scale) = with_constant(draft, node)?;
    let shift = vec![0.0; scale.len()];
    apply(draft, node, x, Affine { scale, shift, norm: false })
}

/// `Div` by a constant.
pub(super) fn div<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&["axis", "broadcast"])?;
    draft.constant(node, 1)?;
    let (x, values) = with_constant(draft, node)?;
    if values.contains(&0.0) {
        return Err(node.error("it divides by 0"));
    }
    let shift = vec![0.0; values.len()];
    apply(draft, node, x, Affine { scale: values.iter().map(|value| 1.0 / value).collect(), shift, norm: false })
}

/// The activation and the constant of a node that has one of each, the constant as one number per channel.
fn with_constant<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<(Activation, Vec<f64>)> {
    let (x, at) = match (draft.value(node, 0)?, draft.value(node, 1)?) {
        (Value::Activation(_), Value::Constant(_)) => (draft.unpadded(node, 0)?, 1),
        (Value::Constant(_), Value::Activation(_)) => (draft.unpadded(node, 1)?, 0),
        (Value::Constant(_), Value::Constant(_)) => {
            return Err(node.error("both inputs are constants; fold them when the network is exported"));
        }
        (Value::Activation(_), Value::Activation(_)) => {
            return Err(node.error("two computed inputs are not supported; supported are one of them and a constant"));
        }
    };
    let values = per_channel(draft, node, &x, at)?;
    Ok((x, values))
}

/// A constant input as one number for each channel of `x`.
pub(super) fn per_channel<'a>(draft: &Draft<'a>, node: &Node<'a>, x: &Activation, at: usize) -> Result<Vec<f64>> {
    let (dims, constant) = draft.floats(node, at)?;
    let shape = draft.shape(x.layer);
    let wrong = || {
        node.error(format!(
            "a constant of dimensions {dims:?} is not supported here; supported are one number, or one for each of the {} \
             channels",
            shape.channels
        ))
    };
    let Data::Floats(values) = &constant.data else { return Err(wrong()) };
    if let &[single] = values.as_slice() {
        return Ok(vec![single.into(); shape.channels]);
    }
    // Dimensions are aligned at their ends: behind the channels there are rows and columns, unless the value is flat.
    let behind = if x.flat { 0 } else { 2 };
    let one_per_channel = dims.iter().rev().take(behind).all(|&dim| dim == 1)
        && dims.iter().rev().nth(behind) == Some(&shape.channels)
        && values.len() == shape.channels
        && dims.len() <= behind + 2
        && (!x.flat || shape.pixels() == 1);
    if !one_per_channel {
        return Err(wrong());
    }
    Ok(values.iter().map(|&value| value.into()).collect())
}

fn apply<'a>(draft: &mut Draft<'a>, node: &Node<'a>, x: Activation, affine: Affine) -> Result<()> {
    let shape = draft.shape(x.layer);
    if x.flat && shape.pixels() != 1 && affine.norm {
        return Err(node.error("its input is flattened; supported is one number per channel"));
    }
    if let Some(bad) = affine.scale.iter().chain(&affine.shift).find(|value| !value.is_finite()) {
        return Err(node.error(format!("it would multiply or add {bad}")));
    }
    let named = draft.graph().names_layer(node);
    if !named && !x.shared && x.scale.is_none() && fold(draft, &x, &affine) {
        let shared = draft.graph().is_shared(node.output());
        draft.set(node, Value::Activation(Activation { shared, ..x }));
        return Ok(());
    }
    let before = x.scale.clone();
    let factor = |channel: usize| before.as_ref().and_then(|scale| scale.get(channel)).copied().unwrap_or(1.0);
    let scale: Vec<f64> = affine.scale.iter().enumerate().map(|(channel, scale)| scale * factor(channel)).collect();
    let is_one = |value: &f64| *value as f32 == 1.0;
    if scale.iter().all(is_one) {
        return shifted(draft, node, &x, affine.shift, affine.norm, None, named);
    }
    let moved: Vec<f64> = affine.shift.iter().zip(&scale).map(|(shift, scale)| shift / scale).collect();
    let harmless = scale.iter().all(|&scale| scale > 0.0) && moved.iter().all(|shift| shift.abs() <= LARGEST_BIAS);
    if harmless && is_absorbed(draft, node.output()) {
        return shifted(draft, node, &x, moved, affine.norm, Some(Rc::new(scale)), named);
    }
    diagonal(draft, node, &x, &scale, affine)
}

/// Folds into the layer that computes the value, if that has weights.
fn fold(draft: &mut Draft<'_>, x: &Activation, affine: &Affine) -> bool {
    let shape = draft.shape(x.layer);
    let Some(layer) = draft.layers.get_mut(x.layer.0) else { return false };
    let Some(own) = layer.weights.as_mut() else { return false };
    // What is added would be added to silenced pixels, too.
    if layer.mask.is_some() {
        return false;
    }
    match &mut layer.op {
        Op::Conv(conv) => {
            conv.norm |= affine.norm;
            conv.bias |= !affine.norm && affine.shift.iter().any(|&shift| shift != 0.0);
        }
        Op::Linear { .. } => {}
        _ => return false,
    }
    let per_channel = own.weights.len() / shape.channels.max(1);
    let rows = own.weights.chunks_mut(per_channel.max(1));
    for ((row, bias), (scale, shift)) in rows.zip(&mut own.bias).zip(affine.scale.iter().zip(&affine.shift)) {
        row.iter_mut().for_each(|weight| *weight = (f64::from(*weight) * scale) as f32);
        *bias = (f64::from(*bias) * scale + shift) as f32;
    }
    true
}

/// A channel bias, left out if it adds nothing and nobody named it.
fn shifted<'a>(
    draft: &mut Draft<'a>,
    node: &Node<'a>,
    x: &Activation,
    shift: Vec<f64>,
    norm: bool,
    scale: Option<Rc<Vec<f64>>>,
    named: bool,
) -> Result<()> {
    if !named && shift.iter().all(|&shift| shift == 0.0) {
        draft.alias(node, Value::Activation(Activation { scale, ..x.clone() }));
        return Ok(());
    }
    let bias = shift.into_iter().map(|shift| shift as f32).collect();
    let layer = FloatLayer { weights: Vec::new(), bias };
    draft.add(node, Op::ChannelBias { norm }, vec![x.layer], Some(layer), x.flat, scale)
}

/// Whether every path from a value ends in layers that take a factor per channel into their weights.
fn is_absorbed(draft: &Draft<'_>, value: &str) -> bool {
    let graph = draft.graph();
    let mut open = vec![value];
    let mut seen = std::collections::HashSet::new();
    while let Some(value) = open.pop() {
        if value == graph.output {
            return false;
        }
        for reader in graph.readers(value).iter().filter_map(|&index| graph.nodes.get(index)) {
            let is_data = reader.input(0) == Some(value);
            if !is_data {
                return false;
            }
            if TRANSPARENT.contains(&reader.operator()) {
                if seen.insert(reader.output()) {
                    open.push(reader.output());
                }
            } else if !ABSORBING.contains(&reader.operator()) {
                return false;
            }
        }
    }
    true
}

/// A 1x1 convolution with one weight per channel.
fn diagonal<'a>(draft: &mut Draft<'a>, node: &Node<'a>, x: &Activation, scale: &[f64], affine: Affine) -> Result<()> {
    let channels = scale.len();
    if x.flat && draft.shape(x.layer).pixels() != 1 {
        return Err(node.error("factors of flattened values are not supported here"));
    }
    if channels > MOST_CHANNELS {
        return Err(node.error(format!(
            "its factors cannot be folded into a neighbour, and {channels} channels are too many for a 1x1 convolution of their own"
        )));
    }
    let mut weights = vec![0.0; channels * channels];
    for (weight, scale) in weights.iter_mut().step_by(channels + 1).zip(scale) {
        *weight = *scale as f32;
    }
    let bias = affine.shift.iter().map(|&shift| shift as f32).collect();
    let conv = Conv { out_channels: channels, kernel: 1, stride: 1, padding: 0, norm: affine.norm, bias: !affine.norm };
    draft.note(format!(
        "{} ({}) is a 1x1 convolution here: its factors are not all positive or belong to a value that not only convolutions read.",
        node.name,
        node.operator()
    ));
    draft.add(node, Op::Conv(conv), vec![x.layer], Some(FloatLayer { weights, bias }), x.flat, None)
}
