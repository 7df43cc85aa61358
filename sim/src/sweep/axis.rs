//! What varies in a sweep: axes, their values, and values that follow from them.

use super::expression::Expression;
use super::plan::AxisKind;
use super::range::{Range, number_of};
use super::row::AxisValue;
use super::sampling::At;
use pisim_settings::{AnyQuantity, DocumentKey, Value};
use std::borrow::Cow;

/// One independent axis. It sets the keys of one variable, or of several that go together.
#[derive(Debug)]
pub(super) struct Axis {
    pub variables: Vec<Variable>,
}

/// One column of the points: a name, the keys that it sets, and its values.
#[derive(Debug)]
pub(super) struct Variable {
    pub name: String,
    pub keys: Vec<DocumentKey>,
    pub values: Values,
}

/// The values of a variable.
#[derive(Debug)]
pub(super) enum Values {
    Listed(Vec<Listed>),
    /// A continuous range.
    Range(Range),
}

impl Values {
    /// What a column of them holds.
    pub fn kind(&self) -> AxisKind {
        match self {
            Self::Listed(listed) => {
                let kinds = listed.iter().map(|listed| AxisKind::of(&listed.shown));
                kinds.reduce(AxisKind::with).unwrap_or(AxisKind::Text)
            }
            Self::Range(range) => AxisKind::of(&shown(&range.at(0.0))),
        }
    }

    /// Shows everything as text if there is text among other values, since a column holds one kind.
    pub fn of_one_kind(self) -> Self {
        let text = self.kind() == AxisKind::Text;
        let Self::Listed(mut listed) = self else { return self };
        for one in listed.iter_mut().filter(|_| text) {
            one.shown = AxisValue::Text(one.shown.to_string());
        }
        Self::Listed(listed)
    }
}

/// A listed value, and how results show it.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub value: Value,
    pub shown: AxisValue,
}

impl Listed {
    pub fn new(value: Value, label: Option<String>) -> Self {
        let shown = label.map_or_else(|| shown(&value), AxisValue::Text);
        Self { value, shown }
    }
}

/// A value that follows from the axes.
#[derive(Debug)]
pub(super) struct Derived {
    pub name: String,
    pub keys: Vec<DocumentKey>,
    pub expression: Expression,
    pub unit: Option<AnyQuantity>,
}

/// One variable of one point: its value, as it is set and as it is shown.
#[derive(Debug, Clone)]
pub(super) struct Setting<'a> {
    pub name: &'a str,
    pub keys: &'a [DocumentKey],
    pub value: Cow<'a, Value>,
    pub shown: AxisValue,
}

impl Setting<'_> {
    /// Its value as a number for expressions.
    pub fn number(&self) -> Option<f64> {
        number_of(&self.value)
    }
}

impl Axis {
    /// How many values it has; none if it is continuous.
    pub fn levels(&self) -> Option<usize> {
        match &self.variables.first()?.values {
            Values::Listed(listed) => Some(listed.len()),
            Values::Range(_) => None,
        }
    }

    /// The range of a continuous axis.
    pub fn range(&self) -> Option<Range> {
        match &self.variables.first()?.values {
            Values::Listed(_) => None,
            Values::Range(range) => Some(*range),
        }
    }

    /// The level at a part of the way, if there are levels.
    pub fn level_at(&self, part: f64) -> Option<usize> {
        let levels = self.levels()?;
        Some(((part * levels as f64) as usize).min(levels.saturating_sub(1)))
    }

    /// Whether its values have an order: numbers and quantities do, names do not.
    pub fn ordered(&self) -> bool {
        self.variables.iter().all(|variable| match &variable.values {
            Values::Range(_) => true,
            Values::Listed(listed) => {
                listed.iter().all(|listed| !listed.value.is_bool() && number_of(&listed.value).is_some())
            }
        })
    }

    /// Its variables at a point.
    pub fn settings(&self, at: At) -> impl Iterator<Item = Setting<'_>> {
        let level = match at {
            At::Level(level) => Some(level),
            At::Part(part) => self.level_at(part),
        };
        self.variables.iter().filter_map(move |variable| {
            let (value, shown) = match (&variable.values, at) {
                (Values::Listed(listed), _) => {
                    let listed = listed.get(level?)?;
                    (Cow::Borrowed(&listed.value), listed.shown.clone())
                }
                (Values::Range(range), At::Part(part)) => {
                    let value = range.at(part);
                    let shown = shown(&value);
                    (Cow::Owned(value), shown)
                }
                (Values::Range(_), At::Level(_)) => return None,
            };
            Some(Setting { name: &variable.name, keys: &variable.keys, value, shown })
        })
    }
}

impl Variable {
    /// The value that results show as `shown`.
    pub fn value_of(&self, shown: &AxisValue) -> Value {
        if let Values::Listed(listed) = &self.values
            && let Some(known) = listed.iter().find(|listed| same(&listed.shown, shown))
        {
            return known.value.clone();
        }
        plain_value(shown)
    }
}

