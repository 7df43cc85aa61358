//! Axes and derived values of a sweep file.

use super::super::axis::{Axis, Derived, Listed, Values, Variable};
use super::super::expression::Expression;
use super::super::file::{AxisFile, DerivedFile, RangeFile};
use super::super::range::Range;
use super::{Check, Checked};
use pisim_settings::{DocumentKey, Spanned, Value, did_you_mean};
use std::ops::Range as Bytes;

/// Where in the file a column comes from.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// Its name, or what the name is taken from.
    pub name: Bytes<usize>,
    pub name_key: String,
    /// Its key or keys.
    pub keys: Bytes<usize>,
    pub keys_key: String,
    /// Every listed value.
    pub values: Vec<Bytes<usize>>,
    pub values_key: String,
}

/// Where a key that is a whole file has to stand.
const WHOLE: [(&str, &str); 3] = [("network", "networks"), ("protocol", "protocols"), ("hardware", "hardware")];

impl Check<'_> {
    pub fn axes(&self, files: &[AxisFile]) -> Checked<(Vec<Axis>, Vec<Origin>)> {
        let (mut axes, mut origins) = (Vec::new(), Vec::new());
        for (position, file) in files.iter().enumerate() {
            let at = format!("axis[{position}]");
            let mut variables = Vec::new();
            match &file.zip {
                None => {
                    let (variable, origin) = self.variable(file, &at)?;
                    variables.push(variable);
                    origins.push(origin);
                }
                Some(zip) => {
                    self.zip_alone(file, zip, &at)?;
                    for (member, file) in zip.get_ref().iter().enumerate() {
                        let at = format!("{at}.zip[{member}]");
                        if let Some(inner) = &file.zip {
                            return Err(self.error(
                                inner.span(),
                                &at,
                                "axes within axes within an axis; expected a key",
                            ));
                        }
                        let (variable, origin) = self.variable(file, &at)?;
                        variables.push(variable);
                        origins.push(origin);
                    }
                    self.equally_long(&variables, zip, &at)?;
                }
            }
            axes.push(Axis { variables });
        }
        Ok((axes, origins))
    }

    fn zip_alone(&self, file: &AxisFile, zip: &Spanned<Vec<AxisFile>>, at: &str) -> Checked<()> {
        let alone = file.name.is_none() && file.key.is_none() && file.keys.is_none();
        let alone = alone && file.values.is_none() && file.labels.is_none() && file.range.is_none();
        if !alone {
            let message = "keys beside `zip`; expected each axis of it to have its own, and nothing beside it";
            return Err(self.error(zip.span(), &format!("{at}.zip"), message));
        }
        if zip.get_ref().is_empty() {
            return Err(self.error(zip.span(), &format!("{at}.zip"), "empty; expected axes that go together"));
        }
        Ok(())
    }

    fn equally_long(&self, variables: &[Variable], zip: &Spanned<Vec<AxisFile>>, at: &str) -> Checked<()> {
        let mut lengths = Vec::new();
        for variable in variables {
            match &variable.values {
                Values::Listed(listed) => lengths.push(listed.len()),
                Values::Range(_) => {
                    let message = format!("`{}` is continuous; expected `steps` or `step` in its range", variable.name);
                    return Err(self.error(zip.span(), &format!("{at}.zip"), message));
                }
            }
        }
        if lengths.windows(2).any(|pair| pair.first() != pair.last()) {
            let lengths = lengths.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let message = format!("axes of {lengths} values; expected equally many of each");
            return Err(self.error(zip.span(), &format!("{at}.zip"), message));
        }
        Ok(())
    }

    fn variable(&self, file: &AxisFile, at: &str) -> Checked<(Variable, Origin)> {
        let named = self.named(file.name.as_ref(), file.key.as_ref(), file.keys.as_ref(), at)?;
        let (values, spans, values_key) = self.values(file, at)?;
        Ok((
            Variable { name: named.name, keys: named.keys, values },
            Origin { values: spans, values_key, ..named.origin },
        ))
    }

    /// The name and the keys of a column, which has one key or several.
    fn named(
        &self,
        name: Option<&Spanned<String>>,
        key: Option<&Spanned<String>>,
        keys: Option<&Spanned<Vec<Spanned<String>>>>,
        at: &str,
    ) -> Checked<Named> {
        let (texts, keys_span, keys_key) = match (key, keys) {
            (Some(key), None) => (vec![key], key.span(), format!("{at}.key")),
            (None, Some(keys)) => (keys.get_ref().iter().collect(), keys.span(), format!("{at}.keys")),
            (Some(_), Some(keys)) => {
                return Err(self.error(keys.span(), &format!("{at}.keys"), "beside `key`; expected one of the two"));
            }
            (None, None) => {
                return Err(pisim_settings::ConfigError::at_key(
                    self.source,
                    at,
                    "no key; expected `key`, such as \"hardware.server.gc_engine.engines\"",
                ));
            }
        };
        let keys = texts.iter().map(|text| self.key(text, &keys_key)).collect::<Checked<Vec<_>>>()?;
        let Some(first) = keys.first() else {
            return Err(self.error(keys_span, &keys_key, "empty; expected one key or more"));
        };
        let place = name.map(|name| (name.span(), format!("{at}.name")));
        let (name_span, name_key) = place.unwrap_or_else(|| (keys_span.clone(), keys_key.clone()));
        let name = name.map_or_else(|| first.path.last().to_owned(), |name| name.get_ref().clone());
        let origin =
            Origin { name: name_span, name_key, keys: keys_span, keys_key, values: vec![], values_key: String::new() };
        Ok(Named { name, keys, origin })
    }

    fn key(&self, text: &Spanned<String>, at: &str) -> Checked<DocumentKey> {
        let key = text.get_ref();
        if let Some((_, list)) = WHOLE.iter().find(|(whole, _)| whole == key) {
            let message = format!("a whole file; expected its names in `{list} = […]` at the top of the sweep");
            return Err(self.error(text.span(), at, message));
        }
        key.parse().map_err(|error: pisim_settings::ChangeError| self.error(text.span(), at, error.to_string()))
    }

    fn values(&self, file: &AxisFile, at: &str) -> Checked<(Values, Vec<Bytes<usize>>, String)> {
        let labels = file.labels.as_ref();
        match (&file.values, &file.range) {
            (Some(values), None) => {
                let key = format!("{at}.values");
                let list = values.get_ref();
                if list.is_empty() {
                    return Err(self.error(values.span(), &key, "empty; expected one value or more"));
                }
                if let Some(labels) = labels.filter(|labels| labels.get_ref().len() != list.len()) {
                    let message =
                        format!("{} labels of {} values; expected one for each", labels.get_ref().len(), list.len());
                    return Err(self.error(labels.span(), &format!("{at}.labels"), message));
                }
                let label = |position: usize| labels.and_then(|labels| labels.get_ref().get(position)).cloned();
                let mut listed: Vec<Listed> = Vec::new();
                for (position, value) in list.iter().enumerate() {
                    let one = Listed::new(value.get_ref().clone(), label(position));
                    if listed.iter().any(|other| other.shown == one.shown) {
                        let message = format!("`{}` is there twice; expected different values, or `labels`", one.shown);
                        return Err(self.error(value.span(), &format!("{key}[{position}]"), message));
                    }
                    listed.push(one);
                }
                Ok((Values::Listed(listed).of_one_kind(), list.iter().map(Spanned::span).collect(), key))
            }
            (None, Some(range)) => {
                if let Some(labels) = labels {
                    let message = "labels of a range; expected `values` to name";
                    return Err(self.error(labels.span(), &format!("{at}.labels"), message));
                }
                let key = format!("{at}.range");
                let values = ranged(range.get_ref()).map_err(|error| self.error(range.span(), &key, error))?;
                Ok((values, vec![range.span()], key))
            }
            (Some(_), Some(range)) => {
                Err(self.error(range.span(), &format!("{at}.range"), "beside `values`; expected one of the two"))
            }
            (None, None) => {
                let message = "no values; expected `values = […]` or `range = { from = …, to = … }`";
                Err(pisim_settings::ConfigError::at_key(self.source, at, message))
            }
        }
    }

    pub fn derived(&self, files: &[DerivedFile], axes: &[Axis], origins: &mut Vec<Origin>) -> Checked<Vec<Derived>> {
        let mut all: Vec<Derived> = Vec::new();
        for (position, file) in files.iter().enumerate() {
            let at = format!("derived[{position}]");
            let value_key = format!("{at}.value");
            let named = self.named(file.name.as_ref(), file.key.as_ref(), file.keys.as_ref(), &at)?;
            let expression = Expression::new(file.value.get_ref());
            let expression = expression.map_err(|error| self.error(file.value.span(), &value_key, error))?;
            self.known(&expression, file.value.span(), &value_key, axes, &all, &[])?;
            let unit = file.unit.as_ref().map(|unit| {
                let quantity = format!("1 {}", unit.get_ref()).parse();
                let message = format!("`{}` is no unit; expected one such as \"GB/s\"", unit.get_ref());
                quantity.map_err(|_| self.error(unit.span(), &format!("{at}.unit"), message))
            });
            origins.push(Origin { values: vec![file.value.span()], values_key: value_key, ..named.origin });
            all.push(Derived { name: named.name, keys: named.keys, expression, unit: unit.transpose()? });
        }
        Ok(all)
    }
}

/// What a column is called, what it sets, and where the file says so; its values are not known yet.
struct Named {
    name: String,
    keys: Vec<DocumentKey>,
    origin: Origin,
}

/// Listed values of a range, or the range itself where it is continuous.
fn ranged(file: &RangeFile) -> Result<Values, String> {
    let range = Range::new(&file.from, &file.to, file.scale)?;
    let values = match (file.steps, &file.step) {
        (Some(_), Some(_)) => return Err("`steps` and `step`; expected one of the two".to_owned()),
        (Some(steps), None) => range.steps(steps)?,
        (None, Some(step)) => range.step(step)?,
        (None, None) => return Ok(Values::Range(range)),
    };
    Ok(Values::Listed(values.into_iter().map(|value: Value| Listed::new(value, None)).collect()))
}

/// The near miss of a name.
pub(super) fn hint<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    did_you_mean(name, known)
}
