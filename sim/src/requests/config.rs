//! What is asked for, checked once.

use super::policy::Policy;
use thiserror::Error;

/// Requests that are simulated at most in one call, all rates and runs together: their times are kept for the quantiles,
/// 16 bytes each.
pub const MAX_REQUESTS: f64 = 5e7;

/// Hours that are simulated at most: a year.
const MAX_HOURS: f64 = 8760.0;

/// Runs of each rate at most.
const MAX_RUNS: u32 = 100_000;

/// How requests arrive.
#[derive(Debug, Clone, PartialEq)]
pub enum Load {
    /// At random, independently of each other.
    Poisson {
        /// Mean arrival rates, requests per second.
        rates_per_s: Vec<f64>,
        /// Independent runs of every rate.
        runs: u32,
        /// The seed of all arrivals.
        seed: u64,
    },
    /// At given times.
    Trace {
        /// Seconds from the start, in order.
        times_s: Vec<f64>,
    },
}

impl Load {
    /// Runs of each rate.
    pub fn runs(&self) -> u32 {
        match self {
            Self::Poisson { runs, .. } => *runs,
            Self::Trace { .. } => 1,
        }
    }

    /// How many runs there are in all.
    pub fn simulations(&self) -> usize {
        match self {
            Self::Poisson { rates_per_s, runs, .. } => rates_per_s.len().saturating_mul(*runs as usize),
            Self::Trace { .. } => 1,
        }
    }

    /// The rates; a trace has its mean rate.
    pub(super) fn rates_per_s(&self, horizon_s: f64) -> Vec<f64> {
        match self {
            Self::Poisson { rates_per_s, .. } => rates_per_s.clone(),
            Self::Trace { times_s } => vec![times_s.len() as f64 / horizon_s],
        }
    }
}

/// A request-level simulation.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestConfig {
    /// How requests arrive.
    pub load: Load,
    /// Simulated hours.
    pub hours: f64,
    /// Bytes that the client of a pair has for precomputes.
    pub client_storage_bytes: u64,
    /// Bytes that the server of a pair has for precomputes.
    pub server_storage_bytes: u64,
    /// When precomputes are made.
    pub policy: Policy,
}

impl Default for RequestConfig {
    /// A request every 1,000 seconds for a day, 30 runs; 64 GB at the client, 10 TB at the server; the published policy.
    fn default() -> Self {
        Self {
            load: Load::Poisson { rates_per_s: vec![0.001], runs: 30, seed: 0 },
            hours: 24.0,
            client_storage_bytes: 64_000_000_000,
            server_storage_bytes: 10_000_000_000_000,
            policy: Policy::Published,
        }
    }
}

/// Why requests cannot be simulated.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum RequestError {
    /// An arrival rate is zero, negative or not a number: without requests there is no time to report.
    #[error("an arrival rate of {rate_per_s} requests per second; expected a number above 0")]
    Rate {
        /// The rate.
        rate_per_s: f64,
    },
    /// There are no rates.
    #[error("no arrival rates; expected at least one")]
    NoRates,
    /// Simulated hours out of range.
    #[error("{hours} simulated hours; expected more than 0 and up to {MAX_HOURS}")]
    Hours {
        /// The hours.
        hours: f64,
    },
    /// Runs out of range.
    #[error("{runs} runs; expected 1 to {MAX_RUNS}")]
    Runs {
        /// The runs.
        runs: u32,
    },
    /// More requests than can be kept.
    #[error(
        "about {expected:.0} requests would arrive, more than {MAX_REQUESTS:.0}; lower the rates, the hours or the runs"
    )]
    TooMany {
        /// Expected requests of all rates and runs.
        expected: f64,
    },
    /// The number of servers is impossible.
    #[error("policy {policy} is impossible; expected servers:N with N from 1 to 1024")]
    Policy {
        /// The policy.
        policy: Policy,
    },
    /// A phase's time is negative or not finite, or the online phase takes none.
    #[error(
        "an offline phase of {offline_s} s and an online phase of {online_s} s; expected finite times, online above 0"
    )]
    Service {
        /// Seconds of the offline phase.
        offline_s: f64,
        /// Seconds of the online phase.
        online_s: f64,
    },
    /// The server cannot store one precompute: no request could ever be served.
    #[error("the server's storage of {storage_bytes} bytes does not hold one precompute of {precompute_bytes} bytes")]
    ServerStorage {
        /// What it has.
        storage_bytes: u64,
        /// What it needs.
        precompute_bytes: u64,
    },
    /// A trace's line is no arrival time, or out of order.
    #[error("line {line}: {problem}")]
    Trace {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it, and what was expected.
        problem: String,
    },
    /// A trace has no arrival.
    #[error("no arrival times; expected one number of seconds per line")]
    EmptyTrace,
}

impl RequestConfig {
    /// Simulated seconds.
    pub fn horizon_s(&self) -> f64 {
        self.hours * 3600.0
    }

    /// Whether everything is possible. Storage is judged when the service is known.
    ///
    /// # Errors
    /// The first thing that is not.
    pub fn check(&self) -> Result<(), RequestError> {
        if !(self.hours > 0.0 && self.hours <= MAX_HOURS) {
            return Err(RequestError::Hours { hours: self.hours });
        }
        if !self.policy.is_possible() {
            return Err(RequestError::Policy { policy: self.policy });
        }
        match &self.load {
            Load::Poisson { rates_per_s, runs, .. } => {
                if *runs == 0 || *runs > MAX_RUNS {
                    return Err(RequestError::Runs { runs: *runs });
                }
                if rates_per_s.is_empty() {
                    return Err(RequestError::NoRates);
                }
                if let Some(&rate_per_s) = rates_per_s.iter().find(|rate| !(rate.is_finite() && **rate > 0.0)) {
                    return Err(RequestError::Rate { rate_per_s });
                }
                let expected = rates_per_s.iter().sum::<f64>() * self.horizon_s() * f64::from(*runs);
                // Also for rates that are hardly above zero, every run costs a moment.
                if expected.max(self.load.simulations() as f64) > MAX_REQUESTS {
                    return Err(RequestError::TooMany { expected });
                }
            }
            Load::Trace { times_s } => check_trace(times_s, self.horizon_s())?,
        }
        Ok(())
    }
}

/// A trace's times are in order, and before the end.
fn check_trace(times_s: &[f64], horizon_s: f64) -> Result<(), RequestError> {
    if times_s.is_empty() {
        return Err(RequestError::EmptyTrace);
    }
    if times_s.len() as f64 > MAX_REQUESTS {
        return Err(RequestError::TooMany { expected: times_s.len() as f64 });
    }
    let mut before = 0.0;
    for (position, &time) in times_s.iter().enumerate() {
        let line = position + 1;
        if time.is_nan() || time < before {
            let problem = format!("{time} s is before {before} s; expected arrival times in order, from 0 on");
            return Err(RequestError::Trace { line, problem });
        }
        if time >= horizon_s {
            let problem = format!("{time} s is not within the simulated {horizon_s} s; simulate more hours");
            return Err(RequestError::Trace { line, problem });
        }
        before = time;
    }
    Ok(())
}
