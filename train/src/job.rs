//! From arguments to the folder with tables and figures.

use crate::args::Args;
use crate::data::DataSet;
use crate::drawing::{self, Setting};
use crate::experiment::{Outcome, Plan, Watch, run};
use crate::export;
use crate::family::{family, halves};
use crate::loss::Distillation;
use crate::measure::Place;
use crate::progress::Progress;
use crate::results::{self, Common, Row};
use crate::snl::{self, Lasso};
use crate::{TrainError, graph};
use anyhow::{Context, Result, ensure};
use pisim_hw_models::Platform;
use pisim_netgen::{Network, NetworkSpec, load_network};
use pisim_protocol::Protocol;
use pisim_reports::Page;
use pisim_reports::figures::Columns;
use pisim_settings::Source;
use std::path::Path;
use std::time::{Duration, Instant};

/// Halvings of the budgets, and of the channels of the culled and thinned network.
const HALVINGS: [u32; 2] = [6, 3];
/// The same for `--quick`, and its epochs.
const QUICK: ([u32; 2], usize) = ([3, 1], 6);

/// Everything that is asked for, read and checked before any training.
pub struct Job {
    plan: Plan,
    data: DataSet,
    place: Place,
    setting: Setting,
}

impl Job {
    /// Reads what the arguments name.
    ///
    /// # Errors
    /// A file that is missing or wrong, an unknown name, or budgets or pictures that do not fit the network.
    pub fn new(args: &Args) -> Result<Self> {
        check_folder(&args.out)?;
        let data = DataSet::load(args.data.as_deref())?;
        let base = base(&args.network, &data)?;
        let place =
            Place { protocol: Protocol::load(&args.protocol)?, platform: Platform::named_or_file(&args.hardware)? };
        let ([budgets, halvings], epochs) =
            if args.quick { QUICK } else { (HALVINGS, usize::try_from(args.epochs).unwrap_or(usize::MAX)) };
        let budgets = if args.budgets.is_empty() { halves(&base, budgets) } else { args.budgets.clone() };
        snl::check_budgets(&base, &budgets)?;
        let seeds = if args.quick { 1 } else { args.seeds };
        let setting = Setting {
            network: base.name.clone(),
            protocol: place.protocol.name.clone(),
            hardware: place.platform.name.clone(),
            data: args.data.as_ref().map_or_else(|| "8x8 digits".into(), |folder| folder.display().to_string()),
            pictures: data.test.len(),
            seeds,
            distilled: !args.no_distillation,
        };
        let plan = Plan {
            base,
            budgets,
            halvings,
            epochs,
            seed: args.seed,
            seeds,
            distillation: (!args.no_distillation).then(Distillation::default),
            lasso: Lasso::default(),
        };
        Ok(Self { plan, data, place, setting })
    }

    /// Trains, measures, writes and returns what is printed.
    ///
    /// # Errors
    /// A network that cannot be trained or measured, or a folder that cannot be written.
    pub fn run(&self, args: &Args) -> Result<String> {
        let members = family(&self.plan.base, &self.plan.budgets, self.plan.halvings, self.plan.seed)?.len();
        let progress = Progress::new(self.plan.known_epochs(members));
        let start = Instant::now();
        let outcomes = run(&self.plan, &self.data, &self.place, &progress as &dyn Watch)?;
        progress.end();
        let rows = results::rows(&outcomes);
        let index = self.write(args, (&outcomes, &rows), start.elapsed())?;
        let heading = format!(
            "{}: accuracy of {} in floating point and in integers (measured), latency of {} on {} (modelled)",
            self.setting.data, self.setting.network, self.setting.protocol, self.setting.hardware
        );
        Ok(format!("{heading}\n{}\n\n{:.0} s. Report: {index}", results::table(&rows), start.elapsed().as_secs_f64()))
    }

