//! The arguments of every command.

mod circuit;
mod explore;
mod export;
mod hardware;
mod help;
mod machine;
mod memory;
mod net;
mod quantise;
mod report;
mod requests;
mod run;
mod serve;
mod set;
mod simulate;
mod sweep;
mod verify;

pub use circuit::{CircuitArgs, Side};
pub use explore::{Counts, ExploreArgs};
pub use export::ExportArgs;
pub use hardware::{FitArgs, ListArgs, MadeOf, TechnologyArgs};
pub use machine::{BenchArgs, CalibrateArgs};
pub use memory::MemoryArgs;
pub use net::{BudgetArgs, EqualizeArgs, LadderArgs, NetArgs, NetCommand, NetworkChanges, NetworkOptions};
pub use quantise::QuantiseArgs;
pub use report::ReportArgs;
pub use requests::{Rates, RequestsArgs};
pub use run::RunArgs;
pub use serve::{InferArgs, ServeArgs};
pub use set::SetOptions;
pub use simulate::{Detail, SimulateArgs};
pub use sweep::{ColumnsArgs, MergeArgs, ShowArgs, SweepArgs, SweepCommand};
pub use verify::{Garbler, ValidateArgs, VerifyArgs};

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// A co-design simulator for private inference: networks, protocols and hardware, next to a verified two-party run.
#[derive(Debug, Parser)]
#[command(name = "pisim", version, propagate_version = true, arg_required_else_help = false)]
#[command(after_help = "Examples:\n  \
    pisim                                                the built-in HybReNet experiment, report in out/\n  \
    pisim run mine.toml                                  your own experiment\n  \
    pisim net show hrn-5x5x3x                            parameters, MACs and ReLUs by stage\n  \
    pisim simulate -n resnet18 -H haac-hbm2              modelled latency, energy and bytes\n  \
    pisim report -n resnet18 -H haac-hbm2                its figures: timeline, rooflines, what binds it\n  \
    pisim requests -n resnet18 --plot requests.svg       many users: latency against arrival rate\n  \
    pisim verify -n minionn                              run the real protocol and compare every output and count\n  \
    pisim serve -n minionn --listen 127.0.0.1:7000       one half of a private inference, as a process …\n  \
    pisim infer --connect 127.0.0.1:7000 -n minionn --input cat.png   … and the other\n  \
    pisim net equalize --depths 2,2,2,2 --order 3,2,4,1  all minimal HybReNets\n\n\
    Exit codes: 0 done, 1 a check failed, 2 bad usage, bad input or a failed connection.")]
pub struct Cli {
    /// What to do; `run` when nothing is named.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Print one JSON value on stdout, for programs.
    #[arg(long, global = true)]
    pub json: bool,
    /// Log on stderr what is done; twice for every step of a private run.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run an experiment: simulate networks on platforms, verify one by a real private run, write the report.
    Run(RunArgs),
    /// Networks: list, show, solve for HybReNets.
    Net(NetArgs),
    /// Simulate one network under one protocol on one platform.
    Simulate(SimulateArgs),
    /// Reproduce published measurements and say how far off the model is; fails if a limit is exceeded.
    Validate(ValidateArgs),
    /// Run the real two-party protocol; compare every output with the integer reference and every step's work with the
    /// prediction.
    Verify(VerifyArgs),
    /// Offer a network to clients over TCP: one half of a private inference.
    Serve(ServeArgs),
    /// Ask a server over TCP: the other half, which learns the answer and shows nobody its input.
    Infer(InferArgs),
    /// Draw the figures of a sweep, of one simulation or of a published study, and say what they show.
    Report(Box<ReportArgs>),
    /// Evaluate many points: any key of any file as an axis; results as Parquet and CSV.
    Sweep(Box<SweepArgs>),
    /// Simulate a stream of requests: arrivals, stored precomputes, queueing, latency against arrival rate.
    Requests(RequestsArgs),
    /// Measure the primitive rates of the protocol backend on this machine, each next to its limit.
    Bench(BenchArgs),
    /// Measure this machine's primitives and write them as a platform for `-H`.
    Calibrate(CalibrateArgs),
    /// Platforms and boards: list, show, fit to a board, technology, explore designs.
    Hardware(HardwareArgs),
    /// Print the JSON Schema of a kind of TOML file, for editors.
    Schema(SchemaArgs),
    /// Print a completion script for a shell.
    Completions(CompletionsArgs),
}

#[derive(Debug, Args)]
pub struct HardwareArgs {
    #[command(subcommand)]
    pub command: HardwareCommand,
}

#[derive(Debug, Subcommand)]
pub enum HardwareCommand {
    /// List the built-in platforms, or the FPGA boards.
    List(hardware::ListArgs),
    /// Fit a platform's accelerators to an FPGA board: what they use, what is too much, and the largest that fits.
    Fit(hardware::FitArgs),
    /// Look up energies, areas and leakage of operations, memories and links at a technology node.
    Technology(hardware::TechnologyArgs),
    /// Show a platform: its TOML, its area, power and FPGA resources by part.
    #[command(after_help = "Examples:\n  \
        pisim hardware show haac-hbm2                area, power and leakage of every part, after the file\n  \
        pisim hardware show fpga-u280 > mine.toml    what is shown is a platform file, ready to be changed\n  \
        pisim hardware show fpga-u280 --json")]
    Show {
        /// A built-in platform or a .toml file.
        #[arg(default_value = "haac-hbm2")]
        hardware: String,
    },
    /// Run access patterns on a memory device: bandwidth, row hits, latency.
    Memory(MemoryArgs),
    /// Run one Boolean circuit on a platform's GC engine, gate by gate: cycles, bytes, energy, and what bounds it.
    Circuit(CircuitArgs),
    /// Go through a design space: latency and energy against gate engines, HE lanes and memory, and what binds each design.
    Explore(Box<ExploreArgs>),
}

/// A kind of TOML file.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Kind {
    Network,
    Protocol,
    Hardware,
    Experiment,
    Sweep,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pisim schema hardware > hardware.schema.json")]
pub struct SchemaArgs {
    /// Which kind of file.
    pub kind: Kind,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pisim completions bash > /etc/bash_completion.d/pisim")]
pub struct CompletionsArgs {
    /// The shell.
    pub shell: Shell,
}
