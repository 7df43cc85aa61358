//! Runs a sweep: chunk by chunk, in parallel, in an order that depends on nothing but the file.

use super::evaluate::{Evaluation, Scratch};
use super::plan::{CHUNK_POINTS, Method, Point, Sweep};
use super::programs::Programs;
use super::row::PointRow;
use super::sampling::Sampling;
use super::search::Search;
use rayon::prelude::*;
use std::error::Error;
use std::ops::Range;
use std::sync::mpsc::{Receiver, SendError, SyncSender, sync_channel};
use thiserror::Error;

/// Points that are evaluated together, so that no core waits at the end of each chunk.
const BATCH_POINTS: u64 = 8192;

/// Points that a thread takes at once.
const GRAIN: usize = 16;

/// Chunks that wait for whoever takes them. Rows with layers are large.
const WAITING: usize = 16;

/// Points in a row that are evaluated and given together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its number, for whoever takes it.
    pub number: u64,
    /// Its points.
    pub points: Range<u64>,
}

/// Points in a row, all evaluated.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    /// Which points.
    pub part: Part,
    /// Their rows, in order. Points that constraints left out, and those that a search did not need, have none.
    pub rows: Vec<PointRow>,
    /// How many each constraint left out, in the order of [`Sweep::constraint_names`].
    pub excluded: Vec<u64>,
}

impl Chunk {
    fn new(part: Part, constraints: usize) -> Self {
        Self { part, rows: Vec::new(), excluded: vec![0; constraints] }
    }

    fn add(&mut self, evaluation: Evaluation) {
        match (evaluation.violation.first, evaluation.row) {
            (None, Some(row)) => self.rows.push(row),
            (Some(constraint), _) => {
                if let Some(count) = self.excluded.get_mut(constraint) {
                    *count += 1;
                }
            }
            (None, None) => {}
        }
    }
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

    /// All points, as parts of [`CHUNK_POINTS`].
    pub fn parts(&self) -> Vec<Part> {
        let start = |number: u64| number.saturating_mul(CHUNK_POINTS);
        let part = |number| Part { number, points: start(number)..start(number + 1).min(self.points()) };
        (0..self.points().div_ceil(CHUNK_POINTS)).map(part).collect()
    }

    /// Runs parts of a sweep on all cores; their points must rise. Chunks go to `sink` in the order of the parts, which is called
    /// from another thread while evaluation goes on. A point that cannot be evaluated is a row with its error. What a part gives
    /// depends on nothing but the sweep, so that shards and resumed runs leave out parts; a search goes through all points up to
    /// the last that is asked for, since each generation follows from the one before.
    ///
    /// # Errors
    /// The parts are the whole sweep and constraints leave out every point of it, or the sink fails.
    pub fn run(&self, parts: &[Part], sink: &mut Sink<'_>) -> Result<RunSummary, RunError> {
        let (sender, receiver) = sync_channel(if self.layers { 1 } else { WAITING });
        let (summary, excluded) = std::thread::scope(|scope| {
            let taker = scope.spawn(move || take(&receiver, sink));
            // Nobody takes chunks any more after a failure, which the taker tells.
            let _ = match &self.method {
                Method::Sampled(sampling) => self.run_sampled(sampling, parts, &sender),
                Method::Search(search) => self.run_search(search, parts, &sender),
            };
            drop(sender);
            taker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })?;
        let asked: u64 = parts.iter().map(|part| part.points.end - part.points.start).sum();
        if summary.rows == 0 && summary.excluded > 0 && asked == self.points() {
            let by = self.constraint_names().into_iter().zip(excluded).filter(|(_, count)| *count > 0);
            let by = by.map(|(name, count)| format!("`{name}` {count}")).collect();
            return Err(RunError::AllExcluded { points: summary.excluded, by });
        }
        Ok(summary)
    }

    fn run_sampled(&self, sampling: &Sampling, parts: &[Part], sender: &SyncSender<Chunk>) -> Sent {
        let mut programs = Programs::default();
        let mut rest = parts;
        let together = if self.layers { 1 } else { BATCH_POINTS };
        while !rest.is_empty() {
            let mut points = 0;
            let last = rest.iter().position(|part| {
                points += part.points.end - part.points.start;
                points >= together
            });
            let (batch, later) = rest.split_at(last.map_or(rest.len(), |last| last + 1));
            rest = later;
            let indices: Vec<u64> = batch.iter().flat_map(|part| part.points.clone()).collect();
            let points = indices.into_par_iter().with_min_len(GRAIN).map(|index| self.sampled_point(sampling, index));
            let mut evaluations = self.evaluate_all(&points.collect::<Vec<_>>(), &mut programs).into_iter();
            for part in batch {
                let length = part.points.end - part.points.start;
                let mut chunk = Chunk::new(part.clone(), self.constraints.names().count());
                evaluations.by_ref().take(length as usize).for_each(|evaluation| chunk.add(evaluation));
                sender.send(chunk)?;
            }
        }
        Ok(())
    }

    fn run_search(&self, search: &Search, parts: &[Part], sender: &SyncSender<Chunk>) -> Sent {
        let mut programs = Programs::default();
        let mut chunks = parts.iter().map(|part| Chunk::new(part.clone(), self.constraints.names().count())).peekable();
        for combination in 0..self.combinations() {
            let mut algorithm = search.start(&self.axes, combination);
            for generation in 0..search.generations {
                if chunks.peek().is_none() {
                    return Ok(());
                }
                let start = (combination * search.generations + generation) * search.population as u64;
                let genomes = algorithm.ask();
                let point = |(position, genome): (usize, &Vec<f64>)| {
                    self.bred_point(start + position as u64, combination, genome)
                };
                let points: Vec<Point> = genomes.iter().enumerate().map(point).collect();
                let evaluations = self.evaluate_all(&points, &mut programs);
                let individuals = genomes.iter().zip(&evaluations);
                let individual = |(genome, evaluation): (&Vec<f64>, _)| search.individual(genome.clone(), evaluation);
                algorithm.tell(individuals.map(individual).collect());
                for (index, evaluation) in (start..).zip(evaluations) {
                    while let Some(chunk) = chunks.next_if(|chunk| chunk.part.points.end <= index) {
                        sender.send(chunk)?;
                    }
                    if let Some(chunk) = chunks.peek_mut().filter(|chunk| chunk.part.points.contains(&index)) {
                        chunk.add(evaluation);
                    }
                }
            }
        }
        chunks.try_for_each(|chunk| sender.send(chunk))
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
}

/// Whether the chunks were taken.
type Sent = Result<(), SendError<Chunk>>;

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
