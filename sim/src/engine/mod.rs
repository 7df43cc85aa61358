//! The event engine: when each job runs, on units that work in order, and memories and cores that are shared fairly.
//!
//! It knows nothing of cryptography. A job occupies one unit from its start until its work is done, moves bytes through a
//! memory while it works (double buffering: whichever takes longer decides), and ends after a fixed latency that does not
//! occupy the unit. Some jobs have two stretches, of which only the bytes of the same one overlap with its work. Every unit starts its jobs strictly in the order given, one at
//! a time or as many as it has lanes; phases are barriers. Between two events all
//! rates are constant, so the engine jumps from one completion to the next and the result is exact for this model.
//!
//! Units may draw on a common pool of cores (processor sharing): while the jobs that run want more cores than there are,
//! every job gets the same number or what it wants, and works as much slower. A job that waits for memory keeps its cores.
//!
//! # What more hardware does
//!
//! Without memory traffic, a job's end is a composition of `max` and `+` over the jobs before it, because order on the
//! units is fixed: faster units, faster links, shorter latencies or less work never lengthen any phase, exactly.
//!
//! With memory traffic that need not hold: a unit that gets faster may start its next job early enough to take bandwidth
//! from a job that matters more. (A fixed priority would have the same anomaly; only a memory divided statically has
//! not.) The damage is bounded. While no memory is full, all jobs run at full speed and the longest path of what remains
//! shrinks as fast as the clock runs; a memory `m` can be full for no longer than `bytes_m / bandwidth_m`. A pool of cores
//! is like a memory through which core-seconds flow: while it is full and no memory is, they flow at full rate. Hence for
//! every phase `max(path, bytes_m / bandwidth_m) ≤ latency ≤ path + Σ_m bytes_m / bandwidth_m` with pools among the `m`, so
//! that no improvement ever makes a phase longer than `1 + memories + pools` times what it was. The property tests check both
//! bounds and measure the anomaly itself: on random jobs in which nearly everything moves bytes, more bandwidth lengthened 1 phase
//! of 16,312, by 0.25 %; on 20,000 real programs with scaled platforms it lengthened none. It is larger where links are as fast
//! as memories: on `haac-hbm2` with 1 Tbps each way, 4 to 32 memory channels shorten ResNet-32's online phase under `delphi` by
//! 0.4 % and lengthen its offline phase by 1.9 %. The closed form, which shares nothing, has no such anomaly.

mod clock;
mod error;
mod estimate;
mod graph;
mod phase;
mod workspace;

pub use error::EngineError;
pub(crate) use graph::{Graph, Node};
pub(crate) use workspace::Workspace;

/// Bytes that a job moves while it works.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Traffic {
    /// How many; zero means none.
    pub bytes: f64,
    /// The memory that they pass, an index into [`Machine::memories`].
    pub memory: usize,
    /// For a copy between two memories, the other one. The same memory again has no effect: count its bytes twice instead.
    pub copy_to: Option<usize>,
}

impl Traffic {
    /// The memory that a copy writes, if it is another one.
    fn other_memory(&self) -> Option<usize> {
        self.copy_to.filter(|other| *other != self.memory)
    }
}

/// A part of a job: its work, and the bytes that it moves meanwhile.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stretch {
    /// Seconds on its unit when nothing holds it back.
    pub work_s: f64,
    /// What passes the job's memory.
    pub bytes: f64,
}

impl Stretch {
    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.work_s <= 0.0 && self.bytes <= 0.0
    }
}

/// Cores that a job keeps busy, out of a pool that several units share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cores {
    /// The pool, an index into [`Machine::pools`].
    pub pool: usize,
    /// How many it keeps busy at full speed, on average over its work.
    pub count: f64,
}

/// One piece of work.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// The unit that does it, below [`Machine::units`].
    pub unit: usize,
    /// The phase it belongs to.
    pub phase: usize,
    /// Seconds on its unit when neither memory nor want of cores holds it back.
    pub work_s: f64,
    /// What it moves meanwhile.
    pub traffic: Option<Traffic>,
    /// Of its work and its bytes, the part that comes first, by itself. The rest starts when both are done.
    pub first: Stretch,
    /// The shared cores that it works on; `None` for a unit of its own.
    pub cores: Option<Cores>,
    /// Seconds between the unit's end of work and the job's end (propagation on a link).
    pub latency_s: f64,
    /// The jobs that must have ended before it starts: positions smaller than its own, in the same or an earlier phase.
    pub deps: Vec<usize>,
}

