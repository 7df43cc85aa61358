//! Ranges of an axis: whole numbers, numbers or quantities, evenly spaced on a linear or a logarithmic scale.

use pisim_settings::{AnyQuantity, Value};
use schemars::JsonSchema;
use serde::Deserialize;

/// How a range is divided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// Equal differences.
    #[default]
    Linear,
    /// Equal ratios.
    Log,
}

/// The most levels of one range.
const MOST_LEVELS: u64 = 1_000_000;

/// Digits of evenly spaced values.
const DIGITS: usize = 12;
/// Digits of values that are drawn: more say nothing, and people read them.
const SAMPLED_DIGITS: usize = 6;

/// A range of values, ends included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    kind: Kind,
    from: f64,
    to: f64,
    scale: Scale,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Integer,
    Number,
    Quantity(AnyQuantity),
}

/// A number that an axis can have, and of which kind it is.
fn measured(value: &Value) -> Option<(Kind, f64)> {
    match value {
        Value::Integer(number) => Some((Kind::Integer, *number as f64)),
        Value::Float(number) => Some((Kind::Number, *number)),
        Value::String(text) => {
            let quantity: AnyQuantity = text.parse().ok()?;
            Some((Kind::Quantity(quantity), quantity.base()))
        }
        _ => None,
    }
}

/// A value as a number: quantities in their base unit, flags as 1 and 0.
pub(super) fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Boolean(flag) => Some(f64::from(u8::from(*flag))),
        value => measured(value).map(|(_, number)| number),
    }
}

impl Range {
    /// A range between two values of the same kind.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(from: &Value, to: &Value, scale: Scale) -> Result<Self, String> {
        let one = |end: &str, value: &Value| {
            measured(value).filter(|(_, number)| number.is_finite()).ok_or_else(|| {
                format!("`{end} = {value}` is no number and no quantity; expected one such as 4 or \"100 Mbps\"")
            })
        };
        let ((first, low), (last, high)) = (one("from", from)?, one("to", to)?);
        let kind = match (first, last) {
            (Kind::Quantity(a), Kind::Quantity(b)) if a.same_kind(&b) => first,
            (Kind::Integer, Kind::Integer) => Kind::Integer,
            (Kind::Integer | Kind::Number, Kind::Integer | Kind::Number) => Kind::Number,
            _ => return Err(format!("from {from} to {to}: two kinds of value; expected the same unit of both")),
        };
        if low >= high {
            return Err(format!("from {from} to {to} is empty; expected `to` above `from`"));
        }
        if scale == Scale::Log && low <= 0.0 {
            return Err(format!("from {from} on a logarithmic scale; expected a range above zero"));
        }
        Ok(Self { kind, from: low, to: high, scale })
    }

    /// The value at a part of the way, 0 to 1. Every whole number of a linear range has an equal part.
    pub fn at(&self, part: f64) -> Value {
        let part = part.clamp(0.0, 1.0);
        match (self.kind, self.scale) {
            (Kind::Integer, Scale::Linear) => {
                let number = self.from + ((self.to - self.from + 1.0) * part).floor();
                self.value(number)
            }
            _ => self.value(readable(self.between(part), SAMPLED_DIGITS).clamp(self.from, self.to)),
        }
    }

    /// The whole number at a part of the way; none of a range of other values.
    pub fn whole_at(&self, part: f64) -> Option<i64> {
        self.at(part).as_integer()
    }

    /// `steps` values, both ends among them. Whole numbers that come out equal are one.
    ///
    /// # Errors
    /// The number is not possible.
    pub fn steps(&self, steps: u64) -> Result<Vec<Value>, String> {
        if !(2..=MOST_LEVELS).contains(&steps) {
            return Err(format!("{steps} steps; expected 2 (both ends) to {MOST_LEVELS}"));
        }
        let values = (0..steps).map(|step| self.value(self.between(step as f64 / (steps - 1) as f64)));
        Ok(different(values))
    }

    /// Values from the start, each a step further: on a logarithmic scale the step multiplies.
    ///
    /// # Errors
    /// The step goes nowhere, or is of another kind.
    pub fn step(&self, step: &Value) -> Result<Vec<Value>, String> {
        let wrong = |expected: &str| Err(format!("a step of {step}; expected {expected}"));
        let size = match (measured(step), self.kind, self.scale) {
            (Some((Kind::Integer | Kind::Number, factor)), _, Scale::Log) if factor > 1.0 => factor,
            (_, _, Scale::Log) => return wrong("a factor above 1"),
            (Some((Kind::Quantity(a), size)), Kind::Quantity(b), _) if a.same_kind(&b) && size > 0.0 => size,
            (_, Kind::Quantity(_), _) => return wrong("a quantity above zero, of the range's unit"),
            (Some((Kind::Integer | Kind::Number, size)), _, _) if size > 0.0 => size,
            _ => return wrong("a number above zero"),
        };
        let count = match self.scale {
            Scale::Linear => (self.to - self.from) / size,
            Scale::Log => (self.to / self.from).ln() / size.ln(),
        };
        // A sum of rounded steps may miss the end by its last bits.
        let count = (count * (1.0 + 1e-12) + 1e-9).floor();
        if count >= MOST_LEVELS as f64 {
            return wrong(&format!("at most {MOST_LEVELS} values"));
        }
        let at = |index: u64| match self.scale {
            Scale::Linear => self.from + index as f64 * size,
            Scale::Log => self.from * size.powf(index as f64),
        };
        let inside = |number: f64| readable(number, DIGITS).clamp(self.from, self.to);
        Ok(different((0..=count as u64).map(|index| self.value(inside(at(index))))))
    }

    fn between(&self, part: f64) -> f64 {
        if part >= 1.0 {
            return self.to;
        }
        let number = match self.scale {
            Scale::Linear => self.from + (self.to - self.from) * part,
            Scale::Log => self.from * (self.to / self.from).powf(part),
        };
        readable(number, DIGITS).clamp(self.from, self.to)
    }

    /// A number as it stands in a file. Whole numbers and bytes are rounded.
    fn value(&self, number: f64) -> Value {
        match self.kind {
            Kind::Integer => Value::Integer(number.round().clamp(self.from, self.to) as i64),
            Kind::Number => Value::Float(number),
            Kind::Quantity(quantity) => Value::String(quantity.with_base(number).unwrap_or(quantity).to_string()),
        }
    }
}

