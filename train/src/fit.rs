//! The training loop: AdamW with a warm-up and a cosine decay, on shuffled batches of pictures that move a little.

use crate::TrainError;
use crate::data::{Batch, Pictures};
use crate::finished::Finished;
use crate::loss::{self, Distillation};
use crate::trainable::Trainable;
use candle_core::{Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW};
use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use std::f64::consts::PI;

/// Pictures of a batch.
const BATCH: usize = 64;
/// Decay of weights; scales and shifts have none.
const WEIGHT_DECAY: f64 = 0.05;
/// Steps until the full rate, at most; a tenth of a short training.
const WARM_UP: usize = 100;

/// The largest rate of a training from random weights, and of one from trained weights.
pub const RATES: [f64; 2] = [4e-3, 2e-3];

/// Whom a network learns from, and in what order.
#[derive(Clone, Copy)]
pub struct Lessons<'a> {
    /// The training pictures.
    pub pictures: &'a Pictures,
    /// A finished network whose answers are learnt too.
    pub teacher: Option<(&'a Finished, Distillation)>,
    /// Seed of the order of pictures and of their moves.
    pub seed: u64,
    /// Called after every epoch.
    pub progress: &'a (dyn Fn() + Sync),
}

impl Lessons<'_> {
    /// The loss of a network on a batch.
    pub(crate) fn loss(&self, network: &Trainable, batch: &Batch) -> Result<Tensor, TrainError> {
        let logits = network.forward(&batch.inputs)?;
        Ok(match self.teacher {
            Some((teacher, how)) => how.loss(&logits, &teacher.forward(&batch.inputs)?, &batch.labels)?,
            None => loss::with_labels(&logits, &batch.labels)?,
        })
    }
}

/// An endless course of epochs.
pub(crate) struct Course<'a> {
    pictures: &'a Pictures,
    order: Vec<usize>,
    random: ChaCha12Rng,
}

impl<'a> Course<'a> {
    pub(crate) fn new(lessons: &Lessons<'a>) -> Self {
        let random = ChaCha12Rng::seed_from_u64(lessons.seed);
        Self { pictures: lessons.pictures, order: (0..lessons.pictures.len()).collect(), random }
    }

    /// Steps of an epoch: full batches only, but at least one.
    pub(crate) fn steps(&self) -> usize {
        (self.order.len() / BATCH).max(1)
    }

    /// The batches of the next epoch.
    pub(crate) fn epoch(&mut self) -> candle_core::Result<Vec<Batch>> {
        for last in (1..self.order.len()).rev() {
            // A multiplication maps 64 random bits onto 0..=last.
            let other = ((u128::from(self.random.next_u64()) * (last as u128 + 1)) >> 64) as usize;
            self.order.swap(last, other);
        }
        let steps = self.steps();
        let parts = self.order.chunks(BATCH).take(steps);
        parts.map(|part| self.pictures.batch(part, Some(&mut self.random))).collect()
    }
}

/// Two optimisers with one rate: one for what decays and one for what does not.
pub(crate) struct Optimisers([AdamW; 2]);

impl Optimisers {
    pub(crate) fn new((decaying, others): (Vec<Var>, Vec<Var>), rate: f64) -> candle_core::Result<Self> {
        let with = |variables, weight_decay| {
            AdamW::new(variables, ParamsAdamW { lr: rate, weight_decay, ..ParamsAdamW::default() })
        };
        Ok(Self([with(decaying, WEIGHT_DECAY)?, with(others, 0.0)?]))
    }

    pub(crate) fn step(&mut self, gradients: &candle_core::backprop::GradStore, rate: f64) -> candle_core::Result<()> {
        self.0.iter_mut().try_for_each(|optimiser| {
            optimiser.set_learning_rate(rate);
            optimiser.step(gradients)
        })
    }
}

/// Trains a network and returns the mean loss of every epoch.
///
/// # Errors
/// Pictures that are not the network's inputs.
pub fn fit(network: &Trainable, lessons: &Lessons<'_>, epochs: usize, peak_rate: f64) -> Result<Vec<f64>, TrainError> {
    let mut course = Course::new(lessons);
    let steps = epochs * course.steps();
    let mut optimisers = Optimisers::new(network.variables(), peak_rate)?;
    let (mut step, mut losses) = (0, Vec::with_capacity(epochs));
    for _ in 0..epochs {
        let mut sum = 0.0;
        let batches = course.epoch()?;
        for batch in &batches {
            step += 1;
            let loss = lessons.loss(network, batch)?;
            optimisers.step(&loss.backward()?, peak_rate * part_of_peak(step, steps))?;
            sum += f64::from(loss.to_scalar::<f32>()?);
        }
        losses.push(sum / batches.len().max(1) as f64);
        (lessons.progress)();
    }
    Ok(losses)
}

/// The rate of a step, counted from 1, as a part of the peak.
fn part_of_peak(step: usize, steps: usize) -> f64 {
    let warm_up = WARM_UP.min(steps / 10).max(1);
    let decay = 0.5 * (1.0 + (PI * step as f64 / steps.max(1) as f64).cos());
    (step as f64 / warm_up as f64).min(decay)
}
