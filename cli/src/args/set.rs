//! `--set`: keys of files, changed from the command line.

use clap::Args;
use pisim_settings::Change;

/// Changes of the files of a simulation.
#[derive(Debug, Clone, Default, Args)]
pub struct SetOptions {
    /// Change a key of a file: network.…, protocol.…, hardware.… or mapping.…, with a TOML value; again for more keys.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<Change>,
    /// Accept an FPGA design that does not fit its board.
    #[arg(long)]
    pub any_size: bool,
}

impl SetOptions {
    /// Whether there is anything to change.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && !self.any_size
    }
}
