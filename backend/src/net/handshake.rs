//! The handshake, byte by byte. Every field has a fixed length except a refusal's text, which is bounded.
//!
//! ```text
//! client → server   magic 8 | wire version 4 | agreement 288
//! server → client   magic 8 | wire version 4 | status 1 | model 32
//! client → server   request 1 | precompute's number 16 | claim 32
//! server → client   status 1 | precompute's number 16 | claim 32
//! ```
//! A status other than 0 is a refusal (2: that precompute is not there any more, 1: anything else): the text's length (2 bytes) and the text follow in place of the rest, and the connection
//! ends. Magic, wire version and the refusal keep their places in all versions.
//!
//! A *claim* is a random secret that the server hands out with a precompute and asks for when it is used: the number alone
//! shows in file names and logs.

use super::agreement::{Agreement, ModelId, printable};
use super::{NetError, Result};
use crate::channel::Transport;
use crate::random::Seed;
use crate::store::{Claim, PrecomputeId};
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

const MAGIC: [u8; 8] = *b"\x89pisim\r\n";
/// Raised when any message of the handshake or the protocol changes its layout within one crate version.
const WIRE_VERSION: u32 = 1;
/// The longest text of a refusal.
const MAX_REASON_BYTES: usize = 512;
/// The status bytes.
const ACCEPTED: u8 = 0;
const REFUSED: u8 = 1;
const GONE: u8 = 2;
/// First bytes of TLS records: of a client's first message, and of an alert.
const TLS_HELLO: [u8; 2] = [0x16, 0x03];
const TLS_ALERT: [u8; 2] = [0x15, 0x03];

/// What a client wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Request {
    /// All phases of one inference.
    Infer,
    /// Setup and offline phase, kept on both sides.
    Prepare,
    /// The online phase of what was prepared.
    Answer(Ticket),
}

/// A precompute's public number and its secret claim.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ticket {
    pub(super) id: PrecomputeId,
    pub(super) claim: Claim,
}

impl Ticket {
    const BYTES: usize = 48;

    /// A new one, which nobody can guess.
    pub(super) fn random() -> Result<Self> {
        let seed = Seed::from_system()?;
        let (id, claim) = (seed.derive("precompute id", 0), seed.derive("precompute claim", 0));
        let mut ticket = Self { id: PrecomputeId::default(), claim: Claim(claim.0) };
        ticket.id.0.iter_mut().zip(id.0).for_each(|(to, from)| *to = from);
        Ok(ticket)
    }

    fn write(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let (id, claim) = bytes.split_at_mut(16);
        id.copy_from_slice(&self.id.0);
        claim.copy_from_slice(&self.claim.0);
        bytes
    }

    fn read(bytes: &[u8; Self::BYTES]) -> Self {
        let mut ticket = Self::default();
        let (id, claim) = bytes.split_at(16);
        ticket.id.0.copy_from_slice(id);
        ticket.claim.0.copy_from_slice(claim);
        ticket
    }
}

/// The stream during the handshake: every message within one timeout.
pub(super) struct Talk<'a> {
    pub(super) stream: &'a mut dyn Transport,
    pub(super) timeout: Duration,
}

