//! The arguments of `pisim hardware circuit`.

use clap::{Args, ValueEnum};
use pisim_hw_models::gc;
use pisim_protocol::netlist::FAMILIES;
use std::fmt::Write;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = after_help())]
pub struct CircuitArgs {
    /// A generator's name or a circuit file.
    pub circuit: String,
    /// A built-in platform or a .toml file.
    #[arg(short = 'H', long, default_value = "haac-hbm2")]
    pub hardware: String,
    /// Which half of the work.
    #[arg(long, value_enum, default_value = "garble")]
    pub role: Role,
    /// The order in which the engines get the gates, instead of the platform's.
    #[arg(long, value_enum)]
    pub order: Option<Order>,
    /// Whose engine and memory; by default the server's, or the client's when only it has an engine.
    #[arg(long, value_enum)]
    pub party: Option<Side>,
    /// Also write the circuit to this file, in Bristol Fashion.
    #[arg(short, long, value_name = "FILE.txt")]
    pub output: Option<PathBuf>,
}

/// Examples, and every family of circuits.
fn after_help() -> String {
    let mut help = String::from(
        "Examples:\n  \
        pisim hardware circuit add:16\n  \
        pisim hardware circuit aes128 --role evaluate --json\n  \
        pisim hardware circuit bubble-sort:64:32 --order segment -H my-engine.toml\n  \
        pisim hardware circuit circuits/sha256.txt -H fpga-u280\n  \
        pisim hardware circuit divide:64 -o divide64.txt\n\n\
        CIRCUIT is a file in Bristol or Bristol Fashion format, or one of:\n",
    );
    for family in FAMILIES {
        // Writing to a string cannot fail.
        let _ = writeln!(help, "  {:<22}  {}", family.form, family.about);
    }
    help + "\nEvery gate is stepped. The input labels that fit the wire memory are on chip before the engines start; \
            seconds do not include their transfer, bytes do."
}

/// Which half of garbling.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Role {
    /// Make the garbled tables.
    Garble,
    /// Evaluate them.
    Evaluate,
}

/// The order of the gates.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Order {
    /// By level over the whole circuit.
    Full,
    /// By level inside segments of half of the wire memory.
    Segment,
    /// As the circuit has them.
    Baseline,
}

/// A party.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Side {
    /// The party with the input.
    Client,
    /// The party with the weights.
    Server,
}

impl From<Role> for gc::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Garble => Self::Garble,
            Role::Evaluate => Self::Evaluate,
        }
    }
}

impl From<Order> for gc::Order {
    fn from(order: Order) -> Self {
        match order {
            Order::Full => Self::Full,
            Order::Segment => Self::Segment,
            Order::Baseline => Self::Baseline,
        }
    }
}
