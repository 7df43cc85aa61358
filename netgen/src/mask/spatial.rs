//! Semi-structured activation sparsity: the same pixels are silent in all channels of a layer, and in all layers alike.

use std::collections::HashMap;

use crate::{Cell, LayerMask, Network, NetworkBuilder, NetworkError, Op, ScoreMap, Shape};

/// Silences the pixels with the lowest scores in every convolution and ReLU with more than one pixel: their outputs are zero
/// there in all channels, biases included, and are not computed. The network's name grows by `+spatial-30%`.
///
/// Each layer loses round(`sparsity` · pixels) pixels, those where the score map, averaged to the layer's size, is lowest; at
/// least one stays. Layers of one size have one mask, so both operands of a residual addition are zero at the same pixels and
/// so is their sum: nothing is carried past a silent pixel. Pooling and the classifier read the zeros. ReLUs that a layer's
/// mask has already linearised stay so at the pixels that are left.
///
/// # Errors
/// A sparsity outside 0 to 1, or a score map of another size than the input.
pub fn spatial_mask(network: &Network, sparsity: f64, scores: &ScoreMap) -> Result<Network, NetworkError> {
    let wrong = |key, value, expected: String| NetworkError::Option { key, value, expected };
    if !(0.0..=1.0).contains(&sparsity) {
        return Err(wrong("sparsity", sparsity.to_string(), "a share of the pixels from 0 to 1".into()));
    }
    let input = network.input;
    if (scores.height(), scores.width()) != (input.height, input.width) {
        let found = format!("{}x{} pixels", scores.height(), scores.width());
        return Err(wrong(
            "scores",
            found,
            format!("one for each of the input's {}x{} pixels", input.height, input.width),
        ));
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
            .or_insert_with(|| scores.kept(shape.height, shape.width, sparsity));
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
    silenced.name = format!("{}+spatial-{}%", network.name, (sparsity * 1000.0).round() / 10.0);
    Ok(silenced)
}
