//! What a step takes on every unit that could do it: all of a step that does not depend on the platform.

use crate::demand::Demand;
use crate::error::SimError;
use crate::stage::Priced;
use pisim_hw_models::{GcWork, Gemm, HeWork, OtWork};
use pisim_protocol::{Program, Step, StepKind};

/// A step's work in the hardware models' terms. What the program lacks for it is an error only where a unit needs it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StepWork {
    /// What the step does: decides which unit it goes to.
    pub kind: StepKind,
    /// On an accelerator, if there can be one for it.
    pub accelerated: Option<Result<Accelerated, SimError>>,
    /// On a processor: by primitives, and with homomorphic encryption in whole operations of a library.
    pub processor: [Result<Vec<Priced>, SimError>; 2],
}

/// Work of an accelerator.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Accelerated {
    Garble(GcWork),
    Evaluate(GcWork),
    ExtendOts(OtWork),
    Homomorphic(HeWork),
    Linear(Gemm),
}

impl StepWork {
    /// The work of a step that is not a message.
    pub fn of(program: &Program, step: &Step) -> Self {
        let demand = Demand { program, step };
        let accelerated = match step.kind {
            StepKind::Garble => Some(demand.garbled().map(Accelerated::Garble)),
            StepKind::Evaluate => Some(demand.garbled().map(Accelerated::Evaluate)),
            StepKind::EncodeLabels => Some(Ok(Accelerated::Garble(demand.encoded()))),
            StepKind::OtReceive | StepKind::OtSend => {
                Some(Ok(Accelerated::ExtendOts(OtWork { ots: step.work.extended_ots })))
            }
            StepKind::HeKeygen | StepKind::HeReadKeys | StepKind::Encrypt | StepKind::HeLinear | StepKind::Decrypt => {
                Some(demand.homomorphic().map(Accelerated::Homomorphic))
            }
            StepKind::RingLinear => Some(demand.gemm().map(Accelerated::Linear)),
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
        let priced = |library| Ok(demand.processor(library)?.into_iter().map(Priced::from).collect());
        Self { kind: step.kind, accelerated, processor: [false, true].map(priced) }
    }

    /// Its stages on a processor.
    pub fn stages(&self, library: bool) -> Result<&[Priced], SimError> {
        let [primitives, whole] = &self.processor;
        if library { whole } else { primitives }.as_deref().map_err(Clone::clone)
    }
}
