//! Messages between the parties: every payload has a header with its step and length, and every byte is counted.

use crate::buffer::Buffer;
use crate::counter::Counter;
use crate::error::{BackendError, Result};
use pisim_protocol::{Party, StepId, Work, wire};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A reliable byte stream to the peer: TCP, or [`memory_pair`].
pub trait Transport: Read + Write + Send {}

impl<T: Read + Write + Send> Transport for T {}

/// One party's end of the connection.
pub struct Channel {
    transport: Box<dyn Transport>,
    party: Party,
    counter: Arc<Counter>,
}

impl Channel {
    /// A channel of `party` over a byte stream; bytes sent are added to `counter`.
    pub fn new(transport: Box<dyn Transport>, party: Party, counter: Arc<Counter>) -> Self {
        Self { transport, party, counter }
    }

    /// Sends the message of `step`.
    pub fn send(&mut self, step: StepId, payload: &[u8]) -> Result<()> {
        let mut header = Vec::with_capacity(wire::HEADER_BYTES as usize);
        header.extend_from_slice(&(step.0 as u32).to_le_bytes());
        header.extend_from_slice(&(payload.len() as u64).to_le_bytes());
        self.write(&header)?;
        self.write(payload)?;
        Ok(self.transport.flush()?)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.transport.write_all(bytes)?;
        let count = bytes.len() as u64;
        self.counter.add(match self.party {
            Party::Client => Work { bytes_up: count, ..Work::default() },
            Party::Server => Work { bytes_down: count, ..Work::default() },
        });
        Ok(())
    }

    /// Receives the message of `step`, which must have exactly `expected` bytes.
    ///
    /// # Errors
    /// A closed connection, another step's message, or another length; nothing is allocated before the length is known
    /// to be the expected one.
    pub fn receive(&mut self, step: StepId, expected: u64) -> Result<Buffer> {
        let (mut number, mut length) = ([0; 4], [0; 8]);
        self.transport.read_exact(&mut number)?;
        self.transport.read_exact(&mut length)?;
        let (number, length) = (u32::from_le_bytes(number), u64::from_le_bytes(length));
        if number as usize != step.0 {
            let reason = format!("expected its message, received that of step {number}");
            return Err(BackendError::protocol(step.0, reason));
        }
        if length != expected {
            let reason = format!("expected a message of {expected} bytes, received a header of {length}");
            return Err(BackendError::protocol(step.0, reason));
        }
        let mut payload = Buffer::new(expected as usize);
        self.transport.read_exact(payload.bytes_mut())?;
        Ok(payload)
    }
}

/// Bytes that an in-memory connection holds in each direction before the sender waits for the receiver.
const WINDOW_BYTES: usize = 64 << 20;
/// Bytes that travel together; their memory is used again and again.
const PIECE_BYTES: usize = 256 << 10;

/// One direction of an in-memory connection.
#[derive(Default)]
struct Pipe {
    state: Mutex<PipeState>,
    changed: Condvar,
}

#[derive(Default)]
struct PipeState {
    pieces: VecDeque<Vec<u8>>,
    spare: Vec<Vec<u8>>,
    closed: bool,
}

impl Pipe {
    fn lock(&self) -> MutexGuard<'_, PipeState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, guard: MutexGuard<'a, PipeState>) -> MutexGuard<'a, PipeState> {
        self.changed.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }
}

/// One end of an in-memory connection.
pub struct MemoryTransport {
    outgoing: Arc<Pipe>,
    incoming: Arc<Pipe>,
    piece: Vec<u8>,
    read: usize,
}

/// The two ends of an in-memory connection.
pub fn memory_pair() -> (MemoryTransport, MemoryTransport) {
    let (up, down) = (Arc::new(Pipe::default()), Arc::new(Pipe::default()));
    let end = |outgoing: &Arc<Pipe>, incoming: &Arc<Pipe>| MemoryTransport {
        outgoing: outgoing.clone(),
        incoming: incoming.clone(),
        piece: Vec::new(),
        read: 0,
    };
    (end(&up, &down), end(&down, &up))
}

impl Drop for MemoryTransport {
    fn drop(&mut self) {
        self.outgoing.close();
        self.incoming.close();
    }
}

impl Read for MemoryTransport {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.piece.len() {
            let mut state = self.incoming.lock();
            let used = std::mem::take(&mut self.piece);
            state.spare.push(used);
            while state.pieces.is_empty() && !state.closed {
                state = self.incoming.wait(state);
            }
            // What was sent before the peer closed is still read; then comes the end of the stream.
            self.piece = state.pieces.pop_front().unwrap_or_default();
            self.read = 0;
            self.incoming.changed.notify_all();
        }
        let rest = self.piece.get(self.read..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.read += count;
        Ok(count)
    }
}

impl Write for MemoryTransport {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = buffer.len().min(PIECE_BYTES);
        if count == 0 {
            return Ok(0);
        }
        let mut state = self.outgoing.lock();
        while state.pieces.len() >= WINDOW_BYTES / PIECE_BYTES && !state.closed {
            state = self.outgoing.wait(state);
        }
        if state.closed {
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the peer has gone"));
        }
        let mut piece = state.spare.pop().unwrap_or_default();
        drop(state);
        piece.clear();
        piece.extend_from_slice(&buffer[..count]);
        self.outgoing.lock().pieces.push_back(piece);
        self.outgoing.changed.notify_all();
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channels() -> (Channel, Channel, Arc<Counter>) {
        let (client, server) = memory_pair();
        let counter = Arc::new(Counter::default());
        let client = Channel::new(Box::new(client), Party::Client, counter.clone());
        (client, Channel::new(Box::new(server), Party::Server, Arc::default()), counter)
    }

    #[test]
    fn messages_arrive_whole_and_their_bytes_are_counted_with_the_header() {
        let (mut client, mut server, counter) = channels();
        client.send(StepId(3), b"hello").unwrap();
        client.send(StepId(4), b"").unwrap();
        assert_eq!(server.receive(StepId(3), 5).unwrap().bytes(), b"hello");
        assert_eq!(server.receive(StepId(4), 0).unwrap().bytes(), b"");
        assert_eq!(counter.take().bytes_up, 5 + 2 * wire::HEADER_BYTES);
    }

    #[test]
    fn a_message_of_another_step_or_length_is_a_protocol_error() {
        let (mut client, mut server, _) = channels();
        client.send(StepId(3), b"hello").unwrap();
        assert!(matches!(server.receive(StepId(2), 5), Err(BackendError::Protocol { step: 2, .. })));
        let (mut client, mut server, _) = channels();
        client.send(StepId(3), b"hello").unwrap();
        assert!(matches!(server.receive(StepId(3), 6), Err(BackendError::Protocol { step: 3, .. })));
    }

    #[test]
    fn a_peer_that_hangs_up_is_a_connection_error() {
        let (client, mut server, _) = channels();
        drop(client);
        assert!(matches!(server.receive(StepId(0), 1), Err(BackendError::Connection(_))));
    }
}
