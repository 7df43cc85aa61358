//! The shape that an operation gives, or why it does not fit its inputs; and limits of its size.

use crate::{Cell, Conv, LayerMask, NetworkError, Op, Shape};

/// Limits that, with the number of layers, keep every count of a network within 64 bits.
const MAX_ELEMENTS_LOG2: u32 = 32;
const MAX_WORK_LOG2: u32 = 48;
/// Largest window of a max pool, 8x8: its values go through one comparison tree. A larger pool is a pool of pools.
const MAX_WINDOW_LOG2: u32 = 6;

/// Output shape of an operation whose number of inputs was checked.
pub(super) fn infer_shape(
    name: &str,
    op: &Op,
    inputs: &[Shape],
    mask: Option<&LayerMask>,
) -> Result<Shape, NetworkError> {
    let wrong = |problem: String| NetworkError::Layer { layer: name.into(), problem };
    let &input = inputs.first().ok_or_else(|| wrong("it reads nothing".into()))?;
    let output = match *op {
        Op::Input | Op::Relu | Op::Rescale | Op::ChannelBias { .. } | Op::LeakyRelu { .. } | Op::PRelu => input,
        Op::ClampedRelu { max: 0 } => return Err(wrong("a ReLU with a largest result of 0 is always 0".into())),
        Op::ClampedRelu { .. } => input,
        Op::MaxPool { kernel, stride, padding } | Op::MaxPoolThen { kernel, stride, padding, .. } => {
            let window = |size| windows(size, kernel, stride, padding);
            let (height, width) = window(input.height).zip(window(input.width)).ok_or_else(|| {
                wrong(format!(
                    "a {kernel}x{kernel} window with stride {stride} and padding {padding} does not fit {input}"
                ))
            })?;
            check_product(name, "values of a window", &[kernel, kernel], MAX_WINDOW_LOG2)?;
            check_work(name, "comparisons", &[input.channels, height, width, kernel, kernel])?;
            Shape::new(input.channels, height, width)
        }
        Op::Conv(conv) => {
            let window = |size| windows(size, conv.kernel, conv.stride, conv.padding);
            let size = window(input.height).zip(window(input.width));
            let (height, width) = size.ok_or_else(|| {
                let Conv { kernel, stride, padding, .. } = conv;
                wrong(format!(
                    "a {kernel}x{kernel} kernel with stride {stride} and padding {padding} does not fit {input}"
                ))
            })?;
            check_work(name, "weights", &[conv.out_channels, input.channels, conv.kernel, conv.kernel])?;
            check_work(name, "MACs", &[conv.out_channels, input.channels, conv.kernel, conv.kernel, height, width])?;
            Shape::new(conv.out_channels, height, width)
        }
        Op::Linear { out_features } => {
            check_work(name, "weights", &[out_features, input.len()])?;
            Shape::new(out_features, 1, 1)
        }
        Op::AvgPool { kernel, stride } => {
            let size = windows(input.height, kernel, stride, 0).zip(windows(input.width, kernel, stride, 0));
            let (height, width) = size.ok_or_else(|| {
                wrong(format!("a {kernel}x{kernel} window with stride {stride} does not fit {input}"))
            })?;
            Shape::new(input.channels, height, width)
        }
        Op::GlobalAvgPool => Shape::new(input.channels, 1, 1),
        Op::Select { cell } => {
            let mask = mask.filter(|mask| mask.shape() == input);
            let mask = mask.ok_or_else(|| wrong(format!("it needs a mask of shape {input}")))?;
            match mask.kept_per_channel().filter(|_| cell == Cell::Kept) {
                Some(each) => Shape::new(input.channels, each, 1),
                None => Shape::new(mask.count(cell), 1, 1),
            }
        }
        Op::Merge { .. } => {
            let mask = mask.ok_or_else(|| wrong("it needs a mask".into()))?;
            let parts = [Cell::Kept, Cell::Linear].map(|cell| mask.count(cell));
            let given = inputs.iter().map(Shape::len);
            if !given.eq(parts.into_iter().filter(|part| *part > 0)) {
                return Err(wrong(format!(
                    "its inputs are not the {} kept and {} linear elements",
                    parts[0], parts[1]
                )));
            }
            mask.shape()
        }
        Op::Slice { groups, start, channels } => {
            let group = equal_groups(input.channels, groups).map_err(wrong)?;
            if channels == 0 || start.checked_add(channels).is_none_or(|end| end > group) {
                return Err(wrong(format!("channels {start} to {start}+{channels} are not within groups of {group}")));
            }
            Shape::new(groups * channels, input.height, input.width)
        }
        Op::Concat { groups, .. } => {
            for shape in inputs {
                equal_groups(shape.channels, groups).map_err(wrong)?;
                if (shape.height, shape.width) != (input.height, input.width) {
                    return Err(wrong(format!("cannot concatenate the channels of {input} and {shape}")));
                }
            }
            let channels = inputs.iter().fold(0usize, |sum, shape| sum.saturating_add(shape.channels));
            Shape::new(channels, input.height, input.width)
        }
        Op::Add => {
            if let Some(other) = inputs.iter().find(|&&shape| shape != input) {
                return Err(wrong(format!("cannot add shapes {input} and {other}")));
            }
            input
        }
    };
    check_shape(name, output)?;
    Ok(output)
}

