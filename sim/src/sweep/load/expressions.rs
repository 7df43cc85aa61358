//! Names in the expressions of a sweep file.

use super::super::axis::{Axis, Derived, Values};
use super::super::expression::Expression;
use super::super::file::ConstraintsFile;
use super::super::range::number_of;
use super::super::row::{COLUMNS, CellKind};
use super::axes::hint;
use super::{Check, Checked, names};
use std::ops::Range;

impl Check<'_> {
    pub fn constraints(&self, file: &ConstraintsFile, axes: &[Axis], derived: &[Derived]) -> Checked<Vec<Expression>> {
        let mut expressions = Vec::new();
        let columns: Vec<&str> = numeric_columns().collect();
        for (position, text) in file.expressions.iter().enumerate() {
            let key = format!("constraints.where[{position}]");
            let expression = Expression::new(text.get_ref()).map_err(|error| self.error(text.span(), &key, error))?;
            if expression.names.is_empty() {
                let message = format!("`{}` is the same at every point; expected a name in it", text.get_ref());
                return Err(self.error(text.span(), &key, message));
            }
            self.known(&expression, text.span(), &key, axes, derived, &columns)?;
            expressions.push(expression);
        }
        Ok(expressions)
    }

    /// Whether every name of an expression is known and holds numbers.
    pub fn known(
        &self,
        expression: &Expression,
        span: Range<usize>,
        key: &str,
        axes: &[Axis],
        derived: &[Derived],
        columns: &[&str],
    ) -> Checked<()> {
        for name in &expression.names {
            if columns.contains(&name.as_str()) || derived.iter().any(|derived| derived.name == *name) {
                continue;
            }
            let variables = axes.iter().flat_map(|axis| &axis.variables);
            let Some(variable) = variables.into_iter().find(|variable| variable.name == *name) else {
                let known = names(axes, derived).chain(columns.iter().copied());
                let hint = hint(name, known);
                let expected = if columns.is_empty() {
                    "expected the name of an axis, or of a derived value before it"
                } else {
                    "expected the name of an axis or of a column of the results that holds numbers"
                };
                return Err(self.error(span, key, format!("`{name}` is unknown; {expected}{hint}")));
            };
            let numbers = match &variable.values {
                Values::Range(_) => true,
                Values::Listed(listed) => listed.iter().all(|listed| number_of(&listed.value).is_some()),
            };
            if !numbers {
                let message = format!("`{name}` holds more than numbers and quantities; expected an axis of those");
                return Err(self.error(span, key, message));
            }
        }
        Ok(())
    }
}

/// Columns of the results that expressions and objectives can use.
pub(super) fn numeric_columns() -> impl Iterator<Item = &'static str> {
    COLUMNS.iter().filter(|column| column.kind != CellKind::Text).map(|column| column.name)
}
