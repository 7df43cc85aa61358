//! The arguments of `pisim run`.

use clap::Args;
use std::path::PathBuf;

/// The folder for the report when none is named.
const DEFAULT_OUT: &str = "out";

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    pisim run\n  \
    pisim run --image holiday.jpg --out report\n  \
    pisim run configs/experiments/hybrenet.toml --json")]
pub struct RunArgs {
    /// The experiment's TOML file; without it, the built-in experiment `hybrenet`.
    pub experiment: Option<String>,
    /// A PNG or JPEG as the client's input, instead of the experiment's.
    #[arg(long, value_name = "FILE")]
    pub image: Option<PathBuf>,
    /// The folder for the report.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_OUT)]
    pub out: PathBuf,
    /// The seed of weights and masks, instead of the experiment's.
    #[arg(long)]
    pub seed: Option<u64>,
}

impl Default for RunArgs {
    fn default() -> Self {
        Self { experiment: None, image: None, out: DEFAULT_OUT.into(), seed: None }
    }
}
