//! `pisim calibrate`: this machine's primitive rates as a platform file.

use crate::Outcome;
use crate::args::CalibrateArgs;
use crate::output::{self, Output};
use anyhow::{Context, Result};
use pisim_backend::bench::{Calibration, Effort, STAGES, calibrate};
use pisim_hw_models::Platform;
use pisim_settings::Source;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What `--json` prints.
#[derive(Serialize)]
struct Answer {
    output: Option<String>,
    threads: usize,
    clock_hz: f64,
    /// Seconds of one core, by key of the platform file.
    cost_s: BTreeMap<&'static str, f64>,
    memory_bytes_per_s: f64,
    copy_bytes_per_s: f64,
    platform: String,
}

pub fn run(args: &CalibrateArgs, output: Output) -> Result<Outcome> {
    // A path that cannot be written is found before the measurement, not after it.
    if let Some(path) = &args.output {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        file.with_context(|| format!("cannot write {}", path.display()))?;
    }
    let threads = args.threads.map_or(0, usize::from);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let bar = output::progress(STAGES, "calibrating");
    let measured = pool.install(|| {
        calibrate(Effort::Careful, &mut |stage| {
            bar.set_message(stage.to_owned());
            bar.inc(1);
        })
    });
    bar.finish_and_clear();
    let measured = measured?;
    let text = platform_file(&measured);
    // A file that cannot be loaded again is never written.
    Platform::from_source(&Source::new("the calibrated platform", &text))?;
    if let Some(path) = &args.output {
        std::fs::write(path, &text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let answer = Answer {
        output: args.output.as_ref().map(|path| path.display().to_string()),
        threads: measured.threads,
        clock_hz: measured.clock_hz,
        cost_s: measured.costs.iter().map(|cost| (cost.key, cost.seconds)).collect(),
        memory_bytes_per_s: measured.bandwidth.read.max(measured.bandwidth.copy),
        copy_bytes_per_s: measured.copy_bytes_per_s,
        platform: text,
    };
    output.print(&answer, || match &answer.output {
        Some(path) => format!("{path} written: one machine for both parties, {} cores", answer.threads),
        None => answer.platform.trim_end().to_owned(),
    })?;
    Ok(Outcome::Done)
}

/// The platform file, with a comment at every figure.
pub(super) fn platform_file(measured: &Calibration) -> String {
    let threads = measured.threads;
    let bandwidth = &measured.bandwidth;
    let peak = bandwidth.read.max(bandwidth.write).max(bandwidth.copy);
    let copy_gbps = 8e-9 * measured.copy_bytes_per_s;
    let mut text = format!(
        "# Written by `pisim calibrate` from primitive benchmarks on this machine; no inference was timed. Every measured\n\
         # figure is the median of many samples with {threads} thread(s) at work; its comment tells how disturbed it was.\n\
         name = \"calibrated\"\n\
         description = \"This machine with both parties on it, from primitive benchmarks with {threads} thread(s).\"\n\n\
         [machine]\n\
         static_power = \"0 W\" # not measured\n\n\
         [machine.cpu]\n\
         cores = {threads} # the threads that measured\n\
         clock = \"{:.3} GHz\" # a chain of dependent multiplications\n\
         active_power_per_core = \"4.5 W\" # not measured: a core of a server of these years\n\n\
         [machine.cpu.cost]\n",
        measured.clock_hz / 1e9
    );
    for cost in &measured.costs {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} = \"{:.6} ns\" # {}", cost.key, 1e9 * cost.seconds, cost.how);
    }
    let _ = write!(
        text,
        "\n[machine.memory]\n\
         kind = \"ddr5\" # not detected; no time depends on it\n\
         channels = 1 # all channels as one\n\
         channel_bandwidth = \"{:.3} GB/s\" # the best of reading {:.1}, writing {:.1} and copying {:.1}, all threads\n\
         streaming_efficiency = {:.3} # copying over the best\n\
         latency = \"{:.1} ns\" # dependent accesses all over 192 MiB\n\
         energy = \"15 pJ/bit\" # not measured\n\n\
         # Messages are copied in memory, by a thread at each end.\n\
         [link]\n\
         up = \"{copy_gbps:.3} Gbps\" # a message of 192 MiB in parts of 6 MiB through an in-memory connection\n\
         down = \"{copy_gbps:.3} Gbps\" # as up\n\
         round_trip = \"{:.3} us\" # single bytes there and back\n\
         energy = \"0 pJ/bit\" # the memory's traffic and the cores that copy have their own\n\
         message_overhead = \"0 B\"\n",
        peak / 1e9,
        bandwidth.read / 1e9,
        bandwidth.write / 1e9,
        bandwidth.copy / 1e9,
        (bandwidth.copy / peak).clamp(0.01, 1.0),
        1e9 * measured.memory_latency_s,
        1e6 * measured.round_trip_s,
    );
    text
}
