//! `pisim sweep`: many points, resumable, in shards.

mod answer;
mod columns;
mod show;

pub use show::text_of;

use crate::Outcome;
use crate::args::{MergeArgs, SweepArgs, SweepCommand};
use crate::output::{self, Output};
use answer::Answer;
use anyhow::{Result, bail};
use pisim_reports::results::{Existing, Manifest, POINTS_OPTION, ResultsFolder, RunNote, Schema, merge};
use pisim_sim::sweep::Sweep;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// The folder in which every sweep has one of its own when none is named.
const DEFAULT_OUT: &str = "out/sweeps";

pub fn run(args: &SweepArgs, output: Output) -> Result<Outcome> {
    match (&args.command, &args.sweep) {
        (Some(SweepCommand::Merge(args)), _) => merged(args, output),
        (Some(SweepCommand::Show(args)), _) => show::run(args, output),
        (Some(SweepCommand::Columns(args)), _) => columns::run(args, output),
        (None, Some(name)) => swept(args, name, output),
        (None, None) => {
            bail!("no sweep; expected a built-in one ({}) or a .toml file", Sweep::builtin_names().join(", "))
        }
    }
}

fn swept(args: &SweepArgs, name: &str, output: Output) -> Result<Outcome> {
    let (sweep, options) = sweep(args, name)?;
    let out = args.out.clone().unwrap_or_else(|| default_out(args, name));
    let schema = Schema::of(&sweep)?;
    let manifest = Manifest::of(&sweep, &schema, env!("CARGO_PKG_VERSION"), options, args.shard);
    let mut folder = ResultsFolder::open(&out, manifest, schema, existing(args.force))?;
    let started = Instant::now();
    let evaluated = evaluate(&folder, &sweep, args.threads)?;
    folder.finish()?;
    let seconds = started.elapsed();
    if evaluated > 0 {
        folder.note(note(seconds, evaluated, args.threads))?;
    }
    let whole = folder.manifest();
    if whole.shard.is_none() && whole.rows == Some(0) {
        bail!("the constraints of {name} leave out all {} points; expected weaker ones, or other values", whole.points);
    }
    Answer::new(&out, &sweep, whole, evaluated, seconds)?.print(output)
}

/// The sweep with what the command line changes of it, and that as the manifest says it.
fn sweep(args: &SweepArgs, name: &str) -> Result<(Sweep, Vec<String>)> {
    let mut sweep = Sweep::load(name)?;
    let mut options = Vec::new();
    if let Some(level) = args.level {
        sweep.set_level(level.into());
    }
    if let Some(points) = args.points {
        sweep.set_points(points).map_err(|error| anyhow::anyhow!("--points: {error}"))?;
        options.push(format!("{POINTS_OPTION}{points}"));
    }
    if args.shard.is_some() && !sweep.divisible() {
        bail!(
            "--shard: a search cannot be divided, since each generation follows from the last; expected no such option"
        );
    }
    Ok((sweep, options))
}

fn evaluate(folder: &ResultsFolder, sweep: &Sweep, threads: Option<u16>) -> Result<u64> {
    let points = |chunk: &pisim_reports::results::Chunk| chunk.points.end - chunk.points.start;
    let missing: u64 = folder.missing().iter().map(points).sum();
    let all: u64 = folder.chunks().map(|chunk| points(&chunk)).sum();
    if missing < all && missing > 0 {
        output::remark(&format!("{}: {} of {all} points are there already", folder.path().display(), all - missing));
    }
    let bar = output::points_progress(missing);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.map_or(0, usize::from)).build()?;
    let run = pool.install(|| folder.run(sweep, &|points| bar.inc(points)));
    bar.finish_and_clear();
    run?;
    Ok(missing)
}

fn note(seconds: Duration, points: u64, threads: Option<u16>) -> RunNote {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    RunNote {
        ended_unix_s: SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        wall_s: seconds.as_secs_f64(),
        points,
        threads: threads.map_or_else(cores, usize::from),
    }
}

fn default_out(args: &SweepArgs, name: &str) -> PathBuf {
    let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let shard = args.shard.map(|shard| format!("-{}-of-{}", shard.index, shard.count)).unwrap_or_default();
    Path::new(DEFAULT_OUT).join(stem + &shard)
}

fn existing(force: bool) -> Existing {
    if force { Existing::Replace } else { Existing::Resume }
}

fn merged(args: &MergeArgs, output: Output) -> Result<Outcome> {
    let started = Instant::now();
    let manifest = merge(&args.shards, &args.out, existing(args.force))?;
    let sweep = pisim_reports::results::sweep_of(&args.out, &manifest)?;
    Answer::new(&args.out, &sweep, &manifest, 0, started.elapsed())?.print(output)
}
