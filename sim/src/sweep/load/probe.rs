//! Tries every key and every listed value on every file before a sweep starts: what no file can hold is told at once, and what
//! only makes no sense at some points is their error later.

use super::super::axis::{Setting, Values};
use super::super::documents::of;
use super::super::plan::{Combination, Point, Sweep};
use super::super::sampling::At;
use super::axes::Origin;
use super::{Check, Checked};
use pisim_settings::{ConfigError, Document};

/// Listed values of one axis that are tried: all of a list that someone wrote, and the first of a range, whose values are alike.
const MOST_TRIED: usize = 4096;

impl Check<'_> {
    pub fn probe(&self, sweep: &Sweep, origins: &[Origin]) -> Checked<()> {
        let first: Vec<At> = sweep.axes.iter().map(|axis| first(axis.levels())).collect();
        self.tried(sweep, &first, origins, None)?;
        let mut column = 0;
        for (position, axis) in sweep.axes.iter().enumerate() {
            let ranged = axis.variables.iter().all(|variable| match &variable.values {
                Values::Listed(listed) => origins.get(column).is_some_and(|origin| origin.values.len() != listed.len()),
                Values::Range(_) => true,
            });
            let tried = if ranged { 0 } else { axis.levels().unwrap_or(0).min(MOST_TRIED) };
            for level in 1..tried {
                let mut at = first.clone();
                if let Some(own) = at.get_mut(position) {
                    *own = At::Level(level);
                }
                self.tried(sweep, &at, origins, Some((column, axis.variables.len(), level)))?;
            }
            column += axis.variables.len();
        }
        Ok(())
    }

    /// Tries one point on every file. `varied` are the columns that differ from the first point, and their level.
    fn tried(
        &self,
        sweep: &Sweep,
        at: &[At],
        origins: &[Origin],
        varied: Option<(usize, usize, usize)>,
    ) -> Checked<()> {
        let point = sweep.point(0, Combination { network: 0, protocol: 0, platform: 0 }, at);
        let tell = |error: ConfigError| self.told(&point, &error, origins, varied);
        if sweep.varies(Document::Hardware) {
            let changes = of(Document::Hardware, point.changes());
            for platform in &sweep.platforms {
                platform.document.accepts(&changes).or_else(tell)?;
            }
        }
        if sweep.varies(Document::Network) {
            let changes = of(Document::Network, point.changes());
            for network in &sweep.networks {
                network.document.with(&changes).map(drop).or_else(tell)?;
            }
        }
        if sweep.varies(Document::Protocol) {
            let changes = of(Document::Protocol, point.changes());
            for protocol in &sweep.protocols {
                protocol.document.with(&changes).map(drop).or_else(tell)?;
            }
        }
        Ok(())
    }

    /// A fault of form, at the key or the value of the axis that causes it. Any other may be none at other points.
    fn told(
        &self,
        point: &Point<'_>,
        error: &ConfigError,
        origins: &[Origin],
        varied: Option<(usize, usize, usize)>,
    ) -> Checked<()> {
        if !error.is_form() {
            return Ok(());
        }
        let causes = |setting: &Setting<'_>| {
            setting.keys.iter().any(|key| {
                let path = key.path.as_str();
                let within = |long: &str, short: &str| {
                    long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
                };
                within(error.key(), path) || within(path, error.key())
            })
        };
        let column = point.settings.iter().rposition(causes);
        let column = column.or(varied.map(|(column, ..)| column)).unwrap_or(0);
        let Some(origin) = origins.get(column) else { return Ok(()) };
        let said = error.message();
        if said.starts_with("unknown key") || said.starts_with("missing key") || said.contains("cannot stand in") {
            return Err(self.error(origin.keys.clone(), &origin.keys_key, error.to_string()));
        }
        let level =
            varied.filter(|(first, count, _)| (*first..first + count).contains(&column)).map_or(0, |varied| varied.2);
        let span = origin.values.get(level).or(origin.values.first()).cloned().unwrap_or_else(|| origin.keys.clone());
        let key = match origin.values.len() {
            0 | 1 => origin.values_key.clone(),
            _ => format!("{}[{level}]", origin.values_key),
        };
        Err(self.error(span, &key, error.to_string()))
    }
}

fn first(levels: Option<usize>) -> At {
    if levels.is_some() { At::Level(0) } else { At::Part(0.0) }
}
