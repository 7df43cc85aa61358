//! One point: from its changed files to a row.

use super::constraint::Violation;
use super::documents::of;
use super::plan::{Point, Sweep};
use super::programs::Lowered;
use super::row::{PointBinding, PointBottlenecks, PointMetrics, PointRow};
use crate::error::SimError;
use crate::prepared::{Prepared, Workspace};
use crate::result::Level;
use crate::summary::{Binding, Summary};
use pisim_hw_models::{Platform, TemplateMemo};
use pisim_settings::Document;
use std::borrow::Cow;

/// What evaluations reuse: one for each thread.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    workspace: Workspace,
    memos: Vec<TemplateMemo>,
}

/// A point that was looked at.
#[derive(Debug)]
pub(super) struct Evaluation {
    /// Its row; none if a constraint was not met before it was evaluated.
    pub row: Option<PointRow>,
    /// How far it is from meeting the constraints.
    pub violation: Violation,
}

impl Evaluation {
    fn left_out(violation: Violation) -> Self {
        Self { row: None, violation }
    }
}

impl Sweep {
    /// Whether constraints on axes alone leave a point out, before anything of it is read.
    pub(super) fn excluded_early(&self, point: &Point<'_>) -> Option<Violation> {
        // An expression without a value is told by the evaluation.
        self.constraints.before(&point.settings).ok().filter(|violation| violation.first.is_some())
    }

    /// Evaluates a point that no constraint on axes alone has left out.
    pub(super) fn evaluate(&self, point: &Point<'_>, program: Option<&Lowered>, scratch: &mut Scratch) -> Evaluation {
        let row = |network: &str, protocol: &str, hardware: &str, outcome| PointRow {
            point: point.index,
            axes: self.values_of(point),
            network: network.to_owned(),
            protocol: protocol.to_owned(),
            hardware: hardware.to_owned(),
            outcome,
        };
        let named = |program: Option<&Prepared>| {
            // Without a program, the points are told apart by what the sweep calls them.
            let [networks, protocols, _] = self.files();
            let platform = self.platforms.get(point.combination.platform);
            let hardware = platform.map(|base| base.document.platform().name.clone()).unwrap_or_default();
            let name = |names: &[&str], at: usize| names.get(at).copied().unwrap_or_default().to_owned();
            let combination = point.combination;
            let (network, protocol) = match program {
                Some(prepared) => {
                    let program = prepared.program();
                    (program.network.network.name.clone(), program.protocol.name.clone())
                }
                None => (name(&networks, combination.network), name(&protocols, combination.protocol)),
            };
            (network, protocol, hardware)
        };
        let prepared = program.map(|program| program.as_ref());
        let failed = |error: String| {
            let (network, protocol, hardware) = named(prepared.and_then(|prepared| prepared.as_ref().ok()));
            Evaluation { row: Some(row(&network, &protocol, &hardware, Err(error))), violation: Violation::default() }
        };
        if let Some(fault) = &point.fault {
            return failed(fault.clone());
        }
        if let Err(fault) = self.constraints.before(&point.settings) {
            return failed(fault);
        }
        let platform = match self.platform(point, scratch) {
            Ok(platform) => platform,
            Err(error) => return failed(error),
        };
        let violation = self.constraints.of_platform(&platform);
        if violation.first.is_some() {
            return Evaluation::left_out(violation);
        }
        let prepared = match prepared {
            Some(Ok(prepared)) => prepared,
            Some(Err(error)) => return failed(error.clone()),
            None => return failed("its program was not lowered".to_owned()),
        };
        let metrics = match self.metrics(prepared, &platform, &mut scratch.workspace) {
            Ok(metrics) => metrics,
            Err(error) => return failed(error),
        };
        let program = prepared.program();
        match self.constraints.after(&point.settings, &metrics) {
            Err(fault) => failed(fault),
            Ok(violation) => {
                let names = (&program.network.network.name, &program.protocol.name, &platform.name);
                Evaluation { row: Some(row(names.0, names.1, names.2, Ok(metrics))), violation }
            }
        }
    }

    fn platform(&self, point: &Point<'_>, scratch: &mut Scratch) -> Result<Platform, String> {
        let number = point.combination.platform;
        let base = self.platforms.get(number).ok_or("no platform")?;
        scratch.memos.resize_with(self.platforms.len(), TemplateMemo::default);
        let memo = scratch.memos.get_mut(number).ok_or("no platform")?;
        base.document.with(&of(Document::Hardware, point.changes()), memo).map_err(|error| error.to_string())
    }

    fn metrics(
        &self,
        prepared: &Prepared,
        platform: &Platform,
        workspace: &mut Workspace,
    ) -> Result<PointMetrics, String> {
        let mut metrics = metrics_of(prepared, platform, self.level, workspace).map_err(|error| error.to_string())?;
        if self.layers {
            let whole = prepared.simulate(platform, self.level, workspace).map_err(|error| error.to_string())?;
            metrics.layers = Some(whole.layers);
        }
        Ok(metrics)
    }
}

/// Evaluates one inference as points of sweeps are, to the last bit.
///
/// # Errors
/// As [`simulate`](crate::simulate()).
pub fn metrics_of(
    prepared: &Prepared,
    platform: &Platform,
    level: Level,
    workspace: &mut Workspace,
) -> Result<PointMetrics, SimError> {
    Ok(metrics(&prepared.summarize(platform, level, workspace)?, platform))
}

/// What a row keeps of a summary.
fn metrics(summary: &Summary, platform: &Platform) -> PointMetrics {
    let binding = |binding: Binding| PointBinding { unit: Cow::Borrowed(binding.unit), share: binding.share };
    let [setup, offline, online] = summary.bottleneck.map(binding);
    let seconds = summary.latency_s.total;
    PointMetrics {
        latency_s: summary.latency_s,
        energy_j: summary.energy_j,
        bytes: summary.bytes,
        storage_bytes: summary.storage_bytes,
        client_area_mm2: platform.client.area_mm2(),
        server_area_mm2: platform.server.area_mm2(),
        power_w: if seconds > 0.0 { summary.energy_j.total / seconds } else { 0.0 },
        fits: platform.client.misfits().is_empty() && platform.server.misfits().is_empty(),
        bottleneck: PointBottlenecks { setup, offline, online, total: binding(summary.binding()) },
        layers: None,
    }
}
