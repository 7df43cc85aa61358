//! What an activation does with each of its elements: rectifies it, lets it pass, or, while masks are learnt, something
//! between.

use candle_core::{Device, Result, Tensor, Var};
use pisim_netgen::{Cell, LayerMask};

/// How the elements of a layer are masked. Tensors are `[channels, 1, rows, columns]`, the same for every image.
#[derive(Clone, Debug)]
pub enum Gate {
    /// Every element as the layer says.
    All,
    /// Factors 0 and 1 of the rectified value and of the value itself: a [`LayerMask`].
    Fixed {
        /// 1 where the element is kept.
        kept: Tensor,
        /// 1 where it passes as it is.
        linear: Tensor,
    },
    /// α·ReLU(x) + (1 − α)·x with an α for each element (SNL; Cho et al., ICML 2022).
    Soft(Var),
}

impl Gate {
    /// The gate of a mask.
    ///
    /// # Errors
    /// None for a mask of a checked network.
    pub fn of(mask: Option<&LayerMask>) -> Result<Self> {
        let Some(mask) = mask else { return Ok(Self::All) };
        let factor = |cell: Cell| {
            let cells = mask.cells().iter().map(|other| if *other == cell { 1f32 } else { 0.0 });
            let shape = mask.shape();
            Tensor::from_vec(cells.collect::<Vec<_>>(), (shape.channels, 1, shape.height, shape.width), &Device::Cpu)
        };
        Ok(Self::Fixed { kept: factor(Cell::Kept)?, linear: factor(Cell::Linear)? })
    }

    /// What becomes of values `[channels, batch, rows, columns]` in an activation.
    ///
    /// # Errors
    /// Values of another shape.
    pub fn activate(&self, values: &Tensor, rectify: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
        match self {
            Self::All => rectify(values),
            Self::Fixed { kept, linear } => {
                let kept = rectify(values)?.broadcast_mul(kept)?;
                kept + values.broadcast_mul(linear)?
            }
            Self::Soft(alpha) => values + (rectify(values)? - values)?.broadcast_mul(alpha)?,
        }
    }

    /// What becomes of the outputs of a convolution that computes only some pixels.
    ///
    /// # Errors
    /// Values of another shape.
    pub fn silence(&self, values: Tensor) -> Result<Tensor> {
        match self {
            Self::Fixed { kept, .. } => values.broadcast_mul(kept),
            Self::All | Self::Soft(_) => Ok(values),
        }
    }
}
