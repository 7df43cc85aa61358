//! Names of jobs in results.

use crate::layout::Role;
use crate::result::Activity;
use pisim_protocol::{Message, Step, StepKind};

/// The activity of a job, a position in [`Activity::NAMES`].
pub(crate) fn activity_number(step: &Step, role: Role) -> usize {
    let name = activity_of(step, role);
    Activity::NAMES.iter().position(|known| *known == name).unwrap_or_default()
}

/// The activity of a job, one of [`Activity::NAMES`].
fn activity_of(step: &Step, role: Role) -> &'static str {
    match (role, step.kind) {
        (Role::Store | Role::Load, _) => "storage",
        (_, StepKind::HeLinear) => "he-evaluate",
        (_, StepKind::Encrypt) => "encrypt",
        (_, StepKind::Decrypt) => "decrypt",
        (
            _,
            StepKind::BaseOtOffer
            | StepKind::BaseOtChoose
            | StepKind::BaseOtFinish
            | StepKind::OtPuncture
            | StepKind::OtReceive
            | StepKind::OtSend
            | StepKind::OtOpen,
        ) => "ot",
        (_, StepKind::Garble | StepKind::EncodeLabels) => "garble",
        (_, StepKind::Evaluate) => "evaluate",
        (_, StepKind::RingLinear) => "ring-linear",
        (_, StepKind::Send(_)) => "transfer",
        (
            _,
            StepKind::HeKeygen
            | StepKind::HeReadKeys
            | StepKind::LocalLinear
            | StepKind::MaskChoices
            | StepKind::Unmask
            | StepKind::MaskInput
            | StepKind::Reconstruct,
        ) => "other",
    }
}

/// The name of a job in the timeline.
pub(crate) fn kind_of(step: &Step, role: Role) -> &'static str {
    match (role, step.kind) {
        (Role::Store, _) => "store",
        (Role::Load, _) => "load",
        (_, StepKind::HeKeygen) => "he-keygen",
        (_, StepKind::HeReadKeys) => "he-read-keys",
        (_, StepKind::BaseOtOffer) => "base-ot-offer",
        (_, StepKind::BaseOtChoose) => "base-ot-choose",
        (_, StepKind::BaseOtFinish) => "base-ot-finish",
        (_, StepKind::OtPuncture) => "ot-puncture",
        (_, StepKind::Encrypt) => "encrypt",
        (_, StepKind::HeLinear) => "he-linear",
        (_, StepKind::Decrypt) => "decrypt",
        (_, StepKind::OtReceive) => "ot-receive",
        (_, StepKind::OtSend) => "ot-send",
        (_, StepKind::OtOpen) => "ot-open",
        (_, StepKind::Garble) => "garble",
        (_, StepKind::MaskChoices) => "mask-choices",
        (_, StepKind::EncodeLabels) => "encode-labels",
        (_, StepKind::Evaluate) => "evaluate",
        (_, StepKind::RingLinear) => "ring-linear",
        (_, StepKind::LocalLinear) => "local-linear",
        (_, StepKind::Unmask) => "unmask",
        (_, StepKind::MaskInput) => "mask-input",
        (_, StepKind::Reconstruct) => "reconstruct",
        (_, StepKind::Send(Message::PublicKey)) => "public-key",
        (_, StepKind::Send(Message::BaseOtOffer)) => "base-ot-offer",
        (_, StepKind::Send(Message::BaseOtChoice)) => "base-ot-choice",
        (_, StepKind::Send(Message::Ciphertexts)) => "ciphertexts",
        (_, StepKind::Send(Message::ReplyCiphertexts)) => "reply-ciphertexts",
        (_, StepKind::Send(Message::OtTrees)) => "ot-trees",
        (_, StepKind::Send(Message::OtColumns)) => "ot-columns",
        (_, StepKind::Send(Message::OtPayload)) => "ot-payload",
        (_, StepKind::Send(Message::GarbledTables)) => "garbled-tables",
        (_, StepKind::Send(Message::MaskedChoices)) => "masked-choices",
        (_, StepKind::Send(Message::OnlineLabels)) => "online-labels",
        (_, StepKind::Send(Message::MaskedValues)) => "masked-values",
        (_, StepKind::Send(Message::OutputShare)) => "output-share",
    }
}

/// The phase's name.
pub(crate) fn phase_name(phase: usize) -> &'static str {
    match phase {
        0 => "setup",
        1 => "offline",
        _ => "online",
    }
}