    fn write(&self, args: &Args, (outcomes, rows): (&[Outcome], &[Row]), time: Duration) -> Result<String> {
        let common = Common {
            network: &self.setting.network,
            protocol: &self.setting.protocol,
            hardware: &self.setting.hardware,
        };
        let frame = results::frame(outcomes, common)?;
        let mut figures = drawing::figures(rows, &self.setting, Columns::Two);
        if args.published {
            figures.push(drawing::published(Columns::Two)?);
        }
        let page = Page {
            title: format!("{}: accuracy under falling ReLU budgets", self.setting.network),
            command: std::iter::once("pisim-train".to_owned())
                .chain(std::env::args().skip(1))
                .collect::<Vec<_>>()
                .join(" "),
            facts: format!(
                "pisim-train {}, seeds {} to {}, {} epochs, {:.0} s on {} threads.",
                env!("CARGO_PKG_VERSION"),
                self.plan.seed,
                self.plan.seeds().last().unwrap_or(self.plan.seed),
                self.plan.epochs,
                time.as_secs_f64(),
                rayon::current_num_threads()
            ),
            figures,
            header: &results::HEADER,
            names: 2,
            rows: rows.iter().map(|row| results::cells(row).to_vec()).collect(),
            notes: self.notes(),
        };
        let mut others = vec![
            ("networks.csv".to_owned(), results::summary(rows)?.to_csv()?),
            ("results.csv".to_owned(), frame.to_csv()?),
            ("results.parquet".to_owned(), frame.to_parquet()?),
        ];
        if args.models {
            for outcome in outcomes.iter().filter(|outcome| outcome.seed == self.plan.seed) {
                others.push(export::file(outcome)?);
            }
        }
        let written = page.write(&args.out, &others)?;
        Ok(written.index.display().to_string())
    }

    fn notes(&self) -> Vec<String> {
        let taught = if self.setting.distilled {
            "from the labels and from the full network's answers"
        } else {
            "from the labels"
        };
        let pictures = self.setting.pictures;
        vec![
            "Accuracy is measured on test pictures that nothing was chosen by; epochs and rates are fixed. Integer answers \
             are those of private inference, bit for bit."
                .to_owned(),
            "ReLUs and MACs are counted. Latency is modelled: offline and online phase; the setup, once for every client, \
             is in results.csv."
                .to_owned(),
            "Linear values are rescaled in circuits too, as exactly as ReLUs: latency does not fall with ReLUs alone. \
             Where no plan is proven to stay in the ring (ring_proven in results.csv), every layer leaves 2 bits above the \
             training samples."
                .to_owned(),
            format!("Culled, thinned and reshaped networks learn {taught}, from random weights."),
            "Learnt masks (SNL): from the full network's weights, a mask for every ReLU learns under a growing L1 penalty \
             until the budget is met; then the masks are fixed and the weights are trained on. Random masks have the same \
             training behind them."
                .to_owned(),
            format!("One of {pictures} test pictures is {:.2} per cent.", 100.0 / pictures.max(1) as f64),
        ]
    }
}

/// Checks that a folder can be written or made, so that it is known now and not after the work. Nothing is left behind.
fn check_folder(folder: &Path) -> Result<()> {
    let absolute = std::path::absolute(folder)?;
    let there = absolute.ancestors().find(|path| path.exists()).unwrap_or(&absolute);
    ensure!(there.is_dir(), "{}: {} is not a folder", folder.display(), there.display());
    let probe = there.join(format!(".pisim-train-{}", std::process::id()));
    std::fs::write(&probe, []).with_context(|| format!("cannot write into the folder {}", there.display()))?;
    Ok(std::fs::remove_file(&probe)?)
}

/// The base network, which must fit the pictures.
fn base(name: &str, data: &DataSet) -> Result<Network> {
    let spec = if name.ends_with(".toml") { load_network(&Source::read(name)?)? } else { NetworkSpec::named(name)? };
    let network = spec.build().with_context(|| name.to_owned())?;
    graph::check(&network)?;
    let misfit = |what, found: String, expected: String| TrainError::Misfit {
        network: network.name.clone(),
        what,
        found,
        expected,
    };
    if network.input != data.train.shape {
        return Err(misfit("input", network.input.to_string(), data.train.shape.to_string()).into());
    }
    if network.classes != data.classes {
        return Err(misfit("number of classes", network.classes.to_string(), data.classes.to_string()).into());
    }
    Ok(network)
}
