//! `pisim run`: the main job. Lower, simulate, verify, report.

use crate::Outcome;
use crate::args::RunArgs;
use crate::commands::verify::private_run;
use crate::experiment::{DEFAULT_EXPERIMENT, Experiment, PrivateRun};
use crate::image::Picture;
use crate::output::{self, Output};
use crate::select;
use anyhow::{Context, Result};
use pisim_backend::MEMORY_BYTES;
use pisim_netgen::Network;
use pisim_protocol::Program;
use pisim_reports::format::exact;
use pisim_reports::{Report, tables};
use pisim_sim::simulate_many;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

pub fn run(args: &RunArgs, output: Output) -> Result<Outcome> {
    let name = args.experiment.as_deref().unwrap_or(DEFAULT_EXPERIMENT);
    let mut experiment = Experiment::load(name)?;
    if let Some(run) = &mut experiment.verify {
        run.image = args.image.clone().map(Picture::File).or(run.image.take());
        run.seed = args.seed.unwrap_or(run.seed);
    }
    let out = OutFolder::make(&args.out)?;
    let report = report(&experiment)?;
    let passed = report.verification.as_ref().is_none_or(|verification| verification.passed());
    let written = report.write(&out.path)?;
    output.print(&json!({ "report": report, "index": written.index, "files": written.files }), || {
        let mut parts = vec![report.title.clone(), "\nModelled by the simulator:".to_owned()];
        parts.push(tables::simulations(&report.simulations));
        if let Some(verification) = &report.verification {
            parts.push("\nMeasured on this machine, both parties:".to_owned());
            parts.push(tables::verification(verification));
        }
        parts.push(format!("\nReport: {} ({} files)", written.index.display(), written.files.len()));
        parts.join("\n")
    })?;
    Ok(if passed { Outcome::Done } else { Outcome::CheckFailed })
}

/// The report's folder, made before the work so that an unwritable one is found now and not after it.
struct OutFolder {
    path: PathBuf,
    /// The folders that did not exist before, deepest first.
    made: Vec<PathBuf>,
}

impl OutFolder {
    fn make(path: &Path) -> Result<Self> {
        let missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
        let made = path.ancestors().take_while(missing).map(Path::to_owned).collect();
        // From here on, what was made is removed again when anything fails.
        let folder = Self { path: path.to_owned(), made };
        fs::create_dir_all(path).with_context(|| format!("cannot make the folder {}", path.display()))?;
        let probe = path.join(format!(".pisim-{}", std::process::id()));
        fs::write(&probe, []).with_context(|| format!("cannot write into the folder {}", path.display()))?;
        fs::remove_file(&probe)?;
        Ok(folder)
    }
}

impl Drop for OutFolder {
    fn drop(&mut self) {
        // Only empty folders can be removed this way: one with a report stays.
        for folder in &self.made {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// A network's name with the counts that tell its width.
fn described(network: &Network) -> String {
    let counts = network.counts();
    let [params, macs, relus] = [counts.params, counts.macs, counts.relus].map(exact);
    format!("{} with {params} parameters, {macs} MACs and {relus} ReLUs", network.name)
}

/// Simulates every network on every platform and runs the private inference.
fn report(experiment: &Experiment) -> Result<Report> {
    let lower = |network| select::program(network, &experiment.protocol, &experiment.protocol_name);
    let programs: Vec<Program> = experiment.networks.iter().map(lower).collect::<Result<_>>()?;
    let prepare = |run: &PrivateRun| run.chosen.prepare(&experiment.protocol, &experiment.protocol_name);
    let private = experiment.verify.as_ref().map(|run| prepare(run).map(|ready| (run, ready))).transpose()?;
    let platforms: Vec<_> = experiment.platforms.iter().collect();
    let simulations = simulate_many(&programs.iter().collect::<Vec<_>>(), &platforms);
    let simulations = simulations.into_iter().collect::<Result<Vec<_>, _>>()?;
    let verification = match &private {
        None => None,
        Some((run, ready)) => {
            let network = described(&run.chosen.network);
            output::remark(&format!("running {network} privately, both parties on this machine …"));
            Some(private_run(ready, run.image.as_ref(), run.seed, MEMORY_BYTES)?)
        }
    };
    let mut notes =
        vec!["Latency and energy are modelled; bytes, storage and work are exact counts of the program.".to_owned()];
    if let Some((run, ready)) = &private {
        notes.push(format!("The private run is of {}.", described(&run.chosen.network)));
        if !ready.has_weights() {
            notes.push(
                "The private run has random weights: its answer shows that the protocol is exact, not what the picture is."
                    .to_owned(),
            );
        }
    }
    Ok(Report {
        title: experiment.title.clone(),
        command: std::iter::once("pisim".to_owned()).chain(std::env::args().skip(1)).collect::<Vec<_>>().join(" "),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        seed: experiment.verify.as_ref().map_or(0, |run| run.seed),
        networks: experiment.networks.iter().map(Network::schedule).collect(),
        simulations,
        verification,
        accuracy: Vec::new(),
        notes,
    })
}
