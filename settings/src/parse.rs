//! Parsing of a TOML text into a serde type, with every fault turned into one [`ConfigError`].

use crate::locate::{Document, join};
use crate::nearest::did_you_mean;
use crate::{ConfigError, Source};
use serde::de::DeserializeOwned;

/// Parses a settings file into `T`.
///
/// `T` should be `#[serde(deny_unknown_fields)]`, so that a misspelt key is an error and not a silent default.
///
/// # Errors
/// Bad TOML syntax, an unknown or missing key, a wrong type, a wrong unit or an impossible quantity: one error with
/// file, line, column, key, expectation and, for a misspelt word, the near miss.
pub fn parse<T: DeserializeOwned>(source: &Source) -> Result<T, ConfigError> {
    toml::from_str(&source.text).map_err(|error| explain(source, &error).into_form())
}

fn explain(source: &Source, error: &toml::de::Error) -> ConfigError {
    // A fault of the whole document (a missing key) has no span of its own: it stands at the top.
    let span = error.span().unwrap_or(0..0);
    let Some(document) = Document::new(&source.text) else {
        return ConfigError::at(source, span, "", format!("not TOML: {}", error.message()));
    };
    let message = error.message();
    let mut key = document.place(&span).map(|place| place.key).unwrap_or_default();
    let mut span = span;
    if let Some(name) = word_after(message, "missing field ") {
        let table = if key.is_empty() { "at the top of the file".to_owned() } else { format!("in `[{key}]`") };
        return ConfigError::at(source, span, &join(&key, name), format!("missing key; expected it {table}"));
    }
    if let Some(name) = word_after(message, "unknown field ") {
        // Serde reports some unknown keys at their table; look for the key in it.
        if let Some(place) = document.child(&span, name) {
            (key, span) = (place.key, place.span);
        }
        return ConfigError::at(source, span, &key, format!("unknown key{}", expected(message, name)));
    }
    if let Some(name) = word_after(message, "unknown variant ") {
        return ConfigError::at(source, span, &key, format!("unknown value `{name}`{}", expected(message, name)));
    }
    let message =
        message.replacen("invalid type: ", "wrong type: ", 1).replacen("invalid value: ", "impossible value: ", 1);
    ConfigError::at(source, span, &key, plain_expectation(&message))
}

/// The word between back quotes that follows `start`, when the message begins with it.
fn word_after<'a>(message: &'a str, start: &str) -> Option<&'a str> {
    let rest = message.strip_prefix(start)?.strip_prefix('`')?;
    // The word itself may hold back quotes; what ends it is the expectation or the end of the message.
    let end = rest.find("`, expected ").or_else(|| rest.find("`, there are no ")).or_else(|| rest.rfind('`'))?;
    rest.get(..end)
}

/// What serde says was expected, and the near miss among it.
fn expected(message: &str, word: &str) -> String {
    let Some((_, options)) = message.rsplit_once(", expected ") else {
        return "; expected nothing here".to_owned();
    };
    let names = options.split('`').skip(1).step_by(2);
    format!("; expected {options}{}", did_you_mean(word, names))
}

/// Says Rust's type names in plain words.
fn plain_expectation(message: &str) -> String {
    let Some((problem, expectation)) = message.rsplit_once(", expected ") else {
        return message.to_owned();
    };
    // A number that no integer type holds is of the right type.
    let large = problem.strip_suffix(" as i128").or_else(|| problem.strip_suffix(" as u128"));
    let problem = large.map_or(problem.to_owned(), |large| large.replacen("wrong type", "impossible value", 1));
    let problem = match problem.rsplit_once(": ") {
        Some((fault, "map")) => format!("{fault}: a table"),
        Some((fault, "sequence")) => format!("{fault}: a list"),
        // A list in place of a table is one of too few keys.
        None if problem.starts_with("invalid length ") => "wrong type: a list".to_owned(),
        _ => problem,
    };
    let plain = match expectation {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number, zero or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" => "text in quotes",
        "a map" => "a table",
        "a sequence" => "a list",
        other if other.starts_with("struct ") => "a table",
        other => other,
    };
    format!("{problem}; expected {plain}")
}
