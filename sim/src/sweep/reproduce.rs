//! The command that computes one point by itself.

use super::axis::{Setting, plain_value};
use super::plan::{Method, Sweep};
use super::row::AxisValue;
use crate::result::Level;
use pisim_settings::{DocumentKey, Value};
use std::borrow::Cow;

impl Sweep {
    /// The `pisim simulate` command that gives a row, from its number and its values on the axes. None if there is no such
    /// point.
    pub fn command(&self, point: u64, axes: &[AxisValue]) -> Option<String> {
        if point >= self.points() || axes.len() != self.width() {
            return None;
        }
        let variables = self.axes.iter().flat_map(|axis| &axis.variables);
        let mut values = axes.iter();
        let mut settings: Vec<Setting<'_>> = Vec::with_capacity(axes.len());
        for (variable, shown) in variables.zip(values.by_ref()) {
            let value = Cow::Owned(variable.value_of(shown));
            settings.push(Setting { name: &variable.name, keys: &variable.keys, value, shown: shown.clone() });
        }
        for (derived, shown) in self.derived.iter().zip(values) {
            settings.push(Setting {
                name: &derived.name,
                keys: &derived.keys,
                value: Cow::Owned(plain_value(shown)),
                shown: shown.clone(),
            });
        }
        Some(self.command_of(point, &settings))
    }

    /// The command of a point of a sampled sweep; none of a search, whose points follow from its results.
    pub fn command_at(&self, point: u64) -> Option<String> {
        match &self.method {
            Method::Sampled(sampling) if point < self.points() => {
                Some(self.command_of(point, &self.sampled_point(sampling, point).settings))
            }
            _ => None,
        }
    }

    fn command_of(&self, point: u64, settings: &[Setting<'_>]) -> String {
        let combination = self.combination(point / self.points_each().max(1));
        let [networks, protocols, platforms] = self.files();
        let name = |names: &[&str], at: usize| names.get(at).copied().unwrap_or_default().to_owned();
        let mut words: Vec<String> = ["pisim", "simulate"].map(str::to_owned).into();
        for (option, value) in [
            ("-n", name(&networks, combination.network)),
            ("-p", name(&protocols, combination.protocol)),
            ("-H", name(&platforms, combination.platform)),
        ] {
            words.extend([option.to_owned(), value]);
        }
        let level = match self.level {
            Level::Event => "event",
            Level::ClosedForm => "closed-form",
        };
        words.extend(["--level", level, "--any-size"].map(str::to_owned));
        for setting in settings {
            words.extend(setting.keys.iter().flat_map(|key| ["--set".to_owned(), set(key, &setting.value)]));
        }
        words.extend(["--row", "--json"].map(str::to_owned));
        // No value holds a zero byte: TOML does not allow it.
        let quoted = |word: &String| shlex::try_quote(word).map_or_else(|_| word.clone(), Cow::into_owned);
        words.iter().map(quoted).collect::<Vec<_>>().join(" ")
    }
}

fn set(key: &DocumentKey, value: &Value) -> String {
    format!("{key}={value}")
}