/// Whether an operation can have a mask, and its output is the mask's shape.
pub(super) fn check_mask(op: &Op, output: Shape, mask: Option<&LayerMask>) -> Result<(), String> {
    let Some(mask) = mask else { return Ok(()) };
    match op {
        Op::Select { .. } | Op::Merge { .. } => return Ok(()),
        op if op.is_activation() && mask.count(Cell::Zero) == mask.shape().len() => {
            return Err("its mask leaves nothing but zeros".into());
        }
        Op::PRelu if mask.kept_per_channel().is_none() => {
            return Err("a parametric ReLU's mask keeps as many elements in every channel".into());
        }
        op if op.is_activation() => {}
        Op::Conv(_) if mask.count(Cell::Linear) > 0 || mask.kept_pixels().is_none_or(|pixels| pixels.is_empty()) => {
            return Err("a convolution's mask keeps at least one pixel, and the same ones in all channels".into());
        }
        Op::Conv(_) => {}
        other => return Err(format!("a layer of kind {} has no mask", other.kind())),
    }
    if mask.shape() == output {
        return Ok(());
    }
    Err(format!("its mask has shape {}, its output {output}", mask.shape()))
}

/// Channels in each of several equal groups.
fn equal_groups(channels: usize, groups: usize) -> Result<usize, String> {
    if groups == 0 || !channels.is_multiple_of(groups) {
        return Err(format!("{channels} channels are not {groups} equal groups"));
    }
    Ok(channels / groups)
}

/// Number of positions of a window along one dimension; none if it does not fit once.
fn windows(size: usize, kernel: usize, stride: usize, padding: usize) -> Option<usize> {
    // Padding of a whole kernel or more would only compute constants.
    if kernel == 0 || stride == 0 || padding >= kernel {
        return None;
    }
    let padded = size.checked_add(padding.checked_mul(2)?)?;
    Some(padded.checked_sub(kernel)? / stride + 1)
}

pub(super) fn check_shape(name: &str, shape: Shape) -> Result<(), NetworkError> {
    let factors = [shape.channels, shape.height, shape.width];
    if factors.contains(&0) {
        return Err(NetworkError::Layer { layer: name.into(), problem: format!("its shape {shape} is empty") });
    }
    check_product(name, "elements", &factors, MAX_ELEMENTS_LOG2)
}

fn check_work(name: &str, quantity: &'static str, factors: &[usize]) -> Result<(), NetworkError> {
    check_product(name, quantity, factors, MAX_WORK_LOG2)
}

fn check_product(name: &str, quantity: &'static str, factors: &[usize], limit_log2: u32) -> Result<(), NetworkError> {
    let product = factors.iter().try_fold(1u64, |product, &factor| product.checked_mul(factor as u64));
    match product {
        Some(product) if product <= 1 << limit_log2 => Ok(()),
        _ => Err(NetworkError::TooLarge { layer: name.into(), quantity, limit_log2 }),
    }
}
