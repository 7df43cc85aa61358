//! The arguments of `pisim requests`.

use super::NetworkOptions;
use crate::platform::PlatformOptions;
use clap::Args;
use pisim_settings::Bytes;
use pisim_sim::requests::Policy;
use std::path::PathBuf;
use std::str::FromStr;

/// Below the options: lines of at most 90 letters, which a terminal need not wrap.
const HELP: &str = "\
Policies. A pair of a client and a server serves one request at a time, in order of arrival.
  published  as the simulator of Garimella et al. (ASPLOS'23): once a second, a background
             process looks whether more than one precompute's bytes are free on both sides,
             and makes one; it neither slows an online phase nor is slowed by one
  eager      the next precompute starts as soon as there is room for it
  overlap    as eager, but the online phase has priority on every processor, accelerator,
             memory and direction of the link, and a precompute occupies its storage from
             its start to the end of its inference
  servers:N  N pairs, each with its own hardware, link and storage, behind one queue; each
             works as under overlap

A client that cannot store one precompute runs both phases of every request on demand; a
server that cannot is refused. Mean to 99 % are of the time from leaving the queue to the
answer. The knee is the first rate beyond the capacity: from there on the queue grows for as
long as requests come, and some are unserved at the end. --json prints an array with one
object per protocol and rate; times are null where nothing was served.

Examples:
  pisim requests -n resnet18 --plot requests.svg
  pisim requests -n resnet18 -p delphi -p delphi-client -H epyc7502-atom --plot both.png
  pisim requests -n resnet18 -p delphi -H epyc7502-atom --rates 0.0005:0.003:6 --client-storage \"16 GB\"
  pisim requests -n resnet32 --policy overlap --up \"500 Mbps\" --down \"500 Mbps\" --json
  pisim requests -n minionn --trace arrivals.csv --hours 2 --policy servers:4";

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct RequestsArgs {
    /// A built-in network, a .toml or a .onnx file.
    #[arg(short, long, default_value = "hrn-5x5x3x", value_name = "NET")]
    pub network: String,
    #[command(flatten)]
    pub options: NetworkOptions,
    /// A built-in protocol or a .toml file; several times for several curves.
    #[arg(short, long, default_values = [pisim_protocol::DEFAULT_PROTOCOL])]
    pub protocol: Vec<String>,
    /// A built-in platform or a .toml file.
    #[arg(short = 'H', long, default_value = "cpu-lan")]
    pub hardware: String,
    /// Arrival rates in requests per second, from a to b in n equal steps, ends included; by default eight rates from a
    /// quarter of the smallest to one and a half of the largest capacity.
    #[arg(long, value_name = "a:b:n")]
    pub rates: Option<Rates>,
    /// Arrivals from a file instead of at random: seconds, one per line or the first column of CSV, in order.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rates", "runs", "seed"])]
    pub trace: Option<PathBuf>,
    /// Simulated hours.
    #[arg(long, default_value_t = 24.0)]
    pub hours: f64,
    /// Independent runs of each rate; by default 30, or fewer where more than 5e7 requests would arrive in all.
    #[arg(long)]
    pub runs: Option<u32>,
    /// The seed of the arrivals.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// What the client has for precomputes.
    #[arg(long, value_name = "BYTES", default_value = "64 GB")]
    pub client_storage: Bytes,
    /// What the server has for precomputes.
    #[arg(long, value_name = "BYTES", default_value = "10 TB")]
    pub server_storage: Bytes,
    #[command(flatten)]
    pub changes: PlatformOptions,
    /// When precomputes are made: published, eager, overlap or servers:N (see below).
    #[arg(long, default_value = "published")]
    pub policy: Policy,
    /// Write latency against arrival rate as a figure.
    #[arg(long, value_name = "FILE.svg|png")]
    pub plot: Option<PathBuf>,
    /// Worker threads; by default one per core. Results do not depend on it.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

/// Most rates of one sweep.
const MAX_RATES: usize = 10_000;

/// Arrival rates in equal steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Rates(pub Vec<f64>);

impl Rates {
    /// `count` rates from `first` to `last`, ends included.
    pub fn linear(first: f64, last: f64, count: usize) -> Self {
        let steps = count.saturating_sub(1).max(1) as f64;
        let at = |step: usize| (first * (steps - step as f64) + last * step as f64) / steps;
        Self((0..count).map(at).collect())
    }
}

impl FromStr for Rates {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected a:b:n: from a to b requests per second, both above 0, in n rates";
        let parts: Vec<&str> = text.split(':').map(str::trim).collect();
        let rate = |text: &str| text.parse::<f64>().ok().filter(|rate| rate.is_finite()).ok_or(expected.to_owned());
        let (first, last, count) = match parts.as_slice() {
            [only] => (rate(only)?, rate(only)?, 1),
            [first, last, count] => (rate(first)?, rate(last)?, count.parse().map_err(|_| expected.to_owned())?),
            _ => return Err(expected.to_owned()),
        };
        if first <= 0.0 {
            return Err(format!("a rate of {first} requests per second gives no latency; {expected}"));
        }
        if last < first {
            return Err(format!("{last} is below {first}; {expected}"));
        }
        if count == 0 || count > MAX_RATES {
            return Err(format!("{count} rates; expected 1 to {MAX_RATES}"));
        }
        if count == 1 && first < last {
            return Err(format!("one rate cannot be both {first} and {last}; {expected}"));
        }
        Ok(Self::linear(first, last, count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_linear_with_both_ends() {
        let rates = |text: &str| text.parse::<Rates>().map(|rates| rates.0);
        assert_eq!(rates("0.5:2:4").unwrap(), [0.5, 1.0, 1.5, 2.0]);
        assert_eq!(rates("0.1:0.3:3").unwrap()[2], 0.3);
        assert_eq!(rates("0.25").unwrap(), [0.25]);
        assert_eq!(rates("1:1:3").unwrap(), [1.0, 1.0, 1.0]);
        for bad in
            ["", "0", "0:1:3", "1:0.5:2", "1:2", "1:2:0", "1:2:1", "1:2:10001", "1:2:x", "-1:2:3", "nan:1:2", "1:inf:2"]
        {
            assert!(rates(bad).is_err(), "{bad}");
        }
    }
}
