//! Trains a small network under falling ReLU budgets and draws accuracy against ReLUs and simulated latency.

use clap::Parser;
use pisim_train::TrainError;
use pisim_train::args::Args;
use pisim_train::job::Job;
use pisim_train::measure::MeasureError;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = Args::parse();
    match Job::new(&args).and_then(|job| job.run(&args)) {
        Ok(text) => {
            // A reader that has gone (`| head`) is no error.
            let _ = writeln!(std::io::stdout().lock(), "{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr().lock(), "error: {error:#}");
            ExitCode::from(if is_failed_check(&error) { 1 } else { 2 })
        }
    }
}

/// Whether a check failed, rather than an input being wrong.
fn is_failed_check(error: &anyhow::Error) -> bool {
    let trained = match error.downcast_ref::<MeasureError>() {
        Some(MeasureError::Train(error)) => Some(error),
        _ => error.downcast_ref::<TrainError>(),
    };
    trained.is_some_and(TrainError::is_failed_check)
}
