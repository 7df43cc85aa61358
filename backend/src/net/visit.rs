//! The server's side of one connection.

use super::connection::Connection;
use super::handshake::{Request, Talk, Ticket};
use super::host::Host;
use super::shelf::Unavailable;
use super::{NetError, Result};
use crate::channel::Channel;
use crate::counter::Counter;
use crate::party::Server;
use crate::random::Seed;
use crate::storage::Storage;
use crate::store::{Label, StoreError};
use pisim_protocol::Party;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

/// Nobody may take longer than this for a message of the handshake, whatever the timeout of the run.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the server waits for a client to read its last words.
const FAREWELL: Duration = Duration::from_secs(1);

/// What a client got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Served {
    /// An answer.
    Answer,
    /// A precompute for later.
    Precompute,
}

/// Serves one connection until its end.
pub(super) fn receive(host: &Host, stream: TcpStream) -> Result<Served> {
    let mut connection = Connection::accepted(stream, host.tls.as_ref())?;
    let served = converse(host, &mut connection);
    connection.finish(FAREWELL);
    served
}

/// Tells a client that it cannot be served now.
pub(super) fn turn_away(host: &Host, stream: TcpStream, reason: String) -> Result<()> {
    let mut connection = Connection::accepted(stream, host.tls.as_ref())?;
    let refused = Talk { stream: &mut connection, timeout: FAREWELL }.turn_away(reason);
    connection.finish(FAREWELL);
    refused
}

fn converse(host: &Host, connection: &mut Connection) -> Result<Served> {
    let mut talk = Talk { stream: connection, timeout: HANDSHAKE_TIMEOUT.min(host.timeout) };
    talk.welcome(&host.agreement, host.model)?;
    match talk.hear()? {
        Request::Infer => {
            talk.accept(&Ticket::default())?;
            infer(host, connection).map(|()| Served::Answer)
        }
        Request::Prepare => prepare(host, connection).map(|()| Served::Precompute),
        Request::Answer(ticket) => answer(host, connection, &ticket).map(|()| Served::Answer),
    }
}

fn infer(host: &Host, connection: &Connection) -> Result<()> {
    let storage = Storage::in_memory(host.memory_bytes());
    server(host, connection, storage)?.run(&mut |_| {})?;
    Ok(())
}

/// Setup and offline phase. The server's half is on the disk before the client's half appears, so that no client has a
/// precompute that its server lacks.
fn prepare(host: &Host, connection: &mut Connection) -> Result<()> {
    let ticket = Ticket::random()?;
    let label =
        Label { id: ticket.id, claim: ticket.claim.clone(), program: host.agreement.program(), model: host.model };
    let begun = host.shelf.begin(label);
    let mut talk = Talk { stream: connection, timeout: host.timeout };
    let slot = match begun {
        Ok(Some(slot)) => slot,
        Ok(None) => return talk.refuse("the server keeps as many precomputes as it may; use some first".to_owned()),
        Err(error) => return apologise(&mut talk, "cannot keep precomputes", error),
    };
    talk.accept(&ticket)?;
    let (prepared, _) = server(host, connection, slot.storage(host.memory_bytes())?)?.prepare(&mut |_| {})?;
    let mut talk = Talk { stream: connection, timeout: host.timeout };
    // The client's half is on its disk, under a temporary name.
    talk.wait()?;
    match slot.publish(prepared) {
        Ok(()) => talk.signal(),
        Err(error) => apologise(&mut talk, "could not keep the precompute", error),
    }
}

/// The online phase of a precompute.
fn answer(host: &Host, connection: &mut Connection, ticket: &Ticket) -> Result<()> {
    let lent = host.shelf.lend(ticket, host.agreement.program(), host.model);
    let mut talk = Talk { stream: connection, timeout: host.timeout };
    let lent = match lent {
        Ok(lent) => lent,
        Err(Unavailable::Gone) => {
            return talk.refuse_gone(format!("the server has no precompute {} of this client", ticket.id));
        }
        Err(Unavailable::Because(NetError::Store(StoreError::InUse { id }))) => {
            return talk.refuse(format!("precompute {id} is in use; try again later"));
        }
        Err(Unavailable::Because(error)) => {
            return apologise(&mut talk, "cannot use its half of the precompute", error);
        }
    };
    talk.accept(ticket)?;
    // The client has used up its half. From here on, so has the server, whatever happens.
    talk.wait()?;
    let (prepared, _taken) = lent.take()?;
    let (channel, counter) = channel(host, connection);
    Server::resume(host.program.clone(), channel, counter, prepared, host.weights.clone())?.answer(&mut |_| {})?;
    Ok(())
}

/// Tells the client in a few words what this server's log has in full.
fn apologise(talk: &mut Talk<'_>, what: &str, error: NetError) -> Result<()> {
    // The fault itself is what matters, whether the client hears of it or not.
    let _ = talk.refuse::<()>(format!("the server {what}; its log says why"));
    Err(error)
}

/// A server of one new inference, with secrets of its own.
fn server(host: &Host, connection: &Connection, storage: Storage) -> Result<Server> {
    let (channel, counter) = channel(host, connection);
    let (program, weights) = (host.program.clone(), host.weights.clone());
    let server = Server::new(program, channel, counter, Seed::from_system()?, storage, weights)?;
    Ok(server.with_prepared_weights(host.prepared_weights.clone()))
}

fn channel(host: &Host, connection: &Connection) -> (Channel, Arc<Counter>) {
    let counter = Arc::new(Counter::default());
    let channel = Channel::new(Box::new(connection.clone()), Party::Server, counter.clone());
    (channel.with_timeout(host.timeout), counter)
}
