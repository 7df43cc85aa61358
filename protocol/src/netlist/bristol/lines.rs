//! Lines and tokens of a circuit file, with their positions for errors.

use pisim_settings::ConfigError;
use std::iter::Peekable;

/// A line that is not blank.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    file: &'a str,
    /// The line's number, from 1.
    pub number: usize,
    text: &'a str,
}

/// A word of a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    line: Line<'a>,
    /// The word.
    pub text: &'a str,
}

/// The lines of a file that are not blank.
pub(super) struct Lines<'a> {
    file: &'a str,
    lines: Peekable<Box<dyn Iterator<Item = Line<'a>> + 'a>>,
    last: usize,
}

impl<'a> Lines<'a> {
    /// The lines of `text`, which is the file `file`.
    pub fn new(file: &'a str, text: &'a str) -> Self {
        let lines = text.lines().enumerate().map(move |(index, text)| Line { file, number: index + 1, text });
        let filled: Box<dyn Iterator<Item = Line<'a>> + 'a> =
            Box::new(lines.filter(|line| !line.text.bytes().all(|byte| byte.is_ascii_whitespace())));
        Self { file, lines: filled.peekable(), last: 0 }
    }

    /// The next line, without taking it.
    pub fn peek(&mut self) -> Option<Line<'a>> {
        self.lines.peek().copied()
    }

    /// The next line.
    pub fn next(&mut self) -> Option<Line<'a>> {
        let line = self.lines.next()?;
        self.last = line.number;
        Some(line)
    }

    /// The next line, or the fault that the file ends before `expected`.
    pub fn expect(&mut self, expected: &str) -> Result<Line<'a>, ConfigError> {
        self.next().ok_or_else(|| self.truncated(expected))
    }

    /// The fault that the file ends before `expected`.
    pub fn truncated(&self, expected: &str) -> ConfigError {
        ConfigError::at_position(self.file, self.last + 1, 1, format!("the file ends here; expected {expected}"))
    }
}

impl<'a> Line<'a> {
    /// The line's words.
    pub fn tokens(self) -> impl Iterator<Item = Token<'a>> {
        self.text.split_ascii_whitespace().map(move |text| Token { line: self, text })
    }

    /// A fault of the whole line.
    pub fn fault(self, message: impl Into<String>) -> ConfigError {
        let start = self.text.len() - self.text.trim_ascii_start().len();
        self.fault_at(start, message)
    }

    fn fault_at(self, offset: usize, message: impl Into<String>) -> ConfigError {
        let column = self.text.get(..offset).unwrap_or_default().chars().count() + 1;
        ConfigError::at_position(self.file, self.number, column, message)
    }
}

impl Token<'_> {
    /// A fault of this word.
    pub fn fault(self, message: impl Into<String>) -> ConfigError {
        // The word is a part of the line's text, so that its address says where it stands.
        let offset = (self.text.as_ptr() as usize).saturating_sub(self.line.text.as_ptr() as usize);
        self.line.fault_at(offset, message)
    }

    /// The word in back quotes, shortened when it is absurdly long.
    pub fn quoted(self) -> String {
        const MOST: usize = 40;
        match self.text.char_indices().nth(MOST) {
            Some((end, _)) => format!("`{}…`", self.text.get(..end).unwrap_or_default()),
            None => format!("`{}`", self.text),
        }
    }

    /// Whether it is written in digits only.
    pub fn is_number(self) -> bool {
        self.text.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// The number that the word is; `what` says what was expected.
    pub fn number(self, what: &str) -> Result<u64, ConfigError> {
        if !self.is_number() {
            return Err(self.fault(format!("{} is not a number; expected {what}", self.quoted())));
        }
        self.text
            .parse()
            .map_err(|_| self.fault(format!("{} is too large; expected {what}, at most {}", self.quoted(), u64::MAX)))
    }
}
