//! A design space: one inference against gate engines × homomorphic lanes × memory of the server.

mod space;

pub use space::{DesignSpace, ExploreError, MemoryChoice};

use crate::error::SimError;
use crate::prepared::{Prepared, Workspace};
use crate::result::{ByPhase, Level, LinkRates};
use crate::summary::{Binding, Summary};
use pisim_hw_models::Platform;
use rayon::prelude::*;
use serde::Serialize;

/// One design and what an inference takes on it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DesignPoint {
    /// Gate engines of a GC engine.
    pub engines: u64,
    /// Modular multipliers of an HE engine.
    pub he_lanes: u64,
    /// Its transform units, in proportion to the lanes.
    pub ntt_units: u64,
    /// The memory's name.
    pub memory: String,
    /// Its peak bandwidth, bytes per second.
    pub memory_bytes_per_s: f64,
    /// Seconds by phase (modelled).
    pub latency_s: ByPhase,
    /// Joules by phase (modelled).
    pub energy_j: ByPhase,
    /// The unit whose own lower bound is nearest to the latency of the whole inference.
    pub bottleneck: Binding,
    /// Area of the server's accelerators, square millimetres; absent without an ASIC.
    pub area_mm2: Option<f64>,
    /// Whether it fits the boards of both parties; always where there are none.
    pub fits: bool,
}

/// A design space that was gone through.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Exploration {
    /// The network's name.
    pub network: String,
    /// The protocol's name.
    pub protocol: String,
    /// The name of the platform that was varied.
    pub hardware: String,
    /// The rates of the platform's link.
    pub link: LinkRates,
    /// How the latencies were found.
    pub level: Level,
    /// What was varied.
    pub space: DesignSpace,
    /// Every design: by memory, then by gate engines, then by lanes, each in the order of the space.
    pub points: Vec<DesignPoint>,
}

impl Exploration {
    /// The points of one memory, by its position in the space.
    pub fn of_memory(&self, memory: usize) -> &[DesignPoint] {
        let each = self.space.engines.len() * self.space.he_lanes.len();
        self.points.get(memory * each..(memory + 1) * each).unwrap_or_default()
    }
}

/// Evaluates every design of `space` on variations of `platform`, on all cores. The answer does not depend on their number.
///
/// # Errors
/// The space is empty, the platform lacks what is varied, or the program cannot be evaluated.
pub fn explore(
    prepared: &Prepared,
    platform: &Platform,
    space: &DesignSpace,
    level: Level,
) -> Result<Exploration, ExploreError> {
    space.check(platform)?;
    let designs: Vec<(&MemoryChoice, u64, u64)> = space.designs().collect();
    let evaluate = |workspace: &mut Workspace, (memory, engines, he_lanes): (&MemoryChoice, u64, u64)| {
        let design = space.vary(platform, memory, engines, he_lanes);
        let summary = prepared.summarize(&design, level, workspace)?;
        Ok(point(&design, &summary, memory, (engines, he_lanes)))
    };
    let points: Result<Vec<DesignPoint>, SimError> =
        designs.into_par_iter().map_init(Workspace::default, evaluate).collect();
    let program = prepared.program();
    Ok(Exploration {
        network: program.network.network.name.clone(),
        protocol: program.protocol.name.clone(),
        hardware: platform.name.clone(),
        link: LinkRates { optimal_split: platform.link.optimal_split, ..LinkRates::of(&platform.link) },
        level,
        space: space.clone(),
        points: points?,
    })
}

fn point(design: &Platform, summary: &Summary, memory: &MemoryChoice, (engines, he_lanes): (u64, u64)) -> DesignPoint {
    let fits = [&design.client, &design.server].into_iter().all(|party| {
        let named = party.fpga_use().map(|fpga| (fpga.used.named(), fpga.available.named()));
        named.is_none_or(|(used, available)| used.into_iter().zip(available).all(|(used, there)| used.1 <= there.1))
    });
    DesignPoint {
        engines,
        he_lanes,
        ntt_units: design.server.he_engine.as_ref().map_or(0, |engine| engine.ntt_units),
        memory: memory.name.clone(),
        memory_bytes_per_s: design.server.memory.peak_bytes_per_s(),
        latency_s: summary.latency_s,
        energy_j: summary.energy_j,
        bottleneck: summary.binding(),
        area_mm2: design.server.area_mm2(),
        fits,
    }
}
