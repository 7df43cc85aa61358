//! Which unit runs a step, and what it costs there.

use crate::error::SimError;
use crate::shape::Shape;
use crate::stage::Rates;
use crate::units::{UnitKind, hardware_of, position_of, threads_of};
use crate::work::{Accelerated, StepWork};
use pisim_hw_models::gc::Role;
use pisim_hw_models::{Cost, GcWork, Platform};
use pisim_protocol::{Party, StepKind};

/// Assigns a step (not a message) to a unit of its party, accelerators first:
///
/// - garbling, evaluating and encoding labels run on the GC engine, which also decodes labels and masks as it writes;
/// - oblivious-transfer extension runs on the GC engine if it can do that, base transfers always on the processor;
/// - homomorphic encryption runs on the HE engine;
/// - linear layers on shares run on the MAC array, which adds masks and bias as its sums' initial values; if it also makes the
///   HE engine's products, the two are one unit;
/// - everything else runs on the processor, and so does what has no accelerator. Where layers are evaluated under
///   encryption side by side, each is on one of the processor's threads for that.
pub(crate) fn unit_of(kind: StepKind, party: Party, shape: &Shape) -> UnitKind {
    let Some(own) = shape.parties.get(position_of(party)) else { return UnitKind::Cpu };
    match kind {
        StepKind::Garble | StepKind::Evaluate | StepKind::EncodeLabels if own.gc_engine => UnitKind::GcEngine,
        StepKind::OtReceive | StepKind::OtSend if own.extends_ots => UnitKind::GcEngine,
        StepKind::HeKeygen | StepKind::HeReadKeys | StepKind::Encrypt | StepKind::HeLinear | StepKind::Decrypt
            if own.he_engine =>
        {
            UnitKind::HeEngine
        }
        StepKind::RingLinear if own.mac_array && own.shares_multipliers => UnitKind::HeEngine,
        StepKind::RingLinear if own.mac_array => UnitKind::MacArray,
        StepKind::HeLinear if shape.layered && party == Party::Server => UnitKind::HeThreads,
        _ => UnitKind::Cpu,
    }
}

/// What a step costs on a unit of its party; `rates` are those of the party's processor.
///
/// # Errors
/// The program lacks what the unit needs to know.
#[inline]
pub(crate) fn cost_of(
    work: &StepWork,
    party: Party,
    unit: UnitKind,
    platform: &Platform,
    rates: &Rates,
) -> Result<Cost, SimError> {
    let hardware = hardware_of(platform, party);
    let circuits = |work: &GcWork, role| {
        hardware.gc_engine.as_ref().map(|engine| engine.cost_at(work, role, hardware.memory.latency_s))
    };
    let cost = match (unit, &work.accelerated) {
        (UnitKind::Cpu | UnitKind::HeThreads | UnitKind::Storage, _) | (_, None) => None,
        (_, Some(work)) => match work.as_ref().map_err(Clone::clone)? {
            Accelerated::Garble(work) => circuits(work, Role::Garble),
            Accelerated::Evaluate(work) => circuits(work, Role::Evaluate),
            Accelerated::ExtendOts(work) => hardware.gc_engine.as_ref().and_then(|engine| engine.ot_extend(work)),
            Accelerated::Homomorphic(work) => {
                let bytes_per_s = hardware.memory.streaming_bytes_per_s();
                hardware.he_engine.as_ref().map(|engine| engine.run_at(work, bytes_per_s))
            }
            Accelerated::Linear(work) => hardware.mac_array.as_ref().map(|array| array.gemm(work)),
        },
    };
    cost.map_or_else(|| on_processor(work, party, unit == UnitKind::HeThreads, platform, rates), Ok)
}

/// A step on the processor of its party; `layered`: on one of the threads that evaluate layers side by side.
#[inline]
fn on_processor(
    work: &StepWork,
    party: Party,
    layered: bool,
    platform: &Platform,
    rates: &Rates,
) -> Result<Cost, SimError> {
    let cpu = &hardware_of(platform, party).cpu;
    let threads = |class| if layered { 1 } else { threads_of(platform, party).of(class, cpu.cores) };
    // Stages follow each other: serial ones leave the other cores to whoever else wants them.
    let stages = work.stages(cpu.costs.he_library.is_some())?;
    Ok(stages.iter().map(|stage| stage.cost_on(cpu, rates, threads(stage.stage.class))).sum())
}
