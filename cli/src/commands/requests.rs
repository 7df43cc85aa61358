//! `pisim requests`: a stream of requests to one network, protocol and platform.

use crate::Outcome;
use crate::args::{Rates, RequestsArgs};
use crate::output::{self, Output};
use crate::plot::Plot;
use crate::select;
use anyhow::{Context, Result};
use pisim_protocol::Protocol;
use pisim_reports::figures::{self, Columns};
use pisim_reports::{RequestSeries, tables};
use pisim_sim::requests::{
    Load, MAX_REQUESTS, Plan, RatePoint, RequestConfig, Service, parse_trace, simulate_requests,
};
use pisim_sim::{Simulation, simulate};
use serde::Serialize;
use std::fs;
use std::io::BufReader;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Rates when none are named.
const DEFAULT_RATES: usize = 8;

/// One object of the answer.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    point: &'a RatePoint,
    network: &'a str,
    protocol: &'a str,
    hardware: &'a str,
    policy: String,
    offline_s: f64,
    online_s: f64,
}

pub fn run(args: &RequestsArgs, output: Output) -> Result<Outcome> {
    // A folder that is not there is found before the simulation, not after it.
    let plot = args.plot.as_deref().map(Plot::new).transpose()?;
    let mut config = RequestConfig {
        hours: args.hours,
        client_storage_bytes: args.client_storage.bytes(),
        server_storage_bytes: args.server_storage.bytes(),
        policy: args.policy,
        ..RequestConfig::default()
    };
    if let Some(path) = &args.trace {
        config.load = Load::Trace { times_s: read_trace(path)? };
    }
    let simulations = simulations(args)?;
    let services: Vec<Service> = simulations.iter().map(Service::new).collect();
    if args.trace.is_none() {
        let rates = match &args.rates {
            Some(rates) => rates.clone(),
            None => default_rates(&services, &config)?,
        };
        let runs = args.runs.unwrap_or_else(|| default_runs(&rates, &config));
        config.load = Load::Poisson { rates_per_s: rates.0, runs, seed: args.seed };
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.threads.map_or(0, usize::from)).build()?;
    let series = pool.install(|| all_series(&simulations, services, &config))?;
    if let Some(plot) = plot {
        plot.write(&figures::requests(&series, Columns::Two))?;
    }
    let rows: Vec<Row> = series.iter().flat_map(rows_of).collect();
    output.print(&rows, || match &args.plot {
        Some(path) => format!("{}\n\nFigure: {}", tables::requests(&series), path.display()),
        None => tables::requests(&series),
    })?;
    Ok(Outcome::Done)
}

/// One inference under every protocol, on the platform with the changes that were asked for.
fn simulations(args: &RequestsArgs) -> Result<Vec<Simulation>> {
    let network = select::network(&args.network, &args.options)?;
    let platform = args.changes.platform(&args.hardware)?;
    let simulation = |name: &String| {
        let program = select::program(&network, &Protocol::load(name)?, name)?;
        Ok(simulate(&program, &platform)?)
    };
    args.protocol.iter().map(simulation).collect()
}

/// Rates around the capacities of all services.
pub(super) fn default_rates(services: &[Service], config: &RequestConfig) -> Result<Rates> {
    let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
    for service in services {
        let capacity = service.capacity_per_s(config)?;
        (low, high) = (low.min(capacity), high.max(capacity));
    }
    Ok(Rates::linear(low / 4.0, 1.5 * high, DEFAULT_RATES))
}

/// Runs when no number is named: as many as can be simulated, up to 30.
fn default_runs(rates: &Rates, config: &RequestConfig) -> u32 {
    let requests = rates.0.iter().sum::<f64>() * config.horizon_s();
    (MAX_REQUESTS / requests).clamp(1.0, 30.0) as u32
}

pub(super) fn all_series(
    simulations: &[Simulation],
    services: Vec<Service>,
    config: &RequestConfig,
) -> Result<Vec<RequestSeries>> {
    let bar = SlowBar::new(config.load.simulations() * services.len());
    let mut all = Vec::new();
    for (simulation, service) in simulations.iter().zip(services) {
        let under = || format!("{} under {}", simulation.network, simulation.protocol);
        let points = simulate_requests(&service, config, &|| bar.step()).with_context(under)?;
        let slots = Plan::new(&service, config)?.slots();
        all.push(RequestSeries {
            network: simulation.network.clone(),
            protocol: simulation.protocol.clone(),
            hardware: simulation.hardware.clone(),
            policy: config.policy,
            service,
            slots: (slots < u64::MAX).then_some(slots),
            points,
        });
    }
    bar.bar.finish_and_clear();
    Ok(all)
}

fn rows_of(series: &RequestSeries) -> impl Iterator<Item = Row<'_>> {
    series.points.iter().map(|point| Row {
        point,
        network: &series.network,
        protocol: &series.protocol,
        hardware: &series.hardware,
        policy: series.policy.to_string(),
        offline_s: series.service.offline_s,
        online_s: series.service.online_s,
    })
}

fn read_trace(path: &Path) -> Result<Vec<f64>> {
    let file = fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse_trace(BufReader::new(file)).with_context(|| path.display().to_string())
}

/// A progress bar that appears after a second.
struct SlowBar {
    bar: indicatif::ProgressBar,
    start: Instant,
    shown: AtomicBool,
}

impl SlowBar {
    fn new(steps: usize) -> Self {
        let bar = output::progress(steps, "simulating requests");
        bar.set_draw_target(indicatif::ProgressDrawTarget::hidden());
        Self { bar, start: Instant::now(), shown: AtomicBool::new(false) }
    }

    fn step(&self) {
        self.bar.inc(1);
        if self.start.elapsed() > Duration::from_secs(1) && !self.shown.swap(true, Ordering::Relaxed) {
            self.bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
        }
    }
}
