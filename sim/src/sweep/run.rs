//! Runs a sweep: chunk by chunk, in parallel, in an order that depends on nothing but the file.

use super::evaluate::{Evaluation, Scratch};
use super::plan::{Method, Point, Sweep};
use super::programs::Programs;
use super::row::PointRow;
use super::sampling::Sampling;
use super::search::Search;
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::error::Error;
use std::str::FromStr;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use thiserror::Error;

/// Chunks that are evaluated together, so that no core waits at the end of each.
const BATCH_CHUNKS: usize = 8;

/// Points that a thread takes at once.
const GRAIN: usize = 16;

/// Batches that wait for whoever takes them.
const WAITING: usize = 2 * BATCH_CHUNKS;

/// A part of a sweep: of every `of` chunks in a row, the `number`-th. Together all parts are the whole sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    number: u64,
    of: u64,
}

impl Default for Shard {
    fn default() -> Self {
        Self { number: 1, of: 1 }
    }
}

impl Shard {
    /// Which part it is, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// How many parts there are.
    pub fn of(&self) -> u64 {
        self.of
    }

    /// Whether a chunk belongs to it.
    pub fn has(&self, chunk: u64) -> bool {
        chunk % self.of == self.number - 1
    }
}

impl FromStr for Shard {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            _ => Err(format!("`{text}` is no part; expected i/n with i from 1 to n, such as 1/4")),
        }
    }
}

/// What of a sweep is run.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// Only this part.
    pub shard: Shard,
    /// Chunks that were finished before and are not run again. A search runs them again without giving their rows, since later
    /// generations follow from them.
    pub finished: BTreeSet<u64>,
}

/// Points in a row, all evaluated.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    /// Its number.
    pub id: u64,
    /// Its rows, in order. Points that constraints left out have none.
    pub rows: Vec<PointRow>,
    /// Points that were looked at.
    pub points: u64,
    /// How many each constraint left out, in the order of [`Sweep::constraint_names`].
    pub excluded: Vec<u64>,
}

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunSummary {
    /// Rows that were given.
    pub rows: u64,
    /// Those of them that hold an error.
    pub failed: u64,
    /// Points that constraints left out.
    pub excluded: u64,
    /// Chunks that were finished before.
    pub skipped_chunks: u64,
}

/// Why a sweep cannot be run to its end.
#[derive(Debug, Error)]
pub enum RunError {
    /// Nothing is left.
    #[error("constraints leave out all {points} points: {}; expected weaker ones, or other values", .by.join(", "))]
    AllExcluded {
        /// Points that were looked at.
        points: u64,
        /// How many each constraint left out.
        by: Vec<String>,
    },
    /// A search is one piece.
    #[error("a search cannot be divided, since each generation follows from the last; expected no shard {number}/{of}")]
    SearchInShards {
        /// The part that was asked for.
        number: u64,
        /// Of how many.
        of: u64,
    },
    /// The rows could not be taken.
    #[error(transparent)]
    Sink(#[from] Box<dyn Error + Send + Sync>),
}

/// Takes finished chunks, in order.
pub type Sink<'a> = dyn FnMut(Chunk) -> Result<(), Box<dyn Error + Send + Sync>> + Send + 'a;

impl Sweep {
    /// The names of constraints: a key of the file's `constraints`, or the text of an expression.
    pub fn constraint_names(&self) -> Vec<&str> {
        self.constraints.names().collect()
    }

    /// Runs a sweep on all cores. Finished chunks go to `sink` in their order, which is called from another thread while
    /// evaluation goes on. A point that cannot be evaluated is a row with its error.
    ///
    /// # Errors
    /// Constraints leave out every point, a search is to be divided, or the sink fails.
    pub fn run(&self, options: &RunOptions, sink: &mut Sink<'_>) -> Result<RunSummary, RunError> {
        let shard = options.shard;
        if matches!(self.method, Method::Search(_)) && shard.of() > 1 {
            return Err(RunError::SearchInShards { number: shard.number(), of: shard.of() });
        }
        let (sender, receiver) = sync_channel(WAITING);
        let (summary, excluded) = std::thread::scope(|scope| {
            let taker = scope.spawn(move || take(&receiver, sink));
            match &self.method {
                Method::Sampled(sampling) => self.run_sampled(sampling, options, &sender),
                Method::Search(search) => self.run_search(search, options, &sender),
            }
            drop(sender);
            taker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })?;
        let skipped_chunks = options.finished.iter().filter(|chunk| shard.has(**chunk)).count() as u64;
        if summary.rows == 0 && summary.excluded > 0 && skipped_chunks == 0 && shard.of() == 1 {
            let by = self.constraint_names().into_iter().zip(excluded).filter(|(_, count)| *count > 0);
            let by = by.map(|(name, count)| format!("`{name}` {count}")).collect();
            return Err(RunError::AllExcluded { points: summary.excluded, by });
        }
        Ok(RunSummary { skipped_chunks, ..summary })
    }

