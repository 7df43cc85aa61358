//! A sweep that was read and checked: what is evaluated, in which order.

use super::axis::{Axis, Derived, Setting};
use super::constraint::Constraints;
use super::documents::{NetworkDocument, ProtocolDocument};
use super::row::AxisValue;
use super::sampling::{At, Sampling};
use super::search::Search;
use crate::result::Level;
use pisim_hw_models::PlatformTemplate;
use pisim_settings::{Document, DocumentKey, Source, Value};

/// Points of one part of a sweep, unless whoever runs it divides it otherwise.
pub const CHUNK_POINTS: u64 = 1024;

/// The most samples of each network, protocol and platform: the strata of a Latin hypercube are kept, four bytes for each point
/// and axis.
pub(super) const MOST_SAMPLES: u64 = 20_000_000;

/// A sweep. Its points are numbered: by network, then by protocol, by platform, and by sample.
#[derive(Debug)]
pub struct Sweep {
    pub(super) title: String,
    pub(super) description: String,
    pub(super) source: Source,
    pub(super) networks: Vec<Base<NetworkDocument>>,
    pub(super) protocols: Vec<Base<ProtocolDocument>>,
    pub(super) platforms: Vec<Base<PlatformTemplate>>,
    pub(super) axes: Vec<Axis>,
    pub(super) derived: Vec<Derived>,
    pub(super) constraints: Constraints,
    pub(super) method: Method,
    pub(super) level: Level,
    pub(super) layers: bool,
}

/// A file that a sweep starts from.
#[derive(Debug)]
pub(super) struct Base<T> {
    /// As the sweep names it.
    pub name: String,
    pub document: T,
}

/// How points are chosen.
#[derive(Debug)]
pub(super) enum Method {
    Sampled(Sampling),
    Search(Search),
}

/// Which of the files a point starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Combination {
    pub network: usize,
    pub protocol: usize,
    pub platform: usize,
}

/// One point before it is evaluated.
#[derive(Debug)]
pub(super) struct Point<'a> {
    pub index: u64,
    pub combination: Combination,
    /// Variables of all axes, then derived values.
    pub settings: Vec<Setting<'a>>,
    /// Why a derived value has none.
    pub fault: Option<String>,
}

impl Point<'_> {
    /// The changes of one of its files.
    pub fn changes(&self) -> impl Iterator<Item = (&DocumentKey, &Value)> {
        self.settings.iter().flat_map(|setting| setting.keys.iter().map(|key| (key, &*setting.value)))
    }
}

/// What a column of axes is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AxisColumn {
    /// The column's name.
    pub name: String,
    /// The keys that it sets, as `--set` takes them.
    pub keys: Vec<String>,
    /// The expression that it follows from, if it does.
    pub derived: Option<String>,
    /// What it holds at every point.
    pub kind: AxisKind,
}

/// What a column of axes holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AxisKind {
    /// [`AxisValue::Integer`].
    Integer,
    /// [`AxisValue::Number`] or [`AxisValue::Integer`].
    Number,
    /// [`AxisValue::Text`].
    Text,
    /// [`AxisValue::Flag`].
    Flag,
}

impl AxisKind {
    /// Of a value.
    pub(super) fn of(value: &AxisValue) -> Self {
        match value {
            AxisValue::Integer(_) => Self::Integer,
            AxisValue::Number(_) => Self::Number,
            AxisValue::Text(_) => Self::Text,
            AxisValue::Flag(_) => Self::Flag,
        }
    }

    /// What holds values of both.
    pub(super) fn with(self, other: Self) -> Self {
        match (self, other) {
            (a, b) if a == b => a,
            (Self::Integer, Self::Number) | (Self::Number, Self::Integer) => Self::Number,
            _ => Self::Text,
        }
    }
}

/// A file that the results of a sweep depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// `network`, `protocol` or `hardware`.
    pub kind: &'static str,
    /// The file, with all that it takes from others.
    pub source: Source,
}

impl Sweep {
    /// The title; the file's name where it has none.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What it asks; empty where the file does not say.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The sweep's file.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// How latencies are found.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Finds latencies in another way than the file says.
    pub fn set_level(&mut self, level: Level) {
        self.level = level;
    }

    /// Whether rows have layers.
    pub fn layers(&self) -> bool {
        self.layers
    }

    /// The columns of axes, in order: every axis, then derived values.
    pub fn columns(&self) -> Vec<AxisColumn> {
        let shown = |keys: &[DocumentKey]| keys.iter().map(ToString::to_string).collect();
        let axes = self.axes.iter().flat_map(|axis| &axis.variables).map(|variable| AxisColumn {
            name: variable.name.clone(),
            keys: shown(&variable.keys),
            derived: None,
            kind: variable.values.kind(),
        });
        let derived = self.derived.iter().map(|derived| AxisColumn {
            name: derived.name.clone(),
            keys: shown(&derived.keys),
            derived: Some(derived.expression.text().to_owned()),
            kind: if derived.unit.is_some() { AxisKind::Text } else { AxisKind::Number },
        });
        axes.chain(derived).collect()
    }

    /// The files that its points start from, as it names them: networks, protocols, platforms.
    pub fn files(&self) -> [Vec<&str>; 3] {
        [
            self.networks.iter().map(|base| base.name.as_str()).collect(),
            self.protocols.iter().map(|base| base.name.as_str()).collect(),
            self.platforms.iter().map(|base| base.name.as_str()).collect(),
        ]
    }

