//! Sanity of values, with errors that point at the key in the file.

use pisim_settings::{ConfigError, Source};
use std::fmt::Display;
use std::str::FromStr;

/// Checks the values of one table of a platform file.
pub(crate) struct Check<'a> {
    pub source: &'a Source,
    /// The table's dotted key, such as `server.gc_engine`; empty at the top.
    pub table: String,
}

impl Check<'_> {
    /// The same file, one table deeper.
    pub fn inside(&self, table: &str) -> Check<'_> {
        Check { source: self.source, table: self.key(table) }
    }

    /// The value, if it lies between `low` and `high`, both given as they would stand in the file.
    pub fn within<T>(&self, key: &str, value: T, low: &str, high: &str) -> Result<T, ConfigError>
    where
        T: Copy + PartialOrd + Display + FromStr,
    {
        let inside = match (low.parse::<T>(), high.parse::<T>()) {
            (Ok(low), Ok(high)) => low <= value && value <= high,
            _ => false,
        };
        if inside {
            Ok(value)
        } else {
            Err(self.error(key, format!("{value} is out of range; expected {low} to {high}")))
        }
    }

    /// An error at a key of this table.
    pub fn error(&self, key: &str, message: impl Into<String>) -> ConfigError {
        ConfigError::at_key(self.source, &self.key(key), message)
    }

    fn key(&self, key: &str) -> String {
        match (self.table.is_empty(), key.is_empty()) {
            (true, _) => key.to_owned(),
            (_, true) => self.table.clone(),
            _ => format!("{}.{key}", self.table),
        }
    }
}
