//! The arguments of `pisim hardware explore`.

use super::{Detail, NetworkOptions};
use crate::platform::PlatformOptions;
use clap::Args;
use pisim_settings::{Bandwidth, did_you_mean};
use pisim_sim::explore::MemoryChoice;
use std::path::PathBuf;
use std::str::FromStr;

/// Below the options: lines of at most 90 letters, which a terminal need not wrap.
const HELP: &str = "\
Axes. Every combination of gate engines, HE lanes and memories is evaluated.
  --engines, --he-lanes  counts (1,2,4), ranges that double (1:16 is 1,2,4,8,16), or both
  --memory               a device of `pisim hardware memory` (ddr4-2400, ddr4-3200, lpddr4,
                         …: one channel; hbm2, hbm2e: 16 channels); NAMExN for N channels;
                         or a peak bandwidth (\"100 GB/s\"), which keeps all else of the
                         platform's memory
An HE engine's transform units, butterflies and automorphism lanes are in the platform's
proportion to its lanes.

A design is bound by the unit whose own work is nearest to the latency of the inference. A
map of one region says that what was varied does not matter: change the link or the client.

Examples:
  pisim hardware explore
  pisim hardware explore --both --up \"400 Gbps\" --down \"400 Gbps\" --plot map.svg
  pisim hardware explore -n resnet18 --engines 1:64 --memory hbm2 --level closed-form --json
  pisim hardware explore -H fpga-u280 --engines 1:8 --memory ddr4-2400x4,hbm2";

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct ExploreArgs {
    /// A built-in network, a .toml or a .onnx file.
    #[arg(short, long, default_value = "hrn-5x5x3x", value_name = "NET")]
    pub network: String,
    #[command(flatten)]
    pub options: NetworkOptions,
    /// A built-in protocol or a .toml file.
    #[arg(short, long, default_value = pisim_protocol::DEFAULT_PROTOCOL)]
    pub protocol: String,
    /// The platform whose server is varied: a built-in name or a .toml file; its server has a GC and an HE engine.
    #[arg(short = 'H', long, default_value = "haac-hbm2")]
    pub hardware: String,
    #[command(flatten)]
    pub changes: PlatformOptions,
    /// Gate engines of the GC engine; by default from 1 to the platform's.
    #[arg(long, value_name = "LIST|a:b")]
    pub engines: Option<Counts>,
    /// Modular multipliers of the HE engine; by default from a 256th of the platform's to all of them.
    #[arg(long, value_name = "LIST|a:b")]
    pub he_lanes: Option<Counts>,
    /// Memories of the server.
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "ddr4-2400,ddr4-4400,hbm2")]
    pub memory: Vec<MemoryArg>,
    /// The client has the same hardware as the server.
    #[arg(long)]
    pub both: bool,
    /// How latencies are found.
    #[arg(long, value_enum, default_value_t = Detail::Event)]
    pub level: Detail,
    /// Write the design space as a figure, and its data beside it as CSV.
    #[arg(long, value_name = "FILE.svg|png")]
    pub plot: Option<PathBuf>,
    /// Worker threads; by default one per core. Results do not depend on it.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

/// Most values of one axis.
const MOST_COUNTS: usize = 1_000;

/// Largest count: more units than any chip has.
const MOST_UNITS: u64 = 1 << 24;

/// Counts of units, in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts(pub Vec<u64>);

impl Counts {
    /// From `first` on, doubled until `last`, which ends them.
    pub fn doubling(first: u64, last: u64) -> Self {
        let doubled = std::iter::successors(Some(first.max(1)), |count| count.checked_mul(2));
        Self(doubled.take_while(|count| *count < last).chain([last]).collect())
    }
}

impl FromStr for Counts {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = format!("expected counts from 1 to {MOST_UNITS} (1,2,4) or a range that doubles (1:16)");
        let count = |text: &str| match text.trim().parse::<u64>() {
            Ok(0) => Err(format!("0 units never end; {expected}")),
            Ok(count) if count <= MOST_UNITS => Ok(count),
            _ => Err(format!("`{}` is no such count; {expected}", text.trim())),
        };
        let mut counts = Vec::new();
        for part in text.split(',') {
            match part.split_once(':') {
                None => counts.push(count(part)?),
                Some((first, last)) => {
                    let (first, last) = (count(first)?, count(last)?);
                    if last < first {
                        return Err(format!("{last} is below {first}; {expected}"));
                    }
                    counts.extend(Self::doubling(first, last).0);
                }
            }
        }
        counts.sort_unstable();
        counts.dedup();
        if counts.len() > MOST_COUNTS {
            return Err(format!("{} counts; expected at most {MOST_COUNTS}", counts.len()));
        }
        Ok(Self(counts))
    }
}

/// A memory by name or by bandwidth.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryArg(pub MemoryChoice);

impl FromStr for MemoryArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.starts_with(|first: char| first.is_ascii_digit()) {
            let rate: Bandwidth = text.parse().map_err(|error| format!("{error}"))?;
            let rate = rate.bytes_per_s();
            if !(1e6..=1e15).contains(&rate) {
                return Err(format!("{text} is out of range; expected 1 MB/s to 1000 TB/s"));
            }
            return Ok(Self(MemoryChoice::bandwidth(rate)));
        }
        let (name, channels) = match text.rsplit_once('x') {
            Some((name, count)) if count.parse::<u64>().is_ok() => (name, count.parse::<u64>().ok()),
            _ => (text, None),
        };
        if channels.is_some_and(|channels| !(1..=1024).contains(&channels)) {
            return Err(format!("{text}: expected 1 to 1024 channels"));
        }
        MemoryChoice::device(name, channels).map(Self).ok_or_else(|| {
            let names: Vec<&str> = MemoryChoice::names().collect();
            let hint = did_you_mean(name, names.iter().copied());
            format!("unknown memory; expected one of {}, or a bandwidth{hint}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_lists_and_ranges_that_double() {
        let counts = |text: &str| text.parse::<Counts>().map(|counts| counts.0);
        assert_eq!(counts("1:16").unwrap(), [1, 2, 4, 8, 16]);
        assert_eq!(counts("3:20").unwrap(), [3, 6, 12, 20]);
        assert_eq!(counts("8, 1,8,2").unwrap(), [1, 2, 8]);
        assert_eq!(counts("1:4,64").unwrap(), [1, 2, 4, 64]);
        assert_eq!(counts("5:5").unwrap(), [5]);
        for bad in ["", "0", "0:4", "4:2", "1:2:3", "-1", "x", "1,,2", "99999999999", "1.5"] {
            assert!(counts(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn memories_are_names_with_channels_or_bandwidths() {
        let memory = |text: &str| text.parse::<MemoryArg>().map(|memory| (memory.0.name, memory.0.bytes_per_s));
        assert_eq!(memory("hbm2").unwrap(), ("hbm2".to_owned(), 512e9));
        assert_eq!(memory("ddr4-3200x4").unwrap(), ("ddr4-3200x4".to_owned(), 102.4e9));
        assert_eq!(memory("100 GB/s").unwrap(), ("100 GB/s".to_owned(), 100e9));
        assert!(memory("ddr4-3300").unwrap_err().contains("did you mean"), "{:?}", memory("ddr4-3300"));
        for bad in ["", "hbm2x0", "hbm2x9999", "100", "0 GB/s", "x4"] {
            assert!(memory(bad).is_err(), "{bad}");
        }
    }
}
