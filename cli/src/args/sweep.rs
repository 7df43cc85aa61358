//! The arguments of `pisim sweep`.

use super::Detail;
use clap::{Args, Subcommand};
use pisim_reports::results::Shard;
use std::path::PathBuf;

/// Below the options: lines of at most 90 letters, which a terminal need not wrap.
const HELP: &str = "\
A sweep is a TOML file (`pisim schema sweep`; the built-in ones are in configs/sweeps): any
key of a network, protocol or platform file is an axis, and points are a grid, a random,
Latin-hypercube or Sobol sample, or found by NSGA-II. DIR gets points.parquet and points.csv
with one row for each point, layers.parquet if the sweep asks for layers, and manifest.json
with everything that the rows follow from.

A run that was stopped goes on where it was when it is started again; a search goes through
its earlier generations once more, since later ones follow from them. A shard is one of equal
parts, counted from 0, for many machines; merging all of them gives the files of one run, bit
for bit.

Examples:
  pisim sweep gc-he-balance
  pisim sweep mine.toml --out results --level event --threads 8
  pisim sweep mine.toml --shard 0/4 --out shard0     … up to 3/4, on any machines, and then
  pisim sweep merge shard0 shard1 shard2 shard3 --out results
  pisim sweep show results --point 1234              the row, and the command that gives it
  pisim sweep columns mine.toml                      what the columns of its results mean";

#[derive(Debug, Args)]
#[command(after_help = HELP, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct SweepArgs {
    #[command(subcommand)]
    pub command: Option<SweepCommand>,
    /// A built-in sweep or a .toml file.
    #[arg(required = true)]
    pub sweep: Option<String>,
    /// The folder for the results; by default out/sweeps/ and the sweep's name.
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Only this part of the points: INDEX/COUNT, INDEX from 0.
    #[arg(long, value_name = "INDEX/COUNT")]
    pub shard: Option<Shard>,
    /// How latencies are found, instead of the sweep's choice.
    #[arg(long, value_enum)]
    pub level: Option<Detail>,
    /// Take so many samples, instead of the sweep's number.
    #[arg(long, value_name = "N")]
    pub points: Option<u64>,
    /// Remove the results of another sweep from the folder.
    #[arg(long)]
    pub force: bool,
    /// Worker threads; by default one per core. Results do not depend on it.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

#[derive(Debug, Subcommand)]
pub enum SweepCommand {
    /// Put the finished shards of a sweep together.
    Merge(MergeArgs),
    /// Show one row of results, and the command that computes it by itself.
    Show(ShowArgs),
    /// List the columns of results: names, types, units and meanings.
    Columns(ColumnsArgs),
}

#[derive(Debug, Args)]
pub struct MergeArgs {
    /// The folders of all shards, in any order.
    #[arg(required = true, value_name = "DIR")]
    pub shards: Vec<PathBuf>,
    /// The folder for the whole results.
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
    /// Remove the results of another sweep from the folder.
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The folder of finished results.
    pub results: PathBuf,
    /// The point's number.
    #[arg(long, value_name = "N")]
    pub point: u64,
}

#[derive(Debug, Args)]
pub struct ColumnsArgs {
    /// A built-in sweep, a .toml file or a folder of results, whose axes are listed, too.
    pub sweep: Option<String>,
}