    fn run_sampled(&self, sampling: &Sampling, options: &RunOptions, sender: &SyncSender<Chunk>) {
        let mut programs = Programs::default();
        let wanted = |id: &u64| options.shard.has(*id) && !options.finished.contains(id);
        let mut ids = (0..self.chunks()).filter(wanted);
        // Rows with layers are large.
        let together = if self.layers { 1 } else { BATCH_CHUNKS };
        loop {
            let batch: Vec<u64> = ids.by_ref().take(together).collect();
            if batch.is_empty() {
                return;
            }
            let range = |id: u64| id * self.chunk_points()..((id + 1) * self.chunk_points()).min(self.points());
            let indices: Vec<u64> = batch.iter().flat_map(|id| range(*id)).collect();
            let points = indices.into_par_iter().with_min_len(GRAIN).map(|index| self.sampled_point(sampling, index));
            let mut evaluations = self.evaluate_all(&points.collect::<Vec<_>>(), &mut programs).into_iter();
            for id in batch {
                let length = range(id).end - range(id).start;
                let chunk = self.chunk(id, evaluations.by_ref().take(length as usize));
                // Nobody takes chunks any more after a failure, which the taker tells.
                if sender.send(chunk).is_err() {
                    return;
                }
            }
        }
    }

    fn run_search(&self, search: &Search, options: &RunOptions, sender: &SyncSender<Chunk>) {
        let mut programs = Programs::default();
        for combination in 0..self.combinations() {
            let mut algorithm = search.start(&self.axes, combination);
            for generation in 0..search.generations {
                let id = combination * search.generations + generation;
                let genomes = algorithm.ask();
                let index = |position: usize| id * search.population as u64 + position as u64;
                let points: Vec<Point> = genomes
                    .iter()
                    .enumerate()
                    .map(|(position, genome)| self.bred_point(index(position), combination, genome))
                    .collect();
                let evaluations = self.evaluate_all(&points, &mut programs);
                let individuals = genomes.iter().zip(&evaluations);
                let individual = |(genome, evaluation): (&Vec<f64>, _)| search.individual(genome.clone(), evaluation);
                algorithm.tell(individuals.map(individual).collect());
                let chunk = self.chunk(id, evaluations.into_iter());
                if !options.finished.contains(&id) && sender.send(chunk).is_err() {
                    return;
                }
            }
        }
    }

    /// Evaluates points on all cores; the answer is in their order.
    fn evaluate_all(&self, points: &[Point<'_>], programs: &mut Programs) -> Vec<Evaluation> {
        let early: Vec<_> = points.par_iter().with_min_len(GRAIN).map(|point| self.excluded_early(point)).collect();
        let admitted = points.iter().zip(&early).filter(|(_, excluded)| excluded.is_none());
        programs.prepare(self, admitted.map(|(point, _)| point));
        let programs = &*programs;
        let evaluate = |scratch: &mut Scratch, (point, excluded): (&Point<'_>, _)| match excluded {
            Some(violation) => Evaluation { row: None, violation },
            None => self.evaluate(point, programs.of(self, point).as_ref(), scratch),
        };
        let pairs = points.par_iter().zip(early).with_min_len(GRAIN);
        pairs.map_init(Scratch::default, evaluate).collect()
    }

    fn chunk(&self, id: u64, evaluations: impl Iterator<Item = Evaluation>) -> Chunk {
        let mut chunk = Chunk { id, rows: Vec::new(), points: 0, excluded: vec![0; self.constraints.names().count()] };
        for evaluation in evaluations {
            chunk.points += 1;
            match (evaluation.violation.first, evaluation.row) {
                (None, Some(row)) => chunk.rows.push(row),
                (Some(constraint), _) => {
                    if let Some(count) = chunk.excluded.get_mut(constraint) {
                        *count += 1;
                    }
                }
                (None, None) => {}
            }
        }
        chunk
    }
}

/// Gives chunks to the sink until one of both ends.
fn take(receiver: &Receiver<Chunk>, sink: &mut Sink<'_>) -> Result<(RunSummary, Vec<u64>), RunError> {
    let (mut summary, mut excluded) = (RunSummary::default(), Vec::new());
    for chunk in receiver {
        summary.rows += chunk.rows.len() as u64;
        summary.failed += chunk.rows.iter().filter(|row| row.outcome.is_err()).count() as u64;
        summary.excluded += chunk.excluded.iter().sum::<u64>();
        excluded.resize(chunk.excluded.len(), 0);
        for (sum, count) in excluded.iter_mut().zip(&chunk.excluded) {
            *sum += count;
        }
        sink(chunk)?;
    }
    Ok((summary, excluded))
}
