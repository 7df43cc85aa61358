//! The arguments of `pisim hardware memory`.

use clap::{Args, ValueEnum};
use pisim_hw_models::dram::{AddressMapping, DramError, Interleave, Pattern, ReadShare};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    pisim hardware memory ddr4-3200                               every standard pattern\n  \
    pisim hardware memory hbm2 --pattern rnd_rd --channels 8      random 64-byte reads\n  \
    pisim hardware memory ddr4-2400 --pattern blk1024 --mapping column --ranks 2 --json\n  \
    pisim hardware memory hbm2e --channels 16 --pattern stride4096 --interleave 64B --closed-form\n  \
    pisim hardware memory lpddr4 --pattern blk256 --read-share 0.75   three blocks read, one written\n  \
    pisim hardware memory ddr4-3200 --pattern rnd_rd --queue-depth 1  each read waits for the one before\n\n\
    Devices (one channel each): ddr4-2400, ddr4-3200, ddr4-4400, hbm2, hbm2-pseudo, hbm2e, lpddr4.\n\
    Patterns, of 64-byte requests as fast as the memory takes them:\n  \
    seq_rd seq_wr              one stream\n  \
    copy11 triad21             a line read, a line written; two read, one written; each from an array of its own\n  \
    rnd_rd rnd_wr rnd_11 rnd_21    random lines: reads, writes, 1:1, 2:1\n  \
    copyblkB                   B bytes read from one array, then B bytes written to another\n  \
    triadblkB                  B bytes read from each of two arrays, then B bytes written to a third\n  \
    blkB                       random aligned blocks of B bytes, read in order\n  \
    strN                       N streams of reads, a line of each in turn\n  \
    strideS                    reads of the lines that hold bytes S apart\n  \
    tileB                      tiles of 16 rows of B bytes of a matrix with rows of 64 KiB\n\
    B bytes begin with a line and take whole lines: of blk16 a quarter of what is moved is useful. All patterns cover 1 GiB,\n\
    or 4 GiB from 8 channels on, and begin again at its end.")]
pub struct MemoryArgs {
    /// The memory device.
    pub device: String,
    /// The access pattern; without it, a table of the standard ones.
    #[arg(long, value_name = "P")]
    pub pattern: Option<Pattern>,
    /// The part of a pattern's requests that read, 0 to 1; of `blkB`, of its blocks. For patterns that otherwise only read.
    #[arg(long, value_name = "SHARE", requires = "pattern", value_parser = read_share, allow_negative_numbers = true)]
    pub read_share: Option<ReadShare>,
    /// Requests under way at a time: reads without their data, and writes that are not taken yet; by default as many as the
    /// memory takes.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=65_536))]
    pub queue_depth: Option<u64>,
    /// The address bits that change first along a stream.
    #[arg(long, value_enum, default_value_t = MappingArg::BankGroup)]
    pub mapping: MappingArg,
    /// Channels.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub channels: u64,
    /// How much of a stream goes to one channel before the next: `64B` or `1K`.
    #[arg(long, value_enum, default_value_t = InterleaveArg::Kibibyte)]
    pub interleave: InterleaveArg,
    /// Ranks of every channel.
    #[arg(long, value_name = "R", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=8))]
    pub ranks: u64,
    /// Requests to simulate; by default 60,000, or 30,000 per channel if that is more.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub requests: Option<u64>,
    /// The closed form that platforms use, instead of a simulation request by request.
    #[arg(long, conflicts_with = "requests")]
    pub closed_form: bool,
}

/// Which address bits change first along a stream.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum MappingArg {
    /// Columns: a stream stays in one row of one bank until it ends.
    Column,
    /// Bank groups: consecutive lines rotate over them.
    BankGroup,
}

impl From<MappingArg> for AddressMapping {
    fn from(mapping: MappingArg) -> Self {
        match mapping {
            MappingArg::Column => Self::Column,
            MappingArg::BankGroup => Self::BankGroup,
        }
    }
}

/// How much of a stream goes to one channel.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum InterleaveArg {
    /// One line.
    #[value(name = "64B")]
    Line,
    /// 1 KiB.
    #[value(name = "1K")]
    Kibibyte,
}

impl From<InterleaveArg> for Interleave {
    fn from(interleave: InterleaveArg) -> Self {
        match interleave {
            InterleaveArg::Line => Self::Line,
            InterleaveArg::Kibibyte => Self::Kibibyte,
        }
    }
}

fn read_share(text: &str) -> Result<ReadShare, DramError> {
    let share = text.parse().map_err(|_| DramError::ReadShare { share: text.to_owned() })?;
    ReadShare::new(share)
}
