//! Selective linearisation by gradient (SNL; Cho, Joshi, Garg, Reagen and Hegde, ICML 2022): every ReLU has a mask α
//! between 1 (a ReLU) and 0 (the identity), which is trained with the weights under a penalty on the sum of all α.
//!
//! The penalty grows until no more masks than the budget are above a threshold. Then the largest masks become 1,
//! exactly as many as the budget, all others 0, and the network is trained on with these. The way to a small budget
//! leads past the larger ones, so one path serves all budgets, as if each had been trained by itself with the same
//! seed.

use crate::TrainError;
use crate::fit::{Course, Lessons, Optimisers};
use crate::trainable::Trainable;
use candle_core::{Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW};
use pisim_netgen::{Granularity, Network, ReluChoice, mask};

/// How the penalty grows and how fast masks move.
///
/// Threshold, growth and the weights' rate are those of the paper's public code. An epoch of CIFAR there has 391 steps,
/// one of the digits here 22: the first weight, the masks' rate and the share that counts as no progress make up for
/// that, and were chosen once so that a path takes some dozens of epochs, not by any accuracy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lasso {
    /// The first weight of the penalty.
    pub start: f64,
    /// What the weight is multiplied by after an epoch in which no mask fell below the threshold …
    pub growth: f64,
    /// … or fewer than this share of those that are left.
    pub least_progress: f64,
    /// A mask above this counts as a ReLU.
    pub threshold: f32,
    /// Adam's rate of the masks.
    pub mask_rate: f64,
    /// Adam's rate of the weights.
    pub weight_rate: f64,
    /// Epochs after which a path has failed.
    pub most_epochs: usize,
}

impl Default for Lasso {
    fn default() -> Self {
        Self {
            start: 1e-4,
            growth: 1.1,
            least_progress: 0.02,
            threshold: 1e-2,
            mask_rate: 1e-2,
            weight_rate: 1e-3,
            most_epochs: 300,
        }
    }
}

/// Networks with learnt masks, one for each budget, and how long the way was.
#[derive(Debug)]
pub struct Path {
    /// For every budget, in falling order: the network with its masks and the weights that it had on the way.
    pub networks: Vec<Trainable>,
    /// Epochs of the way.
    pub epochs: usize,
}

/// Checks budgets for a network.
///
/// # Errors
/// A budget of nothing, or one that leaves all ReLUs.
pub fn check_budgets(network: &Network, budgets: &[u64]) -> Result<(), TrainError> {
    let most = network.relus().saturating_sub(1);
    match budgets.iter().find(|budget| !(1..=most).contains(*budget)) {
        None => Ok(()),
        Some(&budget) => Err(TrainError::Budget { budget, most, network: network.name.clone() }),
    }
}

/// Learns masks for all budgets, starting from a trained network's weights.
///
/// # Errors
/// An impossible budget, or one that the path does not reach.
pub fn learn(start: &Trainable, budgets: &[u64], lessons: &Lessons<'_>, lasso: &Lasso) -> Result<Path, TrainError> {
    check_budgets(&start.network, budgets)?;
    let mut left: Vec<u64> = budgets.to_vec();
    // The next one is the last.
    left.sort_unstable();
    left.dedup();
    let mut soft = start.onto(start.network.clone())?;
    let masks = soft.soften()?;
    let mut course = Course::new(lessons);
    let mut optimisers = Optimisers::new(soft.variables(), lasso.weight_rate)?;
    let mut of_masks =
        AdamW::new(masks.clone(), ParamsAdamW { lr: lasso.mask_rate, weight_decay: 0.0, ..ParamsAdamW::default() })?;
    let (mut weight, mut networks, mut epochs) = (lasso.start, Vec::with_capacity(left.len()), 0);
    let mut before = start.network.relus();
    while let Some(&budget) = left.last() {
        if epochs == lasso.most_epochs {
            return Err(TrainError::NotReached { budget, left: before, epochs });
        }
        for batch in &course.epoch()? {
            let loss = (lessons.loss(&soft, batch)? + (sum(&masks)? * weight)?)?;
            let gradients = loss.backward()?;
            optimisers.step(&gradients, lasso.weight_rate)?;
            of_masks.step(&gradients)?;
            let values = project(&masks)?;
            let above = values.iter().filter(|value| **value > lasso.threshold).count() as u64;
            while let Some(budget) = left.pop_if(|budget| above <= *budget) {
                networks.push(soft.onto(binarised(&start.network, &values, budget)?)?);
            }
        }
        epochs += 1;
        (lessons.progress)();
        let above = values(&masks)?.iter().filter(|value| **value > lasso.threshold).count() as u64;
        if (before.saturating_sub(above) as f64) < lasso.least_progress * before as f64 {
            weight *= lasso.growth;
        }
        before = above;
    }
    Ok(Path { networks, epochs })
}

/// The network that keeps exactly `budget` ReLUs: those with the largest masks, of equal ones the first.
///
/// # Errors
/// Masks that are not as many as the network's ReLUs.
pub fn binarised(network: &Network, masks: &[f32], budget: u64) -> Result<Network, TrainError> {
    let mut order: Vec<(usize, f32)> = masks.iter().copied().enumerate().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut kept = vec![false; masks.len()];
    let budget = usize::try_from(budget).unwrap_or(usize::MAX);
    for (index, _) in order.into_iter().take(budget) {
        if let Some(kept) = kept.get_mut(index) {
            *kept = true;
        }
    }
    Ok(mask(network, &ReluChoice::Bitmap(kept), Granularity::Pixel, 0)?)
}

/// The sum of all masks, which are not negative: their L1 norm.
fn sum(masks: &[Var]) -> candle_core::Result<Tensor> {
    let sums = masks.iter().map(|mask| mask.as_tensor().sum_all()).collect::<candle_core::Result<Vec<_>>>()?;
    Tensor::stack(&sums, 0)?.sum_all()
}

/// All masks, in the order of a bitmap.
fn values(masks: &[Var]) -> candle_core::Result<Vec<f32>> {
    let each = masks.iter().map(|mask| mask.as_tensor().flatten_all()?.to_vec1::<f32>());
    Ok(each.collect::<candle_core::Result<Vec<_>>>()?.concat())
}

/// Moves masks back between 0 and 1 after a step that has led out of it, and returns them.
fn project(masks: &[Var]) -> candle_core::Result<Vec<f32>> {
    for mask in masks {
        mask.set(&mask.as_tensor().detach().clamp(0f32, 1f32)?)?;
    }
    values(masks)
}
