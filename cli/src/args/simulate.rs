//! The arguments of `pisim simulate`.

use super::{NetworkOptions, SetOptions};
use crate::platform::PlatformOptions;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    pisim simulate -n hrn-5x5x3x -H haac-hbm2\n  \
    pisim simulate -n resnet18 --cull stem,s1 --thin -p ring-gc -H my-board.toml --json\n  \
    pisim simulate -n resnet18 -p delphi -H epyc7502-atom --he-parallel layer --he-threads 13\n  \
    pisim simulate -n resnet32 -p delphi -H epyc7502-atom --link-total \"1 Gbps\"    the best split of it\n  \
    pisim simulate -H haac-hbm2 --set hardware.server.gc_engine.engines=4 --set protocol.nonlinear.garbler=client")]
pub struct SimulateArgs {
    /// A built-in network, a .toml or a .onnx file.
    #[arg(short, long, default_value = "hrn-5x5x3x", value_name = "NET")]
    pub network: String,
    #[command(flatten)]
    pub options: NetworkOptions,
    /// A built-in protocol or a .toml file.
    #[arg(short, long, default_value = pisim_protocol::DEFAULT_PROTOCOL)]
    pub protocol: String,
    /// A built-in platform or a .toml file.
    #[arg(short = 'H', long, default_value = "cpu-lan")]
    pub hardware: String,
    #[command(flatten)]
    pub changes: PlatformOptions,
    #[command(flatten)]
    pub set: SetOptions,
    /// How latencies are found.
    #[arg(long, value_enum, default_value_t = Detail::Event)]
    pub level: Detail,
    /// Show every layer.
    #[arg(long)]
    pub layers: bool,
    /// Write the timeline as a trace for Perfetto or chrome://tracing: a track for each unit, a slice for each step.
    #[arg(long, value_name = "FILE.json")]
    pub trace: Option<PathBuf>,
    /// Only what the row of a sweep has, to the last bit as a sweep computes it.
    #[arg(long, conflicts_with = "layers")]
    pub row: bool,
}

/// How latencies are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Detail {
    /// By events: exact for the model of shared memories, cores and links.
    Event,
    /// In closed form: the longest chain of steps that share nothing, or all that one memory or pool of cores has to do.
    /// Never above the event-driven latency, and equal where nothing shared is full; for sweeps.
    ClosedForm,
}

impl From<Detail> for pisim_sim::Level {
    fn from(detail: Detail) -> Self {
        match detail {
            Detail::Event => Self::Event,
            Detail::ClosedForm => Self::ClosedForm,
        }
    }
}
