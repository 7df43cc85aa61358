//! Parsing and printing of a number with a unit, shared by all quantities.

use crate::nearest::did_you_mean;
use std::io::Write;

/// Why a text is not the quantity that was expected.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct QuantityError {
    message: String,
}

/// How many base units one unit is.
#[derive(Clone, Copy)]
pub(crate) enum Scale {
    /// A power of ten. Applied to the decimal digits, so that "500 pJ" and "0.5 nJ" are the same number to the last bit.
    Ten(i32),
    /// Any other factor (binary prefixes, minutes).
    Times(f64),
}

impl Scale {
    pub fn factor(self) -> f64 {
        match self {
            Self::Ten(exponent) => 10f64.powi(exponent),
            Self::Times(factor) => factor,
        }
    }
}

/// One kind of quantity: what it is called, an example, and its units, smallest first. Values are kept in the unit whose
/// scale is 1.
pub(crate) struct Kind {
    pub name: &'static str,
    pub example: &'static str,
    pub units: &'static [(&'static str, Scale)],
}

impl QuantityError {
    pub(crate) fn of(message: String) -> Self {
        Self { message }
    }
}

impl Kind {
    /// Parses `text` into the number of base units.
    pub fn parse(&self, text: &str) -> Result<f64, QuantityError> {
        let text = text.trim();
        let (number, unit) = split(text);
        let plain: f64 = number.parse().map_err(|_| self.error(format!("`{text}` does not start with a number")))?;
        if unit.is_empty() && self.units.iter().all(|(symbol, _)| !symbol.is_empty()) {
            return Err(self.error(format!("`{text}` has no unit")));
        }
        let Some((_, scale)) = self.units.iter().find(|(symbol, _)| *symbol == unit) else {
            let hint = did_you_mean(unit, self.units.iter().map(|(symbol, _)| *symbol));
            return Err(self.error_with(format!("wrong unit `{unit}` in `{text}`"), &hint));
        };
        self.check(match *scale {
            Scale::Ten(exponent) => shifted(number, exponent).unwrap_or(plain * scale.factor()),
            Scale::Times(factor) => plain * factor,
        })
    }

    /// Accepts only numbers that a quantity can have: finite and not negative.
    pub fn check(&self, value: f64) -> Result<f64, QuantityError> {
        if value.is_nan() {
            Err(self.error("not a number".to_owned()))
        } else if value.is_infinite() {
            Err(self.error("infinite or too large".to_owned()))
        } else if value.is_sign_negative() && value != 0.0 {
            Err(self.error("negative".to_owned()))
        } else {
            Ok(value.abs())
        }
    }

    /// Prints in a unit that keeps the value at or above 1 and reads back as exactly the same value: the shortest text, and of
    /// equally short ones the largest unit.
    pub fn print(&self, value: f64) -> String {
        let shortest = format!("{value:e}");
        let in_unit = |&(unit, scale): &(&str, Scale)| {
            let number = match scale {
                Scale::Ten(exponent) => shifted(&shortest, -exponent)?,
                Scale::Times(factor) => value / factor,
            };
            let text = format!("{number} {unit}");
            (self.parse(&text).ok()? == value).then_some((number, text))
        };
        let texts: Vec<(f64, String)> = self.units.iter().filter_map(in_unit).collect();
        let whole =
            texts.iter().rev().filter(|(number, _)| *number >= 1.0).min_by_key(|(_, text)| text.chars().count());
        let readable = whole.or(texts.first()).filter(|_| value != 0.0);
        readable.map(|(_, text)| text.clone()).unwrap_or_else(|| format!("{value} {}", self.base_unit()))
    }

    fn base_unit(&self) -> &'static str {
        self.units.iter().find(|(_, scale)| scale.factor() == 1.0).map_or("", |(unit, _)| unit)
    }

    /// What an error says was expected.
    pub fn expectation(&self) -> String {
        format!("a {} such as \"{}\"", self.name, self.example)
    }

    pub fn error(&self, problem: String) -> QuantityError {
        self.error_with(problem, "")
    }

    fn error_with(&self, problem: String, hint: &str) -> QuantityError {
        QuantityError { message: format!("{problem}; expected {}{hint}", self.expectation()) }
    }

    /// A pattern for editors: a number, then one of the units.
    pub fn pattern(&self) -> String {
        let units: Vec<&str> = self.units.iter().map(|(symbol, _)| *symbol).collect();
        format!("^[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]+)? ?({})$", units.join("|"))
    }
}

/// The decimal number `text` times ten to the `exponent`, rounded once.
fn shifted(text: &str, exponent: i32) -> Option<f64> {
    let (digits, own) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent = own.parse::<i32>().ok()?.checked_add(exponent)?;
    // Platforms are read by the ten thousand in a sweep, so the text is put together without an allocation where it is short.
    let mut short = [0; 48];
    let room = short.len();
    let mut rest = short.as_mut_slice();
    if write!(rest, "{digits}e{exponent}").is_err() {
        return format!("{digits}e{exponent}").parse().ok();
    }
    let used = room - rest.len();
    std::str::from_utf8(short.get(..used)?).ok()?.parse().ok()
}

/// Splits at the first blank, or else where the letters of the unit begin (an exponent's `e` is no unit).
fn split(text: &str) -> (&str, &str) {
    if let Some((number, unit)) = text.split_once(char::is_whitespace) {
        return (number, unit.trim_start());
    }
    let mut letters = text.char_indices().peekable();
    while let Some((at, c)) = letters.next() {
        let exponent = at > 0
            && matches!(c, 'e' | 'E')
            && letters.peek().is_some_and(|(_, next)| next.is_ascii_digit() || matches!(next, '+' | '-'));
        if !exponent && !matches!(c, '0'..='9' | '.' | '+' | '-') {
            return text.split_at(at);
        }
    }
    (text, "")
}
