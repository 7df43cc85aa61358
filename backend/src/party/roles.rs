//! The two roles of garbling, of which each party has one: what they do alike whoever has them, and which of the two ways
//! to play them the protocol has.

use super::delphi_evaluator::DelphiEvaluator;
use super::delphi_garbler::DelphiGarbler;
use super::evaluator::Evaluator;
use super::garbler::Garbler;
use super::session::Session;
use crate::counter::Counter;
use crate::error::Result;
use crate::random::Seed;
use pisim_netgen::LayerId;
use pisim_protocol::{Message, Step, StepKind, Transfer, wire};
use std::time::Duration;
use zeroize::Zeroizing;

/// A party's roles; the protocol says which of them it plays, and how.
pub(super) enum Roles {
    /// Correlated transfers and packed messages.
    Packed { garbler: Box<Garbler>, evaluator: Box<Evaluator> },
    /// Chosen transfers and Delphi's messages.
    Delphi { garbler: Box<DelphiGarbler>, evaluator: Box<DelphiEvaluator> },
}

impl Roles {
    pub(super) fn new(transfer: Transfer) -> Self {
        match transfer {
            Transfer::SoftSpoken => Self::Packed { garbler: Box::default(), evaluator: Box::default() },
            Transfer::Alsz => Self::Delphi { garbler: Box::default(), evaluator: Box::default() },
        }
    }

    /// Does a step that needs nothing of the party but its role.
    pub(super) fn perform(&mut self, session: &mut Session, step: &Step) -> Result<()> {
        match step.kind {
            StepKind::BaseOtOffer => match self {
                Self::Packed { evaluator, .. } => evaluator.offer_base(session, step),
                Self::Delphi { evaluator, .. } => evaluator.offer_base(session, step),
            },
            StepKind::BaseOtChoose => {
                let offer = session.take_message(step.layer, Message::BaseOtOffer)?;
                match self {
                    Self::Packed { garbler, .. } => garbler.choose_base(session, step, offer.bytes())?,
                    Self::Delphi { garbler, .. } => garbler.choose_base(session, step, offer.bytes())?,
                }
            }
            StepKind::BaseOtFinish => {
                let choices = session.take_message(step.layer, Message::BaseOtChoice)?;
                match self {
                    Self::Packed { evaluator, .. } => evaluator.finish_base(session, step, choices.bytes())?,
                    Self::Delphi { evaluator, .. } => evaluator.finish_base(session, step, choices.bytes())?,
                }
            }
            StepKind::OtPuncture => {
                let trees = session.take_message(step.layer, Message::OtTrees)?;
                let Self::Packed { garbler, .. } = self else { return Err(session.refuse(step)) };
                garbler.puncture(session, step, trees.bytes())?;
            }
            // Done while their message is sent or received.
            StepKind::OtReceive | StepKind::OtSend | StepKind::OtOpen | StepKind::Garble | StepKind::EncodeLabels => {}
            _ => return Err(session.refuse(step)),
        }
        Ok(())
    }

    /// Sends a message of its role that needs nothing of the party.
    pub(super) fn send(&mut self, session: &mut Session, step: &Step, message: Message) -> Result<()> {
        match (message, self) {
            (Message::OtPayload, Self::Delphi { garbler, .. }) => garbler.send_payload(session, step),
            _ => session.deliver(step, message),
        }
    }

    /// Receives a message for its role.
    pub(super) fn receive(&mut self, session: &mut Session, step: &Step, message: Message) -> Result<()> {
        match (message, self) {
            (Message::BaseOtOffer, _) => session.accept(step, message, wire::GROUP_ELEMENT_BYTES),
            (Message::BaseOtChoice, _) => session.accept(step, message, wire::GROUP_ELEMENT_BYTES * wire::BASE_OTS),
            (Message::OtTrees, _) => session.accept(step, message, wire::ot_trees_bytes()),
            (Message::OtColumns, Self::Packed { garbler, .. }) => garbler.receive_columns(session, step),
            (Message::OtColumns, Self::Delphi { garbler, .. }) => garbler.receive_columns(session, step),
            (Message::OtPayload, Self::Delphi { evaluator, .. }) => evaluator.receive_payload(session, step),
            (Message::GarbledTables, Self::Packed { evaluator, .. }) => evaluator.receive_tables(session, step),
            (Message::GarbledTables, Self::Delphi { evaluator, .. }) => evaluator.receive_tables(session, step),
            (Message::OnlineLabels, Self::Packed { evaluator, .. }) => {
                evaluator.await_labels(step);
                Ok(())
            }
            (Message::OnlineLabels, Self::Delphi { evaluator, .. }) => {
                evaluator.await_labels(step);
                Ok(())
            }
            _ => Err(session.refuse(step)),
        }
    }

    /// The secret of a layer that is garbled now. Delphi's garbler keeps encoders instead of it.
    pub(super) fn garbling_secret(&self, session: &mut Session, layer: LayerId) -> Result<Seed> {
        match self {
            Self::Packed { .. } => {
                let stored = Counter::default();
                let secret = session.new_secret(layer, &stored)?;
                let garble = session.step_of(layer, StepKind::Garble)?;
                session.credit(garble, &stored, Duration::ZERO);
                Ok(secret)
            }
            Self::Delphi { .. } => Ok(session.seed.derive("layer", layer.0 as u64)),
        }
    }

    /// Garbles a layer and sends its tables. `values` are the garbler's offline inputs, packed into words, `masks` the masks of the
    /// outputs.
    pub(super) fn send_tables(
        &mut self,
        session: &mut Session,
        step: &Step,
        secret: &Seed,
        (values, masks): (&[u128], &[u64]),
    ) -> Result<()> {
        match self {
            Self::Packed { garbler, .. } => garbler.send_tables(session, step, secret, values),
            Self::Delphi { garbler, .. } => garbler.send_tables(session, step, (values, masks)),
        }
    }

    /// Sends the labels of the bits of `values`: what the server feeds in, or the client's view of it under the server's choices.
    /// Returns the masks of the outputs where they were kept with the labels.
    pub(super) fn send_online_labels(
        &mut self,
        session: &mut Session,
        step: &Step,
        values: &[u64],
    ) -> Result<Option<Zeroizing<Vec<u64>>>> {
        match self {
            Self::Packed { garbler, .. } => garbler.send_online_labels(session, step, values).map(|()| None),
            Self::Delphi { garbler, .. } => garbler.send_online_labels(session, step, values).map(Some),
        }
    }

    /// Has the labels of the bits of `share`, all that the evaluator feeds in, transferred.
    pub(super) fn send_columns(&mut self, session: &mut Session, step: &Step, share: &[u64]) -> Result<()> {
        match self {
            Self::Packed { evaluator, .. } => evaluator.send_columns(session, step, share),
            Self::Delphi { evaluator, .. } => evaluator.send_columns(session, step, share),
        }
    }

    /// Evaluates a layer's circuits; returns their outputs.
    pub(super) fn evaluate(&mut self, session: &mut Session, step: &Step) -> Result<Vec<u64>> {
        match self {
            Self::Packed { evaluator, .. } => evaluator.evaluate(session, step),
            Self::Delphi { evaluator, .. } => evaluator.evaluate(session, step),
        }
    }
}
