//! `pisim verify`: the real two-party protocol, held against the integer reference and the predicted work.
//!
//! It checks answers and work, not security. What the protocol promises is in the backend's documentation; its 40 bits of
//! statistical security are those of one coefficient of a reply, and σ − log₂(coefficients of all replies) is the bound for
//! the inference that runs here.

use super::against::Against;
use crate::Outcome;
use crate::args::{Garbler, VerifyArgs};
use crate::image::Picture;
use crate::output::{self, Output};
use crate::select::{self, Ready};
use anyhow::{Context, Result, bail};
use pisim_backend::{Seed, Verification, verify_after};
use pisim_netgen::random_input;
use pisim_protocol::{CircuitCounts, Party, Phase, Program, Protocol, Work};
use pisim_reports::{Disagreement, VerificationSummary, tables};

/// More weights than this (4 bytes each, and more while they are used) are refused before any memory is asked for.
pub const MAX_WEIGHTS: u64 = 1 << 30;

/// So are runs that keep more bytes than this from the offline to the online phase, in memory and temporary files.
const MAX_STORED_BYTES: u64 = 1 << 35;

pub fn run(args: &VerifyArgs, output: Output) -> Result<Outcome> {
    if let Some(threads) = args.threads {
        rayon::ThreadPoolBuilder::new().num_threads(usize::from(threads)).build_global()?;
    }
    let chosen = select::choose(&args.network, &args.options)?;
    let mut protocol = Protocol::load(&args.protocol)?;
    protocol.garbler = match args.garbler {
        Some(Garbler::Server) => Party::Server,
        Some(Garbler::Client) => Party::Client,
        None => protocol.garbler,
    };
    let network = chosen.prepare_on(args.samples.as_deref(), &protocol, &args.protocol)?;
    let program = &network.program;
    let mut against = args.hardware.as_deref().map(Against::named).transpose()?;
    let image = args.image.clone().map(Picture::File);
    for _ in 0..args.warmup.unwrap_or(u16::from(against.is_some())) {
        run_after(&network, image.as_ref(), args.seed, args.memory.bytes(), &mut || ())?;
    }
    let mut runs = Vec::new();
    for _ in 0..args.runs {
        let mut started = Ok(());
        let mut ready = || started = against.as_mut().map_or(Ok(()), Against::start);
        let mut run = run_after(&network, image.as_ref(), args.seed, args.memory.bytes(), &mut ready)?;
        started?;
        run.predicted_s = against.as_mut().map(|against| against.finish(program, &run)).transpose()?;
        runs.push(run);
    }
    let summary = VerificationSummary::of_runs(runs).context("no run")?;
    if let Some(times) = &summary.predicted_s
        && times.one_machine
        && times.cores != summary.threads as u64
    {
        output::remark(&format!(
            "the platform has {} cores, the run used {} threads: their times are not comparable",
            times.cores, summary.threads
        ));
    }
    output.print(&summary, || tables::verification(&summary))?;
    Ok(if summary.passed() { Outcome::Done } else { Outcome::CheckFailed })
}

/// Runs a network privately with seeded masks, and weights of its file or seeded ones; compares outputs and work.
pub fn private_run(
    ready: &Ready,
    image: Option<&Picture>,
    seed: u64,
    memory_bytes: u64,
) -> Result<VerificationSummary> {
    run_after(ready, image, seed, memory_bytes, &mut || ())
}

/// Refuses programs whose real run would need more memory than any machine that it is meant for.
pub fn refuse_too_large(program: &Program) -> Result<()> {
    let network = &program.network.network;
    if network.params() > MAX_WEIGHTS {
        bail!("{} has {} parameters; a real run takes at most {MAX_WEIGHTS}", network.name, network.params());
    }
    let work = program.work_of(|_| true);
    let stored = work.stored_client_bytes.saturating_add(work.stored_server_bytes);
    if stored > MAX_STORED_BYTES {
        bail!(
            "{} would keep {stored} bytes for its online phase; a run takes at most {MAX_STORED_BYTES}",
            network.name
        );
    }
    Ok(())
}

/// As [`private_run`], and calls `start` right before the parties start.
fn run_after(
    ready: &Ready,
    image: Option<&Picture>,
    seed: u64,
    memory_bytes: u64,
    start: &mut dyn FnMut(),
) -> Result<VerificationSummary> {
    let program = &ready.program;
    refuse_too_large(program)?;
    let network = &program.network.network;
    let (shape, format) = (network.input, program.network.format);
    let input = match image {
        Some(picture) => picture.values(shape, format)?,
        None => random_input(shape, format, seed),
    };
    tracing::info!(
        network = network.name,
        seed,
        parameters = network.params(),
        random_weights = !ready.has_weights(),
        "running both parties"
    );
    let weights = ready.weights(seed);
    let secret = Seed::reproducible(seed);
    let seeds = [secret.derive("client", 0), secret.derive("server", 0)];
    let progress = output::progress(program.steps.len(), &network.name);
    let verification = verify_after(program, &weights, &input, seeds, memory_bytes, start, &mut |step| {
        progress.inc(1);
        progress.set_message(format!("{:?}", step.phase).to_lowercase());
    });
    progress.finish_and_clear();
    let mut summary = summarise(program, &verification?);
    summary.answer = image.map(|picture| format!("{} is class {}", picture.name(), summary.answer.unwrap_or_default()));
    Ok(summary)
}

/// Counted circuits by what they are for.
fn circuits(counts: CircuitCounts) -> std::collections::BTreeMap<String, u64> {
    let CircuitCounts { activations, max_pools, rescales } = counts;
    let named = [("activations", activations), ("max_pools", max_pools), ("rescales", rescales)];
    named.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
}

fn summarise(program: &Program, run: &Verification) -> VerificationSummary {
    let total = run.execution.total(program);
    let named = |step: usize| {
        let kind = program.steps.get(step).map(|step| format!(" {:?}", step.kind)).unwrap_or_default();
        format!("{step}{kind}")
    };
    let differing: std::collections::BTreeSet<usize> = run.mispredictions.iter().map(|wrong| wrong.step).collect();
    let wall = |phase| run.execution.wall(program, phase).as_secs_f64();
    let likely = run.execution.outputs.iter().enumerate().max_by_key(|(_, logit)| **logit).map(|(class, _)| class);
    VerificationSummary {
        network: program.network.network.name.clone(),
        protocol: program.protocol.name.clone(),
        outputs: run.reference.len() as u64,
        mismatches: run.mismatches as u64,
        exact: run.mismatches == 0,
        steps: program.steps.len() as u64,
        steps_matching: (program.steps.len() - differing.len()) as u64,
        work_matches: differing.is_empty(),
        circuits: circuits(run.execution.circuit_counts(program)),
        work: Work::FIELDS.iter().map(|field| (*field).to_owned()).zip(total.values()).collect(),
        wall_s: Phase::ALL.iter().map(|phase| (format!("{phase:?}").to_lowercase(), wall(*phase))).collect(),
        median_wall_s: Default::default(),
        threads: rayon::current_num_threads(),
        runs: 1,
        predicted_s: None,
        prediction: run
            .mispredictions
            .iter()
            .map(|wrong| Disagreement {
                step: named(wrong.step),
                field: wrong.field.to_owned(),
                predicted: wrong.predicted,
                counted: wrong.counted,
            })
            .collect(),
        answer: likely.map(|class| class.to_string()),
    }
}
