//! Parsing and printing of a number with a unit, shared by all quantities.

use crate::nearest::did_you_mean;

/// Why a text is not the quantity that was expected.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct QuantityError {
    message: String,
}

/// One kind of quantity: what it is called, an example, and its units with their factors, smallest first. The unit
/// with factor 1 is the one that values are kept in.
pub(crate) struct Kind {
    pub name: &'static str,
    pub example: &'static str,
    pub units: &'static [(&'static str, f64)],
}

impl Kind {
    /// Parses `text` into the number of base units.
    pub fn parse(&self, text: &str) -> Result<f64, QuantityError> {
        let text = text.trim();
        let (number, unit) = split(text);
        let number: f64 = number.parse().map_err(|_| self.error(format!("`{text}` does not start with a number")))?;
        if unit.is_empty() {
            return Err(self.error(format!("`{text}` has no unit")));
        }
        let factor =
            self.units.iter().find(|(symbol, _)| *symbol == unit).map(|(_, factor)| *factor).ok_or_else(|| {
                let hint = did_you_mean(unit, self.units.iter().map(|(symbol, _)| *symbol));
                self.error_with(format!("wrong unit `{unit}` in `{text}`"), &hint)
            })?;
        self.check(number * factor)
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

    /// Prints in the largest unit that keeps the value at or above 1 and reads back as exactly the same value.
    pub fn print(&self, value: f64) -> String {
        let exact = |&&(_, factor): &&(&str, f64)| value / factor * factor == value;
        let largest = self.units.iter().rev().filter(exact).find(|(_, factor)| value >= *factor);
        let base = || self.units.iter().find(|(_, factor)| *factor == 1.0);
        let smallest = if value == 0.0 { base() } else { self.units.iter().find(exact).or_else(base) };
        let (unit, factor) = largest.or(smallest).copied().unwrap_or(("", 1.0));
        format!("{} {unit}", value / factor)
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
