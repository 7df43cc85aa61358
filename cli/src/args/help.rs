//! The command line as users see it: notes below the options flow to the terminal's width.

use super::Cli;
use clap::{Command, CommandFactory, FromArgMatches};

impl Cli {
    /// The program's arguments; what is wrong with them, or the help that they ask for, ends the program.
    pub fn from_arguments() -> Self {
        Self::from_arg_matches(&Self::for_display().get_matches()).unwrap_or_else(|error| error.exit())
    }

    fn for_display() -> Command {
        flowing(Self::command())
    }
}

/// A command whose notes, and those of all its subcommands, have paragraphs in one line each, which are then wrapped where the
/// terminal ends.
fn flowing(command: Command) -> Command {
    let command = command.mut_subcommands(flowing);
    match command.get_after_help().map(|notes| paragraphs(&notes.to_string())) {
        Some(notes) => command.after_help(notes),
        None => command,
    }
}

/// Joins the lines of every paragraph; lines that are indented, as examples are, stay.
fn paragraphs(text: &str) -> String {
    let mut joined = String::new();
    let mut open = false;
    for line in text.lines() {
        let prose = line.starts_with(|first: char| !first.is_whitespace());
        let separator = if open && prose { " " } else { "\n" };
        if !joined.is_empty() {
            joined += separator;
        }
        joined += line;
        open = prose;
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_one_line_and_examples_stay() {
        let text = "Examples:\n  pisim one\n  pisim two\n\nA note that\nis long.\nIt ends.\n\nAnother.";
        let expected = "Examples:\n  pisim one\n  pisim two\n\nA note that is long. It ends.\n\nAnother.";
        assert_eq!(paragraphs(text), expected);
    }

    #[test]
    fn no_line_of_any_help_is_broken_short_of_the_end() {
        fn check(command: &Command) {
            let notes = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let prose = |line: &str| line.starts_with(|first: char| !first.is_whitespace());
            let lines: Vec<&str> = notes.lines().collect();
            assert!(!lines.windows(2).any(|pair| pair.iter().all(|line| prose(line))), "{notes}");
            command.get_subcommands().for_each(check);
        }
        check(&Cli::for_display());
    }
}
