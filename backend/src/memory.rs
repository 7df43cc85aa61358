//! A connection in memory, for two parties in one process.

use crate::channel::Transport;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

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

    /// Waits for a change, at most until the deadline.
    fn wait<'a>(
        &self,
        guard: MutexGuard<'a, PipeState>,
        deadline: Option<Instant>,
    ) -> io::Result<MutexGuard<'a, PipeState>> {
        let Some(deadline) = deadline else {
            return Ok(self.changed.wait(guard).unwrap_or_else(PoisonError::into_inner));
        };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(self.changed.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0)
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
    deadline: Option<Instant>,
}

/// The two ends of an in-memory connection.
pub fn memory_pair() -> (MemoryTransport, MemoryTransport) {
    let (up, down) = (Arc::new(Pipe::default()), Arc::new(Pipe::default()));
    let end = |outgoing: &Arc<Pipe>, incoming: &Arc<Pipe>| MemoryTransport {
        outgoing: outgoing.clone(),
        incoming: incoming.clone(),
        piece: Vec::new(),
        read: 0,
        deadline: None,
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
            self.read = 0;
            if used.capacity() > 0 {
                state.spare.push(used);
            }
            while state.pieces.is_empty() && !state.closed {
                state = self.incoming.wait(state, self.deadline)?;
            }
            // What was sent before the peer closed is still read; then comes the end of the stream.
            self.piece = state.pieces.pop_front().unwrap_or_default();
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
            state = self.outgoing.wait(state, self.deadline)?;
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

impl Transport for MemoryTransport {
    fn set_deadline(&mut self, deadline: Option<Instant>) -> io::Result<()> {
        self.deadline = deadline;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn bytes_arrive_in_order_and_the_end_follows_what_was_sent() {
        let (mut client, mut server) = memory_pair();
        client.write_all(&[1, 2, 3]).unwrap();
        client.write_all(&[4]).unwrap();
        drop(client);
        let mut all = Vec::new();
        server.read_to_end(&mut all).unwrap();
        assert_eq!(all, [1, 2, 3, 4]);
        assert_eq!(server.write(&[1]).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn a_wait_ends_at_the_deadline_and_the_connection_goes_on_after_it() {
        let (mut client, mut server) = memory_pair();
        let start = Instant::now();
        server.set_deadline(Some(start + Duration::from_millis(30))).unwrap();
        assert_eq!(server.read(&mut [0; 4]).unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(start.elapsed() >= Duration::from_millis(30));
        server.set_deadline(None).unwrap();
        client.write_all(b"late").unwrap();
        let mut four = [0; 4];
        server.read_exact(&mut four).unwrap();
        assert_eq!(&four, b"late");
    }

    #[test]
    fn a_writer_whose_peer_does_not_read_ends_at_the_deadline() {
        let (mut client, _server) = memory_pair();
        client.set_deadline(Some(Instant::now() + Duration::from_millis(50))).unwrap();
        let error = client.write_all(&vec![0; WINDOW_BYTES + 1]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
