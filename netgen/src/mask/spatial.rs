//! Semi-structured activation sparsity: the same pixels are silent in all channels of a layer, and in all layers alike.

use std::collections::HashMap;

use crate::{Cell, Factor, LayerMask, Network, NetworkBuilder, NetworkError, Op, ScoreMap, Shape};

/// Silences the pixels with the lowest scores in every convolution and ReLU with more than one pixel: their outputs are zero
/// there in all channels, biases included, and are not computed. The network's name grows by `+spatial-70%`, the share that is kept.
///
/// Each layer keeps round(`kept` · pixels) pixels, at least one: those where the score map, averaged to the layer's size, is
/// highest. Layers of one size have one mask, so both operands of a residual addition are zero at the same pixels and
/// so is their sum: nothing is carried past a silent pixel. Pooling and the classifier read the zeros. ReLUs that a layer's
/// mask has already linearised stay so at the pixels that are left.
///
/// # Errors
/// A score map of another size than the input.
pub fn spatial_mask(network: &Network, kept: Factor, scores: &ScoreMap) -> Result<Network, NetworkError> {
    let input = network.input;
    if (scores.height(), scores.width()) != (input.height, input.width) {
        let found = format!("{}x{} pixels", scores.height(), scores.width());
        let expected = format!("one for each of the input's {}x{} pixels", input.height, input.width);
        return Err(NetworkError::Option { key: "file", value: found, expected });
    }
    let mut pixels: HashMap<(usize, usize), Vec<bool>> = HashMap::new();
    let mut masks: HashMap<Shape, LayerMask> = HashMap::new();
    let mut silenced = NetworkBuilder::rebuild_masked(network, |_, layer| {
        let shape = layer.output;
        if !(layer.op.is_activation() || matches!(layer.op, Op::Conv(_))) || shape.pixels() == 1 {
            return layer.mask.clone();
        }
        let kept = pixels
            .entry((shape.height, shape.width))
            .or_insert_with(|| scores.kept(shape.height, shape.width, kept.of(shape.pixels())));
        let is_kept = |index: usize| kept.get(index % shape.pixels()).is_some_and(|kept| *kept);
        match &layer.mask {
            None => {
                let cell = |index| if is_kept(index) { Cell::Kept } else { Cell::Zero };
                let mask = masks.entry(shape).or_insert_with(|| LayerMask::from_fn(shape, cell));
                Some(mask.clone())
            }
            Some(old) => {
                let cell = |index| if is_kept(index) { old.cells().get(index).copied() } else { None };
                Some(LayerMask::from_fn(shape, |index| cell(index).unwrap_or(Cell::Zero)))
            }
        }
    })?;
    silenced.name = format!("{}+spatial-{}%", network.name, (kept.value() * 1000.0).round() / 10.0);
    Ok(silenced)
}
