//! Messages between the parties: every payload has a header with its step and length, every byte is counted, and no wait
//! is longer than the channel's timeout.

mod limits;
mod traffic;

pub use traffic::Traffic;

use self::limits::{LEAST_RATE, Limits, SPARE_TIMEOUTS};
use crate::buffer::Buffer;
use crate::counter::Counter;
use crate::error::{BackendError, Result};
use pisim_protocol::{Party, StepId, Work, wire};
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A reliable byte stream to the peer: TCP, TLS, or [`memory_pair`](crate::memory_pair).
pub trait Transport: Read + Write + Send {
    /// From now on, a read or write that has moved nothing by `deadline` fails with [`io::ErrorKind::TimedOut`] (or
    /// `WouldBlock`); `None` waits for ever.
    ///
    /// # Errors
    /// What the operating system says.
    fn set_deadline(&mut self, deadline: Option<Instant>) -> io::Result<()>;
}

/// Bytes that must move within one timeout: a peer that lets them drip is as bad as one that stalls.
const PIECE_BYTES: usize = 256 << 10;
/// Messages up to this size leave in one write together with their header.
const SMALL_BYTES: usize = 64 << 10;

/// One party's end of the connection.
pub struct Channel {
    transport: Box<dyn Transport>,
    party: Party,
    counter: Arc<Counter>,
    traffic: Arc<Traffic>,
    limits: Option<Limits>,
    /// Time that this end has waited for its peer, to send or to take, and bytes that moved in it.
    waited: Duration,
    moved: u64,
    /// The message that is being sent or received in parts.
    step: StepId,
    to_send: u64,
    to_receive: u64,
    /// Bytes that wait for the rest of their message, or for more than [`SMALL_BYTES`].
    pending: Vec<u8>,
}

impl Channel {
    /// A channel of `party` over a byte stream; bytes sent are added to `counter`. It waits for its peer for ever.
    pub fn new(transport: Box<dyn Transport>, party: Party, counter: Arc<Counter>) -> Self {
        let (traffic, step) = (Arc::default(), StepId(0));
        Self {
            transport,
            party,
            counter,
            traffic,
            limits: None,
            waited: Duration::ZERO,
            moved: 0,
            step,
            to_send: 0,
            to_receive: 0,
            pending: Vec::new(),
        }
    }

