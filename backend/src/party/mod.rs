//! The two parties: each walks the program's steps in order, does its own and takes part in the messages.
//!
//! [`Client`] and [`Server`] own input and weights; the roles of garbler and evaluator, which either of them can have, are
//! in `garbler` and `evaluator`. What is large streams: a layer's transfers, tables and labels exist only a chunk of
//! instances at a time, so that a step's work is done when its message is sent or received; the trace still credits it
//! to its step.

mod client;
mod evaluator;
mod garbler;
mod server;
mod session;
mod trace;

pub use client::Client;
pub use server::Server;
pub(crate) use session::Session;
pub use trace::Trace;

use crate::error::Result;
use pisim_protocol::{Message, Phase, Step, StepKind};
use std::time::Instant;

/// What one party has after the offline phase: all it needs to answer one input.
pub struct Prepared {
    /// Tables, labels, seeds and shares.
    pub storage: crate::storage::Storage,
}

/// One party's side of the steps; [`walk`] calls it in the program's order.
pub(crate) trait Side {
    fn session(&mut self) -> &mut Session;
    /// Does one of its own steps (messages excepted).
    fn perform(&mut self, step: &Step) -> Result<()>;
    /// Sends one of its messages.
    fn send(&mut self, step: &Step, message: Message) -> Result<()>;
    /// Receives one of the peer's messages.
    fn receive(&mut self, step: &Step, message: Message) -> Result<()>;
    /// Forgets shares that no later step of this phase reads.
    fn forget(&mut self, step: &Step);
}

/// Runs a party's side of some phases.
pub(crate) fn walk(side: &mut impl Side, phases: &[Phase], observer: &mut dyn FnMut(&Step)) -> Result<Trace> {
    let program = side.session().program.clone();
    for step in program.steps.iter().filter(|step| phases.contains(&step.phase)) {
        let start = Instant::now();
        let mine = step.party == side.session().party;
        match step.kind {
            StepKind::Send(message) if mine => side.send(step, message)?,
            StepKind::Send(message) => side.receive(step, message)?,
            _ if mine => side.perform(step)?,
            _ => {}
        }
        side.session().close(step, start.elapsed());
        side.forget(step);
        observer(step);
    }
    Ok(std::mem::take(&mut side.session().trace))
}
