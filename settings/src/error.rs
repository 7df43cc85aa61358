//! The one error of settings files.

use crate::Source;
use crate::locate::Document;
use std::fmt;
use std::ops::Range;

/// A fault in a settings file, with its file, its position and its key where they are known.
///
/// Printed as one line: ``file:line:column: key `a.b`: what is wrong; expected …``.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {}{message}", Position(*position), Key(key))]
pub struct ConfigError {
    file: String,
    position: Option<(usize, usize)>,
    key: String,
    message: String,
    /// The file cannot be read as what it should be: told by the parser, not by a check of what it says.
    form: bool,
}

impl ConfigError {
    /// A fault of the file as a whole.
    pub fn new(file: &str, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            position: None,
            key: String::new(),
            message: one_line(&message.into()),
            form: false,
        }
    }

    /// A fault at the bytes `span` of `source`, in the dotted key `key` (empty when there is none).
    pub fn at(source: &Source, span: Range<usize>, key: &str, message: impl Into<String>) -> Self {
        Self {
            file: source.name.clone(),
            position: Some(source.position(span.start)),
            key: one_line(key),
            message: one_line(&message.into()),
            form: false,
        }
    }

    /// A fault at a line and column (both from 1) of a file that is not TOML and may be too large to keep.
    pub fn at_position(file: &str, line: usize, column: usize, message: impl Into<String>) -> Self {
        Self { position: Some((line, column)), ..Self::new(file, message) }
    }

    /// A fault in the value of the dotted key `key` (`server.memory.size`, `links[1].up`), for checks after parsing.
    /// A key that the file leaves to its default is shown at the nearest table around it.
    pub fn at_key(source: &Source, key: &str, message: impl Into<String>) -> Self {
        let span = Document::new(&source.text).and_then(|document| document.value_near(key)).unwrap_or(0..0);
        Self::at(source, span, key, message)
    }

    /// The same fault in another text that has the key, such as the file without the changes that caused it.
    pub fn in_source(&self, source: &Source) -> Self {
        Self { form: self.form, ..Self::at_key(source, &self.key, self.message.clone()) }
    }

    /// The same fault with more said about it.
    pub(crate) fn with_message(self, message: String) -> Self {
        Self { message: one_line(&message), ..self }
    }

    /// A fault of the form, as the parser finds it.
    pub fn into_form(self) -> Self {
        Self { form: true, ..self }
    }

    /// Whether the fault is one of form (syntax, an unknown or missing key, a wrong type or unit), and not a value that is
    /// possible in itself and makes no sense where it stands.
    pub fn is_form(&self) -> bool {
        self.form
    }

    /// What is wrong and what was expected, without file, position and key.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The line, from 1.
    pub fn line(&self) -> Option<usize> {
        self.position.map(|(line, _)| line)
    }

    /// The file's name.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The dotted key, empty when the fault belongs to none.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// Keeps an error on one line whatever the file holds: control characters are shown escaped.
fn one_line(text: &str) -> String {
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}

struct Position(Option<(usize, usize)>);

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some((line, column)) => write!(f, ":{line}:{column}"),
            None => Ok(()),
        }
    }
}

struct Key<'a>(&'a str);

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "key `{}`: ", self.0) }
    }
}
