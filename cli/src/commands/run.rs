//! `pisim run`: the main job. Lower, simulate, verify, report.

use crate::Outcome;
use crate::args::RunArgs;
use crate::commands::accuracy::answer_set;
use crate::commands::verify::private_run;
use crate::experiment::{DEFAULT_EXPERIMENT, Experiment, PrivateRun};
use crate::image::Picture;
use crate::output::{self, Output};
use crate::select::Chosen;
use crate::trained::Trained;
use anyhow::{Context, Result, ensure};
use pisim_backend::MEMORY_BYTES;
use pisim_netgen::Network;
use pisim_protocol::Program;
use pisim_reports::format::exact;
use pisim_reports::{AccuracySummary, Report, tables};
use pisim_sim::simulate_many;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub fn run(args: &RunArgs, output: Output) -> Result<Outcome> {
    let name = args.experiment.as_deref().unwrap_or(DEFAULT_EXPERIMENT);
    let mut experiment = Experiment::load(name)?;
    if let Some(run) = &mut experiment.verify {
        run.image = args.image.clone().map(Picture::File).or(run.image.take());
        run.seed = args.seed.unwrap_or(run.seed);
    }
    ensure!(args.image.is_none() || experiment.verify.is_some(), "the experiment has no [verify] that takes a picture");
    if let Some(questions) = &mut experiment.accuracy {
        questions.set.seed = args.seed.unwrap_or(questions.set.seed);
    }
    let out = OutFolder::make(&args.out)?;
    let report = report(&experiment)?;
    let verified = report.verification.as_ref().is_none_or(|verification| verification.passed());
    let passed = verified && report.accuracy.iter().all(AccuracySummary::passed);
    let written = report.write(&out.path)?;
    output.print(&json!({ "report": report, "index": written.index, "files": written.files }), || {
        let mut parts = vec![report.title.clone(), "\nModelled by the simulator:".to_owned()];
        parts.push(tables::simulations(&report.simulations));
        if let Some(verification) = &report.verification {
            parts.push("\nMeasured on this machine, both parties:".to_owned());
            parts.push(tables::verification(verification));
        }
        if !report.accuracy.is_empty() {
            parts.push("\nAnswered privately, measured on this machine, both parties:".to_owned());
            parts.push(tables::accuracies(&report.accuracy));
            let failed = |run: &AccuracySummary| Some(format!("FAILED: {}: {}", run.network, run.failure()?));
            parts.extend(report.accuracy.iter().filter_map(failed));
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
    let ready: Vec<Ready> =
        experiment.networks.iter().map(|chosen| Ready::new(chosen, experiment)).collect::<Result<_>>()?;
    let prepare = |run: &PrivateRun| run.chosen.prepare(&experiment.protocol, &experiment.protocol_name);
    let private = experiment.verify.as_ref().map(|run| prepare(run).map(|ready| (run, ready))).transpose()?;
    let platforms: Vec<_> = experiment.platforms.iter().collect();
    let simulations = simulate_many(&ready.iter().map(Ready::program).collect::<Vec<_>>(), &platforms);
    let simulations = simulations.into_iter().collect::<Result<Vec<_>, _>>()?;
    let verification = match &private {
        None => None,
        Some((run, ready)) => {
            let network = described(&run.chosen.network);
            output::remark(&format!("running {network} privately, both parties on this machine …"));
            Some(private_run(ready, run.image.as_ref(), run.seed, MEMORY_BYTES)?)
        }
    };
    let accuracy = answers(experiment, &ready)?;
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
    if let Some(questions) = &experiment.accuracy {
        notes.push(format!(
            "The weights are trained. Fixed-point scales were chosen on {} pictures ({}); the pictures that were answered are \
             {}.",
            questions.samples.inputs.len(),
            questions.samples_name,
            questions.images_name
        ));
        notes.push(
            "Every picture had a private run of its own, with new keys, oblivious transfers and masks.".to_owned(),
        );
    }
    let seeds =
        [experiment.verify.as_ref().map(|run| run.seed), experiment.accuracy.as_ref().map(|asked| asked.set.seed)];
    Ok(Report {
        title: experiment.title.clone(),
        command: std::iter::once("pisim".to_owned()).chain(std::env::args().skip(1)).collect::<Vec<_>>().join(" "),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        seed: seeds.into_iter().flatten().next().unwrap_or_default(),
        networks: experiment.networks.iter().map(|chosen| chosen.network.schedule()).collect(),
        simulations,
        verification,
        accuracy,
        notes,
    })
}

/// A network of an experiment, ready to run under its protocol.
enum Ready {
    /// To be simulated.
    Untrained(Arc<Program>),
    /// To be asked as well: calibrated on the experiment's samples.
    Trained(Box<Trained>),
}

impl Ready {
    fn new(chosen: &Chosen, experiment: &Experiment) -> Result<Self> {
        let (protocol, name) = (&experiment.protocol, experiment.protocol_name.as_str());
        Ok(match (chosen.own_model()?, &experiment.accuracy) {
            (Some(model), Some(questions)) => {
                Self::Trained(Box::new(Trained::new(model, protocol, name, Some(&questions.samples))?))
            }
            _ => Self::Untrained(chosen.prepare(protocol, name)?.program),
        })
    }

    fn program(&self) -> &Program {
        match self {
            Self::Untrained(program) => program,
            Self::Trained(trained) => &trained.program,
        }
    }
}

/// Asks every network all pictures.
fn answers(experiment: &Experiment, ready: &[Ready]) -> Result<Vec<AccuracySummary>> {
    let Some(questions) = &experiment.accuracy else { return Ok(Vec::new()) };
    let trained = ready.iter().filter_map(|ready| match ready {
        Ready::Trained(trained) => Some(&**trained),
        Ready::Untrained(_) => None,
    });
    let ask = |trained: &Trained| {
        let network = &trained.model.network;
        output::remark(&format!("answering {} pictures privately by {} …", questions.set.count, described(network)));
        answer_set(trained, &questions.set)
    };
    trained.map(ask).collect()
}
