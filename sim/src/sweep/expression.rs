//! Arithmetic and comparisons over axes and results, as constraints and derived values have them.

use fasteval::{Compiler, Evaler, Instruction, Parser, Slab};
use std::fmt;

/// A compiled expression. Comparisons are 1 or 0, and anything but 0 is true.
pub(super) struct Expression {
    text: String,
    slab: Slab,
    compiled: Instruction,
    /// The names that it uses.
    pub names: Vec<String>,
}

impl Expression {
    /// Compiles an expression: `+ - * / % ^`, comparisons, `&& ||`, `min max abs floor ceil round log`, numbers such as 1e9.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        let mut slab = Slab::new();
        let parsed =
            Parser::new().parse(text, &mut slab.ps).map_err(|error| format!("`{text}`: {}", reason(&error)))?;
        let expression = parsed.from(&slab.ps);
        let names = expression.var_names(&slab).into_iter().collect();
        let compiled = expression.compile(&slab.ps, &mut slab.cs);
        Ok(Self { text: text.to_owned(), slab, compiled, names })
    }

    /// Its value, with the values of names.
    ///
    /// # Errors
    /// A name has no value, or the result is no number.
    pub fn value(&self, of: impl Fn(&str) -> Option<f64>) -> Result<f64, String> {
        let mut names = |name: &str, arguments: Vec<f64>| if arguments.is_empty() { of(name) } else { None };
        let value = self.compiled.eval(&self.slab, &mut names);
        let value = value.map_err(|error| format!("`{}`: {}", self.text, reason(&error)))?;
        if value.is_finite() { Ok(value) } else { Err(format!("`{}` is {value} here", self.text)) }
    }

    /// The expression as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.text).finish()
    }
}

/// The parser's errors in plain words.
fn reason(error: &fasteval::Error) -> String {
    use fasteval::Error::{
        EOF, EofWhileParsing, InvalidValue, ParseF64, TooDeep, TooLong, Undefined, UnparsedTokensRemaining,
    };
    match error {
        EOF | EofWhileParsing(_) => "ends too early; expected a value".to_owned(),
        UnparsedTokensRemaining(rest) => format!("not understood from `{rest}` on; expected an operator"),
        InvalidValue => "expected a value: a number, a name or something in parentheses".to_owned(),
        ParseF64(number) => format!("`{number}` is no number"),
        TooLong | TooDeep => "too long or too deep".to_owned(),
        Undefined(name) => format!("`{name}` has no value here"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<f64, String> {
        let names = |name: &str| match name {
            "engines" => Some(4.0),
            "lanes" => Some(1024.0),
            "max_lanes" => Some(2048.0),
            _ => None,
        };
        Expression::new(text)?.value(names)
    }

    #[test]
    fn arithmetic_and_comparisons_are_as_usual() {
        for (text, expected) in [
            ("1 + 2 * 3", 7.0),
            ("2 ^ 10", 1024.0),
            ("lanes / 3 * 3", 1024.0),
            ("max(1, floor(lanes / 300))", 3.0),
            ("engines * 256 <= lanes", 1.0),
            ("engines > 4 || lanes == 1024", 1.0),
            ("engines > 4 && lanes == 1024", 0.0),
            ("max_lanes - lanes", 1024.0),
            ("1e9 / 1e6", 1000.0),
            ("-engines", -4.0),
        ] {
            assert_eq!(value(text), Ok(expected), "{text}");
        }
        assert_eq!(Expression::new("max(engines, lanes) + engines").unwrap().names, ["engines", "lanes"]);
    }

    #[test]
    fn faults_are_told_in_plain_words() {
        for (text, expected) in [
            ("1 +", "ends too early"),
            ("1 2", "not understood from `2` on"),
            ("", "ends too early"),
            ("cores + 1", "`cores` has no value here"),
            ("1 / 0", "is inf here"),
            ("* 2", "expected a value"),
        ] {
            let error = value(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
