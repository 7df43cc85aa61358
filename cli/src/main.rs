//! The pisim command line: reads arguments, asks the library crates, prints their answers.
//!
//! Exit codes: 0 done, 1 a check failed, 2 bad usage, bad input or a failed connection, 130 interrupted. `--json` prints one JSON value on stdout and nothing
//! else there; logs and progress go to stderr.

mod args;
mod commands;
mod dataset;
mod experiment;
mod files;
mod image;
mod npy;
mod output;
mod platform;
mod plot;
mod select;
mod trained;

use args::{Cli, Command};
use output::Output;
use pisim_backend::simd::Path;
use std::process::ExitCode;

/// What a command says that met no error: whether what it checked holds.
enum Outcome {
    Done,
    CheckFailed,
    /// The user stopped it.
    Interrupted,
}

fn main() -> ExitCode {
    let cli = Cli::from_arguments();
    output::start_logging(cli.verbose);
    match run(cli) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::CheckFailed) => ExitCode::from(1),
        Ok(Outcome::Interrupted) => ExitCode::from(130),
        Err(error) => {
            output::print_error(&error);
            ExitCode::from(2)
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<Outcome> {
    // A forced set of instructions that is not there is the user's mistake, not a reason to use another one.
    Path::from_env()?;
    let output = Output { json: cli.json };
    match cli.command.unwrap_or_else(|| Command::Run(args::RunArgs::default())) {
        Command::Run(args) => commands::run::run(&args, output),
        Command::Net(args) => commands::net::run(&args, output),
        Command::Simulate(args) => commands::simulate::run(&args, output),
        Command::Validate(args) => commands::validate::run(&args, cli.verbose > 0, output),
        Command::Verify(args) => commands::verify::run(&args, output),
        Command::Serve(args) => commands::serve::run(&args, output),
        Command::Infer(args) => commands::infer::run(&args, output),
        Command::Report(args) => commands::report::run(&args, output),
        Command::Sweep(args) => commands::sweep::run(&args, output),
        Command::Requests(args) => commands::requests::run(&args, output),
        Command::Bench(args) => commands::bench::run(&args, output),
        Command::Calibrate(args) => commands::calibrate::run(&args, output),
        Command::Hardware(args) => commands::hardware::run(&args, output),
        Command::Schema(args) => commands::schema::run(&args, output),
        Command::Completions(args) => commands::completions::run(&args),
    }
}
