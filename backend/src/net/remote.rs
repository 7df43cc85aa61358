//! The client's side: asks a server for whole inferences, for precomputes, and for answers from precomputes.

use super::agreement::{Agreement, ModelId};
use super::connection::{Cancel, Connection};
use super::handshake::{Request, Talk, Ticket};
use super::tls::Fingerprint;
use super::{NetError, Result, shelf};
use crate::channel::{Channel, Traffic};
use crate::counter::Counter;
use crate::error::BackendError;
use crate::party::{Client, Trace};
use crate::random::Seed;
use crate::run::MEMORY_BYTES;
use crate::storage::Storage;
use crate::store::{Held, Label, PrecomputeId, Store, StoreError};
use pisim_protocol::{Party, Program, Step};
use std::sync::Arc;
use std::time::Duration;

/// A server that would run the same program, connected and waiting for a request.
pub struct Remote {
    program: Arc<Program>,
    connection: Connection,
    /// The hash of the program that both run.
    agreed: [u8; 32],
    model: ModelId,
    timeout: Duration,
    cancel: Cancel,
}

/// What a client has after a run.
#[derive(Debug, Clone)]
pub struct Inference {
    /// The answer, as signed ring elements.
    pub outputs: Vec<i64>,
    /// What the client counted and measured.
    pub trace: Trace,
    /// Bytes of the program's messages, headers included: sent by the client, and received.
    pub program_bytes: [u64; 2],
    /// Bytes on the socket, the handshake and TLS included: sent by the client, and received.
    pub socket_bytes: [u64; 2],
}

impl Remote {
    /// Connects to a server and agrees with it on `program`. No wait for the server is longer than `timeout`; it has to be
    /// longer than the server computes between two messages.
    ///
    /// # Errors
    /// No connection, no pisim server, another certificate, or a program that differs (the error says in what).
    pub fn connect(
        address: &str,
        pinned: Option<Fingerprint>,
        program: &Arc<Program>,
        timeout: Duration,
        cancel: &Cancel,
    ) -> Result<Self> {
        let agreement = Agreement::of(program)?;
        let mut connection = Connection::open(address, pinned, timeout, cancel)?;
        let greeted = Talk { stream: &mut connection, timeout }.greet(&agreement);
        let (program, cancel) = (program.clone(), cancel.clone());
        let model = greeted.map_err(|error| interrupted_or(error, &cancel))?;
        Ok(Self { program, connection, agreed: agreement.program(), model, timeout, cancel })
    }

    /// The server's name for its weights.
    pub fn model(&self) -> ModelId {
        self.model
    }

    /// Whether TLS protects the connection.
    pub fn encrypted(&self) -> bool {
        self.connection.encrypted()
    }

    /// A whole inference with fresh secrets. `observer` sees every step after it.
    ///
    /// # Errors
    /// A refusal, a connection or protocol error, or an input of another size.
    pub fn infer(mut self, input: &[i64], observer: &mut dyn FnMut(&Step)) -> Result<Inference> {
        let cancel = self.cancel.clone();
        let mut run = || {
            self.check_size(input)?;
            self.talk().ask(&Request::Infer)?;
            let (client, traffic) = self.client(Storage::in_memory(MEMORY_BYTES))?;
            let (outputs, trace) = client.run(input.to_vec(), observer)?;
            Ok(self.report(outputs, trace, &traffic))
        };
        run().map_err(|error| interrupted_or(error, &cancel))
    }

    /// Setup and offline phase, kept in `store` and at the server.
    ///
    /// # Errors
    /// A refusal, a connection or protocol error, or a store that cannot be written. Then nothing is kept here.
    pub fn prepare(mut self, store: &Store, observer: &mut dyn FnMut(&Step)) -> Result<(PrecomputeId, Trace)> {
        let cancel = self.cancel.clone();
        let mut run = || {
            let Ticket { id, claim } = self.talk().ask(&Request::Prepare)?;
            let draft = store.begin(Label { id, claim, program: self.agreed, model: self.model })?;
            let (client, _) = self.client(Storage::in_file(draft.records()?))?;
            let (prepared, trace) = client.prepare(observer)?;
            let ready = draft.finish(&shelf::index(prepared)?)?;
            self.talk().signal()?;
            // The server has its half on the disk.
            self.talk().wait()?;
            Ok((ready.publish()?, trace))
        };
        run().map_err(|error| interrupted_or(error, &cancel))
    }

