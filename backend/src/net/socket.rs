//! A TCP stream with a deadline, which counts the bytes that cross it.

use crate::channel::Traffic;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The stream under TLS, or the connection itself without TLS.
pub(super) struct Socket {
    stream: TcpStream,
    deadline: Option<Instant>,
    traffic: Arc<Traffic>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream) -> io::Result<Self> {
        // Messages leave whole; waiting for more to send would only add delay.
        stream.set_nodelay(true)?;
        Ok(Self { stream, deadline: None, traffic: Arc::default() })
    }

    pub(super) fn traffic(&self) -> Arc<Traffic> {
        self.traffic.clone()
    }

    pub(super) fn set_deadline(&mut self, deadline: Option<Instant>) -> io::Result<()> {
        self.deadline = deadline;
        if deadline.is_none() {
            self.stream.set_read_timeout(None)?;
            self.stream.set_write_timeout(None)?;
        }
        Ok(())
    }

    /// Tells the peer that nothing more will be sent.
    pub(super) fn finish_sending(&self) {
        // A peer that has gone need not be told.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    fn left(&self) -> io::Result<Option<Duration>> {
        let Some(deadline) = self.deadline else { return Ok(None) };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(left) = self.left()? {
            self.stream.set_read_timeout(Some(left))?;
        }
        let count = self.stream.read(buffer)?;
        self.traffic.add_received(count as u64);
        Ok(count)
    }
}

impl Write for Socket {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if let Some(left) = self.left()? {
            self.stream.set_write_timeout(Some(left))?;
        }
        let count = self.stream.write(buffer)?;
        self.traffic.add_sent(count as u64);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
