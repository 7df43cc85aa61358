//! Labelled pictures answered privately, one real two-party run each, next to floating point and integers.

use super::verify::refuse_too_large;
use crate::dataset::Pictures;
use crate::output;
use crate::trained::Trained;
use anyhow::{Context, Result};
use pisim_backend::{MEMORY_BYTES, Seed, Verification, verify};
use pisim_netgen::quantise::top1;
use pisim_netgen::{Weights, float, infer};
use pisim_protocol::{Phase, Program};
use pisim_reports::{AccuracySummary, Answer, WholeSet};
use rayon::prelude::*;
use std::sync::Arc;

/// Pictures with their classes, and how they are to be answered.
pub struct LabelledSet {
    /// The pictures.
    pub pictures: Pictures,
    /// The class of each.
    pub labels: Vec<usize>,
    /// How many of the first are answered privately.
    pub count: usize,
    /// The share of right private answers below which the run has failed.
    pub least_accuracy: f64,
    /// The seed of all masks and keys.
    pub seed: u64,
}

/// Answers the set's first pictures privately and the whole set without cryptography.
///
/// Every picture has a run of its own with new keys, transfers and masks, as a client that comes once.
pub fn answer_set(trained: &Trained, set: &LabelledSet) -> Result<AccuracySummary> {
    let program = &trained.program;
    refuse_too_large(program)?;
    let whole = whole_set(trained, set)?;
    let weights = Arc::new(trained.calibrated.weights.clone());
    let network = &trained.model.network;
    let progress = output::progress_of("images", set.count, &network.name);
    let mut times = [0.0; 3];
    let mut answers = Vec::with_capacity(set.count);
    for index in 0..set.count {
        let (run, answer) = answer_one(trained, &weights, set, index)?;
        for (time, phase) in times.iter_mut().zip(Phase::ALL) {
            *time += run.execution.wall(program, phase).as_secs_f64();
        }
        let wrong = answers.iter().chain([&answer]).filter(|answer| answer.private != answer.label).count();
        progress.set_message(format!("{wrong} wrong"));
        progress.inc(1);
        answers.push(answer);
    }
    progress.finish_and_clear();
    let right = |of: fn(&Answer) -> u64| answers.iter().filter(|answer| of(answer) == answer.label).count() as u64;
    let counts = network.counts();
    let work = program.work_of(|_| true);
    let runs = set.count.max(1) as f64;
    Ok(AccuracySummary {
        network: network.name.clone(),
        protocol: program.protocol.name.clone(),
        params: counts.params,
        macs: counts.macs,
        relus: counts.relus,
        images: set.count as u64,
        float_right: right(|answer| answer.float),
        integer_right: right(|answer| answer.integer),
        private_right: right(|answer| answer.private),
        exact: answers.iter().filter(|answer| answer.exact).count() as u64,
        work_matching: answers.iter().filter(|answer| answer.work_matches).count() as u64,
        whole_set: whole,
        least_accuracy: set.least_accuracy,
        proven: trained.calibrated.is_proven(),
        needed_bits: trained.calibrated.needed_bits(),
        ring_bits: program.protocol.format.ring_bits,
        wall_s: Phase::ALL.iter().zip(times).map(|(phase, time)| (named(*phase), time / runs)).collect(),
        bytes: work.bytes_up.saturating_add(work.bytes_down),
        shape: network.input,
        answers,
    })
}

fn named(phase: Phase) -> String {
    format!("{phase:?}").to_lowercase()
}

/// One picture's private run, and what everybody said of it.
fn answer_one(
    trained: &Trained,
    weights: &Arc<Weights>,
    set: &LabelledSet,
    index: usize,
) -> Result<(Verification, Answer)> {
    let picture = set.pictures.values.get(index).context("there are fewer pictures than are asked for")?;
    let program: &Arc<Program> = &trained.program;
    let secret = Seed::reproducible(set.seed).derive("picture", index as u64);
    let seeds = [secret.derive("client", 0), secret.derive("server", 0)];
    let input = trained.calibrated.input(picture);
    let run = verify(program, weights, &input, seeds, MEMORY_BYTES, &mut |_| {})?;
    let class = |class: Option<usize>| class.map_or(u64::MAX, |class| class as u64);
    let answer = Answer {
        index: index as u64,
        label: class(set.labels.get(index).copied()),
        float: class(float_class(trained, picture)?),
        integer: class(top1(&run.reference)),
        private: class(top1(&run.execution.outputs)),
        exact: run.mismatches == 0,
        work_matches: run.mispredictions.is_empty(),
        pixels: set.pictures.pixels(index),
    };
    Ok((run, answer))
}

fn float_class(trained: &Trained, picture: &[f32]) -> Result<Option<usize>> {
    let layers = float::infer(&trained.model, picture)?;
    Ok(layers.last().and_then(|logits| top1(&logits.data)))
}

/// The whole set in floating point and in integers.
fn whole_set(trained: &Trained, set: &LabelledSet) -> Result<WholeSet> {
    let calibrated = &trained.calibrated;
    let right = |(picture, label): (&Vec<f32>, &usize)| -> Result<[u64; 2]> {
        let integers = infer(&calibrated.net, &calibrated.weights, &calibrated.input(picture))?;
        let classes = [float_class(trained, picture)?, top1(&integers.outputs)];
        Ok(classes.map(|class| u64::from(class == Some(*label))))
    };
    let pairs = set.pictures.values.par_iter().zip(&set.labels);
    let sum = |a: [u64; 2], b: [u64; 2]| Ok([a[0] + b[0], a[1] + b[1]]);
    let [float_right, integer_right] = pairs.map(right).try_reduce(|| [0, 0], sum)?;
    Ok(WholeSet { images: set.pictures.values.len() as u64, float_right, integer_right })
}
