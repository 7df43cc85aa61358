//! The arguments of `pisim report`.

use super::{Detail, NetworkOptions};
use crate::platform::PlatformOptions;
use clap::Args;
use pisim_settings::{Duration, Energy};
use std::path::PathBuf;

/// Below the options: lines of at most 90 letters, which a terminal need not wrap.
const HELP: &str = "\
Every figure is written as SVG, PNG (300 dots per inch), PDF and CSV (exactly what is drawn),
sized for one or two columns; report.json has captions and all that was found.

Of a sweep (DIR): Pareto fronts of latency and energy with their knees, latency and energy
against each axis, maps of the two axes that matter most with what binds each region, how
much each axis matters, what binds the points, networks at one latency and at one energy.
Of one simulation (-n): phases, activities, units, layers, timeline, schedule, rooflines, the
latency without each part's time (evaluated again), and which speed matters (Sobol indices).
Recipes: deepreshape (networks at equal ReLUs), asplos23 (the system study of Garimella et
al.), or your own file.

Examples:
  pisim report results/                              all figures of a sweep, in figures/
  pisim report results/ --columns 1 --figure pareto-energy --out paper/figures
  pisim report results/ --latency-limit \"2 s\" --json
  pisim report -n resnet18 -H haac-hbm2 --trace timeline.json
  pisim report --recipe asplos23 --out asplos23";

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct ReportArgs {
    /// Results of a sweep: the folder that `pisim sweep` wrote, or a file of points (Parquet or CSV).
    #[arg(value_name = "DIR", conflicts_with_all = ["network", "recipe"])]
    pub results: Option<PathBuf>,
    /// Simulate this network and draw that: a built-in name or a .toml file.
    #[arg(short, long, value_name = "NET", conflicts_with = "recipe")]
    pub network: Option<String>,
    #[command(flatten)]
    pub options: NetworkOptions,
    /// With -n, a built-in protocol or a .toml file.
    #[arg(short, long, default_value = pisim_protocol::DEFAULT_PROTOCOL)]
    pub protocol: String,
    /// With -n, a built-in platform or a .toml file.
    #[arg(short = 'H', long, default_value = "cpu-lan")]
    pub hardware: String,
    #[command(flatten)]
    pub changes: PlatformOptions,
    /// With -n, how latencies are found where a figure does not need events.
    #[arg(long, value_enum, default_value_t = Detail::Event)]
    pub level: Detail,
    /// With -n, rows of each matrix of samples for Sobol indices, a power of two.
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(2..=65_536))]
    pub samples: u32,
    /// With -n, also write the timeline as a trace for Perfetto or chrome://tracing.
    #[arg(long, value_name = "FILE.json", requires = "network")]
    pub trace: Option<PathBuf>,
    /// Draw the figures of a recipe: a built-in one or a .toml file.
    #[arg(long, value_name = "NAME")]
    pub recipe: Option<String>,
    /// The folder for the figures.
    #[arg(long, value_name = "DIR", default_value = "figures")]
    pub out: PathBuf,
    /// Only figures of this name, or whose names begin with it and a hyphen; several times for several.
    #[arg(long = "figure", value_name = "NAME")]
    pub figures: Vec<String>,
    /// Columns of a two-column paper that a figure is as wide as.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=2))]
    pub columns: u8,
    /// Of a sweep: compare networks at this latency instead of at what all reach; several times for several.
    #[arg(long, value_name = "TIME", requires = "results")]
    pub latency_limit: Vec<Duration>,
    /// Of a sweep: compare networks at this energy; several times for several.
    #[arg(long, value_name = "ENERGY", requires = "results")]
    pub energy_limit: Vec<Energy>,
    /// Worker threads; by default one per core. Results do not depend on it.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}
