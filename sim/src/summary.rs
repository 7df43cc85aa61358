//! The result of an evaluation without the detail of layers and steps: what sweeps keep of every point.

use crate::engine::PhaseTiming;
use crate::layout::Layout;
use crate::leakage::Leakage;
use crate::prepared::{Prepared, Workspace};
use crate::result::{ByPhase, Level, LinkRates, PhaseTraffic, Storage};
use crate::units::hosts;
use pisim_hw_models::Platform;
use serde::Serialize;

/// One unit, memory, pool of cores or direction of the link.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct UnitSummary {
    /// The name, as in [`crate::UnitUse`].
    pub name: &'static str,
    /// Seconds in which it worked, all phases; at the closed-form level, those of jobs that share nothing.
    pub busy_s: f64,
    /// `busy_s` over the latency, 0 to 1.
    pub utilization: f64,
    /// The lower bound of each phase's latency that it sets by itself, as in [`crate::Bound`].
    pub bound_s: ByPhase,
}

/// What binds a phase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Binding {
    /// The name of the unit whose own lower bound is nearest to the latency; empty for a phase without work.
    pub unit: &'static str,
    /// Its lower bound over the phase's latency, 0 to 1.
    pub share: f64,
}

/// An evaluation without the detail of layers and steps.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Summary {
    /// How it was found.
    pub level: Level,
    /// Seconds by phase.
    pub latency_s: ByPhase,
    /// No phase is faster: the longest chain of jobs that share nothing, and what each memory and pool of cores has to do.
    pub least_s: ByPhase,
    /// No phase is slower: the longest chain, and after it all that each memory and pool of cores has to do.
    pub most_s: ByPhase,
    /// Joules by phase.
    pub energy_j: ByPhase,
    /// The link's rates; where the platform leaves the split of a total open, the best one that was found.
    pub link: LinkRates,
    /// Exact bytes on the wire.
    pub bytes: PhaseTraffic,
    /// Exact bytes stored per precompute.
    pub storage_bytes: Storage,
    /// Every unit, direction of the link, pool of cores and memory.
    pub units: Vec<UnitSummary>,
    /// What binds setup, offline and online phase.
    pub bottleneck: [Binding; 3],
}

impl Summary {
    /// What binds the inference as a whole: the unit whose own lower bounds of the three phases add up to the most.
    pub fn binding(&self) -> Binding {
        self.binding_of(self.latency_s.total, |bound| bound.total)
    }

    fn binding_of(&self, latency_s: f64, seconds: impl Fn(&ByPhase) -> f64) -> Binding {
        let mut best = Binding::default();
        for unit in &self.units {
            let share = if latency_s > 0.0 { (seconds(&unit.bound_s) / latency_s).min(1.0) } else { 0.0 };
            if share > best.share {
                best = Binding { unit: unit.name, share };
            }
        }
        best
    }
}

/// Sums up what the workspace holds after a run or an estimate.
pub(crate) fn summarize(
    prepared: &Prepared,
    platform: &Platform,
    level: Level,
    layout: &Layout,
    workspace: &Workspace,
) -> Summary {
    let machine = &workspace.prices.machine;
    let phases = &workspace.engine.phases;
    let latency_s = by_phase(phases, |phase| phase.latency_s);
    let mut summary = Summary {
        level,
        latency_s,
        least_s: by_phase(phases, |phase| phase.least_s(machine)),
        most_s: by_phase(phases, |phase| phase.most_s(machine)),
        energy_j: energy_j(platform, &latency_s, layout, workspace),
        link: LinkRates::of(&platform.link),
        bytes: prepared.bytes,
        storage_bytes: prepared.storage_bytes,
        units: units(platform, latency_s.total, layout, workspace),
        bottleneck: Default::default(),
    };
    let binding = [
        summary.binding_of(latency_s.setup, |bound| bound.setup),
        summary.binding_of(latency_s.offline, |bound| bound.offline),
        summary.binding_of(latency_s.online, |bound| bound.online),
    ];
    summary.bottleneck = binding;
    summary
}

fn by_phase(phases: &[PhaseTiming], value: impl Fn(&PhaseTiming) -> f64) -> ByPhase {
    let mut values = [0.0; 3];
    for (slot, phase) in values.iter_mut().zip(phases) {
        *slot = value(phase);
    }
    ByPhase::new(values)
}

/// Equal jobs spend the same: their energy times their number, and static power over the latency.
fn energy_j(platform: &Platform, latency_s: &ByPhase, layout: &Layout, workspace: &Workspace) -> ByPhase {
    let static_w: f64 = hosts(platform).map(|host| host.hardware.static_power_w).sum();
    let leakages: Vec<Leakage> = hosts(platform).map(|host| Leakage::of(platform, &layout.units, &host)).collect();
    let mut joules = latency_s.phases().map(|seconds| static_w * seconds);
    for ((joules, seconds), phase) in joules.iter_mut().zip(latency_s.phases()).zip(&workspace.engine.phases) {
        *joules += leakages.iter().map(|leakage| leakage.joules(&phase.unit_work_s, seconds)).sum::<f64>();
    }
    for tally in layout.graph.tallies() {
        let (Some(sum), Some(each)) = (joules.get_mut(tally.phase), workspace.prices.joules.get(tally.load)) else {
            continue;
        };
        *sum += tally.jobs as f64 * (each.unit + each.memories.iter().sum::<f64>());
    }
    ByPhase::new(joules)
}

fn units(platform: &Platform, latency_s: f64, layout: &Layout, workspace: &Workspace) -> Vec<UnitSummary> {
    let machine = &workspace.prices.machine;
    let phases = &workspace.engine.phases;
    let at = |sums: &[f64], number: usize| sums.get(number).copied().unwrap_or(0.0);
    let make = |name, busy_s: f64, bound_s| {
        let utilization = if latency_s > 0.0 { (busy_s / latency_s).min(1.0) } else { 0.0 };
        UnitSummary { name, busy_s, utilization, bound_s }
    };
    let shared = |name, bound_s: ByPhase| make(name, bound_s.total, bound_s);
    let mut units = Vec::with_capacity(layout.units.all.len() + machine.pools.len() + machine.memories.len());
    for (number, unit) in layout.units.all.iter().enumerate() {
        let busy_s = phases.iter().map(|phase| at(&phase.unit_busy_s, number)).sum();
        units.push(make(unit.name, busy_s, by_phase(phases, |phase| at(&phase.unit_work_s, number))));
    }
    for (number, cores) in machine.pools.iter().enumerate() {
        let name = if platform.colocated { "machine.cores" } else { "server.cores" };
        units.push(shared(name, by_phase(phases, |phase| at(&phase.pool_core_s, number) / cores)));
    }
    for (number, (host, bandwidth)) in hosts(platform).zip(&machine.memories).enumerate() {
        let seconds = by_phase(phases, |phase| at(&phase.memory_bytes, number) / bandwidth);
        units.push(shared(host.memory_name, seconds));
    }
    units
}
