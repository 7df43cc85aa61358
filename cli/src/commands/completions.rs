//! `pisim completions`.

use crate::Outcome;
use crate::args::{Cli, CompletionsArgs};
use crate::output::write_line;
use anyhow::Result;
use clap::CommandFactory;

pub fn run(args: &CompletionsArgs) -> Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "pisim", &mut script);
    write_line(String::from_utf8_lossy(&script).trim_end())?;
    Ok(Outcome::Done)
}
