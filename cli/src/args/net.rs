//! The arguments of `pisim net`, and how any command changes a network.

use super::Detail;
use crate::platform::PlatformOptions;
use clap::{Args, Subcommand, ValueEnum};
use pisim_netgen::{NetworkSpec, Transform};
use pisim_settings::{Count, Duration};
use pisim_sim::budget::Timed;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct NetArgs {
    #[command(subcommand)]
    pub command: NetCommand,
}

#[derive(Debug, Subcommand)]
pub enum NetCommand {
    /// List the built-in networks.
    List,
    /// Show a network's parameters, MACs and ReLUs: its ReLU/FLOP schedule.
    #[command(after_help = "Examples:\n  \
        pisim net show hrn-5x5x3x --layers\n  \
        pisim net show resnet18 --input 64 --cull stem,s1 --thin --json\n  \
        pisim net show resnet18 --transform cull:stages=stem+s1 --transform thin --transform reshape:a=0.5")]
    Show {
        /// A built-in name, a .toml or a .onnx file.
        #[arg(default_value = "hrn-5x5x3x", value_name = "NET")]
        network: String,
        #[command(flatten)]
        options: NetworkOptions,
        /// Show every layer, not only stages.
        #[arg(long)]
        layers: bool,
    },
    /// Choose fixed-point scales for a trained network from samples, prove that no value leaves the ring, and show the error of
    /// every layer.
    #[command(visible_alias = "quantize")]
    Quantise(super::QuantiseArgs),
    /// Write a network as a file: ONNX with weights for PyTorch or onnxruntime, or its description as TOML.
    Export(super::ExportArgs),
    /// Find the channel multipliers for which ReLUs fall in order of their criticality (ReLU equalization).
    #[command(after_help = "Examples:\n  \
        pisim net equalize --depths 2,2,2,2 --order 3,2,4,1\n  \
        pisim net equalize --depths 3,4,6,3 --order 3,2,4,1 --max 16 --json\n  \
        pisim net equalize resnet34 --out equalized     depths and down-sampling of a network; one file per solution")]
    Equalize(EqualizeArgs),
    /// Walk a network's ReLU ladder: cull, thin and reshape in order of criticality, from many ReLUs to few (DeepReDuce).
    #[command(after_help = "Examples:\n  \
        pisim net ladder resnet18                       DeepReDuce's operating points on CIFAR-100\n  \
        pisim net ladder resnet18 --input 64 --json     on TinyImageNet\n  \
        pisim net ladder hrn-5x5x3x --all --out rungs   every rung, each as a file")]
    Ladder(LadderArgs),
    /// Find networks that meet a budget of ReLUs, MACs or simulated latency, on the Pareto front.
    #[command(after_help = "Examples:\n  \
        pisim net fit --relus 100k\n  \
        pisim net fit --relus 150k --macs 500M --base hrn-5x5x3x --base resnet18\n  \
        pisim net fit --latency 2s -H haac-hbm2 -p ring-gc --input 64 --out fitting\n\n\
        Tried are base families × channel multipliers × transforms: each base as it is, thinned, on every rung of its ladder, and\n\
        with ReLU-reuse. A network is shown if no other one that meets the budget has as many ReLUs for as few MACs (and as\n\
        little latency) and keeps the order of criticality as well; first those that keep it, then by MACs per ReLU.")]
    Fit(Box<BudgetArgs>),
}

#[derive(Debug, Args)]
pub struct EqualizeArgs {
    /// A built-in network or a .toml file whose depths and down-sampling are taken, instead of --depths.
    #[arg(value_name = "NET", conflicts_with = "depths")]
    pub network: Option<String>,
    /// Blocks of each stage.
    #[arg(long, value_delimiter = ',', default_value = "2,2,2,2")]
    pub depths: Vec<u64>,
    /// Stages from most to least critical, counted from 1; by default 3,2,4,1 for four stages.
    #[arg(long, value_delimiter = ',')]
    pub order: Vec<usize>,
    /// The largest multiplier to try.
    #[arg(long, default_value_t = 16)]
    pub max: u64,
    /// Base channels of the networks whose counts the table shows.
    #[arg(long, default_value_t = 16)]
    pub base_channels: usize,
    /// Input size of the networks whose counts the table shows; by default the network's, or 32.
    #[arg(long)]
    pub input: Option<usize>,
    /// Write the network of each minimal solution into this folder.
    #[arg(long, value_name = "DIR", requires = "network")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct LadderArgs {
    /// A built-in network or a .toml file.
    #[arg(default_value = "resnet18", value_name = "NET")]
    pub network: String,
    #[command(flatten)]
    pub options: NetworkOptions,
    /// Stages from most to least critical, counted from 1; by default 3,2,4,1 for four stages.
    #[arg(long, value_delimiter = ',')]
    pub order: Vec<usize>,
    /// Every rung, not only those at which DeepReDuce reports networks.
    #[arg(long)]
    pub all: bool,
    /// Write the network of each rung into this folder.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Also as ONNX files with random weights, each as large as its network.
    #[arg(long, requires = "out")]
    pub onnx: bool,
}