    /// A precompute of `store` for this program and server that nobody else uses.
    ///
    /// # Errors
    /// None there ([`StoreError::Nothing`]), or one that was tampered with.
    pub fn choose<'a>(&self, store: &'a Store) -> Result<Held<'a>> {
        let labels = store.list()?;
        for label in labels.iter().filter(|label| label.program == self.agreed && label.model == self.model) {
            match store.hold(label.id) {
                Err(StoreError::Gone { .. } | StoreError::InUse { .. }) => {}
                held => return Ok(held?),
            }
        }
        Err(StoreError::Nothing { folder: store.folder().to_owned(), others: labels.len() }.into())
    }

    /// The online phase of a precompute, which is used up before a byte that depends on the input is sent.
    ///
    /// # Errors
    /// A refusal, a connection or protocol error, or an input of another size. What fails before the server has agreed leaves
    /// the precompute as it was.
    pub fn answer(mut self, held: Held<'_>, input: &[i64], observer: &mut dyn FnMut(&Step)) -> Result<Inference> {
        let cancel = self.cancel.clone();
        let run = || {
            self.check_size(input)?;
            let prepared = shelf::load(&held)?;
            let ticket = Ticket { id: held.label().id, claim: held.label().claim.clone() };
            if let Err(error) = self.talk().ask(&Request::Answer(ticket)) {
                if matches!(error, NetError::Gone(_)) {
                    drop(held.take()?);
                }
                return Err(error);
            }
            let _taken = held.take()?;
            self.talk().signal()?;
            let (channel, counter, traffic) = self.channel();
            let client = Client::resume(self.program.clone(), channel, counter, prepared)?;
            let (outputs, trace) = client.answer(input.to_vec(), observer)?;
            Ok(self.report(outputs, trace, &traffic))
        };
        run().map_err(|error| interrupted_or(error, &cancel))
    }

    /// Before anything is asked for or used up.
    fn check_size(&self, input: &[i64]) -> Result<()> {
        let expected = self.program.network.network.input.len();
        if input.len() == expected {
            return Ok(());
        }
        let reason = format!("the input has {} values, the network takes {expected}", input.len());
        Err(BackendError::program(reason).into())
    }

    /// A client of one new inference, with secrets of its own.
    fn client(&self, storage: Storage) -> Result<(Client, Arc<Traffic>)> {
        let (channel, counter, traffic) = self.channel();
        let client = Client::new(self.program.clone(), channel, counter, Seed::from_system()?, storage)?;
        Ok((client, traffic))
    }

    fn talk(&mut self) -> Talk<'_> {
        Talk { stream: &mut self.connection, timeout: self.timeout }
    }

    fn channel(&self) -> (Channel, Arc<Counter>, Arc<Traffic>) {
        let counter = Arc::new(Counter::default());
        let channel = Channel::new(Box::new(self.connection.clone()), Party::Client, counter.clone());
        let channel = channel.with_timeout(self.timeout);
        let traffic = channel.traffic();
        (channel, counter, traffic)
    }

    fn report(&self, outputs: Vec<i64>, trace: Trace, program: &Traffic) -> Inference {
        let socket = self.connection.traffic();
        let both = |traffic: &Traffic| [traffic.sent(), traffic.received()];
        Inference { outputs, trace, program_bytes: both(program), socket_bytes: both(&socket) }
    }
}

/// What looks like a broken connection is the user's wish after [`Cancel::cancel`].
fn interrupted_or(error: NetError, cancel: &Cancel) -> NetError {
    if cancel.is_cancelled() { NetError::Interrupted } else { error }
}
