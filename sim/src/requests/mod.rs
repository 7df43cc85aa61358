//! Streams of inference requests: what a user waits when others ask too and precomputes must be stored somewhere.
//!
//! [`simulate`](crate::simulate()) times one inference. Here its phases become a [`Service`], requests arrive ([`Load`]:
//! Poisson or a trace), and a [`Policy`] decides when a client and a server prepare in the background what the online phase
//! of an inference uses up. A pair serves one inference at a time, in the order of arrival:
//!
//! 1. the request leaves the queue when a pair is free;
//! 2. it takes a stored precompute, or waits for the one that is being prepared;
//! 3. the online phase runs.
//!
//! If a precompute does not fit into the client's storage at all, every request runs its offline and its online phase on
//! demand. Storage is empty at the start. What has not been answered at the end of the simulated hours is *unserved*.
//!
//! Everything is deterministic: arrivals come from a ChaCha stream of their own for every (seed, rate, run), and results do
//! not depend on the number of threads. Between two events of a pair, any number of precomputes are counted in one step, so
//! that time is proportional to the number of requests, not to simulated seconds.
//!
//! ```
//! use pisim_sim::requests::{Load, Policy, RequestConfig, Service, simulate_requests};
//! let service = Service { offline_s: 478.0, online_s: 61.0, client_bytes: 10 << 30, server_bytes: 2 << 30, units: vec![] };
//! let config = RequestConfig {
//!     load: Load::Poisson { rates_per_s: vec![0.0005, 0.004], runs: 30, seed: 1 },
//!     policy: Policy::Published,
//!     ..RequestConfig::default()
//! };
//! let points = simulate_requests(&service, &config, &|| ())?;
//! // Below the capacity of 1 / 479 s a precompute is nearly always there; above it every request waits for one.
//! assert!(points[0].mean_s.unwrap() < 150.0 && points[1].mean_s.unwrap() > 400.0);
//! # Ok::<(), pisim_sim::requests::RequestError>(())
//! ```

mod arrivals;
mod config;
mod pair;
mod policy;
mod service;
mod stock;
mod summary;

pub use arrivals::parse_trace;
pub use config::{Load, MAX_REQUESTS, RequestConfig, RequestError};
pub use policy::Policy;
pub use service::{Plan, Service, UnitLoad};
pub use summary::{BusiestUnit, RatePoint};

use arrivals::Arrivals;
use rayon::prelude::*;

/// Simulates the requests of `config` on `service`: one point for every arrival rate, in their order, or a single one for a
/// trace. `progress` is called after every one of [`Load::simulations`] runs, from any thread.
///
/// # Errors
/// The configuration is impossible, or the server's storage does not hold one precompute.
pub fn simulate_requests(
    service: &Service,
    config: &RequestConfig,
    progress: &(dyn Fn() + Sync),
) -> Result<Vec<RatePoint>, RequestError> {
    config.check()?;
    let plan = Plan::new(service, config)?;
    let horizon_s = config.horizon_s();
    let runs: Vec<(usize, u32)> = match &config.load {
        Load::Poisson { rates_per_s, runs, .. } => {
            (0..rates_per_s.len()).flat_map(|rate| (0..*runs).map(move |run| (rate, run))).collect()
        }
        Load::Trace { .. } => vec![(0, 0)],
    };
    let mut results: Vec<pair::RunResult> = runs
        .into_par_iter()
        .map(|(rate, run)| {
            let result = pair::run(&plan, Arrivals::new(&config.load, rate, run, horizon_s), horizon_s);
            progress();
            result
        })
        .collect();
    let per_rate = config.load.runs() as usize;
    let rates = config.load.rates_per_s(horizon_s);
    let points = rates.par_iter().zip(results.par_chunks_mut(per_rate));
    Ok(points.map(|(&rate, runs)| summary::summarize(rate, runs, &plan, horizon_s)).collect())
}