#[derive(Debug, Args)]
pub struct BudgetArgs {
    /// Most ReLUs: 100k, 1.5M, 65536.
    #[arg(long, value_name = "COUNT")]
    pub relus: Option<Count>,
    /// Most multiply-accumulates.
    #[arg(long, value_name = "COUNT")]
    pub macs: Option<Count>,
    /// Largest simulated latency of one inference: 5s, 300ms.
    #[arg(long, value_name = "TIME")]
    pub latency: Option<Duration>,
    /// What the latency is of.
    #[arg(long, value_enum, default_value_t = TimedArg::Total)]
    pub timed: TimedArg,
    /// A built-in protocol or a .toml file.
    #[arg(short, long, default_value = pisim_protocol::DEFAULT_PROTOCOL)]
    pub protocol: String,
    /// Simulate latencies on this platform: a built-in one or a .toml file; cpu-lan if there is only --latency.
    #[arg(short = 'H', long)]
    pub hardware: Option<String>,
    #[command(flatten)]
    pub changes: PlatformOptions,
    /// How latencies are found.
    #[arg(long, value_enum, default_value_t = Detail::ClosedForm)]
    pub level: Detail,
    /// A built-in network or a .toml file to start from, instead of all families; may be repeated.
    #[arg(long, value_name = "NET")]
    pub base: Vec<String>,
    /// Rows and columns of the input; by default those of the bases, or 32.
    #[arg(long, value_name = "SIZE")]
    pub input: Option<usize>,
    /// Number of classes.
    #[arg(long, value_name = "N")]
    pub classes: Option<usize>,
    /// Stages from most to least critical, counted from 1; by default 3,2,4,1 for four stages.
    #[arg(long, value_delimiter = ',')]
    pub order: Vec<usize>,
    /// Networks that the table shows.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub top: usize,
    /// Write every network of the front into this folder.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Also as ONNX files with random weights, each as large as its network.
    #[arg(long, requires = "out")]
    pub onnx: bool,
    /// Worker threads; by default one per core.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

/// What of an inference a latency is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TimedArg {
    /// Setup, offline and online phase.
    Total,
    /// The online phase.
    Online,
}

impl From<TimedArg> for Timed {
    fn from(timed: TimedArg) -> Self {
        match timed {
            TimedArg::Total => Self::Total,
            TimedArg::Online => Self::Online,
        }
    }
}

/// How a network differs from its built-in form or file.
#[derive(Debug, Default, Args)]
pub struct NetworkOptions {
    /// Rows and columns of the input: 32, 64, 224, …
    #[arg(long, visible_alias = "input-size", value_name = "SIZE")]
    pub input: Option<usize>,
    #[command(flatten)]
    pub other: NetworkChanges,
}

/// What can be changed in a network besides its input.
#[derive(Debug, Clone, Default, Args)]
pub struct NetworkChanges {
    /// Number of classes.
    #[arg(long, value_name = "N")]
    pub classes: Option<usize>,
    /// Channels of the first stage.
    #[arg(long, value_name = "M")]
    pub base_channels: Option<usize>,
    /// Stages whose ReLUs are dropped: stem,s1
    #[arg(long, value_name = "STAGES", value_delimiter = ',')]
    pub cull: Vec<String>,
    /// Drop the ReLU between the convolutions of every block.
    #[arg(long)]
    pub thin: bool,
    /// What else is done to the network, after --cull and --thin; may be repeated and is done in this order: thin,
    /// cull:stages=stem+s1, reshape:a=0.5,rho=0.5, relu-reuse:factor=4,groups=4,concat=true,conv=grouped,
    /// equalize:base_channels=16
    #[arg(long, value_name = "KIND:KEY=VALUE,…")]
    pub transform: Vec<Transform>,
}

impl NetworkOptions {
    /// Changes a network's description by what was given.
    pub fn apply(&self, spec: &mut NetworkSpec) {
        spec.input_size = self.input.unwrap_or(spec.input_size);
        spec.classes = self.other.classes.or(spec.classes);
        spec.base_channels = self.other.base_channels.or(spec.base_channels);
        spec.cull.extend(self.other.cull.iter().cloned());
        spec.thin |= self.other.thin;
        spec.transforms.extend(self.other.transform.iter().cloned());
    }
}
