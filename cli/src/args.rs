//! The arguments of every command.

mod circuit;
mod explore;
mod export;
mod hardware;
mod memory;
mod net;
mod quantise;
mod report;
mod requests;
mod set;
mod sweep;

pub use circuit::{CircuitArgs, Side};
pub use explore::{Counts, ExploreArgs};
pub use export::ExportArgs;
pub use hardware::{FitArgs, ListArgs, MadeOf, TechnologyArgs};
pub use memory::MemoryArgs;
pub use net::{BudgetArgs, EqualizeArgs, LadderArgs, NetArgs, NetCommand, NetworkChanges, NetworkOptions};
pub use quantise::QuantiseArgs;
pub use report::ReportArgs;
pub use requests::{Rates, RequestsArgs};
pub use set::SetOptions;
pub use sweep::{ColumnsArgs, MergeArgs, ShowArgs, SweepArgs, SweepCommand};

use crate::platform::PlatformOptions;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use pisim_settings::Bytes;
use std::path::PathBuf;

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

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    pisim serve -n minionn --listen 0.0.0.0:7000 --tls\n  \
    pisim serve -n hrn-5x5x3x -p ring-gc --listen 127.0.0.1:7000 --seed 7 --store precomputes\n  \
    pisim serve -n hrn-tiny --listen 127.0.0.1:0 --clients 1 --json\n\n\
    Ctrl-C stops accepting and lets running clients finish (exit code 0); a second Ctrl-C stops at once (130).")]
pub struct ServeArgs {
    /// A built-in network, a .toml or a .onnx file.
    #[arg(short, long, default_value = "hrn-tiny", value_name = "NET")]
    pub network: String,
    #[command(flatten)]
    pub options: NetworkOptions,
    /// A built-in protocol or a .toml file.
    #[arg(short, long, default_value = pisim_protocol::DEFAULT_PROTOCOL)]
    pub protocol: String,
    /// Address and port to listen on; port 0 takes a free one, and the answer says which.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7000")]
    pub listen: String,
    /// The seed of the random weights of a network without its own. The secrets of every inference are fresh.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// TLS with a new self-signed certificate; the answer has its fingerprint, which clients need.
    #[arg(long)]
    pub tls: bool,
    /// TLS with this certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_key", conflicts_with = "tls")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's key (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Keep precomputes in this folder; without it, they end with the server.
    #[arg(long, value_name = "DIR")]
    pub store: Option<PathBuf>,
    /// Precomputes kept at most; clients that want more are refused.
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub max_stored: usize,
    /// Seconds to wait for a client that sends or takes nothing; longer than a client computes between two messages. All
    /// waits of one inference may take ten times this, and one second for every 256 KiB that moves.
    #[arg(long, value_name = "S", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: u64,
    /// Clients served at the same time; more are refused.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub max_clients: u16,
    /// Stop after so many connections, for scripts.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub clients: Option<u64>,
    /// Worker threads that all clients share; by default one per core.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    pisim infer --connect 127.0.0.1:7000 -n minionn --input cat.png\n  \
    pisim infer --connect example.org:7000 -n hrn-5x5x3x --input image.npy --tls-fingerprint 3f…9a --json\n  \
    pisim infer --connect 127.0.0.1:7000 --offline --store precomputes --count 3\n  \
    pisim infer --connect 127.0.0.1:7000 --store precomputes --input seed:7\n\n\
    Network and protocol must be the server's. A failed connection or protocol error is exit code 2, Ctrl-C 130.")]
pub struct InferArgs {
    /// The server's address and port.
    #[arg(long, value_name = "ADDR")]
    pub connect: String,
    /// A built-in network, a .toml or a .onnx file: the one that the server offers.
    #[arg(short, long, default_value = "hrn-tiny", value_name = "NET")]
    pub network: String,
    /// Rows and columns of the network's input: 32, 64, 224, …
    #[arg(long, value_name = "SIZE")]
    pub input_size: Option<usize>,
    #[command(flatten)]
    pub other: NetworkChanges,
    /// A built-in protocol or a .toml file: the one that the server runs.
    #[arg(short, long, default_value = pisim_protocol::DEFAULT_PROTOCOL)]
    pub protocol: String,
    /// The input: a PNG or JPEG, a NumPy array (.npy, channels × rows × columns), or seed:N for random values.
    #[arg(long, value_name = "FILE|seed:N", required_unless_present = "offline", conflicts_with = "offline")]
    pub input: Option<String>,
    /// TLS with the server whose certificate has this SHA-256 fingerprint, and no other.
    #[arg(long, value_name = "HEX")]
    pub tls_fingerprint: Option<pisim_backend::net::tls::Fingerprint>,
    /// Seconds to wait for a server that sends or takes nothing; longer than the server computes between two messages.
    #[arg(long, value_name = "S", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: u64,
    /// Only prepare: setup and offline phase, kept in the store for later inputs.
    #[arg(long, requires = "store")]
    pub offline: bool,
    /// The folder of precomputes. With an input, one of them is used up and only the online phase runs.
    #[arg(long, value_name = "DIR")]
    pub store: Option<PathBuf>,
    /// Precomputes to make.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "offline", value_parser = clap::value_parser!(u16).range(1..))]
    pub count: u16,
    /// Worker threads; by default one per core.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pisim bench --threads 1 --json")]
pub struct BenchArgs {
    /// Worker threads.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: u16,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    pisim calibrate -o here.toml\n  \
    pisim verify -n hrn-5x5x3x -H here.toml\n  \
    pisim calibrate --threads 1 --json\n\n\
    Only primitives are timed (garbled gates, oblivious transfers, transforms, convolutions on shares, memory), never an\n\
    inference. Every cost is the median of many samples; the file says how each was measured and how disturbed it was.")]
pub struct CalibrateArgs {
    /// The platform file to write; without it, the file goes to stdout.
    #[arg(short, long, value_name = "FILE.toml")]
    pub output: Option<PathBuf>,
    /// Worker threads that measure at the same time, the cores of the platform; by default one per core.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
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
