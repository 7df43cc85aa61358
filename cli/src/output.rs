//! Where things are printed: answers on stdout, everything else on stderr.

use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::io::{self, IsTerminal, Write};
use tracing_subscriber::EnvFilter;

/// How answers are printed.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// As one JSON value.
    pub json: bool,
}

impl Output {
    /// Prints `value` as JSON if asked to, otherwise the text.
    pub fn print(self, value: &impl Serialize, text: impl FnOnce() -> String) -> anyhow::Result<()> {
        if self.json {
            return write_line(&serde_json::to_string_pretty(value)?);
        }
        write_line(&text())
    }
}

/// Writes a line to stdout; a reader that has gone (`| head`) is no error.
pub fn write_line(text: &str) -> anyhow::Result<()> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}

/// Writes a remark to stderr.
pub fn remark(text: &str) {
    // With stderr gone there is nobody left to tell.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints an error with its causes on one line.
pub fn print_error(error: &anyhow::Error) {
    remark(&format!("error: {error:#}"));
}

/// Logs to stderr: what is done with `-v`, every step of a private run with `-vv`; `RUST_LOG` overrides.
pub fn start_logging(verbose: u8) {
    let level = ["warn", "info", "debug"].get(usize::from(verbose)).copied().unwrap_or("debug");
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let colour = io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(colour).init();
}

/// A progress bar on stderr, invisible unless stderr is a terminal.
pub fn progress(steps: usize, title: &str) -> ProgressBar {
    progress_of("steps", steps, title)
}

/// As [`progress`], of other things than steps.
pub fn progress_of(what: &str, steps: usize, title: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::stderr());
    let template = format!("{{prefix}} {{bar:30}} {{pos}}/{{len}} {what}, {{elapsed}} {{msg}}");
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    bar.set_prefix(title.to_owned());
    bar
}

/// A progress bar of a sweep's points on stderr, with the time that is left; invisible unless stderr is a terminal.
pub fn points_progress(points: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(points), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {human_pos}/{human_len} points, {per_sec}, {eta} left") {
        bar.set_style(style);
    }
    bar
}

/// A table for a terminal; the columns in `numbers` are aligned to the right.
pub fn table<const N: usize>(
    header: &[&str; N],
    numbers: &[usize],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header.iter().map(|name| Cell::new(name).add_attribute(Attribute::Bold)));
    table.add_rows(rows);
    for column in numbers {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}
