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

/// Points of one chunk of a sampled sweep. Chunks are what shards are made of and what a resumed run skips.
pub const CHUNK_POINTS: u64 = 1024;

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

    /// Its values as results show them.
    pub fn axes(&self, columns: usize) -> Vec<AxisValue> {
        let mut axes: Vec<AxisValue> = self.settings.iter().map(|setting| setting.shown.clone()).collect();
        // A derived value that has none is no number.
        axes.resize(columns, AxisValue::Number(f64::NAN));
        axes
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
        });
        let derived = self.derived.iter().map(|derived| AxisColumn {
            name: derived.name.clone(),
            keys: shown(std::slice::from_ref(&derived.key)),
            derived: Some(derived.expression.text().to_owned()),
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

    /// Names and texts of everything that its results depend on: the sweep's own file, and every network, protocol and platform
    /// with what it is based on.
    pub fn inputs(&self) -> Vec<Source> {
        let networks = self.networks.iter().map(|base| base.document.source().clone());
        let protocols = self.protocols.iter().map(|base| base.document.source().clone());
        let platforms = self.platforms.iter().map(|base| base.document.source().clone());
        [self.source.clone()].into_iter().chain(networks).chain(protocols).chain(platforms).collect()
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

    /// How many points a chunk has at most.
    pub(super) fn chunk_points(&self) -> u64 {
        match &self.method {
            Method::Sampled(_) => CHUNK_POINTS,
            Method::Search(search) => search.population as u64,
        }
    }

    /// How many chunks there are.
    pub fn chunks(&self) -> u64 {
        self.points().div_ceil(self.chunk_points().max(1))
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

    /// How many columns of axes there are.
    pub(super) fn width(&self) -> usize {
        self.axes.iter().map(|axis| axis.variables.len()).sum::<usize>() + self.derived.len()
    }

    /// Whether any axis changes a kind of file.
    pub(super) fn varies(&self, document: Document) -> bool {
        let mut keys = self.axes.iter().flat_map(|axis| &axis.variables).flat_map(|variable| &variable.keys);
        keys.any(|key| key.document == document) || self.derived.iter().any(|derived| derived.key.document == document)
    }
}