    /// Every network, protocol and platform that its results depend on besides its own file.
    pub fn inputs(&self) -> Vec<Input> {
        let input = |kind, source: &Source| Input { kind, source: source.clone() };
        let networks = self.networks.iter().map(|base| input("network", base.document.source()));
        let protocols = self.protocols.iter().map(|base| input("protocol", base.document.source()));
        let platforms = self.platforms.iter().map(|base| input("hardware", base.document.source()));
        networks.chain(protocols).chain(platforms).collect()
    }

    /// Takes so many samples instead of the file's number.
    ///
    /// # Errors
    /// The points are no sample, or the axes do not have so many.
    pub fn set_points(&mut self, points: u64) -> Result<(), String> {
        let Method::Sampled(sampling) = &self.method else {
            return Err("a search has as many points as its population and generations give".to_owned());
        };
        let different = self.axes.iter().try_fold(1_u64, |all, axis| all.checked_mul(axis.levels()? as u64));
        match (sampling, different) {
            (Sampling::Grid { .. }, _) => Err("a grid has all points of its axes; expected a sampling".to_owned()),
            (_, Some(most)) if points > most => Err(format!("{points} points of axes that have only {most}")),
            (_, _) if !(1..=MOST_SAMPLES).contains(&points) => Err(format!("expected 1 to {MOST_SAMPLES} points")),
            (sampling, _) => {
                self.method = Method::Sampled(sampling.resized(points, self.axes.len()));
                Ok(())
            }
        }
    }

    /// The columns that are to be small: the search's objectives, or latency and energy.
    pub fn objectives(&self) -> Vec<String> {
        match &self.method {
            Method::Search(search) => search.objectives.clone(),
            Method::Sampled(_) => vec!["latency_total_s".to_owned(), "energy_total_j".to_owned()],
        }
    }

    /// Points in all, those that constraints leave out among them; of a search, the most that there can be.
    pub fn points(&self) -> u64 {
        self.combinations().saturating_mul(self.points_each())
    }

    /// Points of each network, protocol and platform.
    pub(super) fn points_each(&self) -> u64 {
        match &self.method {
            Method::Sampled(sampling) => sampling.points(),
            Method::Search(search) => search.points(),
        }
    }

    /// Whether parts of it can be run on their own. A search is one piece: each generation follows from the last.
    pub fn divisible(&self) -> bool {
        matches!(self.method, Method::Sampled(_))
    }

    /// How points are chosen: `grid`, `random`, `latin-hypercube`, `sobol` or `nsga2`.
    pub fn method_name(&self) -> &'static str {
        match &self.method {
            Method::Sampled(sampling) => sampling.name(),
            Method::Search(_) => "nsga2",
        }
    }

    /// The seed of chance, where there is any.
    pub fn seed(&self) -> Option<u64> {
        match &self.method {
            Method::Sampled(sampling) => sampling.seed(),
            Method::Search(search) => Some(search.seed),
        }
    }

    pub(super) fn combinations(&self) -> u64 {
        (self.networks.len() * self.protocols.len() * self.platforms.len()) as u64
    }

    pub(super) fn combination(&self, number: u64) -> Combination {
        let (protocols, platforms) = (self.protocols.len().max(1), self.platforms.len().max(1));
        let number = number as usize;
        Combination {
            network: number / platforms / protocols,
            protocol: number / platforms % protocols,
            platform: number % platforms,
        }
    }

    /// A point of a sampled sweep.
    pub(super) fn sampled_point(&self, sampling: &Sampling, index: u64) -> Point<'_> {
        let each = sampling.points().max(1);
        self.point(index, self.combination(index / each), &sampling.at(index % each, self.axes.len()))
    }

    /// The point that lies at `at`.
    pub(super) fn point(&self, index: u64, combination: Combination, at: &[At]) -> Point<'_> {
        let mut settings = Vec::with_capacity(self.axes.len() + self.derived.len());
        for (axis, at) in self.axes.iter().zip(at) {
            settings.extend(axis.settings(*at));
        }
        let mut point = Point { index, combination, settings, fault: None };
        for derived in &self.derived {
            match derived.setting(&point.settings) {
                Ok(setting) => point.settings.push(setting),
                Err(fault) => {
                    point.fault = Some(fault);
                    break;
                }
            }
        }
        point
    }

    /// The point's values as results show them. A derived value that has none is no number, or empty.
    pub(super) fn values_of(&self, point: &Point<'_>) -> Vec<AxisValue> {
        let mut values: Vec<AxisValue> = point.settings.iter().map(|setting| setting.shown.clone()).collect();
        if values.len() < self.width() {
            for derived in self.derived.iter().skip(values.len() + self.derived.len() - self.width()) {
                let text = derived.unit.is_some();
                values.push(if text { AxisValue::Text(String::new()) } else { AxisValue::Number(f64::NAN) });
            }
        }
        values
    }

    /// How many columns of axes there are.
    pub(super) fn width(&self) -> usize {
        self.axes.iter().map(|axis| axis.variables.len()).sum::<usize>() + self.derived.len()
    }

    /// Whether any axis changes a kind of file.
    pub(super) fn varies(&self, document: Document) -> bool {
        let axes = self.axes.iter().flat_map(|axis| &axis.variables).flat_map(|variable| &variable.keys);
        axes.chain(self.derived.iter().flat_map(|derived| &derived.keys)).any(|key| key.document == document)
    }
}