    /// The same channel with a limit: each message must begin, and every further 256 KiB of it must move, within `timeout`.
    /// It has to be longer than the peer computes between two messages.
    ///
    /// A peer that stays just below that limit for every piece would still hold this end for days. All waiting together
    /// may therefore take ten timeouts, and one second for every 256 KiB that moved: a run of 1 GB on a link of 2 Mbit/s
    /// ends in time, and nobody can make it longer than that by much.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        self.with_limits(timeout, LEAST_RATE)
    }

    fn with_limits(self, timeout: Duration, rate: u64) -> Self {
        Self { limits: Some(Limits { timeout, rate }), ..self }
    }

    /// What this channel has moved, also after the channel is gone.
    pub fn traffic(&self) -> Arc<Traffic> {
        self.traffic.clone()
    }

    /// Sends the message of `step`.
    ///
    /// # Errors
    /// A connection that failed, or a peer that did not take it within the timeout.
    pub fn send(&mut self, step: StepId, payload: &[u8]) -> Result<()> {
        self.begin(step, payload.len() as u64)?;
        self.send_part(payload)
    }

    /// Begins the message of `step`, whose `bytes` bytes follow by [`Channel::send_part`].
    ///
    /// # Errors
    /// As [`Channel::send`]; also a message before it that is not complete.
    pub fn begin(&mut self, step: StepId, bytes: u64) -> Result<()> {
        if self.to_send != 0 {
            let reason = format!("step {} has not sent all of its message", self.step.0);
            return Err(BackendError::program(reason));
        }
        (self.step, self.to_send) = (step, bytes);
        let mut header = [0; wire::HEADER_BYTES as usize];
        let (number, length) = header.split_at_mut(4);
        number.copy_from_slice(&(step.0 as u32).to_le_bytes());
        length.copy_from_slice(&bytes.to_le_bytes());
        self.write(&header)?;
        if bytes == 0 { self.flush() } else { Ok(()) }
    }

    /// Sends the next part of the message that was begun; after its last part, the message is on its way.
    ///
    /// # Errors
    /// As [`Channel::send`]; also a part that goes beyond the message.
    pub fn send_part(&mut self, part: &[u8]) -> Result<()> {
        let bytes = part.len() as u64;
        let beyond = || BackendError::program(format!("step {} sends more than it announced", self.step.0));
        self.to_send = self.to_send.checked_sub(bytes).ok_or_else(beyond)?;
        self.write(part)?;
        if self.to_send == 0 { self.flush() } else { Ok(()) }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if self.pending.len() + bytes.len() > SMALL_BYTES {
            self.write_pending()?;
        }
        if bytes.len() > SMALL_BYTES {
            for piece in bytes.chunks(PIECE_BYTES) {
                self.wait(piece.len(), |transport| transport.write_all(piece))?;
            }
        } else {
            self.pending.extend_from_slice(bytes);
        }
        let count = bytes.len() as u64;
        self.traffic.add_sent(count);
        self.counter.add(match self.party {
            Party::Client => Work { bytes_up: count, ..Work::default() },
            Party::Server => Work { bytes_down: count, ..Work::default() },
        });
        Ok(())
    }

    fn write_pending(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let mut pending = std::mem::take(&mut self.pending);
        let result = self.wait(pending.len(), |transport| transport.write_all(&pending));
        pending.clear();
        self.pending = pending;
        result
    }

    fn flush(&mut self) -> Result<()> {
        self.write_pending()?;
        self.wait(0, |transport| transport.flush())
    }

    /// Receives the message of `step`, which must have exactly `expected` bytes.
    ///
    /// # Errors
    /// A closed connection, a peer that stalls, another step's message, or another length; nothing is allocated before
    /// the length is known to be the expected one.
    pub fn receive(&mut self, step: StepId, expected: u64) -> Result<Buffer> {
        self.expect(step, expected)?;
        let mut payload = Buffer::new(expected as usize);
        self.receive_part(payload.bytes_mut())?;
        Ok(payload)
    }

    /// Receives the header of the message of `step`, whose `expected` bytes follow by [`Channel::receive_part`].
    ///
    /// # Errors
    /// As [`Channel::receive`]; also a message before it that is not complete.
    pub fn expect(&mut self, step: StepId, expected: u64) -> Result<()> {
        if self.to_receive != 0 {
            let reason = format!("step {} comes before the message of step {} is complete", step.0, self.step.0);
            return Err(BackendError::program(reason));
        }
        self.step = step;
        let mut header = [0; wire::HEADER_BYTES as usize];
        self.read(&mut header)?;
        let (number, length) = header.split_at(4);
        let number = u32::from_le_bytes(number.try_into().unwrap_or_default());
        let length = u64::from_le_bytes(length.try_into().unwrap_or_default());
        if number as usize != step.0 {
            let reason = format!("expected its message, received that of step {number}");
            return Err(BackendError::protocol(step.0, reason));
        }
        if length != expected {
            let reason = format!("expected a message of {expected} bytes, received a header of {length}");
            return Err(BackendError::protocol(step.0, reason));
        }
        self.to_receive = expected;
        Ok(())
    }

    /// Receives the next bytes of the message that is expected.
    ///
    /// # Errors
    /// As [`Channel::receive`]; also a part that goes beyond the message.
    pub fn receive_part(&mut self, part: &mut [u8]) -> Result<()> {
        let beyond = || BackendError::program(format!("step {} reads more than its message", self.step.0));
        self.to_receive = self.to_receive.checked_sub(part.len() as u64).ok_or_else(beyond)?;
        self.read(part)
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<()> {
        for piece in bytes.chunks_mut(PIECE_BYTES) {
            let bytes = piece.len();
            self.wait(bytes, |transport| transport.read_exact(piece))?;
            self.traffic.add_received(bytes as u64);
        }
        Ok(())
    }

    /// Moves one piece of a message within the limits.
    fn wait(&mut self, bytes: usize, exchange: impl FnOnce(&mut dyn Transport) -> io::Result<()>) -> Result<()> {
        let Some(limits) = self.limits else { return Ok(exchange(&mut *self.transport)?) };
        let start = Instant::now();
        self.moved = self.moved.saturating_add(bytes as u64);
        let left = limits.until(self.moved).saturating_sub(self.waited);
        self.transport.set_deadline(start.checked_add(limits.timeout.min(left)))?;
        let result = exchange(&mut *self.transport);
        self.waited += start.elapsed();
        result.map_err(|error| self.failed(error, limits, left))
    }

    fn failed(&self, error: io::Error, limits: Limits, left: Duration) -> BackendError {
        let reason = match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock if left < limits.timeout => {
                let Limits { timeout, rate } = limits;
                format!(
                    "the peer is too slow: after {SPARE_TIMEOUTS} waits of {} s it has moved less than {rate} bytes per second",
                    timeout.as_secs_f64()
                )
            }
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
                format!("the peer stalled: nothing moved for {} s", limits.timeout.as_secs_f64())
            }
            _ => return error.into(),
        };
        BackendError::protocol(self.step.0, reason)
    }
}

#[cfg(test)]
mod tests;
