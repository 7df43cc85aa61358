//! Pools.

use super::draft::Draft;
use super::linear::four;
use super::{Node, Result};
use crate::Op;

/// `GlobalAveragePool`.
pub(super) fn global_average<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&[])?;
    whole_map(draft, node, false)
}

/// `ReduceMean` over rows and columns.
pub(super) fn reduce_mean<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&["axes", "keepdims", "noop_with_empty_axes"])?;
    let axes = match node.ints("axes")? {
        Some(axes) => axes.to_vec(),
        None if node.input(1).is_some() => draft.known_ints(node, 1)?,
        None => Vec::new(),
    };
    let mut positive: Vec<i64> =
        axes.iter().map(|&axis| if axis < 0 { axis.saturating_add(4) } else { axis }).collect();
    positive.sort_unstable();
    if positive != [2, 3] {
        return Err(
            node.error(format!("axes = {axes:?} are not supported; supported are 2 and 3, the rows and columns"))
        );
    }
    whole_map(draft, node, node.int("keepdims")?.unwrap_or(1) == 0)
}

fn whole_map<'a>(draft: &mut Draft<'a>, node: &Node<'a>, flat: bool) -> Result<()> {
    let x = draft.unpadded(node, 0)?;
    if x.flat {
        return Err(node.error("its input is flattened; expected [batch, channels, height, width]"));
    }
    draft.add(node, Op::GlobalAvgPool, vec![x.layer], None, flat, x.scale)
}

/// `AveragePool` over square windows without padding, or over the whole map.
pub(super) fn average<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&[
        "auto_pad",
        "ceil_mode",
        "count_include_pad",
        "dilations",
        "kernel_shape",
        "pads",
        "strides",
    ])?;
    let x = draft.unpadded(node, 0)?;
    let from = draft.shape(x.layer);
    let kernel = node.ints("kernel_shape")?.ok_or_else(|| node.error("it has no kernel_shape"))?;
    let is_whole = kernel == [from.height as i64, from.width as i64];
    let strides = node.ints("strides")?.unwrap_or(&[1, 1]);
    let window = Window::of(node, [from.height, from.width])?;
    if window.pads != [0; 4] {
        return Err(
            node.error(format!("pads = {:?} are not supported; supported are pools without padding", window.pads))
        );
    }
    if is_whole && from.height != from.width {
        return whole_map(draft, node, false);
    }
    let (kernel, stride) = (node.square("kernel_shape", kernel)?, node.square("strides", strides)?);
    window.check_ceil(node, [from.height, from.width], kernel, stride)?;
    draft.add(node, Op::AvgPool { kernel, stride }, vec![x.layer], None, x.flat, x.scale)
}

/// `MaxPool` over square windows.
pub(super) fn max<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    let known = ["auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "storage_order", "strides"];
    node.check_attributes(&known)?;
    node.check_int("storage_order", 0)?;
    let x = draft.unpadded(node, 0)?;
    let from = draft.shape(x.layer);
    let kernel = node.ints("kernel_shape")?.ok_or_else(|| node.error("it has no kernel_shape"))?;
    let kernel = node.square("kernel_shape", kernel)?;
    let stride = node.square("strides", node.ints("strides")?.unwrap_or(&[1, 1]))?;
    let window = Window::of(node, [from.height, from.width])?;
    window.check_ceil(node, [from.height, from.width], kernel, stride)?;
    let padding = match window.pads {
        [top, left, bottom, right] if top == left && top == bottom && top == right => top,
        pads => {
            return Err(
                node.error(format!("pads = {pads:?} are not supported; supported is the same on all four sides"))
            );
        }
    };
    draft.add(node, Op::MaxPool { kernel, stride, padding }, vec![x.layer], None, x.flat, x.scale)
}

/// `GlobalMaxPool` over square maps.
pub(super) fn global_max<'a>(draft: &mut Draft<'a>, node: &Node<'a>) -> Result<()> {
    node.check_attributes(&[])?;
    let x = draft.unpadded(node, 0)?;
    let from = draft.shape(x.layer);
    if x.flat || from.height != from.width {
        return Err(node.error(format!("an input of {from} is not supported; supported are square maps")));
    }
    draft.add(node, Op::MaxPool { kernel: from.height, stride: 1, padding: 0 }, vec![x.layer], None, false, x.scale)
}

/// What average and max pools have in common besides kernel and strides.
struct Window {
    pads: [usize; 4],
    ceil: bool,
}

impl Window {
    fn of(node: &Node<'_>, size: [usize; 2]) -> Result<Self> {
        let auto = node.string("auto_pad")?.unwrap_or("NOTSET");
        if !matches!(auto, "NOTSET" | "" | "VALID") {
            return Err(node.error(format!("auto_pad = {auto} is not supported; supported are NOTSET and VALID")));
        }
        if let Some(dilations) =
            node.ints("dilations")?.filter(|dilations| dilations.iter().any(|&dilation| dilation != 1))
        {
            return Err(node.error(format!("dilations = {dilations:?} are not supported; supported are 1 and 1")));
        }
        if size.contains(&0) {
            return Err(node.error("its input is empty"));
        }
        let pads = node.ints("pads")?.map_or(Ok([0; 4]), |pads| four(node, pads))?;
        Ok(Self { pads, ceil: node.int("ceil_mode")?.unwrap_or(0) != 0 })
    }

    /// Rounding the number of windows up is the same as rounding it down where they fit exactly.
    fn check_ceil(&self, node: &Node<'_>, size: [usize; 2], kernel: usize, stride: usize) -> Result<()> {
        let [top, left, bottom, right] = self.pads;
        let padded = [(size[0], top, bottom), (size[1], left, right)];
        let exact = padded.iter().all(|&(size, before, after)| {
            let padded = size.saturating_add(before).saturating_add(after);
            padded.checked_sub(kernel).is_some_and(|rest| rest.checked_rem(stride) == Some(0))
        });
        if self.ceil && !exact {
            return Err(
                node.error(format!("ceil_mode = 1 is not supported where windows of {kernel} do not fit exactly"))
            );
        }
        Ok(())
    }
}