/// The number with so many digits: what rounding left behind them (99.99999999999999) is of no use to anybody.
fn readable(number: f64, digits: usize) -> f64 {
    format!("{number:.0$e}", digits - 1).parse().unwrap_or(number)
}

fn different(values: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut values: Vec<Value> = values.collect();
    values.dedup();
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn range(from: impl Into<Value>, to: impl Into<Value>, scale: Scale) -> Result<Range, String> {
        Range::new(&from.into(), &to.into(), scale)
    }

    fn shown(values: &[Value]) -> String {
        values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn steps_divide_a_range_evenly() {
        let linear = range(1, 16, Scale::Linear).unwrap();
        assert_eq!(shown(&linear.steps(4).unwrap()), "1 6 11 16");
        assert_eq!(shown(&linear.step(&Value::Integer(5)).unwrap()), "1 6 11 16");
        assert_eq!(shown(&linear.steps(100).unwrap()), "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16");
        let log = range(1, 16, Scale::Log).unwrap();
        assert_eq!(shown(&log.steps(5).unwrap()), "1 2 4 8 16");
        assert_eq!(shown(&log.step(&Value::Integer(2)).unwrap()), "1 2 4 8 16");
        let rates = range("10 Mbps", "10 Gbps", Scale::Log).unwrap();
        assert_eq!(shown(&rates.steps(4).unwrap()), r#""10 Mbps" "100 Mbps" "1 Gbps" "10 Gbps""#);
        let efficiency = range(0.5, 1, Scale::Linear).unwrap();
        assert_eq!(shown(&efficiency.step(&Value::Float(0.1)).unwrap()), "0.5 0.6 0.7 0.8 0.9 1.0");
    }

    #[test]
    fn impossible_ranges_are_refused() {
        assert!(range(0, 16, Scale::Log).unwrap_err().contains("expected a range above zero"));
        assert!(range(-1.0, 1.0, Scale::Log).unwrap_err().contains("above zero"));
        assert!(range(4, 4, Scale::Linear).unwrap_err().contains("is empty"));
        assert!(range("1 GHz", "1 GB/s", Scale::Linear).unwrap_err().contains("two kinds"));
        assert!(range("many", "more", Scale::Linear).unwrap_err().contains("no number and no quantity"));
        let fine = range(1, 4, Scale::Linear).unwrap();
        assert!(fine.steps(1).is_err() && fine.steps(0).is_err());
        assert!(fine.step(&Value::Integer(0)).is_err() && fine.step(&Value::Float(1e-9)).is_err());
        assert!(range(1, 4, Scale::Log).unwrap().step(&Value::Integer(1)).is_err());
    }

    proptest! {
        #[test]
        fn every_value_lies_inside(from in 1_i64..1000, length in 1_i64..100_000, part in 0.0..1.0_f64, log: bool) {
            let scale = if log { Scale::Log } else { Scale::Linear };
            let whole = range(from, from + length, scale).unwrap();
            let number = number_of(&whole.at(part)).unwrap();
            prop_assert!(number >= from as f64 && number <= (from + length) as f64);
            let quantity = range(format!("{from} Mbps"), format!("{} Mbps", from + length), scale).unwrap();
            let number = number_of(&quantity.at(part)).unwrap() / 1e6;
            prop_assert!(number >= from as f64 * (1.0 - 1e-12) && number <= (from + length) as f64 * (1.0 + 1e-12));
        }

        #[test]
        fn levels_rise_and_keep_both_ends(from in 1_i64..100, length in 1_i64..1000, steps in 2_u64..40, log: bool) {
            let scale = if log { Scale::Log } else { Scale::Linear };
            let levels = range(from, from + length, scale).unwrap().steps(steps).unwrap();
            let numbers: Vec<f64> = levels.iter().filter_map(number_of).collect();
            prop_assert_eq!(numbers.first().copied(), Some(from as f64));
            prop_assert_eq!(numbers.last().copied(), Some((from + length) as f64));
            prop_assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}
