//! A settings file's name and text.

use crate::ConfigError;
use std::path::Path;

/// No settings file is near this size; a larger one is a mistake (a model or a log given as a settings file).
const MAX_FILE_BYTES: u64 = 16 << 20;

/// A settings file: the name that errors print, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file's name, as it is to be printed.
    pub name: String,
    /// Its whole text.
    pub text: String,
}

impl Source {
    /// A source from text that is already in memory (a built-in file, a test).
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// Reads the file at `path`.
    ///
    /// # Errors
    /// The path does not exist, is a folder, cannot be read, is larger than 16 MiB or is not UTF-8.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let unreadable = |why: &dyn std::fmt::Display| {
            ConfigError::new(&name, format!("cannot read the file: {why}; expected a readable TOML file"))
        };
        let facts = std::fs::metadata(path).map_err(|error| unreadable(&error))?;
        if facts.is_dir() {
            return Err(unreadable(&"it is a folder"));
        }
        if facts.len() > MAX_FILE_BYTES {
            return Err(unreadable(&"it is larger than 16 MiB"));
        }
        let bytes = std::fs::read(path).map_err(|error| unreadable(&error))?;
        let text = String::from_utf8(bytes).map_err(|_| unreadable(&"it is not UTF-8 text"))?;
        Ok(Self { name, text })
    }

    /// Line and column, both from 1, of the byte at `offset` (the end of the text when `offset` lies behind it).
    /// Columns count characters, not bytes.
    pub(crate) fn position(&self, offset: usize) -> (usize, usize) {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = self.text.get(..offset).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_and_never_leave_the_text() {
        let source = Source::new("a", "µ = 1\nx");
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(1), (1, 1), "inside µ");
        assert_eq!(source.position(2), (1, 2));
        assert_eq!(source.position(7), (2, 1));
        assert_eq!(source.position(1000), (2, 2));
    }
}
