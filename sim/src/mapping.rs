//! Which unit runs a step, and what it costs there.

use crate::demand::{Demand, class_of};
use crate::error::SimError;
use crate::units::{UnitKind, hardware_of, layers_in_parallel, threads_of};
use pisim_hw_models::{Cost, OtWork, Platform};
use pisim_protocol::{Program, Step, StepKind};

/// A step on a unit of its party.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Assignment {
    pub unit: UnitKind,
    pub cost: Cost,
}

/// Assigns a step (not a message) to a unit of its party, accelerators first:
///
/// - garbling, evaluating and encoding labels run on the GC engine, which also decodes labels and masks as it writes;
/// - oblivious-transfer extension runs on the GC engine if it can do that, base transfers always on the processor;
/// - homomorphic encryption runs on the HE engine;
/// - linear layers on shares run on the MAC array, which adds masks and bias as its sums' initial values; if it also makes the
///   HE engine's products, the two are one unit;
/// - everything else runs on the processor, and so does what has no accelerator. Where layers are evaluated under
///   encryption side by side, each is on one of the processor's threads for that.
pub(crate) fn assign(program: &Program, step: &Step, platform: &Platform) -> Result<Assignment, SimError> {
    let hardware = hardware_of(platform, step.party);
    let demand = Demand { program, step };
    let accelerated = match step.kind {
        StepKind::Garble | StepKind::Evaluate | StepKind::EncodeLabels => match &hardware.gc_engine {
            Some(engine) => {
                let cost = match step.kind {
                    StepKind::Garble => engine.garble(&demand.garbled()?),
                    StepKind::Evaluate => engine.evaluate(&demand.garbled()?),
                    _ => engine.garble(&demand.encoded()),
                };
                Some(Assignment { unit: UnitKind::GcEngine, cost })
            }
            None => None,
        },
        StepKind::OtReceive | StepKind::OtSend => hardware
            .gc_engine
            .as_ref()
            .and_then(|engine| engine.ot_extend(&OtWork { ots: step.work.extended_ots }))
            .map(|cost| Assignment { unit: UnitKind::GcEngine, cost }),
        StepKind::HeKeygen | StepKind::HeReadKeys | StepKind::Encrypt | StepKind::HeLinear | StepKind::Decrypt => {
            match &hardware.he_engine {
                Some(engine) => Some(Assignment { unit: UnitKind::HeEngine, cost: engine.run(&demand.homomorphic()?) }),
                None => None,
            }
        }
        StepKind::RingLinear => match &hardware.mac_array {
            Some(array) => {
                let unit = if hardware.shares_multipliers() { UnitKind::HeEngine } else { UnitKind::MacArray };
                Some(Assignment { unit, cost: array.gemm(&demand.gemm()?) })
            }
            None => None,
        },
        StepKind::OtOpen
        | StepKind::BaseOtOffer
        | StepKind::BaseOtChoose
        | StepKind::BaseOtFinish
        | StepKind::OtPuncture
        | StepKind::LocalLinear
        | StepKind::MaskChoices
        | StepKind::Unmask
        | StepKind::MaskInput
        | StepKind::Reconstruct
        | StepKind::Send(_) => None,
    };
    match accelerated {
        Some(assignment) => Ok(assignment),
        None => on_processor(&demand, platform),
    }
}

/// A step on the processor of its party.
fn on_processor(demand: &Demand, platform: &Platform) -> Result<Assignment, SimError> {
    let party = demand.step.party;
    let cpu = &hardware_of(platform, party).cpu;
    let layered = matches!(demand.step.kind, StepKind::HeLinear) && layers_in_parallel(platform, party).is_some();
    let threads = |class| if layered { 1 } else { threads_of(platform, party).of(class, cpu.cores) };
    let stages = demand.processor(cpu.costs.he_library.is_some(), threads(class_of(demand.step.kind)))?;
    // Stages follow each other: serial ones leave the other cores to whoever else wants them.
    let cost = stages.iter().map(|stage| cpu.cost_on(&stage.work, threads(stage.class))).sum();
    Ok(Assignment { unit: if layered { UnitKind::HeThreads } else { UnitKind::Cpu }, cost })
}
