//! The arguments of `pisim validate` and `pisim verify`: models against measurements, the protocol against its reference.

use super::NetworkOptions;
use clap::{Args, ValueEnum};
use pisim_settings::Bytes;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    pisim validate\n  \
    pisim validate --target he-evaluation -v     every layer, published next to modelled\n  \
    pisim validate --plots out/validation --json\n\n\
    Sets, from the least to the most telling:\n  \
    identity   the reference is a sum or a formula that the model has too: arithmetic\n  \
    fitted     constants were fitted on these figures: how well the model's form fits (ResNet-18)\n  \
    seen       no constant was, but a rule was chosen with these figures in view\n  \
    predicted  neither: the model's error (ResNet-32 was never fitted)\n\n\
    Results:\n  \
    pass        within its limits, with a mean error of at most 10 % and none above 25 %\n  \
    known miss  within its limits, but further off than that or told to miss: the table says why. Its limits guard\n              \
    against worse; the exit code stays 0\n  \
    FAIL        a limit is exceeded: exit code 1\n\n\
    A figure with several references counts as inside from the lowest - 3 to the highest + 3 points. In JSON: `verdict`,\n\
    `note`, `reference`, `bands`, `not_modelled` of every target; `pass` says whether its limits hold.")]
pub struct ValidateArgs {
    /// Only this target.
    #[arg(long, value_name = "NAME")]
    pub target: Option<String>,
    /// Write figures of published against modelled quantities into this folder, as PNG, SVG and CSV.
    #[arg(long, value_name = "DIR")]
    pub plots: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    pisim verify\n  \
    pisim verify -n minionn -p ring-gc --garbler client --json\n  \
    pisim verify -n hrn-5x5x3x --base-channels 4 --seed 7 --threads 2\n  \
    pisim verify -n minionn -H here --runs 5   measured next to modelled times on this machine")]
pub struct VerifyArgs {
    /// A built-in network, a .toml or a .onnx file.
    #[arg(short, long, default_value = "hrn-tiny", value_name = "NET")]
    pub network: String,
    #[command(flatten)]
    pub options: NetworkOptions,
    /// A built-in protocol or a .toml file.
    #[arg(short, long, default_value = pisim_protocol::DEFAULT_PROTOCOL)]
    pub protocol: String,
    /// Sample inputs of an .onnx network, a NumPy array [n, channels, rows, columns]: fraction bits are then chosen for each layer,
    /// as by `pisim net quantise`.
    #[arg(long, value_name = "FILE")]
    pub samples: Option<PathBuf>,
    /// Who garbles, instead of the protocol's choice.
    #[arg(long, value_enum)]
    pub garbler: Option<Garbler>,
    /// The seed of weights (of a network without its own), input and masks; the run repeats exactly (and its secrets are no secrets).
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// A PNG or JPEG as the client's input, instead of random values.
    #[arg(long, value_name = "FILE")]
    pub image: Option<PathBuf>,
    /// Memory for what each party keeps from the offline to the online phase; more goes to a temporary file.
    #[arg(long, value_name = "BYTES", default_value = "6 GiB")]
    pub memory: Bytes,
    /// Also print the times that the simulator predicts on this platform: a built-in one, a .toml file from `pisim
    /// calibrate`, or `here` for this machine, calibrated right before and after each run.
    #[arg(short = 'H', long)]
    pub hardware: Option<String>,
    /// Runs of the protocol, all alike; times are those of the fastest, for each phase by itself, because other work on the
    /// machine only makes a run longer. The medians stand beside them.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub runs: u16,
    /// Runs before those that count, so that these find their memory ready, as every request of a server but its first
    /// does; by default 1 with --hardware, else 0.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=1000))]
    pub warmup: Option<u16>,
    /// Worker threads that both parties share; by default one per core.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

/// The party that garbles.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Garbler {
    /// The server garbles, the client evaluates (Delphi).
    Server,
    /// The client garbles, the server evaluates (Client-Garbler).
    Client,
}
