//! Every accelerator against its peak and its memory.

use crate::error::SimError;
use crate::names::{kind_of, phase_name};
use crate::prepared::{Prepared, Workspace};
use crate::result::Level;
use crate::units::{Place, UnitKind, hardware_of, hosts, memory_of};
use crate::work::Accelerated;
use pisim_hw_models::{HeEngine, HeWork, PartyHardware, Platform};
use pisim_protocol::Party;
use serde::Serialize;

/// One step on an accelerator.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RoofStep {
    /// The layer's name.
    pub layer: String,
    /// What the step did, as in [`crate::Interval`].
    pub kind: &'static str,
    /// Its phase.
    pub phase: &'static str,
    /// Operations of the roof's kind.
    pub operations: f64,
    /// Bytes moved to or from off-chip memory.
    pub bytes: f64,
    /// Seconds on the unit, sharing memory with whatever ran beside it.
    pub seconds: f64,
}

impl RoofStep {
    /// Operations for every byte moved.
    pub fn intensity(&self) -> f64 {
        self.operations / self.bytes
    }

    /// Operations per second.
    pub fn rate_per_s(&self) -> f64 {
        self.operations / self.seconds
    }
}

/// An accelerator's ceilings, and where its steps lie below them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Roof {
    /// `server.gc-engine`, …
    pub unit: &'static str,
    /// What is counted: `gates`, `modular products` or `multiply-accumulates`.
    pub operation: &'static str,
    /// Operations per second at most.
    pub peak_per_s: f64,
    /// The memory's name.
    pub memory: &'static str,
    /// Bytes per second that it streams.
    pub memory_bytes_per_s: f64,
    /// The steps that move bytes and have operations, in the program's order.
    pub steps: Vec<RoofStep>,
}

impl Roof {
    /// Operations per second at most at an intensity: the lower of the peak and what memory feeds.
    pub fn ceiling_per_s(&self, intensity: f64) -> f64 {
        self.peak_per_s.min(intensity * self.memory_bytes_per_s)
    }
}

/// The rooflines of every GC engine, HE engine and MAC array of a platform under one inference (event-driven):
///
/// - GC engine: AND and XOR gates, negations left out; peak = engines × clock, one gate per cycle each;
/// - HE engine: modular products, those of the butterflies included (N/2 · log₂ N in a transform), limbs wider than the word
///   counted as the narrower ones that they take; peak = (transform units × butterflies + multipliers) × clock / interval.
///   What a key-switch pipeline of its own does is left out on both sides;
/// - MAC array: multiply-accumulates of one cell, several for a word wider than the cell; peak = rows × columns × clock.
///
/// # Errors
/// As [`crate::simulate()`].
pub fn rooflines(prepared: &Prepared, platform: &Platform, workspace: &mut Workspace) -> Result<Vec<Roof>, SimError> {
    let settled = prepared.settled(platform, Level::Event, workspace)?;
    let layout = prepared.evaluate(&settled, Level::Event, workspace)?;
    let mut roofs = Vec::new();
    for (number, unit) in layout.units.all.iter().enumerate() {
        let Place::At(party, kind) = unit.place else { continue };
        let Some((operation, peak_per_s)) = peak(kind, hardware_of(&settled, party)) else { continue };
        let Some(host) = hosts(&settled).nth(memory_of(&settled, party)) else { continue };
        let mut steps = Vec::new();
        let jobs = layout.graph.nodes().iter().zip(&layout.tasks).zip(&workspace.engine.timings);
        for ((node, task), timing) in jobs.filter(|((node, _), _)| node.unit == number) {
            let Some(step) = prepared.program.steps.get(task.step) else { continue };
            let operations = prepared.accelerated(task.step).map_or(0.0, |work| operations(work, &settled, party));
            let traffic = workspace.prices.loads.get(node.load).and_then(|load| load.traffic);
            let bytes = traffic.map_or(0.0, |traffic| traffic.bytes);
            if operations > 0.0 && bytes > 0.0 && timing.busy_s > 0.0 {
                let layer = prepared.layers.get(step.layer.0).map_or_else(String::new, |layer| layer.id.clone());
                let (kind, phase) = (kind_of(step, task.role), phase_name(node.phase));
                steps.push(RoofStep { layer, kind, phase, operations, bytes, seconds: timing.busy_s });
            }
        }
        let memory_bytes_per_s = host.hardware.memory.streaming_bytes_per_s();
        let memory = host.memory_name;
        roofs.push(Roof { unit: unit.name, operation, peak_per_s, memory, memory_bytes_per_s, steps });
    }
    Ok(roofs)
}

/// What an accelerator counts, and how many of it a second has at most.
fn peak(kind: UnitKind, hardware: &PartyHardware) -> Option<(&'static str, f64)> {
    match kind {
        UnitKind::GcEngine => {
            hardware.gc_engine.as_ref().map(|engine| ("gates", engine.engines as f64 * engine.clock_hz))
        }
        UnitKind::HeEngine => hardware.he_engine.as_ref().map(|engine| {
            let multipliers = engine.ntt_units as f64 * engine.butterflies as f64 + engine.modmul_lanes as f64;
            ("modular products", multipliers * engine.clock_hz / engine.design.multiplier_interval.max(1) as f64)
        }),
        UnitKind::MacArray => hardware
            .mac_array
            .as_ref()
            .map(|array| ("multiply-accumulates", array.rows as f64 * array.columns as f64 * array.clock_hz)),
        UnitKind::Cpu | UnitKind::HeThreads | UnitKind::Storage => None,
    }
}

/// The operations of a step's work that its accelerator counts; none for other work, such as oblivious transfers.
fn operations(work: &Accelerated, platform: &Platform, party: Party) -> f64 {
    let hardware = hardware_of(platform, party);
    match work {
        Accelerated::Garble(work) | Accelerated::Evaluate(work) => work.and_gates as f64 + work.xor_gates as f64,
        Accelerated::Homomorphic(work) => hardware.he_engine.as_ref().map_or(0.0, |engine| products(engine, work)),
        Accelerated::Linear(gemm) => hardware
            .mac_array
            .as_ref()
            .map_or(0.0, |array| gemm.m as f64 * gemm.k as f64 * gemm.n as f64 * array.passes(gemm) as f64),
        Accelerated::ExtendOts(_) => 0.0,
    }
}

/// Modular products on the shared units.
fn products(engine: &HeEngine, work: &HeWork) -> f64 {
    let piped = engine.design.key_switch_butterflies.is_some() && work.key_switches > 0;
    let apart = if piped { (work.switch_ntts, work.switch_mod_muls) } else { (0, 0) };
    let ntts = work.ntts.saturating_sub(apart.0) as f64;
    let mod_muls = work.mod_muls.saturating_sub(apart.1) as f64;
    let degree = work.degree.max(1) as f64;
    let narrow = work.limb_bits.div_ceil(engine.word_bits.max(1)).max(1) as f64;
    (ntts * degree / 2.0 * degree.log2() + mod_muls) * narrow
}
