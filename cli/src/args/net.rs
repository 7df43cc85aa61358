//! The arguments of `pisim net`, and how any command changes a network.

use clap::{Args, Subcommand};
use pisim_netgen::NetworkSpec;

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
        pisim net show resnet18 --input 64 --cull stem,s1 --thin --json")]
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
        pisim net equalize --depths 3,4,6,3 --order 3,2,4,1 --max 16 --json")]
    Equalize {
        /// Blocks of each stage.
        #[arg(long, value_delimiter = ',', default_value = "2,2,2,2")]
        depths: Vec<u64>,
        /// Stages from most to least critical, counted from 1.
        #[arg(long, value_delimiter = ',', default_value = "3,2,4,1")]
        order: Vec<usize>,
        /// The largest multiplier to try.
        #[arg(long, default_value_t = 16)]
        max: u64,
        /// Base channels of the networks whose counts the table shows.
        #[arg(long, default_value_t = 16)]
        base_channels: usize,
        /// Input size of the networks whose counts the table shows.
        #[arg(long, default_value_t = 32)]
        input: usize,
    },
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
}

impl NetworkOptions {
    /// Changes a network's description by what was given.
    pub fn apply(&self, spec: &mut NetworkSpec) {
        spec.input_size = self.input.unwrap_or(spec.input_size);
        spec.classes = self.other.classes.or(spec.classes);
        spec.base_channels = self.other.base_channels.or(spec.base_channels);
        spec.cull.extend(self.other.cull.iter().cloned());
        spec.thin |= self.other.thin;
    }
}
