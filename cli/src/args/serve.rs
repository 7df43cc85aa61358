//! The arguments of `pisim serve` and `pisim infer`: two halves of a private inference.

use super::{NetworkChanges, NetworkOptions};
use clap::Args;
use std::path::PathBuf;

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
