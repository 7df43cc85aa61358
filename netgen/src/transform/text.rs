//! A transform as one word of a command line: `cull:stages=stem+s1`, `reshape:a=0.5,rho=1`, `thin`.
//!
//! What stands behind the colon becomes the TOML table that a network file would hold, so keys, checks and errors are the same.

use std::fmt;
use std::str::FromStr;

use toml::{Table, Value};

use super::{Transform, from_table};

/// Why a text is no transform.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "transform `{text}`: {problem}; expected KIND or KIND:KEY=VALUE,… such as cull:stages=stem+s1, thin or reshape:a=0.5,rho=1"
)]
pub struct TransformTextError {
    text: String,
    problem: String,
}

impl FromStr for Transform {
    type Err = TransformTextError;

    fn from_str(text: &str) -> Result<Self, TransformTextError> {
        let wrong = |problem: String| TransformTextError { text: text.into(), problem };
        let (kind, options) = text.split_once(':').unwrap_or((text, ""));
        let mut table = Table::from_iter([("kind".to_owned(), Value::from(kind.trim()))]);
        for option in options.split(',').filter(|_| text.contains(':')) {
            let (key, value) = option.split_once('=').ok_or_else(|| wrong(format!("`{option}` is not KEY=VALUE")))?;
            if table.insert(key.trim().to_owned(), value_of(value.trim())).is_some() {
                return Err(wrong(format!("`{}` is given twice", key.trim())));
            }
        }
        from_table(table).map_err(|fault| {
            let key = if fault.key.is_empty() { String::new() } else { format!("`{}`: ", fault.key) };
            wrong(format!("{key}{}", fault.problem))
        })
    }
}

/// A list where there is a `+` between parts, otherwise one value.
fn value_of(text: &str) -> Value {
    let one = |text: &str| {
        let whole = text.parse::<i64>().map(Value::from);
        let number = || text.parse::<f64>().map(Value::from);
        let truth = || text.parse::<bool>().map(Value::from);
        whole.or_else(|_| number()).or_else(|_| truth()).unwrap_or_else(|_| Value::from(text))
    };
    match one(text) {
        Value::String(text) if text.contains('+') => Value::Array(text.split('+').map(one).collect()),
        value => value,
    }
}

impl fmt::Display for Transform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = Table::try_from(self).map_err(|_| fmt::Error)?;
        f.write_str(self.kind())?;
        let mut separator = ':';
        for (key, value) in table.iter().filter(|(key, _)| *key != "kind") {
            write!(f, "{separator}{key}={}", text_of(value))?;
            separator = ',';
        }
        Ok(())
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(text_of).collect::<Vec<_>>().join("+"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transform::{Cull, Equalize, Factor, Mask, ReluReuse, Reshape, ReuseConv, Thin};

    #[test]
    fn a_transform_reads_as_in_a_file_and_prints_as_it_is_read() {
        let cull =
            |stages: &[&str]| Transform::Cull(Cull { stages: stages.iter().map(|&stage| stage.into()).collect() });
        let half = Factor::new(0.5).unwrap();
        let reuse = ReluReuse { factor: 4, groups: 2, concat: false, conv: ReuseConv::Grouped };
        for (text, expected, printed) in [
            ("cull:stages=stem+s1", cull(&["stem", "s1"]), None),
            ("cull:stages=s1", cull(&["s1"]), None),
            ("thin", Transform::Thin(Thin {}), None),
            ("reshape:a=0.5", Transform::Reshape(Reshape { a: half, rho: Factor::ONE }), None),
            (
                "reshape: a = 1, rho = 5e-1",
                Transform::Reshape(Reshape { a: Factor::ONE, rho: half }),
                Some("reshape:rho=0.5"),
            ),
            (
                "relu-reuse:factor=4,groups=2,concat=false,conv=grouped",
                Transform::ReluReuse(reuse),
                Some("relu-reuse:concat=false,conv=grouped,factor=4,groups=2"),
            ),
            (
                "equalize:multipliers=5+5+3",
                Transform::Equalize(Equalize { multipliers: vec![5, 5, 3], ..Default::default() }),
                Some("equalize:max=16,multipliers=5+5+3"),
            ),
        ] {
            let read: Transform = text.parse().unwrap();
            assert_eq!(read, expected);
            assert_eq!(read.to_string(), printed.unwrap_or(text));
            assert_eq!(read.to_string().parse::<Transform>().unwrap(), expected);
        }
    }

    #[test]
    fn a_wrong_transform_says_what_was_expected_and_the_near_miss() {
        for (text, says) in [
            ("", "unknown value ``"),
            ("reshap:a=0.5", "did you mean `reshape`?"),
            ("reshape:b=0.5", "`b`: unknown key; expected `a` or `rho`"),
            ("reshape:a=2", "`a`: 2 is not possible; expected a number above 0 and at most 1"),
            ("reshape:a=half", "`a`: wrong type"),
            ("reshape:a", "`a` is not KEY=VALUE"),
            ("reshape:", "`` is not KEY=VALUE"),
            ("reshape:a=0.5,a=0.5", "`a` is given twice"),
            ("relu-reuse:groups=2", "`factor`: missing key"),
            ("relu-reuse:factor=2,cnv=grouped", "did you mean `conv`?"),
            ("relu-reuse:factor=2,conv=grouppd", "did you mean `grouped`?"),
            ("relu-reuse:factor=-2", "`factor`: impossible value"),
            ("thin:stages=s1", "`stages`: unknown key"),
            ("cull", "`stages`: missing key"),
            ("cull:stagse=s1", "did you mean `stages`?"),
        ] {
            let error = text.parse::<Transform>().unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
            assert!(error.contains("such as cull:stages=stem+s1"), "{error}");
        }
    }
    #[test]
    fn budgets_of_relus_are_counts_with_or_without_a_prefix_in_files_and_on_the_command_line() {
        let budget = |budget| Transform::Mask(Mask { budget: Some(budget), ..Mask::default() });
        let layers = |per_layer: &[u64]| Transform::Mask(Mask { per_layer: per_layer.to_vec(), ..Mask::default() });
        for (text, expected) in [
            ("mask:budget=100000", budget(100_000)),
            ("mask:budget=100k", budget(100_000)),
            ("mask:budget=1.5M", budget(1_500_000)),
            ("mask:budget=1e3", budget(1000)),
            ("mask:per_layer=2k", layers(&[2000])),
            ("mask:per_layer=1e3", layers(&[1000])),
            ("mask:per_layer=1k+2.5k+7", layers(&[1000, 2500, 7])),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        let file = |text: &str| from_table(text.parse().unwrap()).map_err(|fault| (fault.key, fault.problem));
        assert_eq!(file("kind = \"mask\"\nbudget = \"100k\""), Ok(budget(100_000)));
        assert_eq!(file("kind = \"mask\"\nbudget = 100000"), Ok(budget(100_000)));
        assert_eq!(file("kind = \"mask\"\nper_layer = [\"1k\", 7]"), Ok(layers(&[1000, 7])));
        for (text, says) in [
            ("mask:budget=100 kB", "`budget`: wrong unit `kB` in `100 kB`; expected a count such as \"100k\""),
            ("mask:budget=1.5", "`budget`: `1.5` is no whole number up to 2^53"),
            ("mask:budget=-1", "`budget`: `-1` is negative"),
            ("mask:per_layer=1k+x", "`x` does not start with a number"),
        ] {
            let error = text.parse::<Transform>().unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
