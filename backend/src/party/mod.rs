//! The two parties: each walks the program's steps in order, does its own and takes part in the messages.
//!
//! [`Client`] and [`Server`] own input and weights; the roles of garbler and evaluator, which either of them can have, are
//! in `garbler` and `evaluator`, and as Delphi plays them in `delphi_garbler` and `delphi_evaluator`. Tables, labels and
//! transfers stream: they are made, sent, received and evaluated a chunk of instances at a time, so that a step's work is
//! done when its message is sent or received; the trace still credits it to its step.
//!
//! Memory of one party, besides program and weights: what [`Storage`] keeps for the online phase (the evaluator's tables
//! and labels; up to [`MEMORY_BYTES`](crate::MEMORY_BYTES), then a temporary file), and of one layer at a time its values, its
//! ciphertexts, its replies and the corrections of its oblivious transfers (32 bits each; under Delphi 128 bits, and as
//! much for labels that are transferred online), which do not stream; the buffers of one chunk; and up to 512 MiB of spare
//! mappings that the whole process keeps for later buffers.

mod client;
mod delphi_evaluator;
mod delphi_garbler;
mod evaluator;
mod garbler;
mod linear;
mod operands;
mod roles;
mod server;
mod session;
mod trace;

pub use client::Client;
pub use server::Server;
pub(crate) use session::Session;
pub use trace::Trace;

use crate::error::Result;
use crate::storage::Storage;
use pisim_protocol::{Message, Phase, Step, StepKind};
use std::time::Instant;

/// What one party has after the offline phase: all it needs to answer one input.
///
/// **One** input: if the same precompute answers two, the masks are used twice and the peer sees the difference of both inputs
/// and of every layer's shares; where they differ in a bit, the evaluator has both labels of a wire, whose sum is Δ, and can
/// then open all of the garbler's values. A value of this type is used up by [`Client::resume`] and [`Server::resume`]; that
/// the same files are not opened again is enforced by [`store`](crate::store), and whoever makes one with
/// [`Prepared::new`] without it must see to it.
pub struct Prepared {
    storage: Storage,
}

impl Prepared {
    /// What a party left in a storage. See above for what happens if it is used twice.
    pub fn new(storage: Storage) -> Self {
        Self { storage }
    }

    /// Tables, labels, seeds and shares, to be written to the disk ([`Storage::finish`]).
    pub fn into_storage(self) -> Storage {
        self.storage
    }
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