impl Talk<'_> {
    fn read<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        self.start_clock()?;
        self.stream.read_exact(bytes).map_err(failed)
    }

    fn write(&mut self, parts: &[&[u8]]) -> Result<()> {
        self.start_clock()?;
        self.stream.write_all(&parts.concat()).and_then(|()| self.stream.flush()).map_err(failed)
    }

    fn start_clock(&mut self) -> Result<()> {
        self.stream.set_deadline(Instant::now().checked_add(self.timeout)).map_err(failed)
    }

    /// The client's first message and the server's answer: the server's model.
    pub(super) fn greet(&mut self, agreement: &Agreement) -> Result<ModelId> {
        self.write(&[&MAGIC, &WIRE_VERSION.to_le_bytes(), &agreement.write()])?;
        let start: [u8; 2] = self.read()?;
        if start == TLS_ALERT {
            let reason = "it speaks TLS; give the fingerprint of its certificate".to_owned();
            return Err(NetError::Foreign { expected: "server without TLS", reason });
        }
        let version = self.read_version(start, "server")?;
        self.read_status()?;
        if version != WIRE_VERSION {
            let reason = format!("it speaks wire version {version}, this is version {WIRE_VERSION}");
            return Err(NetError::Foreign { expected: "server of this version", reason });
        }
        Ok(ModelId(self.read()?))
    }

    /// The rest of magic and version.
    fn read_version(&mut self, start: [u8; 2], expected: &'static str) -> Result<u32> {
        let rest: [u8; 6] = self.read()?;
        let magic = [&start[..], &rest].concat();
        if magic != MAGIC {
            let reason = format!("it sent {:?} first", printable(&magic));
            return Err(NetError::Foreign { expected, reason });
        }
        Ok(u32::from_le_bytes(self.read()?))
    }

    fn read_status(&mut self) -> Result<()> {
        let [status] = self.read()?;
        if status == ACCEPTED {
            return Ok(());
        }
        let length = usize::from(u16::from_le_bytes(self.read()?));
        let mut text = vec![0; length.min(MAX_REASON_BYTES)];
        self.fill(&mut text)?;
        let reason = printable(&text);
        Err(if status == GONE { NetError::Gone(reason) } else { NetError::Refused(reason) })
    }

    /// The client's request and the server's answer: the precompute that will be made, or is to be used.
    pub(super) fn ask(&mut self, request: &Request) -> Result<Ticket> {
        let (kind, ticket) = match request {
            Request::Infer => (1, Ticket::default()),
            Request::Prepare => (2, Ticket::default()),
            Request::Answer(ticket) => (3, ticket.clone()),
        };
        self.write(&[&[kind], &ticket.write()])?;
        self.read_status()?;
        Ok(Ticket::read(&self.read()?))
    }

    /// The server's side of [`Talk::greet`]; a client that differs is refused.
    pub(super) fn welcome(&mut self, ours: &Agreement, model: ModelId) -> Result<()> {
        let start: [u8; 2] = self.read()?;
        if start == TLS_HELLO {
            let reason = "it speaks TLS, and this server was started without".to_owned();
            return Err(NetError::Foreign { expected: "client without TLS", reason });
        }
        let version = self.read_version(start, "client")?;
        if version != WIRE_VERSION {
            let reason = format!("the server speaks wire version {WIRE_VERSION}, the client version {version}");
            return self.turn_away(reason);
        }
        let theirs = Agreement::read(&self.read()?);
        match ours.difference(&theirs) {
            Some(difference) => self.turn_away(difference),
            None => self.write(&[&MAGIC, &WIRE_VERSION.to_le_bytes(), &[ACCEPTED], &model.0]),
        }
    }

    /// Refuses before the client was welcome.
    pub(super) fn turn_away(&mut self, reason: String) -> Result<()> {
        self.write(&[&MAGIC, &WIRE_VERSION.to_le_bytes(), &refusal(REFUSED, &reason)])?;
        Err(NetError::Refusing(reason))
    }

    /// The server's side of [`Talk::ask`], to be answered by [`Talk::accept`] or [`Talk::refuse`].
    pub(super) fn hear(&mut self) -> Result<Request> {
        let [kind] = self.read()?;
        let ticket = Ticket::read(&self.read()?);
        match kind {
            1 | 2 if ticket != Ticket::default() => self.refuse("a new inference has no ticket".to_owned()),
            1 => Ok(Request::Infer),
            2 => Ok(Request::Prepare),
            3 => Ok(Request::Answer(ticket)),
            _ => self.refuse(format!("request {kind} is unknown")),
        }
    }

    pub(super) fn accept(&mut self, ticket: &Ticket) -> Result<()> {
        self.write(&[&[ACCEPTED], &ticket.write()])
    }

    pub(super) fn refuse<T>(&mut self, reason: String) -> Result<T> {
        self.write(&[&refusal(REFUSED, &reason)])?;
        Err(NetError::Refusing(reason))
    }

    /// Refuses because the precompute is not there any more, so that the client need not keep its half.
    pub(super) fn refuse_gone<T>(&mut self, reason: String) -> Result<T> {
        self.write(&[&refusal(GONE, &reason)])?;
        Err(NetError::Refusing(reason))
    }

    /// One side has done what the other waits for.
    pub(super) fn signal(&mut self) -> Result<()> {
        self.write(&[&[ACCEPTED]])
    }

    /// Waits for the other side's [`Talk::signal`], or its refusal.
    pub(super) fn wait(&mut self) -> Result<()> {
        self.read_status()
    }
}

/// A status and its text.
fn refusal(status: u8, reason: &str) -> Vec<u8> {
    let mut end = reason.len().min(MAX_REASON_BYTES);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let text = reason.get(..end).unwrap_or_default().as_bytes();
    [&[status], &(text.len() as u16).to_le_bytes()[..], text].concat()
}

fn failed(error: io::Error) -> NetError {
    let explained = match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => io::Error::new(ErrorKind::TimedOut, "the peer stalled"),
        ErrorKind::UnexpectedEof => io::Error::new(ErrorKind::UnexpectedEof, "the peer closed the connection"),
        _ => error,
    };
    NetError::Handshake(explained)
}
