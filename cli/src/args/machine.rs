//! The arguments of `pisim bench` and `pisim calibrate`: what this machine can do.

use clap::Args;
use std::path::PathBuf;

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
