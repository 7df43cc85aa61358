//! `pisim hardware memory`.

use crate::args::MemoryArgs;
use crate::output::{Output, table};
use anyhow::Result;
use pisim_hw_models::dram::{Access, AddressMapping, Device, DramSystem, Pattern, ReadShare, Run};
use rayon::prelude::*;
use serde::Serialize;

/// Dependent reads whose mean is the latency.
const LATENCY_REQUESTS: u64 = 10_000;

/// One pattern on one memory.
#[derive(Serialize)]
struct Answer {
    device: &'static str,
    source: &'static str,
    pattern: String,
    mapping: AddressMapping,
    interleave: pisim_hw_models::dram::Interleave,
    channels: u64,
    ranks: u64,
    /// `reference`, request by request, or `closed-form`.
    method: &'static str,
    peak_bytes_per_s: f64,
    bandwidth_bytes_per_s: f64,
    /// Bandwidth over peak, 0 to 1, refresh included.
    efficiency: f64,
    closed_form_efficiency: f64,
    /// The part of the moved bytes that was asked for, and the bandwidth of those.
    useful_share: f64,
    useful_bytes_per_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_share: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue_depth: Option<u64>,
    /// An unloaded read of a random line, one at a time.
    latency_s: f64,
    energy_j_per_bit: f64,
    #[serde(flatten)]
    counts: Option<Counted>,
}

/// What a simulation counts.
#[derive(Serialize)]
struct Counted {
    requests: u64,
    clocks: u64,
    row_hits: u64,
    activates: u64,
    refreshes: u64,
}

pub fn run(args: &MemoryArgs, output: Output) -> Result<()> {
    let system = DramSystem {
        device: Device::named(&args.device)?,
        channels: args.channels,
        ranks: args.ranks,
        mapping: args.mapping.into(),
        interleave: args.interleave.into(),
    };
    system.check()?;
    let device = system.device;
    let latency_s = if args.closed_form { device.expected_latency_s() } else { device.latency_s(LATENCY_REQUESTS) };
    let requests = (!args.closed_form).then(|| args.requests.unwrap_or_else(|| system.usual_requests()));
    let access = |pattern| Access { pattern, read_share: args.read_share, queue_depth: args.queue_depth };
    let answer = |pattern| answer(&system, access(pattern), requests, latency_s);
    if let Some(pattern) = args.pattern {
        system.check_access(access(pattern))?;
        let answer = answer(pattern);
        return output.print(&answer, || text(std::slice::from_ref(&answer)));
    }
    let answers: Vec<Answer> = Pattern::STANDARD.into_par_iter().map(answer).collect();
    output.print(&answers, || text(&answers))
}

fn answer(system: &DramSystem, access: Access, requests: Option<u64>, latency_s: f64) -> Answer {
    let Access { pattern, read_share, queue_depth } = access;
    let closed_form = system.expected_efficiency(access);
    let run = requests.map(|requests| system.run(access, requests));
    let efficiency = run.as_ref().map_or(closed_form, |run| run.efficiency);
    let counted = |run: &Run| Counted {
        requests: run.requests,
        clocks: run.clocks,
        row_hits: run.row_hits(),
        activates: run.counts.activates,
        refreshes: run.counts.refreshes,
    };
    Answer {
        device: system.device.name,
        source: system.device.source,
        pattern: pattern.to_string(),
        mapping: system.mapping,
        interleave: system.interleave,
        channels: system.channels,
        ranks: system.ranks,
        method: if run.is_some() { "reference" } else { "closed-form" },
        peak_bytes_per_s: system.peak_bytes_per_s(),
        bandwidth_bytes_per_s: system.peak_bytes_per_s() * efficiency,
        efficiency,
        closed_form_efficiency: closed_form,
        useful_share: pattern.useful(),
        useful_bytes_per_s: system.peak_bytes_per_s() * efficiency * pattern.useful(),
        read_share: read_share.map(ReadShare::share),
        queue_depth,
        latency_s,
        energy_j_per_bit: run.as_ref().map_or_else(
            || system.expected_energy_per_bit_j(access),
            |run| system.energy_per_bit_j(run.counts.activates as f64 / run.requests.max(1) as f64),
        ),
        counts: run.as_ref().map(counted),
    }
}

fn text(answers: &[Answer]) -> String {
    let header = ["pattern", "GB/s", "of peak", "closed form", "row hits", "activates", "pJ/bit"];
    let count = |count: Option<u64>| count.map_or_else(|| "–".to_owned(), |count| count.to_string());
    let rows = answers.iter().map(|answer| {
        [
            answer.pattern.clone(),
            format!("{:.2}", answer.bandwidth_bytes_per_s / 1e9),
            format!("{:.1} %", 100.0 * answer.efficiency),
            format!("{:.1} %", 100.0 * answer.closed_form_efficiency),
            count(answer.counts.as_ref().map(|counted| counted.row_hits)),
            count(answer.counts.as_ref().map(|counted| counted.activates)),
            format!("{:.1}", 1e12 * answer.energy_j_per_bit),
        ]
    });
    let rows = table(&header, &[1, 2, 3, 4, 5, 6], rows);
    let Some(first) = answers.first() else { return rows };
    let useful = answers.iter().filter(|answer| answer.useful_share < 1.0).map(|answer| {
        let (useful, share) = (answer.useful_bytes_per_s / 1e9, 100.0 * answer.useful_share);
        format!("{}: {useful:.2} GB/s of that useful, {share:.1} %; the rest fills lines of 64 bytes\n", answer.pattern)
    });
    let useful: String = useful.collect();
    let (peak, latency) = (first.peak_bytes_per_s / 1e9, 1e9 * first.latency_s);
    format!(
        "{}: {} channel(s), {} rank(s), {peak:.2} GB/s at most, {latency:.0} ns unloaded\nsource: {}\n{rows}{useful}",
        first.device, first.channels, first.ranks, first.source
    )
}
