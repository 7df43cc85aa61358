//! Lowered programs, shared by all points that have the same network and protocol.

use super::documents::of;
use super::plan::{Point, Sweep};
use crate::prepared::Prepared;
use pisim_protocol::lower;
use pisim_settings::Document;
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Programs that are kept although no point of the batch at hand needs them.
const KEPT: usize = 64;

/// What tells programs apart: the files, and the changed keys of both.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ProgramKey {
    network: usize,
    protocol: usize,
    changes: Vec<(String, String)>,
}

/// A program, or why there is none.
pub(super) type Lowered = Arc<Result<Prepared<'static>, String>>;

/// The programs that were lowered so far.
#[derive(Debug, Default)]
pub(super) struct Programs {
    known: HashMap<ProgramKey, Lowered>,
}

impl Programs {
    /// Lowers what points need and is not known yet.
    pub fn prepare<'a>(&mut self, sweep: &Sweep, points: impl Iterator<Item = &'a Point<'a>>) {
        let mut needed: HashMap<ProgramKey, &Point<'_>> = HashMap::new();
        for point in points {
            needed.entry(sweep.program_key(point)).or_insert(point);
        }
        if self.known.len() > KEPT {
            let still: HashSet<&ProgramKey> = needed.keys().collect();
            self.known.retain(|key, _| still.contains(key));
        }
        needed.retain(|key, _| !self.known.contains_key(key));
        let made: Vec<_> = needed.into_par_iter().map(|(key, point)| (key, Arc::new(sweep.lowered(point)))).collect();
        self.known.extend(made);
    }

    /// The program of a point; none if it was not prepared.
    pub fn of(&self, sweep: &Sweep, point: &Point<'_>) -> Option<Lowered> {
        self.known.get(&sweep.program_key(point)).cloned()
    }
}

impl Sweep {
    fn program_key(&self, point: &Point<'_>) -> ProgramKey {
        let varies = self.varies(Document::Network) || self.varies(Document::Protocol);
        let changes = point.changes().filter(|(key, _)| varies && key.document != Document::Hardware);
        ProgramKey {
            network: point.combination.network,
            protocol: point.combination.protocol,
            changes: changes.map(|(key, value)| (key.to_string(), value.to_string())).collect(),
        }
    }

    fn lowered(&self, point: &Point<'_>) -> Result<Prepared<'static>, String> {
        let network = self.networks.get(point.combination.network).ok_or("no network")?;
        let protocol = self.protocols.get(point.combination.protocol).ok_or("no protocol")?;
        let built =
            network.document.with(&of(Document::Network, point.changes())).map_err(|error| error.to_string())?;
        let protocol =
            protocol.document.with(&of(Document::Protocol, point.changes())).map_err(|error| error.to_string())?;
        let program = lower(&built, &protocol);
        program.map(Prepared::owned).map_err(|error| format!("network {}: {error}", built.name))
    }
}
