//! The two roles of garbling, of which each party has one: what they do alike whoever has them.

use super::evaluator::Evaluator;
use super::garbler::Garbler;
use super::session::Session;
use crate::error::Result;
use pisim_protocol::{Message, Step, StepKind, wire};

/// A party's roles; the protocol says which of them it plays.
#[derive(Default)]
pub(super) struct Roles {
    pub(super) garbler: Garbler,
    pub(super) evaluator: Evaluator,
}

impl Roles {
    /// Does a step that needs nothing of the party but its role.
    pub(super) fn perform(&mut self, session: &mut Session, step: &Step) -> Result<()> {
        match step.kind {
            StepKind::BaseOtOffer => self.evaluator.offer_base(session, step),
            StepKind::BaseOtChoose => {
                let offer = session.take_message(step.layer, Message::BaseOtOffer)?;
                self.garbler.choose_base(session, step, offer.bytes())?;
            }
            StepKind::BaseOtFinish => {
                let choices = session.take_message(step.layer, Message::BaseOtChoice)?;
                self.evaluator.finish_base(session, step, choices.bytes())?;
            }
            StepKind::OtPuncture => {
                let trees = session.take_message(step.layer, Message::OtTrees)?;
                self.garbler.puncture(session, step, trees.bytes())?;
            }
            // Done while their message is sent.
            StepKind::OtReceive | StepKind::OtSend | StepKind::Garble | StepKind::EncodeLabels => {}
            _ => return Err(session.refuse(step)),
        }
        Ok(())
    }

    /// Receives a message for its role.
    pub(super) fn receive(&mut self, session: &mut Session, step: &Step, message: Message) -> Result<()> {
        match message {
            Message::BaseOtOffer => session.accept(step, message, wire::GROUP_ELEMENT_BYTES),
            Message::BaseOtChoice => session.accept(step, message, wire::GROUP_ELEMENT_BYTES * wire::BASE_OTS),
            Message::OtTrees => session.accept(step, message, wire::ot_trees_bytes()),
            Message::OtColumns => self.garbler.receive_columns(session, step),
            Message::GarbledTables => self.evaluator.receive_tables(session, step),
            Message::OnlineLabels => {
                self.evaluator.await_labels(step);
                Ok(())
            }
            _ => Err(session.refuse(step)),
        }
    }
}