/// What jobs run on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Machine {
    /// Number of units; each starts its jobs in order.
    pub units: usize,
    /// Jobs that each unit runs at once, by unit: 1 where the list has no more, or 0.
    pub lanes: Vec<usize>,
    /// Bandwidth of every shared memory, bytes per second.
    pub memories: Vec<f64>,
    /// Cores of every shared pool.
    pub pools: Vec<f64>,
    /// Number of phases.
    pub phases: usize,
}

impl Machine {
    /// Jobs that a unit runs at once.
    fn lanes_of(&self, unit: usize) -> usize {
        self.lanes.get(unit).copied().unwrap_or(1).max(1)
    }
}

/// What decided a job's duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Its unit's speed.
    Work,
    /// Want of cores in its pool.
    Cores,
    /// A memory's bandwidth.
    Memory,
    /// The fixed latency at its end.
    Latency,
}

/// When one job ran, in seconds from the start of the first phase.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timing {
    /// Its unit took it.
    pub start_s: f64,
    /// Its unit was free again.
    pub released_s: f64,
    /// Its result was there: `released_s` plus the latency.
    pub end_s: f64,
    /// Seconds that it occupied its unit.
    pub busy_s: f64,
    /// What decided its duration.
    pub limit: Limit,
}

/// What happened in one phase.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PhaseTiming {
    /// From the phase's start to its last job's end.
    pub latency_s: f64,
    /// Seconds that each unit was occupied, averaged over its lanes.
    pub unit_busy_s: Vec<f64>,
    /// Bytes that passed each memory.
    pub memory_bytes: Vec<f64>,
    /// Core-seconds that each pool's jobs took: over its cores, a lower bound of the latency.
    pub pool_core_s: Vec<f64>,
    /// Longest chain of jobs, by dependencies and by order on units, at full speed: a lower bound of the latency.
    pub path_s: f64,
    /// Work of each unit's jobs at full speed, over its lanes: a lower bound of the latency.
    pub unit_work_s: Vec<f64>,
}

/// The result of [`run`].
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Every job, in the order given.
    pub jobs: Vec<Timing>,
    /// Every phase.
    pub phases: Vec<PhaseTiming>,
}

/// What a job takes, apart from its place among the others. Many jobs of a program take the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Load {
    /// As [`Job::work_s`].
    pub work_s: f64,
    /// As [`Job::traffic`].
    pub traffic: Option<Traffic>,
    /// As [`Job::first`].
    pub first: Stretch,
    /// As [`Job::cores`].
    pub cores: Option<Cores>,
    /// As [`Job::latency_s`].
    pub latency_s: f64,
}

impl Load {
    /// What a job does last, or all of it if it has one stretch.
    fn rest(&self) -> Stretch {
        let bytes = self.traffic.map_or(0.0, |traffic| traffic.bytes);
        if self.first.is_empty() {
            return Stretch { work_s: self.work_s, bytes };
        }
        Stretch { work_s: (self.work_s - self.first.work_s).max(0.0), bytes: (bytes - self.first.bytes).max(0.0) }
    }

    /// The stretches of a job, of which the first may be empty.
    fn stretches(&self) -> [Stretch; 2] {
        [self.first, self.rest()]
    }
}

/// Runs `jobs` on `machine`. Phase by phase, each on its own clock, so that a phase's latency does not depend on the
/// phases before it.
///
/// # Errors
/// A job names what does not exist, waits for what does not run before it, or has an impossible quantity.
pub fn run(machine: &Machine, jobs: &[Job]) -> Result<Schedule, EngineError> {
    let node = |(load, job): (usize, &Job)| Node { unit: job.unit, phase: job.phase, load };
    let nodes = jobs.iter().enumerate().map(node).collect();
    let graph = Graph::new(machine.units, machine.phases, nodes, jobs.iter().map(|job| job.deps.as_slice()))?;
    let loads: Vec<Load> = jobs
        .iter()
        .map(|job| Load {
            work_s: job.work_s,
            traffic: job.traffic,
            first: job.first,
            cores: job.cores,
            latency_s: job.latency_s,
        })
        .collect();
    let mut workspace = Workspace::default();
    graph.run(machine, &loads, &mut workspace)?;
    Ok(Schedule { jobs: workspace.timings, phases: workspace.phases })
}
