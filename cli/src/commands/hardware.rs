//! `pisim hardware`.

mod fit;
mod list;
mod show;
mod technology;

use crate::Outcome;
use crate::args::{HardwareArgs, HardwareCommand};
use crate::output::Output;
use anyhow::Result;

pub fn run(args: &HardwareArgs, output: Output) -> Result<Outcome> {
    match &args.command {
        HardwareCommand::List(args) => list::run(args, output),
        HardwareCommand::Show { hardware } => show::run(hardware, output),
        HardwareCommand::Fit(args) => fit::run(args, output),
        HardwareCommand::Technology(args) => technology::run(args, output),
        HardwareCommand::Memory(args) => super::memory::run(args, output).map(|()| Outcome::Done),
        HardwareCommand::Circuit(args) => super::circuit::run(args, output).map(|()| Outcome::Done),
        HardwareCommand::Explore(args) => super::explore::run(args, output),
    }
}
