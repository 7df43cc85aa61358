//! The arguments of `pisim hardware`'s commands.

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use pisim_hw_models::{Accelerator, Board, FitOptions, MAX_SRAM_PORTS, NODES_NM, Side};
use pisim_settings::{Bytes, did_you_mean};
use std::path::PathBuf;

/// What the accelerators of a party are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MadeOf {
    /// An ASIC.
    Asic,
    /// An FPGA board.
    Fpga,
    /// Only processors.
    Cpu,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    pisim hardware list\n  \
    pisim hardware list fpga --json            platforms with `fpga` in their name or description\n  \
    pisim hardware list --kind asic            platforms with an ASIC in either party\n  \
    pisim hardware list --boards               FPGA boards with their budgets")]
pub struct ListArgs {
    /// Only those with this text in their name or description, in any case.
    pub filter: Option<String>,
    /// Only platforms of which a party has accelerators of this kind; cpu: platforms without any.
    #[arg(long, value_enum, conflicts_with = "boards")]
    pub kind: Option<MadeOf>,
    /// List the FPGA boards instead: what a design can fill, memory, power.
    #[arg(long)]
    pub boards: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    pisim hardware fit fpga-u280                               what it uses, and how far it could grow in proportion\n  \
    pisim hardware fit fpga-u280 --grow gc_engine              … if only the garbling engine grows\n  \
    pisim hardware fit fpga-u280 --board zcu102 -o small.toml  the largest of its kind on another board, as a file\n  \
    pisim hardware fit haac-hbm2 --board v80 --max 80 --json   an ASIC's design on a board, a fifth of the budget spare\n\n\
    The platform may be too large: what does not fit is said, by how much, and the largest that does is proposed. Gate\n\
    engines, transform units and butterflies, lanes and cells grow or shrink by one factor; memories keep their size unless\n\
    they alone are too large; clocks that the result does not reach are lowered. Exit code 1 if nothing fits at all.")]
pub struct FitArgs {
    /// A built-in platform or a .toml file.
    #[arg(value_name = "PLATFORM")]
    pub hardware: String,
    /// The board to fit it to, instead of the file's.
    #[arg(long, value_parser = board)]
    pub board: Option<&'static Board>,
    /// Whose accelerators; by default the server's if it has any.
    #[arg(long, value_enum)]
    pub party: Option<PartyName>,
    /// Only this accelerator grows, as far as it goes, and the others stay as they are.
    #[arg(long, value_name = "UNIT")]
    pub grow: Option<Unit>,
    /// How much of each of the board's budgets the result may use.
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=100))]
    pub max: u64,
    /// Write the platform with the largest configuration to this file; its comments are kept.
    #[arg(short, long, value_name = "FILE.toml")]
    pub output: Option<PathBuf>,
}

impl FitArgs {
    /// The same for the library.
    pub fn options(&self) -> FitOptions {
        let side = self.party.map(|party| match party {
            PartyName::Client => Side::Client,
            PartyName::Server => Side::Server,
        });
        FitOptions { side, board: self.board, grow: self.grow.map(|unit| unit.0), fill_percent: self.max }
    }
}

fn board(name: &str) -> Result<&'static Board, String> {
    Board::known(name)
}

/// A party.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum PartyName {
    /// The party with the input.
    Client,
    /// The party with the weights.
    Server,
}

/// An accelerator, by its table in platform files.
#[derive(Debug, Clone, Copy)]
pub struct Unit(pub Accelerator);

impl ValueEnum for Unit {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self(Accelerator::GcEngine), Self(Accelerator::HeEngine), Self(Accelerator::MacArray)]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.key()))
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    pisim hardware technology --node 7\n  \
    pisim hardware technology --node 16 --supply 0.72 --json\n  \
    pisim hardware technology --node 16 --sram \"2 MiB\" --banks 64 --ports 2   energy, area and leakage of a memory\n\n\
    Published figures, each with its source, scaled from their node (Stillmaker and Baas). Memories: CACTI 7.")]
pub struct TechnologyArgs {
    /// Technology node in nanometres.
    #[arg(long, default_value_t = 16, value_parser = node)]
    pub node: u32,
    /// Supply in volts; by default the node's usual one.
    #[arg(long, value_name = "V", value_parser = supply)]
    pub supply: Option<f64>,
    /// Show an on-chip memory of this size instead of a range of sizes.
    #[arg(long, value_name = "BYTES", value_parser = sram)]
    pub sram: Option<Bytes>,
    /// Banks of that memory.
    #[arg(long, default_value_t = 1, requires = "sram", value_parser = clap::value_parser!(u64).range(1..=65_536))]
    pub banks: u64,
    /// Ports of each bank.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=MAX_SRAM_PORTS))]
    pub ports: u64,
}

fn node(text: &str) -> Result<u32, String> {
    let names = NODES_NM.map(|node| node.to_string());
    let node = text.parse().ok().filter(|node| NODES_NM.contains(node));
    node.ok_or_else(|| {
        let hint = did_you_mean(text, names.iter().map(String::as_str));
        format!("no scaling data for {text} nm; expected one of {}{hint}", names.join(", "))
    })
}

fn supply(text: &str) -> Result<f64, String> {
    let volts = text.parse().ok().filter(|volts| (0.4..=1.5).contains(volts));
    volts.ok_or_else(|| format!("`{text}` is out of range; expected 0.4 to 1.5"))
}

fn sram(text: &str) -> Result<Bytes, String> {
    let bytes: Bytes = text.parse().map_err(|error: pisim_settings::QuantityError| error.to_string())?;
    let inside = (1 << 10..=64 << 30).contains(&bytes.bytes());
    inside.then_some(bytes).ok_or_else(|| format!("{bytes} is out of range; expected 1 KiB to 64 GiB"))
}
