//! Why jobs cannot run.

use thiserror::Error;

/// Why a set of jobs cannot run.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum EngineError {
    /// A job names a unit, memory, pool or phase that does not exist.
    #[error("job {job} uses {what} {index}, but there are only {count}")]
    OutOfRange {
        /// The job's position.
        job: usize,
        /// `unit`, `memory`, `pool` or `phase`.
        what: &'static str,
        /// What it named.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// A dependency points forward, or to a later phase.
    #[error("job {job} waits for job {dep}, which does not run before it")]
    Dependency {
        /// The job's position.
        job: usize,
        /// The position that it waits for.
        dep: usize,
    },
    /// A quantity is negative or not finite.
    #[error("job {job}: {what} is {value}, which is not a finite number of at least zero")]
    Quantity {
        /// The job's position.
        job: usize,
        /// `work`, `latency`, `bytes` or `cores`.
        what: &'static str,
        /// Its value.
        value: f64,
    },
    /// A memory's bandwidth is not positive and finite.
    #[error("memory {memory} has a bandwidth of {bandwidth} bytes per second; it must be positive and finite")]
    Bandwidth {
        /// Its index.
        memory: usize,
        /// Its bandwidth.
        bandwidth: f64,
    },
    /// A pool has no cores.
    #[error("pool {pool} has {cores} cores; they must be positive and finite")]
    Pool {
        /// Its index.
        pool: usize,
        /// Its cores.
        cores: f64,
    },
    /// The sum of all durations exceeds the largest number.
    #[error("the jobs take longer than can be represented")]
    Endless,
}