impl Derived {
    /// Its value at a point whose other variables are known.
    ///
    /// # Errors
    /// The expression has no value, or it is no value of the unit.
    pub fn setting(&self, known: &[Setting<'_>]) -> Result<Setting<'_>, String> {
        let of = |name: &str| known.iter().find(|setting| setting.name == name)?.number();
        let number = self.expression.value(of).map_err(|error| format!("derived `{}`: {error}", self.name))?;
        let value = match self.unit {
            Some(unit) => {
                let quantity = unit.with_base(number * unit.base());
                let wrong = |error| format!("derived `{}`: {} is {number}: {error}", self.name, self.expression.text());
                Value::String(quantity.map_err(wrong)?.to_string())
            }
            None => plain_value(&AxisValue::Number(number)),
        };
        let shown = shown(&value);
        Ok(Setting { name: &self.name, keys: &self.keys, value: Cow::Owned(value), shown })
    }
}

/// How results show a value; lists and tables as TOML has them.
pub(super) fn shown(value: &Value) -> AxisValue {
    match value {
        Value::Integer(number) => AxisValue::Integer(*number),
        Value::Float(number) => AxisValue::Number(*number),
        Value::Boolean(flag) => AxisValue::Flag(*flag),
        Value::String(text) => AxisValue::Text(text.clone()),
        other => AxisValue::Text(other.to_string()),
    }
}

/// The value of what is shown, without a label. A number without a fraction is a whole one, since keys that expect any number
/// take whole ones, too.
pub(super) fn plain_value(shown: &AxisValue) -> Value {
    match shown {
        AxisValue::Integer(number) => Value::Integer(*number),
        AxisValue::Number(number) if number.fract() == 0.0 && number.abs() < 9e15 => Value::Integer(*number as i64),
        AxisValue::Number(number) => Value::Float(*number),
        AxisValue::Flag(flag) => Value::Boolean(*flag),
        AxisValue::Text(text) => Value::String(text.clone()),
    }
}

/// Equal as results hold them: a file's column of numbers does not tell 4 from 4.0.
fn same(a: &AxisValue, b: &AxisValue) -> bool {
    match (a, b) {
        (AxisValue::Integer(a), AxisValue::Number(b)) | (AxisValue::Number(b), AxisValue::Integer(a)) => {
            *a as f64 == *b
        }
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(values: &[Value]) -> Axis {
        let listed = values.iter().map(|value| Listed::new(value.clone(), None)).collect();
        let keys = vec!["hardware.link.up".parse().unwrap()];
        Axis { variables: vec![Variable { name: "x".into(), keys, values: Values::Listed(listed) }] }
    }

    #[test]
    fn parts_reach_every_level_equally() {
        let axis = listed(&[Value::Integer(1), Value::Integer(2), Value::Integer(4)]);
        let levels: Vec<usize> = (0..6).map(|sixth| axis.level_at(f64::from(sixth) / 6.0).unwrap()).collect();
        assert_eq!(levels, [0, 0, 1, 1, 2, 2]);
        assert_eq!(axis.level_at(1.0), Some(2));
        assert_eq!(axis.settings(At::Part(0.9)).next().unwrap().shown, AxisValue::Integer(4));
        assert!(axis.ordered());
        assert!(!listed(&[Value::String("gc".into())]).ordered());
        assert!(!listed(&[Value::Boolean(true)]).ordered());
    }

    #[test]
    fn what_is_shown_leads_back_to_the_value() {
        let table: Value = toml_value("{ device = \"hbm2\" }");
        let values = vec![Listed::new(table.clone(), Some("big".into())), Listed::new(Value::Integer(4), None)];
        let variable = Variable { name: "m".into(), keys: vec![], values: Values::Listed(values) };
        assert_eq!(variable.value_of(&AxisValue::Text("big".into())), table);
        assert_eq!(variable.value_of(&AxisValue::Number(4.0)), Value::Integer(4));
        assert_eq!(variable.value_of(&AxisValue::Number(4.5)), Value::Float(4.5));
    }

    #[test]
    fn a_column_holds_one_kind() {
        let values = |values: &[Value]| {
            Values::Listed(values.iter().map(|value| Listed::new(value.clone(), None)).collect()).of_one_kind()
        };
        assert_eq!(values(&[Value::Integer(1), Value::Float(0.5)]).kind(), AxisKind::Number);
        let mixed = values(&[Value::Float(0.5), Value::String("optimal".into())]);
        let Values::Listed(listed) = &mixed else { panic!() };
        assert_eq!(listed[0].shown, AxisValue::Text("0.5".into()));
        let variable = Variable { name: "up_share".into(), keys: vec![], values: mixed };
        assert_eq!(variable.value_of(&AxisValue::Text("0.5".into())), Value::Float(0.5));
    }

    fn toml_value(text: &str) -> Value {
        let change: pisim_settings::Change = format!("hardware.x={text}").parse().unwrap();
        change.value
    }

    #[test]
    fn derived_values_follow_the_axes() {
        let axis = listed(&[Value::String("100 Mbps".into())]);
        let known: Vec<Setting> = axis.settings(At::Level(0)).collect();
        let derived = |text: &str, unit: Option<&str>| Derived {
            name: "y".into(),
            keys: vec!["hardware.link.down".parse().unwrap()],
            expression: Expression::new(text).unwrap(),
            unit: unit.map(|unit| format!("1 {unit}").parse().unwrap()),
        };
        let value = |text: &str, unit| derived(text, unit).setting(&known).map(|setting| setting.value.to_string());
        assert_eq!(value("x / 1e6", Some("Mbps")).unwrap(), "\"100 Mbps\"");
        assert_eq!(value("x / 1e8 * 4", None).unwrap(), "4");
        assert_eq!(value("x / 1e8 / 4", None).unwrap(), "0.25");
        assert!(value("z", None).unwrap_err().contains("derived `y`: `z`: `z` has no value here"));
        assert!(value("-x", Some("Mbps")).unwrap_err().contains("negative"));
    }
}
