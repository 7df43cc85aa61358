//! The command line.

use clap::Parser;
use std::path::PathBuf;

/// Below the options: lines of at most 90 letters, which a terminal need not wrap.
const HELP: &str = "\
Written into the folder: index.html, results.csv and results.parquet (a row for every training),
networks.csv (a row for every network, with the mean and the spread over seeds), and in figures/
accuracy-relus, accuracy-latency and with --published published-cifar100 as PNG, SVG and CSV.

Examples:
  cargo run --release --manifest-path train/Cargo.toml
  cargo run --release --manifest-path train/Cargo.toml -- --quick
  cargo run --release --manifest-path train/Cargo.toml -- -H haac-hbm2 --published --out out-haac
  cargo run --release --manifest-path train/Cargo.toml -- --budgets 400,100,25 --seeds 5

Exit codes: 0 done, 1 a check failed, 2 bad usage or bad input.";

/// Trains a small network on handwritten digits under falling ReLU budgets, and draws its accuracy against ReLUs and
/// against the simulated latency of private inference.
#[derive(Debug, Clone, Parser)]
#[command(name = "pisim-train", version, after_help = HELP)]
pub struct Args {
    /// The folder for tables and figures.
    #[arg(short, long, value_name = "DIR", default_value = "out-train")]
    pub out: PathBuf,
    /// The network with all its ReLUs: a built-in name or a .toml file, for the pictures' shape and classes.
    #[arg(short, long, value_name = "NET", default_value = "hrn-digits")]
    pub network: String,
    /// A built-in protocol or a .toml file.
    #[arg(short, long, default_value = pisim_protocol::DEFAULT_PROTOCOL)]
    pub protocol: String,
    /// A built-in platform or a .toml file.
    #[arg(short = 'H', long, visible_alias = "platform", default_value = "cpu-lan")]
    pub hardware: String,
    /// ReLUs that learnt and random masks leave; by default a half, a quarter, … of the network's, six budgets.
    #[arg(long, value_name = "N,N,…", value_delimiter = ',')]
    pub budgets: Vec<u64>,
    /// Epochs of a training from random weights; one from trained weights has half as many.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub epochs: u32,
    /// The first seed: of weights, of the order of pictures and of random masks.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Trainings of every network, with this seed and those that follow.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub seeds: u64,
    /// Learn from the labels alone and not from the full network's answers.
    #[arg(long)]
    pub no_distillation: bool,
    /// One seed, few epochs, three budgets: to see that everything works.
    #[arg(long, conflicts_with_all = ["epochs", "seeds"])]
    pub quick: bool,
    /// Also draw the accuracies that papers report, of other networks on CIFAR-100.
    #[arg(long)]
    pub published: bool,
    /// Also write the trained networks of the first seed into models/ as ONNX, masks included: for `pisim verify` and
    /// the others.
    #[arg(long)]
    pub models: bool,
    /// A folder with train-images.npy, train-labels.npy, test-images.npy and test-labels.npy (uint8 [n, channels, rows,
    /// columns] and [n]); by default the project's digits.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}
